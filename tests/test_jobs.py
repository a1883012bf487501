"""Periodic work: begun by a metronome, owned by us, and one round of it on demand."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from epix_node import jobs as jobs_module
from epix_node.acts.publish import publish
from epix_node.errors import KeyMaterialError
from epix_node.federation.pull import PullResult, pull
from epix_node.identity.role import own_version
from epix_node.jobs import Jobs, Round, cover, round_, running_jobs
from epix_node.node import Node
from epix_node.trust.request import Request
from tests.world import START, World, found_countries, permit_of

SOON = timedelta(seconds=10)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_countries(tmp_path_factory.mktemp("founded"))


@pytest.fixture
async def world(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """XA, XB and XC; nobody is up unless a test says so."""
    made = World(tmp_path, founded)
    yield made
    await made.close()


def every(node: Node, **intervals: timedelta) -> Node:
    """The node with another poll interval, which configuration files give in whole seconds."""
    federation = node.config.federation.model_copy(update=intervals)
    return dataclasses.replace(node, config=node.config.model_copy(update={"federation": federation}))


async def test_there_is_one_job_for_each_peer(world: World) -> None:
    """A slow peer delays nobody else."""
    async with running_jobs(world["XB"].node, grace=SOON) as jobs:
        by_peer = {"pull:XA", "pull:XC"}
        assert jobs.names - by_peer == {
            "peers",
            "trust",
            "revisit",
            "notices",
            "witnesses",
            "hints",
            "recovery",
            "scrub",
        }
        assert jobs.names > by_peer


async def test_a_node_on_a_shared_clock_does_nothing_by_itself(world: World, tmp_path: Path) -> None:
    """Contract 7: a tick does it."""
    node = world["XB"].node
    sandbox = node.config.sandbox.model_copy(update={"clock": str(tmp_path / "clock")})
    node = dataclasses.replace(node, config=node.config.model_copy(update={"sandbox": sandbox}))
    async with running_jobs(node, grace=SOON) as jobs:
        assert jobs.names == frozenset()
        assert jobs.hinted("XA")


async def test_documents_come_by_themselves(world: World) -> None:
    """The scheduler, the job, the pull."""
    await world["XA"].up()
    published = world["XA"].publish("26XA1")
    arrived = asyncio.Event()
    node = every(world["XB"].node, poll_interval=timedelta(milliseconds=50))

    async def watch() -> None:
        while not world["XB"].holds(published)[0]:
            await asyncio.to_thread(lambda: None)
        arrived.set()

    async with running_jobs(node, grace=SOON):
        await asyncio.wait_for(watch(), timeout=20)
    assert arrived.is_set()


async def test_peers_come_and_go_without_a_restart(world: World) -> None:
    """The Secretariat removes and admits them; the next look finds it."""
    node = world["XB"].node
    async with running_jobs(node, grace=SOON) as jobs:
        assert "pull:XC" in jobs.names
        world.repository.remove("XC", world.now)
        world.refresh("XB")
        await jobs._look_for_peers()
        assert "pull:XC" not in jobs.names
        version, role = world["XC"].node.database.read_now(own_version), world["XC"].node.role
        assert version is not None
        assert role is not None
        world.repository.admit(Request.of(role.role, version), world.now)
        world.refresh("XB")
        await jobs._look_for_peers()
        assert "pull:XC" in jobs.names


async def test_a_hint_brings_the_next_pull_forward_once(world: World) -> None:
    """Within ten seconds, and one hint in ten seconds (C.2, C.5)."""
    async with running_jobs(world["XB"].node, grace=SOON) as jobs:
        job = jobs._scheduler.get_job("pull:XA")
        job.modify(next_run_time=START + timedelta(days=10_000))
        assert jobs.hinted("XA")
        assert jobs._scheduler.get_job("pull:XA").next_run_time < START + timedelta(days=9_999)
        assert not jobs.hinted("XA")
        assert jobs.hinted("XZ")


async def test_work_in_progress_is_finished_when_the_node_stops(world: World) -> None:
    """The scheduler's own shutdown would cancel it."""
    jobs = Jobs(world["XB"].node)
    jobs.start()
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    running = asyncio.create_task(jobs._owned("work", work))
    await begun.wait()
    stopping = asyncio.create_task(jobs.stop(grace=SOON))
    await asyncio.sleep(0)
    assert not stopping.done()
    may_end.set()
    await stopping
    assert ended.is_set()
    await running


