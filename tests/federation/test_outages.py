"""Outages and peers that misbehave, by name: each ends as the protocol says, by itself, and nothing is lost or doubled.

Whoever is up does a round per step, in which a peer that failed is left alone until its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from epix_node.acts import look
from epix_node.federation import pull as pull_module
from epix_node.federation.backoff import MAX_DELAY, Alarm
from epix_node.federation.patience import PROTOCOL
from epix_node.federation.pull import pull_all
from epix_node.federation.standing import standings
from epix_node.permit.answer import Answer
from epix_node.permit.event import PermitRef
from epix_node.store import documents, peers
from epix_node.store.backup import backup, restore
from epix_node.web.desk import policy_of
from tests.federation.agreement import blamed, disagreements, knows_two_histories
from tests.stores import STORES
from tests.wire import Fault, Link
from tests.world import World, feed_without


@pytest.fixture
async def world(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """XA, XB and XC with a wire between them."""
    made = World(tmp_path, founded, seed="outages")
    await made.up()
    yield made
    await made.close()


def asked(world: World, at: str, number: str, issuer: str = "XA") -> Answer:
    node = world[at].node
    ref = PermitRef(issuer=issuer, number=number)
    return look.status(node.office, policy_of(node), ref, purpose=None, now=world.now)


def alarm(world: World, at: str, about: str) -> Alarm | None:
    node = world[at].node
    (found,) = [
        one.alarm for one in node.database.read_now(standings, node.office, now=world.now) if one.party == about
    ]
    return found


def cut(world: World, party: str, others: str) -> None:
    """Nothing crosses between this Party and these others, in either direction."""
    for other in others.split():
        world.wire.links[party, other] = world.wire.links[other, party] = Link(is_cut=True)


async def contact(world: World) -> None:
    """Somebody's back-off ends; from then on one poll is enough for everybody."""
    await world.step(seconds=MAX_DELAY.total_seconds())
    await world.step()


OUTAGES = {
    "72 hours": [
        (0.1, None, "FRESH"),
        (0.3, Alarm.WARN, "FRESH"),
        (2, Alarm.WARN, "STALE"),
        (25, Alarm.PAGE, "STALE"),
        (72, Alarm.PAGE, "STALE"),
    ],
    "30 days": [
        (0.9, Alarm.WARN, "FRESH"),
        (24 * 6, Alarm.PAGE, "STALE"),
        (24 * 7.5, Alarm.PAGE, "EXPIRED"),
        (24 * 30, Alarm.PAGE, "EXPIRED"),
    ],
}
"""Hours since the last contact, the alarm by then, and how fresh the answers are."""


@pytest.mark.parametrize("name", OUTAGES)
async def test_an_outage_lowers_what_is_said_raises_the_alarm_and_ends_by_itself(world: World, name: str) -> None:
    """FRESH, STALE, EXPIRED by the age of what is known; issuing goes on at both ends; then everything is exchanged."""
    world.publish("XA", "26XA1", to="XB")
    await world.step()
    begin = world.now
    cut(world, "XA", "XB XC")
    for number, (hours, level, freshness) in enumerate(OUTAGES[name], start=2):
        world.now = begin + timedelta(hours=hours)
        world.repository.publish(world.now)
        world.refresh()
        await world.step(seconds=1)
        world.publish("XA", f"26XA{number}", to="XB")
        world.publish("XB", f"26XB{number}", to="XA")
        world.publish("XC", f"26XC{number}", to="XB")
        assert (alarm(world, "XB", "XA"), alarm(world, "XB", "XC")) == (level, None), hours
        answer = asked(world, "XB", "26XA1")
        assert answer.freshness.value == freshness, hours
        assert answer.verdict.value == ("INDETERMINATE" if freshness == "EXPIRED" else "VALID"), hours
        state = world["XB"].peer("XA")
        assert state.backoff_until is not None
        assert state.backoff_until <= world.now + MAX_DELAY
    questions = len([one for one in world.wire.carried if one[:2] == ("XB", "XA")])
    world.confirm("XB", "26XA1")
    world.wire.heal()
    await contact(world)
    assert disagreements(world) == []
    assert alarm(world, "XB", "XA") is None
    assert asked(world, "XB", "26XA1").freshness.value == "FRESH"
    assert asked(world, "XA", "26XA1").status.value == "USED"
    assert questions < 60


