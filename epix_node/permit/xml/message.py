"""What stands around a permit in plain toolkit documents: nothing, or the SOAP response of a CITES data exchange.

The response (cites-formats.md 1.4) holds the permit, attachments and a switch ``Composite``; it may stand alone or in
a SOAP envelope. Local names are compared, as everywhere. A document has exactly one permit, at its place: with two,
or with one that is hidden elsewhere, two readers could take two different permits for the one that was sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.xml.branch import text_of
from epix_node.permit.xml.deviation import Deviations
from epix_node.permit.xml.extension import DOCUMENT_NAMESPACE
from epix_node.permit.xml.forms import FORMS, Form

SIGNATURE_NAMESPACE = "{http://www.w3.org/2000/09/xmldsig#}"
RESPONSES = ("GetNonFinalCitesCertificateResponse", "GetFinalCitesCertificateResponse")
ATTACHMENT, ATTACHMENT_NAME, ATTACHMENT_CONTENT = "Attachments", "AttachmentName", "AttachmentContent"
COMPOSITE = "Composite"

_SIGNED_ROOT = f"{{{DOCUMENT_NAMESPACE}}}Document"
_SOUGHT = (f"{SIGNATURE_NAMESPACE}*", *(f"{{*}}{root}" for root in FORMS))
_FAULTS = (
    "AdapterNotAvailable",
    "CalleeNotFound",
    "CallerNotFound",
    "CertificateMissing",
    "Invalid Request",
    "Something went wrong",
)
"""Fault texts of the EPIX hub (cites-formats.md 2.2). No other text of a fault is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a permit: its name, its size in bytes and its SHA-256 in hex.

    Size and digest are ``None`` where the file is not in the document but referred to (``cid:``), or unreadable.
    """

    name: str | None
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A document taken apart."""

    permit: _Element
    form: Form
    response: _Element | None
    attachments: tuple[Attachment, ...] = ()
    composite: bool | None = None


def local_name(element: _Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def refuse_signatures(element: _Element) -> None:
    """Raise SIGNED_DOCUMENT for an exchange document and for anything that is, or has inside, a signature.

    To read it as a plain permit would silently drop what the signature says.
    """
    if element.tag == _SIGNED_ROOT:
        raise MalformedDocumentError("a signed document cannot be read as a plain permit", code="SIGNED_DOCUMENT")
    if next(element.iter(f"{SIGNATURE_NAMESPACE}*"), None) is not None:
        raise MalformedDocumentError("there is a signature inside", code="SIGNED_DOCUMENT")


def open_message(root: _Element, deviations: Deviations) -> Message:
    """The document's one permit and what came with it.

    Raises:
        MalformedDocumentError: ``SIGNED_DOCUMENT`` as ``refuse_signatures``; ``NOT_UNDERSTOOD`` for a SOAP fault,
            for no permit, several, or one where none may stand.
    """
    # In one pass: signatures, and permits anywhere.
    found = list(root.iter(*_SOUGHT))
    if root.tag == _SIGNED_ROOT or any(str(one.tag).startswith(SIGNATURE_NAMESPACE) for one in found):
        refuse_signatures(root)
    name = local_name(root)
    form = FORMS.get(name)
    if form is not None:
        permit, response = root, None
    elif name == "Envelope" or name in RESPONSES:
        response = _response(root) if name == "Envelope" else root
        permit = _permit(response)
        form = FORMS[local_name(permit)]
    else:
        raise MalformedDocumentError(f"the document is none of {', '.join(FORMS)} and no SOAP response with one inside")
    if any(one is not permit for one in found):
        raise MalformedDocumentError("the document has several permits, or one where none may stand")
    if response is None:
        return Message(permit=permit, form=form, response=None)
    attachments, composite = _enclosed(response, permit, deviations)
    return Message(permit=permit, form=form, response=response, attachments=attachments, composite=composite)


def _response(envelope: _Element) -> _Element:
    bodies = [child for child in envelope.iterchildren("*") if local_name(child) == "Body"]
    contents = list(bodies[0].iterchildren("*")) if len(bodies) == 1 else []
    if len(contents) != 1:
        raise MalformedDocumentError("the SOAP envelope does not have one body with one response")
    name = local_name(contents[0])
    if name == "Fault":
        raise MalformedDocumentError(f"the document is a SOAP fault{_fault(contents[0])}: it holds no permit")
    if name not in RESPONSES:
        raise MalformedDocumentError(f"the SOAP body holds none of {', '.join(RESPONSES)}")
    return contents[0]


def _fault(fault: _Element) -> str:
    texts = {text.strip() for text in fault.itertext()}
    return next((f" ({known})" for known in _FAULTS if known in texts), "")


def _permit(response: _Element) -> _Element:
    permits = [child for child in response.iterchildren("*") if local_name(child) in FORMS]
    if len(permits) != 1:
        raise MalformedDocumentError("the SOAP response does not hold one permit")
    return permits[0]


def _enclosed(
    response: _Element, permit: _Element, deviations: Deviations
) -> tuple[tuple[Attachment, ...], bool | None]:
    attachments: list[Attachment] = []
    composites: list[str] = []
    for part in response.iterchildren("*"):
        name = local_name(part)
        if name == ATTACHMENT:
            attachments.append(_attachment(part, len(attachments) + 1, deviations))
        elif name == COMPOSITE:
            composites.append(text_of(part) or "")
        elif part is not permit:
            deviations.add("", "the SOAP response has a part that is not known; it is passed over")
    if len(composites) != 1 or composites[0] not in {"true", "1", "false", "0"}:
        deviations.add(COMPOSITE, "is not there once as true or false; read as not given")
        return tuple(attachments), None
    return tuple(attachments), composites[0] in {"true", "1"}


def _attachment(part: _Element, position: int, deviations: Deviations) -> Attachment:
    parts = {local_name(child): child for child in part.iterchildren("*")}
    name = text_of(parts[ATTACHMENT_NAME]) if ATTACHMENT_NAME in parts else None
    content = parts.get(ATTACHMENT_CONTENT)
    text = text_of(content) if content is not None else None
    # By MIME: the text is a reference, or there is an xop:Include. The file is not part of the document.
    if text is None or text[:4].lower() == "cid:":
        return Attachment(name=name, size=None, sha256=None)
    try:
        file = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        path = f"{ATTACHMENT}[{position}]/{ATTACHMENT_CONTENT}"
        deviations.add(path, "is neither base64 nor a reference; the file's size and digest are not known")
        return Attachment(name=name, size=None, sha256=None)
    return Attachment(name=name, size=len(file), sha256=hashlib.sha256(file).hexdigest())
