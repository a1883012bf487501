"""The exchange document: a header and one body, which speak of the same permit and the same event.

The key of the permit and the event id stand twice, once in the header for everybody who routes the document and once
in the body's domain type. ``mismatch`` says whether both agree; no document exists in which they do not.
"""

from __future__ import annotations

from dataclasses import dataclass

from epix_node.document.header import EVERYBODY, DocumentType, Header
from epix_node.permit.event import Alert, Confirmation, Correction, Endorsement, PermitRef, Presentation, Withdrawal
from epix_node.permit.extract import PermitExtract
from epix_node.permit.model import Permit
from epix_node.permit.number import NumberRef, PermitKey

Body = Permit | Withdrawal | Endorsement | Confirmation | Presentation | Correction | Alert | PermitExtract

BODY_TYPES: dict[DocumentType, type[Body]] = {
    DocumentType.PERMIT: Permit,
    DocumentType.WITHDRAWAL: Withdrawal,
    DocumentType.ENDORSEMENT: Endorsement,
    DocumentType.CONFIRMATION: Confirmation,
    DocumentType.PRESENTATION: Presentation,
    DocumentType.CORRECTION: Correction,
    DocumentType.ALERT: Alert,
    DocumentType.EXTRACT: PermitExtract,
}

_OF_EVENTS = frozenset(
    {DocumentType.ENDORSEMENT, DocumentType.CONFIRMATION, DocumentType.PRESENTATION, DocumentType.CORRECTION}
)
"""Documents with an event id, which alone can be taken back and take back others (decision 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDocument:
    """What one Party tells others. Raises ``ValueError`` where header and body do not belong together."""

    header: Header
    body: Body

    def __post_init__(self) -> None:
        reason = mismatch(self.header, self.body)
        if reason is not None:
            raise ValueError(reason)


def mismatch(header: Header, body: Body) -> str | None:
    """Why header and body do not belong together; ``None`` where they do.

    The year of a header may say more than an event, whose sender need not know the date of issue.
    """
    if type(body) is not BODY_TYPES[header.type]:
        return f"a document of type {header.type} does not hold a {type(body).__name__}"
    misplaced = _misplaced(header)
    if misplaced is not None:
        return misplaced
    key: PermitKey | NumberRef
    match body:
        case Permit():
            if body.issued_on is None:
                return "a permit in a document has a date of issue"
            key = body.key
        case PermitExtract():
            key = body.key
        case Withdrawal():
            key = body.permit
        case Alert():
            key = body.subject
        case Endorsement() | Confirmation() | Presentation() | Correction():
            if header.event_id != body.event_id:
                return "header and body differ in the event id"
            key = body.permit.ref
            if isinstance(body, Correction) and header.supersedes is None:
                return "a correction names the digest of the document that it takes back"
    if (header.permit_issuer, header.permit_type, header.permit_number) != (key.issuer, key.type, key.number):
        return "header and body differ in the permit's issuer, type or number"
    if header.permit_year != key.year and not (key.year is None and _is_open(body)):
        return "header and body differ in the permit's year"
    return None


def _misplaced(header: Header) -> str | None:
    """Why the header of such a document cannot have these members."""
    if header.token_digest is not None and header.type is not DocumentType.PERMIT:
        return "only the header of a permit holds a token's digest"
    if header.type not in _OF_EVENTS and (header.event_id is not None or header.supersedes is not None):
        return "the header of what is no event holds an event id, or takes a document back"
    if len(set(header.recipients)) != len(header.recipients):
        return "the header names a recipient twice"
    if EVERYBODY in header.recipients and len(header.recipients) > 1:
        return "the header names a recipient beside everybody"
    return None


def _is_open(body: Body) -> bool:
    """Whether the header may know the year of issue although the body does not."""
    ref = getattr(body, "permit", None)
    return isinstance(ref, PermitRef)
