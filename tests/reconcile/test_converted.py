"""Amounts of the same goods that were counted in different ways."""

from __future__ import annotations

from fractions import Fraction

import pytest

from epix_node.permit.quantity import Quantity
from epix_node.reconcile.converted import Measure, converted

MAHOGANY, CROCODILE, EEL = "Swietenia macrophylla", "Crocodylus niloticus", "Anguilla anguilla"

CASES = {
    "the same": (("3", "NAR"), "SKI", (CROCODILE, "SKI", "NAR"), "3", None),
    "arithmetic": (("3000", "GRM"), None, (CROCODILE, "MEA", "KGM"), "3", None),
    "a pair is two": (("3", "PAI"), "SKI", (CROCODILE, "SKI", "NAR"), "6", None),
    "another term, of which no rule speaks": (("3", "NAR"), "BOD", (CROCODILE, "LIV", "NAR"), "3", None),
    "kilograms of timber": (("730", "KGM"), "SAW", (MAHOGANY, "SAW", "MTQ"), "1", "CNV-18"),
    "grams of timber": (("730000", "GRM"), "SAW", (MAHOGANY, "SAW", "MTQ"), "1", "CNV-18"),
    "and back": (("1", "MTQ"), "SAW", (MAHOGANY, "SAW", "KGM"), "730", "CNV-18"),
    "and back, in tons": (("1", "MTQ"), None, (MAHOGANY, "SAW", "TON"), "0.73", "CNV-18"),
    "timber of which nobody knows the weight": (("1", "MTQ"), "SAW", ("Cedrela fissilis", "SAW", "KGM"), None, None),
    "sides": (("3", "SID"), "SKI", (CROCODILE, "SKI", "NAR"), "1.5", "CNV-02"),
    "sides as a term": (("3", "NAR"), "SID", (CROCODILE, "SKI", "NAR"), "1.5", "CNV-03"),
    "skins into sides": (("3", "NAR"), "SKI", (CROCODILE, "SID", "NAR"), "6", "CNV-03"),
    "belly skins": (("3", "BSK"), "SKI", (CROCODILE, "SKI", "NAR"), "3", "CNV-04"),
    "sets of piano keys stay sets": (("3", "NAR"), "PKY", ("Loxodonta africana", "PKY", "NAR"), "3", None),
    "sets of piano keys into keys": (("3", "NAR"), "PKY", ("Loxodonta africana", "KEY", "NAR"), "156", "CNV-05"),
    "live coral": (("0.206", "KGM"), "LIV", ("Acropora millepora", "LIV", "NAR"), "1", "CNV-06"),
    "live parrots are no coral": (("0.206", "KGM"), "LIV", ("Psittacus erithacus", "LIV", "NAR"), None, None),
    "eels": (("1", "KGM"), "LIV", (EEL, "LIV", "NAR"), None, None),
    "logs and boards": (("1", "MTQ"), "SAW", (MAHOGANY, "LOG", "MTQ"), None, None),
    "skins and leather": (("1", "NAR"), "LPS", (CROCODILE, "SKI", "NAR"), None, None),
    "without a taxon": (("1", "KGM"), "SKI", (None, "SKI", "NAR"), None, None),
    "boxes": (("1", "BOX"), "SKI", (CROCODILE, "SKI", "NAR"), None, None),
}


@pytest.mark.parametrize(("given", "term", "into", "expected", "by"), CASES.values(), ids=CASES)
def test_an_amount_is_made_comparable_or_is_not(given, term, into, expected, by):
    taxon, into_term, unit = into
    found = converted(Quantity.parse(*given), term=term, into=Measure(taxon=taxon, term=into_term, unit=unit))
    if expected is None:
        assert found is None
        return
    assert found.micro == pytest.approx(Fraction(Quantity.parse(expected, unit).micro), abs=1)
    assert found.by == by