async def test_who_is_left_alone_is_not_asked_and_is_heard_when_it_asks(world: World) -> None:
    """30 s, doubled up to an hour, kept over a restart; one question of the peer ends it."""
    world.publish("XA", "26XA1", to="XB")
    await world.step()
    cut(world, "XA", "XB")
    for _ in range(8):
        await world.step()
    failures = world["XB"].peer("XA").failures
    assert 2 <= failures <= 5
    world["XB"].reopen()
    await world["XB"].down()
    await world["XB"].up()
    assert world["XB"].peer("XA").failures == failures
    permit = world.publish("XA", "26XA2", to="XB")
    world.wire.heal()
    await world["XA"].round(ignore_backoff=True)
    await world["XB"].round()
    assert world["XB"].holds(permit) == [True]


@pytest.mark.parametrize("doomed", ["XB", *(pytest.param(one, marks=pytest.mark.hostile) for one in (None, "XA"))])
async def test_a_restore_from_an_old_backup_brings_everything_back(world: World, doomed: str | None) -> None:
    """The links lose every other answer while it recovers, and a node dies in the middle: one history, all of it."""
    if STORES.is_postgresql:
        pytest.skip("files are copied: this is about SQLite")
    world.publish("XA", "26XA1", to="XB")
    await world.step()
    xa = world["XA"]
    assert xa.config.store_path is not None
    backup(xa.config.store_path, world.directory / "old")
    for number in range(2, 6):
        world.publish("XA", f"26XA{number}", to="XB" if number % 2 else "XC")
    await world.step()
    world.withdraw("XA", "26XA3")
    await world.step()
    await xa.down()
    xa.close()
    restore(world.directory / "old", xa.config.store_path, party="XA", now=world.now)
    xa.open()
    await xa.up()
    for other in ("XB", "XC"):
        world.wire.links["XA", other] = world.wire.links[other, "XA"] = Link({Fault.LOSE_ANSWER: 0.5})
    if doomed is not None:
        world.doom(doomed, after=7)
    for _ in range(2):
        await world.step()
    waiting = world.publish("XA", "26XA9", to="XB")
    world.wire.heal()
    for _ in range(3):
        await world.step(ignore_backoff=True)
    assert disagreements(world) == []
    assert world["XB"].holds(waiting) == [True]


@pytest.mark.parametrize("doomed", ["XB", pytest.param(None, marks=pytest.mark.hostile)])
async def test_a_split_view_shown_to_two_importers_is_known_to_both(world: World, doomed: str | None) -> None:
    """Each freezes the Party with the same evidence, says REGISTER_DISPUTED, and goes on with everybody else."""
    twin = await world.twin("XA")
    world.wire.links["XC", "XA"] = Link(leads_to=twin.name)
    world.wire.links["XA", "XC"] = Link(is_cut=True)  # it shows XC nothing of what it shows XB
    world.publish("XA", "26XA1", to="XB")
    world.wait(minutes=1)
    twin.publish("26XA1", to="XC")
    cut(world, "XB", "XC")
    await world.step()
    assert asked(world, "XB", "26XA1").verdict.value == "VALID"
    assert asked(world, "XC", "26XA1").verdict.value == "VALID"
    del world.wire.links["XB", "XC"], world.wire.links["XC", "XB"]
    if doomed is not None:
        world.doom(doomed, after=5)
        await world.step(ignore_backoff=True)
    await world.step(ignore_backoff=True)
    for party in ("XB", "XC"):
        assert knows_two_histories(world[party], "XA")
        answer = asked(world, party, "26XA1")
        assert "REGISTER_DISPUTED" in [reason.value for reason in answer.reasons]
        assert answer.verdict.value == "INDETERMINATE"
    assert any(one.mirror("XA").halted is not None for one in (world["XA"], twin))  # whichever of the two was told
    world.publish("XB", "26XB1", to="XC")
    await world.step(ignore_backoff=True)
    assert disagreements(world, ("XB", "XC"), liar="XA") == []


async def test_a_feed_that_omits_an_entry_is_noticed_and_forgiven(world: World) -> None:
    """ENTRY_WITHHELD after ten minutes: INDETERMINATE; once the entry's document comes, it counts and the flag goes."""
    world.publish("XA", "26XA1", to="XB")
    await world.step()
    withdrawal = world.withdraw("XA", "26XA1")
    world["XA"].meddle = feed_without(withdrawal.source.document)
    await world.step()
    assert asked(world, "XB", "26XA1").verdict.value == "VALID"
    await world.step(minutes=10)
    answer = asked(world, "XB", "26XA1")
    assert (answer.verdict.value, [flag.value for flag in answer.flags]) == ("INDETERMINATE", ["ENTRY_WITHHELD"])
    assert world["XB"].peer("XA").frozen is None
    world["XA"].meddle = None
    await world.step()
    answer = asked(world, "XB", "26XA1")
    assert (answer.status.value, answer.verdict.value) == ("REVOKED", "NOT_VALID")
    assert "ENTRY_WITHHELD" not in [flag.value for flag in answer.flags]
    assert disagreements(world) == []


