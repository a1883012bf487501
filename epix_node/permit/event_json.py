"""JSON of what happened to a permit (contract 5): endorsement, confirmation, presentation, correction, withdrawal.

An event is a fact: it is refused only where it cannot be understood. Numbers are normalised on the way in, and every
unit of the unit list is taken, historical ones included. Whether a date lies in the future, a permit is held or a
quantity is permitted is not asked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from epix_node.errors import MalformedDocumentError
from epix_node.permit import json_fields
from epix_node.permit.event import (
    Basis,
    Confirmation,
    Correction,
    Endorsement,
    EventLine,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.event_bodies import (
    ConfirmationBody,
    CorrectionBody,
    EndorsementBody,
    EventLineBody,
    GoodsBody,
    PermitRefBody,
    WithdrawalBody,
)
from epix_node.permit.json import PresentedBody, presented_members
from epix_node.permit.json_fields import Body
from epix_node.permit.quantity import Quantity
from epix_node.permit.spelling import plain_members

Event = Endorsement | Confirmation | Presentation | Correction | Withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRequest:
    """Somebody takes back ``supersedes``; ``event`` is the JSON of the new event, which carries this event id."""

    event_id: str
    supersedes: str
    event: dict[str, Any] | None


_Body = TypeVar("_Body", bound=Body)


def _understood(body: type[_Body], value: object, *, what: str) -> _Body:
    try:
        return body.model_validate(value)
    except ValidationError as error:
        raise json_fields.not_understood(error, what=what) from error


def endorsement_from_json(value: object) -> Endorsement:
    """The endorsement. Raises ``MalformedDocumentError`` naming the bad member by its path."""
    body = _understood(EndorsementBody, value, what="endorsement")
    return Endorsement(**_common(body))


def confirmation_from_json(value: object) -> Confirmation:
    """The confirmation. Raises ``MalformedDocumentError`` naming the bad member by its path."""
    body = _understood(ConfirmationBody, value, what="confirmation")
    return Confirmation(**_common(body), outcome=body.outcome)


def correction_from_json(value: object) -> CorrectionRequest:
    """The correction; the new event's own members are checked by the reader of its kind.

    Raises:
        MalformedDocumentError: not understood, or the new event carries another event id than the correction.
    """
    body = _understood(CorrectionBody, value, what="correction")
    event = body.event
    if event is not None:
        if event.get("event_id") not in (None, body.event_id):
            raise MalformedDocumentError("correction not understood: event.event_id: must be the correction's event_id")
        event = {**event, "event_id": body.event_id}
    return CorrectionRequest(event_id=body.event_id, supersedes=body.supersedes, event=event)


def withdrawal_from_json(value: object) -> tuple[WithdrawalReason, str | None]:
    """Reason and text; ``replaced`` is understood here and refused by the use case (422)."""
    body = _understood(WithdrawalBody, value, what="withdrawal")
    return body.reason, body.text


def split_proof(value: object) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The body without its ``proof``, and the proof, whose contents nobody has looked at yet (contract 4).

    Raises:
        MalformedDocumentError: not a JSON object, or a proof that is none.
    """
    if not isinstance(value, dict):
        raise MalformedDocumentError("body: Input should be a JSON object")
    proof = value.get("proof")
    if proof is not None and not isinstance(proof, dict):
        raise MalformedDocumentError("proof: Input should be a JSON object")
    return {name: member for name, member in value.items() if name != "proof"}, proof


def permit_ref(body: PermitRefBody) -> PermitRef:
    """The permit that the body names."""
    return PermitRef(
        issuer=body.issuer, number=body.number, type=body.type and body.type.value, issued_on=body.issued_on
    )


def counted(text: str, unit: str) -> Quantity:
    """What an officer counted: zero or more. Raises ``ValueError`` for anything else (contract 5)."""
    quantity = Quantity.parse(text, unit)
    if text.startswith("-"):
        raise ValueError("a counted quantity is not negative")
    return quantity


