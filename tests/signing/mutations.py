"""Changes that a forger might make to a signed document, drawn at random and repeatable by their number.

Three kinds, and combinations: on bytes (blind), on tokens (markup that XML, C14N or base64 could read in two ways), and
on the tree (wrapping, moving, doubling, other namespaces).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from lxml import etree

from epix_node.signing.profile import DS, XADES

Element = etree._Element

_TOKEN = re.compile(rb"<[^<>]*>|[^<>]+")
_ATTRIBUTE = re.compile(rb"[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')")
_XML = "{http://www.w3.org/XML/1998/namespace}"
_OURS = "urn:epix-node:document:1"

SNIPPETS: tuple[bytes, ...] = (
    b"<!-- -->",
    b"<?x y?>",
    b"<![CDATA[x]]>",
    b"&#13;",
    b"&#10;",
    b"&#9;",
    b"&#32;",
    b"&#xD;\n",
    b"\r\n",
    b"\r",
    b"\t",
    b" ",
    b"&lt;",
    b"&amp;",
    b"&#60;",
    b"&quot;",
    b"&unknown;",
    b"&#0;",
    b"&#x110000;",
    "\u00a0".encode(),
    "\u2028".encode(),
    "\u0085".encode(),
    "\ufeff".encode(),
    "e\u0301".encode(),
    "\u00e9".encode(),
    b"\xc1\xa5",
    b"\xed\xa0\x80",
    b"\x00",
    b"\x0b",
    b"!",
    b"=",
    b"==",
    b"A",
    b"<x/>",
    b"<x xmlns=''/>",
    b"<ds:Object/>",
    b"<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>",
    b"<ds:X509Certificate>AAAA</ds:X509Certificate>",
    b"<xades:UnsignedProperties/>",
    b"</ds:Signature>",
    b"<Header><Environment>sandbox</Environment></Header>",
)
"""Put between two characters anywhere."""

ATTRIBUTES: tuple[bytes, ...] = (
    b' xmlns=""',
    b' xmlns="urn:other"',
    b' xmlns="urn:epix-node:document:1"',
    b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
    b' xmlns:ds="urn:other"',
    b' xmlns:ds=""',
    b' xmlns:xades="urn:other"',
    b' xmlns:epix="urn:other"',
    b' xmlns:p="urn:other"',
    b' xmlns:unused="urn:unused"',
    b' xmlns:unused="relative/name"',
    b' xmlns:xml="http://www.w3.org/XML/1998/namespace"',
    b' xml:lang="en"',
    b' xml:space="preserve"',
    b' xml:base="http://attacker.example/"',
    b' xml:id="signed"',
    b' Id="x"',
    b' ID="x"',
    b' id="x"',
    b' Target="#x"',
    b' Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"',
    b' URI=""',
    b' URI="#x"',
    b' Type="http://www.w3.org/2000/09/xmldsig#Object"',
    b' Encoding="http://www.w3.org/2000/09/xmldsig#base64"',
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"',
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="x"',
    b" x='&#13;&#10;&#9; y'",
)
"""Put into a start tag."""


def mutated(document: bytes, number: int) -> bytes:
    """The document after one to three changes; the same number gives the same."""
    draw = random.Random(number)
    changed = document
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3))):
        change = draw.choice(_KINDS)
        try:
            changed = change(changed, draw)
        except (etree.XMLSyntaxError, ValueError, TypeError, IndexError):
            changed = _on_bytes(changed or document, draw)  # no tree any more
    return changed


# -- bytes -------------------------------------------------------------------------------------------------------------


def _on_bytes(document: bytes, draw: random.Random) -> bytes:
    place, other = draw.randrange(len(document)), draw.randrange(len(document))
    length = draw.choice((1, 1, 2, 5, 40))
    match draw.randrange(6):
        case 0:
            return document[:place] + bytes([document[place] ^ 1 << draw.randrange(8)]) + document[place + 1 :]
        case 1:
            return document[:place] + bytes([draw.randrange(256)]) + document[place:]
        case 2:
            return document[:place] + document[place + length :]
        case 3:
            return document[:place] + document[other : other + length] + document[place:]
        case 4:
            return document[:place] + document[other : other + length] + document[place + length :]
        case _:
            return document[:place] + document[place : place + 1].swapcase() + document[place + 1 :]


# -- tokens ------------------------------------------------------------------------------------------------------------


def _on_tokens(document: bytes, draw: random.Random) -> bytes:
    tokens = _TOKEN.findall(document)
    place, other = draw.randrange(len(tokens)), draw.randrange(len(tokens))
    match draw.randrange(5):
        case 0:
            tokens[place] = tokens[other]
        case 1:
            tokens.insert(place, tokens[other])
        case 2:
            del tokens[place]
        case 3:
            tokens[place], tokens[other] = tokens[other], tokens[place]
        case _:
            tokens[place:place] = tokens[other : other + draw.randrange(1, 30)]
    return b"".join(tokens)


def _with_snippet(document: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(document))
    if draw.random() < 0.7:  # at the edge of a token, where more of them are well formed
        edges = [match.start() for match in _TOKEN.finditer(document)]
        place = draw.choice(edges)
    return document[:place] + draw.choice(SNIPPETS) + document[place:]


def _with_attribute(document: bytes, draw: random.Random) -> bytes:
    ends = [match.end() for match in re.finditer(rb"<[\w:.-]+", document)]
    place = draw.choice(ends)
    return document[:place] + draw.choice(ATTRIBUTES) + document[place:]


def _with_other_value(document: bytes, draw: random.Random) -> bytes:
    """An attribute gets another one's value, or loses it."""
    attributes = list(_ATTRIBUTE.finditer(document))
    one, other = draw.choice(attributes), draw.choice(attributes)
    value = other.group().partition(b"=")[2] if draw.random() < 0.8 else draw.choice((b'""', b'"#"', b'"&#32;"'))
    return document[: one.start()] + one.group().partition(b"=")[0] + b"=" + value + document[one.end() :]


