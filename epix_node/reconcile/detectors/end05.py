"""END-05: goods that arrived with a permit under which nothing was endorsed.

Box 14 is filled in by the border of export. Goods that come with an empty one may have left behind its back, or with a
paper of which the issuer knows nothing. Or the border there endorses on paper only: so it is told only of an issuer
that endorses nearly all of what the destination receives from it (``observability``, UNENDORSED_IMPORT of
``domain-rules.md`` 2.2), and never more than R: the importing authority is to ask the exporting one, not to refuse.

Guards. An endorsement may come late: 60 days from the first report of the destination are waited for, and the issuer's
register must be known beyond them. An endorsement of anybody ends it, also of another border of a customs union. Only
what arrived counts: goods that were refused or went back need no further question. A retrospective permit is issued
when the goods have left, and a withdrawn one is FRD-03's; neither is watched, nor are legacy documents and those of
multiple use (``accounting``).

Parameters: ``observability`` (grace, window, least share, z).
"""

from __future__ import annotations

from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.reconcile.arrivals import arrivals
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, arrived, dated, named
from epix_node.reconcile.silent import record_of, share_values
from epix_node.reconcile.view import Silence, View

PATTERN = "END-05"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case whose goods arrived without an endorsement that should have come."""
    found = (
        _unendorsed(case, fact, silence, view)
        for fact in case.permits
        if (silence := view.silences.get(fact.key)) is not None and not silence.is_confirmation
    )
    return tuple(draft for draft in found if draft is not None)


def _unendorsed(case: Case, fact: PermitFact, silence: Silence, view: View) -> FindingDraft | None:
    own = case.events_of(fact)
    came = [e for e in chronological(arrivals(fact.permit, own)) if e.acts_for(fact.permit.destination)]
    if not came or any(isinstance(e.body, Endorsement) for e in own):
        return None
    values = {
        "rule": "Res. Conf. 12.3, box 14",
        "goods": arrived(came),
        "confirmed": dated(came),
        **share_values(silence),
    }
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"{named(fact)}: {values['goods']} arrived (confirmed by {values['confirmed']}), and by {silence.due_on} "
            f"{silence.by} had endorsed no export under it ({values['rule']}), although it endorsed "
            f"{record_of(silence)}; before anything is concluded ask {silence.by} whether the goods left with its "
            "knowledge."
        ),
        events=came,
        values=values,
        view=view,
    )
