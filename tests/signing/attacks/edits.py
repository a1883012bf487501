"""How a forger edits a signed document: on its text, on its tree, and on the value of its signature."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from lxml import etree

from epix_node.signing.profile import DS, XADES

Change = Callable[[bytes], bytes]
Attacks = dict[str, tuple[Change, str]]
"""By name: the change, and the reason that it gets; VALID where it changes nothing that is read."""
NAMES = {"ds": DS, "xades": XADES, "e": "urn:epix-node:document:1"}


def put(old: str, new: str, *, count: int = 1) -> Change:
    """Writes `new` instead of `old`, which must be there."""

    def change(document: bytes) -> bytes:
        assert old.encode() in document, old
        return document.replace(old.encode(), new.encode(), count)

    return change


def put_pattern(pattern: str, new: str) -> Change:
    """Writes `new` instead of what the pattern matches first."""

    def change(document: bytes) -> bytes:
        changed, n = re.subn(pattern.encode(), new.encode(), document, count=1, flags=re.DOTALL)
        assert n, pattern
        return changed

    return change


def on_tree(edit: Callable[[etree._Element], etree._Element | None]) -> Change:
    """Edits the tree; a root that the edit returns takes the place of the old one."""

    def change(document: bytes) -> bytes:
        root = etree.fromstring(document)
        edited = edit(root)
        return etree.tostring(root if edited is None else edited)

    return change


def one(root: etree._Element, path: str) -> etree._Element:
    (element,) = root.xpath(path, namespaces=NAMES)
    return element


def clone(element: etree._Element) -> etree._Element:
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    copy.tail = None
    return copy


def forged(root: etree._Element) -> etree._Element:
    """A copy of the document without signature and Id, with another number."""
    copy = clone(root)
    copy.attrib.pop("Id", None)
    copy.remove(copy[-1])
    one(copy, "//*[local-name()='Number']").text = "26XA666666"
    return copy


def signature_value(make: Callable[[bytes], bytes]) -> Change:
    """Replaces the 64 bytes of the signature value by what `make` makes of them."""

    def edit(root: etree._Element) -> None:
        element = one(root, "//ds:SignatureValue")
        element.text = base64.b64encode(make(base64.b64decode(element.text))).decode()

    return on_tree(edit)
