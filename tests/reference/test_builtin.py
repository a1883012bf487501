"""The species that come with the release: complete, consistent, and the same as the real list says."""

import csv
import tomllib
from datetime import date
from importlib import resources

import pytest

from epix_node.demo import papers
from epix_node.permit.codes import code_lists
from epix_node.reference.builtin import builtin_shelf
from epix_node.reference.catalogue import builtin
from epix_node.reference.taxon import KINGDOMS
from tests.reference.lists import SHARED

DATA = tomllib.loads(
    resources.files("epix_node.reference").joinpath("data", "species.toml").read_text(encoding="utf-8")
)
TODAY = date(2026, 11, 22)
BOOK = builtin().species


def taxon(name):
    match = BOOK.find(name)
    assert match is not None, name
    return match.taxon


def test_every_taxon_can_be_found_and_has_a_listing():
    assert builtin_shelf().edition("species").rows == len(DATA["taxa"]) > 200
    for given in DATA["taxa"]:
        found = taxon(given["name"])
        assert found.name == given["name"]
        assert found.kingdom in KINGDOMS
        assert found.lineage[0] == given["name"]
        assert found.lineage[-1] == found.kingdom
        assert found.range_states is None or found.range_states <= code_lists().countries.keys() | {"S1"}
        assert BOOK.listing_on(found, TODAY, None) is not None, given["name"]


def test_the_history_of_each_is_in_order_and_not_in_the_future():
    for given in DATA["taxa"]:
        days = [date.fromisoformat(day) for day in given["since"]]
        assert days == sorted(days)
        assert date(1975, 7, 1) <= days[0]
        assert days[-1] <= DATA["as_of"]


def test_no_synonym_is_another_ones_name():
    names = {given["name"] for given in DATA["taxa"]}
    synonyms = [synonym for given in DATA["taxa"] for synonym in given.get("synonyms", ())]
    assert not names & set(synonyms)
    for synonym in synonyms:
        assert BOOK.find(synonym) is not None, synonym


@pytest.mark.parametrize(
    ("name", "day", "population", "appendices"),
    [
        ("Loxodonta africana", "1989-12-31", None, {"II"}),
        ("Loxodonta africana", "2014-01-01", "ZA", {"I", "II"}),
        ("Loxodonta africana", "2014-01-01", "KE", {"I"}),
        ("Elephas maximus", "2014-01-01", "IN", {"I"}),
        ("Psittacus erithacus", "2016-12-31", "CD", {"II"}),
        ("Psittacus erithacus", "2017-01-02", "CD", {"I"}),
        ("Manis javanica", "2016-06-01", "VN", {"II"}),
        ("Manis javanica", "2026-06-01", "VN", {"I"}),
        ("Anguilla anguilla", "2009-03-12", "FR", set()),
        ("Anguilla anguilla", "2009-03-13", "FR", {"II"}),
        ("Dalbergia latifolia", "2016-12-31", "IN", set()),
        ("Dalbergia latifolia", "2026-06-01", "XA", {"II"}),
        ("Dalbergia nigra", "2026-06-01", "BR", {"I"}),
        ("Crocodylus niloticus", "2026-06-01", "ZM", {"II"}),
        ("Crocodylus niloticus", "2026-06-01", "XC", {"I", "II"}),
        ("Agapornis roseicollis", "2026-06-01", "NA", set()),
        ("Melopsittacus undulatus", "2026-06-01", "AU", set()),
        ("Panax ginseng", "2026-06-01", "RU", {"II"}),
        ("Panax ginseng", "2026-06-01", "KR", set()),
        ("Canis lupus", "2026-06-01", "IN", {"I"}),
        ("Canis lupus", "2026-06-01", "CA", {"II"}),
        ("Huso huso", "1998-03-31", "RU", set()),
        ("Swietenia macrophylla", "2026-06-01", "PE", {"II"}),
    ],
)
def test_well_known_listings(name, day, population, appendices):
    assert BOOK.listing_on(taxon(name), date.fromisoformat(day), population).appendices == appendices


@pytest.mark.parametrize(
    ("name", "day"),
    [("Loxodonta africana", date(1976, 2, 26)), ("Strombus gigas", date(1992, 6, 11)), ("Python regius", None)],
)
def test_the_first_listing_is_told_where_it_is_certain(name, day):
    assert BOOK.first_listed(taxon(name)) == day


@pytest.mark.parametrize(
    "goods",
    [papers.PYTHONS, papers.PARROT, papers.SKINS, papers.BARK, papers.CHIPS, papers.ROSEWOOD, papers.CONCH],
    ids=lambda goods: goods.taxon,
)
def test_the_goods_of_the_demo_are_where_its_papers_say(goods):
    """Appendix II, for a fictional country at least possibly; and nothing else for certain."""
    assert "II" in BOOK.listing_on(taxon(goods.taxon), TODAY, "XA").appendices


def test_a_higher_taxon_is_known_by_name_but_its_listing_is_not():
    """The built-in taxa are a choice: what is true of them need not be true of the others of their genus."""
    assert BOOK.find("Python spp.").by == "genus"
    assert BOOK.listing_on(taxon("Pythonidae"), TODAY, None) is None


def test_the_built_in_listings_agree_with_the_checklist_of_2017():
    path = SHARED / "species" / "species_slim_2017.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8", newline="") as file:
        listed = {row["FullName"]: set(row["CurrentListing"].split("/")) for row in csv.DictReader(file)}
    # Agreed in 2016, in force from October 2017: the list of April has them already.
    listed |= {"Carcharhinus falciformis": {"NC"}, "Alopias superciliosus": {"NC"}}
    compared = 0
    for given in DATA["taxa"]:
        listing = BOOK.listing_on(taxon(given["name"]), date(2017, 4, 21), None)
        if listing is None or given["name"] not in listed:
            continue
        assert listing.appendices == listed[given["name"]] - {"NC"}, given["name"]
        compared += 1
    assert compared > 190
