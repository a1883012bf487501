"""On a shared clock: what is missing of cosignatures is gathered before the clock moves (contract 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer, unused_port

from epix_node.clock import format_time
from epix_node.config import load_config
from epix_node.node import open_node
from epix_node.register.cosignature import valid_cosignatures
from epix_node.register.note import parse_note
from epix_node.sandbox_clock import SharedClock
from epix_node.store import register
from epix_node.web.app import make_app
from epix_node.web.secretariat import Member, Secretariat
from tests import trusting
from tests.web.conftest import START, Api, admit_clients

LATER = START + timedelta(hours=2)


@pytest.fixture
async def countries(tmp_path: Path, opened: ExitStack) -> AsyncIterator[dict[str, Api]]:
    """XA and XB on one clock; one witness is enough."""
    clock = tmp_path / "clock"
    SharedClock(clock).set(START)
    secretariat = trusting.Secretariat(tmp_path / "secretariat", now=START)
    configs = {
        party: secretariat.found(tmp_path / party, party, f"http://127.0.0.1:{unused_port()}", clock=clock)
        for party in ("XA", "XB")
    }
    secretariat.tell(configs.values())
    made: dict[str, Api] = {}
    async with AsyncExitStack() as stack:
        for party, config in configs.items():
            node = opened.enter_context(open_node(load_config(config.path, {"EPIX_REGISTER__QUORUM": "1"})))
            server = TestServer(make_app(node), host="127.0.0.1", port=config.server.port)
            http = await stack.enter_async_context(TestClient(server))
            made[party] = Api(http, node, admit_clients(node))
        yield made


def cosigned_at(countries: dict[str, Api], log: str, by: str):
    """When the other Party cosigned this log's newest checkpoint, as the log has it."""
    held = countries[log].node.database.read_now(register.state, log)
    assert held is not None
    note = parse_note(held.checkpoint or b"")
    found = valid_cosignatures(note, countries[by].node.manifest.cosigner_keys)
    return found[0].at if found else None


@pytest.mark.parametrize("ticked", ["XA", "XB"])
async def test_a_tick_gathers_on_all_nodes_at_the_old_time(countries: dict[str, Api], ticked: str):
    """Whichever node is ticked: what was published before the clock moved was witnessed before it moved."""
    await countries["XA"].publish()
    assert cosigned_at(countries, "XA", "XB") is None
    reply = await countries[ticked].as_("authority").post("/sandbox/v1/tick", {"now": format_time(LATER)})
    assert reply.status == 200, reply.body
    assert cosigned_at(countries, "XA", "XB") == START
    assert countries["XA"].node.clock() == LATER


async def test_a_grade_rises_with_a_round(countries: dict[str, Api]):
    """LOGGED when published, WITNESSED at both after a tick without a time."""
    await countries["XA"].publish()
    xa, xb = countries["XA"], countries["XB"]
    assert (await xa.status()).body["grade"] == "LOGGED"
    for party in ("XA", "XB"):
        await countries[party].as_("authority").post("/sandbox/v1/tick", {})
    assert (await xa.status()).body["grade"] == "WITNESSED"
    assert (await xb.status()).body["grade"] == "WITNESSED"


async def test_the_secretariat_gathers_before_it_moves_the_clock(countries: dict[str, Api], tmp_path: Path):
    """On all nodes, and its board shows how far each register is witnessed."""
    await countries["XA"].publish()
    members = [
        Member(party=party, url=str(api.http.make_url("")), token=api.tokens["authority"])
        for party, api in countries.items()
    ]
    secretariat = Secretariat(members, clock=SharedClock(tmp_path / "clock"))
    try:
        await secretariat.tick(LATER)
        board = await secretariat.board()
    finally:
        await secretariat.close()
    assert cosigned_at(countries, "XA", "XB") == START
    assert [(one["party"], one["register"]["witnessed_size"]) for one in board["nodes"]] == [("XA", 1), ("XB", 0)]
    assert board["disputes"] == []


async def test_only_a_node_on_a_shared_clock_gathers_when_it_is_told(home: Path, opened: ExitStack):
    """Elsewhere the request between nodes does not exist."""
    node = opened.enter_context(open_node(load_config(home / "config" / "epix-node.toml", {})))
    paths = {route.resource.canonical for route in make_app(node).router.routes() if route.resource is not None}
    assert "/epix/v1/witness/gather" not in paths
    assert "/epix/v1/witness/add-checkpoint" in paths
