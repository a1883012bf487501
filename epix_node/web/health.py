"""Whether the process lives, whether the node can work, and what it counts (contract 3)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from aiohttp import web

from epix_node import __version__
from epix_node.acts.recovery import standstill
from epix_node.errors import EpixError, KeyMaterialError, StoreError
from epix_node.federation.backoff import Alarm, alarm_of
from epix_node.federation.clock_offset import measured
from epix_node.store import conflicts, findings, notices, peers, scrubs
from epix_node.store.conflicts import Dispute
from epix_node.store.database import Session
from epix_node.store.notices import Waiting
from epix_node.store.peers import PeerState
from epix_node.store.scrubs import Scrub
from epix_node.web.desk import DESK, Desk
from epix_node.web.metrics import METRICS, family, labelled
from epix_node.web.problems import Problem
from epix_node.web.replies import json_reply

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
"""Where one of these is given, a proxy on loopback asks for somebody else."""


def add_health_routes(app: web.Application) -> None:
    """The application tells how it is."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return json_reply({"status": "ok", "version": __version__})


async def readyz(request: web.Request) -> web.Response:
    """Database, keys and register are as they must be; 503 and which of them is not, otherwise.

    ``degraded``, with 200: the register signs nothing now, which keeps nobody from working.
    """
    desk = request.app[DESK]
    checks = {name: problem or "ok" for name, problem in _checks(desk)}
    if checks["database"] == checks["register"] == "ok":
        checks["register"] = _scrub_problem(await desk.node.database.read(scrubs.newest)) or "ok"
    if any(word != "ok" for word in checks.values()):
        return json_reply({"status": "unavailable", "checks": checks}, status=503)
    why = await asyncio.to_thread(standstill, desk.office)
    if why is not None:  # documents are accepted all the same: nobody is to be sent elsewhere
        return json_reply({"status": "degraded", "checks": {**checks, "register": f"{why.told}: {why.advice}"}})
    return json_reply({"status": "ok", "checks": checks})


def _checks(desk: Desk) -> Iterator[tuple[str, str | None]]:
    own = desk.office.own
    try:
        mark = desk.reader.register(own.party)
    except StoreError:
        yield "database", "cannot be read"
        mark = None
    else:
        yield "database", None
    yield "keys", _key_problem(desk)
    yield (
        "register",
        "the register in the database has another origin" if mark is not None and mark.origin != own.origin else None,
    )


def _scrub_problem(newest: Iterable[Scrub]) -> str | None:
    """Which registers are not what their entries lead to; a node that was never scrubbed is ready, too."""
    wrong = [one.party for one in newest if one.problems]
    return f"not what its entries lead to: {', '.join(wrong)}; `register check` says more" if wrong else None


