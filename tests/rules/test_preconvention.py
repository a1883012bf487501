"""Goods acquired before the Convention applied: the first listing decides, and a statement is read with care."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from epix_node.permit.model import Permit
from tests.rules.builders import judge
from tests.rules.shelves import catalogue
from tests.rules.specimen_cases import goods, trade


def says(rule: str, permit: Permit) -> str | None:
    found = judge(permit, catalogue=catalogue()).findings
    return next((finding.severity.value for finding in found if finding.rule == rule), None)


def old(taxon: str, acquired_on: date | None, **changes: Any) -> Permit:
    return trade(goods(taxon, "I", "OW", acquired_on=acquired_on), **changes)


ACQUIRED: dict[str, tuple[str, date, str | None]] = {
    # what: taxon, day, and what PRE-02 says. The parrot: II on 1981-06-06, I on 2017-01-02.
    "the day before the first listing": ("Psittacus erithacus", date(1981, 6, 5), None),
    "the day of the first listing": ("Psittacus erithacus", date(1981, 6, 6), "BLOCK"),
    "the day before the transfer to I": ("Psittacus erithacus", date(2017, 1, 1), "BLOCK"),
    "long before": ("Panthera tigris", date(1900, 1, 1), None),
    "a taxon whose first listing is not known": ("Scleropages formosus", date(1976, 1, 1), "NOT_CHECKED"),
    "a taxon that is not known": ("Snarkus snarkus", date(1975, 7, 1), "NOT_CHECKED"),
    "before the Convention, and nothing more is known": ("Scleropages formosus", date(1975, 6, 30), None),
    "before the Convention, of a taxon that is not known": ("Snarkus snarkus", date(1975, 6, 30), None),
}


@pytest.mark.parametrize(("taxon", "acquired_on", "expected"), ACQUIRED.values(), ids=ACQUIRED.keys())
def test_the_first_listing_in_any_appendix_decides(taxon: str, acquired_on: date, expected: str | None) -> None:
    assert says("PRE-02", old(taxon, acquired_on)) == expected


STATED: dict[str, tuple[str | None, str | None, str | None]] = {
    # what box 5 says: what PRE-01 and PRE-03 say of a parrot
    "nothing": (None, "BLOCK", None),
    "no date": ("Old piano.", "BLOCK", None),
    "a number that is no year": ("Box 12345.", "BLOCK", None),
    "a year that nobody explains": ("Made in 1975.", "NOT_CHECKED", None),
    "a day before the first listing": ("Acquired before 1981-06-06.", None, None),
    "a day after the first listing": ("Acquired before 1981-06-07.", None, "REFER"),
    "a year before": ("Acquired before the end of 1980.", None, None),
    "the year of the first listing": ("Acquired before 1 April 1981.", None, "NOT_CHECKED"),
    "a year after": ("Acquired before 1990.", None, "REFER"),
    "in French": ("Acquis avant le 1er juillet 1975.", None, None),
    "in Spanish": ("Adquirido antes del 1 de julio de 1975.", None, None),
    "no such day": ("Acquired before 1979-13-45.", None, None),
    "two dates": ("To be used before 2026-08-01. Acquired before 1975-01-01.", None, None),
}


@pytest.mark.parametrize(("text", "missing", "late"), STATED.values(), ids=STATED.keys())
def test_a_statement_may_stand_for_the_date(text: str | None, missing: str | None, late: str | None) -> None:
    permit = old("Psittacus erithacus", None, special_conditions=text)
    assert (says("PRE-01", permit), says("PRE-03", permit)) == (missing, late)


STATED_OF_UNKNOWN: dict[str, str | None] = {
    # what box 5 says: what PRE-03 says of a taxon whose first listing is not known
    "Acquired before 1975-07-01.": None,
    "Acquired before 1975-07-02.": "NOT_CHECKED",
    "Acquired before the end of 1974.": None,
    "Acquired before December 1975.": "NOT_CHECKED",
}


@pytest.mark.parametrize(("text", "expected"), STATED_OF_UNKNOWN.items(), ids=STATED_OF_UNKNOWN.keys())
def test_a_statement_that_reaches_back_before_the_convention_needs_no_data(text: str, expected: str | None) -> None:
    permit = old("Scleropages formosus", None, special_conditions=text)
    assert says("PRE-03", permit) == expected


def test_other_goods_need_no_date() -> None:
    permit = trade(goods("Psittacus erithacus", "I", "W", acquired_on=date(2020, 1, 1)))
    assert {says(rule, permit) for rule in ("PRE-01", "PRE-02", "PRE-03")} == {None}
