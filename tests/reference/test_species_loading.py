"""Loading lists of species and histories of listings: what is taken, what is refused, and of which day it is."""

import csv
import gzip
import json
from datetime import date

import pytest

from epix_node.errors import MalformedDocumentError, NotFoundError, UnacceptableError
from epix_node.reference.loading.species import load_species
from epix_node.reference.loading.stream import MAX_LINE_CHARACTERS, day_in
from epix_node.reference.shelf import Shelf
from epix_node.reference.species import SpeciesBook
from tests.reference.lists import NOW, SHARED, loaded, real

CHECKLIST = "TaxonId,Kingdom,Class,Order,Family,Genus,FullName,RankName,CurrentListing,AllDistributionISO\n"
ROW = "1,Animalia,Reptilia,Serpentes,Pythonidae,Python,Python regius,SPECIES,II,GH TG\n"


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("Index_of_CITES_Species_2017-04-21 17-27.csv.gz", date(2017, 4, 21)),
        ("CITES_listings_Reptilia_2023-07.csv", date(2023, 7, 1)),
        ("list_2023.07.15.csv", date(2023, 7, 15)),
        ("species_slim_2017.csv", None),
        ("list-2023-13.csv", None),
        ("12023-07-011.csv", None),
    ],
)
def test_a_files_name_tells_its_day(name, day):
    assert day_in(name) == day


def test_a_list_without_a_day_is_refused(tmp_path):
    with pytest.raises(UnacceptableError, match="of which day"):
        loaded(tmp_path, "species", CHECKLIST + ROW, as_of=None)


def test_a_list_of_a_day_to_come_is_refused(tmp_path):
    with pytest.raises(UnacceptableError, match="not come yet"):
        loaded(tmp_path, "species", CHECKLIST + ROW, as_of=date(2031, 1, 1))


def test_the_day_that_is_given_counts_before_that_of_the_name(tmp_path):
    _, report = loaded(tmp_path, "species", CHECKLIST + ROW, file="list_2017-04-21.csv", as_of=date(2018, 1, 1))
    assert report.edition.as_of == date(2018, 1, 1)


@pytest.mark.parametrize(
    "wrap",
    [lambda text: text, lambda text: "\ufeff" + text, lambda text: text.replace(",", ";")],
    ids=["plain", "with a mark", "semicolons"],
)
def test_a_byte_order_mark_and_semicolons_make_no_difference(tmp_path, wrap):
    shelf, report = loaded(tmp_path, "species", wrap(CHECKLIST + ROW))
    assert report.taken == 1
    assert SpeciesBook(shelf).find("Python regius").taxon.range_states == {"GH", "TG"}


def test_a_packed_file_is_unpacked(tmp_path):
    path = tmp_path / "list_2017-04-21.csv.gz"
    path.write_bytes(gzip.compress((CHECKLIST + ROW).encode()))
    assert load_species(tmp_path / "reference.sqlite", path, now=NOW).taken == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"a,b,c\n1,2,3\n", "no list of species"),
        (b"", "no list of species"),
        ((CHECKLIST + ROW).encode() + b"\xff\xff\n", "cannot be read"),
        (gzip.compress((CHECKLIST + ROW * 100).encode())[:-20], "cannot be read"),
        (b"\x1f\x8bnonsense", "cannot be read"),
        (b'{"cites_listings": [', "no JSON"),
        (b"{}", "no cites_listings"),
    ],
)
def test_a_file_that_is_none_of_the_kinds_is_refused(tmp_path, content, error):
    path = tmp_path / "list_2017-04-21.csv"
    path.write_bytes(content)
    with pytest.raises(MalformedDocumentError, match=error):
        load_species(tmp_path / "reference.sqlite", path, now=NOW)
    assert not (tmp_path / "reference.sqlite").exists()


@pytest.mark.parametrize(
    "rows",
    ["", "1,Python regius,II,SPECIES,Animalia\n", "1,Animalia,,,,,Python regius,II,SPECIES,\n" * 3],
    ids=["nothing", "too short", "columns swapped"],
)
def test_a_list_without_a_row_that_is_understood_replaces_nothing(tmp_path, rows):
    """Another file by mistake, or its columns have moved: the old list is better than none."""
    loaded(tmp_path, "species", CHECKLIST + ROW)
    with pytest.raises(MalformedDocumentError, match="nothing was loaded"):
        loaded(tmp_path, "species", CHECKLIST + rows)
    assert SpeciesBook(Shelf.open(tmp_path / "reference.sqlite")).find("Python regius") is not None


