"""Export quotas: which one is meant, and when that cannot be said."""

from datetime import date

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.reference.quotas import Quotas
from epix_node.reference.shelf import Shelf
from tests.reference.lists import PARROT, PYTHON, SEBAE, loaded, real

HEADER = "party,taxon,year,amount,unit,term,source,purpose,notes\n"
LIST = HEADER + (
    "XB,Python regius,2026,100,,LIV,W,,\n"
    "XB,Python regius,2026,5000,,LIV,R,,\n"
    "XB,Python regius,2026,40,,,W,,\n"
    "XB,Python spp.,2026,900,,,W,,\n"
    "XB,Psittacus erithacus,2026,0,,,,,none at all\n"
    "NA,Python regius,2026,12.50,kg,MEA,W,,\n"
    "Viet Nam,Python regius,2026,7,,LIV,W,T,\n"
)


@pytest.fixture
def quotas(tmp_path):
    return Quotas(loaded(tmp_path, "quotas", LIST)[0])


@pytest.mark.parametrize(
    ("lineage", "country", "year", "source", "term", "purpose", "expected"),
    [
        pytest.param(PYTHON, "XB", 2026, "W", "LIV", "T", ("100", "NAR", False), id="taxon, source and term"),
        pytest.param(PYTHON, "XB", 2026, "R", "LIV", "T", ("5000", "NAR", False), id="another source"),
        pytest.param(PYTHON, "XB", 2026, "W", "SKI", "T", ("40", "NAR", False), id="for all other terms"),
        pytest.param(SEBAE, "XB", 2026, "W", "SKI", "T", ("900", "NAR", False), id="of the genus"),
        pytest.param(PYTHON, "XB", 2026, "C", "LIV", "T", None, id="bred animals have none"),
        pytest.param(PYTHON, "XB", 2025, "W", "LIV", "T", None, id="another year"),
        pytest.param(PYTHON, "XA", 2026, "W", "LIV", "T", None, id="another country"),
        pytest.param(PARROT, "XB", 2026, "C", "LIV", "P", ("0", "NAR", False), id="zero is a quota"),
        pytest.param(PYTHON, "NA", 2026, "W", "MEA", "T", ("12.5", "KGM", False), id="Namibia, by weight"),
        pytest.param(PYTHON, "VN", 2026, "W", "LIV", "T", ("7", "NAR", False), id="a name for a country"),
        pytest.param(PYTHON, "VN", 2026, "W", "LIV", "P", None, id="for another purpose"),
        pytest.param(PYTHON, "VN", 2026, "W", "LIV", None, ("7", "NAR", True), id="the purpose is not known"),
        pytest.param(PYTHON, "XB", 2026, None, "LIV", "T", ("100", "NAR", True), id="the source is not known"),
    ],
)
def test_the_closest_quota_is_meant(quotas, lineage, country, year, source, term, purpose, expected):
    found = quotas.find(lineage, country, year, source, term, purpose=purpose)
    assert (found and (found.amount, found.unit, found.unclear)) == expected


def test_two_amounts_for_the_same_are_unclear(tmp_path):
    shelf, _ = loaded(
        tmp_path, "quotas", HEADER + "XB,Python regius,2026,5,,LIV,W,,\nXB,Python regius,2026,6,,LIV,W,,\n"
    )
    found = Quotas(shelf).find(PYTHON, "XB", 2026, "W", "LIV")
    assert found is not None
    assert found.unclear


def test_the_list_speaks_of_some_countries_and_years(quotas):
    assert quotas.covers("XB", 2026)
    assert not quotas.covers("XB", 2025)
    assert not quotas.covers("XA", 2026)


def test_without_a_list_there_is_no_quota():
    quotas = Quotas(Shelf.open(None))
    assert quotas.edition is None
    assert quotas.find(PYTHON, "XB", 2026, "W", "LIV") is None
    assert not quotas.covers("XB", 2026)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("XB,Python regius,26,5,,,,,", "the year is no year"),
        ("XB,Python regius,2026,-1,,,,,", "the amount has not been published yet (-1)"),
        ('XB,Python regius,2026,"1,000",,,,,', "the amount is no plain decimal"),
        ("XB,Python regius,2026,1e3,,,,,", "the amount is no plain decimal"),
        ("XB,Python regius,2026,5,furlong,,,,", "the unit is not in the code list"),
        ("XB,,2026,5,,,,,", "the taxon is missing"),
        ("Atlantis,Python regius,2026,5,,,,,", "the Party is not in the list of countries"),
        ("XB,Python regius,2026,5,,LIVE,,,", "a term is not in the code list"),
    ],
)
def test_a_row_that_is_not_understood_is_counted(tmp_path, row, reason):
    _, report = loaded(tmp_path, "quotas", HEADER + row + "\n")
    assert (report.taken, dict(report.reasons)) == (0, {reason: 1})


