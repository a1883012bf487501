"""The life of a finding: pending, open, decided, resolved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from epix_node.permit.event import Alert, AlertEvidence
from epix_node.permit.finding import Decision, FindingClass, FindingState
from epix_node.permit.number import NumberRef
from epix_node.reconcile.detect import detect
from epix_node.reconcile.settle import from_alert, resolved, settle
from tests.reconcile.builders import (
    PARAMETERS,
    case,
    confirmed,
    day,
    noon,
    observation,
    permit,
    ref,
    view,
)

HOUR = timedelta(hours=1)
PERMIT = permit()
FIRST = confirmed("03-20", at=noon(day("03-20")))
SECOND = confirmed("03-22", by="XC", at=noon(day("03-22")))
THIRD = confirmed("05-22", by="XC", at=noon(day("05-22")))
LATEST = SECOND.source.at


def reuse(*more):
    (draft,) = [d for d in detect(case(PERMIT, FIRST, SECOND, *more), view()) if d.pattern == "FRD-01"]
    return draft


def settled(draft, now, *, previous=None, decision=None):
    return settle(draft, previous=previous, decision=decision, now=now, parameters=PARAMETERS)


def decided(draft, decision="dismissed", *, class_=None):
    return Decision(
        decision=FindingState(decision),
        reason="looked into",
        client="ma",
        at=LATEST + 30 * HOUR,
        class_=class_ or draft.class_,
        seen=frozenset(source.document for source in draft.evidence),
    )


@pytest.mark.parametrize("class_", FindingClass)
@pytest.mark.parametrize(
    ("waited", "state"), [(0 * HOUR, "pending"), (24 * HOUR - timedelta(seconds=1), "pending"), (24 * HOUR, "open")]
)
def test_every_class_opens_24_hours_after_the_latest_evidence(class_, waited, state):
    finding = settled(replace(reuse(), class_=class_), LATEST + waited)
    assert finding.state == state
    assert finding.latest_at == LATEST


def test_the_first_time_seen_is_kept_and_the_time_of_opening_is_noted_once():
    pending = settled(reuse(), LATEST)
    assert (pending.first_seen, pending.opened) == (LATEST, None)
    opened = settled(reuse(), LATEST + 25 * HOUR, previous=pending)
    assert (opened.first_seen, opened.opened) == (LATEST, LATEST + 25 * HOUR)
    later = settled(reuse(), LATEST + 50 * HOUR, previous=opened)
    assert later == opened


def test_settling_again_at_the_same_time_changes_nothing():
    now = LATEST + 25 * HOUR
    once = settled(reuse(), now)
    assert settled(reuse(), now, previous=once) == once


@pytest.mark.parametrize("decision", ["confirmed", "dismissed", "duplicate"])
def test_a_decision_binds_while_class_and_evidence_are_those_it_saw(decision):
    finding = settled(reuse(), LATEST + 50 * HOUR, decision=decided(reuse(), decision))
    assert finding.state == decision


def test_a_decision_still_binds_when_evidence_goes_away():
    finding = settled(reuse(), LATEST + 999 * HOUR, decision=decided(reuse(THIRD)))
    assert finding.state == "dismissed"


def test_a_document_that_the_decision_had_not_seen_reopens_the_finding_at_once():
    """Contract 5 says open, not pending: somebody looked at this permit before, and now there is more."""
    dismissed = settled(reuse(), LATEST + 50 * HOUR, decision=decided(reuse()))
    reopened = settled(reuse(THIRD), THIRD.source.at, previous=dismissed, decision=decided(reuse()))
    assert reopened.state == "open"
    assert reopened.first_seen == dismissed.first_seen


def test_new_evidence_of_an_undecided_finding_cools_off_again():
    opened = settled(reuse(), LATEST + 25 * HOUR)
    again = settled(reuse(THIRD), THIRD.source.at, previous=opened)
    assert again.state == "pending"
    assert again.opened == opened.opened


def test_a_change_of_class_frees_the_finding_from_its_decision():
    decision = decided(reuse(), class_=FindingClass.REVIEW)
    assert settled(reuse(), LATEST + 50 * HOUR, decision=decision).state == "open"
    assert settled(reuse(), LATEST + HOUR, decision=decision).state == "pending"


def test_a_resolved_finding_stays_listed_and_can_come_back():
    opened = settled(reuse(), LATEST + 25 * HOUR)
    gone = resolved(opened)
    assert gone == replace(opened, state=FindingState.RESOLVED)
    back = settled(reuse(), LATEST + 99 * HOUR, previous=gone)
    assert (back.state, back.first_seen) == ("open", opened.first_seen)


MISTYPED = confirmed("03-20", permit=ref("26XA000124"), at=noon(day("03-20")))


def unknown_number(**members):
    facts = case(MISTYPED, number="26XA000124")
    given = {"observation": observation(), "neighbours": (PERMIT,), "now": noon(day("03-21")), **members}
    (draft,) = detect(facts, view(**given))
    return draft


def test_dismissing_a_likely_typing_error_makes_an_alert_that_nobody_has_decided():
    """The dismissal was given on class R; it says that the paper is forged and cannot close the alert that follows."""
    review = unknown_number()
    dismissal = decided(review)
    now = noon(day("03-21")) + HOUR
    dismissed = settled(review, now, decision=dismissal)
    assert (dismissed.class_, dismissed.state) == ("R", "dismissed")

    alert = unknown_number(neighbour_dismissed=True)
    finding = settled(alert, now, previous=dismissed, decision=dismissal)
    assert (finding.id, finding.class_, finding.state) == (dismissed.id, "A", "open")
    assert finding.opened == now


def test_dismissing_a_typing_error_before_it_opened_leaves_the_alert_to_cool_off():
    review = unknown_number()
    alert = unknown_number(neighbour_dismissed=True)
    finding = settled(alert, noon(day("03-20")) + HOUR, decision=decided(review))
    assert (finding.class_, finding.state) == ("A", "pending")


def test_deciding_the_alert_closes_it():
    alert = unknown_number(neighbour_dismissed=True)
    finding = settled(alert, noon(day("03-22")), decision=decided(alert, "confirmed"))
    assert (finding.class_, finding.state) == ("A", "confirmed")


def alert(**members):
    subject = NumberRef(issuer="XA", number="26XA000123", type="E", year=2026)
    given = {
        "finding_id": "ab" * 32,
        "pattern": "FRD-01",
        "class_": "A",
        "state": "open",
        "ruleset": "test",
        "opened": LATEST + 24 * HOUR,
        "summary": "Twice.",
        "permits": (subject,),
        "values": (("confirmed", "2"),),
        "evidence": (AlertEvidence(document="cd" * 32, type="import-confirmation", party="XC", index=7),),
        "subject": subject,
        **members,
    }
    return Alert(**given)


def test_who_cannot_derive_a_finding_shows_the_issuers_alert():
    now = LATEST + 25 * HOUR
    finding = from_alert(alert(), first_seen=now, at=LATEST + 24 * HOUR)
    assert not finding.derived
    assert finding.to_json(origin_of=lambda party: f"register of {party}") == {
        "id": "ab" * 32,
        "pattern": "FRD-01",
        "class": "A",
        "state": "open",
        "permits": [{"issuer": "XA", "type": "E", "number": "26XA000123", "year": 2026}],
        "parties": ["XA", "XC"],
        "first_seen": "2026-03-23T13:00:00Z",
        "opened": "2026-03-23T12:00:00Z",
        "summary": "Twice.",
        "evidence": [
            {"kind": "import-confirmation", "document": "cd" * 32, "register": {"origin": "register of XC", "index": 7}}
        ],
        "values": {"confirmed": "2"},
        "ruleset": "test",
    }


@pytest.mark.parametrize("wrong", [{"class_": "Z"}, {"state": "gone"}])
def test_an_alert_of_no_known_class_or_state_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a valid"):
        from_alert(alert(**wrong), first_seen=LATEST, at=LATEST)
