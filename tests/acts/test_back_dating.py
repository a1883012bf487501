"""BACKDATED and FRD-11: a permit that is slipped into the register afterwards (C.4 item 9)."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest

from epix_node.document.header import DocumentType
from epix_node.document.salts import new_token
from epix_node.exchange.own import prepare
from epix_node.permit.number import NumberRef
from epix_node.reconcile.record import record_own
from tests.acts.conftest import World, permit_of

SLIPPED = "26XA000666"


def slip_in(world: World, *, signed: datetime, accepted: datetime) -> bytes:
    """XA signs a permit that says it was signed then, and its register says that it took it at that other time."""
    office = world["XA"]
    permit = permit_of("XA", number=SLIPPED)
    prepared = prepare(
        office.own,
        permit,
        type_=DocumentType.PERMIT,
        subject=NumberRef(issuer="XA", number=SLIPPED, type="E", year=2026),
        recipients=("XB",),
        now=signed,
        token=new_token(),
    )
    office.database.write_now(record_own, office.perspective(), office.own, prepared, now=accepted)
    return prepared.xml


def told(world: World, party: str, number: str = SLIPPED) -> tuple[str, list[str], list[tuple[str, str]]]:
    answer = world.status(party, number)
    found = [(pattern, class_) for pattern, class_, _ in world.patterns(party)]
    return answer.verdict.value, [reason.value for reason in answer.reasons], found


@pytest.fixture
def watched(world: World) -> World:
    """XA's register has an entry, and XB has just looked at it, ten days later."""
    world.publish("XA")
    world.meet()
    world.wait(days=10)
    world.meet()
    return world


def test_a_register_that_says_itself_that_it_was_late(watched: World):
    """Everybody who holds the permit can see it, its issuer's own authority among them. It is still the permit."""
    xml = slip_in(watched, signed=watched.now - timedelta(days=3), accepted=watched.now)
    watched.meet()
    for party in ("XA", "XB"):
        assert told(watched, party) == ("VALID", ["BACKDATED"], [("FRD-11", "R")])
        assert "BACKDATED" in {reason.value for reason in watched.verdict(party, xml).reasons}
    (finding,) = watched.findings("XB").values()
    assert finding.values["signed_at"] == "2026-03-09T08:00:00Z"
    assert finding.values["accepted_at"] == "2026-03-12T08:00:00Z"
    assert finding.evidence[0].index is not None


def test_a_register_that_lies_about_its_own_time(watched: World):
    """It had signed for XB, on the twelfth, that there was no such entry."""
    then = watched.now - timedelta(days=3)
    slip_in(watched, signed=then, accepted=then)
    watched.meet()
    assert told(watched, "XB") == ("VALID", ["BACKDATED"], [("FRD-11", "R")])
    (finding,) = watched.findings("XB").values()
    assert finding.values["grown_after"] == "2026-03-12T08:00:00Z"


def test_times_that_go_back_are_seen_by_whoever_has_the_register(world: World):
    """Also by who was away meanwhile: an earlier entry is dated later."""
    world.publish("XA")
    world.wait(days=10)
    world.publish("XA", number="26XA000002")
    slip_in(world, signed=world.now - timedelta(days=3), accepted=world.now - timedelta(days=3))
    world.meet()
    assert told(world, "XB") == ("VALID", ["BACKDATED"], [("FRD-11", "R")])
    assert told(world, "XB", "26XA000002")[1] == []


@pytest.mark.parametrize("down", [{"hours": 1}, {"hours": 30}, {"days": 3}, {"days": 30}])
def test_a_link_that_was_down_accuses_nobody(watched: World, down: dict[str, float]):
    """What counts is when the register took the document, not when this node heard of it."""
    slip_in(watched, signed=watched.now, accepted=watched.now + timedelta(seconds=1))
    watched.wait(**down)
    watched.publish("XA", number="26XA000003")
    watched.meet()
    assert told(watched, "XB")[1:] == ([], [])
    assert told(watched, "XB", "26XA000003")[1:] == ([], [])


def test_a_document_may_wait_for_its_register_for_a_day(watched: World):
    """Batches are printed and signed before they are entered."""
    slip_in(watched, signed=watched.now - timedelta(hours=24), accepted=watched.now)
    watched.meet()
    assert told(watched, "XB") == ("VALID", [], [])


def test_a_country_may_allow_more_and_the_finding_stays(watched: World):
    """National settings change verdicts only (contract 5)."""
    slip_in(watched, signed=watched.now - timedelta(days=3), accepted=watched.now)
    watched.meet()
    watched.policy = dataclasses.replace(watched.policy, max_merge_delay=timedelta(days=4))
    assert told(watched, "XB") == ("VALID", [], [("FRD-11", "R")])


def test_an_entry_from_the_future_makes_no_liars_of_those_after_it(watched: World):
    """A register whose clock jumped ahead for one entry: the others are not dated back before it."""
    slip_in(watched, signed=watched.now, accepted=watched.now + timedelta(days=400))
    watched.publish("XA", number="26XA000004")
    watched.wait(hours=2)
    watched.meet()
    assert told(watched, "XB", "26XA000004")[1:] == ([], [])
