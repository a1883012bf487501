"""The Secretariat of a sandbox: rounds over all nodes until one brings nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from epix_node.sandbox_clock import SharedClock
from epix_node.web.secretariat import Member, Secretariat, make_secretariat

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
COUNTS = {"A": 0, "R": 0, "S": 0, "pending": 0}
TOKEN = {"Authorization": "Bearer centre"}


class FakeNode:
    """A Party's node that answers ticks from a list, the last one for ever; and lists findings, one a page."""

    def __init__(self, *ticks: dict, findings: tuple[dict, ...] = ()) -> None:
        self.ticks = list(ticks)
        self.findings = findings
        self.asked = 0

    async def tick(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer own"
        assert await request.json() == {}
        answer = self.ticks[min(self.asked, len(self.ticks) - 1)]
        self.asked += 1
        if "status" in answer:
            return web.json_response(answer, status=answer["status"])
        return web.json_response({"now": "-", "rounds": 1, "findings": COUNTS, **answer})

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def listed(self, request: web.Request) -> web.Response:
        found = [finding for finding in self.findings if finding["state"] == request.query["state"]]
        at = int(request.query.get("cursor", "0"))
        later = str(at + 1) if at + 1 < len(found) else None
        return web.json_response({"findings": found[at : at + 1], "next": later})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/sandbox/v1/tick", self.tick)
        app.router.add_get("/api/v1/findings", self.listed)
        app.router.add_get("/healthz", self.healthz)
        return app


@pytest.fixture
async def sandbox(tmp_path) -> AsyncIterator:
    """Makes a Secretariat over these nodes; ``None`` stands for a node that is stopped."""
    async with AsyncExitStack() as stack:

        async def make(*, steerable: bool = True, **nodes: FakeNode | None) -> TestClient:
            members = []
            for party, node in nodes.items():
                server = TestServer((node or FakeNode()).app())
                await server.start_server()
                members.append(Member(party=party, url=str(server.make_url("")), token="own"))
                if node is None:
                    await server.close()
                else:
                    stack.push_async_callback(server.close)
            clock = None
            if steerable:
                clock = SharedClock(tmp_path / "clock")
                clock.set(NOW)
            secretariat = Secretariat(members, clock=clock)
            stack.push_async_callback(secretariat.close)
            return await stack.enter_async_context(
                TestClient(TestServer(make_secretariat(secretariat, token="centre")))
            )

        yield make


async def test_rounds_go_on_until_one_brings_nothing(sandbox):
    """And what was pulled is summed for each peer that it was pulled from."""
    xa = FakeNode({"pulled": {"XB": 2}}, {"pulled": {"XB": 0}})
    xb = FakeNode({"pulled": {"XA": 1}}, {"pulled": {"XA": 1}}, {"pulled": {"XA": 0}})
    client = await sandbox(XA=xa, XB=xb)
    answer = await client.post("/sandbox/v1/tick", headers=TOKEN, json={})
    assert answer.status == 200
    assert await answer.json() == {
        "now": "2026-03-02T08:00:00Z",
        "rounds": 3,
        "pulled": {"XA": 2, "XB": 2},
        "findings": COUNTS,
    }


async def test_a_finding_that_opens_last_is_carried_by_one_more_round(sandbox):
    """Its alert was not there yet when the others pulled; afterwards one quiet round is enough."""
    quiet = {"pulled": {"XA": 0}, "findings": {**COUNTS, "A": 1}}
    nothing, alert = {"pulled": {"XB": 0}}, {"pulled": {"XB": 1}}
    xa = FakeNode(nothing, nothing, nothing, alert, nothing)
    xb = FakeNode({"pulled": {"XA": 0}}, {"pulled": {"XA": 0}}, quiet)
    client = await sandbox(XA=xa, XB=xb)
    ticks = [await client.post("/sandbox/v1/tick", headers=TOKEN, json={}) for _ in range(3)]
    rounds = [(await tick.json())["rounds"] for tick in ticks]
    assert rounds == [2, 3, 1]


async def test_a_stopped_node_delays_nobody(sandbox):
    """What nobody could pull is null; what somebody could is a number."""
    xa = FakeNode({"pulled": {"XB": None, "XC": 0}})
    xc = FakeNode({"pulled": {"XA": 0, "XB": None}})
    client = await sandbox(XA=xa, XB=None, XC=xc)
    answer = await (await client.post("/sandbox/v1/tick", headers=TOKEN, json={})).json()
    assert answer["pulled"] == {"XA": 0, "XB": None, "XC": 0}


async def test_findings_are_counted_once_over_all_nodes(sandbox):
    """Open by class, and all that is pending; where nodes differ for a moment, open counts."""

    def finding(id_: str, class_: str, state: str) -> dict:
        return {"id": id_, "class": class_, "state": state}

    xa = FakeNode(
        {"pulled": {"XB": 0}},
        findings=(finding("1", "A", "open"), finding("2", "R", "open"), finding("3", "A", "pending")),
    )
    xb = FakeNode(
        {"pulled": {"XA": 0}},
        findings=(finding("1", "A", "open"), finding("2", "R", "pending"), finding("4", "A", "dismissed")),
    )
    client = await sandbox(XA=xa, XB=xb)
    answer = await (await client.post("/sandbox/v1/tick", headers=TOKEN, json={})).json()
    assert answer["findings"] == {"A": 1, "R": 1, "S": 0, "pending": 1}


async def test_the_clock_goes_forward_only(sandbox):
    """Everybody may read it; only a tick moves it."""
    client = await sandbox(XA=FakeNode({"pulled": {}}))
    answer = await client.post("/sandbox/v1/tick", headers=TOKEN, json={"now": "2026-03-03T08:00:00Z"})
    assert (await answer.json())["now"] == "2026-03-03T08:00:00Z"
    answer = await client.post("/sandbox/v1/tick", headers=TOKEN, json={"now": "2026-03-03T07:59:59Z"})
    assert answer.status == 409
    assert answer.content_type == "application/problem+json"
    assert (await answer.json())["code"] == "CLOCK_BACKWARDS"
    assert await (await client.get("/sandbox/v1/clock")).json() == {"now": "2026-03-03T08:00:00Z"}


async def test_without_a_steerable_clock_time_cannot_be_moved(sandbox):
    """But a tick without a time still runs rounds."""
    node = FakeNode({"pulled": {}})
    client = await sandbox(steerable=False, XA=node)
    answer = await client.post("/sandbox/v1/tick", headers=TOKEN, json={"now": "2026-03-03T08:00:00Z"})
    assert (answer.status, node.asked) == (409, 0)
    answer = await client.post("/sandbox/v1/tick", headers=TOKEN)
    assert (answer.status, node.asked) == (200, 2)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 401),
        ({"Authorization": "Bearer own"}, b"{}", 401),
        (TOKEN, b"{", 400),
        (TOKEN, b"[]", 400),
        (TOKEN, b'{"then": null}', 400),
        (TOKEN, b'{"now": 5}', 400),
        (TOKEN, b'{"now": "2026-03-03T08:00:00"}', 400),
        (TOKEN, b"[" * 4000, 400),
        (TOKEN, b" " * 5000, 413),
    ],
)
async def test_a_bad_tick_moves_nothing(sandbox, headers, body, status):
    """No token, no JSON, no time."""
    node = FakeNode({"pulled": {}})
    client = await sandbox(XA=node)
    answer = await client.post("/sandbox/v1/tick", headers=headers, data=body)
    assert (answer.status, node.asked) == (status, 0)


async def test_a_node_that_fails_is_named(sandbox):
    """It is not mistaken for one that is stopped."""
    client = await sandbox(XA=FakeNode({"status": 500, "code": "INTERNAL"}))
    answer = await client.post("/sandbox/v1/tick", headers=TOKEN, json={})
    assert answer.status == 502
    assert "XA answered a tick with 500" in (await answer.json())["detail"]
