"""What toolkit v2 cannot hold: the ``PermitExtension`` that travels beside a permit in its signed document.

It holds exactly the members that have no place in toolkit v2, in the order of contract 5, and ``Legacy`` (decision
1). References and the replaced number have a place (``ReferenceReferencedDocument``) and are not here. What is null,
or a switch that is off, is left out; a permit that needs none of it has no extension.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lxml import etree
from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS
from epix_node.permit.model import Permit
from epix_node.permit.text import clean

DOCUMENT_NAMESPACE = "urn:epix-node:document:1"
"""Namespace of the exchange document and of everything that is our own in it (decision 1)."""

EXTENSION_TAG = f"{{{DOCUMENT_NAMESPACE}}}PermitExtension"

EXTENSION_MEMBERS = ("subtype", "multi_use", "retrospective", "paper_original", "transit", "legacy")
"""Members of a permit that plain toolkit output cannot hold: only the extension has them."""

_SWITCHES = {
    "MultiUse": "multi_use",
    "Retrospective": "retrospective",
    "PaperOriginal": "paper_original",
    "Legacy": "legacy",
}
_ORDER = ("Subtype", "MultiUse", "Retrospective", "PaperOriginal", "Transit", "Legacy")


def extension_element(permit: Permit) -> _Element | None:
    """The extension of a permit in normal form; ``None`` where toolkit v2 holds all of it.

    Raises:
        MalformedDocumentError: text that XML cannot hold.
    """
    members: list[tuple[str, str]] = []
    for name in _ORDER:
        if name == "Subtype":
            members += [(name, permit.subtype)] if permit.subtype is not None else []
        elif name == "Transit":
            members += [(name, country) for country in permit.transit]
        elif getattr(permit, _SWITCHES[name]):
            members.append((name, "true"))
    if not members:
        return None
    extension = etree.Element(EXTENSION_TAG, nsmap={"epix": DOCUMENT_NAMESPACE})
    for name, text in members:
        try:
            etree.SubElement(extension, f"{{{DOCUMENT_NAMESPACE}}}{name}").text = text
        except ValueError as error:
            raise MalformedDocumentError(f"{name} holds a character that cannot be written as XML") from error
    return extension


def read_extension(extension: _Element | None, permit: Permit) -> Permit:
    """The permit as its toolkit part gave it, completed by its extension.

    Raises:
        MalformedDocumentError: not a ``PermitExtension``, or members that are unknown, repeated, out of order or
            not what they should be. Whoever signed them meant something by them, so none is passed over.
    """
    if extension is None:
        return permit
    if extension.tag != EXTENSION_TAG or extension.attrib:
        raise _refusal("it is no PermitExtension, or has attributes")
    members: dict[str, Any] = {"transit": ()}
    seen: list[str] = []
    for child in extension.iterchildren("*"):
        namespace, _, name = str(child.tag).rpartition("}")
        text = clean("".join(child.itertext()))
        if namespace != "{" + DOCUMENT_NAMESPACE or name not in _ORDER or child.find("*") is not None or child.attrib:
            raise _refusal("it has a member that is unknown here, or one with attributes or parts")
        if (name in seen and name != "Transit") or (seen and _ORDER.index(name) < _ORDER.index(seen[-1])):
            raise _refusal(f"{name} is repeated or out of order")
        if text is None:
            raise _refusal(f"{name} is empty")
        if len(text) > MAX_TEXT_CHARACTERS:
            raise _refusal(f"{name} has more than {MAX_TEXT_CHARACTERS} characters")
        seen.append(name)
        if name == "Subtype":
            members["subtype"] = text
        elif name == "Transit":
            members["transit"] += (text,)
        elif text in {"true", "1", "false", "0"}:
            members[_SWITCHES[name]] = text in {"true", "1"}
        else:
            raise _refusal(f"{name} is neither true nor false")
    return replace(permit, **members)


def _refusal(reason: str) -> MalformedDocumentError:
    return MalformedDocumentError(f"the permit extension cannot be read: {reason}", code="NOT_A_DOCUMENT")
