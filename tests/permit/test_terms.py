"""Old terms have the successors that UNEP-WCMC gives them, and no guessed ones."""

from __future__ import annotations

import pytest

from epix_node.permit.codes import code_lists
from epix_node.permit.terms import _groups, _merges, successor_of, taxon_group

WITHOUT = {"CSD", "HPR", "PEA", "UNS"}
"""Historical terms that no merge names."""


@pytest.mark.parametrize(
    ("term", "group", "successor"),
    [
        ("VNM", None, "EXT"),
        ("HEA", None, "SKU"),
        ("TIP", "arbores", "TIM"),
        ("PKY", None, "KEY"),
        ("SHO", "reptilia", "LPS"),
        ("FRN", "arbores", "WPR"),
        ("FRN", "mammalia", "CAR"),
        ("FRN", None, None),
        ("LEA", "plantae", "LVS"),
        ("LEA", "arbores", "LVS"),
        ("LEA", "reptilia", "LPS"),
        ("LEA", None, None),
        ("QUI", "aves", "FEA"),
        ("QUI", "mammalia", None),
        ("LIV", None, None),
        ("ZZZ", None, None),
    ],
)
def test_the_successor_of_a_term(term: str, group: str | None, successor: str | None) -> None:
    assert successor_of(term, group) == successor


@pytest.mark.parametrize(
    ("term", "unit", "lineage", "successor"),
    [
        ("ROO", "NAR", ("Galanthus elwesii", "Galanthus"), "LIV"),
        ("ROO", "NAR", ("Panax quinquefolius", "Panax"), None),
        ("LEG", "KGM", (), "MEA"),
        ("LEG", "NAR", (), None),
        ("SHE", "NAR", ("Testudines",), "CAP"),
        ("SHE", "NAR", ("Gastropoda",), None),
        ("DER", "KGM", ("Aloe ferox", "Aloe"), "EXT"),
        ("DER", "KGM", ("Acipenseriformes",), "EXT"),
        ("EGG", "KGM", ("Acipenseriformes",), "CAV"),
    ],
)
def test_merges_of_current_terms_hold_for_some_taxa_and_units(term, unit, lineage, successor) -> None:
    assert successor_of(term, taxon_group(lineage), lineage=lineage, unit=unit) == successor


def test_every_historical_term_but_four_has_a_successor() -> None:
    for term in code_lists().historical_terms:
        found = {successor_of(term, group) for group in ("aves", "plantae", "arbores", "reptilia")} - {None}
        assert bool(found) is (term not in WITHOUT), term
        assert found <= code_lists().terms.keys()


@pytest.mark.parametrize(
    ("lineage", "group"),
    [
        (("Psittacus erithacus", "Psittacus", "Psittacidae", "Psittaciformes", "Aves", "Chordata", "Animalia"), "aves"),
        (("Dalbergia nigra", "Dalbergia", "Leguminosae", "Plantae"), "arbores"),
        (("Aloe ferox", "Aloe", "Plantae"), "plantae"),
        (("Acropora", "Anthozoa", "Animalia"), "corallia"),
        (("Sarcopterygii", "Animalia"), None),
        ((), None),
    ],
)
def test_a_taxon_belongs_to_the_group_of_its_lineage(lineage, group) -> None:
    assert taxon_group(lineage) == group


def test_merges_name_terms_and_groups_that_exist() -> None:
    lists = code_lists()
    for merge in _merges():
        assert merge.terms <= lists.terms.keys() | lists.historical_terms.keys()
        assert merge.into in lists.terms
        assert merge.groups <= _groups().keys()
