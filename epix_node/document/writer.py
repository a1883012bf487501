"""An exchange document as XML, not yet signed (decision 1).

Written without white space between elements and without an XML declaration, so that nothing stands in the bytes that
means nothing. Once signed, the bytes are the record and are never written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree
from lxml.etree import _Element

from epix_node.document.extract import members_of
from epix_node.document.layout import BODIES, HEADER
from epix_node.document.model import ExchangeDocument
from epix_node.document.shape import qualified
from epix_node.permit.event import Alert, Confirmation, Correction, Endorsement, Presentation, Withdrawal
from epix_node.permit.extract import PermitExtract
from epix_node.permit.model import Permit
from epix_node.permit.xml.extension import DOCUMENT_NAMESPACE, extension_element
from epix_node.permit.xml.writer import permit_element


def write_document(document: ExchangeDocument) -> bytes:
    """The document in UTF-8, unsigned. ``read_document`` gives the same document back.

    Raises:
        ValueError: a value that profile 1 has no place for, such as a number that is not normalised.
    """
    root = etree.Element(qualified("Document"), nsmap={"epix": DOCUMENT_NAMESPACE})
    HEADER.write(etree.SubElement(root, qualified("Header")), document.header)
    _write_body(etree.SubElement(root, qualified("Body")), document)
    return etree.tostring(root, encoding="utf-8", xml_declaration=False)


def _write_body(parent: _Element, document: ExchangeDocument) -> None:
    body = document.body
    if isinstance(body, Permit):
        parent.append(permit_element(body))
        extension = extension_element(body)
        if extension is not None:
            parent.append(extension)
        return
    tag, shape = BODIES[document.header.type]
    shape.write(etree.SubElement(parent, qualified(tag)), _members(body))


def _members(
    body: Withdrawal | Endorsement | Confirmation | Presentation | Correction | Alert | PermitExtract,
) -> Mapping[str, Any]:
    """The body's members; of the permit that an event is about, only what the header does not say."""
    if isinstance(body, PermitExtract):
        return members_of(body)
    members = {name: getattr(body, name) for name in body.__dataclass_fields__}
    if not isinstance(body, Withdrawal | Alert):
        members["permit"] = {"issued_on": body.permit.issued_on} if body.permit.issued_on else None
    return members
