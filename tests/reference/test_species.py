"""Which taxon a name means, and its listing on a day: over what was loaded and what is built in."""

import threading
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.reference.builtin import builtin_shelf
from epix_node.reference.loading.species import load_species
from epix_node.reference.shelf import Shelf
from epix_node.reference.species import SpeciesBook
from tests.reference.lists import NOW, loaded

HEADER = (
    "TaxonId,Kingdom,Phylum,Class,Order,Family,Genus,FullName,RankName,CurrentListing,FullAnnotationEnglish,"
    "#AnnotationSymbol,SynonymsWithAuthors,All_DistributionISOCodes\n"
)
SNAKE = "Animalia,Chordata,Reptilia,Serpentes,Pythonidae,Python"
ROSEWOOD = "Plantae,,,Fabales,Leguminosae,Dalbergia"
LIST = HEADER + (
    f'1,{SNAKE},Python,GENUS,I/II,"Appendix II: ",,"",\n'
    f'2,{SNAKE},Python regius,SPECIES,II,"Appendix II: ",,"Boa regia Shaw, 1802, Python bellii Gray","GH, TG"\n'
    f'3,{SNAKE},Python molurus,SPECIES,I/II,"Appendix II: ",,"Coluber molurus Linnaeus, 1758","IN, LK"\n'
    f'4,{SNAKE},Python molurus molurus,SUBSPECIES,I,"Appendix I: ",,"",IN\n'
    f'5,{SNAKE},Python alius,SPECIES,II,"Appendix II: ",,"Python bellii Gray, 1842; Python molurus auct.",""\n'
    f'6,{SNAKE},Python novus,SPECIES,,"",,"",XB\n'
    f'7,{ROSEWOOD},Dalbergia alia,SPECIES,II/NC,"Appendix II:Population of Madagascar. ",#5,"","MG, ZA"\n'
    '8,Animalia,Chordata,Aves,Passeriformes,Aliidae,Alius,Alius avis,SPECIES,NC,"",,"",BR\n'
    "9,Animalia,Chordata,Mammalia,Proboscidea,Elephantidae,Loxodonta,Loxodonta africana,SPECIES,I/II,"
    '"Appendix I:Except the populations of Botswana and Zimbabwe, which are included in Appendix II. '
    'Appendix II:The populations of Botswana and Zimbabwe are listed in Appendix II for the exclusive purpose",,"",KE\n'
)
AS_OF = date(2017, 4, 21)
LATER = date(2018, 1, 1)


@pytest.fixture
def book(tmp_path):
    return SpeciesBook(loaded(tmp_path, "species", LIST, as_of=AS_OF)[0])


@pytest.mark.parametrize(
    ("name", "accepted", "by"),
    [
        ("Python regius", "Python regius", "accepted"),
        ("PYTHON REGIUS (Shaw, 1802)", "Python regius", "accepted"),
        ("Boa regia", "Python regius", "synonym"),
        ("Coluber molurus Linnaeus", "Python molurus", "synonym"),
        ("Python molurus molurus", "Python molurus molurus", "accepted"),
        ("Python spp.", "Python", "genus"),
        ("Pythonidae", "Pythonidae", "genus"),
        ("Reptilia spp.", "Reptilia", "genus"),
        ("Amazona aestiva", "Amazona aestiva", "accepted"),
    ],
)
def test_a_name_leads_to_its_taxon(book, name, accepted, by):
    match = book.find(name)
    assert (match.accepted_name, match.by, match.name_given) == (accepted, by, name)
    assert not match.is_ambiguous


@pytest.mark.parametrize("name", ["Python ignotus", "Boa ignota", "", "   ", "%", "'; DROP TABLE species_name"])
def test_a_name_that_no_book_knows_leads_nowhere(book, name):
    assert book.find(name) is None


def test_an_accepted_name_is_believed_before_a_synonym(book):
    """ "Python molurus auct." is what somebody called another species; the name itself is accepted."""
    match = book.find("Python molurus")
    assert match.accepted_name == "Python molurus"
    assert not match.is_ambiguous


def test_a_name_that_was_used_for_several_taxa_is_ambiguous(book):
    match = book.find("Python bellii")
    assert match.is_ambiguous
    assert {match.accepted_name, *match.others} == {"Python alius", "Python regius"}


