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
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.facts import EventFact, Source
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
        body = endorsement_from_json(value)
    elif row.kind == DocumentType.CONFIRMATION.value:
        body = confirmation_from_json(value)
    else:
        body = _presentation(value)
    return EventFact(source=source_of(row), body=body)


def _presentation(value: dict[str, Any]) -> Presentation:
    return Presentation(
        event_id=value["event_id"],
        permit=ref_of(value["permit"]),
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


def ref_of(permit: dict[str, Any]) -> PermitRef:
    """How an event names its permit."""
    issued_on = permit["issued_on"]
    return PermitRef(
        issuer=permit["issuer"],
        number=permit["number"],
        type=permit["type"],
        issued_on=date.fromisoformat(issued_on) if issued_on else None,
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
