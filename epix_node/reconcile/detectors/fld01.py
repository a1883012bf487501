"""FLD-01: a number that does not tell which permit was used.

Box 1 holds a unique number. Where an issuer publishes two permits under one number, an event that named only the
number fits both. It belongs to the permit in force on its date; where both were, nobody can say which was used up, and
an officer must (contract 1). Neither permit's status shows such an event, so the finding has to.

The finding is about the number: its subject has neither type nor year. Always R.
"""

from __future__ import annotations

from epix_node.permit.facts import Case
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.number import NumberRef
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import MAX_PERMITS, done, ordered
from epix_node.reconcile.view import View

PATTERN = "FLD-01"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """The finding about events that fit several held permits."""
    events = tuple(chronological(case.events_without_permit())) if case.permits else ()
    if not events:
        return ()
    subject = NumberRef(issuer=case.issuer, number=case.number)
    fitting = ordered(
        NumberRef(issuer=f.key.issuer, number=f.key.number, type=f.key.type, year=f.key.year) for f in case.permits
    )
    values = {
        "rule": "FLD-01, box 1",
        "issuer": case.issuer,
        "number": case.number,
        "used": done(events),
        "permits": str(len(case.permits)),
    }
    return (
        FindingDraft(
            pattern=PATTERN,
            subject=subject,
            class_=FindingClass.REVIEW,
            summary=(
                f"{case.issuer} has {values['permits']} permits numbered {case.number}, and it cannot be told which of "
                f"them was used: {values['used']}; ask the office to send the record again with the type and the date "
                f"of issue ({values['rule']})."
            ),
            permits=(subject, *fitting)[:MAX_PERMITS],
            evidence=tuple(event.source for event in events),
            values=values,
            ruleset=view.ruleset_id,
        ),
    )
