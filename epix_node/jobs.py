"""The node's periodic work: pulling, reconciling what time moves, and keeping the own checkpoint's time fresh.

APScheduler is a metronome here and nothing more. Cursors, back-off and everything else that must survive a restart
are in the database, so a missed or a repeated tick costs nothing. Its ``shutdown`` cancels running coroutines, so the
tasks are ours: each job runs in a task of its own, shielded from the scheduler, and the node's end waits for them.

A run that makes no progress is ended (``watchdog``); a pull makes progress with every step.

A node on the shared clock of a sandbox runs no job by itself (contract 7); ``round_`` is what a tick does instead.

Not here: what a job does (``federation.pull``, ``acts.review``). Everything can be called without a scheduler.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import random
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from epix_node.acts.extracts import publish_due
from epix_node.acts.review import open_due
from epix_node.acts.revocation import heed_revocations
from epix_node.acts.scrub import Interrupted, scrub
from epix_node.clock import utc_now
from epix_node.errors import NotFoundError, StoreError
from epix_node.federation.hints import HINT_INTERVAL, Hints
from epix_node.federation.pull import PullResult, followed, pull, pull_all
from epix_node.federation.recovery import TRY_AGAIN, fetch_lost, go_on
from epix_node.federation.reports import spread
from epix_node.federation.stories import take_missing
from epix_node.federation.trust import refresh_trust
from epix_node.federation.turns import close
from epix_node.federation.witnessing import gather
from epix_node.identity.role import current_version
from epix_node.node import Node
from epix_node.notices.deliver import deliver
from epix_node.trust.refresh import Refreshed
from epix_node.watchdog import Watchdog, beat

HINT_DELAY = timedelta(seconds=10)
"""How soon after its hint a peer is pulled from at the latest (C.5)."""

LOOK_FOR_NEWS = timedelta(seconds=2)
"""How soon after an own entry is published those whom it concerns are told that there is something new."""

LOOK_FOR_PEERS = timedelta(seconds=10)
"""How often it is checked whether peers came or went, or a key was revoked, which another process may do."""

ASK_WITNESSES = timedelta(seconds=2)
"""How often it is looked whether a witness has something to cosign; entries that come together are sent together."""

LOOK_FOR_NOTICES = timedelta(seconds=5)
"""How soon after a finding of class A opened people are told; those who were not told yet wait as the database says."""

REVISIT = timedelta(seconds=60)
"""How often what time alone moves is looked at; the cool-off that it ends is 24 h."""

MAX_START_JITTER = timedelta(seconds=60)
"""The first pull from a peer comes within this time (C.5), so that nodes started together do not pull in step."""

LOOK_FOR_SCRUB = timedelta(hours=1)
"""How often it is looked whether the daily scrub is due, so that a node that is restarted each day is scrubbed, too."""

MAX_SCRUB_DELAY = timedelta(minutes=10)
"""The first such look comes within this time."""

_SCRUB_PAUSE_S = 0.005
"""How long the scrub lets others run after each bundle."""

REFRESH_TRUST = timedelta(minutes=5)
"""How often the trust list is asked for (C.1)."""

JITTER = 0.2
"""How far a job may come later than its interval, as a part of it (C.5)."""

log = structlog.get_logger("epix_node.jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round brought: documents by peer (None: not reached), and the alerts that this node sent then."""

    pulled: dict[str, int | None]
    alerts: int
    extracts: int
    """How many it wrote of its own permits."""


async def round_(node: Node, *, ignore_backoff: bool = True) -> Round:
    """See whom to trust, ask the witnesses, pull from every peer, reconcile, send alerts that are owed, tell people.

    Nobody's back-off counts, unless it is said to. A register that lost something goes on with its recovery first.
    Evidence of two histories that the pulls brought has been sent to everybody.
    """
    await look_at_trust(node)
    if await go_on(node):
        await fetch_lost(node)
    extracts = await cover(node)
    await gather(node, ignore_backoff=ignore_backoff)
    results = await pull_all(node, ignore_backoff=ignore_backoff)
    for party in results:
        await take_missing(node, party)
    await spread(node, ignore_backoff=ignore_backoff)
    alerts = await asyncio.to_thread(open_due, node.office, now=node.clock())
    extracts += await cover(node)
    await deliver(node, ignore_backoff=ignore_backoff)
    return Round(
        pulled={party: result.documents for party, result in results.items()}, alerts=alerts, extracts=extracts
    )


