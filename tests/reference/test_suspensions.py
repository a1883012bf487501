"""Suspensions of trade: what they speak of, what they do not, and what cannot be told."""

from datetime import date

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.reference.shelf import Shelf
from epix_node.reference.suspensions import Suspensions
from tests.reference.lists import ELEPHANT, PARROT, PYTHON, ROSEWOOD, loaded, real

HEADER = "start_date,end_date,taxon_name,rank,iso_code2,term,source,purpose,applies_to_import,kind,notification,notes\n"
LIST = HEADER + (
    "01/05/2020,,ALL,,XB,,,T,,cites,Notif. 2020/001,All commercial trade\n"
    "2020-05-01,2022-05-01,Psittacus erithacus,SPECIES,XC,,W,,,cites,Notif. 2020/002,\n"
    "01/05/2020,,Dalbergia,GENUS,,LOG;SAW,,,yes,cites,Notif. 2020/003,\n"
    "01/05/2020,,Python,GENUS,XB,,,,,national,,our own ban\n"
    "01/05/2020,01/05/2021,,,XD,,,,,annual-report,Notif. 2020/004,\n"
)
ON = date(2021, 1, 1)


@pytest.fixture
def suspensions(tmp_path):
    return Suspensions(loaded(tmp_path, "suspensions", LIST)[0])


@pytest.mark.parametrize(
    ("on", "country", "lineage", "source", "purpose", "term", "is_import", "expected"),
    [
        pytest.param(ON, "XB", PARROT, "W", "T", "LIV", False, "Notif. 2020/001", id="a country for one purpose"),
        pytest.param(ON, "XB", PARROT, "W", "Z", "LIV", False, None, id="another purpose"),
        pytest.param(ON, "XB", PARROT, "W", None, "LIV", False, None, id="no purpose known"),
        pytest.param(ON, "XA", PARROT, "W", "T", "LIV", False, None, id="another country"),
        pytest.param(ON, "XB", PARROT, "W", "T", "LIV", True, None, id="not for imports"),
        pytest.param(date(2020, 4, 30), "XB", PARROT, "W", "T", "LIV", False, None, id="before it began"),
        pytest.param(date(2020, 5, 1), "XB", PARROT, "W", "T", "LIV", False, "Notif. 2020/001", id="the first day"),
        pytest.param(ON, "XC", PARROT, "W", "P", "LIV", False, "Notif. 2020/002", id="a species and a source"),
        pytest.param(ON, "XC", PARROT, "C", "P", "LIV", False, None, id="another source"),
        pytest.param(ON, "XC", PYTHON, "W", "P", "LIV", False, None, id="another species"),
        pytest.param(date(2022, 4, 30), "XC", PARROT, "W", "P", "LIV", False, "Notif. 2020/002", id="the day before"),
        pytest.param(date(2022, 5, 1), "XC", PARROT, "W", "P", "LIV", False, None, id="the day of its withdrawal"),
        pytest.param(ON, "XE", ROSEWOOD, "W", "T", "LOG", False, "Notif. 2020/003", id="a genus, in all countries"),
        pytest.param(ON, "XE", ROSEWOOD, "W", "T", "LOG", True, "Notif. 2020/003", id="for imports too"),
        pytest.param(ON, "XE", ROSEWOOD, "W", "T", "SEE", False, None, id="another term"),
        pytest.param(ON, "XB", PYTHON, "W", "T", "LIV", False, "Notif. 2020/001", id="of CITES before a national one"),
        pytest.param(ON, "XB", PYTHON, "W", "Z", "LIV", False, None, id="a national ban, without a notification"),
        pytest.param(ON, "XD", ELEPHANT, "W", "T", "TUS", False, None, id="annual-report measures are apart"),
    ],
)
def test_a_suspension_speaks_of_its_scope(
    suspensions, on, country, lineage, source, purpose, term, is_import, expected
):
    found = suspensions.matching(on, country, lineage, source, purpose, term, is_import=is_import)
    assert (found and found.notification) == expected


def test_a_national_ban_is_told_from_a_recommendation_of_cites(suspensions):
    found = suspensions.matching(ON, "XB", PYTHON, "W", "Z", "LIV")
    assert found is not None
    assert found.kind == "national"
    assert not found.is_cites


def test_what_the_document_leaves_open_is_possible_and_not_sure(suspensions):
    assert suspensions.matching(ON, "XB", PARROT, "W", None, "LIV") is None
    assert suspensions.possible(ON, "XB", PARROT, "W", None, "LIV") is not None
    assert suspensions.possible(ON, "XB", PARROT, "W", "Z", "LIV") is None


