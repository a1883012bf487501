"""Record what believed documents say, own or another Party's, inside the caller's transaction.

Every step is idempotent by digest, so a page that is asked for again changes nothing. A fact is never refused
because it breaks a rule. What cannot stand beside what is recorded already (a second permit under one key, an event
id used for other content) is not recordable: the caller keeps it in quarantine, or refuses to write it.

Only ``reconcile`` calls this: a fact is always recorded together with what follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from epix_node.document.header import DocumentType
from epix_node.permit.event import (
    Alert,
    Confirmation,
    Correction,
    Endorsement,
    Presentation,
    Withdrawal,
)
from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.model import Permit
from epix_node.permit.number import PermitKey
from epix_node.store import documents, events, permits
from epix_node.store.database import Session
from epix_node.store.documents import Arrival

Number = tuple[str, str]
"""(issuer, normalised number)."""


@dataclass(slots=True)
class Recorded:
    """What became of some documents: new permits, the numbers whose facts changed otherwise, and what was refused."""

    permits: list[PermitFact] = field(default_factory=list)
    touched: set[Number] = field(default_factory=set)
    alerts: list[Arrival] = field(default_factory=list)
    refused: list[Arrival] = field(default_factory=list)


def record(session: Session, arrivals: Sequence[Arrival], *, now: datetime) -> Recorded:
    """Keep the documents and index their statements; those that contradict what is recorded are left out.

    The caller has checked that none of them is held yet.
    """
    recorded = Recorded()
    fresh = _record_permits(session, [a for a in arrivals if isinstance(a.document.body, Permit)], recorded)
    for arrival in arrivals:
        if isinstance(arrival.document.body, Permit):
            continue
        if _record_statement(session, arrival, recorded):
            fresh.append(arrival)
        else:
            recorded.refused.append(arrival)
    documents.add(session, fresh, received_at=now)
    # Only now are all documents of the page kept: an event and what takes it back may stand in it in any order.
    for arrival in fresh:
        recorded.touched |= _take_back(session, arrival)
    return recorded


def _record_permits(session: Session, arrivals: Sequence[Arrival], recorded: Recorded) -> list[Arrival]:
    fresh: list[Arrival] = []
    items: list[tuple[PermitFact, str | None, str | None]] = []
    keyed = [(a, a.document.body) for a in arrivals if isinstance(a.document.body, Permit)]
    seen: set[PermitKey] = set()
    for arrival, permit in keyed:
        if permit.key in seen or permits.taken(session, permit.key):
            recorded.refused.append(arrival)
            continue
        seen.add(permit.key)
        fresh.append(arrival)
        fact = PermitFact(source=arrival.source, permit=permit)
        items.append((fact, arrival.document.header.token_digest, arrival.token))
        recorded.permits.append(fact)
    permits.add(session, items)
    return fresh


def _record_statement(session: Session, arrival: Arrival, recorded: Recorded) -> bool:
    header, body, source = arrival.document.header, arrival.document.body, arrival.source
    if isinstance(body, Endorsement | Confirmation | Presentation):
        return _record_event(session, body, source=source, issued=header.issued, recorded=recorded)
    if isinstance(body, Withdrawal):
        events.add_withdrawal(session, body, source=source, issued=header.issued)
        recorded.touched.add((body.permit.issuer, body.permit.number))
    elif isinstance(body, Correction):
        if events.correction(session, source.party, body.event_id) is not None:
            return False
        events.add_correction(session, body, source=source, issued=header.issued)
    elif isinstance(body, Alert):
        events.add_alert(session, body, source=source, issued=header.issued)
        recorded.alerts.append(arrival)
    return True


def _record_event(
    session: Session,
    body: Endorsement | Confirmation | Presentation,
    *,
    source: Source,
    issued: datetime,
    recorded: Recorded,
) -> bool:
    if events.by_event_id(session, source.party, body.event_id) is not None:
        return False
    events.add(session, body, source=source, issued=issued)
    recorded.touched |= _concerned(session, (body.permit.issuer, body.permit.number))
    return True


def _concerned(session: Session, number: Number) -> set[Number]:
    """The number, and the import permits that its confirmations name: they are judged by what happened to its goods."""
    return {number} | events.import_permits_named(session, *number)


def _take_back(session: Session, arrival: Arrival) -> set[Number]:
    """End what this document takes back, and the document itself where what takes it back came first.

    Either the correction or the new event ends the old one (protocol decision 3).
    """
    source, supersedes = arrival.source, arrival.document.header.supersedes
    touched = _end(session, source.party, supersedes) if supersedes is not None else set()
    return touched | (_end(session, source.party, source.document) if source.type in _CORRECTABLE else set())


def _end(session: Session, party: str, document: str) -> set[Number]:
    """End a document that a held one of the same Party takes back; returns the numbers that this may change.

    Where several do, the first in the register ended it, whichever came here first.
    """
    by = documents.superseding(session, party, document)
    ended = documents.find(session, document, party=party) if by is not None else None
    if by is None or ended is None or ended.type not in _CORRECTABLE:
        return set()
    events.supersede(session, party, document, by=by)
    number = (ended.permit_issuer, ended.permit_number)
    return _concerned(session, number) | events.import_permit_of(session, party, document)


_CORRECTABLE = frozenset(
    kind.value for kind in (DocumentType.ENDORSEMENT, DocumentType.CONFIRMATION, DocumentType.PRESENTATION)
)