async def test_a_checkpoint_that_shrinks_is_noted_and_not_believed(world: World) -> None:
    """Whoever answers with an older one achieves nothing but a delay."""
    world.publish("XA", "26XA1", to="XB")
    await world.step()
    world.publish("XA", "26XA2", to="XB")
    await world.step()
    held = world["XB"].mirror("XA")
    world.wire.links["XB", "XA"] = Link(fault=lambda _: Fault.OLDER, only="log/checkpoint")
    world.publish("XA", "26XA3", to="XB")
    problems = set()
    for _ in range(8):
        await world.step()
        problems.add(world["XB"].peer("XA").last_error)
        assert world["XB"].mirror("XA").checkpoint_size >= held.checkpoint_size
        assert world["XB"].peer("XA").frozen is None
    assert any(one is not None and one.startswith("rollback suspected") for one in problems)
    world.wire.heal()
    await world.step()
    assert disagreements(world) == []


async def test_two_hundred_with_endless_gzip_is_refused_at_once(world: World) -> None:
    """Nothing of it is kept or unpacked; the other peer is as quick as ever."""
    world.publish("XA", "26XA1", to="XB")
    other = world.publish("XC", "26XC1", to="XB")
    world.wire.links["XB", "XA"] = Link(fault=lambda _: Fault.ENDLESS)
    await world.step()
    assert world["XB"].peer("XA").last_error == "XA sent a compressed answer, which nobody asked for"
    assert world["XB"].holds(other) == [True]
    world.wire.heal()
    await world.step()
    assert disagreements(world) == []


async def test_a_slow_peer_delays_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another peer has is here while the slow one is still waited for; then that is one failure."""
    monkeypatch.setattr(pull_module, "patience_of", lambda _: replace(PROTOCOL, retries=()))
    slow = world.publish("XA", "26XA1", to="XB")
    other = world.publish("XC", "26XC1", to="XB")
    world.wire.links["XB", "XA"] = Link(fault=lambda _: Fault.STALL)
    world.wire.stall_s = None
    pulling = asyncio.create_task(pull_all(world["XB"].node))
    async with asyncio.timeout(25):
        while not world["XB"].holds(other)[0]:
            await asyncio.to_thread(world["XB"].node.database.read_now, peers.states)  # lets the others go on
    assert not pulling.done()
    world.wire.heal()
    results = await pulling
    assert (results["XA"].documents, results["XC"].documents) == (None, 1)
    assert world["XB"].peer("XA").failures == 1
    await world.step()
    assert world["XB"].holds(slow, other) == [True, True]
    assert disagreements(world) == []


@pytest.mark.parametrize("doomed", ["XB", pytest.param(None, marks=pytest.mark.hostile)])
async def test_a_peer_that_repeats_old_answers_for_ever_grows_stale(world: World, doomed: str | None) -> None:
    """Old answers prove nothing new: what is known ages, and a withdrawal cannot be hidden for longer than that."""
    world.publish("XA", "26XA1", to="XB")
    await world.step()
    await world.step(minutes=11)
    world.wire.links["XB", "XA"] = Link(fault=lambda _: Fault.OLDER)
    world.withdraw("XA", "26XA1")
    if doomed is not None:
        world.doom(doomed, after=6)
    freshness = []
    for hours in (0.5, 1, 24, 24 * 7):
        await world.step(hours=hours)
        world.repository.publish(world.now)
        world.refresh()
        freshness.append(asked(world, "XB", "26XA1").freshness.value)
        assert list(blamed(world, world.parties)) == []
    assert freshness == ["FRESH", "STALE", "STALE", "EXPIRED"]
    world.wire.heal()
    await contact(world)
    assert asked(world, "XB", "26XA1").status.value == "REVOKED"
    assert disagreements(world) == []
    assert world["XB"].node.database.read_now(documents.wanted, "XA") == {}
    assert world["XB"].node.database.read_now(peers.state, "XA").failures == 0
