"""Real nodes of fictional countries in one process: own keys, own SQLite, own HTTP server on loopback.

The wire between them is real, and each country's side of it can be made to lie (`Country.meddle`). Time stands still
until `World.wait()`; transport uses the machine's clock.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Awaitable, Callable
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
from epix_node.exchange.own import published
from epix_node.federation.pull import PullResult, pull
from epix_node.federation.trust import refresh_stored
from epix_node.identity.role import sign_next
from epix_node.node import Node, open_node
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.json import permit_from_json
from epix_node.register.checkpoint import Checkpoint, sign_checkpoint
from epix_node.register.entry import Leaf
from epix_node.register.merkle import leaf_hash
from epix_node.store import documents, peers, register
from epix_node.store.database import Session
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState
from epix_node.trust.manifest import Manifest
from epix_node.trust.repository import Repository
from epix_node.trust.signed_version import SignedVersion
from epix_node.web.federation_api import add_federation_routes
from epix_node.web.keys import NODE
from epix_node.web.metrics import METRICS, RequestMetrics
from epix_node.web.middleware import every_request
from epix_node.web.signed_answers import signed
from tests.trusting import Secretariat

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PARTIES = ("XA", "XB", "XC")
HOST = "127.0.0.1"
SECRETARIAT = "secretariat"

Meddle = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def found_countries(directory: Path) -> Path:
    """Three countries that trust one another, at rest; copy them and open them as often as needed."""
    secretariat = Secretariat(directory / SECRETARIAT, now=START)
    configs = [secretariat.found(directory / party, party, f"http://{HOST}:{unused_port()}") for party in PARTIES]
    secretariat.tell(configs)
    return directory


class Country:
    """One node, which can be stopped and started, and its side of the wire."""

    def __init__(self, home: Path, clock: Callable[[], datetime]) -> None:
        self.home = home
        self.config = load_config(home / DEFAULT_PATH, {})
        self.meddle: Meddle | None = None
        self.asked: list[str] = []
        """The path of every request that reached this country."""
        self._clock = clock
        self._open = ExitStack()
        self._server: TestServer | None = None
        self.node: Node
        self.open()

    def open(self) -> None:
        opened = self._open.enter_context(open_node(self.config))
        self.node = dataclasses.replace(opened, clock=self._clock)

    def close(self) -> None:
        """As a process ends: nothing but the files is left."""
        self._open.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    async def up(self) -> None:
        app = web.Application(middlewares=[self._meddling, every_request])
        app[NODE] = self.node
        app[METRICS] = RequestMetrics()
        add_federation_routes(app)
        self._server = TestServer(app, host=HOST, port=self.config.server.port)
        await self._server.start_server()

    async def down(self) -> None:
        if self._server is not None:
            await self._server.close()
        self._server = None

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

    def grow(self, entries: int) -> None:
        """The register has so many entries more, of which nobody will ever see the documents."""
        self.node.database.write_now(self._grow, entries)

    def _grow(self, session: Session, entries: int) -> None:
        held = published(session, self.node.office.own, now=self._clock())
        start = held.edge.size
        leaves = [
            Leaf(at=self._clock(), c=secret, d=secret, environment="sandbox", party=self.node.party)
            for secret in (sha256(f"{start + i}".encode()).digest() for i in range(entries))
        ]
        data = [leaf.to_bytes() for leaf in leaves]
        register.append(session, self.node.party, start, data)
        edge = held.edge.extended(leaf_hash(one) for one in data)
        grown = dataclasses.replace(
            held, edge=edge, checkpoint_size=edge.size, checkpoint=self.says(edge.size, edge.root())
        )
        register.put_state(session, grown)

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


class World:
    """The countries and the time."""

    def __init__(self, directory: Path, founded: Path) -> None:
        self.now = START
        self.directory = directory
        shutil.copytree(founded / SECRETARIAT, directory / SECRETARIAT)
        self.countries: dict[str, Country] = {}
        for party in PARTIES:
            shutil.copytree(founded / party, directory / party)
            self.countries[party] = Country(directory / party, lambda: self.now)

    def __getitem__(self, party: str) -> Country:
        return self.countries[party]

    @property
    def repository(self) -> Repository:
        """The Secretariat's side of the trust list."""
        return Repository.at(self.directory / SECRETARIAT)

    def refresh(self, *parties: str) -> None:
        """These countries, or all, hold the trust list as it is now; without a network."""
        for party in parties or PARTIES:
            refresh_stored(self[party].node.database, party, self.repository.files.fetch, self.now)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    async def pull(self, reader: str, writer: str = "XA") -> PullResult:
        return await pull(self[reader].node, writer, ignore_backoff=True)

    async def close(self) -> None:
        for country in self.countries.values():
            await country.down()
            country.close()


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
