"""FRD-15: another permit for goods that were turned away, or one paper in many countries.

A trader whose goods are refused under one permit looks for another one that fits, and shows the same load again. Each
permit may be genuine; what is odd is that one load needs two (``domain-rules.md`` 2.4). R, always.

The same shipment is: the same importing Party, the same transport document, and goods that may be of the same species.
The finding is about the permit under which goods were turned away, one for each such permit. The others are those which
that Party confirms under the same document, with whatever outcome, after it had turned the goods away: on a later day,
or later in the register on the same day, and at most ``same_shipment`` later, since numbers of waybills come back.

Guards. One waybill often covers several permits, for different species: those are not the same goods. The replacement
of the refused permit is what an honest trader brings (DOC-01). A declared transit country imports nothing, and without
a transport document nobody can tell which shipment it was. Where this node does not hold the other permit, it goes by
the species that the confirmation gives, and where that gives none, they may be the same.

Here ``view.shown_for`` brings the other permits' cases.

The other half of the pattern: one paper that ``shown_countries`` reported to the issuer (``presentation``) within
``shown_within``. Countries on the declared route of transit see it as a matter of course and do not count, nor does the
issuer; plain look-ups are not exchanged between Parties, and a document of multiple use is shown everywhere. A permit
with both is told as turned away. A presentation goes to the issuer alone, so its node alone can tell.

Parameters: ``same_shipment``, ``shown_countries``, ``shown_within``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from epix_node.permit.allowance import allowance_for, allowances
from epix_node.permit.event import Confirmation, Presentation
from epix_node.permit.facts import Case, EventFact, PermitFact, permit_meant
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Line
from epix_node.permit.number import normalised
from epix_node.reconcile.arrivals import is_import
from epix_node.reconcile.clusters import chronological, transport_document
from epix_node.reconcile.sentence import about_permit, dated, listed, named, ordered
from epix_node.reconcile.species import may_be_of, nearest
from epix_node.reconcile.view import View
from epix_node.reference.kinship import Kinship

PATTERN = "FRD-15"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case whose goods came back under another one, or that many countries saw."""
    found = (_shown_again(case, fact, view) or _shown_around(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _shown_around(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit = fact.permit
    if permit.multi_use:
        return None
    within = view.parameters.shown_within
    shown = [
        event
        for event in chronological(case.events_of(fact))
        if isinstance(event.body, Presentation) and not event.acts_for(permit.issuer) and is_import(permit, event)
    ]
    told: dict[str, EventFact] = {}
    for first in shown:
        near = [event for event in shown if timedelta(0) <= event.body.date - first.body.date <= within]
        if len({event.party for event in near}) >= view.parameters.shown_countries:
            told |= {event.source.document: event for event in near}
    if not told:
        return None
    values = {
        "rule": "Art. VI.5",
        "countries": str(len({event.party for event in told.values()})),
        "within_days": str(within.days),
        "shown": dated(told.values()),
    }
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"{named(fact)} was shown in {values['countries']} countries within {values['within_days']} days "
            f"({values['shown']}), which is more than its declared route explains; it covers one consignment "
            f"({values['rule']}): ask the countries which goods came with it, and look for copies."
        ),
        events=told.values(),
        values=values,
        view=view,
    )


def _shown_again(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    turned_away, again = [], []
    for rejection in chronological(case.events_of(fact)):
        body = rejection.body
        if not isinstance(body, Confirmation) or not body.turned_away or not is_import(fact.permit, rejection):
            continue
        later = [
            event
            for other in view.shown_for
            for event in other.events
            if _is_same_shipment(rejection, event, view) and _may_be_same_goods(fact, rejection, other, event)
            if not _replaces(fact, other, event)
        ]
        if later:
            turned_away.append(rejection)
            again += later
    if not again:
        return None
    others = ordered({event.body.permit.ref for event in again})
    values = {
        "rule": "Art. VI.5",
        "turned_away": dated(turned_away),
        "shown": listed(list(dict.fromkeys(f"{ref.issuer} {ref.number}" for ref in others))),
        "again": dated(again),
        "transport_document": listed(sorted({document for e in turned_away if (document := transport_document(e))})),
    }
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"Goods under {named(fact)} were turned away ({values['turned_away']}), and another permit was shown for "
            f"the same shipment {values['transport_document']} after that: {values['shown']} ({values['again']}); each "
            f"consignment has a permit of its own ({values['rule']}), so find out why one needed two."
        ),
        events=(*turned_away, *again),
        values=values,
        view=view,
    )


def _is_same_shipment(rejection: EventFact, event: EventFact, view: View) -> bool:
    document = transport_document(rejection)
    return (
        isinstance(event.body, Confirmation)
        and event.party == rejection.party
        and document is not None
        and transport_document(event) == document
        and _when(event) > _when(rejection)
        and event.body.date - rejection.body.date <= view.parameters.same_shipment
    )


def _when(event: EventFact) -> tuple[date, datetime]:
    return event.body.date, event.source.at


def _replaces(fact: PermitFact, other: Case, event: EventFact) -> bool:
    """Whether the other permit is the replacement of the one under which the goods were turned away."""
    body = fact.withdrawal.withdrawal if fact.withdrawal is not None else None
    if body is not None and body.replaced_by is not None and body.replaced_by.number == other.number:
        return other.issuer == fact.key.issuer
    meant = permit_meant(other.permits, event.body.permit, on=event.body.date)
    replaced = meant.permit.replaces if meant is not None else None
    return replaced is not None and (other.issuer, normalised(replaced)) == (fact.key.issuer, fact.key.number)


def _may_be_same_goods(fact: PermitFact, rejection: EventFact, other: Case, event: EventFact) -> bool:
    meant = permit_meant(other.permits, event.body.permit, on=event.body.date)
    refused = list(_goods(fact, rejection, only_turned_away=True))
    return any(taxon is None or _may_be(taxon, refused) for taxon in _taxa(meant, event))


def _may_be(taxon: str, lines: list[Line]) -> bool:
    return not lines or may_be_of(taxon, lines) or nearest(taxon, lines) is Kinship.UNCLEAR


def _taxa(fact: PermitFact | None, event: EventFact) -> Iterator[str | None]:
    """What the goods of a confirmation are, line by line; ``None`` where this node cannot know."""
    body = event.body
    stated = [line.taxon for line in body.lines if line.taxon is not None] if isinstance(body, Confirmation) else []
    yield from stated
    lines = list(_goods(fact, event)) if fact is not None else []
    yield from (line.taxon for line in lines)
    if not stated and not lines:
        yield None


def _goods(fact: PermitFact, event: EventFact, *, only_turned_away: bool = False) -> Iterator[Line]:
    """The permit's lines of which goods were seen; all of them where the confirmation counts none."""
    body = event.body
    assert isinstance(body, Confirmation)
    if not body.lines:
        yield from fact.permit.lines
    allowed = allowances(fact.permit)
    for line in body.lines:
        if only_turned_away and (line.outcome or body.outcome).is_arrival:
            continue
        allowance = allowance_for(allowed, line, by_block=True)
        if allowance is not None:
            yield from allowance.lines
