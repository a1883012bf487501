"""Whose turn it is among the pulls of one process, and what they share.

One pull from each peer at a time, eight in all, and one that catches up with a long register (C.5). Nothing here must
survive a restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from weakref import WeakKeyDictionary

from epix_node.federation.backoff import Alarm
from epix_node.federation.verifying import Verifying
from epix_node.store.database import Database
from epix_node.trust.manifest import Manifest

MAX_IN_FLIGHT = 8
"""Peers pulled from at once (C.5)."""


async def sleep(seconds: float) -> None:
    """Nothing happens for so long."""
    await asyncio.sleep(seconds)


class Turns:
    """Those of one node."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self.verifying = Verifying()
        self.heard: dict[str, float] = {}
        """When a peer that asked us something was last looked up."""
        self.alarms: dict[str, Alarm] = {}
        """What was said last of a peer that does not answer."""
        self.judged_by: dict[str, Manifest | None] = {}
        """By peer, the manifest that what is in quarantine for its key was judged by last."""
        self._peers: dict[str, asyncio.Lock] = {}
        self._catching_up = asyncio.Lock()
        self._free_at = float("-inf")

    def of(self, party: str) -> asyncio.Lock:
        """Held by who pulls from this peer."""
        return self._peers.setdefault(party, asyncio.Lock())

    @asynccontextmanager
    async def catching_up(self, *, apart: timedelta) -> AsyncIterator[None]:
        """One at a time is in this block, so long after the one before it; who waits leaves its slot to others."""
        self.slots.release()
        try:
            await self._catching_up.acquire()
            try:
                await sleep(max(0.0, self._free_at - time.monotonic()))
            except BaseException:
                self._catching_up.release()
                raise
        finally:
            await self.slots.acquire()
        try:
            yield
        finally:
            self._free_at = time.monotonic() + apart.total_seconds()
            self._catching_up.release()


_TURNS: WeakKeyDictionary[Database, Turns] = WeakKeyDictionary()
"""By database, since that is what the pulls of one node share; gone with it."""


def turns_of(database: Database) -> Turns:
    """Those of the node with this database."""
    return _TURNS.setdefault(database, Turns())


async def close(database: Database) -> None:
    """The processes that verify for this node have ended."""
    turns = _TURNS.pop(database, None)
    if turns is not None:
        await turns.verifying.close()
