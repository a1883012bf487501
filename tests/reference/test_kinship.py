"""Whether two names can mean the same goods: what every node of a release answers alike."""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epix_node.reference import genera
from epix_node.reference.kinship import Kinship, kinship
from epix_node.reference.release import release_book
from epix_node.reference.scientific_name import scientific_key

CHECKLIST = Path(__file__).parents[2].parent / "shared/data/species/Index_of_CITES_Species_2017-04-21.csv.gz"

PAIRS = {
    "as it is written": ("Python regius", "PYTHON  REGIUS (Shaw, 1802)", "same"),
    "a synonym": ("Malayopython reticulatus", "Python reticulatus", "same"),
    "two synonyms": ("Lobatus gigas", "Aliger gigas", "same"),
    "moved to another genus": ("Smutsia gigantea", "Manis gigantea", "same"),
    "the genus": ("Python spp.", "Python regius", "wider"),
    "the genus of a synonym": ("Phataginus spp.", "Manis tricuspis", "wider"),
    "a genus that is known and holds a synonym": ("Boa spp.", "Python regius", "wider"),
    "the family": ("Pythonidae", "Python regius", "wider"),
    "the class": ("Reptilia", "Python regius", "wider"),
    "a subspecies": ("Boa constrictor imperator", "Boa constrictor", "wider"),
    "a genus that no list has": ("Quercus", "Quercus robur", "wider"),
    "a look-alike": ("Python sebae", "Python regius", "other"),
    "of another family": ("Felidae spp.", "Python regius", "other"),
    "of another class": ("Reptilia", "Ara macao", "other"),
    "a genus that nobody confuses with the other": ("Crocodylus spp.", "Uromastyx ornata", "other"),
    "a genus that no list has, against a species": ("Quercus spp.", "Uromastyx ornata", "unclear"),
    "another genus of its group": ("Cyclura spp.", "Iguana iguana", "unclear"),
    "another genus of the family": ("Ara spp.", "Anodorhynchus hyacinthinus", "unclear"),
    "two settled species without an entry": ("Testudo horsfieldii", "Testudo marginata", "other"),
    "one of them with an entry": ("Testudo horsfieldii", "Testudo graeca", "other"),
    "species of genera that nobody confuses": ("Varanus cumingi", "Chamaeleo zeylanicus", "other"),
    "an unsettled species of the genus": ("Varanus cumingi", "Varanus salvator", "unclear"),
    "moved to another genus, without an entry": ("Agrionemys horsfieldii", "Testudo horsfieldii", "unclear"),
    "moved, with another ending": ("Geochelone carbonaria", "Chelonoidis carbonarius", "unclear"),
    "the same second word in other groups": ("Glyptemys insculpta", "Carettochelys insculpta", "unclear"),
    "a genus that no list has, against one that it has": ("Quercus robur", "Dalbergia oliveri", "unclear"),
    "three words": ("Testudo horsfieldii kazachstanica", "Testudo marginata", "unclear"),
    "split off": ("Psittacus timneh", "Psittacus erithacus", "unclear"),
    "two iguanas": ("Brachylophus fasciatus", "Iguana iguana", "other"),
    "two eels": ("Anguilla rostrata", "Anguilla anguilla", "other"),
    "two scorpions": ("Pandinus dictator", "Pandinus imperator", "other"),
    "two tarantulas that nobody confused": ("Brachypelma albopilosum", "Brachypelma emilia", "other"),
    "two tarantulas that were one": ("Brachypelma hamorii", "Brachypelma smithi", "unclear"),
    "a scorpion for a spider": ("Pandinus imperator", "Brachypelma hamorii", "other"),
    "two kinds of agarwood": ("Gyrinops versteegii", "Aquilaria malaccensis", "other"),
    "two orchids": ("Phalaenopsis lueddemanniana", "Phalaenopsis schilleriana", "other"),
    "two hoodias": ("Hoodia parviflora", "Hoodia gordonii", "other"),
    "once one species": ("Python molurus", "Python bivittatus", "unclear"),
    "a subspecies that was raised": ("Python molurus bivittatus", "Python bivittatus", "unclear"),
    "badly written": ("Pyton reguis", "Python regius", "unclear"),
    "a common name": ("ball python", "Python regius", "unclear"),
    "not sure": ("Python cf. regius", "Python sebae", "unclear"),
    "a hybrid": ("Falco cherrug x Falco rusticolus", "Falco cherrug", "unclear"),
    "nobody knows either": ("Quercus robur", "Acer rubrum", "unclear"),
    "nothing": ("", "", "unclear"),
}


@pytest.mark.parametrize(("one", "other", "expected"), PAIRS.values(), ids=PAIRS)
def test_two_names_are_related_so_in_either_order(one: str, other: str, expected: str) -> None:
    assert (kinship(one, other), kinship(other, one)) == (expected, expected)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_answered_alike_in_either_order(one: str, other: str) -> None:
    assert kinship(one, other) is kinship(other, one)
    assert kinship(one, one) in {Kinship.SAME, Kinship.UNCLEAR}


def test_no_settled_species_is_another_name_of_one_that_the_release_knows() -> None:
    """A name in ``genera.toml`` accuses, so it must not be a synonym of a built-in species of its own genus."""
    for genus, (_, species) in genera._genera().items():
        for word in species:
            found = release_book().find(f"{genus} {word}")
            if found is not None and not found.is_ambiguous:
                accepted = scientific_key(found.accepted_name)
                assert accepted == f"{genus} {word}" or accepted.split(" ")[1][:4] == word[:4], (genus, word, accepted)


@pytest.mark.skipif(not CHECKLIST.is_file(), reason="needs ../shared/data/species, which lies beside the checkout")
def test_of_all_synonyms_of_the_checklist_none_is_taken_for_other_goods() -> None:
    """Forty thousand pairs of an accepted name and a synonym: nobody is accused for using the other one."""
    csv.field_size_limit(2**31)
    accused, pairs = [], 0
    with gzip.open(CHECKLIST, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            accepted = scientific_key(row["FullName"])
            for synonym in re.split(r"[;,](?![^(]*\))", row["SynonymsWithAuthors"] or ""):
                key = scientific_key(synonym)
                pairs += 1
                if key and genera.are_apart(accepted, key):
                    accused.append((accepted, key))
    assert pairs > 40_000
    assert accused == []
