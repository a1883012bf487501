"""FRD-02: where a paper says something else than the register, and where the difference means nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.compare import differences
from epix_node.permit.json import permit_to_json, presented_from_json
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, Relation, TradeParty

PERMIT = Permit(
    type="E",
    number="26XA-000123",
    issuer="XA",
    issued_on=date(2026, 3, 1),
    valid_until=date(2026, 8, 31),
    purpose="T",
    exporter=TradeParty(name="Łukasz Müller", address="1 Port Road, Northport", country="XA"),
    importer=TradeParty(name="Bob & Sons", address="2 Quay", country="XB"),
    transit=("XC", "XD"),
    authority=Authority(name="MA of XA", place="Northport", signatory="C. Clerk"),
    security_stamp="XA 0012345",
    special_conditions="Keep warm",
    references=(Reference(relation=Relation.IMPORT_PERMIT, issuer="XB", number="26XB000777"),),
    lines=(
        Line(
            block="A",
            taxon="Python regius",
            common_name="ball python",
            appendix="II",
            sources=("C", "I"),
            term="LIV",
            description="hatchlings",
            quantity="12",
            unit="KGM",
            marks=("XA-001", "XA-002"),
            origin=Origin(country="XA", permit="7", date=date(2025, 1, 1)),
            quota=Quota(used="120", annual="5000", unit="NAR"),
        ),
        Line(block="B", taxon="Boa constrictor", quantity="3", unit="NAR"),
    ),
)


def found(presented: dict[str, Any]) -> dict[str, str]:
    """Field → class of what differs."""
    return {each.field: each.class_ for each in differences(PERMIT, presented_from_json(presented))}


def line(**members: Any) -> dict[str, Any]:
    return {"lines": [{"block": "A", **members}]}


@pytest.mark.parametrize(
    "presented",
    [
        {},
        {"number": "no. 26xa–000123"},
        {"type": "e", "purpose": "t"},
        {"valid_from": "2026-03-01"},
        {"exporter": {"name": "MULLER lukasz", "address": "Northport,  1 Port-Road"}},
        {"importer": {"name": "Sons, Bob"}},
        {"transit": ["XD", "XC"]},
        {"security_stamp": "xa0012345"},
        {"references": [{"number": "26xb000777"}]},
        {"transport_document": "020-12345675"},
        line(),
        line(quantity="12.000"),
        line(quantity="12000", unit="GRM"),
        line(quantity="0.012", unit="TON"),
        line(marks=["xa-002", "XA–001"]),
        line(sources=["I", "C"]),
        line(taxon="python  REGIUS"),
        line(quota={"annual": "5000.0"}),
        {"lines": [{"block": "b", "quantity": "3"}]},
    ],
    ids=repr,
)
def test_what_cannot_matter_is_no_difference(presented: dict[str, Any]) -> None:
    """Undeclared fields, spelling, order of words and lists, another unit for the same quantity."""
    assert found(presented) == {}


@pytest.mark.parametrize(
    ("presented", "expected"),
    [
        ({"type": "R"}, {"type": "A"}),
        ({"number": "26XA-000124"}, {"number": "A"}),
        ({"issued_on": "2026-03-02"}, {"issued_on": "A"}),
        ({"valid_from": "2026-03-02"}, {"valid_from": "A"}),
        ({"valid_until": "2027-08-31"}, {"valid_until": "A"}),
        ({"purpose": "Z"}, {"purpose": "R"}),
        ({"copy": True}, {"copy": "A"}),
        ({"transit": ["XC"]}, {"transit": "A"}),
        ({"security_stamp": "XA0012346"}, {"security_stamp": "A"}),
        ({"importer": {"country": "XE", "name": "Eve"}}, {"importer.name": "R", "importer.country": "A"}),
        ({"exporter": {"address": "9 Port Road"}}, {"exporter.address": "R"}),
        ({"authority": {"signatory": "D. Clerk"}}, {"authority.signatory": "R"}),
        ({"special_conditions": "Keep cold"}, {"special_conditions": "R"}),
        ({"references": [{"number": "26XB000778"}]}, {"references": "A"}),
        ({"references": [{"number": "26XB000777"}, {"number": "1"}]}, {"references": "A"}),
        (line(taxon="Python molurus"), {"lines.A.taxon": "A"}),
        (line(common_name="pet"), {"lines.A.common_name": "R"}),
        (line(appendix="I"), {"lines.A.appendix": "A"}),
        (line(sources=["W"]), {"lines.A.sources": "A"}),
        (line(term="SKI"), {"lines.A.term": "A"}),
        (line(description="adults"), {"lines.A.description": "R"}),
        (line(quantity="120"), {"lines.A.quantity": "A"}),
        (line(unit="TON"), {"lines.A.unit": "A"}),
        (line(quantity="12", unit="TON"), {"lines.A.unit": "A"}),
        (line(quantity="13", unit="TON"), {"lines.A.quantity": "A", "lines.A.unit": "A"}),
        (line(quantity="twelve"), {"lines.A.quantity": "A"}),
        (line(marks=["XA-001"]), {"lines.A.marks": "A"}),
        (line(origin={"country": "XB"}), {"lines.A.origin.country": "A"}),
        (line(last_reexport={"country": "XB"}), {"lines.A.last_reexport.country": "A"}),
        (line(acquired_on="2020-01-01"), {"lines.A.acquired_on": "A"}),
        ({"lines": [{"block": "C", "taxon": "Varanus"}]}, {"lines.C": "A"}),
        ({"lines": [{"taxon": "Varanus"}]}, {"lines": "A"}),
        ({"lines": [{"block": "B"}, {"block": "B"}]}, {"lines.B": "A"}),
    ],
    ids=repr,
)
def test_each_difference_has_its_field_and_class(presented: dict[str, Any], expected: dict[str, str]) -> None:
    """A where a field of the form differs, R for names, addresses and free text (decision 0.3)."""
    assert found(presented) == expected


def test_a_difference_shows_both_sides() -> None:
    """As JSON values; what the register does not hold is null."""
    presented = presented_from_json({"subtype": "sample-collection", "lines": [{"block": "A", "quantity": "120"}]})
    assert [each.to_json() for each in differences(PERMIT, presented)] == [
        {"field": "subtype", "presented": "sample-collection", "registered": None, "class": "A"},
        {"field": "lines.A.quantity", "presented": "120", "registered": "12", "class": "A"},
    ]


def test_a_transport_document_differs_only_from_one_that_is_registered() -> None:
    """Box 15 is filled in when the goods leave."""
    permit = replace(PERMIT, transport_document="020-1")
    (difference,) = differences(permit, {"transport_document": "020-2"})
    assert difference.class_ == "R"


@settings(max_examples=50, deadline=None)
@given(st.sets(st.sampled_from(sorted(permit_to_json(PERMIT)))))
def test_a_permit_never_differs_from_itself(declared: set[str]) -> None:
    """Whichever of its members are declared."""
    members = {name: value for name, value in permit_to_json(PERMIT).items() if name in declared}
    assert differences(PERMIT, presented_from_json(members)) == ()
