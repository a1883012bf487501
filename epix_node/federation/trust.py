"""Keep the trust list up to date: from the Secretariat's repository, and from each Party's own node (C.1).

What is fetched is judged by ``trust.refresh`` alone; this module brings bytes and keeps the result, in one
transaction. The walk is synchronous, as python-tuf is, so a refresh runs in a thread of its own. Whatever fails, what
was verified before stays, and the answers say how old it is.

The repository is told what is held by its digest (``If-None-Match``), so that asking for a timestamp that has not
changed costs a few bytes.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from weakref import WeakKeyDictionary

import httpx
import structlog

from epix_node.errors import PeerUnreachableError
from epix_node.federation.client import pin, tls
from epix_node.federation.messages import entity_tag
from epix_node.federation.patience import PROTOCOL
from epix_node.federation.visit import PullingNode
from epix_node.store import trust as trust_store
from epix_node.store.database import Database, Session
from epix_node.trust.chain import Fetch, Wanted
from epix_node.trust.refresh import Refreshed, refresh, take_party
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import TrustList

REFRESH_TIMEOUT = timedelta(seconds=120)
"""Longest refresh: what has not come by then is asked for at the next one."""

SIDE_BY_SIDE = 8
"""Files fetched at once (decision 12), as many as pulls in flight (C.5)."""

_TIMESTAMP = "metadata/timestamp.json"
_ATTEMPTS = 3
"""How often a refresh begins again where another process changed the list meanwhile."""
_SOURCE = "trust list"
_MAX_PROBLEM_CHARACTERS = 300
_NOT_THERE = frozenset({404, 410})

log = structlog.get_logger("epix_node.federation")

_ONE_AT_A_TIME: WeakKeyDictionary[Database, asyncio.Lock] = WeakKeyDictionary()


async def refresh_trust(node: PullingNode) -> Refreshed | None:
    """The trust list is as new as it can be had now; None where this node stands alone. Never raises for what failed.

    ``changed`` names the Parties whose manifest is another one, or that came or went.
    """
    url = node.config.federation.trust_list
    if url is None:
        return None
    async with _ONE_AT_A_TIME.setdefault(node.office.database, asyncio.Lock()):
        held = node.office.trust_list()
        repository = _Repository(
            url,
            timestamp=held.timestamp if held is not None else None,
            private_addresses=node.config.federation.private_addresses,
        )
        try:
            return await asyncio.to_thread(_refresh_from, node, repository)
        except asyncio.CancelledError:
            repository.give_up()  # a thread cannot be cancelled, and the node's end waits for it
            raise


def _refresh_from(node: PullingNode, repository: _Repository) -> Refreshed:
    with repository:
        return refresh_stored(node.office.database, node.office.party, repository.fetch, node.clock_itself())


def refresh_stored(database: Database, own_party: str, fetch: Fetch, now: datetime) -> Refreshed:
    """The list in this database is brought up to date from wherever ``fetch`` gets files.

    Where the list has a newer version of the own Party's role than the node itself, that is the own one from then on:
    the Party signed it, on another machine or before this database was lost.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        held = database.read_now(trust_store.held)
        assert held.trust_list is not None  # `open_node` put the pinned root there
        stored = TrustList.from_bytes(held.trust_list)
        refreshed = refresh(stored, fetch, now)
        before, is_kept = database.write_now(
            _keep, stored, refreshed, own_party, revision=held.revision, is_last=attempt == _ATTEMPTS, now=now
        )
        if is_kept:
            _log(refreshed, before)
            return refreshed
    raise AssertionError("the last attempt is kept whatever happens")


def _keep(
    session: Session,
    stored: TrustList,
    refreshed: Refreshed,
    own_party: str,
    *,
    revision: int,
    is_last: bool,
    now: datetime,
) -> tuple[str | None, bool]:
    """The problem that was noted before, and whether the list is kept: not where another one came in between."""
    held = trust_store.held(session)
    if held.revision != revision:
        # After the last attempt it is left alone: the other process has done it.
        return held.problem, is_last
    if refreshed.trust_list != stored:
        trust_store.keep_list(session, refreshed.trust_list.to_bytes(), now=now)
    entry = refreshed.trust_list.parties.get(own_party)
    if entry is not None:
        listed = SignedVersion(role=entry.role, manifest_file=entry.manifest_file)
        own = SignedVersion.parse(held.own) if held.own is not None else None
        if own is None or own.number < listed.number:
            trust_store.keep_own(session, listed.party_file(), now=now)
            log.warning("own role taken from the trust list", version=listed.number)
    return trust_store.note_problem(session, _problem_of(refreshed), now=now), True