MANDATORY = (
    "quota_type,start_date,end_date,taxon_name,taxon_concept_id,rank,iso_code2,quota,unit,term,source,purpose,"
    "Applies_to_import,notes,internal notes\n"
    'CoP_approved,09/06/1997,Present,Python regius,1,SPECIES,XB,12,All,TRO,All,H; P,,"hunting\ntrophies",\n'
    "Listing_annotations,12/06/2013,Present,Python sebae,1,SPECIES,All,0,All,All,W,T,,Zero quota,\n"
    "Listing_annotations,12/06/2013,Present,Psittacus erithacus,1,SPECIES,XB,0,All,All,W,T,,"
    '"X [population of the Isles, subject to a zero quota]",\n'
    "CoP_approved, 01/07/1975,31/12/2018,Acinonyx jubatus,1,SPECIES,NA,150,All,LIV; TRO,All,All,,live,\n"
    "CoP_approved,01/07/1975,,Acinonyx jubatus,1,SPECIES,BW,5,All,All,All,All,yes,for imports,\n"
)


def test_a_mandatory_quota_of_zero_comes_before_what_a_country_publishes(tmp_path):
    loaded(tmp_path, "quotas", HEADER + "XB,Python sebae,2026,300,,LIV,W,,\n")
    shelf, report = loaded(tmp_path, "quotas", MANDATORY, file="mandatory.csv")
    assert (report.taken, report.refused) == (4, 1)
    quotas = Quotas(shelf)
    found = quotas.find(SEBAE, "XB", 2026, "W", "LIV", purpose="T")
    assert found is not None
    assert (found.amount, found.mandatory, found.unclear, found.is_zero) == ("0", True, False, True)
    assert found.edition.data == "mandatory-quotas"
    personal = quotas.find(SEBAE, "XB", 2026, "W", "LIV", purpose="P")
    assert personal is not None
    assert personal.amount == "300"


def test_a_mandatory_quota_for_a_part_of_a_country_is_unclear(tmp_path):
    quotas = Quotas(loaded(tmp_path, "quotas", MANDATORY)[0])
    found = quotas.find(PARROT, "XB", 2026, "W", "LIV", purpose="T")
    assert found is not None
    assert found.unclear


@pytest.mark.parametrize(
    ("year", "on", "expected"),
    [
        pytest.param(2010, None, False, id="a whole year"),
        pytest.param(1975, None, True, id="the year in which it began"),
        pytest.param(1975, date(1975, 8, 1), False, id="a day after it began"),
        pytest.param(1975, date(1975, 6, 30), None, id="a day before it began"),
        pytest.param(2019, None, None, id="a year after it ended"),
    ],
)
def test_a_quota_that_began_in_the_year_needs_the_day(tmp_path, year, on, expected):
    quotas = Quotas(loaded(tmp_path, "quotas", MANDATORY)[0])
    found = quotas.find(("Acinonyx jubatus",), "NA", year, "W", "LIV", on=on)
    assert (found and found.unclear) == expected


INDONESIA = (
    "species_id,sp_code,hs_code,scientific_name,general_name,is_appendix,appendix,source,year,quota\n"
    "1,A,4,Malayopython reticulatus (skin)*,-,1,II,W,2018,162000\n"
    "2,A,4,Fungia spp. (LINNAEUS),-,1,II,W,2018,294.50\n"
    "3,A,4,Crocodylus porosus* (skin) (re-eksport),-,1,II,W,2018,180\n"
    "4,A,4,Graphium codrus*,-,0,,W,2018,135\n"
    "5,A,4,Vanda tricolor x Self,-,1,II,A,2018,50\n"
    "6,A,4,Trachyphyllia geoffroyi (remaining quota 2012),-,1,II,W,2018,50\n"
)


