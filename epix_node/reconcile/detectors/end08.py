"""END-08: a record of use that was taken back late, or that had raised an alert.

The importing authority cancels and keeps the document, so a confirmation closes it (Art. VI.6). Officers mistype, and a
correction within days is ordinary. One that comes after a week, or that makes an opened alert go away, frees a used
permit again or removes evidence: somebody should look (contract 5). The correction itself takes effect all the same.

Always R. Parameter: ``correction``.
"""

from __future__ import annotations

from collections.abc import Iterator

from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, CorrectionFact, PermitFact, permit_meant
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.number import NumberRef
from epix_node.reconcile.sentence import about_permit, named
from epix_node.reconcile.view import View

PATTERN = "END-08"

_RULE = "END-08, Art. VI.6"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit, or number, whose record of use was taken back so."""
    return tuple(_found(case, view))


def _found(case: Case, view: View) -> Iterator[FindingDraft]:
    by_permit: dict[PermitFact | None, list[CorrectionFact]] = {}
    for correction in sorted(case.corrections, key=lambda c: (c.by.at, c.by.party, c.by.document)):
        if _is_late(correction, view) or correction.event.source.document in view.alarming:
            body = correction.event.body
            meant = permit_meant(case.permits, body.permit, on=body.date)
            by_permit.setdefault(meant, []).append(correction)
    for fact, corrections in by_permit.items():
        told = ", ".join(f"{c.by.party} on {c.by.at.date()} ({_deed(c)} of {c.event.body.date})" for c in corrections)
        about = named(fact) if fact is not None else f"{case.issuer} {case.number}"
        summary = (
            f"A record of use of {about} was taken back late, or after it had raised an alert: {told}; a document that "
            f"was used stays cancelled ({_RULE}), so ask the office why, and for its papers."
        )
        sources = tuple(source for c in corrections for source in (c.event.source, c.by))
        if fact is not None:
            yield about_permit(
                PATTERN,
                fact,
                class_=FindingClass.REVIEW,
                summary=summary,
                events=(),
                values={"rule": _RULE, "corrected": told},
                view=view,
                other=sources,
            )
        else:
            subject = NumberRef(issuer=case.issuer, number=case.number)
            yield FindingDraft(
                pattern=PATTERN,
                subject=subject,
                class_=FindingClass.REVIEW,
                summary=summary,
                permits=(subject,),
                evidence=sources,
                values={"rule": _RULE, "issuer": case.issuer, "number": case.number, "corrected": told},
                ruleset=view.ruleset_id,
            )


def _deed(correction: CorrectionFact) -> str:
    return "endorsement" if isinstance(correction.event.body, Endorsement) else "confirmation"


def _is_late(correction: CorrectionFact, view: View) -> bool:
    return correction.by.at - correction.event.source.at > view.parameters.correction