def test_a_number_that_stands_twice_mixes_no_taxa(tmp_path):
    """Names lead to taxa by numbers: the second one would be taken for the first."""
    other = "1,Animalia,Mammalia,Carnivora,Felidae,Panthera,Panthera nova,SPECIES,I,IN\n"
    shelf, report = loaded(tmp_path, "species", CHECKLIST + ROW + other)
    book = SpeciesBook(shelf)
    match = book.find("Panthera nova")
    assert (match.accepted_name, match.taxon.range_states) == ("Panthera nova", {"IN"})
    assert book.listing_on(match.taxon, date(2026, 2, 1), None).appendices == {"I"}
    assert dict(report.reasons) == {"a number that an earlier row has": 1}


@pytest.mark.parametrize("listing", ["IV", ""])
def test_a_listing_that_is_not_understood_is_not_known(tmp_path, listing):
    """It is not "not listed", by which a permit could be refused; nor is the genus, of which nothing else is said."""
    row = f"1,Animalia,Reptilia,Sauria,Agamidae,Nova,Nova terra,SPECIES,{listing},LK\n"
    book = SpeciesBook(loaded(tmp_path, "species", CHECKLIST + row)[0])
    assert book.listing_on(book.find("Nova terra").taxon, date(2026, 2, 1), None) is None
    assert book.listing_on(book.find("Nova spp.").taxon, date(2026, 2, 1), None) is None


@pytest.mark.parametrize("before", [b"", CHECKLIST.encode()], ids=["as the header", "as a row"])
def test_an_archive_that_unpacks_into_one_endless_line_is_refused(tmp_path, before):
    path = tmp_path / "bomb_2020-01-01.csv.gz"
    path.write_bytes(gzip.compress(before + b"a" * (MAX_LINE_CHARACTERS * 2), compresslevel=1))
    with pytest.raises(MalformedDocumentError, match="more than 16777216 characters"):
        load_species(tmp_path / "reference.sqlite", path, now=NOW)


def test_a_file_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        load_species(tmp_path / "reference.sqlite", tmp_path / "none_2017-04-21.csv", now=NOW)


def test_every_row_that_is_not_understood_is_counted(tmp_path):
    text = CHECKLIST + (
        ROW
        + "2,Animalia,,,,,,SPECIES,II,\n"
        + "3,Fungi,,,,Boletus,Boletus edulis,SPECIES,II,\n"
        + "4,Animalia,,,,Python,Python alius,TRIBE,II,\n"
        + "5,Animalia\n"
        + "6,Animalia,,,,Python,Python regius,SPECIES,I,\n"
        + "7,Animalia,,,,Python,Python novus,SPECIES,II/IV,\n"
        + "8,Animalia,,,,Python,Python locus,SPECIES,II,GH Q9\n"
    )
    shelf, report = loaded(tmp_path, "species", text)
    assert (report.taken, report.refused, report.edition.rows) == (3, 5, 3)
    assert dict(report.reasons) == {
        "no name": 1,
        "a kingdom that is not known": 1,
        "a rank that is not known": 1,
        "fewer cells than the header": 1,
        "a name that an earlier row has": 1,
        "listing not understood": 1,
        "distribution names a country code that is not known": 1,
    }
    assert [example.row for example in report.examples] == [3, 4, 5, 6, 7, 8, 9]
    book = SpeciesBook(shelf)
    assert book.listing_on(book.find("Python regius").taxon, date(2026, 2, 1), None).appendices == {"II"}


def test_a_range_holds_the_party_of_a_territory_and_the_heirs_of_a_country(tmp_path):
    text = CHECKLIST + "1,Animalia,,,,Alius,Alius avis,SPECIES,II,PR AN S1 NA\n"
    ranges = SpeciesBook(loaded(tmp_path, "species", text)[0]).find("Alius avis").taxon.range_states
    assert {"PR", "US", "AN", "CW", "SX", "BQ", "NL", "SD", "SS", "NA"} <= ranges


