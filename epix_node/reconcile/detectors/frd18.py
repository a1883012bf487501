"""FRD-18: a permit of a phantom authority, signed with a key that was revoked before it was signed.

Whoever has a stolen key signs permits like the authority. When the theft is found out the authority revokes the key as
of the theft, and what cannot be proven older counts no more (protocol decision 7): ``case.void``. A where goods moved
under such a document, R where it was only shown, or its goods were refused or returned (``domain-rules.md`` 2.4).
About a document that nobody used nothing is said here: whoever asks for it reads REVOKED_KEY, and one theft may end
thousands that nobody will ever see.

The document may also be the authority's own, from the days before the theft was known. Nobody else can tell, so the
sentence asks the authority: it issues its own again under the new key, which takes the place of this one and resolves
the finding, and has the goods of the others held.

Guards. A key that was replaced in time and not revoked signs nothing phantom, and neither does a revoked one in what is
provably older. Events count for the void document that they mean, and for none where a permit that counts has the
number and may be meant. FRD-05 says nothing of a number with a void document: it was not invented.

Parameters: none.
"""

from __future__ import annotations

from datetime import date

from epix_node.permit.event import Confirmation, PermitRef
from epix_node.permit.facts import Case, EventFact, PermitFact, permit_meant, permits_meant
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import PermitType
from epix_node.reconcile.arrivals import moved_goods
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, done, named
from epix_node.reconcile.view import View

PATTERN = "FRD-18"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each document of the case that counts no more and that somebody used or showed."""
    found = (_phantom(case, fact, view) for fact in case.void)
    return tuple(draft for draft in found if draft is not None)


def _phantom(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    spoken = chronological((*_events(case, fact), *_uses(case, fact)))
    if not spoken:
        return None
    moved = [event for event in spoken if moved_goods(event)]
    told = moved or spoken
    values = {"rule": "Art. VI.3", "signed": "with a key that was revoked", "used": done(told)}
    summary = (
        f"{named(fact)} was signed {values['signed']} as of a time before the document can be proven to have existed, "
        f"so it does not count ({values['rule']}), "
    )
    issuer = case.issuer
    summary += (
        f"but goods moved under it: {values['used']}; {issuer} says whether it is its own, by issuing it again, and "
        "whoever has the goods holds them until then."
        if moved
        else f"and it was shown or its goods were turned away: {values['used']}; let nothing move under it unless "
        f"{issuer} issues it again."
    )
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT if moved else FindingClass.REVIEW,
        summary=summary,
        events=told,
        values=values,
        view=view,
    )


def _events(case: Case, fact: PermitFact) -> list[EventFact]:
    every = (*case.permits, *case.void)
    return [event for event in case.events if _means(event.body.permit, event.body.date, fact, every)]


def _uses(case: Case, fact: PermitFact) -> list[EventFact]:
    """The confirmations that name it as their import permit."""
    if fact.permit.type != PermitType.IMPORT:
        return []
    every = tuple(one for one in (*case.permits, *case.void) if one.permit.type == PermitType.IMPORT)
    return [
        use
        for use in case.uses
        if isinstance(use.body, Confirmation)
        and use.body.import_permit is not None
        and _means(use.body.import_permit, use.body.date, fact, every)
    ]


def _means(ref: PermitRef, on: date, fact: PermitFact, every: tuple[PermitFact, ...]) -> bool:
    """Whether a reference means this document, or one of several of which none counts."""
    candidates = permits_meant(every, ref)
    meant = permit_meant(candidates, ref, on=on)
    if meant is not None:
        return meant is fact
    return fact in candidates and all(one.is_void for one in candidates)