async def test_work_that_does_not_end_is_cancelled_after_the_grace(world: World) -> None:
    """A node can always be stopped."""
    jobs = Jobs(world["XB"].node)
    jobs.start()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(jobs._owned("work", work))
    await begun.wait()
    with capture_logs() as logs:
        await jobs.stop(grace=timedelta(milliseconds=10))
    assert "work" in [line["job"] for line in logs if line["event"] == "job cancelled"]
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_job_that_fails_is_logged_and_runs_again(world: World) -> None:
    """A mistake of ours in one job must not end the metronome."""
    jobs = Jobs(world["XB"].node)

    async def work() -> None:
        raise RuntimeError("a mistake")

    with capture_logs() as logs:
        await jobs._owned("work", work)
    assert [(line["event"], line["log_level"]) for line in logs] == [("job failed", "error")]


async def test_a_state_change_of_a_peer_is_said_once(world: World) -> None:
    """Once when it starts failing, once when it recovers, also across restarts."""
    node = world["XB"].node
    with capture_logs() as logs:
        for _ in range(3):
            await pull(node, "XA", ignore_backoff=True)
        await world["XA"].up()
        for _ in range(2):
            await pull(node, "XA", ignore_backoff=True)
    said = [line["event"] for line in logs if line["event"].startswith("peer")]
    assert said == ["peer started failing", "peer recovered"]


async def test_a_round_pulls_from_everybody_whatever_failed_before(world: World) -> None:
    """A tick of the sandbox: what can come comes, and an unreachable peer is null."""
    await world["XA"].up()
    world["XA"].publish("26XA1")
    node = world["XB"].node
    assert await round_(node) == Round(pulled={"XA": 1, "XC": None}, alerts=0, extracts=0)
    await world["XC"].up()
    world["XC"].publish("26XC1")
    assert await round_(node) == Round(pulled={"XA": 0, "XC": 1}, alerts=0, extracts=0)


async def test_a_round_sends_the_alerts_that_are_owed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After pulling, on the node's own clock."""
    seen: list[Any] = []

    def open_due(office: Any, *, now: Any) -> int:
        seen.append((office.party, now))
        return 2

    async def nobody(*_: Any, **__: Any) -> dict[str, PullResult]:
        assert not seen
        return {}

    monkeypatch.setattr(jobs_module, "open_due", open_due)
    monkeypatch.setattr(jobs_module, "pull_all", nobody)
    world.wait(hours=1)
    assert await round_(world["XB"].node) == Round(pulled={}, alerts=2, extracts=0)
    assert seen == [("XB", START + timedelta(hours=1))]


async def test_the_own_checkpoint_keeps_its_time_fresh(world: World) -> None:
    """Cosigned again after ten minutes, whoever asks or not (decision 5)."""
    node = world["XB"].node
    await cover(node)
    assert world["XB"].mirror("XB").cosigned_at == START
    world.wait(minutes=10)
    await cover(node)
    assert world["XB"].mirror("XB").cosigned_at == START + timedelta(minutes=10)


async def test_extracts_that_cannot_be_written_keep_no_checkpoint_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others would take the whole register for stale, because the device that signs documents is away."""

    def fails(*_: object, **__: object) -> int:
        raise KeyMaterialError("the device is away")

    country = world["XB"]
    await cover(country.node)
    world.wait(minutes=10)
    monkeypatch.setattr(jobs_module, "publish_due", fails)
    with pytest.raises(KeyMaterialError):
        await cover(country.node)
    assert country.mirror("XB").cosigned_at == START + timedelta(minutes=10)


async def test_what_an_act_left_unsigned_is_covered_by_the_next_round(world: World) -> None:
    """Also on a clock that stands still: whoever sent it was never answered, and others must see it all the same."""
    country = world["XB"]
    left = dataclasses.replace(country.node.office, sign_later=lambda _now: None)
    publish(left, permit_of("XB", "26XB1", to="XA"), now=START)
    assert (country.mirror("XB").edge.size, country.mirror("XB").checkpoint_size) == (1, 0)
    await round_(country.node)
    assert country.mirror("XB").checkpoint_size == 1
