"""Listings on the day of issue, and what Appendix I may be used for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from epix_node.permit.model import Origin, Permit
from epix_node.rules.finding import Severity
from epix_node.rules.ruleset import Stage
from tests.rules.builders import judge
from tests.rules.shelves import catalogue
from tests.rules.specimen_cases import CROCODILE, TIGER, WHALE, goods, ifs, trade


def says(rule: str, permit: Permit, **circumstances: Any) -> str | None:
    """The severity with which the rule speaks; ``None`` where it does not."""
    found = judge(permit, **{"catalogue": catalogue(), **circumstances}).findings
    return next((finding.severity.value for finding in found if finding.rule == rule), None)


PARROT = goods("Psittacus erithacus", "I")
ACQUIRED_1974 = {"acquired_on": date(1974, 5, 1)}
UNKNOWN_I = goods("Snarkus snarkus", "I")

COMMERCIAL: dict[str, tuple[Permit, str | None]] = {
    # what, and what APP-02 says of it
    "an import permit": (trade(TIGER, leaves="IN", type="I"), "BLOCK"),
    "an introduction from the sea": (ifs(WHALE, leaves="NO", enters="NO"), "BLOCK"),
    "an export permit": (trade(TIGER, leaves="IN"), "REFER"),
    "a re-export certificate": (trade({**TIGER, "origin": Origin(country="IN")}, type="R"), "REFER"),
    "another document": (trade(TIGER, leaves="IN", type="O", subtype="travelling-exhibition"), "REFER"),
    "born in captivity": (trade({**TIGER, "sources": ("F",)}, leaves="IN", type="I"), "BLOCK"),
    "ranched": (trade({**TIGER, "sources": ("R",)}, leaves="IN", type="I"), "BLOCK"),
    "confiscated, once wild": (trade({**TIGER, "sources": ("I", "W")}, leaves="IN", type="I"), "BLOCK"),
    "bred in captivity": (trade({**TIGER, "sources": ("C",)}, leaves="IN", type="I"), None),
    "bred in a registered operation": (trade(CROCODILE, leaves="TH", type="I"), None),
    "pre-Convention as second code": (trade({**TIGER, "sources": ("W", "O")}, leaves="IN", type="I"), None),
    "a pre-Convention certificate": (trade(TIGER, leaves="IN", type="O", subtype="pre-convention"), None),
    "acquired before listing, not declared": (trade({**TIGER, **ACQUIRED_1974}, leaves="IN", type="I"), "REFER"),
    "acquired before the Convention, a taxon without history": (
        trade({**goods("Scleropages formosus", "I"), **ACQUIRED_1974}, leaves="ID", type="I"),
        "REFER",
    ),
    "acquired after the Convention, a taxon without history": (
        trade({**goods("Scleropages formosus", "I"), "acquired_on": date(1976, 1, 1)}, leaves="ID", type="I"),
        "BLOCK",
    ),
    "acquired on the day of the listing": (
        trade({**TIGER, "acquired_on": date(1975, 7, 1)}, leaves="IN", type="I"),
        "BLOCK",
    ),
    "not for trade": (trade(TIGER, leaves="IN", type="I", purpose="S"), None),
    "Appendix II": (trade(goods("Python regius"), type="I"), None),
    "before it was moved to I": (
        trade({**PARROT, "appendix": "II"}, type="I", issued_on=date(2016, 12, 31)),
        None,
    ),
    "before it was moved to I, stated too early": (trade(PARROT, type="I", issued_on=date(2016, 12, 31)), None),
    "on the day when it was moved to I": (trade(PARROT, type="I", issued_on=date(2017, 1, 2)), "BLOCK"),
    "in I, but stated as II": (
        trade({**PARROT, "appendix": "II"}, type="I", issued_on=date(2017, 1, 2)),
        "BLOCK",
    ),
    "the importing Party has a reservation": (trade(WHALE, leaves="NO", enters="JP", type="I"), None),
    "only the exporting Party has a reservation": (trade(WHALE, leaves="JP", type="I"), "BLOCK"),
    "an export between Parties with reservations": (trade(WHALE, leaves="IS", enters="JP"), None),
    "an export to a Party with a reservation": (trade(WHALE, leaves="NO", enters="JP"), None),
    "a reservation that was withdrawn": (trade(PARROT, enters="AE", type="I", issued_on=date(2020, 1, 2)), "BLOCK"),
    "a reservation in its last days": (trade(PARROT, enters="AE", type="I", issued_on=date(2020, 1, 1)), None),
    "a reservation not yet entered": (
        trade(WHALE, leaves="NO", enters="IS", type="I", issued_on=date(2000, 4, 1)),
        "BLOCK",
    ),
    "a split listing, a population in I": (
        trade(goods("Loxodonta africana", "I", term="TUS"), leaves="KE", type="I"),
        "BLOCK",
    ),
    "a split listing, a population in II": (
        trade(goods("Loxodonta africana", "II", term="TUS"), leaves="BW", type="I"),
        None,
    ),
    "a split listing, a population in II that is stated as I": (
        trade(goods("Loxodonta africana", "I", term="TUS"), leaves="BW", type="I"),
        None,
    ),
    "a split listing, a fictional country": (
        trade(goods("Loxodonta africana", "I", term="TUS"), leaves="XA", type="I"),
        "BLOCK",
    ),
    "a taxon that is not known, stated as I": (trade(UNKNOWN_I, type="I"), "BLOCK"),
    "a fictional Party": (trade(TIGER, leaves="XA", enters="XB", type="I"), "BLOCK"),
}


@pytest.mark.parametrize(("permit", "expected"), COMMERCIAL.values(), ids=COMMERCIAL.keys())
@pytest.mark.parametrize("stage", Stage)
def test_the_state_of_import_bars_appendix_i_for_trade(permit: Permit, expected: str | None, stage: Stage) -> None:
    assert says("APP-02", permit, stage=stage) == expected


ELEPHANT: dict[str, tuple[str, str | None, str | None, str | None]] = {
    # what: stated Appendix, exporting country, country of origin, and what APP-01 says
    "Kenya, I": ("I", "KE", None, None),
    "Kenya, II": ("II", "KE", None, "BLOCK"),
    "Botswana, II": ("II", "BW", None, None),
    "Botswana, I, as goods may be deemed": ("I", "BW", None, "REFER"),
    "Botswana, III": ("III", "BW", None, "BLOCK"),
    "Zimbabwe by way of Kenya, II": ("II", "KE", "ZW", None),
    "Kenya by way of Zimbabwe, II": ("II", "ZW", "KE", "BLOCK"),
    "a fictional country, I": ("I", "XA", None, None),
    "a fictional country, II": ("II", "XA", None, None),
    "a fictional country, III": ("III", "XA", None, "BLOCK"),
}


@pytest.mark.parametrize(("stated", "leaves", "origin", "expected"), ELEPHANT.values(), ids=ELEPHANT.keys())
def test_of_a_split_listing_the_population_decides(
    stated: str, leaves: str, origin: str | None, expected: str | None
) -> None:
    line = goods("Loxodonta africana", stated, term="TUS", origin=Origin(country=origin) if origin else None)
    assert says("APP-01", trade(line, leaves=leaves, purpose="H")) == expected


def test_a_re_export_without_an_origin_may_state_any_appendix_of_a_split_listing() -> None:
    for stated in ("I", "II"):
        assert says("APP-01", trade(goods("Loxodonta africana", stated), leaves="ZW", type="R")) is None


LISTED: dict[str, tuple[str, date, str | None]] = {
    # what: stated Appendix, day of issue, and what APP-01 says of a grey parrot
    "II, the day before the transfer": ("II", date(2017, 1, 1), None),
    "I, the day before the transfer": ("I", date(2017, 1, 1), "BLOCK"),
    "II, on the day of the transfer": ("II", date(2017, 1, 2), "BLOCK"),
    "I, on the day of the transfer": ("I", date(2017, 1, 2), None),
    "II, before it was listed at all": ("II", date(1981, 6, 5), "REFER"),
}


@pytest.mark.parametrize(("stated", "issued_on", "expected"), LISTED.values(), ids=LISTED.keys())
def test_the_day_of_issue_decides_not_the_year(stated: str, issued_on: date, expected: str | None) -> None:
    assert says("APP-01", trade({**PARROT, "appendix": stated}, issued_on=issued_on)) == expected


def test_a_day_before_all_that_the_list_knows_is_not_checked() -> None:
    """The mahogany's listing is known of one day only."""
    line = goods("Swietenia macrophylla", "III", term="LOG")
    assert says("APP-01", trade(line, leaves="BR", issued_on=date(2001, 5, 5))) == "NOT_CHECKED"
    assert says("APP-01", trade(line, leaves="BR")) == "BLOCK"