async def cover(node: Node) -> int:
    """A checkpoint of the last ten minutes covers every entry, also where an act died before it could be signed.

    Among them the extracts that were due, whose number is returned.
    """

    def work() -> int:
        try:
            return publish_due(node.office, now=node.clock(), progress=beat)
        finally:  # others take the whole register for stale without it, whatever became of the extracts
            node.office.sequencer.publish(now=node.clock())

    return await asyncio.to_thread(work)


async def look_at_trust(node: Node) -> Refreshed | None:
    """The trust list is as new as it can be had, and the own role is not about to expire where that can be helped.

    What a revoked key signed and cannot be proven older counts no more.
    """
    await asyncio.to_thread(current_version, node.database, node.role, now=node.clock())
    refreshed = await refresh_trust(node)
    await asyncio.to_thread(heed_revocations, node.office, now=node.clock())
    return refreshed


@asynccontextmanager
async def running_jobs(node: Node, *, grace: timedelta) -> AsyncIterator[Jobs]:
    """Run the node's periodic work; on exit, let work in progress finish for up to ``grace``."""
    jobs = Jobs(node)
    jobs.start()
    try:
        yield jobs
    finally:
        await jobs.stop(grace=grace)
        await close(node.database)


class Jobs:
    """The scheduler and the tasks in flight; made by ``running_jobs``."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._in_flight: set[asyncio.Task[None]] = set()
        self._ends = threading.Event()
        self._watchdog = Watchdog()
        self._hints = Hints(node)
        self._hinted_at: dict[str, float] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # A tick that was missed is made up for once, however late; no job runs beside itself.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    @property
    def names(self) -> frozenset[str]:
        """The jobs that are scheduled; none on a shared clock.

        ``pull:XB``, …, ``peers``, ``trust``, ``revisit``, ``notices``, ``witnesses``, ``hints``,
        ``recovery``, ``scrub``.
        """
        return frozenset(job.id for job in self._scheduler.get_jobs())

    def start(self) -> None:
        """The jobs are scheduled, unless the node runs on a shared clock."""
        if self._node.config.shared_clock is not None:
            return
        self._every(LOOK_FOR_PEERS, "peers", self._look_for_peers)
        self._every(REFRESH_TRUST, "trust", self._look_at_trust, next_run_time=utc_now())
        self._every(REVISIT, "revisit", self._revisit)
        self._every(LOOK_FOR_NOTICES, "notices", self._tell)
        self._every(ASK_WITNESSES, "witnesses", self._ask_witnesses)
        self._every(LOOK_FOR_NEWS, "hints", self._hint)
        self._every(TRY_AGAIN, "recovery", self._recover, next_run_time=utc_now())
        self._every(LOOK_FOR_SCRUB, "scrub", self._scrub, next_run_time=_within(MAX_SCRUB_DELAY))
        self._schedule_pulls()
        self._watchdog.start()
        self._scheduler.start()

    async def stop(self, *, grace: timedelta) -> None:
        """No job begins any more; those in progress ended, by themselves or, after ``grace``, cancelled.

        A transaction in progress is completed either way.
        """
        if not self._scheduler.running:
            return
        self._ends.set()
        self._scheduler.pause()
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=grace.total_seconds())
            for task in late:
                log.warning("job cancelled", job=task.get_name(), grace_s=grace.total_seconds())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._scheduler.shutdown(wait=False)
        await asyncio.to_thread(self._watchdog.stop)

    def hinted(self, party: str) -> bool:
        """The peer is pulled from within ten seconds; false where it hinted less than ten seconds ago."""
        now = time.monotonic()
        if now - self._hinted_at.get(party, float("-inf")) < HINT_INTERVAL.total_seconds():
            return False
        self._hinted_at[party] = now
        job = self._scheduler.get_job(f"pull:{party}")
        soon = _within(HINT_DELAY)
        if job is not None and job.next_run_time is not None and job.next_run_time > soon:
            job.modify(next_run_time=soon)
        return True

    def _every(self, interval: timedelta, name: str, run: Callable[[], Awaitable[None]], **first: Any) -> None:
        trigger = IntervalTrigger(
            seconds=interval.total_seconds(), timezone=UTC, jitter=interval.total_seconds() * JITTER
        )
        self._scheduler.add_job(self._owned, trigger, args=[name, run], id=name, **first)

    async def _owned(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a job in a task of our own, which the scheduler's shutdown cannot cancel."""
        task = asyncio.create_task(self._logged(name, run), name=name)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        await asyncio.shield(task)

    async def _logged(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with structlog.contextvars.bound_contextvars(job=name), self._watchdog.watching(name) as pulse:
            try:
                await run()
            except asyncio.CancelledError:
                if not pulse.is_cancelled:
                    raise
                # By the watchdog, which said so: the next tick tries again.
            except StoreError as error:  # a server that is away is away for every job: a line each, and no traceback
                log.warning("job failed", problem=str(error))
            except Exception:  # the last line of defence of a job: the next tick tries again, a person reads why
                log.exception("job failed")

    def _schedule_pulls(self) -> None:
        """There is one pull job for each peer that is followed now."""
        wanted = {f"pull:{party}": party for party in followed(self._node)}
        present = {name for name in self.names if name.startswith("pull:")}
        for name in present - wanted.keys():
            self._scheduler.remove_job(name)
        interval = self._node.config.federation.poll_interval
        for name in sorted(wanted.keys() - present):
            first = _within(min(interval, MAX_START_JITTER))
            self._every(interval, name, _pulling(self._node, wanted[name]), next_run_time=first)

    async def _look_for_peers(self) -> None:
        self._schedule_pulls()
        await asyncio.to_thread(heed_revocations, self._node.office, now=self._node.clock())

    async def _look_at_trust(self) -> None:
        await look_at_trust(self._node)
        self._schedule_pulls()  # who was just admitted is pulled from without waiting for the next look

    async def _revisit(self) -> None:
        now = self._node.clock()
        # A node that is restarted each day comes through all of them, too.
        turn = (now - datetime.min.replace(tzinfo=UTC)) // REVISIT
        sent = await asyncio.to_thread(open_due, self._node.office, now=now, turn=turn)
        if sent:
            log.info("alerts sent", alerts=sent)

    async def _tell(self) -> None:
        await deliver(self._node)

    async def _hint(self) -> None:
        await self._hints.tell()

    async def _recover(self) -> None:
        if await go_on(self._node):
            await fetch_lost(self._node)

    async def _ask_witnesses(self) -> None:
        """The checkpoint covers everything and is recent; witnesses have cosigned it, and others know the evidence."""
        await cover(self._node)
        await gather(self._node)
        await spread(self._node)

    async def _scrub(self) -> None:
        def gently(_done: int, _total: int) -> None:
            beat()
            if self._ends.wait(_SCRUB_PAUSE_S):
                raise Interrupted

        await asyncio.to_thread(scrub, self._node.office, now=self._node.clock(), progress=gently)


def _within(delay: timedelta) -> datetime:
    """Some moment before the delay is over, so that nodes do not act in step."""
    return utc_now() + random() * delay  # noqa: S311  # spreads load, keeps no secret


def _pulling(node: Node, party: str) -> Callable[[], Coroutine[Any, Any, None]]:
    async def run() -> None:
        started = time.perf_counter()
        try:
            result = await pull(node, party, progress=beat)
        except NotFoundError:  # removed meanwhile; its job is about to go, too
            return
        _log_pull(result, seconds=time.perf_counter() - started)
        if result.documents is not None:
            await take_missing(node, party)

    return run


def _log_pull(result: PullResult, *, seconds: float) -> None:
    """One line for a pull; a quiet one where it brought nothing, and none where the state of the peer is known."""
    if result.documents is None:
        return  # said once, when the peer started failing (``federation.pull``)
    say = log.info if result.documents or result.quarantined else log.debug
    say(
        "pulled",
        party=result.party,
        documents=result.documents,
        quarantined=result.quarantined,
        leaves=result.leaves,
        ms=round(seconds * 1000),
    )