def test_a_list_speaks_of_the_countries_that_it_names(suspensions):
    assert suspensions.covers("XB")
    assert not suspensions.covers("XZ")
    assert not Suspensions(Shelf.open(None)).covers("XB")


@pytest.mark.parametrize(
    ("on", "country", "expected"),
    [
        (ON, "XD", True),
        (ON, "XB", False),
        (date(2021, 5, 1), "XD", False),
        (date(2020, 4, 30), "XD", False),
    ],
)
def test_annual_report_measures_are_for_a_party_and_a_time(suspensions, on, country, expected):
    assert suspensions.annual_report(on, country) is expected


def test_a_list_without_annual_report_measures_says_nothing_of_them(tmp_path):
    shelf, _ = loaded(tmp_path, "suspensions", HEADER + "01/05/2020,,ALL,,XB,,,T,,cites,,\n")
    assert Suspensions(shelf).annual_report(ON, "XB") is None


def test_without_a_list_nothing_is_said():
    suspensions = Suspensions(Shelf.open(None))
    assert suspensions.edition is None
    assert suspensions.matching(ON, "XB", PARROT, "W", "T", "LIV") is None
    assert suspensions.annual_report(ON, "XB") is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("soon,,ALL,,XB,,,,,cites,,", "the start date is no date (dd/mm/yyyy or yyyy-mm-dd)"),
        ("01/05/2020,01/04/2020,ALL,,XB,,,,,cites,,", "it ends before it starts"),
        ("01/05/2020,,ALL,,Atlantis,,,,,cites,,", "the country is not in the list of countries"),
        ("01/05/2020,,ALL,,ALL,,,,,cites,,", "it names neither a country nor a taxon"),
        ("01/05/2020,,ALL,,XB,ZZZ,,,,cites,,", "a term is not in the code list"),
        ("01/05/2020,,ALL,,XB,,Q,,,cites,,", "a source is not in the code list"),
        ("01/05/2020,,ALL,,XB,,,K,,cites,,", "a purpose is not in the code list"),
        ("01/05/2020,,ALL,,XB,,,,maybe,cites,,", "applies_to_import is neither yes nor no"),
        ("01/05/2020,,ALL,,XB,,,,,rumour,,", "the kind is none of cites, national, information, annual-report"),
    ],
)
def test_a_row_that_is_not_understood_is_counted(tmp_path, row, reason):
    _, report = loaded(tmp_path, "suspensions", HEADER + row + "\n")
    assert (report.taken, dict(report.reasons)) == (0, {reason: 1})


SPECIES_PLUS = (
    "Kingdom,Phylum,Class,Order,Family,Genus,Species,Subspecies,Full Name,Rank,Remarks,"
    "start_date,start_notification,end_date,end_notification,party,notes,valid\n"
    ",,,,,,,,,,,30/07/2004,CITES Notif. No. 2004/055,04/07/2019,CITES Notif. No. 2019/035,Mauritania,"
    "All commercial trade in specimens of CITES-listed species.,false\n"
    "Animalia,Chordata,Reptilia,Sauria,Chamaeleonidae,Calumma,,,Calumma,GENUS,,20/01/1995,CITES Notif. No. 833,,,"
    '"Madagascar","All exports, except <i>C. boettgeri</i>",true\n'
    "Animalia,Chordata,Reptilia,Serpentes,Pythonidae,Python,sebae,,Python sebae,SPECIES,,01/02/2001,"
    "CITES Notif. No. 2001/006,,,Viet Nam,All exports.,true\n"
)


def test_the_export_of_species_plus_is_read(tmp_path):
    shelf, report = loaded(tmp_path, "suspensions", SPECIES_PLUS)
    suspensions = Suspensions(shelf)
    assert (report.taken, report.refused) == (3, 0)
    found = suspensions.matching(date(2010, 1, 1), "MR", PARROT, "W", "T", "LIV")
    assert found is not None
    assert found.notification == "CITES Notif. No. 2004/055"
    assert suspensions.matching(date(2010, 1, 1), "MR", PARROT, "W", "Z", "LIV") is None
    python = ("Python sebae", "Python")
    assert suspensions.matching(date(2010, 1, 1), "VN", python, "W", "Z", "LIV") is not None


