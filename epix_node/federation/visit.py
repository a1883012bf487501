"""One visit to a peer: the questions of a pull in their order, and the transaction after each (``pull``, steps 1 to 4).

A visit does not know when it happens, how long it may take or what becomes of a failure; it raises ``PeerError`` where
the peer is at fault and ``mirror.Overtaken`` where another process visited the same peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.acts.office import Office
from epix_node.clock import Clock, format_time
from epix_node.config import Config
from epix_node.errors import MalformedDocumentError, NotFoundError, PeerProtocolError, TrustError
from epix_node.exchange import ingest
from epix_node.exchange.ingest import Listed, Refused
from epix_node.federation import mirror
from epix_node.federation.client import PeerClient
from epix_node.federation.messages import MAX_BATCH_DIGESTS, FeedPage
from epix_node.federation.mirror import Entry, Mentioned
from epix_node.register.bundle import BUNDLE_ENTRIES
from epix_node.register.checkpoint import VerifiedCheckpoint, verify_checkpoint
from epix_node.register.entry import parse_leaf
from epix_node.register.merkle import leaf_hash
from epix_node.store.database import Database
from epix_node.store.documents import Arrival
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState
from epix_node.trust.keyring import Keyring

PAGE_ENTRIES = 256
"""Entries asked of a feed at once: as many as one batch may ask documents for."""

BUNDLES_PER_TRANSACTION = 16
"""4,096 entries: some 20 ms of the only writer."""

MAX_AHEAD = timedelta(minutes=5)
"""How far a peer's cosignature may lie ahead of this node's clock (C.5); a watermark from the future never ages."""

log = structlog.get_logger("epix_node.federation")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit to one peer. ``step_completed`` is called after every transaction that brought it forward."""

    node: PullingNode
    party: str
    client: PeerClient
    verifying: asyncio.Lock
    brought: Brought
    step_completed: Callable[[], None] = field(default=lambda: None)

    async def run(self) -> None:
        """Everything that the peer has for us is here.

        Raises:
            PeerError: the peer does not answer, refuses, or makes no sense; every step up to there stays.
            Overtaken: another process pulls from the same peer; begin again.
        """
        await self._register()
        if self.brought.rollback is None:
            await self._feed()
            await self._wanted()

    @property
    def _database(self) -> Database:
        return self.node.office.database

    async def _standing(self) -> tuple[PeerState, RegisterState | None]:
        peer, held = await self._database.read(mirror.standing, self.party)
        if peer is None:
            raise NotFoundError(f"{self.party} is no peer any more")
        return peer, held

    # Steps 1 and 2: the register

    async def _register(self) -> None:
        """The mirror holds the peer's newest checkpoint, verified down to its root."""
        peer, held = await self._standing()
        fetched = await self.client.checkpoint(peer.etag if held is not None else None)
        if fetched is None:
            return
        verified = self._verified(fetched.note)
        checkpoint = verified.checkpoint
        if held is not None:
            if held.origin != checkpoint.origin:
                await self._freeze(f"the register {held.origin} became {checkpoint.origin}")
            if checkpoint.size < held.checkpoint_size:
                self.brought.rollback = (
                    f"rollback suspected: a checkpoint of size {checkpoint.size}, {held.checkpoint_size} is held"
                )
                return
            if checkpoint.size == held.checkpoint_size and (root := mirror.held_root(held)) is not None:
                if checkpoint.root != root:
                    await self._freeze(
                        f"two checkpoints of size {checkpoint.size}: root {checkpoint.root.hex()}, {root.hex()} is held"
                    )
                await self._database.write(mirror.take_time, self.party, verified, etag=fetched.etag)
                self.step_completed()
                return
            if held.edge.size > checkpoint.size:
                # Left over from a pull towards a larger checkpoint that is not the peer's word any more.
                await self._database.write(mirror.forget_unverified, self.party)
                _, held = await self._standing()
        await self._entries(verified, start=held.edge.size if held is not None else 0, etag=fetched.etag)

    def _verified(self, note: bytes) -> VerifiedCheckpoint:
        keyring = self.node.office.keyring()
        origin, log_key = keyring.origin(self.party), keyring.log_key(self.party)
        if origin is None or log_key is None:
            raise NotFoundError(f"{self.party} is no peer any more")
        try:
            verified = verify_checkpoint(
                note, origin=origin, log_key=log_key, cosigner_key=keyring.cosigner_key(self.party)
            )
        except (MalformedDocumentError, TrustError) as error:
            raise PeerProtocolError(
                f"{self.party}: checkpoint refused: {error}", party=self.party, code=error.code
            ) from error
        now = self.node.clock()
        if verified.cosigned_at is not None and verified.cosigned_at > now + MAX_AHEAD:
            raise PeerProtocolError(
                f"{self.party}: checkpoint of {format_time(verified.cosigned_at)}, here it is {format_time(now)}",
                party=self.party,
                code="CLOCK_AHEAD",
            )
        return verified

    async def _entries(self, target: VerifiedCheckpoint, *, start: int, etag: str | None) -> None:
        """The mirror has the entries up to the target, and the target counts."""
        size = target.checkpoint.size
        for group in _groups(start, size):
            bundles = [(n, await self.client.bundle(n, min(BUNDLE_ENTRIES, size - n * BUNDLE_ENTRIES))) for n in group]
            entries = await asyncio.to_thread(self._read_entries, bundles, start)
            reason = await self._database.write(
                mirror.append, self.party, entries, start=start, target=target, etag=etag, now=self.node.clock()
            )
            if reason is not None:
                raise self._disputed(reason)
            start += len(entries)
            self.brought.leaves += len(entries)
            self.step_completed()

    def _read_entries(self, bundles: Sequence[tuple[int, Sequence[bytes]]], start: int) -> list[Entry]:
        """The entries from ``start`` on, each a leaf that this peer's register may hold."""
        environment = self.node.config.party.environment
        read: list[Entry] = []
        for n, bundle in bundles:
            for index, data in enumerate(bundle, start=n * BUNDLE_ENTRIES):
                if index < start:
                    continue
                try:
                    leaf = parse_leaf(data)
                except MalformedDocumentError as error:
                    raise PeerProtocolError(f"{self.party}: entry {index}: {error}", party=self.party) from error
                if (leaf.party, leaf.environment) != (self.party, environment):
                    raise PeerProtocolError(
                        f"{self.party}: entry {index} is of {leaf.party} in {leaf.environment}", party=self.party
                    )
                read.append(Entry(data=data, leaf_hash=leaf_hash(data)))
        return read

    # Step 3: the feed

    async def _feed(self) -> None:
        """The cursor stands at the end of the mirror."""
        while True:
            peer, held = await self._standing()
            size = held.checkpoint_size if held is not None else 0
            start = peer.next_index
            if start >= size:
                return
            page = await self.client.feed(start, PAGE_ENTRIES)
            self._refuse_wrong_page(page, start=start)
            mentioned = [Mentioned(sha256=entry.document, index=entry.index) for entry in page.entries]
            # Entries beyond the checkpoint that counts are left for the next pull, which will have their leaves.
            await self._take(mentioned, below=size, move=(start, min(page.to, size)))

    def _refuse_wrong_page(self, page: FeedPage, *, start: int) -> None:
        if (page.party, page.env, page.start) != (self.party, self.node.config.party.environment, start):
            raise PeerProtocolError(
                f"{self.party} sent a page of {page.party} in {page.env} from {page.start}, expected {start}",
                party=self.party,
            )
        if page.to == start:
            raise PeerProtocolError(
                f"{self.party} sent a page that examines nothing from {start} on, of {page.size}", party=self.party
            )

    # Step 4: what was listed and not given, and what alerts name

    async def _wanted(self) -> None:
        wanted = await self._database.read(mirror.wanted, self.party)
        if wanted:
            _, held = await self._standing()
            await self._take(wanted, below=held.checkpoint_size if held is not None else 0, move=None)

    # Documents

    async def _take(self, mentioned: Sequence[Mentioned], *, below: int, move: tuple[int, int] | None) -> None:
        """The documents mentioned are recorded as far as the peer gives them; the cursor moved with each answer."""
        left = await self._database.read(mirror.leaves_of_missing, self.party, mentioned, below=below)
        while left or move is not None:
            asked = [one.sha256 for one, _ in left[:MAX_BATCH_DIGESTS]]
            given = await self.client.batch(asked) if asked else {}
            done, left = left[: len(given)], left[len(given) :]
            step, move = _stride(move, left)
            now, perspective = self.node.clock(), self.node.office.perspective()
            listed = [
                Listed(sha256=one.sha256, index=one.index, leaf=parse_leaf(leaf), xml=xml)
                for one, leaf in done
                if (xml := given[one.sha256]) is not None
            ]
            async with self.verifying:
                checked = await asyncio.to_thread(self._check, listed, perspective.keyring)
            recorded = await self._database.write(
                mirror.record_page,
                perspective,
                self.party,
                checked,
                [one for one, _ in done if given[one.sha256] is None],
                move=step,
                now=now,
            )
            self.brought.documents += recorded.documents
            self.brought.quarantined += recorded.quarantined
            self.step_completed()

    def _check(self, listed: Sequence[Listed], trust: Keyring) -> list[Arrival | Refused]:
        now, environment = self.node.clock(), self.node.config.party.environment
        believed = [
            ingest.check(one, party=self.party, environment=environment, trust=trust, now=now) for one in listed
        ]
        return self.node.office.examiner(now=now).examine(believed)

    async def _freeze(self, reason: str) -> None:
        await self._database.write(mirror.freeze, self.party, reason)
        raise self._disputed(reason)

    def _disputed(self, reason: str) -> PeerProtocolError:
        log.error("peer frozen: its register contradicts itself", party=self.party, reason=reason)
        return PeerProtocolError(f"{self.party} is frozen: {reason}", party=self.party, code="REGISTER_DISPUTED")


def _groups(start: int, size: int) -> Iterator[range]:
    """The numbers of the bundles that hold ``[start, size)``, as many at a time as one transaction takes.

    At least one group, perhaps an empty one: the root is compared even where no entry is missing.
    """
    first = start // BUNDLE_ENTRIES
    end = -(-size // BUNDLE_ENTRIES) if size > start else first
    for group in range(first, max(end, first + 1), BUNDLES_PER_TRANSACTION):
        yield range(group, min(group + BUNDLES_PER_TRANSACTION, end))


def _stride(
    move: tuple[int, int] | None, left: Sequence[tuple[Mentioned, bytes]]
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """How the cursor moves now, and how it will move with what is left.

    An answer that ended early moves it up to the first document that is asked for again.
    """
    if move is None:
        return None, None
    if not left:
        return move, None
    reached = left[0][0].index
    return (move[0], reached), (reached, move[1])
