"""FRD-03: a permit used after its issuer took it back.

Cancelled, lost, stolen, destroyed or replaced: the number is dead from that day (DOC-03, DOC-04), but the paper may
still travel. The day is the UTC date on which the withdrawal was issued (``domain-rules.md`` 0.15), and events carry
local dates, so:

* before that day: nothing;
* on that day and the next: R, since nobody can tell what came first, or whether the notice had arrived;
* from the second day on: A, unless the goods were under way, then R.

Goods are under way if they were endorsed on or before that day (0.18). For a later endorsement, that means another
endorsement of the same consignment (``clusters``). For a confirmation, any endorsement of the permit: what left was
lawful when it left. A confirmation that names a withdrawn import permit is judged by the endorsements of the permit
under which its goods travelled, and is R where this node cannot know them.

Every outcome counts: who seizes or refuses the goods has seen the dead paper too. Look-ups and presentations are no
use of a permit (0.3). A replacement is a permit of its own and none of this touches it.

Parameters: ``same_consignment``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact, WithdrawalFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import PermitType
from epix_node.permit.number import NumberRef
from epix_node.reconcile.clusters import chronological, clusters
from epix_node.reconcile.sentence import about_permit, done, named
from epix_node.reconcile.view import View

PATTERN = "FRD-03"

_NOTICE = timedelta(days=1)
"""On the day of the withdrawal and so long after, use is R (``domain-rules.md`` 0.15)."""


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each withdrawn permit of the case that was used on or after the day of its withdrawal."""
    found = (_used_after(case, fact, fact.withdrawal, view) for fact in case.permits if fact.withdrawal)
    return tuple(draft for draft in found if draft is not None)


def _used_after(case: Case, fact: PermitFact, withdrawal: WithdrawalFact, view: View) -> FindingDraft | None:
    day = withdrawal.day
    own = case.events_of(fact)
    endorsements = [e for e in own if isinstance(e.body, Endorsement)]
    under_way = {
        event.source.document: before
        for cluster in clusters(endorsements, days=view.parameters.same_consignment)
        if (before := _on_or_before(day, cluster.events))
        for event in cluster.events
    }
    left: dict[str, tuple[EventFact, ...] | None] = {}
    uses: list[EventFact] = []
    for event in chronological((*own, *(case.uses_of(fact) if fact.permit.type == PermitType.IMPORT else ()))):
        if event.body.date < day or not isinstance(event.body, Endorsement | Confirmation):
            continue
        uses.append(event)
        if isinstance(event.body, Endorsement):
            left[event.source.document] = under_way.get(event.source.document, ())
        elif (event.body.permit.issuer, event.body.permit.number) == (case.issuer, case.number):
            left[event.source.document] = _on_or_before(day, endorsements)
        else:
            elsewhere = view.endorsements_of_goods(event)
            left[event.source.document] = None if elsewhere is None else _on_or_before(day, elsewhere)
    if not uses:
        return None
    alerts = [e for e in uses if e.body.date - day > _NOTICE and left[e.source.document] == ()]
    # What left before the withdrawal is why a late use is R, so it is evidence as well.
    excuses = [] if alerts else [b for e in uses if e.body.date - day > _NOTICE for b in left[e.source.document] or ()]
    class_ = FindingClass.ALERT if alerts else FindingClass.REVIEW
    return _draft(fact, withdrawal, class_=class_, uses=alerts or uses, excuses=excuses, view=view)


def _on_or_before(day: date, endorsements: Iterable[EventFact]) -> tuple[EventFact, ...]:
    return tuple(e for e in endorsements if e.body.date <= day)


def _draft(
    fact: PermitFact,
    withdrawal: WithdrawalFact,
    *,
    class_: FindingClass,
    uses: list[EventFact],
    excuses: list[EventFact],
    view: View,
) -> FindingDraft:
    body = withdrawal.withdrawal
    told = done(uses)
    values = {"rule": "DOC-03", "withdrawn_on": str(withdrawal.day), "reason": body.reason.value, "used": told}
    successor = body.replaced_by
    mentioned = []
    if successor is not None:
        values["replaced_by"] = successor.number
        mentioned.append(
            NumberRef(issuer=successor.issuer, number=successor.number, type=successor.type, year=successor.year)
        )
    how = f"replaced by {successor.number}" if successor is not None else body.reason.value
    summary = (
        f"{named(fact)} was withdrawn on {withdrawal.day} ({how}), but was used after that: {told}; nothing moves "
        f"under a withdrawn permit ({values['rule']}): hold the goods, and ask who showed it where the paper is from."
    )
    if class_ is FindingClass.REVIEW:
        why = "for goods that may have been under way" if excuses else "at about that time"
        values["excuse"] = done(excuses) if excuses else "about the same time"
        summary = (
            f"{named(fact)} was withdrawn on {withdrawal.day} ({how}) and used {why}: {told}; ask the offices when the "
            f"goods left, and what they knew of the withdrawal ({values['rule']})."
        )
    return about_permit(
        PATTERN,
        fact,
        class_=class_,
        summary=summary,
        events=(*uses, *excuses),
        values=values,
        view=view,
        other=(withdrawal.source,),
        mentioned=mentioned,
    )
