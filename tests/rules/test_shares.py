"""Which sums over many permits the lines of a permit belong to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from epix_node.permit.model import Line, Origin, Permit, PermitType, Quota, TradeParty
from epix_node.permit.quantity import UNIT_LIST
from epix_node.permit.sums import Part, SumKey
from epix_node.rules.shares import shares

QUOTA = Quota(used="10", annual="5000", unit="NAR")


def line(**members: Any) -> Line:
    """Ninety live ball pythons of an annual quota of 5000."""
    given = {"block": "A", "taxon": "Python regius", "sources": ("W",), "term": "LIV", "quantity": "90", "unit": "NAR"}
    return Line(**{"quota": QUOTA, **given, **members})


def permit(*lines: Line, **members: Any) -> Permit:
    given: dict[str, Any] = {
        "type": "E",
        "number": "26GH000001",
        "issuer": "GH",
        "issued_on": date(2026, 3, 1),
        "exporter": TradeParty(country="GH"),
        "importer": TradeParty(country="XB"),
        **members,
    }
    return Permit(lines=lines or (line(),), **given)


def keys(of: Permit) -> list[tuple[str, str, str, int, str]]:
    return [(s.of.pattern, s.of.issuer, s.of.number, s.of.year, s.part.value) for s in shares(of)]


QUOTA_SUM = ("FRD-17", "GH", "PYTHON REGIUS/LIV/W/NAR", 2026, "moved")


def test_a_line_that_states_a_quota_belongs_to_the_sum_of_that_quota():
    (share,) = shares(permit())
    assert keys(permit()) == [QUOTA_SUM]
    assert share.quota == 5_000_000_000
    assert share.of.parts == ["Python regius", "LIV", "W", "NAR"]
    assert SumKey.of_finding("FRD-17", share.of.subject) == share.of


SAME = {
    "a synonym": (line(taxon="Malayopython reticulatus"), line(taxon="Python reticulatus")),
    "the author's name": (line(taxon="Python regius (Shaw, 1802)"), line()),
    "capitals": (line(taxon="PYTHON REGIUS"), line()),
    "a larger unit of the class": (
        line(term="MEA", unit="KGM", quota=Quota(annual="5", unit="KGM")),
        line(term="MEA", unit="GRM", quota=Quota(annual="5000", unit="GRM")),
    ),
    "a quota in the unit of the line": (line(quota=Quota(annual="5000")), line()),
    "an origin that is the issuer": (line(origin=Origin(country="GH")), line()),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_is_the_same_is_in_one_sum(one: Line, other: Line):
    assert shares(permit(one)) == shares(permit(other)) != ()


OTHER = {
    "another taxon": line(taxon="Python sebae"),
    "another term": line(term="SKI"),
    "another source": line(sources=("R",)),
    "another class of units": line(unit="KGM", quota=Quota(annual="5000", unit="KGM")),
}


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER)
def test_what_differs_is_in_a_sum_of_its_own(other: Line):
    assert {s.of for s in shares(permit(other))}.isdisjoint({s.of for s in shares(permit())})


def test_another_year_is_another_quota():
    assert keys(permit(issued_on=date(2027, 1, 1)))[0][3] == 2027


NONE = {
    "no quota": permit(line(quota=None)),
    "a quota of 0": permit(line(quota=replace(QUOTA, annual="0"))),
    "a quota that is no number": permit(line(quota=replace(QUOTA, annual="see annex"))),
    "a quota without a figure": permit(line(quota=replace(QUOTA, annual=None))),
    "a quota in another class of units": permit(line(quota=replace(QUOTA, unit="KGM"))),
    "a re-export": permit(type=PermitType.REEXPORT),
    "an import permit": permit(type=PermitType.IMPORT),
    "goods from another country": permit(line(origin=Origin(country="TG"))),
    "goods that were exported before": permit(line(last_reexport=Origin(country="TG"))),
    "confiscated goods": permit(line(sources=("I",))),
    "confiscated goods, with a second code": permit(line(sources=("W", "I"))),
    "pre-Convention goods": permit(line(sources=("O", "W"))),
    "a document of multiple use": permit(multi_use=True),
    "a quantity that is no number": permit(line(quantity="some")),
    "a name that is none": permit(line(taxon="a snake; a lizard")),
    "no name": permit(line(taxon=None)),
    "a term that is in no list": permit(line(term="XXX")),
    "a source that is in no list": permit(line(sources=("?",))),
    "no source": permit(line(sources=())),
    "two lines with one letter": permit(line(), line(block="a")),
}


@pytest.mark.parametrize("of", NONE.values(), ids=NONE)
def test_what_cannot_be_added_to_a_quota_belongs_to_no_sum(of: Permit):
    assert keys(of) == []


CAPTIVE = line(sources=("C",), quota=None)


@pytest.mark.parametrize("source", ["C", "D", "F", "R"])
def test_captive_animals_of_a_country_where_they_do_not_live_are_in_its_sum(source: str):
    of = permit(line(sources=(source,), quota=None), issuer="DE", exporter=TradeParty(country="DE"))
    assert keys(of) == [("FRD-08", "DE", "PYTHON REGIUS/CAPTIVE", 0, "moved")]
    assert shares(of)[0].of.subject.year is None


def of_germany(*lines: Line, **members: Any) -> Permit:
    return permit(*lines or (CAPTIVE,), **{"issuer": "DE", "exporter": TradeParty(country="DE"), **members})


def test_a_certificate_of_captive_breeding_is_counted_too():
    assert keys(of_germany(type="O", subtype="captive-bred"))


SILENT = {
    "a range State": permit(CAPTIVE),
    "a fictional country": of_germany(issuer="XA", exporter=TradeParty(country="XA")),
    "a territory": of_germany(issuer="HK", exporter=TradeParty(country="HK")),
    "the European Union": of_germany(issuer="EU", exporter=TradeParty(country="EU")),
    "a code that is no country": of_germany(issuer="ZZ", exporter=TradeParty(country="ZZ")),
    "wild goods": of_germany(replace(CAPTIVE, sources=("W",))),
    "confiscated goods": of_germany(replace(CAPTIVE, sources=("C", "I"))),
    "a re-export": of_germany(type="R"),
    "goods from elsewhere": of_germany(replace(CAPTIVE, origin=Origin(country="GH"))),
    "a plant": of_germany(replace(CAPTIVE, taxon="Aquilaria malaccensis", sources=("D",))),
    "a genus": of_germany(replace(CAPTIVE, taxon="Python spp.")),
    "a species that the release does not know": of_germany(replace(CAPTIVE, taxon="Pythonella incognita")),
}


@pytest.mark.parametrize("of", SILENT.values(), ids=SILENT)
def test_captive_goods_of_which_no_range_is_known_to_fail_belong_to_no_sum(of: Permit):
    assert keys(of) == []


def test_live_animals_that_come_to_a_country_where_they_do_not_live_are_founder_stock_there():
    of = permit(line(quota=None), importer=TradeParty(country="DE"))
    assert keys(of) == [("FRD-08", "DE", "PYTHON REGIUS/CAPTIVE", 0, "founders")]


NO_FOUNDERS = {
    "skins": permit(line(quota=None, term="SKI"), importer=TradeParty(country="DE")),
    "to a range State": permit(line(quota=None), importer=TradeParty(country="TG")),
    "to a fictional country": permit(line(quota=None)),
    "an import permit, whose goods come under another document": permit(
        line(quota=None), type="I", issuer="US", importer=TradeParty(country="DE")
    ),
    "a circus that goes home": permit(line(quota=None), importer=TradeParty(country="DE"), multi_use=True),
    "nobody": permit(line(quota=None), importer=None),
}


@pytest.mark.parametrize("of", NO_FOUNDERS.values(), ids=NO_FOUNDERS)
def test_what_founds_no_stock_is_no_founder_stock(of: Permit):
    assert all(share.part is not Part.FOUNDERS for share in shares(of))


def test_every_unit_class_has_a_base_unit_that_can_be_a_part_of_a_key():
    assert all("/" not in unit.unit_class.value for unit in UNIT_LIST.values())
