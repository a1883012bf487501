"""Rows of what happened, read back as facts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import Row

from epix_node.document.header import DocumentType
from epix_node.permit.event import (
    Confirmation,
    Difference,
    Endorsement,
    Outcome,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.facts import EventFact, Match, Source
from epix_node.permit.kept import kept_confirmation, kept_endorsement, kept_ref
from epix_node.permit.number import PermitKey
from epix_node.store.tables import EventRow

Recordable = Endorsement | Confirmation | Presentation
RECORDABLE = frozenset(
    kind.value for kind in (DocumentType.ENDORSEMENT, DocumentType.CONFIRMATION, DocumentType.PRESENTATION)
)
"""Kinds of rows that are facts while nothing supersedes them."""


def is_plain(body: Recordable) -> bool:
    """Whether an event claims nothing beside dates and amounts of blocks, as most do; findings rest on the others."""
    if isinstance(body, Presentation) or body.basis or body.continues or body.presented:
        return False
    if isinstance(body, Confirmation) and body.outcome is not Outcome.RELEASED:
        return False
    return all(line.block is not None and line.outcome is None for line in body.lines)


def source_of(row: EventRow | Row[Any]) -> Source:
    """Which document states the row, and the register that lists it."""
    return Source(document=row.document, type=row.kind, party=row.party, index=row.register_index, at=row.at)


def fact_of(row: EventRow | Row[Any]) -> EventFact:
    """The endorsement, confirmation or presentation of this row."""
    value = json.loads(row.body)
    body: Recordable
    if row.kind == DocumentType.ENDORSEMENT.value:
        body = kept_endorsement(value)
    elif row.kind == DocumentType.CONFIRMATION.value:
        body = kept_confirmation(value)
    else:
        body = _presentation(value)
    return EventFact(source=source_of(row), body=body, match=_match(row))


def _match(row: EventRow | Row[Any]) -> Match | None:
    if row.rung is None or row.meant_type is None or row.meant_number is None or row.meant_year is None:
        return None
    key = PermitKey(issuer=row.permit_issuer, type=row.meant_type, number=row.meant_number, year=row.meant_year)
    return Match(rung=row.rung, permit=key)


def _presentation(value: dict[str, Any]) -> Presentation:
    return Presentation(
        event_id=value["event_id"],
        permit=kept_ref(value["permit"]),
        office=value["office"],
        date=date.fromisoformat(value["date"]),
        presented=value["presented"],
        differences=tuple(
            Difference(
                field=one["field"], presented=one["presented"], registered=one["registered"], class_=one["class"]
            )
            for one in value["differences"]
        ),
    )


def withdrawal_of(text: str) -> Withdrawal:
    """The withdrawal of a row's body."""
    body = json.loads(text)
    replaced_by = body["replaced_by"]
    return Withdrawal(
        permit=PermitKey(**body["permit"]),
        reason=WithdrawalReason(body["reason"]),
        text=body["text"],
        replaced_by=PermitKey(**replaced_by) if replaced_by else None,
    )