def test_a_list_that_is_much_older_than_the_document_refuses_nothing() -> None:
    old = catalogue(date(2023, 1, 31))
    line = goods("Swietenia macrophylla", "I", term="LOG")
    assert says("APP-01", trade(line, leaves="BR", issued_on=date(2026, 1, 30)), catalogue=old) == "BLOCK"
    assert says("APP-01", trade(line, leaves="BR", issued_on=date(2026, 1, 31)), catalogue=old) == "REFER"
    # Taken at its word: what is stated as Appendix I is barred as Appendix I.
    assert says("APP-02", trade(line, leaves="BR", type="I", issued_on=date(2026, 1, 31)), catalogue=old) == "BLOCK"
    assert says("APP-02", trade(line, leaves="BR", type="I", issued_on=date(2026, 1, 30)), catalogue=old) is None


def test_a_reservation_does_not_change_the_listing_but_is_said() -> None:
    stated_as_ii = {**WHALE, "appendix": "II"}
    found = judge(trade(stated_as_ii, leaves="IS"), catalogue=catalogue()).findings
    (differs,) = [finding for finding in found if finding.rule == "APP-01"]
    assert differs.severity is Severity.REFER
    assert "reservation" in differs.message
    assert says("APP-01", trade(stated_as_ii, leaves="NO")) == "BLOCK"


def test_where_reservations_are_not_loaded_a_finding_says_so() -> None:
    found = judge(trade(UNKNOWN_I, type="I")).findings
    (barred,) = [finding for finding in found if finding.rule == "APP-02"]
    assert "reservations of Parties are not loaded here" in barred.message
