"""Which units, purposes and taxa go with a term."""

import csv
from collections import Counter

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import code_lists
from epix_node.permit.quantity import UNIT_LIST
from epix_node.reference.edition import BUILT_IN
from epix_node.reference.loading.pairs import load
from epix_node.reference.pairs import Pairs
from epix_node.reference.shelf import Shelf
from tests.reference.lists import ELEPHANT, NOW, PARROT, PYTHON, ROSEWOOD, SHARED, loaded

STURGEON = ("Huso huso", "Huso", "Acipenseridae", "Acipenseriformes", "Actinopteri", "Chordata", "Animalia")


@pytest.fixture(scope="module")
def built_in():
    return Pairs(Shelf.open(None))


def test_every_current_term_has_units_and_every_code_is_in_a_list(built_in):
    lists = code_lists()
    assert set(built_in.term_units) == set(lists.terms)
    assert {unit for units in built_in.term_units.values() for unit in units} <= set(UNIT_LIST)
    assert set(built_in.taxon_terms) <= set(lists.terms) | set(lists.historical_terms)


@pytest.mark.parametrize(
    ("term", "unit", "expected"),
    [
        pytest.param("LIV", "NAR", True, id="live animals are counted"),
        pytest.param("CAV", "GRM", True, id="grams where kilograms are preferred"),
        pytest.param("CAV", "PND", True, id="pounds convert into kilograms"),
        pytest.param("CAV", "MTQ", False, id="caviar by the cubic metre"),
        pytest.param("SKU", "LTR", False, id="skulls by the litre"),
        pytest.param("SKI", "BOX", None, id="boxes convert into nothing"),
        pytest.param("BPR", "KGM", None, id="a historical term is in no table"),
        pytest.param("LIV", "???", None, id="no unit at all"),
    ],
)
def test_a_unit_fits_a_term_if_it_converts_into_one_of_its_units(built_in, term, unit, expected):
    assert built_in.allows_unit(term, unit) is expected


@pytest.mark.parametrize(
    ("term", "lineage", "expected"),
    [
        pytest.param("TUS", ELEPHANT, True, id="tusks of an elephant"),
        pytest.param("IVC", PARROT, False, id="ivory of a parrot"),
        pytest.param("FEA", PARROT, True, id="feathers of a parrot"),
        pytest.param("FEA", PYTHON, False, id="feathers of a python"),
        pytest.param("CAV", STURGEON, True, id="caviar of a sturgeon"),
        pytest.param("CAV", PARROT, False, id="caviar of a parrot"),
        pytest.param("SAW", ROSEWOOD, True, id="sawn wood of a tree"),
        pytest.param("SAW", PYTHON, False, id="sawn wood of a python"),
        pytest.param("SKI", ROSEWOOD, False, id="skin of a tree"),
        pytest.param("FEA", ROSEWOOD, False, id="feathers of a tree"),
        pytest.param("LIV", ROSEWOOD, None, id="alive, as anything can be"),
        pytest.param("IVC", ("Mammalia", "Chordata", "Animalia"), None, id="ivory of some mammal"),
        pytest.param("IVC", ("Cervidae", "Artiodactyla", "Mammalia", "Chordata", "Animalia"), True, id="a family"),
        pytest.param("IVC", (), None, id="of an unknown taxon"),
        pytest.param("IVC", ("Loxodonta africana",), None, id="a name without those above it"),
    ],
)
def test_only_what_is_certain_is_impossible(built_in, term, lineage, expected):
    assert built_in.allows_taxon(term, lineage) is expected


def test_no_purpose_is_wrong_without_a_table(built_in):
    assert built_in.term_purposes is None
    assert built_in.purposes_edition is None
    assert built_in.allows_purpose("LIV", "T") is None


def test_the_built_in_tables_say_where_they_are_from(built_in):
    assert built_in.edition.source == BUILT_IN
    assert built_in.units_edition.data == "term-units"
    assert built_in.taxa_edition.data == "taxon-terms"


