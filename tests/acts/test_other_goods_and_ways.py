"""Goods of another species, gone elsewhere, without an import permit or shown again: seen from every office (2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import World

N, SECOND = "26XA000001", "26XA000002"
BOX = "020-12345675"


def settle(world: World) -> None:
    """A day and an hour pass, and everybody hears of everything."""
    world.meet()
    world.wait(hours=25)
    world.meet()
    world.meet()


def found(taxon: str, **members: Any) -> dict[str, Any]:
    return {"lines": [{"block": "A", "quantity": "10", "unit": "NAR", "taxon": taxon}], **members}


def test_another_species_is_found_at_the_border_and_at_the_issuer(world: World) -> None:
    """FRD-09, under one id."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, **found("Python sebae"))
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-09", "A", "open")]
    assert world.findings("XA").keys() == world.findings("XB").keys()
    assert world.patterns("XC") == []


@pytest.mark.parametrize("name", ["Python spp.", "Boa regia", "PYTHON REGIUS (Shaw, 1802)", "Pythonidae"])
def test_another_name_for_the_same_goods_is_nothing(world: World, name: str) -> None:
    """Traps: genus and species naming, synonyms."""
    world.publish("XA")
    world.meet()
    world.endorse("XA", N, **found(name))
    world.confirm("XB", N, **found(name))
    settle(world)
    assert [world.patterns(party) for party in world.offices] == [[], [], []]


def test_goods_that_arrive_elsewhere_are_found_there_and_at_the_issuer(world: World) -> None:
    """FRD-12: XC, which does not hold the permit, is told by the alert."""
    world.publish("XA")
    world.endorse("XA", N)
    world.meet()
    world.confirm("XC", N)
    settle(world)
    assert world.patterns("XA") == world.patterns("XC") == [("FRD-12", "A", "open")]
    assert world.findings("XA").keys() == world.findings("XC").keys()


def test_goods_that_are_sent_back_are_not_diverted(world: World) -> None:
    """Trap: returned shipments; the exporting country receives its own goods again."""
    world.publish("XA")
    world.endorse("XA", N)
    world.meet()
    world.confirm("XB", N, outcome="returned")
    world.confirm("XA", N)
    settle(world)
    assert [world.patterns(party) for party in world.offices] == [[], [], []]


@pytest.mark.parametrize(
    ("members", "patterns"),
    [
        ({}, [("APP-05", "A", "open")]),
        ({"outcome": "seized"}, []),
        ({"import_permit": {"issuer": "XB", "number": "26XB000777"}}, []),
    ],
)
def test_appendix_one_comes_in_with_an_import_permit(
    world: World, members: dict[str, Any], patterns: list[tuple[str, str, str]]
) -> None:
    """APP-05 at the issuer and at the importer."""
    world.publish("XA", purpose="Z", lines=[{"taxon": "Panthera pardus", "appendix": "I", "sources": ["W"]}])
    world.meet()
    world.confirm("XB", N, **members)
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == patterns


def test_refused_goods_under_another_permit_are_for_review(world: World) -> None:
    """FRD-15 at both nodes that hold both permits, whatever they hear of first."""
    for number in (N, SECOND):
        world.publish("XA", number=number)
    world.meet()
    world.confirm("XB", N, outcome="refused", transport_document=BOX)
    world.wait(days=1)
    world.confirm("XB", SECOND, date="2026-03-03", transport_document=BOX)
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-15", "R", "open")]
    (finding,) = world.findings("XA").values()
    assert [permit.number for permit in finding.permits] == [N, SECOND]
    assert world.findings("XA").keys() == world.findings("XB").keys()


def test_one_waybill_for_two_permits_is_ordinary(world: World) -> None:
    """Another species came in the same box, and only the pythons were refused."""
    world.publish("XA")
    world.publish("XA", number=SECOND, lines=[{"taxon": "Boa constrictor"}])
    world.meet()
    world.confirm("XB", N, outcome="refused", transport_document=BOX)
    world.wait(days=1)
    world.confirm("XB", SECOND, date="2026-03-03", transport_document=BOX)
    settle(world)
    assert [world.patterns(party) for party in world.offices] == [[], [], []]


def test_timber_sold_on_the_way_is_for_review_where_the_papers_disagree(world: World) -> None:
    """VAL-14 instead of FRD-12; with the permit's own bill of lading it would be nothing."""
    logs = {"taxon": "Dalbergia latifolia", "term": "LOG", "unit": "MTQ", "sources": ["W"]}
    world.publish("XA", lines=[logs], transport_document="MSCU 1")
    world.publish("XA", number=SECOND, lines=[logs], transport_document="MSCU 2")
    for number in (N, SECOND):
        world.endorse("XA", number, unit="MTQ")
    world.meet()
    change = {
        "kind": "timber-change-of-destination",
        "certified_by": "Port of XC",
        "certified_on": "2026-03-02",
        "bill_of_lading": "MSCU 2",
    }
    for number in (N, SECOND):
        world.confirm("XC", number, unit="MTQ", transport_document="MSCU 2", basis=change)
    settle(world)
    (finding,) = world.findings("XA").values()
    assert (finding.pattern, finding.class_, finding.subject.number) == ("VAL-14", "R", N)
