"""Peers that do not answer: how often they are asked again, when they are left alone, and what brings them back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from structlog.testing import capture_logs

from epix_node.errors import NotFoundError
from epix_node.federation import pull as pull_module
from epix_node.federation.backoff import FAILURES_TO_OPEN, Alarm
from epix_node.federation.contact import reset
from epix_node.federation.patience import ONE_MACHINE, PROTOCOL, patience_of
from epix_node.federation.pull import pull, pull_all
from epix_node.federation.standing import standings
from epix_node.register.note import format_signature_line
from epix_node.store import peers
from tests.world import HOST, World, on


async def test_a_peer_that_is_away_for_seconds_is_tried_again(world: World, pauses: list[float]) -> None:
    """After 2, 5 and 10 s within one pull (C.5); then it is a failure, and one only."""
    await world["XA"].down()
    result = await pull(world["XB"].node, "XA")
    assert (result.documents, pauses) == (None, [2, 5, 10])
    assert world["XB"].peer("XA").failures == 1


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_without_a_node_behind_it_is_tried_again(world: World, pauses: list[float], status: int) -> None:
    """The pull goes on where it stood, and nothing went wrong."""
    published = world["XA"].publish("26XA1")
    answers = iter([status, status])

    def answer(_: web.Request) -> web.Response | None:
        found = next(answers, None)
        return web.Response(status=found) if found is not None else None

    world["XA"].meddle = on("feed", answer)
    result = await pull(world["XB"].node, "XA")
    assert (result.documents, result.leaves, result.problem, pauses) == (1, 1, None, [2, 5])
    assert world["XB"].holds(published) == [True]
    assert world["XB"].peer("XA").failures == 0


@pytest.mark.parametrize(
    ("status", "headers"),
    [(500, {}), (429, {}), (403, {}), (503, {"Retry-After": "60"})],
    ids=["500", "429", "403", "503 that says when to come back"],
)
async def test_other_troubles_are_not_tried_again_at_once(
    world: World, pauses: list[float], status: int, headers: dict[str, str]
) -> None:
    """They do not end within seconds."""
    world["XA"].meddle = on("checkpoint", lambda _: web.Response(status=status, headers=headers))
    assert (await pull(world["XB"].node, "XA")).documents is None
    assert pauses == []
    assert world["XB"].peer("XA").failures == 1


async def test_whoever_waits_for_the_answer_hears_at_once(world: World, pauses: list[float]) -> None:
    """A tick, and a person at a terminal."""
    await world["XA"].down()
    assert (await world.pull("XB")).documents is None
    assert pauses == []


async def test_a_peer_that_failed_for_long_gets_one_probe(world: World, pauses: list[float]) -> None:
    """Closed, open, half-open (C.5)."""
    await world["XA"].down()
    for _ in range(FAILURES_TO_OPEN):
        await world.pull("XB")
    world.wait(hours=1)
    assert (await pull(world["XB"].node, "XA")).documents is None
    assert pauses == []
    assert world["XB"].peer("XA").failures == FAILURES_TO_OPEN + 1


async def test_a_peer_that_asks_us_something_is_asked_again(world: World) -> None:
    """A GET is enough; it is looked up once in ten seconds, however much the peer asks."""
    world["XA"].publish("26XA1")
    await world["XA"].down()
    await world.pull("XB")
    assert world["XB"].peer("XA").failures == 1
    await world["XA"].up()
    await world.pull("XA", "XB")
    state = world["XB"].peer("XA")
    assert (state.failures, state.backoff_until) == (0, None)
    assert (await pull(world["XB"].node, "XA")).documents == 1


async def test_a_mistake_of_ours_keeps_nobody_from_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unexpected is in the result and in the log."""
    published = world["XC"].publish("26XC1")
    take = pull_module.take_register

    async def stumbling(visit: Any) -> None:
        if visit.party == "XA":
            raise KeyError("a mistake")
        await take(visit)

    monkeypatch.setattr(pull_module, "take_register", stumbling)
    with capture_logs() as logs:
        results = await pull_all(world["XB"].node)
    assert results["XA"].problem == "unexpected: KeyError"
    assert (results["XA"].documents, results["XC"].documents) == (None, 1)
    assert world["XB"].holds(published) == [True]
    assert [line["party"] for line in logs if line["event"] == "pull failed"] == ["XA"]


async def test_a_peer_that_was_just_removed_keeps_nobody_from_the_others(world: World) -> None:
    """It is in the list that was made before; alone it is an error."""
    results = await pull_all(world["XB"].node, ["XA", "XZ"])
    assert results["XA"].documents == 0
    assert results["XZ"].documents is None
    with pytest.raises(NotFoundError):
        await pull(world["XB"].node, "XZ")


async def test_every_address_is_tried_before_anybody_waits(world: World, pauses: list[float]) -> None:
    """In the order of the manifest, again after each pause."""
    world["XA"].publish("26XA1")
    manifest = world["XA"].node.manifest
    two = manifest.model_copy(update={"base": (f"http://{HOST}:{unused_port()}/epix/v1/", *manifest.base)})
    world.repository.publish(world.now, offers={"XA": world["XA"].sign(two).party_file()})
    world.refresh("XB")
    assert (await pull(world["XB"].node, "XA")).documents == 1
    assert pauses == []


