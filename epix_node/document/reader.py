"""An exchange document out of the bytes that its signature covers (C.6: only the signed bytes are read).

Reading is strict: an element that is unknown, repeated or out of order, an attribute, or a value in another form
than the one we write is ``NOT_A_DOCUMENT``. Only the permit itself, which is toolkit XML, is read tolerantly. Where
header and body speak of different permits or events, nothing is believed (``CONTENT_MISMATCH``).
"""

from __future__ import annotations

from typing import Any

from lxml.etree import _Element

from epix_node.document.extract import extract_from
from epix_node.document.header import DocumentType, Header
from epix_node.document.layout import BODIES, HEADER
from epix_node.document.model import Body, ExchangeDocument, mismatch
from epix_node.document.shape import qualified, refusal
from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import (
    Alert,
    Confirmation,
    Correction,
    Endorsement,
    PermitRef,
    Presentation,
    Withdrawal,
)
from epix_node.permit.model import Permit
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.xml import boxes
from epix_node.permit.xml.extension import EXTENSION_TAG, read_extension
from epix_node.permit.xml.reader import read_permit
from epix_node.safexml import parse

_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_PERMIT = boxes.qualified(boxes.ROOT)


def read_document(signed_bytes: bytes) -> ExchangeDocument:
    """The document in the canonical signed bytes, with or without the signature as its last child.

    Whether the signature is right is asked elsewhere, and before.

    Raises:
        MalformedDocumentError: ``NOT_A_DOCUMENT``, ``CONTENT_MISMATCH``, or a code of ``safexml.parse``.
    """
    root = parse(signed_bytes, strict=True)
    if root.tag != qualified("Document") or root.attrib:
        raise refusal("the root is no epix:Document")
    parts = list(root)
    if len(parts) == 3 and parts[2].tag == _SIGNATURE:
        parts.pop()
    if [part.tag for part in parts] != [qualified("Header"), qualified("Body")]:
        raise refusal("the root must hold Header, Body and at most one ds:Signature")
    if any(not _is_blank(text) for text in (root.text, *(child.tail for child in root))):
        raise refusal("text beside the header and the body")
    header: Header = HEADER.read(parts[0])
    body = _read_body(header, parts[1])
    reason = mismatch(header, body)
    if reason is not None:
        raise MalformedDocumentError(reason, code="CONTENT_MISMATCH")
    return ExchangeDocument(header=header, body=body)


def _read_body(header: Header, element: _Element) -> Body:
    contents = list(element)
    if element.attrib or any(not _is_blank(text) for text in (element.text, *(child.tail for child in contents))):
        raise refusal("Body holds attributes or text")
    tags = [child.tag for child in contents]
    if header.type is DocumentType.PERMIT:
        if tags not in ([_PERMIT], [_PERMIT, EXTENSION_TAG]):
            raise refusal("the body of a permit holds CITESEPermit and at most a PermitExtension")
        return _read_permit(contents[0], contents[1] if len(contents) == 2 else None)
    tag, shape = BODIES[header.type]
    if tags != [qualified(tag)]:
        raise refusal(f"a document of type {header.type} holds {tag} and nothing else")
    return _build(header, shape.read(contents[0]))


def _read_permit(element: _Element, extension: _Element | None) -> Permit:
    try:
        permit = read_permit(element).permit
        return permit if extension is None else read_extension(extension, permit)
    except MalformedDocumentError as error:
        raise MalformedDocumentError(f"not an exchange document: {error}", code="NOT_A_DOCUMENT") from error


def _build(header: Header, members: dict[str, Any]) -> Body:
    """The body's domain type: its own members and those that stand in the header."""
    if header.permit_issuer is None or header.permit_number is None:
        raise refusal("the header names no permit")
    if header.type is DocumentType.WITHDRAWAL:
        if header.permit_type is None or header.permit_year is None:
            raise refusal("the header of a withdrawal names type and year of the permit")
        key = PermitKey(
            issuer=header.permit_issuer,
            type=header.permit_type,
            number=header.permit_number,
            year=header.permit_year,
        )
        return Withdrawal(permit=key, **members)
    if header.type is DocumentType.ALERT:
        subject = NumberRef(
            issuer=header.permit_issuer,
            number=header.permit_number,
            type=header.permit_type,
            year=header.permit_year,
        )
        return Alert(subject=subject, **members | _tuples(members, "permits", "values", "evidence"))
    if header.type is DocumentType.EXTRACT:
        return extract_from(header, members)
    if header.event_id is None:
        raise refusal("the header of an event holds its event id")
    members["event_id"] = header.event_id
    members["permit"] = PermitRef(
        issuer=header.permit_issuer,
        number=header.permit_number,
        type=header.permit_type,
        **members.pop("permit", {}),
    )
    match header.type:
        case DocumentType.ENDORSEMENT:
            return Endorsement(**members | _tuples(members, "lines"))
        case DocumentType.CONFIRMATION:
            return Confirmation(**members | _tuples(members, "lines"))
        case DocumentType.PRESENTATION:
            return Presentation(**members | _tuples(members, "differences"))
        case _:
            return Correction(**members)


def _tuples(members: dict[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(members.get(name, ())) for name in names}


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip(" \t\r\n")
