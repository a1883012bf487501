"""Suspensions of trade: whose, of what, from when until when, and for which goods."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.permit.model import Origin, Permit
from tests.rules.builders import judge
from tests.rules.shelves import catalogue
from tests.rules.specimen_cases import goods, trade

PARROT = goods("Psittacus erithacus", "I")
ELEPHANT = goods("Loxodonta africana", "I", term="TUS")

SUSPENDED: dict[str, tuple[Permit, str | None]] = {
    # wild Psittacus of CD for trade since 2020-01-01
    "wild, for trade": (trade(PARROT, leaves="CD"), "BLOCK"),
    "on the first day": (trade(PARROT, leaves="CD", issued_on=date(2020, 1, 1)), "BLOCK"),
    "the day before": (trade(PARROT, leaves="CD", issued_on=date(2019, 12, 31)), None),
    "another purpose": (trade(PARROT, leaves="CD", purpose="S"), None),
    "another source": (trade({**PARROT, "sources": ("C",)}, leaves="CD"), None),
    "confiscated": (trade({**PARROT, "sources": ("I",)}, leaves="CD"), None),
    "confiscated, once wild": (trade({**PARROT, "sources": ("I", "W")}, leaves="CD"), "BLOCK"),
    "pre-Convention, once wild": (trade({**PARROT, "sources": ("O", "W")}, leaves="CD"), "BLOCK"),
    "another taxon": (trade(goods("Python regius"), leaves="CD"), None),
    "an import permit for it": (trade(PARROT, leaves="CD", type="I"), "BLOCK"),
    "an import into it": (trade(PARROT, leaves="GH", enters="CD"), None),
    "a re-export from elsewhere": (
        trade({**PARROT, "origin": Origin(country="CD")}, leaves="CM", type="R"),
        None,
    ),
    "a re-export without an origin": (trade(PARROT, leaves="CD", type="R"), None),
    "goods of another origin": (trade({**PARROT, "origin": Origin(country="CM")}, leaves="CD"), None),
    "origin and exporter are the same": (trade({**PARROT, "origin": Origin(country="CD")}, leaves="CD"), "BLOCK"),
    "no purpose": (trade(PARROT, leaves="CD", purpose=None), "NOT_CHECKED"),
    # Python regius of BJ from 2019-01-01 to 2026-01-01
    "the day before it was lifted": (trade(goods("Python regius"), leaves="BJ", issued_on=date(2025, 12, 31)), "BLOCK"),
    "the day on which it was lifted": (trade(goods("Python regius"), leaves="BJ", issued_on=date(2026, 1, 1)), None),
    # Loxodonta africana into CN since 2022-01-01, by a suspension that applies to imports
    "an import that is suspended": (trade(ELEPHANT, leaves="KE", enters="CN", purpose="Z"), "BLOCK"),
    "an export of the same country": (trade(ELEPHANT, leaves="CN", enters="KE", purpose="Z"), "BLOCK"),
    # Panthera tigris of IN since 2021, by a national ban
    "a national ban": (trade(goods("Panthera tigris", "I"), leaves="IN", purpose="Z"), "WARN"),
    # data as of 2026-01-01
    "data of more than a year before": (trade(PARROT, leaves="CD", issued_on=date(2027, 1, 2)), "WARN"),
    "an unknown taxon": (trade(goods("Snarkus snarkus"), leaves="CD"), "NOT_CHECKED"),
    "a territory": (trade(goods("Python regius"), leaves="RE"), "NOT_CHECKED"),
    "a fictional country": (trade(PARROT, leaves="XA"), "NOT_CHECKED"),
}


@pytest.mark.parametrize(("permit", "expected"), SUSPENDED.values(), ids=SUSPENDED.keys())
def test_a_suspension_holds_for_the_goods_that_it_names(permit: Permit, expected: str | None) -> None:
    found = judge(permit, catalogue=catalogue()).findings
    severities = [finding.severity.value for finding in found if finding.rule == "SUS-01"]
    assert severities == ([] if expected is None else [expected])


REPORTS: dict[str, tuple[str, str | None]] = {
    "under measures": ("DJ", "REFER"),
    "not under measures": ("GH", None),
    "a fictional Party": ("XA", "NOT_CHECKED"),
}


@pytest.mark.parametrize(("issuer", "expected"), REPORTS.values(), ids=REPORTS.keys())
def test_measures_for_missing_annual_reports_are_of_the_issuer(issuer: str, expected: str | None) -> None:
    found = judge(trade(goods("Python regius"), leaves=issuer), catalogue=catalogue()).findings
    assert next((finding.severity.value for finding in found if finding.rule == "SUS-02"), None) == expected