def test_a_loaded_table_takes_the_place_of_the_built_in_one(tmp_path):
    shelf, report = loaded(tmp_path, "term-units", "TERM_CODE,UNIT_CODE\nLIV, \nCAV,KIL\nXXX,KIL\nLIV,QQQ\n")
    pairs = Pairs(shelf)
    assert (report.taken, report.refused) == (2, 2)
    assert pairs.allows_unit("CAV", "GRM") is True
    assert pairs.allows_unit("LIV", "KGM") is False
    assert pairs.allows_unit("SKI", "KGM") is None
    assert pairs.units_edition.source == "list.csv"
    assert pairs.taxa_edition.source == BUILT_IN


def test_purposes_and_taxa_can_be_loaded_too(tmp_path):
    loaded(tmp_path, "term-purposes", "term,purpose\nTRO,H\nTRO,P\nTRO,?\n", file="purposes.csv")
    shelf, _ = loaded(tmp_path, "taxon-terms", "RANK,TAXON_FAMILY,TERM_CODE\nCLASS,AVES,FEA\n", file="taxa.csv")
    pairs = Pairs(shelf)
    assert pairs.allows_purpose("TRO", "H") is True
    assert pairs.allows_purpose("TRO", "T") is False
    assert pairs.allows_purpose("LIV", "T") is None
    assert pairs.allows_taxon("FEA", PARROT) is True
    assert pairs.allows_taxon("FEA", PYTHON) is False
    assert pairs.allows_taxon("TUS", PARROT) is None


def test_the_columns_tell_which_table_a_file_is(tmp_path):
    path, shelf = tmp_path / "pairs_2026-01-01.csv", tmp_path / "reference.sqlite"
    for text, data in (
        ("term,unit\nLIV,\n", "term-units"),
        ("term,purpose\nLIV,T\n", "term-purposes"),
        ("taxon,term\nAves,FEA\n", "taxon-terms"),
    ):
        path.write_text(text)
        assert load(path, shelf, as_of=None, now=NOW).edition.data == data
    path.write_text("term,colour\nLIV,red\n")
    with pytest.raises(MalformedDocumentError, match="no table of pairs"):
        load(path, shelf, as_of=None, now=NOW)


def test_of_64_000_real_shipments_only_real_defects_are_impossible(built_in):
    """All trade of two years: seven errors of coding that a reader sees, and nothing else."""
    labels, species = SHARED / "codes" / "term_labels_tradedb.csv", SHARED / "species" / "species_slim_2017.csv"
    if not labels.exists():
        pytest.skip(f"{labels} is not here")
    with labels.open(encoding="utf-8") as file:
        codes = {row["trade_db_label"]: row["code"] for row in csv.DictReader(file)}
    lineages, families = {}, {}
    with species.open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            names = [row["FullName"], row["Genus"], row["Family"], row["Order"], row["Class"]]
            names += ["Chordata", "Animalia"] if row["Kingdom"] == "Animalia" else ["Plantae"]
            lineage = tuple(dict.fromkeys(name for name in names if name))
            lineages[row["FullName"]] = lineage
            if row["RankName"] == "FAMILY":
                families[row["FullName"]] = lineage
    impossible = Counter()
    for year in (2012, 2013):
        with (SHARED / "trade-comptab" / f"cites_comptab_{year}.csv").open(encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                term = codes.get(row["Term"])
                lineage = lineages.get(row["Taxon"].replace(" spp.", "")) or families.get(row["Family"])
                if term and lineage and built_in.allows_taxon(term, lineage) is False:
                    impossible[term, row["Taxon"]] += 1
    assert impossible == {
        ("LPS", "Dalbergia nigra"): 1,
        ("LVS", "Alligator mississippiensis"): 1,
        ("SAW", "Alligator mississippiensis"): 1,
        ("COR", "Cactaceae spp."): 1,
        ("CAP", "Lycalopex griseus"): 1,
        ("COR", "Cleisostoma spp."): 1,
        ("COR", "Dendrobium fimbriatum"): 1,
        ("CHP", "Corallium konjoi"): 1,
    }