def test_the_export_of_species_plus_names_the_party_of_appendix_iii(tmp_path):
    text = (
        "Id,Kingdom,Phylum,Class,Order,Family,Genus,Scientific Name,Rank,Listing,Party,Listed under,Full note,"
        "# Full note,All_DistributionISOCodes\n"
        "1,Animalia,Chordata,Reptilia,Sauria,Agamidae,Calotes,Calotes liolepis,SPECIES,III,LK,Calotes liolepis,,"
        '"**III** #18 Excluding parts and derivatives, other than eggs",LK\n'
        "2,Animalia,Chordata,Reptilia,Crocodylia,Alligatoridae,Caiman,Caiman latirostris\u00a0,SPECIES,I/II,,,"
        '"**I** Except the population of Argentina, which is included in Appendix II.\n**II** Population of Argentina",'
        ',"AR, BR"\n'
    )
    book = SpeciesBook(loaded(tmp_path, "species", text)[0])
    day = date(2026, 2, 1)
    lizard = book.listing_on(book.find("Calotes liolepis").taxon, day, "LK")
    assert (lizard.appendices, lizard.parties, lizard.annotation) == ({"III"}, {"LK"}, "#18")
    caiman = book.find("Caiman latirostris").taxon
    assert caiman.range_states == {"AR", "BR"}
    assert book.listing_on(caiman, day, "AR").appendices == {"II"}
    assert book.listing_on(caiman, day, "BR").appendices == {"I"}
    family = book.find("Alligatoridae").taxon
    assert book.listing_on(family, day, None).appendices == {"I", "II"}


def test_rows_of_a_history_that_are_not_understood_are_counted(tmp_path):
    text = (
        "FullName,Kingdom,RankName,Appendix,ChangeType,EffectiveAt\n"
        "Python alius,Animalia,SPECIES,II,ADDITION,1977-02-04\n"
        "Python alius,Animalia,SPECIES,II,ADDITION,4 February 1977\n"
        "Python alius,Animalia,SPECIES,IV,ADDITION,1977-02-04\n"
        "Python alius,Animalia,SPECIES,II,AMENDMENT,1977-02-04\n"
        ",Animalia,SPECIES,II,ADDITION,1977-02-04\n"
        "Python alius,Animalia,SPECIES,II,RESERVATION,1977-02-04\n"
        "Python solus,,,I,ADDITION,1977-02-04\n"
    )
    shelf, report = loaded(tmp_path, "species", text)
    assert (report.taken, report.refused) == (2, 4)
    assert sum(report.reasons.values()) == 6
    book = SpeciesBook(shelf)
    taxon = book.find("Python alius").taxon
    assert book.first_listed(taxon) == date(1977, 2, 4)
    assert book.find("Python solus") is None


def answer(*listings, **more):
    return {"cites_listings": list(listings), "cites_quotas": [], **more}


def change(appendix, day, **more):
    return {"taxon_concept_id": 4521, "appendix": appendix, "change_type": "+", "effective_at": day, **more}


def test_an_answer_of_the_api_is_a_history_of_a_taxon_that_is_known_by_number(tmp_path):
    given = answer(
        change("II", "1977-02-04", is_current=False),
        change("I", "2020-01-01", is_current=True),
        change("I", "2020-01-01", is_current=True, change_type="R+"),
    )
    shelf, report = loaded(tmp_path, "species", json.dumps(given), file="answer.json")
    assert (report.edition.data, report.taken) == ("history", 2)
    book = SpeciesBook(shelf)
    taxon = book.find("Loxodonta africana").taxon
    assert book.listing_on(taxon, date(2021, 1, 1), "ZA").appendices == {"I"}


def test_listings_of_an_unknown_number_or_shape_are_refused(tmp_path):
    given = [
        answer(change("I", "2020-01-01") | {"taxon_concept_id": 999_999}),
        answer(change("I", "soon"), "no object"),
    ]
    _, report = loaded(tmp_path, "species", json.dumps(given), file="answer.json")
    assert (report.taken, report.refused) == (0, 3)


def test_changes_in_force_today_tell_nothing_of_the_days_before(tmp_path):
    given = answer(change("II", "2005-01-12", is_current=True))
    book = SpeciesBook(loaded(tmp_path, "species", json.dumps(given), file="answer.json")[0])
    taxon = book.find("Loxodonta africana").taxon
    assert book.listing_on(taxon, date(1995, 1, 1), "KE").edition.source == "built in"
    assert book.listing_on(taxon, date(2006, 1, 1), "KE").since == date(2005, 1, 12)


