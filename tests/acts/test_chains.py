"""Goods that go on: what the countries that sell and the country of origin see of it, each by what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from epix_node.acts import report
from epix_node.permit.event_json import endorsement_from_json
from tests.acts.conftest import World, event_of
from tests.simulation.unsigned import unsigned_world

ORIGIN = {"country": "XA", "permit": "26XA000001", "date": "2026-03-02"}


@pytest.fixture
def three(tmp_path: Path) -> Iterator[World]:
    """Where goods go elsewhere, nobody tells what becomes of them."""
    with unsigned_world(tmp_path, ("XA", "XB", "XC")) as world:
        yield world


@pytest.fixture
def five(tmp_path: Path) -> Iterator[World]:
    with unsigned_world(tmp_path, ("XA", "XB", "XC", "XD", "XE")) as world:
        yield world


def original(world: World, quantity: str = "100") -> None:
    """XA's skins came to XB."""
    world.publish("XA", lines=[{"quantity": quantity}])
    world.endorse("XA", "26XA000001", quantity=quantity)
    world.meet()
    world.confirm("XB", "26XA000001", quantity=quantity)


def sell_on(
    world: World,
    party: str,
    number: str,
    quantity: str,
    *,
    to: str,
    origin: Any = ORIGIN,
    last: Any = None,
    moved: bool = True,
    arrives: bool = False,
) -> None:
    """A certificate of `party`, whose goods leave the same day, and arrive where they should if `arrives`."""
    today = world.now.date().isoformat()
    world.publish(
        party,
        type="R",
        number=number,
        issued_on=today,
        importer={"name": "Next", "address": "2 Lagoon Road", "country": to},
        lines=[{"quantity": quantity, "origin": origin, "last_reexport": last}],
    )
    if moved:
        world.endorse(party, number, issuer=party, quantity=quantity, date=today)
    if arrives:
        world.meet()
        world.confirm(to, number, issuer=party, quantity=quantity, date=today)


def settled(world: World) -> None:
    world.meet(rounds=2)
    world.wait(days=2)
    world.meet(rounds=2)


def chains(world: World, party: str) -> list[tuple[str, str, str]]:
    return [one for one in world.patterns(party) if one[0] in {"FRD-06", "FRD-07"}]


def test_laundered_goods_are_found_where_they_were_sold_and_where_they_came_from(three: World) -> None:
    """XB sold on half as much again as came. It holds the certificates, and XA extracts of them."""
    original(three)
    sell_on(three, "XB", "26XB000001", "90", to="XC", arrives=True)
    three.wait(days=30)
    sell_on(three, "XB", "26XB000002", "60", to="XD")
    settled(three)
    assert chains(three, "XA") == chains(three, "XB") == [("FRD-06", "A", "open")]
    (seen_there,) = (f for f in three.findings("XA").values() if f.pattern == "FRD-06")
    (seen_here,) = (f for f in three.findings("XB").values() if f.pattern == "FRD-06")
    assert (seen_there.id, seen_there.summary, seen_there.values) == (seen_here.id, seen_here.summary, seen_here.values)
    assert seen_there.derived
    assert seen_here.derived


def test_an_origin_that_two_countries_share_is_found_by_the_country_of_origin(five: World) -> None:
    """XB and XD each sold on nine tenths. Neither sees the other's certificates: XA's alert tells both."""
    original(five)
    sell_on(five, "XB", "26XB000001", "90", to="XC")
    sell_on(five, "XD", "26XD000001", "90", to="XE")
    settled(five)
    for party in ("XA", "XB", "XD"):
        assert chains(five, party) == [("FRD-07", "A", "open")]
    assert chains(five, "XC") == []


def test_an_honest_chain_through_four_countries_is_no_finding(five: World) -> None:
    """Everything goes on at each step, and box 12a is filled in."""
    original(five)
    last = None
    for party, to in (("XB", "XC"), ("XC", "XD"), ("XD", "XE")):
        five.wait(days=20)
        sell_on(five, party, f"26{party}000001", "100", to=to, last=last, arrives=True)
        last = {"country": party, "permit": f"26{party}000001", "date": five.now.date().isoformat()}
    settled(five)
    assert [chain for party in five.offices for chain in chains(five, party)] == []


def test_a_chain_whose_boxes_12a_are_empty_is_no_finding(five: World) -> None:
    """Every certificate names the permit of origin only, and the same goods three times."""
    original(five)
    for party, to in (("XB", "XC"), ("XC", "XD"), ("XD", "XE")):
        five.wait(days=20)
        sell_on(five, party, f"26{party}000001", "100", to=to, arrives=True)
    settled(five)
    assert [chain for party in five.offices for chain in chains(five, party)] == []


def test_goods_that_were_turned_away_may_leave_again(three: World) -> None:
    """XC refuses them; XA hears of it by the extract alone, and of the second certificate too."""
    original(three)
    sell_on(three, "XB", "26XB000001", "100", to="XC")
    three.meet()
    three.confirm("XC", "26XB000001", issuer="XB", quantity="100", outcome="refused")
    three.wait(days=30)
    sell_on(three, "XB", "26XB000002", "100", to="XD")
    settled(three)
    assert [chain for party in three.offices for chain in chains(three, party)] == []


def test_certificates_that_may_still_be_used_are_for_review_until_they_expire(three: World) -> None:
    """XB issued too much. What is never used was never sold on."""
    original(three)
    sell_on(three, "XB", "26XB000001", "90", to="XC")
    sell_on(three, "XB", "26XB000002", "90", to="XD", moved=False)
    settled(three)
    assert chains(three, "XA") == chains(three, "XB") == [("FRD-06", "R", "open")]
    three.wait(days=200)
    settled(three)
    assert chains(three, "XA") == chains(three, "XB") == []


def test_a_corrected_count_ends_the_finding(three: World) -> None:
    """XB's office wrote a nought too many."""
    original(three)
    sell_on(three, "XB", "26XB000001", "9", to="XC", moved=False)
    wrong = three.endorse("XB", "26XB000001", issuer="XB", quantity="900")
    settled(three)
    assert ("FRD-06", "A", "open") in chains(three, "XA")
    right = event_of("26XB000001", issuer="XB", quantity="9")
    report.correct(
        three["XB"],
        event_id=right["event_id"],
        supersedes=wrong.event_id,
        read_event=lambda _kind: endorsement_from_json(right),
        now=three.now,
    )
    settled(three)
    assert chains(three, "XA") == chains(three, "XB") == []


def test_the_origin_is_learnt_of_last(three: World) -> None:
    """XA's permit comes to XB only after XB's certificates: its arrival tells of them."""
    three.publish("XA", lines=[{"quantity": "100"}])
    sell_on(three, "XB", "26XB000001", "90", to="XC")
    sell_on(three, "XB", "26XB000002", "90", to="XD")
    assert chains(three, "XB") == []
    settled(three)
    assert chains(three, "XB") == [("FRD-06", "A", "open")]