def test_the_taxon_carries_what_the_list_says_of_it(book):
    taxon = book.find("Dalbergia alia").taxon
    assert taxon.lineage == ("Dalbergia alia", "Dalbergia", "Leguminosae", "Fabales", "Plantae")
    assert (taxon.kingdom, taxon.annotation, taxon.range_states) == ("Plantae", "#5", frozenset({"MG", "ZA"}))
    assert taxon.is_species_or_lower
    assert book.find("Python alius").taxon.range_states is None
    assert not book.find("Python spp.").taxon.is_species_or_lower


def test_a_subspecies_descends_from_its_species(book):
    lineage = book.find("Python molurus molurus").taxon.lineage
    assert lineage[:3] == ("Python molurus molurus", "Python molurus", "Python")


@pytest.mark.parametrize(
    ("name", "population", "appendices", "may_be_unlisted", "listed_as"),
    [
        ("Python regius", "GH", {"II"}, False, "Python regius"),
        ("Python molurus", "IN", {"I", "II"}, False, "Python molurus"),
        ("Python novus", None, {"I", "II"}, False, "Python"),
        ("Dalbergia alia", "MG", {"II"}, False, "Dalbergia alia"),
        ("Dalbergia alia", "ZA", set(), False, "Dalbergia alia"),
        ("Dalbergia alia", "KE", {"II"}, True, "Dalbergia alia"),
        ("Dalbergia alia", "XA", {"II"}, True, "Dalbergia alia"),
        ("Alius avis", "BR", set(), False, "Alius avis"),
        ("Loxodonta africana", "BW", {"I", "II"}, False, "Loxodonta africana"),
        ("Loxodonta africana", "KE", {"I"}, False, "Loxodonta africana"),
        ("Loxodonta africana", "XA", {"I", "II"}, False, "Loxodonta africana"),
        ("Loxodonta africana", "DE", {"I", "II"}, False, "Loxodonta africana"),
        ("Dalbergia spp.", None, {"II"}, True, "Dalbergia"),
    ],
)
def test_the_list_says_what_is_listed_after_its_day(book, name, population, appendices, may_be_unlisted, listed_as):
    listing = book.listing_on(book.find(name).taxon, LATER, population)
    assert listing.appendices == appendices
    assert listing.may_be_unlisted is may_be_unlisted
    assert listing.listed_as == listed_as
    assert listing.edition.as_of == AS_OF


def test_before_the_list_nothing_is_known_unless_there_is_a_history(book):
    day = date(2016, 12, 31)
    assert book.listing_on(book.find("Python alius").taxon, day, None) is None
    elephant = book.listing_on(book.find("Loxodonta africana").taxon, day, "KE")
    assert (elephant.appendices, elephant.edition.source) == ({"I"}, "built in")


def test_what_was_loaded_wins_and_dates_stay(book):
    """The list of 2017 knows two populations in Appendix II; the built-in history tells since when."""
    listing = book.listing_on(book.find("Loxodonta africana").taxon, LATER, "KE")
    assert (listing.appendices, listing.since) == ({"I"}, date(2000, 7, 19))
    assert book.find("Python regius").edition.source == "list.csv"


def test_a_dated_change_after_the_list_counts_from_its_day(tmp_path):
    text = HEADER + '1,Plantae,,,Fabales,Leguminosae,Pericopsis,Pericopsis elata,SPECIES,II,"",#5,"",GH\n'
    book = SpeciesBook(loaded(tmp_path, "species", text, as_of=AS_OF)[0])
    taxon = book.find("Pericopsis elata").taxon
    assert book.listing_on(taxon, date(2019, 11, 25), "GH").annotation == "#5"
    assert book.listing_on(taxon, date(2019, 11, 26), "GH").annotation == "#17"


def test_the_first_listing_is_known_only_with_the_whole_history(book):
    assert book.first_listed(book.find("Loxodonta africana").taxon) == date(1976, 2, 26)
    assert book.first_listed(book.find("Python alius").taxon) is None


def test_the_edition_is_that_of_the_list_which_is_asked_first(book):
    assert book.edition.as_of == AS_OF
    assert SpeciesBook(Shelf.open(None)).edition == builtin_shelf().edition("species")


def test_a_fictional_country_is_covered_only_by_data_that_name_it(book):
    assert book.covers("DE")
    assert book.covers("XB")
    assert not book.covers("XA")


