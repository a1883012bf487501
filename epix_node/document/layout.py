"""The tables of the exchange document: header and bodies, member by member (decision 1, contract 5).

The order of each table is the order of the elements. Members that the header holds are not repeated in a body:
``take`` and the reader add them back. ``schemas/epix-document-1.xsd`` says the same for other programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from epix_node.document import leaves
from epix_node.document.extract import EXTRACT
from epix_node.document.header import DocumentType, Header
from epix_node.document.presented import DIFFERENCE, PRESENTED
from epix_node.document.shape import Member, Shape, attributes_of, many, one
from epix_node.permit.event import AlertEvidence, Basis, EventLine, Outcome, PermitRef, WithdrawalReason
from epix_node.permit.event_bodies import TIMBER_BASES
from epix_node.permit.event_json import counted
from epix_node.permit.finding import FindingClass, FindingState
from epix_node.permit.model import PermitType
from epix_node.permit.number import NumberRef, PermitKey

ENVIRONMENTS = ("sandbox", "uat", "prod")

_PERMIT_TYPE = leaves.words(*(kind.value for kind in PermitType))


def _header(members: dict[str, Any]) -> Header:
    return Header(**members | {"recipients": tuple(members.get("recipients", ()))})


HEADER = Shape(
    (
        one("environment", leaves.words(*ENVIRONMENTS), is_required=True),
        one("party", leaves.CODE, is_required=True),
        one("type", leaves.codes(DocumentType), is_required=True),
        one("issued", leaves.TIME, is_required=True),
        one("salt", leaves.SALT, is_required=True),
        one("permit_salt", leaves.SALT, is_required=True),
        one("token_digest", leaves.DIGEST),
        many("recipients", leaves.RECIPIENT, tag="Recipient"),
        one("permit_issuer", leaves.CODE),
        one("permit_type", _PERMIT_TYPE),
        one("permit_number", leaves.NUMBER),
        one("permit_year", leaves.YEAR),
        one("event_id", leaves.EVENT_ID),
        one("supersedes", leaves.DIGEST),
    ),
    build=_header,
    take=attributes_of(*Header.__dataclass_fields__),
)

_OWN_REF = Shape((one("issued_on", leaves.DATE, is_required=True),))
"""The permit of an event: the header holds the rest of its key."""


_OTHER_REF = Shape(
    (
        one("issuer", leaves.CODE, is_required=True),
        one("number", leaves.NUMBER, is_required=True),
        one("type", _PERMIT_TYPE),
        one("issued_on", leaves.DATE),
    ),
    build=lambda members: PermitRef(**members),
    take=attributes_of("issuer", "number", "type", "issued_on"),
)

_BASIS = Shape(
    (
        one("kind", leaves.words(*TIMBER_BASES), is_required=True),
        one("certified_by", leaves.TEXT, is_required=True),
        one("certified_on", leaves.DATE, is_required=True),
        one("new_valid_until", leaves.DATE),
        one("bill_of_lading", leaves.TEXT),
    ),
    build=lambda members: Basis(**members),
    take=attributes_of("kind", "certified_by", "certified_on", "new_valid_until", "bill_of_lading"),
)


def _event_line(members: dict[str, Any]) -> EventLine:
    quantity = counted(members.pop("quantity"), members.pop("unit"))
    return EventLine(block=members.pop("block", None), quantity=quantity, **members)


def _event_line_members(line: EventLine) -> Mapping[str, Any]:
    return {
        "block": line.block,
        "quantity": line.quantity.text,
        "unit": line.quantity.unit,
        "outcome": line.outcome,
        "taxon": line.taxon,
        "term": line.term,
        "source": line.source,
    }


_EVENT_LINE = Shape(
    (
        one("block", leaves.TEXT),
        one("quantity", leaves.TEXT, is_required=True),
        one("unit", leaves.TEXT, is_required=True),
        one("outcome", leaves.codes(Outcome)),
        one("taxon", leaves.TEXT),
        one("term", leaves.TEXT),
        one("source", leaves.TEXT),
    ),
    build=_event_line,
    take=_event_line_members,
)

_PERMIT = one("permit", _OWN_REF)
_OFFICE_AND_DATE = (one("office", leaves.TEXT, is_required=True), one("date", leaves.DATE, is_required=True))


def _goods(*outcome: Member) -> Shape:
    return Shape(
        (
            _PERMIT,
            *_OFFICE_AND_DATE,
            one("transport_document", leaves.TEXT),
            *outcome,
            one("import_permit", _OTHER_REF),
            one("declaration", leaves.TEXT),
            one("officer", leaves.TEXT),
            one("continues", leaves.EVENT_ID),
            one("basis", _BASIS),
            one("presented", PRESENTED),
            many("lines", _EVENT_LINE, tag="Line"),
        )
    )


_PERMIT_KEY = Shape(
    (
        one("issuer", leaves.CODE, is_required=True),
        one("type", _PERMIT_TYPE, is_required=True),
        one("number", leaves.NUMBER, is_required=True),
        one("year", leaves.YEAR, is_required=True),
    ),
    build=lambda members: PermitKey(**members),
    take=attributes_of("issuer", "type", "number", "year"),
)

_ALERT_PERMIT = Shape(
    (
        one("issuer", leaves.CODE, is_required=True),
        one("number", leaves.NUMBER, is_required=True),
        one("type", _PERMIT_TYPE),
        one("year", leaves.YEAR),
    ),
    build=lambda members: NumberRef(**members),
    take=attributes_of("issuer", "number", "type", "year"),
)

_ALERT_VALUE = Shape(
    (one("name", leaves.TEXT, is_required=True), one("text", leaves.TEXT_OR_EMPTY, is_required=True)),
    build=lambda members: (members["name"], members["text"]),
    take=lambda value: {"name": value[0], "text": value[1]},
)

_ALERT_EVIDENCE = Shape(
    (
        one("document", leaves.DIGEST, is_required=True),
        one("type", leaves.words(*(kind.value for kind in DocumentType)), is_required=True),
        one("party", leaves.CODE, is_required=True),
        one("index", leaves.INDEX, is_required=True),
    ),
    build=lambda members: AlertEvidence(**members),
    take=attributes_of("document", "type", "party", "index"),
)

BODIES: dict[DocumentType, tuple[str, Shape]] = {
    DocumentType.WITHDRAWAL: (
        "Withdrawal",
        Shape(
            (
                one("reason", leaves.codes(WithdrawalReason), is_required=True),
                one("text", leaves.ANY_TEXT),
                one("replaced_by", _PERMIT_KEY),
            )
        ),
    ),
    DocumentType.ENDORSEMENT: ("ExportEndorsement", _goods()),
    DocumentType.CONFIRMATION: (
        "ImportConfirmation",
        _goods(one("outcome", leaves.codes(Outcome), is_required=True)),
    ),
    DocumentType.PRESENTATION: (
        "Presentation",
        Shape(
            (
                _PERMIT,
                *_OFFICE_AND_DATE,
                one("presented", PRESENTED, is_required=True),
                many("differences", DIFFERENCE, tag="Difference"),
            )
        ),
    ),
    # The header's Supersedes is the digest of the document taken back; this one is its event id (contract 5).
    DocumentType.CORRECTION: (
        "Correction",
        Shape((one("supersedes", leaves.EVENT_ID, is_required=True), _PERMIT)),
    ),
    DocumentType.ALERT: (
        "Alert",
        Shape(
            (
                one("finding_id", leaves.DIGEST, is_required=True),
                one("pattern", leaves.TEXT, is_required=True),
                one("class_", leaves.words(*FindingClass), is_required=True, tag="Class"),
                one("state", leaves.words(*FindingState), is_required=True),
                one("ruleset", leaves.TEXT, is_required=True),
                one("opened", leaves.TIME, is_required=True),
                one("summary", leaves.ANY_TEXT, is_required=True),
                many("permits", _ALERT_PERMIT, tag="Permit"),
                many("values", _ALERT_VALUE, tag="Value"),
                many("evidence", _ALERT_EVIDENCE, tag="Evidence"),
            )
        ),
    ),
    DocumentType.EXTRACT: ("PermitExtract", EXTRACT),
}
"""Element and members of every body of our own. The body of a permit is toolkit v2 instead."""
