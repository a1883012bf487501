"""The wire between nodes: it carries real HTTP, and spoils it per direction as it is told.

A `Wire` listens where the nodes' manifests say that they are, and hands every question on to the node itself, which
listens elsewhere: in this process or in one of its own. Who asks is in the request's `EPIX-Party`. What a `Link` does
to one question is drawn from the seed, the turn, the link and the question, so that a history can be played again.
"""

from __future__ import annotations

import asyncio
import gzip
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

HOST = "127.0.0.1"
NOBODY = "--"
"""Who asks without a name."""

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "server"})
_REMEMBERED = 24
_KIB = 1024


class Fault(Enum):
    """What a link can do to a question or to its answer."""

    LOSE_QUESTION = "the node never hears it"
    LOSE_ANSWER = "the node did what was asked, and nobody hears of it"
    DELAY = "others overtake it"
    REPEAT = "the node hears it twice; either answer arrives"
    TRUNCATE = "the connection ends within the answer"
    SHORTEN = "the answer ends early and looks complete"
    CORRUPT_QUESTION = "some of its bytes are others"
    CORRUPT = "some bytes of the answer are others"
    OLDER = "an answer that it gave to the same node at this address before"
    OTHERS = "an answer that another node gave at this address"
    EMPTY = "an answer of nothing"
    ERROR = "a proxy in between says that there is nobody"
    DENY = "somebody in between says that there is no such thing"
    NOTHING_NEW = "somebody in between says that nothing changed"
    STALL = "no answer comes, and then the connection ends"
    ENDLESS = "an answer that does not end, compressed"


HARMLESS = frozenset({Fault.DELAY})


@dataclass
class Link:
    """One direction between two Parties."""

    faults: Mapping[Fault, float] = field(default_factory=dict)
    """How likely each is, of 1 in all; the rest arrives as it was sent."""
    is_cut: bool = False
    leads_to: str | None = None
    """Another node that answers in the place of the one that was asked: another history for who asks here."""
    only: str = ""
    """What the address must contain for anything to happen to it."""
    fault: Callable[[str], Fault | None] | None = None
    """Says for an address what happens to it, in place of chance."""

    def drawn(self, chance: random.Random, path: str) -> Fault | None:
        if self.only not in path:
            return None
        if self.fault is not None:
            return self.fault(path)
        value = chance.random()
        for fault, likelihood in sorted(self.faults.items(), key=lambda one: one[0].name):
            value -= likelihood
            if value < 0:
                return fault
        return None


