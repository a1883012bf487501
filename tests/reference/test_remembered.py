"""What was looked up is remembered, and whatever documents hold, what is remembered stays small."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from epix_node.permit.model import Origin
from epix_node.reference.catalogue import Catalogue
from epix_node.rules import report
from epix_node.rules.finding import Severity
from tests.rules.builders import judge, permit


def test_a_name_is_looked_up_once() -> None:
    species = Catalogue.open(None).species
    assert species.find("Python regius") is species.find("Python regius")
    assert species._match.cache_info().hits == 1


def test_a_listing_is_looked_up_once_for_a_day_and_a_population() -> None:
    species = Catalogue.open(None).species
    match = species.find("Loxodonta africana")
    assert match is not None
    for population, day in (("BW", 2), ("BW", 2), ("KE", 2), ("BW", 3)):
        assert species.listing_on(match.taxon, date(2026, 3, day), population) is not None
    assert species._listing.cache_info().misses == 3


def test_two_taxa_of_one_name_are_two() -> None:
    match = Catalogue.open(None).species.find("Python regius")
    assert match is not None
    other = replace(match.taxon, range_states=frozenset({"XA"}))
    assert hash(other) == hash(match.taxon)
    assert other != match.taxon


def test_long_names_and_codes_are_not_remembered() -> None:
    """A text of a permit can have 64 KiB, and a thousand of them would be a gigabyte."""
    species = Catalogue.open(None).species
    match = species.find("Python regius")
    assert match is not None
    remembered = species._match.cache_info().currsize
    again = species.find(f"Python regius ({'x' * 10_000}")
    assert again is not None
    assert again.taxon == match.taxon
    assert species.listing_on(match.taxon, date(2026, 3, 2), "x" * 10_000) is not None
    assert species._match.cache_info().currsize == remembered
    assert species._listing.cache_info().currsize == 0


def test_a_reason_that_quotes_a_long_text_is_not_remembered() -> None:
    report._remembered.cache_clear()
    long = "x" * 10_000
    findings = judge(permit(line={"origin": Origin(country=long), "sources": ("W",)}, issuer=long)).findings
    quoting = [one for one in findings if one.severity is Severity.NOT_CHECKED and long in one.message]
    assert quoting
    assert report._remembered.cache_info().currsize == len(
        [one for one in findings if one.severity is Severity.NOT_CHECKED and len(one.message) <= 200]
    )
