"""The sandbox's routes exist in the sandbox only (contract 7)."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from epix_node.config import load_config
from epix_node.founding import Plan, found_node
from epix_node.node import open_node
from epix_node.web.app import make_app
from tests.web.conftest import START, Api, admit_clients


@pytest.mark.parametrize("environment", ["uat", "prod"])
async def test_nothing_of_the_sandbox_exists_elsewhere(tmp_path: Path, opened: ExitStack, environment: str):
    """404, with every token, and nothing of it in the OpenAPI document."""
    now = datetime.now(UTC)
    secret = tmp_path / "passphrase"
    secret.write_text("well kept, and long enough for a key\n")
    secret.chmod(0o600)
    plan = Plan(
        party="CH",
        environment=environment,
        base_url="https://epix.example",
        now=now,
        passphrase="well kept, and long enough for a key",
        passphrase_file=secret,
    )
    config, _ = found_node(tmp_path / "ch", plan)
    node = opened.enter_context(open_node(load_config(config.path, {})))
    tokens = admit_clients(node)
    async with TestClient(TestServer(make_app(node))) as http:
        for role in tokens:
            api = Api(http, node, tokens, role)
            assert (await api.post("/sandbox/v1/tick", {})).code == "NO_SUCH_RESOURCE"
            assert (await api.get("/sandbox/v1/clock")).code == "NO_SUCH_RESOURCE"
        document = (await api.get("/api/v1/openapi.json")).body
        assert not [path for path in document["paths"] if path.startswith("/sandbox")]


async def test_without_a_shared_clock_a_tick_runs_a_round_and_moves_nothing(home: Path, opened: ExitStack):
    """With a time it is 409."""
    node = opened.enter_context(open_node(load_config(home / "config" / "epix-node.toml", {})))
    async with TestClient(TestServer(make_app(node))) as http:
        api = Api(http, node, admit_clients(node))
        ticked = await api.post("/sandbox/v1/tick")
        assert (ticked.status, ticked.body["rounds"], ticked.body["pulled"]) == (200, 1, {})
        assert ticked.body["findings"] == {"A": 0, "R": 0, "S": 0, "pending": 0}
        refused = await api.post("/sandbox/v1/tick", {"now": "2099-01-01T00:00:00Z"})
        assert (refused.status, refused.code) == (409, "NO_CLOCK")


async def test_the_clock_is_shown_to_everybody(api: Api):
    """Without a token."""
    async with api.http.get("/sandbox/v1/clock") as response:
        assert await response.json() == {"now": "2026-03-02T08:00:00Z"}
    assert api.clock() == START
