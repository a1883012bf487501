"""The Secretariat's board: every node, and each dispute once, with those who know of it."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from epix_node.federation.national import NationalClient
from epix_node.web.board import board

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
REGISTER = {"origin": "xa.example/register", "size": 5, "witnessed_size": 4, "cosigned_at": None}


def dispute(evidence: str, found_at: str) -> dict[str, str]:
    return {"party": "XA", "origin": "xa.example/register", "evidence": evidence, "found_at": found_at}


def client(party: str, health: dict | int | None) -> NationalClient:
    """A client of a node with this health, or that answers with this status; None: of one that does not answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/epix/v1/health"
        if health is None:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(health, json={}) if isinstance(health, int) else httpx.Response(200, json=health)

    return NationalClient(party=party, url="http://127.0.0.1:1", transport=httpx.MockTransport(answer))


async def test_the_board_shows_every_node_and_each_dispute_once():
    """A node that is down or broken is there and says so; a dispute has the time at which it was first found."""
    early, late = "2026-03-01T08:00:00Z", "2026-03-02T07:00:00Z"
    clients = [
        client("XA", {"register": REGISTER, "disputes": []}),
        client("XB", {"register": REGISTER, "disputes": [dispute("b" * 64, late), dispute("a" * 64, late)]}),
        client("XC", {"register": REGISTER, "disputes": [dispute("a" * 64, early)]}),
        client("XD", None),
        client("XE", 500),
    ]
    shown = await board(clients, now=NOW)
    assert [(one["party"], one["answers"]) for one in shown["nodes"]] == [
        ("XA", True),
        ("XB", True),
        ("XC", True),
        ("XD", False),
        ("XE", False),
    ]
    assert shown["nodes"][0]["register"] == REGISTER
    assert [(one["evidence"][0], one["known_to"], one["found_at"]) for one in shown["disputes"]] == [
        ("a", ["XB", "XC"], early),
        ("b", ["XB"], late),
    ]
    for one in clients:
        await one.__aexit__(None, None, None)
