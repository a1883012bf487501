"""Which permit an event is about, rung by rung."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.permit.event import PermitRef
from epix_node.permit.model import TradeParty
from epix_node.reconcile.detectors.frd05 import detect
from epix_node.reconcile.matching import Candidates, match
from tests.reconcile.builders import (
    PARAMETERS,
    case,
    confirmed,
    endorsed,
    goods,
    line,
    noon,
    observation,
    permit,
    presented,
    ref,
    view,
)
from tests.reconcile.builders import day as on

WRONG = "26XA000132"
NEAR = permit(number="26XA000131")
ELSEWHERE = permit(number="26XA009999")
FOUND = goods(taxon="Python regius", term="LIV")
TWIN = permit(number="26XA000123", type="R", issued_on=on("02-01"), valid_until=on("02-20"))


def under(number=WRONG, *lines, on="03-20", **members):
    return confirmed(on, *lines, permit=ref(number, **members.pop("ref", {})), **members)


KNOWN = {
    "its key": (2, [permit()], ref()),
    "another day of its year": (2, [permit()], ref(issued_on="03-02")),
    "another type": (3, [permit()], ref(kind="R")),
    "another year": (3, [permit()], ref(issued_on="2025-03-01")),
    "no type": (3, [permit()], ref(kind=None)),
    "no date": (3, [permit()], ref(issued_on=None)),
    "two permits, told apart by the type": (2, [permit(), TWIN], ref()),
    "two permits, told apart by the day of the event": (3, [permit(), TWIN], ref(kind=None, issued_on=None)),
}


@pytest.mark.parametrize(("rung", "permits", "named"), KNOWN.values(), ids=KNOWN)
def test_a_number_that_was_issued(rung, permits, named):
    event = confirmed("03-20", permit=named)
    found = match(case(*permits, event), event, Candidates(), parameters=PARAMETERS.matching)
    assert (found.rung, found.permit) == (rung, permits[0].key)


def test_an_event_that_fits_several_is_matched_to_none():
    event = confirmed("03-20", permit=ref(kind=None, issued_on=None))
    own = case(permit(), permit(type="R"), event)
    assert match(own, event, Candidates(near=(NEAR,)), parameters=PARAMETERS.matching) is None


def suggestion(event, **candidates):
    return match(case(event, number=WRONG), event, Candidates(**candidates), parameters=PARAMETERS.matching)


NEAR_NUMBERS = {
    "of the same partner; the event says nothing of the goods": (under(), (NEAR,), True),
    "and the same taxon": (under(WRONG, FOUND), (NEAR,), True),
    "another taxon": (under(WRONG, goods(taxon="Boa constrictor")), (NEAR,), False),
    "another class of units": (under(WRONG, goods(unit="KGM")), (NEAR,), False),
    "a block that it lacks": (under(WRONG, goods(block="Z")), (NEAR,), False),
    "another partner": (under(by="XC"), (NEAR,), False),
    "another type": (under(ref={"kind": "R"}), (NEAR,), False),
    "endorsed at home": (endorsed("03-20", permit=ref(WRONG)), (NEAR,), True),
    "endorsed elsewhere": (endorsed("03-20", permit=ref(WRONG), by="XB"), (NEAR,), False),
    "shown at the destination": (presented("03-20", permit=ref(WRONG)), (NEAR,), True),
    "long expired, which is no matter here": (under(on="2027-03-20"), (NEAR,), True),
    "no partner is known of it": (under(), (permit(number="26XA000131", multi_use=True, importer=None),), False),
    "two of them": (under(), (NEAR, permit(number="26XA000133")), False),
    "two of them, one for other goods": (
        *(under(WRONG, FOUND), (NEAR, permit(line(taxon="Boa constrictor"), number="26XA000133"))),
        True,
    ),
}


@pytest.mark.parametrize(("event", "near", "is_meant"), NEAR_NUMBERS.values(), ids=NEAR_NUMBERS)
def test_a_near_number_is_suggested(event, near, is_meant):
    found = suggestion(event, near=near)
    assert (found is not None) == is_meant
    assert found is None or (found.rung, found.permit) == (4, NEAR.key)


def test_what_somebody_confirmed_is_meant_by_nobody_else():
    assert suggestion(under(), near=(NEAR,), confirmed=frozenset({NEAR.key})) is None


def amounts(quantity, unit="NAR"):
    return under(WRONG, goods(quantity, unit, taxon="python  REGIUS", term="LIV"))


PAPER = {"lines": [{"block": "A", "taxon": "Python regius", "term": "LIV", "quantity": "12", "unit": "NAR"}]}
ALIKE = {
    "the same goods, route and time": (under(WRONG, FOUND), ELSEWHERE, True),
    "no taxon": (under(), ELSEWHERE, False),
    "no term": (under(WRONG, goods(taxon="Python regius")), ELSEWHERE, False),
    "the paper says both": (under(presented=PAPER), ELSEWHERE, True),
    "a paper that was shown": (presented("03-20", permit=ref(WRONG), paper=PAPER), ELSEWHERE, True),
    "another taxon": (under(WRONG, goods(taxon="Boa constrictor", term="LIV")), ELSEWHERE, False),
    "another term": (under(WRONG, goods(taxon="Python regius", term="SKI")), ELSEWHERE, False),
    "a fifth less": (amounts("9.6"), ELSEWHERE, True),
    "still less": (amounts("9.5"), ELSEWHERE, False),
    "a quarter more": (amounts("15"), ELSEWHERE, True),
    "still more": (amounts("15.1"), ELSEWHERE, False),
    "another class of units": (amounts("12", "KGM"), ELSEWHERE, False),
    "45 days later": (under(WRONG, FOUND, on="04-15"), ELSEWHERE, True),
    "46 days later": (under(WRONG, FOUND, on="04-16"), ELSEWHERE, False),
    "another destination": (under(WRONG, FOUND, by="XC"), ELSEWHERE, False),
    "goods that left: nobody says where to": (endorsed("03-20", FOUND, permit=ref(WRONG)), ELSEWHERE, False),
    "of multiple use": (
        under(WRONG, FOUND),
        replace(ELSEWHERE, permit=replace(ELSEWHERE.permit, multi_use=True)),
        False,
    ),
    "not all goods": (under(WRONG, FOUND, goods("1", taxon="Boa constrictor", term="LIV")), ELSEWHERE, False),
    "a territory of the importer": (
        replace(under(WRONG, FOUND), codes=frozenset({"XB", "XE"})),
        permit(number="26XA009999", importer=TradeParty(country="XE")),
        True,
    ),
}


@pytest.mark.parametrize(("event", "candidate", "is_meant"), ALIKE.values(), ids=ALIKE)
def test_goods_that_are_alike_are_suggested(event, candidate, is_meant):
    found = suggestion(event, alike=(candidate,))
    assert (found is not None) == is_meant
    assert found is None or (found.rung, found.permit) == (5, candidate.key)


def test_a_near_number_comes_before_goods_that_are_alike():
    assert suggestion(under(WRONG, FOUND), near=(NEAR,), alike=(ELSEWHERE,)).rung == 4


def test_several_that_are_alike_are_none():
    others = tuple(permit(number=f"26XA00999{n}") for n in (8, 9))
    assert suggestion(under(WRONG, FOUND), alike=others) is None


def forged(*events, **seen):
    own = case(*events, number=WRONG)
    (draft,) = detect(own, view(**{"observation": observation(), "now": noon(on("03-25")), **seen}))
    return draft


def test_a_suggestion_is_told_with_the_finding_and_changes_nothing_else():
    """The wait for a typing error is over: it is an alert with the hint as without it."""
    event = under(WRONG, FOUND)
    plain = forged(event)
    near, alike = forged(event, neighbours=(NEAR,)), forged(event, alike=(ELSEWHERE,))
    assert [draft.class_ for draft in (plain, near, alike)] == ["A", "A", "A"]
    assert plain.id == near.id == alike.id
    assert plain.evidence == near.evidence == alike.evidence
    assert near.summary == (
        f"{plain.summary} The number is one error away from that of permit XA 26XA000131, for the same partner and "
        "goods: ask XA whether it was meant."
    )
    assert alike.summary == (
        f"{plain.summary} Permit XA 26XA009999 is for the same partner, goods, time and amount: ask XA whether it was "
        "meant."
    )
    assert (near.values["resembles"], near.values["rung"]) == ("26XA000131", "4")
    assert (alike.values["resembles"], alike.values["rung"]) == ("26XA009999", "5")
    assert [one.number for one in near.permits] == [WRONG, "26XA000131"]


def test_only_what_all_events_may_mean_is_told():
    """One of two countries cannot have meant it, and would learn of a permit that is none of its business."""
    draft = forged(under(WRONG, FOUND), under(WRONG, FOUND, by="XC"), neighbours=(NEAR,), alike=(ELSEWHERE,))
    assert "resembles" not in draft.values


def test_what_the_issuer_says_was_not_meant_is_not_suggested_again():
    assert "resembles" not in forged(under(), neighbours=(NEAR,), neighbour_dismissed=True).values


def test_of_an_unknown_number_without_type_and_date_the_goods_may_still_tell():
    event = confirmed("03-20", FOUND, permit=PermitRef(issuer="XA", number=WRONG))
    assert suggestion(event, alike=(ELSEWHERE,)).rung == 5
