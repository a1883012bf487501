"""When a key is revoked: what it signed and cannot be proven older counts no more (protocol decision 7).

``settle`` brings the store to what the keyring says, in four steps, each in transactions of its own:

    1  the revocations are remembered, and the first documents marked
    2  the rest of the documents are marked, ``MARKED_AT_ONCE`` to a transaction: answers tell of it from then on
    3  the cases that this changes are looked at again, ``CASES_AT_ONCE`` to a transaction
    4  what was in quarantine only for contradicting one of them is recorded

What is left to do is in the database, so a crash anywhere means only that the next call goes on there. Doing it again
changes nothing. The cards and findings are those that the same documents would have given had the revocation come
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from epix_node.document.header import DocumentType
from epix_node.exchange import ingest, recording
from epix_node.exchange.ingest import Listed
from epix_node.exchange.recording import Number
from epix_node.permit.reasons import Reason
from epix_node.reconcile.alerts import after_alert
from epix_node.reconcile.follow import follow
from epix_node.reconcile.perspective import Perspective, revoked_keys
from epix_node.reconcile.record import record_again
from epix_node.reconcile.settle import resolved
from epix_node.register.entry import parse_leaf
from epix_node.store import cases, documents, findings, orphans, register, revocations, shipments, void_events
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database, Session
from epix_node.store.revocations import RevokedKey, Voided

MARKED_AT_ONCE = 250
"""Documents marked in one transaction, permits with their cards: some hundred milliseconds."""

CASES_AT_ONCE = 25
"""Cases looked at in one transaction; others wait for the writer no longer than for a page of a pull."""

log = structlog.get_logger("epix_node.reconcile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How many documents ceased to count, and how many cases were looked at again for that."""

    documents: int
    cases: int


def settle(database: Database, perspective: Perspective, *, now: datetime) -> Settled:
    """Nothing counts any more that the keyring's revocations end; call it after every change of trust, and at start."""
    known = revoked_keys(perspective.keyring).values()
    if not database.read_now(revocations.is_news, known):
        return Settled(documents=0, cases=0)
    marked, keys = database.write_now(_begin, perspective, now=now)
    for key in keys:
        while count := database.write_now(_mark, perspective, key, now=now):
            marked += count
    cases = settle_cases(database, perspective, now=now)
    for key in keys:
        _rescue(database, perspective, key.party, now=now)
        database.write_now(revocations.swept, key.kid, invalid_since=key.invalid_since)
    if marked:
        log.warning("documents of revoked keys count no more", documents=marked, keys=[key.kid[:16] for key in keys])
    return Settled(documents=marked, cases=cases)


def settle_cases(database: Database, perspective: Perspective, *, now: datetime) -> int:
    """The cases of documents that ceased to count say so; returns how many there were."""
    looked_at = 0
    while count := database.write_now(_follow_some, perspective, now=now):
        looked_at += count
    return looked_at


def _begin(session: Session, perspective: Perspective, *, now: datetime) -> tuple[int, list[RevokedKey]]:
    revocations.note(session, revoked_keys(perspective.keyring).values())
    keys = revocations.unswept(session)
    # Most keys signed less than one batch: then the answers change with the revocation itself.
    return sum(_mark(session, perspective, key, now=now) for key in keys), keys


def _mark(session: Session, perspective: Perspective, key: RevokedKey, *, now: datetime) -> int:
    marked = revocations.void(session, key, limit=MARKED_AT_ONCE)
    issued = [one for one in marked if one.type == DocumentType.PERMIT.value]
    cases.void_cards(session, [(one.issuer, one.number, one.sha256) for one in issued])
    revocations.remember(session, _changed_by(session, issued))
    others = [one for one in marked if one.type != DocumentType.PERMIT.value]
    revocations.remember(session, recording.void(session, others))
    for one in others:
        if one.type == DocumentType.ALERT.value:
            _forget_alert(session, perspective, one, now=now)
    return len(marked)


def _changed_by(session: Session, issued: Sequence[Voided]) -> set[Number]:
    """The cases that these permits leave another: nothing happened under most, and their own cards are done."""
    numbers = {(one.issuer, one.number) for one in issued}
    touched = spoken = cases.spoken_of(session, numbers)
    for number in spoken:
        touched = touched | shipments.concerned(session, *number)
    for issuer in {issuer for issuer, _ in numbers}:
        # An unknown number near to one of them was excused by it as a typing error.
        gone = {number for one, number in numbers if one == issuer}
        touched = touched | orphans.near(session, issuer, gone)
    return touched


def _follow_some(session: Session, perspective: Perspective, *, now: datetime) -> int:
    numbers = revocations.unsettled(session, limit=CASES_AT_ONCE)
    follow(session, perspective, numbers, now=now)
    revocations.settled(session, numbers)
    return len(numbers)


def _forget_alert(session: Session, perspective: Perspective, void: Voided, *, now: datetime) -> None:
    """What the issuer's last alert that counts says holds again; without one, nothing does but what is seen here."""
    finding_id = void_events.finding_alerted(session, void.party, void.sha256)
    if finding_id is None or not findings.forget_alert(session, finding_id, void.sha256):
        return
    held = findings.find(session, finding_id)
    if held is not None and not held.derived:
        findings.put(session, resolved(held))
    before = void_events.newest_alert(session, void.issuer, void.number, finding_id)
    if before is None or before.index is None:
        return
    document = documents.find(session, before.document, party=before.party)
    assert document is not None  # an event is an index over its document
    arrival = _checked(session, perspective, before.party, before.document, before.index, document.xml, now=now)
    if arrival is not None:
        revocations.remember(session, after_alert(session, perspective, arrival, now=now))


def _rescue(database: Database, perspective: Perspective, party: str, *, now: datetime) -> None:
    """Documents that came while one that counts no more held their key are recorded now."""
    arrivals = database.read_now(_quarantined, perspective, party, now=now)
    if arrivals:
        database.write_now(_leave_quarantine, perspective, party, arrivals, now=now)


def _quarantined(session: Session, perspective: Perspective, party: str, *, now: datetime) -> list[Arrival]:
    refused = documents.quarantined_for(session, party, Reason.CONTENT_DIFFERS.value)
    checked = [_checked(session, perspective, party, sha256, index, xml, now=now) for sha256, index, xml in refused]
    return [arrival for arrival in checked if arrival is not None]


def _leave_quarantine(
    session: Session, perspective: Perspective, party: str, arrivals: Sequence[Arrival], *, now: datetime
) -> None:
    held = documents.held(session, party, [arrival.source.document for arrival in arrivals])
    left = [arrival for arrival in arrivals if arrival.source.document not in held]
    documents.leave_quarantine(session, party, held | record_again(session, perspective, left, now=now))


def _checked(
    session: Session, perspective: Perspective, party: str, sha256: str, index: int, xml: bytes, *, now: datetime
) -> Arrival | None:
    """The document read again from its bytes, as when it came; None where it would be refused now."""
    leaf, manifest = register.leaf(session, party, index), perspective.keyring.manifests.get(party)
    if leaf is None or manifest is None:
        return None
    listed = Listed(sha256=sha256, index=index, leaf=parse_leaf(leaf), xml=xml)
    checked = ingest.check(listed, party=party, environment=manifest.env, trust=perspective.keyring, now=now)
    return checked if isinstance(checked, Arrival) else None
