"""FRD-03: a permit used after its issuer took it back. The withdrawal is of 10 April."""

from __future__ import annotations

import pytest

from epix_node.reconcile.detectors.frd03 import detect
from tests.reconcile.builders import (
    IMPORT_REF,
    case,
    confirmed,
    endorsed,
    import_case,
    import_permit,
    permit,
    presented,
    ref,
    view,
    withdrawn,
)


def stolen(**members):
    return permit(withdrawn=withdrawn("04-10"), **members)


def classes(facts, **members):
    return "".join(draft.class_ for draft in detect(facts, view(**members)))


SCENARIOS = {
    "confirmed on the second day after": ("A", [stolen(), confirmed("04-12")]),
    "refused on the second day after": ("A", [stolen(), confirmed("04-12", outcome="refused")]),
    "seized long after": ("A", [stolen(), confirmed("06-12", outcome="seized")]),
    "endorsed on the second day after": ("A", [stolen(), endorsed("04-12")]),
    "endorsed and confirmed after": ("A", [stolen(), endorsed("04-12"), confirmed("04-14")]),
    "endorsed only the day after, so not under way": ("A", [stolen(), endorsed("04-11"), confirmed("04-14")]),
    "other goods were endorsed before": (
        "A",
        [stolen(), endorsed("03-01", document="AWB1"), endorsed("04-20", document="AWB2")],
    ),
    "replaced, and both used": (
        "A",
        [permit(withdrawn=withdrawn("04-10", "replaced", successor="26XA000124")), confirmed("04-12")],
    ),
    "multiple use": ("A", [stolen(multi_use=True), confirmed("04-12")]),
    "on the day": ("R", [stolen(), confirmed("04-10")]),
    "on the next day": ("R", [stolen(), confirmed("04-11")]),
    "goods under way arrive": ("R", [stolen(), endorsed("04-08"), confirmed("05-12")]),
    "goods that left on the day arrive": ("R", [stolen(), endorsed("04-10"), confirmed("05-12")]),
    "the rest of a consignment under way is endorsed": (
        "R",
        [stolen(), endorsed("04-09", document="AWB1"), endorsed("04-13", document="AWB1")],
    ),
    "before the day": ("", [stolen(), endorsed("04-01"), confirmed("04-09")]),
    "only shown": ("", [stolen(), presented("05-12")]),
    "never used": ("", [stolen()]),
    "not withdrawn": ("", [permit(), confirmed("05-12")]),
}


@pytest.mark.parametrize(("expected", "facts"), SCENARIOS.values(), ids=SCENARIOS)
def test_the_class_depends_on_the_days_since_the_withdrawal(expected, facts):
    assert classes(case(*facts)) == expected


def test_the_replacement_may_be_used_after_the_old_permit_was_withdrawn():
    """It has a number of its own, and so a case of its own."""
    successor = case(permit(number="26XA000124"), confirmed("05-12", permit=ref("26XA000124")), number="26XA000124")
    assert classes(successor) == ""
    assert classes(case(permit(withdrawn=withdrawn("04-10", "replaced", successor="26XA000124")))) == ""


def test_the_sentence_names_the_successor_and_the_withdrawal_is_evidence():
    fact = permit(withdrawn=withdrawn("04-10", "replaced", successor="26XA000124"))
    (draft,) = detect(case(fact, confirmed("04-12")), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 was withdrawn on 2026-04-10 (replaced by 26XA000124), but was used after that: "
        "confirmed by XB on 2026-04-12; nothing moves under a withdrawn permit (DOC-03): hold the goods, and ask who "
        "showed it where the paper is from."
    )
    assert [e.type for e in draft.evidence] == ["permit", "withdrawal", "import-confirmation"]
    assert [p.number for p in draft.permits] == ["26XA000123", "26XA000124"]


def test_the_endorsement_that_shows_goods_under_way_is_evidence():
    (draft,) = detect(case(stolen(), endorsed("04-08"), confirmed("05-12")), view())
    assert {e.type for e in draft.evidence} == {"permit", "withdrawal", "export-endorsement", "import-confirmation"}
    assert draft.summary == (
        "Export permit XA 26XA000123 was withdrawn on 2026-04-10 (stolen) and used for goods that may have been "
        "under way: confirmed by XB on 2026-05-12; ask the offices when the goods left, and what they knew of the "
        "withdrawal (DOC-03)."
    )


@pytest.mark.parametrize(
    ("goods", "expected"),
    [
        ((), "R"),
        ((case(permit()),), "A"),
        ((case(permit(), endorsed("04-08")),), "R"),
        ((case(permit(), endorsed("04-11")),), "A"),
    ],
    ids=["goods unknown here", "goods never endorsed", "goods under way", "goods endorsed later"],
)
def test_a_withdrawn_import_permit_is_judged_by_when_the_goods_left(goods, expected):
    fact = import_permit(withdrawn=withdrawn("04-10", by="XB"))
    facts = import_case(fact, uses=[confirmed("05-12", import_permit=IMPORT_REF)])
    assert classes(facts, goods=goods) == expected