@dataclass(frozen=True)
class Answer:
    """An answer as it crosses the wire."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


class Unanswered(Exception):
    """The connection ends without an answer."""


class Wire:
    """Carries every question between the nodes; `links` says what happens on the way, where it says anything."""

    def __init__(self, seed: object = 0) -> None:
        self.seed = seed
        self.turn = 0
        self.links: defaultdict[tuple[str, str], Link] = defaultdict(Link)
        self.happened: Counter[Fault] = Counter()
        self.carried: list[tuple[str, str, str]] = []
        """(from, to, path) of every question that was asked."""
        self.on_question: Callable[[str, str], None] | None = None
        """Called with who asks whom, before anything is handed on."""
        self.stall_s: float | None = 0.01
        """How long nothing comes of what stalls; None: until the wire is whole again."""
        self._targets: dict[str, int] = {}
        self._runners: dict[str, web.AppRunner] = {}
        self._said: defaultdict[str, list[tuple[str, str, Answer]]] = defaultdict(list)
        self._times: Counter[tuple[int, str, str, str]] = Counter()
        self._over = asyncio.Event()
        self._http: ClientSession | None = None

    async def listen(self, party: str, port: int) -> None:
        """Questions to this Party are taken at this port from now on."""
        app = web.Application(client_max_size=64 * _KIB * _KIB)

        async def carry(request: web.Request) -> web.StreamResponse:
            return await self._carry(party, request)

        app.router.add_route("*", "/{path:.*}", carry)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, HOST, port).start()
        self._runners[party] = runner

    async def hang_up(self, party: str) -> None:
        """Nobody listens for this Party: connections are refused."""
        runner = self._runners.pop(party, None)
        if runner is not None:
            await runner.cleanup()

    def reaches(self, name: str, port: int | None) -> None:
        """The node of this name listens at this port, or nowhere. A name that is no Party's is another history."""
        if port is None:
            self._targets.pop(name, None)
        else:
            self._targets[name] = port

    def heal(self) -> None:
        """Everything arrives as it was sent; what the wire kept of earlier answers is forgotten."""
        self.links.clear()
        self._said.clear()
        self._over.set()
        self._over = asyncio.Event()

    async def close(self) -> None:
        self._over.set()
        for party in list(self._runners):
            await self.hang_up(party)
        if self._http is not None:
            await self._http.close()

    async def _carry(self, to: str, request: web.Request) -> web.StreamResponse:
        asker, path = request.headers.get("EPIX-Party", NOBODY), request.raw_path
        self.carried.append((asker, to, path))
        if self.on_question is not None:
            self.on_question(asker, to)
        link = self.links[asker, to]
        self._times[self.turn, asker, to, path] += 1
        nth = self._times[self.turn, asker, to, path]
        chance = random.Random(f"{self.seed}|{self.turn}|{asker}|{to}|{request.method}|{path}|{nth}")
        fault = link.drawn(chance, path)
        if fault is not None:
            self.happened[fault] += 1
        try:
            return await self._crossing(link, to, request, fault, chance)
        except (Unanswered, ConnectionError, ClientError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)

    async def _crossing(
        self, link: Link, to: str, request: web.Request, fault: Fault | None, chance: random.Random
    ) -> web.StreamResponse:
        if link.is_cut or fault is Fault.LOSE_QUESTION:
            raise Unanswered
        body = await request.read()
        if fault is Fault.STALL:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self.stall_s)
            raise Unanswered
        if fault is Fault.ENDLESS:
            return await self._endless(request)
        answer = await self._answer(link.leads_to or to, to, request, body, fault, chance)
        return await self._given(request, answer, fault, chance)

    async def _answer(
        self, name: str, to: str, request: web.Request, body: bytes, fault: Fault | None, chance: random.Random
    ) -> Answer:
        """What the node says, or what is said in its place."""
        if fault is Fault.ERROR:
            return Answer(chance.choice((500, 502, 503, 504)), CIMultiDict(), b"")
        if fault is Fault.DENY:
            return Answer(chance.choice((401, 403, 404, 410, 422)), CIMultiDict(), b"")
        if fault is Fault.NOTHING_NEW:
            return Answer(304, CIMultiDict(), b"")
        if fault is Fault.DELAY:
            for _ in range(chance.randrange(1, 20)):
                await asyncio.sleep(0)
        key = f"{request.method} {request.path}"
        asker = request.headers.get("EPIX-Party", NOBODY)
        said = tuple(self._said[key])
        if fault is Fault.OLDER and (kept := [one for who, to_whom, one in said if (who, to_whom) == (to, asker)]):
            return chance.choice((kept[0], chance.choice(kept)))
        if fault is Fault.OTHERS and (kept := [one for who, _, one in said if who != to]):
            return chance.choice(kept)
        if fault is Fault.CORRUPT_QUESTION:
            body = _corrupted(body, chance)
        answer = await self._forward(name, request, body)
        self._remember(key, (to, asker, answer))
        if fault is Fault.REPEAT:
            answer = chance.choice((answer, await self._forward(name, request, body)))
        return answer

    def _remember(self, key: str, said: tuple[str, str, Answer]) -> None:
        """Of each pair of nodes so many answers; the first one for ever, since it is the oldest lie there is."""
        mine = [one for one in self._said[key] if one[:2] == said[:2]]
        if len(mine) == _REMEMBERED:
            self._said[key].remove(mine[1])
        self._said[key].append(said)

    async def _given(
        self, request: web.Request, answer: Answer, fault: Fault | None, chance: random.Random
    ) -> web.StreamResponse:
        body = answer.body
        if fault is Fault.LOSE_ANSWER:
            raise Unanswered
        if fault is Fault.CORRUPT:
            body = _corrupted(body, chance)
        elif fault is Fault.SHORTEN:
            body = body[: chance.randrange(len(body))] if body else body
        elif fault is Fault.EMPTY:
            body = b""
        if fault is Fault.TRUNCATE and body:
            response = web.StreamResponse(status=answer.status, headers=answer.headers)
            response.content_length = len(body)
            await response.prepare(request)
            await response.write(body[: chance.randrange(len(body))])
            raise Unanswered
        if answer.status in {204, 304}:
            body = b""
        return web.Response(status=answer.status, headers=answer.headers, body=body)

    async def _forward(self, name: str, request: web.Request, body: bytes) -> Answer:
        port = self._targets.get(name)
        if port is None:
            raise Unanswered
        if self._http is None:
            self._http = ClientSession(
                connector=TCPConnector(limit=0),
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,
                timeout=ClientTimeout(total=60),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP}
        url = URL(f"http://{HOST}:{port}{request.raw_path}", encoded=True)
        data = body if request.can_read_body or body else None
        async with self._http.request(request.method, url, headers=headers, data=data, allow_redirects=False) as said:
            kept = CIMultiDict((key, value) for key, value in said.headers.items() if key.lower() not in _HOP_BY_HOP)
            return Answer(said.status, kept, await said.read())

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        """Compressed nothing, as long as anybody reads it."""
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        piece = gzip.compress(bytes(64 * _KIB))
        with suppress(ConnectionError):
            for _ in range(100_000):
                await response.write(piece)
        raise Unanswered


def _corrupted(data: bytes, chance: random.Random) -> bytes:
    """One to three bytes of these are others."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)