def test_a_national_list_is_for_its_own_country(tmp_path):
    shelf, report = loaded(tmp_path, "quotas", INDONESIA)
    quotas = Quotas(shelf)
    assert (report.taken, report.refused, report.edition.data) == (2, 4, "national-quotas")
    reticulated = ("Malayopython reticulatus", "Malayopython")
    found = quotas.find(reticulated, "ID", 2018, "W", "SKI")
    assert found is not None
    assert (found.amount, found.unclear) == ("162000", False)
    assert quotas.find(reticulated, "MY", 2018, "W", "SKI") is None
    coral = quotas.find(("Fungia fungites", "Fungia"), "ID", 2018, "W", "LIV")
    assert coral is not None
    assert (coral.amount, coral.unclear) == ("294.5", True)


SPECIES_PLUS = (
    "Kingdom,Phylum,Class,Order,Family,Genus,Species,Subspecies,Full Name,Rank,Remarks,year,party,quota,unit,"
    "publication_date,notes,url\n"
    ",,,,,,,,Python regius,SPECIES,,2026,Togo,62500,,01/02/2026,ranched,http://q\n"
    ',,,,,,,,Python regius,SPECIES,,2026,Togo,1500,,01/02/2026,"live, wild-taken",\n'
    ",,,,,,,,Python sebae,SPECIES,,2026,Togo,30,,01/02/2026,,\n"
    ',,,,,,,,Python regius,SPECIES,,2026,Malaysia,10,,01/02/2026,"live, Sabah",\n'
    ",,,,,,,,Python sebae,SPECIES,,2026,Mali,-1,,01/02/2026,,\n"
)


@pytest.mark.parametrize(
    ("lineage", "country", "source", "expected"),
    [
        (PYTHON, "TG", "R", ("62500", False)),
        (PYTHON, "TG", "W", ("1500", False)),
        (SEBAE, "TG", "W", ("30", False)),
        (SEBAE, "TG", "C", None),
        (PYTHON, "MY", "W", ("10", True)),
    ],
)
def test_the_export_of_species_plus_is_read(tmp_path, lineage, country, source, expected):
    shelf, report = loaded(tmp_path, "quotas", SPECIES_PLUS)
    assert (report.taken, report.refused) == (4, 1)
    found = Quotas(shelf).find(lineage, country, 2026, source, "LIV")
    assert (found and (found.amount, found.unclear)) == expected


def test_a_file_of_something_else_is_refused(tmp_path):
    with pytest.raises(MalformedDocumentError, match="no file of quotas"):
        loaded(tmp_path, "quotas", "a,b\n1,2\n")


def test_the_published_quotas_for_reptiles_load(tmp_path):
    shelf, report = real(tmp_path, "quotas", "quotas", "reptile_export_quotas_1997-2023.csv")
    assert (report.taken, report.refused) == (7761, 0)
    quotas = Quotas(shelf)
    assert quotas.edition is not None
    assert quotas.edition.as_of == date(2023, 1, 1)
    caiman = ("Caiman crocodilus", "Caiman", "Alligatoridae")
    live = quotas.find(caiman, "GY", 2022, "W", "LIV", purpose="T", on=date(2022, 3, 1))
    assert live is not None
    assert (live.amount, live.unclear) == ("9500", False)
    assert quotas.find(caiman, "GY", 2022, "C", "LIV", purpose="T") is None
    unclear = quotas.find(PYTHON, "TG", 2003, "R", "LIV", purpose="T")
    assert unclear is not None
    assert (unclear.amount, unclear.unclear) == ("52500", True)


def test_the_mandatory_quotas_load(tmp_path):
    shelf, report = real(tmp_path, "quotas", "quotas", "sapi_mandatory_quotas.csv")
    assert (report.taken, report.refused) == (72, 0)
    assert sum(report.reasons.values()) == 8
    quotas = Quotas(shelf)
    leopard = ("Panthera pardus", "Panthera", "Felidae")
    found = quotas.find(leopard, "NA", 2022, "W", "TRO", purpose="H")
    assert found is not None
    assert (found.amount, found.country, found.unclear) == ("250", "NA", False)
    assert quotas.find(leopard, "ET", 2023, "W", "TRO", purpose="H", on=date(2023, 6, 1)).amount == "20"
    black_sea = quotas.find(("Tursiops truncatus",), "UA", 2022, "W", "LIV", purpose="T")
    assert black_sea.unclear
    assert quotas.find(("Crocodylus acutus",), "MX", 2022, "W", "SKI", purpose="T").is_zero


def test_the_indonesian_quotas_load(tmp_path):
    _, report = real(tmp_path, "quotas", "quotas", "indonesia_species_quotas_2018.csv")
    assert (report.taken, report.refused) == (316, 405)
    assert report.edition.as_of == date(2018, 1, 1)
