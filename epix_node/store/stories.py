"""The documents of one permit: itself, and what happened under it, as they are told to another node that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, select

from epix_node.document.header import DocumentType
from epix_node.permit.number import PermitKey
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import DocumentRow, EventRow, PermitRow

_PERMIT = table(PermitRow)
_DOCUMENT = table(DocumentRow)
_EVENT = table(EventRow)

_CLAIMABLE = (
    select(_PERMIT, _DOCUMENT.c.permit_salt)
    .join(_DOCUMENT, and_(_DOCUMENT.c.party == _PERMIT.c.party, _DOCUMENT.c.sha256 == _PERMIT.c.document))
    .where(_PERMIT.c.issuer == bindparam("of"), _PERMIT.c.number == bindparam("numbered"))
    .order_by(_PERMIT.c.type, _PERMIT.c.year)
)
_TOLD = frozenset(
    kind.value
    for kind in (
        DocumentType.WITHDRAWAL,
        DocumentType.ENDORSEMENT,
        DocumentType.CONFIRMATION,
        DocumentType.CORRECTION,
    )
)
"""What every holder of a permit receives (protocol decision 4)."""

_COLUMNS = (_DOCUMENT.c.party, _DOCUMENT.c.sha256, _DOCUMENT.c.type, _DOCUMENT.c.xml, _DOCUMENT.c.permit_salt)
_PLACED = (_DOCUMENT.c.register_index, _DOCUMENT.c.at)
_ITSELF = select(*_COLUMNS, *_PLACED).where(
    _DOCUMENT.c.party == bindparam("its_party"), _DOCUMENT.c.sha256 == bindparam("digest")
)
_EVENTS = (
    select(*_COLUMNS, *_PLACED, _EVENT.c.body)
    .join(_EVENT, and_(_DOCUMENT.c.party == _EVENT.c.party, _DOCUMENT.c.sha256 == _EVENT.c.document))
    .where(
        _EVENT.c.permit_issuer == bindparam("of"),
        _EVENT.c.permit_number == bindparam("numbered"),
        _EVENT.c.kind.in_(sorted(_TOLD)),
        ~_EVENT.c.is_void,
    )
    .order_by(_EVENT.c.at, _EVENT.c.party, _EVENT.c.register_index)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimable:
    """A held permit, and what somebody must know who says that they hold it, too."""

    key: PermitKey
    issued_on: date
    party: str
    document: str
    multi_use: bool
    is_void: bool
    token_digest: str | None
    permit_salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One document about a permit, and where it is registered; ``event`` is its body as JSON, null for the permit."""

    party: str
    document: str
    type: str
    xml: bytes
    index: int | None
    at: datetime
    event: Mapping[str, Any] | None


def claimable(session: Session, issuer: str, number: str) -> list[Claimable]:
    """The permits with this number; one statement, whatever is held."""
    return [
        Claimable(
            key=PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year),
            issued_on=date.fromisoformat(row.issued_on),
            party=row.party,
            document=row.document,
            multi_use=row.multi_use,
            is_void=row.is_void,
            token_digest=row.token_digest,
            permit_salt=row.permit_salt,
        )
        for row in session.core.execute(_CLAIMABLE, {"of": issuer, "numbered": number})
    ]


def documents_of(session: Session, permit: Claimable, *, is_alone: bool) -> list[Told]:
    """The permit's document, then those of what happened under it, oldest first.

    ``is_alone`` under its number: then also those of Parties that did not hold it and named only the number.
    """
    itself = session.core.execute(_ITSELF, {"its_party": permit.party, "digest": permit.document}).one()
    events = session.core.execute(_EVENTS, {"of": permit.key.issuer, "numbered": permit.key.number})
    told = [_told(itself, None)]
    told += [_told(row, json.loads(row.body)) for row in events if is_alone or row.permit_salt == permit.permit_salt]
    return told


def _told(row: Any, event: Mapping[str, Any] | None) -> Told:
    return Told(
        party=row.party,
        document=row.sha256,
        type=row.type,
        xml=row.xml,
        index=row.register_index,
        at=row.at,
        event=event,
    )
