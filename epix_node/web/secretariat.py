"""The Secretariat of a sandbox (contract 7): it moves the shared clock and lets all nodes run their rounds.

It holds no permits; all that it knows of them, it asked the nodes for. A tick is done when a round brought
nothing: no document was pulled, and no node counts its findings otherwise than after the round before. The second
half matters for the node that ticks last: the alert that it publishes then was not there when the others pulled.

The Parties' ticks of one round run one after another, so that what a node accepted before a round is held by its
addressees after it. A node that does not answer is stopped, and delays nobody; it is asked again in the next round.

Each round begins with what the Parties say of themselves, which goes into the trust list (``published_trust``).

Not here: what a round does on a node (``jobs``).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from epix_node.clock import Clock, format_time, utc_now
from epix_node.errors import ConflictError, EpixError, PeerError, PeerUnreachableError
from epix_node.federation.national import NationalClient
from epix_node.sandbox_clock import SharedClock
from epix_node.web.board import board
from epix_node.web.payloads import tick_from_json
from epix_node.web.problems import problem, problem_of
from epix_node.web.published_trust import PublishedTrust, add_trust_routes

TICK_TIMEOUT = timedelta(seconds=300)
"""A tick answers within this time (contract 7)."""

PING_TIMEOUT = timedelta(seconds=5)
"""Longest wait for a node to say that it lives; one that hangs is treated as a stopped one."""

WITNESS_TIMEOUT = timedelta(seconds=30)
"""Longest wait for a node to ask its witnesses, who may be stopped."""

_MAX_BODY_BYTES = 4096
_PAGE = 500
_STATES = ("open", "pending")
_CLASSES = ("A", "R", "S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One Party's node, and the authority token that ticks it."""

    party: str
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """What a tick on the Secretariat answers; ``pulled`` is per peer pulled from, ``None`` where nobody reached it."""

    now: datetime
    rounds: int
    pulled: Mapping[str, int | None]
    findings: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As contract 7 prints it."""
        return {
            "now": format_time(self.now),
            "rounds": self.rounds,
            "pulled": dict(sorted(self.pulled.items())),
            "findings": dict(self.findings),
        }


class Secretariat:
    """Runs rounds over all nodes, until ``close``.

    ``clock`` is the steerable clock of the sandbox, ``None`` where time is the machine's.
    """

    def __init__(
        self, members: Sequence[Member], *, clock: SharedClock | None, trust: PublishedTrust | None = None
    ) -> None:
        self.trust = trust
        """The trust list that it publishes; None where somebody else does."""
        self._clients = [NationalClient(party=m.party, url=m.url, token=m.token) for m in members]
        self._steerable = clock
        self._read: Clock = clock if clock is not None else utc_now
        self._one_at_a_time = asyncio.Lock()
        self._counts: dict[str, Any] = {}
        """What each node said of its findings after its newest round."""
        self._silent: set[str] = set()
        """Whose nodes did not answer since this tick began; they are asked again in the next one."""

    async def close(self) -> None:
        """Every client is closed."""
        async with AsyncExitStack() as stack:
            for client in self._clients:
                stack.push_async_exit(client.__aexit__)

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._read()

    async def board(self) -> dict[str, Any]:
        """How every node is, and whose register has two histories."""
        return await board(self._clients, now=self.now())

    async def tick(self, moment: datetime | None) -> TickReport:
        """The clock stands at ``moment``, if one is given, and a round over all nodes brought nothing.

        Raises:
            ConflictError: the time cannot be moved, or would go back; nothing was done then.
            TimeoutError: it took longer than ``TICK_TIMEOUT``; what was done stays.
            PeerRefusedError, PeerProtocolError: a node answers, but not with a tick.
        """
        async with self._one_at_a_time, asyncio.timeout(TICK_TIMEOUT.total_seconds()):
            self._silent.clear()
            await self._witness()
            self._move(moment)
            pulled: dict[str, int | None] = {}
            rounds, brought_something = 0, True
            while brought_something:
                rounds += 1
                brought_something = await self._round(pulled)
            return TickReport(now=self.now(), rounds=rounds, pulled=pulled, findings=await self._findings())

    async def _answers(self, client: NationalClient) -> bool:
        """Whether this node lives; one that hangs costs a tick ``PING_TIMEOUT`` once."""
        if client.party in self._silent:
            return False
        if await client.answers("/healthz", within=PING_TIMEOUT):
            return True
        self._silent.add(client.party)
        return False

    def _move(self, moment: datetime | None) -> None:
        if moment is None:
            return
        if self._steerable is None:
            raise ConflictError("this sandbox runs on the machine's clock; start it with --clock TIME", code="NO_CLOCK")
        self._steerable.set(moment)

    async def _witness(self) -> None:
        """Every node that answers has gathered the cosignatures still missing, at the old time (contract 7)."""

        async def ask(client: NationalClient) -> None:
            if await self._answers(client):
                try:
                    await client.post("/sandbox/v1/witness", {}, within=WITNESS_TIMEOUT)
                except PeerError:  # it was killed just now, or is older than this: its entries stay LOGGED
                    return

        await asyncio.gather(*map(ask, self._clients))

    async def _round(self, pulled: dict[str, int | None]) -> bool:
        """Every node that answers has run one round; whether that changed anything. Adds to ``pulled``."""
        changed = False
        if self.trust is not None:
            await self.trust.gather(without=self._silent)
        for client in self._clients:
            if not await self._answers(client):
                continue
            try:
                reply = await client.post("/sandbox/v1/tick", {}, within=TICK_TIMEOUT)
            except PeerUnreachableError:  # it was killed just now
                continue
            answer = client.expect(reply, 200, what="a tick")
            for party, documents in answer["pulled"].items():
                known = pulled.setdefault(party, None)
                if documents is not None:
                    pulled[party] = (known or 0) + documents
                changed = changed or bool(documents)
            # A node that did its round before may have to take what this one wrote in its own.
            changed = changed or bool(answer.get("written"))
            changed = changed or self._counts.get(client.party) != answer["findings"]
            self._counts[client.party] = answer["findings"]
        return changed

    async def _findings(self) -> dict[str, int]:
        """Distinct findings over all nodes: the open ones by class, and those that are pending wherever they are held.

        Where nodes differ for a moment, open counts before pending, and the graver class before the lesser.
        """
        held: dict[str, set[tuple[str, str]]] = {}
        for client in self._clients:
            if not await self._answers(client):
                continue
            for state in _STATES:
                try:
                    found = await _all_findings(client, state=state)
                except PeerUnreachableError:  # it was killed just now
                    break
                for finding in found:
                    held.setdefault(finding["id"], set()).add((state, finding["class"]))
        counts = dict.fromkeys((*_CLASSES, "pending"), 0)
        for seen in held.values():
            state, class_ = min(seen)
            counts[class_ if state == "open" else "pending"] += 1
        return counts


async def _all_findings(client: NationalClient, *, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query = {"state": state, "limit": str(_PAGE)}
    while True:
        page = await client.ask("/api/v1/findings", **query)
        found += page["findings"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def make_secretariat(secretariat: Secretariat, *, token: str) -> web.Application:
    """The Secretariat's HTTP; ``token`` is its authority's."""

    async def tick(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            return problem(
                401,
                "UNAUTHORIZED",
                "a tick needs the Secretariat's authority token",
                headers={"WWW-Authenticate": "Bearer"},
            )
        try:
            return web.json_response((await secretariat.tick(tick_from_json(await request.read()))).to_json())
        except EpixError as error:
            return problem_of(error)
        except TimeoutError:
            return problem(504, "TICK_TIMEOUT", f"not done within {TICK_TIMEOUT.seconds} s; tick again to go on")

    async def clock(_: web.Request) -> web.Response:
        return web.json_response({"now": format_time(secretariat.now())})

    async def show_board(_: web.Request) -> web.Response:
        return web.json_response(await secretariat.board())

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.add_routes(
        [
            web.post("/sandbox/v1/tick", tick),
            web.get("/sandbox/v1/clock", clock),
            web.get("/board", show_board),
            web.get("/healthz", ready),
            web.get("/readyz", ready),
        ]
    )
    if secretariat.trust is not None:
        add_trust_routes(app, secretariat.trust)
    return app


@asynccontextmanager
async def run_secretariat(app: web.Application, *, host: str, port: int) -> AsyncIterator[None]:
    """The application answers at this address until the block ends. Raises ``OSError`` where the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