async def test_people_are_told_once_at_each_level_of_silence(world: World) -> None:
    """15 minutes warn, 24 hours page; and once when the peer is back (C.5)."""

    def alarm() -> Alarm | None:
        node = world["XB"].node
        known = node.database.read_now(standings, node.office, now=world.now)
        (found,) = [peer.alarm for peer in known if peer.party == "XA"]
        return found

    await world.pull("XB")
    await world["XA"].down()
    with capture_logs() as logs:
        for wait, expected in [(5, None), (11, Alarm.WARN), (60, Alarm.WARN), (1400, Alarm.PAGE), (60, Alarm.PAGE)]:
            world.wait(minutes=wait)
            await world.pull("XB")
            assert alarm() is expected
        await world["XA"].up()
        await world.pull("XB")
    assert alarm() is None
    said = [(line["event"], line.get("alarm")) for line in logs if line["event"].startswith("peer ")]
    assert said == [
        ("peer started failing", None),
        ("peer does not answer", "WARN"),
        ("peer does not answer", "PAGE"),
        ("peer recovered", None),
    ]


async def test_a_peer_that_hangs_in_a_sandbox_is_given_up_within_seconds(world: World, tmp_path: Path) -> None:
    """Nodes that share a clock are on one machine, and a tick waits for all of them."""
    node = world["XB"].node
    assert patience_of(node.config) is PROTOCOL
    sandbox = node.config.sandbox.model_copy(update={"clock": str(tmp_path / "clock")})
    config = node.config.model_copy(update={"sandbox": sandbox})
    assert patience_of(config) is ONE_MACHINE
    assert ONE_MACHINE.first_answer <= timedelta(seconds=3)


async def test_a_peer_that_gives_no_sign_of_life_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts connections and says nothing, as a stopped process does; later answers may take longer."""
    monkeypatch.setattr(
        pull_module, "patience_of", lambda _: replace(PROTOCOL, first_answer=timedelta(milliseconds=50))
    )
    over = asyncio.Event()

    async def hang(request: web.Request, handler: Any) -> web.StreamResponse:
        await over.wait()
        return await handler(request)

    world["XA"].meddle = hang
    result = await world.pull("XB")
    over.set()
    assert result.problem == "XA does not answer: ReadTimeout"


async def test_one_peer_at_a_time_catches_up(world: World, pauses: list[float]) -> None:
    """Full bundles first, then the rest under the newest checkpoint; five seconds before the next peer (C.5)."""
    for party in ("XA", "XC"):
        world[party].grow(1500)
    grown = asyncio.Event()

    def grow(request: web.Request) -> None:
        if request.raw_path.endswith("entries/004") and not grown.is_set():
            world["XA"].grow(10)
            grown.set()

    world["XA"].meddle = on("entries", grow)
    results = await pull_all(world["XB"].node)
    assert {party: one.problem for party, one in results.items()} == {"XA": None, "XC": None}
    assert (results["XA"].leaves, results["XC"].leaves) == (1510, 1500)
    bundles = [path.rpartition("/entries/")[2] for path in world["XA"].asked if "/entries/" in path]
    assert bundles == ["000", "001", "002", "003", "004", "005.p/230"]
    assert world["XA"].asked.count("/epix/v1/log/checkpoint") == 2
    waited = [pause for pause in pauses if pause > 0]
    assert len(waited) == 1
    assert 0 < waited[0] <= 5


async def test_what_a_quorum_cosigned_is_witnessed(world: World) -> None:
    """By the lines of the checkpoint, with the time by which the last of them was there (decision 10)."""
    world["XA"].publish("26XA1")
    await world.pull("XB")
    assert world["XB"].mirror("XA").witnessed_size == 0
    held = world["XA"].mirror("XA")
    assert held.checkpoint is not None
    note, origin = held.checkpoint.decode(), world["XA"].node.office.own.origin
    body = note.rpartition("\n\n")[0] + "\n"
    assert body.startswith(origin)
    for party in ("XB", "XC"):
        note += line_of(world, party, body)
    world["XA"].meddle = on("checkpoint", lambda _: web.Response(body=note.encode()))
    await world.pull("XB")
    mirror = world["XB"].mirror("XA")
    assert (mirror.witnessed_size, mirror.witnessed) == (1, note.encode())


def line_of(world: World, party: str, body: str) -> str:
    """The note line with which this country cosigns."""
    return format_signature_line(world[party].node.office.own.cosigner.sign(body, at=world.now))


async def test_a_wrong_cosignature_spoils_the_checkpoint(world: World) -> None:
    """By a key that is known (C.4 item 3); nothing of it is believed, and nobody is frozen."""
    world["XA"].publish("26XA1")
    held = world["XA"].mirror("XA")
    assert held.checkpoint is not None
    note = held.checkpoint.decode() + line_of(world, "XC", "another\n")
    world["XA"].meddle = on("checkpoint", lambda _: web.Response(body=note.encode()))
    assert (await world.pull("XB")).documents is None
    assert world["XB"].peer("XA").frozen is None


async def test_a_reset_of_a_peer_that_was_never_pulled_from_is_none(world: World) -> None:
    """It has no row yet."""
    world["XB"].node.database.write_now(reset, "XC")
    assert world["XB"].node.database.read_now(peers.state, "XC") is None
