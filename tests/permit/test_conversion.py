"""Conversions that rest on assumptions are named, and what is none is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from epix_node.permit.codes import code_lists
from epix_node.permit.conversion import (
    _class_dependent,
    _never,
    class_dependent,
    conversion_provenance,
    never_converted,
)
from epix_node.permit.quantity import UNIT_LIST

CONVERSIONS = {
    "a back skin is half a skin": ("SKI", "BAK", (), "SKI", "NAR", Fraction(1, 2)),
    "a side is half a skin": ("SKP", "SID", (), "SKI", "NAR", Fraction(1, 2)),
    "a side under its own term": ("SID", "NAR", (), "SKI", "NAR", Fraction(1, 2)),
    "a belly skin is one": ("SKI", "BSK", (), "SKI", "NAR", 1),
    "a hornback skin is one": ("SKI", "HRN", (), "SKI", "NAR", 1),
    "a set of piano keys": ("PKY", "SET", (), "KEY", "NAR", 52),
    "live coral": ("LIV", "KGM", ("Acropora", "Anthozoa"), None, "NAR", Fraction(1000, 206)),
    "raw coral": ("COR", "NAR", ("Acropora", "Anthozoa"), None, "KGM", Fraction(58, 100)),
    "timber of a species": ("LOG", "KGM", ("Pericopsis elata", "Pericopsis"), None, "MTQ", Fraction(1, 725)),
    "timber of a genus": ("SAW", "KGM", ("Gonystylus bancanus", "Gonystylus"), None, "MTQ", Fraction(1, 660)),
}

NONE = {
    "live animals that are no coral": ("LIV", "KGM", ("Anguilla anguilla", "Anguilla", "Anguillidae")),
    "timber of unknown density": ("LOG", "KGM", ("Dalbergia latifolia", "Dalbergia")),
    "timber without a taxon": ("LOG", "KGM", ()),
    "skins that are counted": ("SKI", "NAR", ()),
    "nothing": (None, None, ()),
}

NEVER = {
    "live eels": (("LIV", "NAR"), ("LIV", "KGM"), ("Anguilla anguilla", "Anguilla"), "CNV-91"),
    "live eels, the other way": (("LIV", "TON"), ("LIV", "PCS"), ("Anguilla anguilla", "Anguilla"), "CNV-91"),
    "seahorses": (("BOD", "NAR"), ("BOD", "GRM"), ("Hippocampus kuda", "Hippocampus"), "CNV-92"),
    "caviar": (("CAV", "KGM"), ("CAV", "NAR"), (), "CNV-93"),
    "skins and leather": (("SKI", "NAR"), ("LPS", "NAR"), (), "CNV-94"),
    "leather and skins": (("LPL", "MTK"), ("SID", "SID"), (), "CNV-94"),
    "logs and boards": (("LOG", "MTQ"), ("SAW", "MTQ"), (), "CNV-95"),
}


@pytest.mark.parametrize(
    ("term", "unit", "lineage", "to_term", "to_unit", "times"), CONVERSIONS.values(), ids=CONVERSIONS.keys()
)
def test_a_conversion_is_found_with_its_factor_and_id(term, unit, lineage, to_term, to_unit, times) -> None:
    found = class_dependent(term=term, unit=unit, lineage=lineage)
    assert found is not None
    assert (found.to_term, found.to_unit, found.times) == (to_term, to_unit, times)
    assert found.id.startswith("CNV-")


@pytest.mark.parametrize(("term", "unit", "lineage"), NONE.values(), ids=NONE.keys())
def test_other_goods_have_none(term, unit, lineage) -> None:
    assert class_dependent(term=term, unit=unit, lineage=lineage) is None


@pytest.mark.parametrize(("one", "other", "lineage", "expected"), NEVER.values(), ids=NEVER.keys())
def test_what_is_no_conversion_is_refused_with_its_reason(one, other, lineage, expected) -> None:
    refusal = never_converted(one, other, lineage=lineage)
    assert refusal is not None
    assert refusal.id == expected
    assert refusal.why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("LIV", "NAR"), ("LIV", "KGM")),  # corals may be converted, and of other taxa nothing is said
        (("SKI", "NAR"), ("SKP", "NAR")),
        (("LOG", "KGM"), ("LOG", "MTQ")),
        (("CAV", "KGM"), ("CAV", "GRM")),
        ((None, None), (None, None)),
    ],
)
def test_nothing_else_is_refused(one, other) -> None:
    assert never_converted(one, other) is None


def test_the_lists_name_codes_that_exist_and_ids_once() -> None:
    lists = code_lists()
    terms = lists.terms.keys() | lists.historical_terms.keys()
    for conversion in _class_dependent():
        assert conversion.terms <= terms
        assert conversion.units | {conversion.to_unit} <= UNIT_LIST.keys()
        assert conversion.to_term is None or conversion.to_term in terms
        assert conversion.times > 0
    for refusal in _never():
        assert refusal.terms | refusal.from_terms | refusal.into_terms <= terms
    ids = [entry.id for entry in (*_class_dependent(), *_never())]
    assert len(ids) == len(set(ids))
    assert conversion_provenance().source