HISTORY = (
    "TaxonId,Kingdom,Phylum,Class,Order,Family,Genus,FullName,RankName,Appendix,PartyIsoCode,PartyFullName,ChangeType,"
    "EffectiveAt,IsCurrent,#AnnotationSymbol,FullAnnotationEnglish\n"
    f"5,{SNAKE},Python alius,SPECIES,III,GH,Ghana,ADDITION,26/02/1976,f,,\n"
    f"5,{SNAKE},Python alius,SPECIES,II,,,ADDITION,04/02/1977,f,,\n"
    f"5,{SNAKE},Python alius,SPECIES,I,,,ADDITION,02/01/2018,t,,\n"
    f"5,{SNAKE},Python alius,SPECIES,I,NA,Namibia,RESERVATION,02/01/2018,t,,\n"
)


@pytest.mark.parametrize(
    ("day", "appendices", "since"),
    [
        (date(1970, 1, 1), set(), None),
        (date(1976, 2, 26), {"III"}, date(1976, 2, 26)),
        (date(2017, 4, 20), {"II"}, date(1977, 2, 4)),
        (AS_OF, {"II"}, date(1977, 2, 4)),
        (date(2018, 1, 2), {"I"}, date(2018, 1, 2)),
    ],
)
@pytest.mark.parametrize("order", [("list", "history"), ("history", "list")])
def test_a_list_and_a_history_complete_each_other(tmp_path, order, day, appendices, since):
    for part in order:
        text, name = (LIST, "list_2017-04-21.csv") if part == "list" else (HISTORY, "history_2020-01-01.csv")
        loaded(tmp_path, "species", text, file=name, as_of=None)
    book = SpeciesBook(Shelf.open(tmp_path / "reference.sqlite"))
    taxon = book.find("Python alius").taxon
    listing = book.listing_on(taxon, day, "GH")
    assert (listing.appendices, listing.since) == (appendices, since)
    assert book.first_listed(taxon) == date(1976, 2, 26)
    assert [edition.data for edition in book.editions()] == ["species", "history", "species"]


def test_a_history_alone_knows_its_taxa(tmp_path):
    book = SpeciesBook(loaded(tmp_path, "species", HISTORY)[0])
    match = book.find("Python alius")
    assert match.edition.data == "history"
    assert book.listing_on(match.taxon, date(1976, 3, 1), None).parties == {"GH"}


def test_several_threads_may_ask(book):
    names = ["Python regius", "Boa regia", "Python molurus", "Amazona aestiva", "Loxodonta africana"] * 20
    wrong = []

    def ask():
        for name in names:
            match = book.find(name)
            if match is None or book.listing_on(match.taxon, LATER, "KE") is None:
                wrong.append(name)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


BUILT_IN = SpeciesBook(Shelf.open(None))


@given(
    name=st.sampled_from(
        ["Loxodonta africana", "Crocodylus niloticus", "Psittacus erithacus", "Agapornis roseicollis"]
    ),
    days=st.lists(st.dates(date(1974, 1, 1), date(2030, 1, 1)), min_size=2, max_size=2).map(sorted),
    population=st.sampled_from([None, "BW", "KE", "XA", "XX"]),
)
@settings(max_examples=100, deadline=None)
def test_a_listing_changes_only_on_days_that_are_told(name, days, population):
    taxon = BUILT_IN.find(name).taxon
    first, second = (BUILT_IN.listing_on(taxon, day, population) for day in days)
    if second is not None and second.since is not None and second.since <= days[0]:
        assert first == second
    if first != second:
        assert second is not None
        assert second.since is not None
        assert days[0] < second.since <= days[1]


def test_a_load_that_is_interrupted_leaves_the_old_list(tmp_path):
    shelf, _ = loaded(tmp_path, "species", LIST)
    broken = tmp_path / "new_2020-01-01.csv"
    broken.write_bytes(LIST.replace("Python regius", "Python novissimus").encode() + b"\xff\xfe broken")
    with pytest.raises(Exception, match="cannot be read"):
        load_species(tmp_path / "reference.sqlite", broken, now=NOW)
    book = SpeciesBook(Shelf.open(tmp_path / "reference.sqlite"))
    assert book.find("Python regius").accepted_name == "Python regius"
    assert book.find("Python novissimus") is None
    assert book.edition == shelf.edition("species")
