"""Who is a Party, since when, and what is not known."""

from __future__ import annotations

import csv
import tomllib
from datetime import date, datetime
from importlib import resources
from pathlib import Path

import pytest

from epix_node.permit.codes import FICTIONAL_PARTIES, code_lists
from epix_node.permit.parties import (
    entry_into_force,
    is_party,
    parties,
    party_list_provenance,
    party_of,
    successors_of,
)

LISTS = Path(__file__).parents[2].parent / "shared" / "data"
TODAY = date(2026, 6, 1)


def test_there_are_184_parties_and_the_european_union_is_one() -> None:
    assert len(parties()) == 184
    assert entry_into_force("EU") == date(2015, 7, 8)
    assert parties() <= code_lists().countries.keys()
    assert party_list_provenance().date == "2023"


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("CH", date(1975, 7, 1), True),
        ("CH", date(1975, 6, 30), False),
        ("EU", date(2015, 7, 7), False),
        ("EU", date(2015, 7, 8), True),
        ("NA", TODAY, True),
        ("TO", date(2016, 10, 19), False),
        ("HK", TODAY, True),
        ("GL", date(1977, 10, 23), False),
        ("HT", TODAY, False),
        ("VA", TODAY, False),
        ("XA", date(1900, 1, 1), True),
        ("XZ", TODAY, True),
        ("XX", TODAY, None),
        ("XV", TODAY, None),
        ("HS", TODAY, None),
        ("AQ", TODAY, None),
        ("TW", TODAY, None),
        ("FK", TODAY, None),
        ("ZY", TODAY, None),
        ("", TODAY, None),
        ("CS", date(2002, 5, 27), False),
        ("CS", date(2005, 1, 1), True),
        ("CS", date(2006, 6, 3), False),
        ("ZC", date(1992, 12, 31), True),
        ("CZ", date(1992, 12, 31), False),
        ("CZ", date(1993, 1, 1), True),
        ("SU", date(1980, 1, 1), True),
        ("AN", date(2000, 1, 1), True),
        ("AN", date(2011, 1, 1), False),
        ("NT", TODAY, None),
    ],
)
def test_a_code_stood_for_a_party_on_a_day(code, on, expected) -> None:
    assert is_party(code, on) is expected


def test_fictional_countries_have_no_entry_into_force_and_no_successors() -> None:
    for code in FICTIONAL_PARTIES:
        assert entry_into_force(code) is None
        assert successors_of(code) == ()
        assert party_of(code) == code


def test_territories_and_former_codes_lead_to_todays() -> None:
    assert (party_of("GP"), party_of("HK"), party_of("AN"), party_of("CH")) == ("FR", "CN", "NL", "CH")
    assert entry_into_force("HK") is None
    assert entry_into_force(party_of("HK")) == date(1981, 4, 8)
    assert successors_of("CS") == ("ME", "RS")
    assert successors_of("CH") == ()
    assert entry_into_force("ZC") == date(1992, 5, 28)


def test_every_code_of_the_list_is_a_country_code() -> None:
    lists = tomllib.loads(resources.files("epix_node.permit").joinpath("data/parties.toml").read_text("utf-8"))
    countries = code_lists().countries.keys()
    assert lists["territories"]["codes"].keys() <= countries
    assert set(lists["territories"]["codes"].values()) <= parties()
    assert set(lists["non_parties"]["codes"]) <= countries - parties()
    for code, former in lists["former"]["codes"].items():
        assert {code, *former["successors"]} <= countries
        assert code not in parties()


def test_the_two_published_lists_differ_where_ours_says_so() -> None:
    """Both name the same Parties; seven dates differ, and the later list's is taken."""
    older, newer = LISTS / "parties/cites_parties_guide_v9_2022.csv", LISTS / "parties/cites_parties_accession_2023.csv"
    if not (older.exists() and newer.exists()):
        pytest.skip("the published lists are not beside this checkout")
    with older.open(encoding="utf-8-sig", newline="") as stream:
        guide = {row["iso2"]: date.fromisoformat(row["entry_into_force"]) for row in csv.DictReader(stream)}
    with newer.open(encoding="utf-8-sig", newline="") as stream:
        listed = {row["ISO"]: _day(row["Entry into force"]) for row in csv.DictReader(stream)}
    assert guide.keys() == listed.keys() == parties()
    differing = {
        code: {"guide_2022": guide[code], "list_2023": listed[code]} for code in guide if guide[code] != listed[code]
    }
    lists = tomllib.loads(resources.files("epix_node.permit").joinpath("data/parties.toml").read_text("utf-8"))
    assert differing == lists["differences"]["codes"]
    assert {code: entry_into_force(code) for code in parties()} == listed


def test_territories_are_those_of_the_guide() -> None:
    file = LISTS / "codes/territory_codes.csv"
    if not file.exists():
        pytest.skip("the transcribed code lists are not beside this checkout")
    with file.open(encoding="utf-8", newline="") as stream:
        given = {row["code"]: row["party"] for row in csv.DictReader(stream) if row["party"]}
    assert {code: party_of(code) for code in given} == given


def _day(text: str) -> date:
    """``28-Jan-86``: nobody joined before 1975, nor after 2026."""
    day = datetime.strptime(text, "%d-%b-%y").date()  # noqa: DTZ007 - a calendar date
    return day if day.year <= 2026 else day.replace(year=day.year - 100)
