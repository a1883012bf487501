"""Record what a believed document says, own or another Party's, inside the caller's transaction.

Every step is idempotent by digest, so a page that is asked for again changes nothing. A fact is never refused
because it breaks a rule. What cannot stand beside what is recorded already (a second permit under one key, an event
id used for other content) is refused with a reason and kept in quarantine by the caller.

Only ``reconcile`` calls this: a fact is always recorded together with what follows from it.
"""

from __future__ import annotations

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.permit.event import (
    Alert,
    Confirmation,
    Correction,
    Endorsement,
    PermitRef,
    Presentation,
    Withdrawal,
)
from epix_node.permit.facts import Source
from epix_node.permit.model import Permit
from epix_node.permit.reasons import Reason
from epix_node.store import documents, events, permits
from epix_node.store.database import Session

Touched = frozenset[tuple[str, str]]
"""The (issuer, normalised number) pairs whose facts changed."""


class NotRecordable(Exception):
    """The document contradicts one that is recorded; ``reason`` is a reason code of contract 4."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def record(session: Session, document: ExchangeDocument, *, source: Source) -> Touched:
    """Index the document's statement; its bytes are kept by the caller. Returns what it touched.

    Raises:
        NotRecordable: another permit has this key, or this Party used the event id for other content.
    """
    header, body = document.header, document.body
    if isinstance(body, Permit):
        return _record_permit(session, body, header, source=source)
    if isinstance(body, Withdrawal):
        events.add_withdrawal(session, body, source=source, issued=header.issued)
        return frozenset({(body.permit.issuer, body.permit.number)})
    if isinstance(body, Correction):
        return _record_correction(session, body, header, source=source)
    if isinstance(body, Alert):
        events.add_note(
            session,
            source=source,
            issued=header.issued,
            event_id=None,
            ref=PermitRef(issuer=body.subject.issuer, number=body.subject.number),
            body={"finding": body.finding_id},
        )
        return frozenset()
    return _record_event(session, body, header, source=source)


def _record_permit(session: Session, permit: Permit, header: Header, *, source: Source) -> Touched:
    key = permit.key
    if permits.find(session, key) is not None:
        raise NotRecordable(Reason.CONTENT_DIFFERS)
    permits.add(session, permit, source=source, token_digest=header.token_digest)
    # What a use of an import permit took is known only through the goods of the permit that came with it.
    return frozenset({(key.issuer, key.number), *events.import_permits_named(session, key.issuer, key.number)})


def _record_event(
    session: Session, body: Endorsement | Confirmation | Presentation, header: Header, *, source: Source
) -> Touched:
    earlier = events.by_event_id(session, source.party, body.event_id)
    if earlier is not None and earlier.fact.source.type == source.type:
        raise NotRecordable(Reason.CONTENT_DIFFERS)
    events.add(session, body, source=source, issued=header.issued)
    touched = {(body.permit.issuer, body.permit.number)}
    if isinstance(body, Confirmation) and body.import_permit is not None:
        touched.add((body.import_permit.issuer, body.import_permit.number))
    if header.supersedes is not None:
        touched |= _end(session, source.party, header.supersedes, by=source.document)
    later = documents.superseding(session, source.party, source.document)
    if later is not None:
        events.supersede(session, source.party, source.document, by=later)
    return frozenset(touched)


def _record_correction(session: Session, body: Correction, header: Header, *, source: Source) -> Touched:
    events.add_note(
        session,
        source=source,
        issued=header.issued,
        event_id=body.event_id,
        ref=body.permit,
        body={"supersedes": body.supersedes},
    )
    if header.supersedes is None:
        return frozenset()
    return frozenset(_end(session, source.party, header.supersedes, by=source.document))


def _end(session: Session, party: str, document: str, *, by: str) -> set[tuple[str, str]]:
    """End a document of the same Party; either the correction or the new event does (protocol decision 3)."""
    ended = documents.find(session, document, party=party)
    if ended is None or ended.type not in _CORRECTABLE:
        return set()
    events.supersede(session, party, document, by=by)
    touched = {(ended.permit_issuer, ended.permit_number)}
    touched |= events.import_permit_of(session, party, document)
    return touched


_CORRECTABLE = frozenset(
    kind.value
    for kind in (
        DocumentType.ENDORSEMENT,
        DocumentType.CONFIRMATION,
        DocumentType.PRESENTATION,
    )
)
