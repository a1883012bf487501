"""The register of captive-breeding operations."""

from datetime import date

import pytest

from epix_node.reference.operations import Operations
from epix_node.reference.shelf import Shelf
from tests.reference.lists import loaded

LIST = """number,taxon,country,since,until
A-TH-501,Crocodylus siamensis,TH,1992-05-01,
A-TH-501,Crocodylus porosus,Thailand,01/05/1992,31/12/2019
a-xb-502,Falco,XB,,
"""


@pytest.mark.parametrize(
    ("number", "taxon", "on", "expected"),
    [
        pytest.param("A-TH-501", "Crocodylus siamensis", date(2026, 1, 1), True, id="registered"),
        pytest.param("a-th-501 ", "crocodylus  siamensis", date(2026, 1, 1), True, id="spelled otherwise"),
        pytest.param("A‑TH‑501", "Crocodylus siamensis", None, True, id="with dashes of a word processor"),
        pytest.param("A-TH-501", "Crocodylus siamensis", date(1992, 4, 30), False, id="not yet"),
        pytest.param("A-TH-501", "Crocodylus porosus", date(2020, 1, 1), False, id="no longer"),
        pytest.param("A-TH-501", "Crocodylus porosus", date(2019, 12, 31), True, id="on its last day"),
        pytest.param("A-TH-501", "Crocodylus niloticus", None, False, id="for another species"),
        pytest.param("A-TH-999", "Crocodylus siamensis", None, False, id="no such number"),
        pytest.param("A-XB-502", "Falco peregrinus", date(2026, 1, 1), True, id="for the whole genus"),
        pytest.param("A-XB-502", "Falconia", date(2026, 1, 1), False, id="a genus that only begins alike"),
    ],
)
def test_an_operation_is_registered_for_its_species_and_its_time(tmp_path, number, taxon, on, expected):
    shelf, _ = loaded(tmp_path, "operations", LIST)
    assert Operations(shelf).registered(number, taxon, on) is expected


def test_a_register_speaks_of_the_countries_that_it_names(tmp_path):
    operations = Operations(loaded(tmp_path, "operations", LIST)[0])
    assert operations.covers("XB")
    assert not operations.covers("XC")


def test_without_a_register_nothing_is_said():
    operations = Operations(Shelf.open(None))
    assert operations.edition is None
    assert operations.registered("A-TH-501", "Crocodylus siamensis") is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("TH501,Crocodylus siamensis,TH,,", "the number is not of the form A-xx-5nn"),
        ("A-TH-501,,TH,,", "the taxon is missing"),
        ("A-TH-501,Crocodylus siamensis,VN,,", "the country is unknown, or not the one in the number"),
        ("A-TH-501,Crocodylus siamensis,TH,soon,", "the first day is no date (dd/mm/yyyy or yyyy-mm-dd)"),
    ],
)
def test_a_row_that_is_not_understood_is_counted(tmp_path, row, reason):
    _, report = loaded(tmp_path, "operations", "number,taxon,country,since,until\n" + row + "\n")
    assert (report.taken, dict(report.reasons)) == (0, {reason: 1})
