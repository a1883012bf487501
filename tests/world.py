"""Real nodes of fictional countries in one process: own keys, own database, own HTTP server on loopback.

What they say to each other is real HTTP. Each country's side of it can be made to lie (`Country.meddle`), and between
them there can be a `Wire`, which loses, spoils and repeats by itself (`tests.wire`). Time stands still until
`World.wait()` or `World.step()`; transport uses the machine's clock.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from aiohttp.typedefs import Handler

from epix_node.acts import publish as acts
from epix_node.acts import report
from epix_node.acts.publish import Published
from epix_node.config import DEFAULT_PATH, load_config
from epix_node.federation.pull import PullResult, pull
from epix_node.federation.trust import refresh_stored
from epix_node.identity.role import sign_next
from epix_node.jobs import Round, round_
from epix_node.node import Node, open_node
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.facts import Source
from epix_node.permit.json import permit_from_json
from epix_node.permit.number import NumberRef
from epix_node.register.checkpoint import Checkpoint, sign_checkpoint
from epix_node.register.entry import Leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.store import documents, peers, register
from epix_node.store.database import Session
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState
from epix_node.trust.manifest import Manifest
from epix_node.trust.repository import Repository
from epix_node.trust.signed_version import SignedVersion
from epix_node.web.desk import DESK, open_desk
from epix_node.web.federation_api import add_federation_routes
from epix_node.web.keys import NODE
from epix_node.web.log_api import add_log_routes
from epix_node.web.metrics import METRICS, RequestMetrics
from epix_node.web.middleware import every_request
from epix_node.web.mirror_api import add_mirror_routes
from epix_node.web.signed_answers import signed
from epix_node.web.witness_api import add_witness_routes
from tests.stores import copy_node
from tests.trusting import Secretariat
from tests.wire import Wire

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PARTIES = ("XA", "XB", "XC")
HOST = "127.0.0.1"
SECRETARIAT = "secretariat"

Meddle = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def found_countries(directory: Path, parties: Sequence[str] = PARTIES) -> Path:
    """Countries that trust one another, at rest; copy them and open them as often as needed."""
    secretariat = Secretariat(directory / SECRETARIAT, now=START)
    configs = [secretariat.found(directory / party, party, f"http://{HOST}:{unused_port()}") for party in parties]
    secretariat.tell(configs)
    return directory


class Country:
    """One node, which can be stopped and started, and its side of the wire.

    With a `wire`, that listens at the node's address and the node elsewhere. A country of another `name` than its
    Party's is a second node with the same keys, which only those links reach that lead there.
    """

    def __init__(
        self, home: Path, clock: Callable[[], datetime], *, wire: Wire | None = None, name: str | None = None
    ) -> None:
        self.home = home
        self.wire = wire
        self.config = load_config(home / DEFAULT_PATH, {})
        self.meddle: Meddle | None = None
        self.asked: list[str] = []
        """The path of every request that reached this country."""
        self._clock = clock
        self._open = ExitStack()
        self._server: TestServer | None = None
        self.node: Node
        self.open()
        self.party = self.node.party
        self.name = name or self.party

    def open(self) -> None:
        opened = self._open.enter_context(open_node(self.config))
        self.node = dataclasses.replace(opened, clock=self._clock)

    def close(self) -> None:
        """As a process ends: nothing but the files is left."""
        self._open.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def app(self) -> web.Application:
        """What this country answers."""
        app = web.Application(middlewares=[self._meddling, every_request])
        app[NODE] = self.node
        app[METRICS] = RequestMetrics()
        add_federation_routes(app)
        add_log_routes(app)
        add_mirror_routes(app)
        add_witness_routes(app)
        app.cleanup_ctx.append(self._desk)
        return app

    async def _desk(self, app: web.Application) -> AsyncIterator[None]:
        """What answers a peer that asks for the status of a permit."""
        with open_desk(self.node) as desk:
            app[DESK] = desk
            yield

    @property
    def is_up(self) -> bool:
        return self._server is not None

    async def up(self) -> None:
        port = self.config.server.port
        self._server = TestServer(self.app(), host=HOST, port=port if self.wire is None else 0)
        await self._server.start_server()
        if self.wire is not None:
            self.wire.reaches(self.name, self._server.port)
            if self.name == self.party:
                await self.wire.listen(self.party, port)

    async def down(self) -> None:
        if self.wire is not None:
            self.wire.reaches(self.name, None)
            if self.name == self.party:
                await self.wire.hang_up(self.party)
        if self._server is not None:
            await self._server.close()
        self._server = None

    async def round(self, *, ignore_backoff: bool = False) -> Round:
        """What the node's jobs do in a minute: its checkpoint is recent, and everybody was asked who is due."""
        await asyncio.to_thread(self.node.office.sequencer.publish, now=self._clock())
        return await round_(self.node, ignore_backoff=ignore_backoff)

    @property
    def _meddling(self) -> Any:
        @web.middleware
        async def meddling(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.asked.append(request.raw_path)
            return await (self.meddle(request, handler) if self.meddle is not None else handler(request))

        return meddling

    # What it does

    def publish(self, number: str, **members: Any) -> Published:
        return acts.publish(self.node.office, permit_of(self.node.party, number, **members), now=self._clock())

    def confirm(self, number: str, issuer: str = "XA", **members: Any) -> report.Reported:
        body = confirmation_from_json(
            {
                "event_id": f"EV-{number}",
                "permit": {"issuer": issuer, "number": number},
                "office": "PORT-1",
                "date": "2026-03-02",
                "outcome": "released",
                "lines": [{"block": "A", "quantity": "10", "unit": "NAR"}],
                **members,
            }
        )
        return report.report(self.node.office, body, now=self._clock())

    def withdraw(self, number: str) -> acts.Withdrawn:
        permit = NumberRef(issuer=self.party, number=number)
        return acts.withdraw(self.node.office, permit, WithdrawalReason.STOLEN, None, now=self._clock())

    def grow(self, entries: int) -> None:
        """The register has so many entries more, of which nobody will ever see the documents."""
        self.node.database.write_now(self._grow, entries)
        self.node.office.sequencer.publish(now=self._clock())

    def _grow(self, session: Session, entries: int) -> None:
        held = register.state(session, self.node.party)
        edge = held.edge if held is not None else RightEdge.empty()
        start = edge.size
        leaves = [
            Leaf(at=self._clock(), c=secret, d=secret, environment="sandbox", party=self.node.party)
            for secret in (sha256(f"{start + i}".encode()).digest() for i in range(entries))
        ]
        data = [leaf.to_bytes() for leaf in leaves]
        register.append(session, self.node.party, start, data)
        edge = edge.extended(leaf_hash(one) for one in data)
        register.put_edge(session, self.node.party, self.node.office.own.origin, edge)

    def says(self, size: int, root: bytes, *, at: datetime | None = None) -> bytes:
        """A checkpoint that this country signs, true or not."""
        own = self.node.office.own
        checkpoint = Checkpoint(origin=own.origin, size=size, root=root)
        return sign_checkpoint(checkpoint, log=own.log, cosigner=own.cosigner, at=at or self._clock())

    # What it signs of itself

    def sign(self, manifest: Manifest) -> SignedVersion:
        """The country's next manifest, which the others have to hear of."""
        assert self.node.role is not None
        return sign_next(self.node.database, self.node.role, manifest, now=self._clock())

    # What it holds

    def peer(self, party: str) -> PeerState:
        state = self.node.database.read_now(peers.state, party)
        assert state is not None
        return state

    def mirror(self, party: str) -> RegisterState:
        state = self.node.database.read_now(register.state, party)
        assert state is not None
        return state

    def holds(self, *published: Published | report.Reported) -> list[bool]:
        digests = [one.source.document for one in published]
        found = [self.node.database.read_now(documents.find, digest) for digest in digests]
        return [one is not None for one in found]

    def quarantined(self) -> list[tuple[str, str]]:
        return [(party, reason) for party, _, reason, _ in self.node.database.read_now(documents.quarantined)]


@dataclasses.dataclass(frozen=True)
class Written:
    """A document that somebody wrote, and to whom decision 3 addresses it."""

    party: str
    index: int | None
    audience: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Issued:
    """A permit that was published, and for whom."""

    issuer: str
    document: str
    to: str


class World:
    """The countries, the time, and with a `seed` the wire between them.

    What happens by chance follows the seed: which links spoil what, and in which order the nodes come to do their
    rounds. Keys, salts and ports are others each time.
    """

    def __init__(self, directory: Path, founded: Path | None, *, seed: object = None) -> None:
        """With ``founded`` a copy of those countries; otherwise those that are in the directory, as they ended."""
        self.now = START
        self.directory = directory
        self.chance = random.Random(f"world {seed}")
        self.written: dict[str, Written] = {}
        """By digest, what was written with the methods of the world."""
        self._wire = Wire(seed) if seed is not None else None
        if self._wire is not None:
            self._wire.on_question = self._asked
            random.seed(f"jitter {seed}")
        self.permits: dict[str, Issued] = {}
        """By number, what was published with the methods of the world."""
        self._doomed: dict[str, int] = {}
        self._dead: list[str] = []
        self._at_work: tuple[str, asyncio.Task[Round]] | None = None
        if founded is not None:
            shutil.copytree(founded / SECRETARIAT, directory / SECRETARIAT)
        source = founded or directory
        self.parties = tuple(sorted(one.name for one in source.iterdir() if one.name != SECRETARIAT))
        self.twins: list[Country] = []
        self.countries: dict[str, Country] = {}
        for party in self.parties:
            if founded is not None:
                copy_node(founded / party, directory / party)
            self.countries[party] = Country(directory / party, self.clock, wire=self._wire)

    def __getitem__(self, party: str) -> Country:
        return self.countries[party]

    def clock(self) -> datetime:
        return self.now

    @property
    def wire(self) -> Wire:
        assert self._wire is not None, "this world was made without a seed, and so without a wire"
        return self._wire

    @property
    def repository(self) -> Repository:
        """The Secretariat's side of the trust list."""
        return Repository.at(self.directory / SECRETARIAT)

    def refresh(self, *parties: str) -> None:
        """These countries, or all, hold the trust list as it is now; without a network."""
        for party in parties or self.parties:
            refresh_stored(self[party].node.database, party, self.repository.files.fetch, self.now)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    async def pull(self, reader: str, writer: str = "XA") -> PullResult:
        return await pull(self[reader].node, writer, ignore_backoff=True)

    async def up(self) -> None:
        for country in self.countries.values():
            await country.up()

    async def twin(self, party: str) -> Country:
        """A second node with this country's keys and what it holds now; no link leads to it yet."""
        home = copy_node(self[party].home, self.directory / f"{party} twin")
        twin = Country(home, self.clock, wire=self.wire, name=f"{party} twin")
        self.twins.append(twin)
        await twin.up()
        return twin

    async def close(self) -> None:
        for country in (*self.countries.values(), *self.twins):
            await country.down()
            country.close()
        if self._wire is not None:
            await self._wire.close()

    # Deeds, of which is kept who has to hear of them

    def publish(self, party: str, number: str, *, to: str, **members: Any) -> Published:
        made = self[party].publish(number, to=to, **members)
        self.permits[number] = Issued(party, made.source.document, to)
        self._wrote(party, made.source, {to})
        return made

    def confirm(self, party: str, number: str, **members: Any) -> report.Reported:
        permit = self.permits[number]
        knows = self[party].node.database.read_now(documents.find, permit.document) is not None
        made = self[party].confirm(number, permit.issuer, **{"event_id": f"EV-{party}-{number}", **members})
        self._wrote(party, made.source, {permit.issuer, permit.to} if knows else {permit.issuer})
        return made

    def withdraw(self, party: str, number: str) -> acts.Withdrawn:
        made = self[party].withdraw(number)
        self._wrote(party, made.source, {self.permits[number].to})
        return made

    def _wrote(self, party: str, source: Source, audience: Iterable[str]) -> None:
        if source.document in self.written:
            return  # the same again
        self.written[source.document] = Written(party, source.index, frozenset(audience) - {party})

    # Rounds

    async def step(self, *, ignore_backoff: bool = False, **span: float) -> dict[str, Round | None]:
        """The clock went on, by a minute if nothing is said, and every node that is up did one round.

        One after the other, in an order that chance gives. None for a node that died in its round.
        """
        self.wait(**(span or {"minutes": 1}))
        if self._wire is not None:
            self._wire.turn += 1
        order = [party for party in self.parties if self[party].is_up]
        self.chance.shuffle(order)
        done: dict[str, Round | None] = {}
        for party in order:
            done[party] = await self._round(party, ignore_backoff=ignore_backoff)
            await self._bury()
        return done

    def doom(self, party: str, *, after: int) -> None:
        """The node dies at the so-manieth question that it asks or is asked, and is started again after that round."""
        self._doomed[party] = after

    async def _round(self, party: str, *, ignore_backoff: bool) -> Round | None:
        task = asyncio.create_task(self[party].round(ignore_backoff=ignore_backoff))
        self._at_work = (party, task)
        try:
            return await task
        except asyncio.CancelledError:
            if party not in self._dead:
                raise
            return None
        finally:
            self._at_work = None

    def _asked(self, asker: str, to: str) -> None:
        for party in {asker, to} & self._doomed.keys():
            self._doomed[party] -= 1
            if self._doomed[party] > 0:
                continue
            del self._doomed[party]
            self._dead.append(party)
            self.wire.reaches(party, None)
            if self._at_work is not None and self._at_work[0] == party:
                self._at_work[1].cancel()

    async def _bury(self) -> None:
        for party in self._dead:
            await self[party].down()
            self[party].reopen()
            await self[party].up()
        self._dead.clear()


def permit_of(issuer: str, number: str, **members: Any) -> Any:
    """A permit that no rule blocks."""
    return permit_from_json(
        {
            "type": "E",
            "number": number,
            "issuer": issuer,
            "issued_on": "2026-03-02",
            "valid_until": "2026-08-31",
            "purpose": "T",
            "exporter": {"name": "Hook Leather", "address": "7 Jetty Street", "country": issuer},
            "importer": {"name": "Tiger Lily", "address": "1 Lagoon Road", "country": members.pop("to", "XB")},
            "authority": {"name": f"Authority of {issuer}", "place": "Port", "signatory": "J. D."},
            "lines": [
                {
                    "block": "A",
                    "taxon": "Python regius",
                    "appendix": "II",
                    "sources": ["C"],
                    "term": "SKI",
                    "quantity": "10",
                    "unit": "NAR",
                }
            ],
            **members,
        }
    )


def on(path: str, answer: Callable[[web.Request], web.StreamResponse | None]) -> Meddle:
    """A side of the wire that answers requests whose path has this in it; None lets the node answer."""

    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        made = answer(request) if path in request.raw_path else None
        return made if made is not None else await handler(request)

    return meddle


def changing(path: str, change: Callable[[bytes], bytes], *, on_the_way: bool = False) -> Meddle:
    """A node that lies in its answers to this path, and signs its lies; ``on_the_way``: somebody else changes them."""

    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if path not in request.raw_path or response.status != 200:
            return response
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        lie = web.Response(body=change(response.body))
        if on_the_way:
            lie.headers.update(response.headers)
        elif "Signature" in response.headers:
            lie.content_type = response.content_type
            return signed(request, lie)
        return lie

    return meddle


def feed_without(document: str) -> Meddle:
    """A node that lists everything but this document, and signs its lists."""

    def change(body: bytes) -> bytes:
        page = json.loads(body)
        page["entries"] = [entry for entry in page["entries"] if entry["document"] != document]
        return json.dumps(page).encode()

    return changing("/feed", change)