def _common(body: GoodsBody) -> dict[str, Any]:
    return {
        "event_id": body.event_id,
        "permit": permit_ref(body.permit),
        "office": body.office,
        "date": body.date,
        "transport_document": body.transport_document,
        "import_permit": permit_ref(body.import_permit) if body.import_permit else None,
        "declaration": body.declaration,
        "officer": body.officer,
        "continues": body.continues,
        "basis": Basis(**body.basis.__dict__) if body.basis else None,
        "presented": (presented_members(body.presented) or None) if body.presented else None,
        "lines": tuple(_line(index, line) for index, line in enumerate(body.lines)),
    }


def _line(index: int, body: EventLineBody) -> EventLine:
    try:
        quantity = counted(body.quantity, body.unit)
    except ValueError as error:
        raise MalformedDocumentError(f"event not understood: lines.{index}.quantity: {error}") from error
    return EventLine(
        block=body.block,
        quantity=quantity,
        outcome=body.outcome,
        taxon=body.taxon,
        term=body.term,
        source=body.source,
    )


def event_to_json(event: Event) -> dict[str, Any]:
    """All members in the order of contract 5, nulls included."""
    match event:
        case Endorsement() | Confirmation():
            return _goods_event_to_json(event)
        case Presentation():
            return {
                "event_id": event.event_id,
                "permit": _ref_to_json(event.permit),
                "office": event.office,
                "date": event.date.isoformat(),
                "presented": event.presented,
                "differences": [difference.to_json() for difference in event.differences],
            }
        case Correction():
            return {
                "event_id": event.event_id,
                "supersedes": event.supersedes,
                "permit": _ref_to_json(event.permit),
            }
        case Withdrawal():
            return {
                "permit": event.permit.to_json(),
                "reason": str(event.reason),
                "text": event.text,
                "replaced_by": event.replaced_by.to_json() if event.replaced_by else None,
            }


def _goods_event_to_json(event: Endorsement | Confirmation) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "permit": _ref_to_json(event.permit),
        "office": event.office,
        "date": event.date.isoformat(),
        "transport_document": event.transport_document,
        "outcome": str(event.outcome) if isinstance(event, Confirmation) else None,
        "import_permit": _ref_to_json(event.import_permit) if event.import_permit else None,
        "declaration": event.declaration,
        "officer": event.officer,
        "continues": event.continues,
        "basis": _basis_to_json(event.basis) if event.basis else None,
        "presented": event.presented,
        "lines": [
            {
                "block": line.block,
                "quantity": line.quantity.text,
                "unit": line.quantity.unit,
                "outcome": str(line.outcome) if line.outcome else None,
                "taxon": line.taxon,
                "term": line.term,
                "source": line.source,
            }
            for line in event.lines
        ],
    }


def _ref_to_json(ref: PermitRef) -> dict[str, Any]:
    return {
        "issuer": ref.issuer,
        "number": ref.number,
        "type": ref.type,
        "issued_on": ref.issued_on.isoformat() if ref.issued_on else None,
    }


def _basis_to_json(basis: Basis) -> dict[str, Any]:
    return {
        "kind": basis.kind,
        "certified_by": basis.certified_by,
        "certified_on": basis.certified_on.isoformat(),
        "new_valid_until": basis.new_valid_until.isoformat() if basis.new_valid_until else None,
        "bill_of_lading": basis.bill_of_lading,
    }


def same_event(a: Event, b: Event) -> bool:
    """Whether both say the same: one kind, and equal but for decimal scale and white space (contract 5)."""
    return type(a) is type(b) and plain_members(event_to_json(a)) == plain_members(event_to_json(b))


def body_json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas of the bodies that this module reads, for OpenAPI; ``proof`` stands beside their members."""
    bodies: dict[str, type[Body]] = {
        "endorsement": EndorsementBody,
        "confirmation": ConfirmationBody,
        "correction": CorrectionBody,
        "withdrawal": WithdrawalBody,
        "presented": PresentedBody,
    }
    return {name: body.model_json_schema(by_alias=True) for name, body in bodies.items()}


__all__ = [
    "CorrectionRequest",
    "Event",
    "body_json_schemas",
    "confirmation_from_json",
    "correction_from_json",
    "counted",
    "endorsement_from_json",
    "event_to_json",
    "same_event",
    "split_proof",
    "withdrawal_from_json",
]
