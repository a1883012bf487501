"""One question to another node, outside of a pull: at the first of its addresses where it answers.

Whoever asks many asks eight at once (C.5), and each answer or failure stands by itself. Nothing is remembered here:
how long a silent node is left alone is for the caller to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from epix_node.errors import PeerError, PeerUnreachableError
from epix_node.federation.client import Identity, PeerClient, answer_keys
from epix_node.federation.patience import patience_of
from epix_node.federation.visit import PullingNode

T = TypeVar("T")

MAX_IN_FLIGHT = 8
"""Nodes asked at once (C.5)."""

Question = Callable[[PeerClient], Awaitable[T]]


async def ask(node: PullingNode, party: str, question: Question[T], *, within: timedelta) -> T:
    """What this Party's node answers.

    Raises:
        PeerError: it does not answer at any of its addresses within this time, refuses, or makes no sense.
    """
    bases = node.office.keyring().base_urls(party)
    failure = PeerUnreachableError(f"{party} has no address", party=party)
    try:
        async with asyncio.timeout(within.total_seconds()):
            for base in bases:
                try:
                    async with _client(node, party, base) as client:
                        return await question(client)
                except PeerUnreachableError as error:
                    failure = error
    except TimeoutError as error:
        seconds = within.total_seconds()
        raise PeerUnreachableError(f"{party} did not answer within {seconds:g} s", party=party) from error
    raise failure


@asynccontextmanager
async def asking(
    node: PullingNode, parties: Iterable[str], question: Question[T], *, within: timedelta
) -> AsyncIterator[AsyncIterator[tuple[str, T | PeerError]]]:
    """Gives what each of these Parties' nodes answers, or why it did not, in the order in which they do.

    Nobody is asked any more once the block has ended.
    """
    slots = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def one(party: str) -> tuple[str, T | PeerError]:
        async with slots:
            try:
                return party, await ask(node, party, question, within=within)
            except PeerError as error:
                return party, error

    tasks = [asyncio.create_task(one(party)) for party in parties]

    async def answers() -> AsyncIterator[tuple[str, T | PeerError]]:
        for finished in asyncio.as_completed(tasks):
            yield await finished

    try:
        yield answers()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask_each(
    node: PullingNode, parties: Iterable[str], question: Question[T], *, within: timedelta
) -> dict[str, T | PeerError]:
    """What each of these Parties' nodes answers, or why it did not."""
    async with asking(node, parties, question, within=within) as answers:
        return {party: answer async for party, answer in answers}


def _client(node: PullingNode, party: str, base: str) -> PeerClient:
    return PeerClient(
        base,
        party,
        Identity(party=node.office.party, key_id=node.transport_kid, private_key=node.transport_key),
        answer_key=answer_keys(node.office.keyring(), party, at=node.clock()),
        private_addresses=node.config.federation.private_addresses,
        patience=patience_of(node.config),
    )