def _key_problem(desk: Desk) -> str | None:
    try:
        desk.node.keys.require_period()
    except KeyMaterialError:  # expired, revoked, or its private half is not here; `doctor` says which
        return "no signing key may sign now: each has expired, is revoked, or is not here"
    except EpixError:  # the shared clock or the trust list cannot be read
        return "clock or trust list cannot be read"
    return None


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text; for this machine only, since it tells who is being pulled from and how much is asked."""
    if not _is_local(request):
        raise Problem(404, "NO_SUCH_RESOURCE", "Not Found")
    desk = request.app[DESK]
    counts, states = await desk.node.database.read(_held)
    mark = desk.reader.register(desk.office.party)
    lines = [
        *request.app[METRICS].lines(),
        *family("epix_register_size", "gauge", "Entries in the own register."),
        f"epix_register_size {mark.size if mark else 0}",
        *family("epix_register_witnessed_size", "gauge", "Own entries that the quorum of witnesses has cosigned."),
        f"epix_register_witnessed_size {mark.witnessed_size if mark else 0}",
        *_dispute_lines(await desk.node.database.read(conflicts.everything)),
        *_finding_lines(counts),
        *_notice_lines(await desk.node.database.read(notices.waiting), now=desk.now()),
        *_peer_lines(states, now=desk.now()),
        *_clock_lines(states),
        *_scrub_lines(await desk.node.database.read(scrubs.newest)),
        *_trust_lines(desk),
    ]
    return web.Response(text="\n".join(lines) + "\n", content_type="text/plain", charset="utf-8")


def _dispute_lines(held: Iterable[Dispute]) -> Iterator[str]:
    """By Party, the pieces of evidence that its register has two histories."""
    yield from family("epix_register_conflicts", "gauge", "Evidence that the register of this Party has two histories.")
    for party, number in sorted(Counter(one.party for one in held).items()):
        yield f"epix_register_conflicts{labelled(party=party)} {number}"


def _clock_lines(states: Iterable[PeerState]) -> Iterator[str]:
    """How far this machine's clock is ahead of the median of its peers', where three or more say."""
    offset = measured(states)
    if offset is not None:
        yield from family("epix_clock_offset_milliseconds", "gauge", "This machine's clock ahead of its peers' median.")
        yield f"epix_clock_offset_milliseconds {offset.ahead // timedelta(milliseconds=1)}"


def _scrub_lines(newest: tuple[Scrub, ...]) -> Iterator[str]:
    """When each register was derived again last, and what was wrong with it."""
    yield from family("epix_scrub_timestamp_seconds", "gauge", "When the register was derived again last.")
    for one in newest:
        yield f"epix_scrub_timestamp_seconds{labelled(party=one.party)} {int(one.at.timestamp())}"
    yield from family("epix_scrub_problems", "gauge", "What was wrong with the register then.")
    for one in newest:
        yield f"epix_scrub_problems{labelled(party=one.party)} {len(one.problems)}"


def _trust_lines(desk: Desk) -> Iterator[str]:
    """How long the trust list still is fresh: negative where it is not."""
    known = desk.office.trust_list()
    if known is not None and known.expires is not None:
        yield from family("epix_trust_list_fresh_seconds", "gauge", "Seconds until the trust list is stale.")
        yield f"epix_trust_list_fresh_seconds {(known.expires - desk.now()) // timedelta(seconds=1)}"


def _held(session: Session) -> tuple[dict[str, int], tuple[PeerState, ...]]:
    return findings.counts(session), peers.states(session)


def _finding_lines(counts: Mapping[str, int]) -> Iterable[str]:
    yield from family("epix_findings_open", "gauge", "Findings in state open, by class.")
    for class_ in ("A", "R", "S"):
        yield f"epix_findings_open{labelled(**{'class': class_})} {counts[class_]}"
    yield from family("epix_findings_pending", "gauge", "Findings that cool off before they open.")
    yield f"epix_findings_pending {counts['pending']}"


def _notice_lines(waiting: Waiting, *, now: datetime) -> Iterable[str]:
    yield from family("epix_notices_waiting", "gauge", "Notices of class-A findings that were not delivered yet.")
    yield f"epix_notices_waiting {waiting.number}"
    yield from family(
        "epix_notices_oldest_seconds", "gauge", "How long the oldest of them waits; after 7 days it goes."
    )
    oldest = (now - waiting.oldest) // timedelta(seconds=1) if waiting.oldest is not None else 0
    yield f"epix_notices_oldest_seconds {oldest}"


_ALARMS = {None: 0, Alarm.WARN: 1, Alarm.PAGE: 2}


def _peer_lines(states: tuple[PeerState, ...], *, now: datetime) -> Iterable[str]:
    yield from family("epix_peer_failures", "gauge", "Failed attempts since the peer last answered.")
    for state in states:
        yield f"epix_peer_failures{labelled(party=state.party)} {state.failures}"
    yield from family("epix_peer_alarm", "gauge", "Silence of a peer that fails: 0, 1 from 15 minutes, 2 from a day.")
    for state in states:
        level = alarm_of(state.silent_since, failures=state.failures, now=now)
        yield f"epix_peer_alarm{labelled(party=state.party)} {_ALARMS[level]}"
    yield from family("epix_peer_last_success_timestamp_seconds", "gauge", "When the peer was last pulled from.")
    for state in states:
        if state.last_success is not None:
            seconds = int(state.last_success.timestamp())
            yield f"epix_peer_last_success_timestamp_seconds{labelled(party=state.party)} {seconds}"


def _is_local(request: web.Request) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
