"""Reservations: who has one, to what, and when."""

from datetime import date

import pytest

from epix_node.reference.reservations import Reservations
from epix_node.reference.shelf import Shelf
from tests.reference.lists import ELEPHANT, PYTHON, loaded, real

HEADER = "start_date,end_date,taxon_name,taxon_concept_id,rank,iso_code2,notes,Internal Notes \n"
LIST = HEADER + (
    "04/02/1990,10/06/1992,Loxodonta africana,4521,SPECIES,ZW, ,\n"
    "18/03/1991,,Acinonyx,1929,GENUS,NA, ,\n"
    "31/10/1976,07/03/1978,Python,2425,GENUS,GB,On behalf of HK. ,\n"
    "01/01/1986,,Balaenoptera acutorostrata,8288,SPECIES,JP,Except stock of west Greenland. ,\n"
)


@pytest.mark.parametrize(
    ("party", "lineage", "on", "expected"),
    [
        pytest.param("ZW", ELEPHANT, date(1991, 1, 1), True, id="within the two dates"),
        pytest.param("ZW", ELEPHANT, date(1990, 2, 4), True, id="on the first day"),
        pytest.param("ZW", ELEPHANT, date(1992, 6, 10), True, id="on the last day"),
        pytest.param("ZW", ELEPHANT, date(1992, 6, 11), False, id="after it was withdrawn"),
        pytest.param("ZW", ELEPHANT, date(1990, 2, 3), False, id="before it was entered"),
        pytest.param("BW", ELEPHANT, date(1991, 1, 1), False, id="another Party"),
        pytest.param("NA", ("Acinonyx jubatus", "Acinonyx"), date(2026, 1, 1), True, id="to the genus, and lasting"),
        pytest.param("HK", PYTHON, date(1977, 1, 1), True, id="Hong Kong's own"),
        pytest.param("GB", PYTHON, date(1977, 1, 1), False, id="not the one who entered it for Hong Kong"),
        pytest.param("JP", ("Balaenoptera acutorostrata",), date(2020, 1, 1), True, id="for some stocks only"),
    ],
)
def test_a_reservation_is_for_its_party_its_taxon_and_its_time(tmp_path, party, lineage, on, expected):
    shelf, _ = loaded(tmp_path, "reservations", LIST)
    assert Reservations(shelf).of(party, lineage, on) is expected


def test_namibia_is_a_country_and_not_a_missing_value(tmp_path):
    shelf, report = loaded(tmp_path, "reservations", LIST)
    found = Reservations(shelf).find("NA", ("Acinonyx",), date(2000, 1, 1))
    assert found is not None
    assert found.end is None
    assert report.refused == 0


def test_a_reservation_for_some_stocks_says_so(tmp_path):
    shelf, _ = loaded(tmp_path, "reservations", LIST)
    found = Reservations(shelf).find("JP", ("Balaenoptera acutorostrata",), date(2020, 1, 1))
    assert found is not None
    assert found.partial
    assert found.notes == "Except stock of west Greenland."


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("12.06.2013,,Python,1,GENUS,CA,,", "the start date is no date (dd/mm/yyyy or yyyy-mm-dd)"),
        ("31/02/2013,,Python,1,GENUS,CA,,", "the start date is no date of the calendar"),
        (",,Python,1,GENUS,CA,,", "the start date is missing"),
        ("12/06/2013,,,1,GENUS,CA,,", "the taxon is missing"),
        ("12/06/2013,,Python,1,GENUS,Atlantis,,", "the Party is not in the list of countries"),
        (
            "04/11/1980,,Python,1,GENUS,JP,,reservation not current",
            "it is over, and the day on which it ended is not given",
        ),
    ],
)
def test_a_row_that_is_not_understood_is_counted_with_its_reason(tmp_path, row, reason):
    _, report = loaded(tmp_path, "reservations", HEADER + row + "\n12/06/2013,,Python,1,GENUS,CA,,\n")
    assert (report.taken, report.refused) == (1, 1)
    assert dict(report.reasons) == {reason: 1}
    assert report.examples[0].row == 2


def test_a_list_speaks_of_the_parties_that_it_names(tmp_path):
    reservations = Reservations(loaded(tmp_path, "reservations", LIST)[0])
    assert reservations.covers("HK")
    assert not reservations.covers("GB")


def test_without_a_list_there_is_no_edition_and_no_reservation():
    reservations = Reservations(Shelf.open(None))
    assert reservations.edition is None
    assert not reservations.of("ZW", ELEPHANT, date(1991, 1, 1))


def test_the_list_of_unep_wcmc_loads(tmp_path):
    shelf, report = real(tmp_path, "reservations", "quotas", "sapi_reservations.csv")
    assert (report.taken, report.refused) == (386, 2)
    reservations = Reservations(shelf)
    assert reservations.edition is not None
    assert reservations.edition.as_of == date(2023, 2, 23)
    assert reservations.of("IS", ("Megaptera novaeangliae",), date(2020, 1, 1))
    assert reservations.of("NA", ("Acinonyx jubatus", "Acinonyx"), date(2020, 1, 1))
