"""Write a permit as the SOAP response of a CITES data exchange (cites-formats.md 1.4, 2.1).

The permit inside is what ``writer`` writes, but for the root, which is in no namespace there: that is how the systems
that speak this protocol have it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Permit
from epix_node.permit.xml import boxes
from epix_node.permit.xml.message import ATTACHMENT, ATTACHMENT_CONTENT, ATTACHMENT_NAME, COMPOSITE, RESPONSES
from epix_node.permit.xml.writer import permit_element

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
"""SOAP 1.1, as the EPIX hub speaks it."""
EXCHANGE = "urn:CitesDataExchange/v2/"

_NON_FINAL, _FINAL = RESPONSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file to send along."""

    name: str
    content: bytes


def write_soap(permit: Permit, *, attachments: Sequence[Enclosure] = (), is_final: bool = False) -> bytes:
    """The permit, which must be in normal form, and the files in a SOAP 1.1 envelope in UTF-8.

    ``is_final`` says that quantities are those actually exported; nobody wrote down what else it means. ``Composite``
    is always false, since one permit is one document here.

    Raises:
        MalformedDocumentError: text that XML cannot hold.
    """
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP, "v2": EXCHANGE})
    etree.SubElement(envelope, f"{{{SOAP}}}Header")
    body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
    response = etree.SubElement(body, f"{{{EXCHANGE}}}{_FINAL if is_final else _NON_FINAL}")
    element = permit_element(permit)
    element.tag = boxes.ROOT
    response.append(element)
    for attachment in attachments:
        part = etree.SubElement(response, ATTACHMENT)
        _put_name(part, attachment.name)
        etree.SubElement(part, ATTACHMENT_CONTENT).text = b64encode(attachment.content).decode("ascii")
    etree.SubElement(response, COMPOSITE).text = "false"
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _put_name(part: _Element, name: str) -> None:
    try:
        etree.SubElement(part, ATTACHMENT_NAME).text = name
    except ValueError as error:
        raise MalformedDocumentError("the name of an attachment cannot be written as XML") from error
