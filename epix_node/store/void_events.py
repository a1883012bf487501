"""Events whose documents count no more since their keys were revoked, and what of alerts is left then."""

from __future__ import annotations

import json

from sqlalchemy import bindparam, delete
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.document.header import DocumentType
from epix_node.permit.facts import Source
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.event_rows import source_of
from epix_node.store.tables import EventLineRow, EventRow

_EVENT, _LINE = table(EventRow), table(EventLineRow)
_VOID = select_rows(_EVENT.c.document).where(
    _EVENT.c.party == bindparam("by"),
    _EVENT.c.kind == bindparam("of_kind"),
    _EVENT.c.event_id == bindparam("called"),
    _EVENT.c.is_void,
)
_FORGET_LINES, _FORGET = (
    delete(of).where(of.c.party == bindparam("by"), of.c.document == bindparam("digest")) for of in (_LINE, _EVENT)
)


def about(session: Session, issuer: str, number: str) -> tuple[Source, ...]:
    """The documents that spoke of this number and count no more, since their keys were revoked."""
    query = select(EventRow).where(
        EventRow.permit_issuer == issuer, EventRow.permit_number == number, col(EventRow.is_void)
    )
    return tuple(source_of(row) for row in session.exec(query.order_by(col(EventRow.at), col(EventRow.document))))


def forget(session: Session, party: str, kind: str, event_id: str) -> None:
    """An event that counts no more leaves its id to another document; its own document stays."""
    for document in session.core.execute(_VOID, {"by": party, "of_kind": kind, "called": event_id}).scalars().all():
        for gone in (_FORGET_LINES, _FORGET):
            session.core.execute(gone, {"by": party, "digest": document})


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
