"""Countries by code and by name."""

import csv

import pytest

from epix_node.reference.countries import country_code
from tests.reference.lists import SHARED


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("NA", "NA"),
        ("na", "NA"),
        ("Namibia", "NA"),
        ("Viet Nam", "VN"),
        ("Côte d'Ivoire", "CI"),
        ("Cote d\u2019ivoire", "CI"),
        ("United Republic  of Tanzania", "TZ"),
        ("Bolivia (Plurinational State of)", "BO"),
        ("Sudan [prior to secession of South Sudan]", "SD"),
        ("XB", "XB"),
        ("EU", "EU"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_a_country_is_known_by_its_code_or_a_name_in_use(given, expected):
    assert country_code(given) == expected


def test_every_party_of_the_trade_database_guide_is_known_by_name():
    path = SHARED / "parties" / "cites_parties_guide_v9_2022.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["iso2"]) for row in rows if country_code(row["name"]) != row["iso2"]] == []
