"""A node of XA with its real application, real SQLite and real keys, on a clock that only the test moves."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from epix_node.config import load_config
from epix_node.founding import Plan, found_node
from epix_node.node import Node, open_node
from epix_node.sandbox_clock import SharedClock
from epix_node.store import clients
from epix_node.store.clients import Role
from epix_node.web.app import make_app
from tests.stores import copy_node

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def permit_json(number: str = "26XA000123", **members: Any) -> dict[str, Any]:
    """Twelve ball pythons from XA to XB, of 1 March 2026."""
    line = {
        "block": "A",
        "taxon": "Python regius",
        "common_name": "ball python",
        "appendix": "II",
        "sources": ["C"],
        "term": "LIV",
        "description": "live snakes",
        "quantity": "12",
        "unit": "NAR",
        "origin": {"country": "XA"},
    }
    return {
        "type": "E",
        "number": number,
        "issuer": "XA",
        "issued_on": "2026-03-01",
        "valid_until": "2026-08-31",
        "purpose": "T",
        "exporter": {"name": "Anna Exporter", "address": "1 Sea Road", "country": "XA"},
        "importer": {"name": "Ben Importer", "address": "2 Lake Road", "country": "XB"},
        "authority": {"name": "Authority of XA", "place": "Capital", "signatory": "Carla Signer"},
        "special_conditions": "by air, IATA rules",
        "lines": [line],
        **members,
    }


def event_json(event_id: str = "XA-1", number: str = "26XA000123", **members: Any) -> dict[str, Any]:
    """Twelve arrived, or left."""
    return {
        "event_id": event_id,
        "permit": {"issuer": "XA", "number": number},
        "office": "PORT",
        "date": "2026-03-02",
        "transport_document": "020-1",
        "lines": [{"block": "A", "quantity": "12", "unit": "NAR"}],
        **members,
    }


def proof_header(proof: dict[str, Any]) -> dict[str, str]:
    return {"EPIX-Proof": base64.urlsafe_b64encode(json.dumps(proof).encode()).decode().rstrip("=")}


@dataclass
class Reply:
    """An answer, read."""

    status: int
    body: Any
    raw: bytes
    headers: Any

    @property
    def code(self) -> str:
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.raw
        assert self.body["status"] == self.status
        return self.body["code"]


@dataclass
class Api:
    """Asks the node as one of its clients; `as_` changes who asks."""

    http: TestClient[Any, Any]
    node: Node
    tokens: dict[str, str]
    role: str = "authority"
    problems: list[str] = field(default_factory=list)

    def as_(self, role: str) -> Api:
        return Api(self.http, self.node, self.tokens, role)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        token: str | None = None,
    ) -> Reply:
        sent = {"Authorization": f"Bearer {token or self.tokens[self.role]}", **(headers or {})}
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        stream = io.BytesIO(data) if data is not None else None
        async with self.http.request(method, URL(path, encoded=True), data=stream, headers=sent) as response:
            return await read(response)

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return await self.ask("POST", path, body, **options)

    async def publish(self, number: str = "26XA000123", **members: Any) -> Reply:
        reply = await self.as_("authority").post("/api/v1/permits", permit_json(number, **members))
        assert reply.status == 201, reply.body
        return reply

    async def status(self, number: str = "26XA000123", **members: Any) -> Reply:
        return await self.post("/api/v1/status", {"issuer": "XA", "number": number, **members})

    @property
    def clock(self) -> SharedClock:
        assert self.node.config.shared_clock is not None
        return SharedClock(self.node.config.shared_clock)

    def wait(self, period: timedelta) -> None:
        self.clock.set(self.clock() + period)


async def read(response: ClientResponse) -> Reply:
    raw = await response.read()
    is_json = "json" in response.headers.get("Content-Type", "")
    return Reply(response.status, json.loads(raw) if is_json and raw else None, raw, response.headers)


def path_of(number: str, issuer: str = "XA") -> str:
    return f"/api/v1/permits/{quote(issuer, safe='')}/{quote(number, safe='')}"


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """XA's directories, keys and empty database, made once."""
    home = tmp_path_factory.mktemp("founded") / "xa"
    found_node(home, Plan(party="XA", environment="sandbox", base_url="http://127.0.0.1:8080", now=START))
    return home


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return copy_node(founded, tmp_path / "xa")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Nodes entered here are closed after the applications that serve them."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def node(home: Path, opened: ExitStack) -> Node:
    clock = home / "clock"
    SharedClock(clock).set(START)
    config = load_config(home / "config" / "epix-node.toml", {"EPIX_SANDBOX__CLOCK": str(clock)})
    return opened.enter_context(open_node(config))


def admit_clients(node: Node) -> dict[str, str]:
    """One client of each role, with the role's name; their tokens."""
    return {role.value: node.database.write_now(clients.add, role.value, role, now=START) for role in Role}


@pytest.fixture
async def api(node: Node) -> AsyncIterator[Api]:
    tokens = admit_clients(node)
    async with TestClient(TestServer(make_app(node))) as http:
        yield Api(http, node, tokens)
