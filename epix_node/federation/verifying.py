"""Verify the documents of a page, many of them on all cores (``measurements.md`` 1).

A few are verified in a thread, one page at a time. From 25 on they go to worker processes, in chunks of 25 or more:
below that, sending them costs more than it gains. The workers are started when they are first needed, with the trust
of that moment; when trust changes there are new ones. They go after a minute without work, and with the node.

A worker that dies takes only its chunk with it, which is verified again by new workers, and in the end in the thread:
a document is never lost for it. Workers are forked from a small server process and not from this one, which has
threads and open connections.

Not here: what makes a document believable (``exchange.ingest``), and what a worker does (``exchange.verification``).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import structlog

from epix_node.exchange.examination import Examiner
from epix_node.exchange.ingest import Listed, Refused, check
from epix_node.exchange.verification import TrustSnapshot, begin, check_chunk, with_bytes
from epix_node.store.arrival import Arrival
from epix_node.trust.keyring import Keyring

CHUNK = 25
"""Fewest documents that are worth sending to a process."""

IDLE = timedelta(seconds=60)
"""How long workers wait for more to do; a peer is asked once in this time."""

_ATTEMPTS = 3
"""How often a chunk is given to workers; a document that kills every one of them is left to the thread."""

_Checked = list[Arrival | Refused]

log = structlog.get_logger("epix_node.federation")


class Verifying:
    """Where one node's documents are verified, until ``close``; workers are started again when they are needed."""

    def __init__(self, *, workers: int | None = None) -> None:
        self._lane = asyncio.Lock()
        self._workers = workers if workers is not None else cores()
        self._pool: ProcessPoolExecutor | None = None
        self._keyring: Keyring | None = None
        """Whom the workers were told to trust."""
        self._busy = 0
        self._closing: asyncio.TimerHandle | None = None

    async def check(
        self, listed: Sequence[Listed], *, party: str, environment: str, trust: Keyring, now: datetime
    ) -> list[Arrival | Refused]:
        """What ``ingest.check`` says of each document, in their order."""
        here = partial(self._in_thread, trust=trust, party=party, environment=environment, now=now)
        there = partial(check_chunk, party=party, environment=environment, now=now)
        if len(listed) < CHUNK or self._workers < 2:
            return await here(listed)
        chunks = _chunks(listed, self._workers)
        checked: list[_Checked | None] = [None] * len(chunks)
        self._busy += 1
        try:
            for _ in range(_ATTEMPTS):
                left = [number for number, done in enumerate(checked) if done is None]
                if not left:
                    break
                pool = self._open(trust)
                # All are handed over before anything is awaited: whoever finds new trust meanwhile discards this pool,
                # which then still does what it has.
                asked = [_hand_over(pool, partial(there, chunks[number])) for number in left]
                answers = await asyncio.gather(*(_answer(one) for one in asked))
                for number, answer in zip(left, answers, strict=True):
                    checked[number] = answer
                if None in answers:
                    log.warning("a verifying process died", party=party, chunks=answers.count(None))
                    self._discard(pool)
        finally:
            self._busy -= 1
            self._close_when_idle()
        together: list[Arrival | Refused] = []
        for chunk, done in zip(chunks, checked, strict=True):
            if done is None:
                together += await here(chunk)
            else:
                together += [with_bytes(one, document.xml) for one, document in zip(done, chunk, strict=True)]
        return together

    async def examine(self, examiner: Examiner, checked: Sequence[Arrival | Refused]) -> list[Arrival | Refused]:
        """The same documents; believed permits carry what the rules say of them."""
        if not checked:
            return []
        async with self._lane:
            return await asyncio.to_thread(examiner.examine, checked)

    async def close(self) -> None:
        """The workers have ended, what they were doing finished first."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True)

    async def _in_thread(
        self, listed: Sequence[Listed], *, trust: Keyring, party: str, environment: str, now: datetime
    ) -> list[Arrival | Refused]:
        def work() -> list[Arrival | Refused]:
            return [check(one, party=party, environment=environment, trust=trust, now=now) for one in listed]

        async with self._lane:
            return await asyncio.to_thread(work)

    def _open(self, trust: Keyring) -> ProcessPoolExecutor:
        """Workers that trust as this keyring does; it is the same object until trust changes."""
        if self._pool is not None and self._keyring is not trust:
            self._discard(self._pool)
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([check_chunk.__module__])
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=begin, initargs=(TrustSnapshot.of(trust),)
            )
            self._keyring = trust
        return self._pool

    def _discard(self, pool: ProcessPoolExecutor) -> None:
        """These workers get nothing more; what they have already they finish."""
        pool.shutdown(wait=False)
        if self._pool is pool:
            self._pool = self._keyring = None

    def _close_when_idle(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(IDLE.total_seconds(), self._close_idle)

    def _close_idle(self) -> None:
        self._closing = None
        if self._pool is not None and not self._busy:
            self._discard(self._pool)


def _hand_over(pool: ProcessPoolExecutor, work: Callable[[], _Checked]) -> asyncio.Future[_Checked] | None:
    try:
        return asyncio.get_running_loop().run_in_executor(pool, work)
    except BrokenExecutor:
        return None


async def _answer(asked: asyncio.Future[_Checked] | None) -> _Checked | None:
    """What a worker says; None where one of the workers died first."""
    try:
        return await asked if asked is not None else None
    except BrokenExecutor:
        return None


def cores() -> int:
    """How many processes can run at once here."""
    # Not every system says to which of its cores a process is bound.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _chunks(listed: Sequence[Listed], workers: int) -> list[Sequence[Listed]]:
    """Equal parts of at least ``CHUNK``, four for each worker where there are enough: who is quicker does more."""
    parts = max(1, min(len(listed) // CHUNK, 4 * workers))
    borders = [len(listed) * part // parts for part in range(parts + 1)]
    return [listed[start:end] for start, end in pairwise(borders)]
