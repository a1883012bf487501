"""Events whose documents count no more since their keys were revoked, and what of alerts is left then."""

from __future__ import annotations

import json

from sqlmodel import col, delete, select

from epix_node.document.header import DocumentType
from epix_node.permit.facts import Source
from epix_node.store.database import Session
from epix_node.store.event_rows import source_of
from epix_node.store.tables import EventLineRow, EventRow


def about(session: Session, issuer: str, number: str) -> tuple[Source, ...]:
    """The documents that spoke of this number and count no more, since their keys were revoked."""
    query = select(EventRow).where(
        EventRow.permit_issuer == issuer, EventRow.permit_number == number, col(EventRow.is_void)
    )
    return tuple(source_of(row) for row in session.exec(query.order_by(col(EventRow.at), col(EventRow.document))))


def forget(session: Session, party: str, kind: str, event_id: str) -> None:
    """An event that counts no more leaves its id to another document; its own document stays."""
    query = select(EventRow.document).where(
        EventRow.party == party, EventRow.kind == kind, EventRow.event_id == event_id, col(EventRow.is_void)
    )
    for document in session.exec(query).all():
        for row in (EventLineRow, EventRow):
            session.execute(delete(row).where(col(row.party) == party, col(row.document) == document))


def finding_alerted(session: Session, party: str, document: str) -> str | None:
    """The id of the finding that this alert is about."""
    row = session.get(EventRow, (party, document))
    return None if row is None else str(json.loads(row.body)["finding"])


def newest_alert(session: Session, issuer: str, number: str, finding_id: str) -> Source | None:
    """The newest alert about this finding that counts, and that is in a register."""
    query = select(EventRow).where(
        EventRow.permit_issuer == issuer,
        EventRow.permit_number == number,
        EventRow.kind == DocumentType.ALERT.value,
        col(EventRow.register_index).is_not(None),
        ~col(EventRow.is_void),
    )
    for row in session.exec(query.order_by(col(EventRow.register_index).desc())):
        if json.loads(row.body)["finding"] == finding_id:
            return source_of(row)
    return None