def test_a_note_that_was_not_understood_leaves_it_open(tmp_path):
    shelf, report = loaded(tmp_path, "suspensions", SPECIES_PLUS)
    suspensions = Suspensions(shelf)
    calumma = ("Calumma parsonii", "Calumma", "Chamaeleonidae")
    assert suspensions.matching(date(2010, 1, 1), "MG", calumma, "W", "T", "LIV") is None
    assert suspensions.possible(date(2010, 1, 1), "MG", calumma, "W", "T", "LIV") is not None
    assert dict(report.reasons) == {"taken, but the notes restrict it in words that were not understood": 1}


EXCEPTIONS = (
    "start_date,end_date,taxon_name,taxon_concept_id,rank,iso_code2,unit,term,source,purpose,Applies_to_import,notes,"
    "internal notes,,,,\n"
    '19/09/2005,,ALL,ALL,ALL,XB,ALL,ALL,ALL,Z, G, Q, S,,"For commercial purposes.",Country-level,,\n'
    "01/01/2006 00:00,,Psittacus erithacus,1,SPECIES,XC,ALL,ALL,ALL,ALL,,Falls under another,checked,,,,\n"
    "01/01/2006,,Dalbergia nigra,1,SPECIES,XE,ALL,CAR, WPR,ALL,ALL,,Finished products,,,,\n"
    '01/01/2006,,ALL,ALL,ALL,XF,ALL,ALL,A, C, D, F, I, S, H, P,,"Two lists in one",,\n'
    "01/01/2006,,ALL,ALL,ALL,XF,ALL,ALL,W,only the wild,,,,,,,\n"
)
GENERAL = HEADER + (
    "19/09/2005,,ALL,,XB,,,,,cites,N1,\n"
    "19/09/2005,,Psittacus erithacus,SPECIES,XB,,,,,cites,N2,\n"
    "01/01/2006,,Psittacus,GENUS,XC,,,,,cites,N3,\n"
    "01/01/2006,,Dalbergia,GENUS,XE,,,,,cites,N4,\n"
)


@pytest.mark.parametrize(
    ("country", "lineage", "purpose", "term", "expected"),
    [
        pytest.param("XB", PYTHON, "Z", "LIV", None, id="a zoo is excepted"),
        pytest.param("XB", PYTHON, "S", "LIV", None, id="the last purpose of a list that is not quoted"),
        pytest.param("XB", PYTHON, "T", "LIV", "N1", id="trade is not"),
        pytest.param("XB", PARROT, "Z", "LIV", "N2", id="nothing is taken out of a narrower suspension"),
        pytest.param("XC", PARROT, "T", "LIV", None, id="a species out of its genus"),
        pytest.param("XC", ("Psittacus timneh", "Psittacus"), "T", "LIV", "N3", id="its neighbour is not"),
        pytest.param("XE", ROSEWOOD, "T", "WPR", None, id="finished products"),
        pytest.param("XE", ROSEWOOD, "T", "LOG", "N4", id="logs are not"),
    ],
)
def test_an_exception_takes_out_of_what_is_as_wide(tmp_path, country, lineage, purpose, term, expected):
    loaded(tmp_path, "suspensions", GENERAL)
    shelf, report = loaded(tmp_path, "suspensions", EXCEPTIONS, file="exemptions.csv")
    assert report.edition.data == "suspension-exceptions"
    found = Suspensions(shelf).matching(ON, country, lineage, "W", purpose, term)
    assert (found and found.notification) == expected


def test_lists_that_run_into_each_other_are_refused(tmp_path):
    _, report = loaded(tmp_path, "suspensions", EXCEPTIONS)
    assert (report.taken, report.refused) == (3, 2)
    assert set(report.reasons) == {"a source is not in the code list", "a purpose is not in the code list"}


def test_what_is_perhaps_excepted_is_perhaps_suspended(tmp_path):
    loaded(tmp_path, "suspensions", GENERAL)
    suspensions = Suspensions(loaded(tmp_path, "suspensions", EXCEPTIONS, file="exemptions.csv")[0])
    assert suspensions.matching(ON, "XB", PYTHON, "W", None, "LIV") is None
    assert suspensions.possible(ON, "XB", PYTHON, "W", None, "LIV") is not None


def test_a_file_of_something_else_is_refused_with_the_columns_that_are_expected(tmp_path):
    with pytest.raises(MalformedDocumentError, match="expected the columns start_date, end_date, taxon_name"):
        loaded(tmp_path, "suspensions", "a,b\n1,2\n")


def test_the_exceptions_of_unep_wcmc_load(tmp_path):
    _, report = real(tmp_path, "suspensions", "quotas", "sapi_suspension_exemptions.csv")
    assert report.edition.data == "suspension-exceptions"
    assert (report.taken, report.refused) == (272, 3)
    assert report.edition.as_of == date(2023, 3, 27)
