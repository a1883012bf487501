"""The JSON bodies that tell of events (contract 5), member by member; ``event_json`` makes domain types of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from epix_node.permit.event import Outcome, WithdrawalReason
from epix_node.permit.json import PresentedBody
from epix_node.permit.json_fields import Body, CalendarDate, EventId, IssuerCode, NormalisedNumber, RequiredText, Text
from epix_node.permit.model import PermitType

TIMBER_BASES = ("timber-change-of-destination", "timber-extension")
"""Kinds of ``basis`` (contract 5; VAL-13, VAL-14)."""


class PermitRefBody(Body):
    """How an event names a permit."""

    issuer: IssuerCode
    number: NormalisedNumber
    type: Annotated[PermitType, Field(strict=False)] | None = None
    issued_on: CalendarDate | None = None


class EventLineBody(Body):
    """What was counted of one block."""

    block: Text | None = None
    quantity: RequiredText
    unit: RequiredText
    outcome: Annotated[Outcome, Field(strict=False)] | None = None
    taxon: Text | None = None
    term: Text | None = None
    source: Text | None = None


class BasisBody(Body):
    """A timber exception that the officer invokes."""

    kind: Annotated[str, Field(pattern=f"^(?:{'|'.join(TIMBER_BASES)})$")]
    certified_by: RequiredText
    certified_on: CalendarDate
    new_valid_until: CalendarDate | None = None
    bill_of_lading: Text | None = None


class GoodsBody(Body):
    """What endorsement and confirmation have in common."""

    event_id: EventId
    permit: PermitRefBody
    office: RequiredText
    date: CalendarDate
    transport_document: Text | None = None
    import_permit: PermitRefBody | None = None
    declaration: Text | None = None
    officer: Text | None = None
    continues: EventId | None = None
    basis: BasisBody | None = None
    presented: PresentedBody | None = None
    lines: list[EventLineBody]


class EndorsementBody(GoodsBody):
    """Goods left: there is no outcome yet."""

    outcome: None = None


class ConfirmationBody(GoodsBody):
    """Goods arrived."""

    outcome: Annotated[Outcome, Field(strict=False)]


class CorrectionBody(Body):
    """An event is taken back; ``event`` is read by the reader of its kind."""

    event_id: EventId
    supersedes: EventId
    event: dict[str, Any] | None = None


class WithdrawalBody(Body):
    """The issuer withdraws a permit."""

    reason: Annotated[WithdrawalReason, Field(strict=False)]
    text: Text | None = None
