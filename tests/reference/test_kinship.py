"""Whether two names can mean the same goods: what every node of a release answers alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epix_node.reference.kinship import Kinship, kinship

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
    "another genus of the family": ("Ara spp.", "Anodorhynchus hyacinthinus", "unclear"),
    "split off": ("Psittacus timneh", "Psittacus erithacus", "unclear"),
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