def _problem_of(refreshed: Refreshed) -> str | None:
    if refreshed.failure is not None:
        return str(refreshed.failure)[:_MAX_PROBLEM_CHARACTERS]
    told = "; ".join(f"{party}: {error}" for party, error in refreshed.problems.items())
    return told[:_MAX_PROBLEM_CHARACTERS] or None


def _log(refreshed: Refreshed, before: str | None) -> None:
    """One line where something changed, and one where a problem begins or ends."""
    problem = _problem_of(refreshed)
    if refreshed.changed:
        log.info("trust changed", parties=sorted(refreshed.changed))
    if problem is not None and problem != before:
        log.warning("trust list not up to date", problem=problem)
    elif problem is None and before is not None:
        log.info("trust list up to date again")


def take(session: Session, party: str, file: bytes, *, now: datetime) -> bool:
    """Whether this ``party.json`` of the Party's own node was newer than what was held, and is now in its place.

    Inside of a write transaction. Raises as ``trust.refresh.take_party``.
    """
    held = trust_store.held(session).trust_list
    if held is None:
        return False
    stored = TrustList.from_bytes(held)
    taken = take_party(stored, party, file, now)
    if taken.trust_list is stored:
        return False
    trust_store.keep_list(session, taken.trust_list.to_bytes(), now=now)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    body: bytes


class _Repository:
    """The Secretariat's repository at this URL, as ``Fetch``; used as ``with``."""

    def __init__(self, url: str, *, timestamp: bytes | None, private_addresses: bool) -> None:
        self._base = f"{url.rstrip('/')}/"
        self._timestamp = timestamp
        self._private_addresses = private_addresses
        self._until = time.monotonic() + REFRESH_TIMEOUT.total_seconds()
        self._http = httpx.Client(
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(PROTOCOL.read.total_seconds(), connect=PROTOCOL.connect.total_seconds()),
            follow_redirects=False,
            verify=tls(),
            trust_env=False,  # as for peers: a proxy of the environment would leave the address that was looked up
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def give_up(self) -> None:
        """Nothing more is fetched; what is being read ends with its next bytes."""
        self._until = 0.0

    def fetch(self, wanted: Sequence[Wanted]) -> Iterator[bytes | None]:
        """The files in the order asked; raises ``PeerUnreachableError`` where one cannot be had now."""
        if len(wanted) == 1:
            yield self._get(wanted[0])
            return
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            yield from pool.map(self._get, wanted)

    def _get(self, wanted: Wanted) -> bytes | None:
        if time.monotonic() > self._until:
            raise PeerUnreachableError(f"{self._base} takes too long", party=_SOURCE)
        headers = {}
        if wanted.path == _TIMESTAMP and self._timestamp is not None:
            headers["If-None-Match"] = f'"{entity_tag(self._timestamp)}"'
        try:
            request = self._http.build_request("GET", self._base + wanted.path, headers=headers)
            if not self._private_addresses:
                host, port = request.url.host, request.url.port or request.url.scheme
                pin(request, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), party=_SOURCE)
            answer = self._read(request, wanted.max_bytes)
        except OSError as error:
            raise PeerUnreachableError(f"the host of {self._base} cannot be looked up", party=_SOURCE) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            what = type(error).__name__
            raise PeerUnreachableError(f"{self._base} does not answer: {what}", party=_SOURCE) from error
        if answer.status == httpx.codes.OK:
            return answer.body
        if answer.status == httpx.codes.NOT_MODIFIED and headers:
            return self._timestamp
        if answer.status in _NOT_THERE:
            return None
        raise PeerUnreachableError(f"{self._base}{wanted.path} answered {answer.status}", party=_SOURCE)

    def _read(self, request: httpx.Request, limit: int) -> _Answer:
        """The answer; of a file that is too long, one byte more than may be, which is refused where it is judged."""
        response = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if time.monotonic() > self._until:
                    raise PeerUnreachableError(f"{self._base} takes too long", party=_SOURCE)
                if len(body) > limit:
                    break
            return _Answer(status=response.status_code, body=bytes(body[: limit + 1]))
        finally:
            response.close()