def test_the_whole_checklist_is_taken(tmp_path):
    shelf, report = real(tmp_path, "species", "species", "Index_of_CITES_Species_2017-04-21.csv.gz")
    assert (report.taken, report.refused) == (38_079, 0)
    assert report.edition.as_of == date(2017, 4, 21)
    assert sum(report.reasons.values()) < 150
    book = SpeciesBook(shelf)
    day = date(2017, 6, 1)
    for name, population, appendices in (
        ("Loxodonta africana", "KE", {"I"}),
        ("Loxodonta africana", "ZW", {"I", "II"}),
        ("Crocodylus niloticus", "ZW", {"II"}),
        ("Crocodylus niloticus", "GH", {"I"}),
        ("Ursus arctos", "CN", {"I"}),
        ("Ursus arctos", "RU", {"II"}),
        ("Panax ginseng", "CN", set()),
        ("Cedrela odorata", "PE", {"III"}),
        ("Paphiopedilum spp.", None, {"I"}),
        ("Acipenseriformes spp.", None, {"I", "II"}),
    ):
        listing = book.listing_on(book.find(name).taxon, day, population)
        assert listing.appendices == appendices, name
    assert book.find("Dendrobates typographus").accepted_name == "Oophaga pumilio"
    assert book.find("Smutsia gigantea").accepted_name == "Manis gigantea"
    assert "NA" in book.find("Loxodonta africana").taxon.range_states


@pytest.mark.parametrize(
    ("file", "as_of", "taken"),
    [("species_slim_2017.csv", date(2017, 4, 21), 38_079), ("CITES_listings_Reptilia_2023-07.csv", None, 1_196)],
)
def test_the_other_real_lists_are_taken(tmp_path, file, as_of, taken):
    path = SHARED / "species" / file
    if not path.exists():
        pytest.skip(f"{path} is not here")
    report = load_species(tmp_path / "reference.sqlite", path, now=NOW, as_of=as_of)
    assert (report.taken, report.refused) == (taken, 0)


def test_a_recorded_history_splits_the_elephant(tmp_path):
    """The recording is in French, so which populations are in which Appendix is not understood: both may apply."""
    shelf, report = real(tmp_path, "species", "species", "speciesplus_api_spp_cites_legislation_sco.json")
    assert report.edition.as_of == date(2022, 11, 27)
    assert report.taken == 16
    book = SpeciesBook(shelf)
    taxon = book.find("Loxodonta africana").taxon
    assert book.first_listed(taxon) == date(1976, 2, 26)
    for day, appendices in (
        (date(1976, 2, 26), {"III"}),
        (date(1980, 1, 1), {"II"}),
        (date(1995, 1, 1), {"I"}),
        (date(1998, 1, 1), {"I", "II"}),
        (date(2022, 1, 1), {"I", "II"}),
    ):
        assert book.listing_on(taxon, day, "ZA").appendices == appendices, day


def test_a_recorded_legislation_in_english_tells_the_populations(tmp_path):
    shelf, _ = real(tmp_path, "species", "species", "speciesplus_api_spp_cites_legislation_def.json")
    book = SpeciesBook(shelf)
    taxon = book.find("Loxodonta africana").taxon
    for population, appendices in (("ZA", {"I", "II"}), ("KE", {"I"}), ("XA", {"I", "II"})):
        assert book.listing_on(taxon, date(2022, 1, 1), population).appendices == appendices


def test_a_page_of_taxa_tells_what_is_in_force(tmp_path):
    shelf, report = real(tmp_path, "species", "species", "speciesplus_api_spp_taxonconcept_pag.json")
    assert report.taken > 0
    book = SpeciesBook(shelf)
    taxon = book.find("Ailuropoda melanoleuca").taxon
    assert book.listing_on(taxon, date(2022, 1, 1), "CN").appendices == {"I"}


def test_rows_with_line_breaks_and_quotes_keep_their_numbers(tmp_path):
    path = tmp_path / "list_2017-04-21.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["FullName", "Kingdom", "RankName", "CurrentListing", "FullAnnotationEnglish"])
        writer.writerow(["Python regius", "Animalia", "SPECIES", "II", 'Appendix II: "a\nb"'])
        writer.writerow(["", "Animalia", "SPECIES", "II", ""])
    report = load_species(tmp_path / "reference.sqlite", path, now=NOW)
    assert [example.row for example in report.examples] == [3]
    assert SpeciesBook(Shelf.open(tmp_path / "reference.sqlite")).find("Python regius") is not None
