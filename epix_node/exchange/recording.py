"""Record what believed documents say, own or another Party's, inside the caller's transaction.

Every step is idempotent by digest, so a page that is asked for again changes nothing. A fact is never refused
because it breaks a rule. What cannot stand beside what is recorded already (a second permit under one key, an event
id used for other content) is not recordable: the caller keeps it in quarantine, or refuses to write it.

A document whose key was revoked, and which is not provably older than that (protocol decision 7), is kept and counts
no more, whichever of the two came here first: it is no fact, and holds neither key nor id against one that counts.

Only ``reconcile`` calls this: a fact is always recorded together with what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from epix_node.permit.extract import PermitExtract
from epix_node.permit.facts import PermitFact
from epix_node.permit.model import Permit
from epix_node.permit.number import PermitKey
from epix_node.permit.timing import Timing
from epix_node.store import (
    ages,
    documents,
    draws,
    events,
    extracts,
    permit_checks,
    permits,
    revocations,
    shipments,
    void_events,
)
from epix_node.store.ages import Age
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session
from epix_node.store.permit_checks import PermitCheck
from epix_node.store.revocations import RevokedKey, Voided

Number = tuple[str, str]
"""(issuer, normalised number)."""


@dataclass(slots=True)
class Recorded:
    """What became of some documents: new permits, the numbers whose facts changed otherwise, and what was refused."""

    permits: list[PermitFact] = field(default_factory=list)
    touched: set[Number] = field(default_factory=set)
    alerts: list[Arrival] = field(default_factory=list)
    refused: list[Arrival] = field(default_factory=list)
    again: list[PermitKey] = field(default_factory=list)
    """Keys of new permits under which one was held that counts no more."""


def record(
    session: Session, arrivals: Sequence[Arrival], *, revoked: Mapping[str, RevokedKey], now: datetime
) -> Recorded:
    """Keep the documents and index their statements; those that contradict what is recorded are left out.

    The caller has checked that none of them is held yet. ``revoked`` are the keys that it knows to be revoked; those
    of the database count, too.
    """
    recorded = Recorded()
    keys = revocations.in_force(session, revoked)
    known_ages = _ages(session, arrivals)
    arrivals = [_proven(arrival, known_ages, keys, now=now) for arrival in arrivals]
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


def void(session: Session, marked: Iterable[Voided]) -> set[Number]:
    """Take these documents, which are marked, out of what they took back; returns the numbers that this may change."""
    touched: set[Number] = set()
    for one in marked:
        touched |= _concerned(session, (one.issuer, one.number))
        touched |= events.import_permit_of(session, one.party, one.sha256)
        if one.type == DocumentType.EXTRACT:
            touched |= draws.held(session, draws.parents_of(session, one.issuer, one.number))
        if one.supersedes is not None:
            touched |= _end(session, one.party, one.supersedes, may_stand_again=True)
    return touched


def _ages(session: Session, arrivals: Sequence[Arrival]) -> dict[tuple[str, int], Age]:
    """What bounds the time of each entry of another register, by Party and index."""
    indexes: dict[str, list[int]] = {}
    for arrival in arrivals:
        if arrival.proven_at is None and arrival.source.index is not None:
            indexes.setdefault(arrival.source.party, []).append(arrival.source.index)
    return {
        (party, index): age
        for party, wanted in indexes.items()
        for index, age in ages.of_entries(session, party, wanted).items()
    }


def _proven(
    arrival: Arrival, known_ages: Mapping[tuple[str, int], Age], keys: Mapping[str, RevokedKey], *, now: datetime
) -> Arrival:
    """The same with its proof of age, and whether it counts for that."""
    source = arrival.source
    if arrival.proven_at is not None or source.index is None:
        age = None
    else:
        age = known_ages.get((source.party, source.index))
    known = arrival.proven_at if age is None else age.held_at
    proven_at = now if known is None else min(known, now)
    is_void = revocations.is_void(keys, arrival.signed_by, proven_at=proven_at)
    return replace(
        arrival,
        proven_at=proven_at,
        grown_after=age.grown_after if age is not None else None,
        witnessed_at=age.witnessed_at if age is not None else None,
        is_void=is_void,
    )


def _timing(arrival: Arrival) -> Timing:
    header, source = arrival.document.header, arrival.source
    return Timing(
        signed_at=arrival.signed_at or header.issued,
        accepted_at=source.at,
        grown_after=arrival.grown_after,
        witnessed_at=arrival.witnessed_at,
    )


def _record_permits(session: Session, arrivals: Sequence[Arrival], recorded: Recorded) -> list[Arrival]:
    fresh: list[Arrival] = []
    items: list[tuple[PermitFact, str | None, str | None]] = []
    checks: list[tuple[PermitKey, str, PermitCheck]] = []
    keyed = [(a, a.document.body) for a in arrivals if isinstance(a.document.body, Permit)]
    seen: set[PermitKey] = set()
    held = permits.all_taken(session, [permit.key for _, permit in keyed])
    for arrival, permit in sorted(keyed, key=lambda one: one[0].is_void):  # what counts comes first to its key
        taken = permit.key in seen or held[permit.key]
        if arrival.is_void and taken is not False:
            fresh.append(arrival)  # kept, and nothing more
            continue
        if taken:
            recorded.refused.append(arrival)
            continue
        if taken is None:
            permits.remove(session, permit.key)
            recorded.again.append(permit.key)
        seen.add(permit.key)
        fresh.append(arrival)
        fact = PermitFact(source=arrival.source, permit=permit, is_void=arrival.is_void, timing=_timing(arrival))
        items.append((fact, arrival.document.header.token_digest, arrival.token))
        if arrival.check is not None:
            checks.append((permit.key, arrival.source.document, arrival.check))
        recorded.permits.append(fact)
    permits.add(session, items)
    for fact, *_ in items:
        draws.add(session, fact.source, fact.key, fact.permit.lines)
    permit_checks.add(session, checks)
    return fresh


def _record_statement(session: Session, arrival: Arrival, recorded: Recorded) -> bool:
    header, body, source = arrival.document.header, arrival.document.body, arrival.source
    if isinstance(body, Endorsement | Confirmation | Presentation):
        if events.by_event_id(session, source.party, body.event_id) is not None:
            return arrival.is_void  # one that does not count contradicts nothing
        void_events.forget(session, source.party, source.type, body.event_id)
        events.add(session, body, source=source, issued=header.issued, is_void=arrival.is_void)
        recorded.touched |= _concerned(session, (body.permit.issuer, body.permit.number))
    elif isinstance(body, Withdrawal):
        events.add_withdrawal(session, body, source=source, issued=header.issued, is_void=arrival.is_void)
        recorded.touched.add((body.permit.issuer, body.permit.number))
    elif isinstance(body, Correction):
        if events.correction(session, source.party, body.event_id) is not None:
            return arrival.is_void
        void_events.forget(session, source.party, source.type, body.event_id)
        events.add_correction(session, body, source=source, issued=header.issued, is_void=arrival.is_void)
    elif isinstance(body, Alert):
        events.add_alert(session, body, source=source, issued=header.issued, is_void=arrival.is_void)
        if not arrival.is_void:
            recorded.alerts.append(arrival)
    elif isinstance(body, PermitExtract):
        _record_extract(session, body, arrival, recorded)
    return True


def _record_extract(session: Session, extract: PermitExtract, arrival: Arrival, recorded: Recorded) -> None:
    """Nothing follows from it where the permit itself is held, as by its writer: that says all of it and more."""
    key, source = extract.key, arrival.source
    extracts.add(session, extract, source=source, is_void=arrival.is_void)
    if permits.taken(session, key):
        return
    draws.add(session, source, key, extract.permit.lines)
    recorded.touched.add((key.issuer, key.number))
    # It may name thousands of documents, and others than the extract before; something follows about held ones alone.
    recorded.touched |= draws.held(session, draws.parents_of(session, key.issuer, key.number))


def _concerned(session: Session, number: Number) -> set[Number]:
    """The number, and those that are judged by what happened to its goods."""
    return shipments.concerned(session, *number)


def _take_back(session: Session, arrival: Arrival) -> set[Number]:
    """End what this document takes back, and the document itself where what takes it back came first.

    Either the correction or the new event ends the old one (protocol decision 3).
    """
    source, supersedes = arrival.source, arrival.document.header.supersedes
    touched = _end(session, source.party, supersedes) if supersedes is not None else set()
    return touched | (_end(session, source.party, source.document) if source.type in _CORRECTABLE else set())


def _end(session: Session, party: str, document: str, *, may_stand_again: bool = False) -> set[Number]:
    """End a document that a held one of the same Party takes back; returns the numbers that this may change.

    Where several do, the first in the register ended it, whichever came here first. With ``may_stand_again``, one that
    nothing takes back any more counts again.
    """
    by = documents.superseding(session, party, document)
    if by is None and not may_stand_again:
        return set()
    ended = documents.find(session, document, party=party)
    if ended is None or ended.type not in _CORRECTABLE:
        return set()
    events.supersede(session, party, document, by=by)
    number = (ended.permit_issuer, ended.permit_number)
    return _concerned(session, number) | events.import_permit_of(session, party, document)


_CORRECTABLE = frozenset(
    kind.value for kind in (DocumentType.ENDORSEMENT, DocumentType.CONFIRMATION, DocumentType.PRESENTATION)
)