# -- trees -------------------------------------------------------------------------------------------------------------


def _elements(root: Element) -> list[Element]:
    return list(root.iter(etree.Element))


def _copy(element: Element) -> Element:
    return etree.fromstring(etree.tostring(element, with_tail=False))


def _moved(root: Element, draw: random.Random) -> Element:
    one, other = draw.choice(_elements(root)[1:]), draw.choice(_elements(root))
    if other not in one.iter():
        other.insert(draw.randrange(len(other) + 1), one)
    return root


def _doubled(root: Element, draw: random.Random) -> Element:
    one, other = draw.choice(_elements(root)), draw.choice(_elements(root))
    other.insert(draw.randrange(len(other) + 1), _copy(one))
    return root


def _removed(root: Element, draw: random.Random) -> Element:
    one = draw.choice(_elements(root)[1:])
    one.getparent().remove(one)  # type: ignore[union-attr]  # not the root
    return root


def _wrapped(root: Element, draw: random.Random) -> Element:
    one = draw.choice(_elements(root)[1:])
    parent = one.getparent()
    assert parent is not None
    name = draw.choice((one.tag, parent.tag, root.tag, f"{{{DS}}}Object", f"{{{_OURS}}}Body", "x"))
    wrapper = etree.Element(str(name))
    parent.replace(one, wrapper)
    wrapper.append(one)
    return root


def _forged_around(root: Element, draw: random.Random) -> Element:
    """A forged document with the genuine signature, and the genuine document somewhere inside."""
    forged = _copy(root)
    signature = forged[-1]
    text = draw.choice([e for e in _elements(forged) if e.text and e not in signature.iter()] or [forged])
    text.text = f"{text.text or ''}1"
    if draw.random() < 0.5:
        root.remove(root[-1])
    place = draw.choice(_elements(forged))
    place.insert(draw.randrange(len(place) + 1), root)
    if draw.random() < 0.5:
        identifier = draw.choice(("genuine", str(signature.get("Id")), "SignedProperties"))
        root.set(draw.choice(("Id", "ID", "id", f"{_XML}id")), identifier)
        for reference in signature.iter(f"{{{DS}}}Reference"):
            if draw.random() < 0.4:
                reference.set("URI", f"#{identifier}")
    return forged


def _renamed(root: Element, draw: random.Random) -> Element:
    one, other = draw.choice(_elements(root)), draw.choice(_elements(root))
    one.tag = draw.choice((str(other.tag), f"{{urn:other}}{etree.QName(one).localname}", etree.QName(one).localname))
    return root


def _retexted(root: Element, draw: random.Random) -> Element:
    one, other = draw.choice(_elements(root)), draw.choice(_elements(root))
    text = draw.choice((other.text or "", " ", "\n", "\r", "x", (one.text or "") + "\n", (one.text or "")[:-1]))
    if draw.random() < 0.5:
        one.text = text
    elif one is not root:
        one.tail = text
    return root


def _reidentified(root: Element, draw: random.Random) -> Element:
    """Ids and what points at them are exchanged."""
    holders = [(e, a) for e in _elements(root) for a in e.attrib if a in {"Id", "URI", "Target", "ObjectReference"}]
    (one, name), (other, theirs) = draw.choice(holders), draw.choice(holders)
    value = str(other.get(theirs))
    one.set(
        name, draw.choice((value, f"#{value}", value.lstrip("#"), "", "#", "#xpointer(/)", f"#xpointer(id('{value}'))"))
    )
    return root


def _renamespaced(root: Element, draw: random.Random) -> Element:
    """The same names, declared elsewhere."""
    match draw.randrange(4):
        case 0:
            etree.cleanup_namespaces(root)
        case 1:
            names = {"ds": DS, "xades": XADES, "epix": _OURS, "p": "urn:test:permit"}
            etree.cleanup_namespaces(root, top_nsmap=names, keep_ns_prefixes=list(names))
        case 2:
            signature = root[-1]
            root.remove(signature)
            root.append(_copy(signature))
        case _:
            part = draw.choice(_elements(root)[1:])
            parent = part.getparent()
            assert parent is not None
            parent.replace(part, _copy(part))
    return root


_EDITS: tuple[Callable[[Element, random.Random], Element], ...] = (
    _moved,
    _doubled,
    _removed,
    _wrapped,
    _forged_around,
    _renamed,
    _retexted,
    _reidentified,
    _renamespaced,
)


def _on_tree(document: bytes, draw: random.Random) -> bytes:
    root = draw.choice(_EDITS)(etree.fromstring(document), draw)
    if draw.random() < 0.1:
        etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=draw.random() < 0.5)


_KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _on_bytes,
    _on_tokens,
    _with_snippet,
    _with_snippet,
    _with_attribute,
    _with_attribute,
    _with_other_value,
    _on_tree,
    _on_tree,
    _on_tree,
)
