"""What holds for every list that can be loaded, whatever is in it."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, NotFoundError, UnacceptableError
from epix_node.reference.loading.loaders import LOADERS, load
from epix_node.reference.ownership import Ownership
from epix_node.reference.shelf import Shelf
from tests.reference.lists import NOW, loaded

QUOTAS = "party,taxon,year,amount\nXB,Python regius,2025,5\n"


def test_the_command_knows_these_data_sets():
    assert list(LOADERS) == [
        "species",
        "quotas",
        "suspensions",
        "reservations",
        "operations",
        "term-units",
        "term-purposes",
        "taxon-terms",
        "ownership",
    ]


def test_an_unknown_data_set_is_told_with_the_known_ones(tmp_path):
    with pytest.raises(NotFoundError, match="known are species, quotas"):
        load("spices", tmp_path / "x.csv", tmp_path / "reference.sqlite", as_of=None, now=NOW)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(NotFoundError, match=r"x\.csv cannot be read"):
        load("quotas", tmp_path / "x.csv", tmp_path / "reference.sqlite", as_of=None, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeff" + QUOTAS, id="with a byte order mark"),
        pytest.param(QUOTAS.replace(",", ";"), id="with semicolons"),
        pytest.param(QUOTAS.replace("party", " PARTY "), id="with a header in capitals"),
        pytest.param(QUOTAS.replace("\n", "\r\n"), id="with line ends of Windows"),
        pytest.param(QUOTAS.replace("amount\n", "amount,,,\n"), id="with columns without a name"),
        pytest.param(QUOTAS + "\n,,,\n", id="with empty rows"),
    ],
)
def test_files_are_read_as_spreadsheets_write_them(tmp_path, text):
    _, report = loaded(tmp_path, "quotas", text, as_of=None)
    assert (report.taken, report.refused) == (1, 0)


def test_a_file_that_is_not_utf_8_is_refused_with_advice(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"party,taxon,year,amount\nC\xf4te d'Ivoire,Python,2025,5\n")
    with pytest.raises(MalformedDocumentError, match="save it as CSV UTF-8"):
        load("quotas", tmp_path / "x.csv", tmp_path / "reference.sqlite", as_of=None, now=NOW)


def test_a_file_of_another_kind_is_refused_by_its_header(tmp_path):
    """Its rows are not even read: they may be many."""
    with pytest.raises(MalformedDocumentError, match="is no file of quotas"):
        loaded(tmp_path, "quotas", "FullName,RankName\n" + '"' + "x" * 200_000 + '"\n')


def test_a_file_that_is_no_utf_8_from_some_row_on_leaves_nothing_behind(tmp_path):
    """It is read row by row, and loaded completely or not at all."""
    (tmp_path / "x.csv").write_bytes((QUOTAS + "XB,Python regius,2024,5\n" * 1_000).encode() + b"C\xf4te,,,\n")
    with pytest.raises(MalformedDocumentError, match="save it as CSV UTF-8"):
        load("quotas", tmp_path / "x.csv", tmp_path / "reference.sqlite", as_of=None, now=NOW)
    assert not (tmp_path / "reference.sqlite").exists()


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(MalformedDocumentError, match="is empty"):
        loaded(tmp_path, "quotas", "")


@pytest.mark.parametrize(
    ("file", "as_of", "expected"),
    [
        pytest.param("q.csv", None, date(2025, 1, 1), id="the newest date in the rows"),
        pytest.param("q_2026-03-01.csv", None, date(2026, 3, 1), id="the day in its name"),
        pytest.param("q_2026-03-01.csv", date(2026, 4, 1), date(2026, 4, 1), id="the day that the officer gives"),
    ],
)
def test_a_list_is_as_old_as_it_says(tmp_path, file, as_of, expected):
    _, report = loaded(tmp_path, "quotas", QUOTAS, file=file, as_of=as_of)
    assert report.edition.as_of == expected


def test_a_list_that_does_not_say_its_day_is_refused(tmp_path):
    with pytest.raises(UnacceptableError, match="does not say of which day it is"):
        loaded(tmp_path, "ownership", "party\nXB\n", as_of=None)


def test_a_list_of_a_day_to_come_is_refused(tmp_path):
    with pytest.raises(UnacceptableError, match="has not come yet"):
        loaded(tmp_path, "ownership", "party\nXB\n", as_of=date(2027, 1, 1))


def test_a_refused_file_leaves_what_was_loaded_before(tmp_path):
    loaded(tmp_path, "ownership", "party\nXB\n")
    with pytest.raises(MalformedDocumentError):
        loaded(tmp_path, "ownership", "country\nXC\n")
    ownership = Ownership(Shelf.open(tmp_path / "reference.sqlite"))
    assert ownership.refused_by("XB")
    assert not ownership.refused_by("XC")


def test_a_report_names_rows_and_reasons(tmp_path):
    _, report = loaded(tmp_path, "quotas", QUOTAS + "XB,Python,never,5\n", as_of=None)
    told = report.to_json(NOW.date())
    assert told["examples"] == [{"row": 3, "reason": "the year is no year"}]
    assert told["edition"]["source"] == "list.csv"
    assert told["edition"]["age_days"] == 690


@pytest.mark.parametrize(
    ("name", "first_column", "rows"),
    [("suspensions", "start_date", 2), ("quotas", "party", 2), ("operations", "number", 1)],
)
def test_the_examples_of_the_documentation_load(tmp_path, name, first_column, rows):
    page = (Path(__file__).parents[2] / "docs" / "reference-data.md").read_text(encoding="utf-8")
    (example,) = (block for block in page.split("```")[1::2] if block.lstrip().startswith(f"{first_column},"))
    _, report = loaded(tmp_path, name, example.lstrip())
    assert (report.taken, report.refused) == (rows, 0)


HEADERS = {
    "quotas": [
        "party,taxon,year,amount,unit,term,source,purpose,notes",
        "Full Name,year,party,quota,unit,notes,url",
        "FullName,year,party,quota,Quota_type,Source_orig,Term,Source,Purpose",
        "quota_type,start_date,end_date,taxon_name,iso_code2,quota,term,source,purpose",
        "sp_code,scientific_name,is_appendix,source,year,quota",
    ],
    "suspensions": [
        "start_date,end_date,taxon_name,iso_code2,term,source,purpose,kind",
        "Full Name,start_date,start_notification,end_date,party,notes",
        "start_date,end_date,taxon_name,taxon_concept_id,iso_code2,unit,term,Applies_to_import,internal notes",
    ],
    "reservations": ["start_date,end_date,taxon_name,iso_code2,notes"],
    "operations": ["number,taxon,country,since,until"],
    "term-units": ["term,unit"],
    "term-purposes": ["term,purpose"],
    "taxon-terms": ["taxon,term"],
    "ownership": ["party,notes"],
}
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "ALL", "NA", "XB", "W", " G", "T", "LIV", "Python spp.", "2025", "01/02/2020", "Present", "0", "1.5"]
    ),
    st.text(st.characters(exclude_characters='\r\n",\x00', codec="utf-8"), max_size=12),
)


@pytest.mark.parametrize(
    ("name", "header"), [(name, header) for name, headers in HEADERS.items() for header in headers]
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=16), max_size=4))
def test_whatever_a_row_holds_it_is_taken_or_refused(tmp_path, name, header, rows):
    text = "\n".join([header, *(",".join(row) for row in rows)]) + "\n"
    # With data of an earlier example there, a file of which nothing is understood would be refused.
    (tmp_path / "reference.sqlite").unlink(missing_ok=True)
    _, report = loaded(tmp_path, name, text)
    assert report.taken + report.refused == sum(any(cell.strip() for cell in row) for row in rows)
