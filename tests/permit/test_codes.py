"""The code lists are complete, and two known traps are not in them."""

from __future__ import annotations

import csv
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from epix_node.permit.codes import UNITS, code_lists

CODES = Path(__file__).parents[2].parent / "shared" / "data" / "codes"


def test_the_lists_have_as_many_codes_as_their_sources() -> None:
    lists = code_lists()
    assert len(lists.types) == 4
    assert len(lists.subtypes) == 10
    assert len(lists.purposes) == 12
    assert len(lists.sources) == 11
    assert len(lists.terms) == 91
    assert len(lists.historical_terms) == 21
    assert not lists.terms.keys() & lists.historical_terms.keys()
    assert list(lists.appendices) == ["I", "II", "III"]


def test_every_list_of_the_package_says_where_it_is_from_and_of_when() -> None:
    files = [file for file in resources.files("epix_node.permit").joinpath("data").iterdir() if file.suffix == ".toml"]
    assert {file.name for file in files} >= {"codes.toml", "countries.toml", "parties.toml", "terms.toml", "units.toml"}
    for file in files:
        for name, code_list in tomllib.loads(file.read_text(encoding="utf-8")).items():
            assert isinstance(code_list, dict), f"{file.name}: {name} is no list with a source"
            assert len(code_list["source"]) > 10, f"{file.name}: {name}"
            assert code_list["date"][:2] in {"19", "20"}, f"{file.name}: {name}"


def test_a_list_is_shown_with_its_provenance() -> None:
    provenance = code_lists().provenance
    assert provenance["terms"].date == "2022-09"
    assert "ISO 3166-1" in provenance["countries"].source
    assert {"types", "subtypes", "purposes", "sources", "appendices", "historical_terms"} <= provenance.keys()


def test_some_sources_are_of_one_kingdom_or_of_the_sea() -> None:
    lists = code_lists()
    assert {code for code, kingdom in lists.source_kingdoms.items() if kingdom == "Plantae"} == {"A", "Y"}
    assert {code for code, kingdom in lists.source_kingdoms.items() if kingdom == "Animalia"} == {"C", "F", "R"}
    assert lists.marine_sources == {"X"}
    assert lists.source_kingdoms.keys() | lists.marine_sources <= lists.sources.keys()


@pytest.mark.parametrize(
    "code", ["NA", "NO", "XA", "XZ", "AA", "QM", "QZ", "ZZ", "EU", "HK", "HS", "XX", "AN", "YU", "SU", "ZR"]
)
def test_every_country_that_a_permit_may_name_is_listed(code: str) -> None:
    assert code in code_lists().countries


def test_na_is_namibia() -> None:
    assert code_lists().countries["NA"] == "Namibia"


@pytest.mark.parametrize("code", ["", "xa", "UK", "QA ", "QL", "AB", "ZY", "USA"])
def test_other_codes_are_not(code: str) -> None:
    assert code not in code_lists().countries


def test_the_lists_are_read_once_and_cannot_be_changed() -> None:
    assert code_lists() is code_lists()
    with pytest.raises(TypeError):
        code_lists().terms["ZZZ"] = "nothing"  # type: ignore[index]


@pytest.mark.parametrize(
    ("file", "members"),
    [
        ("term_codes.csv", lambda: code_lists().terms.keys() | code_lists().historical_terms.keys()),
        ("purpose_codes.csv", code_lists().purposes.keys),
        ("source_codes.csv", code_lists().sources.keys),
        ("unit_codes.csv", lambda: UNITS),
    ],
)
def test_the_lists_are_those_of_the_guide(file: str, members) -> None:
    if not (CODES / file).exists():
        pytest.skip("the transcribed code lists are not beside this checkout")
    with (CODES / file).open(encoding="utf-8", newline="") as stream:
        assert {row["code"] for row in csv.DictReader(stream)} == set(members())


def test_territories_of_the_guide_are_listed() -> None:
    file = CODES / "territory_codes.csv"
    if not file.exists():
        pytest.skip("the transcribed code lists are not beside this checkout")
    with file.open(encoding="utf-8", newline="") as stream:
        missing = {row["code"] for row in csv.DictReader(stream)} - code_lists().countries.keys()
    assert not missing
