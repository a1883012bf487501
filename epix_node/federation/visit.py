"""What the parts of one visit to a peer share (``pull``): whom they ask for whom, and what came so far.

A visit does not know when it happens, how long it may take or what becomes of a failure; its parts raise ``PeerError``
where the peer is at fault and ``mirror.Overtaken`` where another process visited the same peer.

Not here: the parts, ``register_visit`` and ``document_visit``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.acts.office import Office
from epix_node.clock import Clock
from epix_node.config import Config
from epix_node.errors import NotFoundError, PeerProtocolError
from epix_node.federation import mirror
from epix_node.federation.client import PeerClient
from epix_node.federation.verifying import Verifying
from epix_node.store.database import Database
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState

T = TypeVar("T")


class PullingNode(Protocol):
    """What pulling needs of the node that is open (``node.Node``, which stands above this room)."""

    @property
    def config(self) -> Config:
        """The settings."""

    @property
    def clock(self) -> Clock:
        """The node's own clock, which may be a shared one."""

    def clock_itself(self) -> datetime:
        """What that clock shows, without the floor that signed times have set under it."""

    @property
    def office(self) -> Office:
        """Database, trust and rules of the own Party."""

    @property
    def transport_key(self) -> Ed25519PrivateKey:
        """Signs this node's requests."""

    @property
    def transport_kid(self) -> str:
        """The id of that key in the own manifest."""


@dataclass(slots=True)
class Brought:
    """What came so far; it counts on when a visit begins again."""

    documents: int = 0
    quarantined: int = 0
    leaves: int = 0
    rollback: str | None = None
    """Why the peer seems to come back from a backup."""


class Pace(Protocol):
    """How the visit shares its node with others."""

    def step_completed(self) -> None:
        """A transaction brought the visit forward: it may take as long again."""

    def catching_up(self) -> AbstractAsyncContextManager[None]:
        """One visit at a time is in this block; however long it waits, it is not given up meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit to one peer."""

    node: PullingNode
    party: str
    client: PeerClient
    verifying: Verifying
    brought: Brought
    pace: Pace

    @property
    def database(self) -> Database:
        """The own node's."""
        return self.node.office.database

    async def standing(self) -> tuple[PeerState, RegisterState | None]:
        """Where pulling from this peer stands, and how much of its register is held."""
        peer, held = await self.database.read(mirror.standing, self.party)
        if peer is None:
            raise NotFoundError(f"{self.party} is no peer any more")
        return peer, held

    def nonsense(self, what: str, *, code: str | None = None) -> PeerProtocolError:
        """The peer's answer is none: ``what`` goes on from "the peer sent"."""
        return PeerProtocolError(f"{self.party} sent {what}", party=self.party, code=code)


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class _End:
    """Nothing more comes."""


@asynccontextmanager
async def ahead(source: AsyncGenerator[T, None], *, by: int = 1) -> AsyncIterator[AsyncGenerator[T, None]]:
    """What ``source`` gives, in its order, made while the block works on what came before: up to ``by`` in advance.

    What it raises is raised after everything that it gave before. It is stopped and closed where the block ends early.
    """
    made: asyncio.Queue[T | _Failed | _End] = asyncio.Queue(by)

    async def make() -> None:
        try:
            async with aclosing(source):
                async for one in source:
                    await made.put(one)
        except Exception as error:  # noqa: BLE001 # raised again where it is waited for
            await made.put(_Failed(error))
        else:
            await made.put(_End())

    async def taken() -> AsyncGenerator[T, None]:
        while True:
            one = await made.get()
            if isinstance(one, _End):
                return
            if isinstance(one, _Failed):
                raise one.error
            yield one

    making = asyncio.create_task(make())
    try:
        async with aclosing(taken()) as results:
            yield results
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
