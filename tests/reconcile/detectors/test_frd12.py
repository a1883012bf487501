"""FRD-12: goods that went somewhere else than the permit says. It is for XB."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.reconcile.detect import detect as detect_all
from epix_node.reconcile.detectors.frd12 import detect
from tests.reconcile.builders import (
    IMPORT_REF,
    TIMBER,
    case,
    confirmed,
    endorsed,
    goods,
    import_case,
    import_permit,
    permit,
    view,
)

MOVED = replace(TIMBER, kind="timber-change-of-destination")
SCENARIOS = {
    "arrived elsewhere": ("A", [permit(), endorsed("03-18"), confirmed("03-20", by="XC")]),
    "arrived elsewhere, never endorsed": ("A", [permit(), confirmed("03-20", by="XC")]),
    "seized elsewhere": ("A", [permit(), confirmed("03-20", by="XC", outcome="seized")]),
    "refused at the destination, let in elsewhere": (
        "A",
        [permit(), confirmed("03-20", outcome="refused"), confirmed("03-22", by="XC")],
    ),
    "through a transit country to another one": (
        "A",
        [permit(transit=("XC",)), confirmed("03-19", by="XC"), confirmed("03-21", by="XD")],
    ),
    "in two other countries": ("A", [permit(), confirmed("03-20", by="XC"), confirmed("03-21", by="XD")]),
    "a timber extension is no change of destination": ("A", [permit(), confirmed("03-20", by="XC", basis=TIMBER)]),
    "arrived where it should": ("", [permit(), endorsed("03-18"), confirmed("03-20")]),
    "not confirmed yet": ("", [permit(), endorsed("03-18")]),
    "arrived there and elsewhere": ("", [permit(), confirmed("03-20"), confirmed("03-22", by="XC")]),
    "trap: in transit": ("", [permit(transit=("XC",)), endorsed("03-18"), confirmed("03-19", by="XC")]),
    "trap: returned from elsewhere": ("", [permit(), confirmed("03-20", by="XC", outcome="returned")]),
    "trap: returned, and received at home": (
        "",
        [permit(), confirmed("03-20", outcome="returned"), confirmed("03-30", by="XA")],
    ),
    "trap: seized at the destination": ("", [permit(), confirmed("03-20", outcome="seized")]),
    "trap: multiple use": ("", [permit(multi_use=True), confirmed("03-20", by="XC"), confirmed("04-20", by="XD")]),
    "trap: timber sold on the way": ("", [permit(), confirmed("03-20", by="XC", basis=MOVED)]),
    "trap: a partner without a node": ("", [permit(), endorsed("03-18")]),
    "without a destination": ("", [permit(importer=None), confirmed("03-20", by="XC")]),
}


@pytest.mark.parametrize(("expected", "facts"), SCENARIOS.values(), ids=SCENARIOS)
def test_goods_must_arrive_where_the_permit_says(expected, facts):
    assert "".join(draft.class_ for draft in detect(case(*facts), view())) == expected


def test_a_territory_of_the_destination_is_the_destination():
    """The Party that speaks for the code of box 3a confirms for it (contract 1, ``issues_for``)."""
    at_home = replace(confirmed("03-20", by="XC"), codes=frozenset({"XC", "XB"}))
    assert detect(case(permit(), at_home), view()) == ()


def test_the_sentence():
    (draft,) = detect(case(permit(transit=("XD",)), endorsed("03-18"), confirmed("03-20", goods("9"), by="XC")), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 is for import into XB through XD (Art. VI.2, box 3a), but 9 NAR arrived elsewhere "
        "(XC on 2026-03-20), and XB has confirmed no arrival; ask XC on what ground the goods were let in, and XB "
        "whether it expects them."
    )


@pytest.mark.parametrize(
    ("facts", "patterns"),
    [
        ([confirmed("03-20", by="XC")], ["FRD-12"]),
        ([confirmed("03-20"), confirmed("03-20", by="XC")], ["FRD-01", "FRD-04"]),
        ([confirmed("03-20", goods("1"), by="XC"), confirmed("03-20", goods("1"), by="XD")], ["FRD-01", "FRD-12"]),
    ],
)
def test_a_second_use_is_reuse_and_a_first_one_elsewhere_is_diversion(facts, patterns):
    """Where the destination has the goods too, FRD-01 says all there is."""
    assert [draft.pattern for draft in detect_all(case(permit(), *facts), view())] == patterns


def test_an_import_permit_is_not_accused_of_where_the_goods_went():
    """The finding is about the permit with which they travelled."""
    use = confirmed("03-20", by="XC", import_permit=IMPORT_REF)
    assert detect(import_case(import_permit(), uses=[use]), view()) == ()
