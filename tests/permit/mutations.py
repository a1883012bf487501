"""Changes to documents, drawn at random and repeatable by their number: what no generator writes, and what it might.

On bytes (blind), on tokens (parts moved, repeated, or replaced by values that mean something), and on the tree.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from epix_node.permit.xml import boxes

Element = etree._Element

NUMBERS = (
    "1e999999999",
    "1e-400",
    "-0",
    "+5",
    ".5",
    "5.",
    "NaN",
    "Infinity",
    "9" * 400,
    "0." + "0" * 300 + "1",
    "1,500",
    "1.500,25",
    "1 500",
    "0012",
    "0x1F",
    "\u0661\u0662",
    "\uff11",
    "\u00b2",
    "1_000",
    "123456789012345678901234567890.123456789",
    "-1",
    "0",
    "99999999",
)
DATES = (
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "-2026-03-01",
    "2026-02-30",
    "2026-03-01T24:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "2026-03-01T00:00:00+99:99",
    "20260301",
    "01/03/2026",
    "2026-W10-7",
    "\u0662\u0660\u0662\u0666-03-01",
    "2026-03-01T10:00:00.123456789123456789Z",
)
TEXTS = (
    "",
    " ",
    "\u00a0",
    "?",
    "\u0390" * 40,
    "\ufdfa" * 60,
    "e" + "\u0301" * 300,
    "\u202e\u200f\u200d\u2066",
    "\U0001f98e\U0010ffff",
    "\ufeff",
    "\u2028",
    "\u0085",
    "No." * 300 + "1",
    "N° " * 50,
    "=cmd|' /C calc'!A0",
    "'",
    '"',
    "[",
    '["',
    "\r\n",
    "\t",
    "a\rb\nc",
    ";" * 50,
    "<![CDATA[x]]>",
    "&amp;",
    "]]>",
    "\u1e9e\u0131\u0130",
    "x" * 3_000,
    "\ud7ff\ue000\ufffd",
)
CODES = (
    *("NA", "XX", "XK", "XV", "EU", "ZZ", "XA", "XB", "JP", "ZW", "SU", "HK", "XE", "xa", "E", "R", "I", "O"),
    *("II", "III", "N", "T", "Z", "H", "Q", "L", "W", "X", "F", "D", "A", "C", "Y", "U", "PC"),
    *("NAR", "KGM", "MTQ", "BAK", "PCS", "GRM", "LIV", "TRO", "CAV", "EGL", "SKI", "TIM", "IVC", "FIN", "DEV"),
    *("ifs", "pre-convention", "musical-instrument", "personal-ownership", "sample-collection", "origin", "other"),
    *("import-permit", "export-permit", "annex", "811", "861", "true", "false", "1", boxes.OWN_MODEL),
)
NAMES = (
    *("Python regius", "Panthera tigris", "Loxodonta africana", "Felis tigris", "Python duplex", "Orchidaceae spp."),
    *("Balaenoptera physalus", "Huso huso", "Acropora", "Dalbergia", "Aquilaria malaccensis", "Panax quinquefolius"),
    *("python REGIUS (Shaw, 1802)", "Python x regius", "Animalia", "Homo sapiens", "×", "Psittacus erithacus"),
)
VALUES = NUMBERS + DATES + TEXTS + CODES + NAMES

_XML_TOKEN = re.compile(rb"<[^<>]*>|[^<>]+")
_JSON_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^"\[\]{}:,]+')
_CSV_TOKEN = re.compile(rb'"[^"]*"|[,;\r\n]|[^",;\r\n]+')
_DEEP = 70


def mutated(document: bytes, number: int) -> bytes:
    """The document after one to four changes; the same number gives the same."""
    draw = random.Random(number)
    kinds = _XML if b"<" in document[:200] else _JSON if document.startswith(b"{") else _CSV
    changed = document
    for _ in range(draw.choice((1, 1, 2, 3, 4))):
        try:
            changed = draw.choice(kinds)(changed or document, draw)
        except (etree.XMLSyntaxError, ValueError, TypeError, IndexError, RecursionError):
            changed = _on_bytes(changed or document, draw)  # no tree any more
    return changed


# -- bytes and tokens --------------------------------------------------------------------------------------------------


def _on_bytes(document: bytes, draw: random.Random) -> bytes:
    place, other = draw.randrange(len(document)), draw.randrange(len(document))
    length = draw.choice((1, 1, 2, 5, 40, 400))
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
            return document[:place] + document[place : place + length] * draw.choice((2, 10, 100)) + document[place:]
        case _:
            return document[:place] + draw.choice(VALUES).encode("utf-8", "surrogatepass") + document[place + length :]


def _on_tokens(token: re.Pattern[bytes]) -> Callable[[bytes, random.Random], bytes]:
    def change(document: bytes, draw: random.Random) -> bytes:
        tokens = token.findall(document)
        place, other = draw.randrange(len(tokens)), draw.randrange(len(tokens))
        match draw.randrange(6):
            case 0:
                tokens[place] = tokens[other]
            case 1:
                tokens[place:place] = [tokens[other]] * draw.choice((1, 2, 50))
            case 2:
                del tokens[place : place + draw.choice((1, 1, 3, 20))]
            case 3:
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 4:
                tokens[place:place] = tokens[other : other + draw.randrange(1, 60)]
            case _:
                value = draw.choice(VALUES)
                written = json.dumps(value).encode() if token is _JSON_TOKEN else value.encode()
                tokens[place] = written
        return b"".join(tokens)

    return change


# -- XML ---------------------------------------------------------------------------------------------------------------


def _on_tree(document: bytes, draw: random.Random) -> bytes:
    root = etree.fromstring(document)
    for _ in range(draw.choice((1, 1, 2, 5))):
        root = draw.choice(_EDITS)(root, draw)
    return etree.tostring(root, encoding="UTF-8")


def _elements(root: Element) -> list[Element]:
    return list(root.iter(etree.Element))


def _copy(element: Element) -> Element:
    return etree.fromstring(etree.tostring(element, with_tail=False))


def _repeated(root: Element, draw: random.Random) -> Element:
    one = draw.choice(_elements(root)[1:])
    parent = one.getparent()
    assert parent is not None
    for _ in range(draw.choice((1, 1, 2, 20)) if len(one) < 20 else 1):
        parent.insert(draw.randrange(len(parent) + 1), _copy(one))
    return root


def _moved(root: Element, draw: random.Random) -> Element:
    one, other = draw.choice(_elements(root)[1:]), draw.choice(_elements(root))
    if other not in one.iter():
        other.insert(draw.randrange(len(other) + 1), one)
    return root


def _removed(root: Element, draw: random.Random) -> Element:
    one = draw.choice(_elements(root)[1:])
    one.getparent().remove(one)  # type: ignore[union-attr]  # not the root
    return root


def _emptied(root: Element, draw: random.Random) -> Element:
    draw.choice(_elements(root)[1:]).clear()
    return root


def _nested(root: Element, draw: random.Random) -> Element:
    one = draw.choice(_elements(root)[1:])
    parent = one.getparent()
    assert parent is not None
    name = draw.choice((one.tag, parent.tag, "x"))
    for _ in range(draw.choice((1, 1, 2, _DEEP))):
        wrapper = etree.Element(str(name))
        parent.replace(one, wrapper)
        wrapper.append(one)
        parent = wrapper
    return root


def _retexted(root: Element, draw: random.Random) -> Element:
    one = draw.choice(_elements(root))
    text = draw.choice((*VALUES, draw.choice(_elements(root)).text or ""))
    if draw.random() < 0.85:
        one.text = text
    elif one is not root:
        one.tail = text
    return root


def _with_attribute(root: Element, draw: random.Random) -> Element:
    name = draw.choice(("unitCode", "schemeID", "languageID", "x", "{urn:x}unitCode", "currencyID"))
    draw.choice(_elements(root)).set(name, draw.choice(VALUES))
    return root


def _renamed(root: Element, draw: random.Random) -> Element:
    one, other = draw.choice(_elements(root)), draw.choice(_elements(root))
    one.tag = draw.choice((str(other.tag), f"{{urn:other}}{etree.QName(one).localname}"))
    return root


def _renamespaced(root: Element, draw: random.Random) -> Element:
    """Every element of some part is in another namespace, or in none."""
    namespace = draw.choice(("", boxes.RSM, boxes.RAM, "urn:other", "http://schemas.xmlsoap.org/soap/envelope/"))
    for element in draw.choice(_elements(root)).iter(etree.Element):
        local = etree.QName(element).localname
        element.tag = f"{{{namespace}}}{local}" if namespace else local
    if draw.random() < 0.5:
        etree.cleanup_namespaces(root)
    return root


_EDITS: tuple[Callable[[Element, random.Random], Element], ...] = (
    _repeated,
    _moved,
    _removed,
    _emptied,
    _nested,
    _retexted,
    _retexted,
    _retexted,
    _with_attribute,
    _renamed,
    _renamespaced,
)


# -- JSON --------------------------------------------------------------------------------------------------------------


def _on_value(document: bytes, draw: random.Random) -> bytes:
    """A member or an item is another value, gone, doubled, or deep inside of itself."""
    value = json.loads(document)
    holders = list(_holders(value))
    holder = draw.choice(holders)
    places: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    place = draw.choice(places)
    match draw.randrange(6):
        case 0 | 1:
            holder[place] = draw.choice(VALUES)
        case 2:
            holder[place] = draw.choice((None, True, 0, -1, 10**400, [], {}, [None], {"x": 1}, [[]]))
        case 3:
            del holder[place]
        case 4 if isinstance(holder, list):
            holder[place:place] = [holder[place]] * draw.choice((1, 2, 100))
        case 4:
            holder[draw.choice((f"{place}", "lines", "marks", "x", ""))] = holder[place]
        case _:
            for _ in range(draw.choice((1, 2, _DEEP))):
                holder[place] = [holder[place]] if draw.random() < 0.5 else {"lines": holder[place]}
    return json.dumps(value, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")


def _holders(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if inner else []) + [holder for each in inner for holder in _holders(each)]


_XML = (_on_bytes, _on_tokens(_XML_TOKEN), _on_tree, _on_tree, _on_tree)
_JSON = (_on_bytes, _on_tokens(_JSON_TOKEN), _on_value, _on_value, _on_value)
_CSV = (_on_bytes, _on_tokens(_CSV_TOKEN), _on_tokens(_CSV_TOKEN))
