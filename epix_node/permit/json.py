"""Permit JSON of contract 5: bodies in, permits out, and back.

Refused here (400) is only what cannot be understood: a wrong JSON type, an unknown member, a date that is none, or
a permit without issuer, type, number or lines. Everything else that is missing, and every unknown code, passes:
the rules name it (422). White space around texts is dropped; the number stays as printed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from epix_node.permit import json_fields
from epix_node.permit.json_fields import Body, CalendarDate, PrintedNumber, RequiredText, Text, without_nulls
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.spelling import plain_members
from epix_node.permit.strict_json import load_json

__all__ = [
    "load_json",
    "permit_from_json",
    "permit_json_schema",
    "permit_to_json",
    "presented_from_json",
    "same_content",
]

_Part = TypeVar("_Part")


class TradePartyBody(Body):
    name: Text | None = None
    address: Text | None = None
    country: Text | None = None


class AuthorityBody(Body):
    name: Text | None = None
    place: Text | None = None
    signatory: Text | None = None


class ReferenceBody(Body):
    relation: Text | None = None
    issuer: Text | None = None
    number: Text | None = None
    date: CalendarDate | None = None


class OriginBody(Body):
    country: Text | None = None
    permit: Text | None = None
    date: CalendarDate | None = None


class QuotaBody(Body):
    used: Text | None = None
    annual: Text | None = None
    unit: Text | None = None


class LineBody(Body):
    block: Text | None = None
    taxon: Text | None = None
    common_name: Text | None = None
    appendix: Text | None = None
    sources: list[Text] | None = None
    term: Text | None = None
    description: Text | None = None
    quantity: Text | None = None
    unit: Text | None = None
    marks: list[Text] | None = None
    origin: OriginBody | None = None
    last_reexport: OriginBody | None = None
    acquired_on: CalendarDate | None = None
    operation_number: Text | None = None
    quota: QuotaBody | None = None


class PresentedBody(Body):
    """Some members of a permit, as somebody read them from the paper."""

    type: Text | None = None
    subtype: Text | None = None
    number: Text | None = None
    issuer: Text | None = None
    issued_on: CalendarDate | None = None
    valid_from: CalendarDate | None = None
    valid_until: CalendarDate | None = None
    purpose: Text | None = None
    multi_use: bool | None = None
    copy_: Annotated[bool | None, Field(alias="copy")] = None  # pydantic has a method of the name
    retrospective: bool | None = None
    paper_original: bool | None = None
    replaces: Text | None = None
    exporter: TradePartyBody | None = None
    importer: TradePartyBody | None = None
    transit: list[Text] | None = None
    authority: AuthorityBody | None = None
    security_stamp: Text | None = None
    special_conditions: Text | None = None
    transport_document: Text | None = None
    references: list[ReferenceBody] | None = None
    lines: list[LineBody] | None = None


class PermitBody(PresentedBody):
    """A permit: four members must be there."""

    type: RequiredText
    number: PrintedNumber
    issuer: RequiredText
    lines: Annotated[list[LineBody], Field(min_length=1)]


def permit_from_json(value: object) -> Permit:
    """The permit that the JSON object describes.

    Raises:
        MalformedDocumentError: not understood; the message names the bad member by its path.
    """
    try:
        body = PermitBody.model_validate(value)
    except ValidationError as error:
        raise json_fields.not_understood(error, what="permit") from error
    permit = Permit(
        type=body.type,
        number=body.number,
        issuer=body.issuer,
        lines=tuple(_line(line) for line in body.lines),
        subtype=body.subtype,
        issued_on=body.issued_on,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        purpose=body.purpose,
        multi_use=body.multi_use or False,
        copy=body.copy_ or False,
        retrospective=body.retrospective or False,
        paper_original=body.paper_original or False,
        replaces=body.replaces,
        exporter=_part(body.exporter, TradeParty),
        importer=_part(body.importer, TradeParty),
        transit=_texts(body.transit),
        authority=_part(body.authority, Authority) or Authority(),
        security_stamp=body.security_stamp,
        special_conditions=body.special_conditions,
        transport_document=body.transport_document,
        references=tuple(_reference(reference) for reference in body.references or ()),
    )
    return normal_form(permit)


def presented_from_json(value: object) -> dict[str, Any]:
    """What the paper says, checked: members of a permit, without null and empty ones, dates as text.

    Raises:
        MalformedDocumentError: a wrong JSON type or an unknown member.
    """
    try:
        body = PresentedBody.model_validate(value)
    except ValidationError as error:
        raise json_fields.not_understood(error, what="presented") from error
    return presented_members(body)


def presented_members(body: PresentedBody) -> dict[str, Any]:
    """The members that were given, as plain JSON values."""
    members: dict[str, Any] = without_nulls(body.model_dump(by_alias=True))
    return members


def permit_to_json(permit: Permit) -> dict[str, Any]:
    """All members in the order of contract 5, nulls included."""
    return {
        "type": permit.type,
        "subtype": permit.subtype,
        "number": permit.number,
        "issuer": permit.issuer,
        "issued_on": _iso(permit.issued_on),
        "valid_from": _iso(permit.valid_from),
        "valid_until": _iso(permit.valid_until),
        "purpose": permit.purpose,
        "multi_use": permit.multi_use,
        "copy": permit.copy,
        "retrospective": permit.retrospective,
        "paper_original": permit.paper_original,
        "replaces": permit.replaces,
        "exporter": _trade_party_to_json(permit.exporter),
        "importer": _trade_party_to_json(permit.importer),
        "transit": list(permit.transit),
        "authority": {
            "name": permit.authority.name,
            "place": permit.authority.place,
            "signatory": permit.authority.signatory,
        },
        "security_stamp": permit.security_stamp,
        "special_conditions": permit.special_conditions,
        "transport_document": permit.transport_document,
        "references": [
            {
                "relation": str(reference.relation),
                "issuer": reference.issuer,
                "number": reference.number,
                "date": _iso(reference.date),
            }
            for reference in permit.references
        ],
        "lines": [_line_to_json(line) for line in permit.lines],
    }


def permit_json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what ``permit_from_json`` takes, made from the same classes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "/api/v1/schemas/permit.json",
        **PermitBody.model_json_schema(by_alias=True),
        "title": "Permit",
        "description": "A CITES permit or certificate. Null and absent are the same.",
    }


def same_content(a: Permit, b: Permit) -> bool:
    """Whether both are the same permit but for spelling of numbers, white space and decimal scale (contract 5)."""
    return a.legacy == b.legacy and plain_members(permit_to_json(a)) == plain_members(permit_to_json(b))


def _part(body: Body | None, part: Callable[..., _Part]) -> _Part | None:
    return None if body is None else part(**body.__dict__)


def _texts(values: list[str] | None) -> tuple[str, ...]:
    return tuple(value for value in values or () if value)


def _reference(body: ReferenceBody) -> Reference:
    # The normal form takes a document named without a relation for an annex.
    return Reference(relation=body.relation or "", issuer=body.issuer, number=body.number, date=body.date)


def _line(body: LineBody) -> Line:
    members = dict(body.__dict__)
    members["sources"] = _texts(body.sources)
    members["marks"] = _texts(body.marks)
    members["origin"] = _part(body.origin, Origin)
    members["last_reexport"] = _part(body.last_reexport, Origin)
    members["quota"] = _part(body.quota, Quota)
    return Line(**members)


def _trade_party_to_json(party: TradeParty | None) -> dict[str, Any] | None:
    return None if party is None else {"name": party.name, "address": party.address, "country": party.country}


def _origin_to_json(origin: Origin | None) -> dict[str, Any] | None:
    if origin is None:
        return None
    return {"country": origin.country, "permit": origin.permit, "date": _iso(origin.date)}


def _line_to_json(line: Line) -> dict[str, Any]:
    return {
        "block": line.block,
        "taxon": line.taxon,
        "common_name": line.common_name,
        "appendix": line.appendix,
        "sources": list(line.sources),
        "term": line.term,
        "description": line.description,
        "quantity": line.quantity,
        "unit": line.unit,
        "marks": list(line.marks),
        "origin": _origin_to_json(line.origin),
        "last_reexport": _origin_to_json(line.last_reexport),
        "acquired_on": _iso(line.acquired_on),
        "operation_number": line.operation_number,
        "quota": None
        if line.quota is None
        else {"used": line.quota.used, "annual": line.quota.annual, "unit": line.quota.unit},
    }


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()
