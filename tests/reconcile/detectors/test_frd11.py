"""FRD-11: a document that was dated back. Signed at noon of 1 March unless a scenario says otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from epix_node.permit.facts import EventFact
from epix_node.permit.timing import Timing
from epix_node.reconcile.detectors.frd11 import detect
from tests.reconcile.builders import case, confirmed, endorsed, noon, permit, view, withdrawn
from tests.reconcile.builders import day as of

SIGNED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(**after: float) -> datetime:
    return SIGNED + timedelta(**after)


GUILTY: dict[str, dict[str, Any]] = {
    "the register itself says that it came late": {"accepted_at": at(hours=24, seconds=1)},
    "the register was smaller two days later": {"accepted_at": at(), "grown_after": at(days=2)},
    "the register was smaller an hour later": {"accepted_at": at(), "grown_after": at(hours=1)},
    "witnessed before it was signed": {"accepted_at": at(minutes=-5), "witnessed_at": at(minutes=-6)},
}
INNOCENT: dict[str, dict[str, Any]] = {
    "registered at once": {"accepted_at": at(seconds=1), "witnessed_at": at(seconds=3)},
    "registered within the day": {"accepted_at": at(hours=24)},
    "the clocks differ": {"accepted_at": at(minutes=-4), "grown_after": at(minutes=1), "witnessed_at": at(minutes=-4)},
    "nobody witnessed it for a month": {"accepted_at": at(seconds=1), "witnessed_at": at(days=30)},
    "nobody watched the register": {"accepted_at": at(seconds=1)},
    "the register had stood still before": {"accepted_at": at(hours=20), "grown_after": at(hours=20)},
}


@pytest.mark.parametrize("scenario", GUILTY)
def test_a_permit_that_was_dated_back_is_for_review(scenario: str):
    """The finding says when it was signed and what is against that."""
    fact = replace(permit(), timing=Timing(signed_at=SIGNED, **GUILTY[scenario]))
    (draft,) = detect(case(fact), view())
    assert draft.class_ == "R"
    assert draft.evidence == (fact.source,)
    assert draft.values["signed_at"] == "2026-03-01T12:00:00Z"
    assert draft.subject.number in draft.summary


@pytest.mark.parametrize("scenario", INNOCENT)
def test_what_an_honest_register_can_look_like_accuses_nobody(scenario: str):
    """Whatever was down, and for how long."""
    assert detect(case(replace(permit(), timing=Timing(signed_at=SIGNED, **INNOCENT[scenario]))), view()) == ()


def test_a_withdrawal_that_was_dated_back_is_found_with_its_permit():
    """Its entry is evidence beside the permit's."""
    honest = withdrawn("03-10")
    assert detect(case(permit(withdrawn=honest)), view()) == ()
    late = replace(honest, source=replace(honest.source, at=noon(of("03-20"))))
    fact = permit(withdrawn=late)
    (draft,) = detect(case(fact), view())
    assert draft.evidence == (fact.source, late.source)
    assert "its withdrawal" in draft.summary
    assert draft.values["withdrawal.accepted_at"] == "2026-03-20T12:00:00Z"


def test_a_permit_for_goods_that_had_left_is_an_alert():
    """Two days before its date of issue its own border had endorsed them, and it does not say why (RET-01)."""
    left = endorsed("02-27")
    (draft,) = detect(case(permit(), left), view())
    assert draft.class_ == "A"
    assert draft.evidence[-1] == left.source
    assert draft.values["endorsed"] in draft.summary


@pytest.mark.parametrize(
    ("members", "event"),
    [
        ({}, endorsed("02-28")),
        ({"retrospective": True}, endorsed("02-20")),
        ({"replaces": "26XA000122"}, endorsed("02-20")),
        ({"multi_use": True}, endorsed("02-20")),
        ({"legacy": True}, endorsed("02-20")),
        ({}, endorsed("02-20", by="XC")),
        ({}, confirmed("02-20")),
    ],
    ids=["another calendar", "says so", "a replacement", "multiple use", "legacy", "another Party", "an arrival"],
)
def test_what_may_have_left_before_accuses_nobody(members: dict[str, Any], event: EventFact):
    """Whatever else the date may mean."""
    assert detect(case(permit(**members), event), view()) == ()
