"""What detectors share in saying what they found: one plain sentence, its figures, and the documents behind it.

A sentence is for a customs officer. It names permits, Parties, dates, goods and amounts, and never a person
(contract 5). Its figures are all in ``values``, and so are the permit's dates and lines, because an alert's readers
may not hold the permit (protocol decision 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import EventFact, PermitFact, Source
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Permit, PermitType
from epix_node.permit.number import NumberRef
from epix_node.permit.sums import SumKey, Weight
from epix_node.reconcile.arrivals import has_arrived
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.view import View

MAX_PERMITS = 50
"""Most permits that a finding names (contract 5); also the most lines that its values tell."""

_MOST_LISTED = 5
"""Longer lists are cut in sentences: the evidence has them all."""

_NAMES: dict[str, str] = {
    PermitType.EXPORT: "Export permit",
    PermitType.REEXPORT: "Re-export certificate",
    PermitType.IMPORT: "Import permit",
}


def named(fact: PermitFact) -> str:
    """How a sentence begins: ``Export permit XA 26XA000123``."""
    return f"{_NAMES.get(fact.permit.type, 'Certificate')} {fact.key.issuer} {fact.key.number}"


def listed(items: Sequence[str]) -> str:
    """``a, b and c``; after five ``and 3 more``."""
    shown = list(items[:_MOST_LISTED])
    if len(items) > len(shown):
        shown.append(f"{len(items) - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def left_out(items: Sequence[str]) -> dict[str, str]:
    """How many items ``listed`` does not show, as a value for the sentence that says so; nothing where it shows all."""
    return {"more": str(len(items) - _MOST_LISTED)} if len(items) > _MOST_LISTED else {}


def dated(events: Iterable[EventFact]) -> str:
    """``XB on 2026-03-20 and XC on 2026-03-22``, each Party and day once."""
    return listed(list(dict.fromkeys(f"{e.party} on {e.body.date}" for e in chronological(events))))


def done(events: Iterable[EventFact]) -> str:
    """``endorsed by XA on 2026-03-20 and confirmed by XB on 2026-03-22``."""
    return listed(
        list(dict.fromkeys(f"{_deed(e)} by {e.party} on {e.body.date}" for e in chronological(events))),
    )


def arrived(confirmations: Iterable[EventFact]) -> str:
    """``12 NAR and 3 KGM``: what these confirmations counted of goods that came in; ``goods`` where they did not."""
    counts = [
        f"{line.quantity.text} {line.quantity.unit}"
        for event in chronological(confirmations)
        if isinstance(event.body, Confirmation)
        for line in event.body.lines
        if has_arrived(line, event.body)
    ]
    return listed(counts) if counts else "goods"


def _deed(event: EventFact) -> str:
    if isinstance(event.body, Endorsement):
        return "endorsed"
    return "confirmed" if isinstance(event.body, Confirmation) else "presented"


def about_permit(
    pattern: str,
    fact: PermitFact,
    *,
    class_: FindingClass,
    summary: str,
    events: Iterable[EventFact],
    values: Mapping[str, str],
    view: View,
    other: Iterable[Source] = (),
    mentioned: Iterable[NumberRef] = (),
) -> FindingDraft:
    """The finding about a held permit; its evidence is the permit, ``other`` documents and the ``events``.

    An event that is about another permit brings that permit's number along: who holds the finding may be given a
    document only if the finding names its permit (protocol decision 3).
    """
    key = fact.key
    subject = NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)
    evidence = chronological(events)
    beside = {*mentioned}
    beside |= {ref for e in evidence if ((ref := e.body.permit.ref).issuer, ref.number) != (key.issuer, key.number)}
    return FindingDraft(
        pattern=pattern,
        subject=subject,
        class_=class_,
        summary=summary,
        permits=(subject, *ordered(beside - {subject}))[:MAX_PERMITS],
        evidence=(fact.source, *other, *(event.source for event in evidence)),
        values={**_figures(fact.permit), **values},
        ruleset=view.ruleset_id,
    )


def of_sum(
    key: SumKey,
    *,
    class_: FindingClass,
    summary: str,
    weights: Sequence[Weight],
    values: Mapping[str, str],
    ruleset_id: str,
) -> FindingDraft:
    """The finding about a sum over many permits; the permits that it names and its evidence are those given."""
    permits = list(dict.fromkeys(weight.permit for weight in weights))
    documents = {source.document: source for weight in weights for source in (weight.issued, weight.moved)}
    return FindingDraft(
        pattern=key.pattern,
        subject=key.subject,
        class_=class_,
        summary=summary,
        permits=tuple(permits[:MAX_PERMITS]),
        evidence=tuple(documents.values()),
        values={"country": key.issuer, **values},
        ruleset=ruleset_id,
    )


def ordered(refs: Iterable[NumberRef]) -> list[NumberRef]:
    """References in an order that is the same on every node."""
    return sorted(refs, key=lambda ref: (ref.issuer, ref.number, ref.type or "", ref.year or 0))


def _figures(permit: Permit) -> dict[str, str]:
    figures = {
        "issued_on": permit.issued_on,
        "valid_from": permit.in_force_from,
        "valid_until": permit.valid_until,
        "destination": permit.destination,
    }
    told = {"permit": f"{permit.key.issuer} {permit.key.number}"}
    told |= {name: str(value) for name, value in figures.items() if value is not None}
    for position, line in enumerate(permit.lines[:MAX_PERMITS], start=1):
        goods = " ".join(part for part in (line.taxon, line.term, line.quantity, line.unit) if part)
        name = f"line.{line.block or position}"
        told[name if name not in told else f"{name}.{position}"] = goods
    return told
