"""Whether a toolkit document is what the toolkit's schema has, apart from whether it could be read.

Reading is tolerant and says what it mended (``reader``); this says all that is not as it should be, also where it
makes no difference to what was read: how names are qualified, each empty element, each ``?`` that a form generator
left in an attribute, and each place that breaks our schema of v2 (``schemas/cites-epermit-2.xsd``). Empty elements
count for the order of elements, but not as values.

Version 1 has no schema here: its names, empty elements and ``?`` are checked, and one line says that the rest is not.
The work grows with the size of the document and no faster, and each list has an end.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

from lxml.etree import _Element

from epix_node.permit.xml import boxes
from epix_node.permit.xml.amount import xs_decimal
from epix_node.permit.xml.deviation import Deviation, Deviations
from epix_node.permit.xml.forms import TOOLKIT_2
from epix_node.permit.xml.message import (
    ATTACHMENT,
    ATTACHMENT_CONTENT,
    ATTACHMENT_NAME,
    COMPOSITE,
    Message,
    local_name,
    open_message,
)
from epix_node.permit.xml.schema import Kind, Part, permit_kind

_MAX_NAME_CHARACTERS = 60
"""Longest element name in a path; those of the toolkit have at most 50."""

_DATE_TIME = re.compile(
    r"-?(?:[1-9][0-9]{3,8}|0[0-9]{3})-[0-9]{2}-[0-9]{2}T"
    r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?",
    re.ASCII,
)
_WORDS = re.compile(r"[^ \t\r\n]+")
"""Between white space as XML has it; other spaces are a part of the value."""
_IGNORED_ATTRIBUTES = frozenset(
    {
        "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation",
        "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation",
    }
)
_VALUES = {"decimal": "is no decimal number", "dateTime": "is no date and time", "boolean": "is neither true nor false"}
_NAMINGS = {
    "a": "the names are qualified as inside SOAP: the root is in no namespace",
    "b": "the names are qualified as in a document that stands alone: the root is in a namespace too",
    "c": "the names below the message level are in no namespace",
    None: "the names are in other namespaces than the toolkit has, or qualified in several ways",
}
_ANYTHING = Kind()


def strict_deviations(root: _Element) -> tuple[Deviation, ...]:
    """All that the toolkit's schema does not have so, by kind: naming, empty elements, ``?`` attributes, violations.

    Raises:
        MalformedDocumentError: as ``message.open_message``, where there is no one permit to check.
    """
    message = open_message(root, Deviations())
    general = Deviations()
    naming = _naming(message)
    if naming != ("a" if message.response is not None else "b"):
        general.add(message.form.root, _NAMINGS[naming])
    if message.form is not TOOLKIT_2:
        general.add(message.form.root, "there is no schema of this version: order, number and types are not checked")
    check = _Check(message.permit)
    kind = permit_kind() if message.form is TOOLKIT_2 else None
    if message.response is None:
        check.element(message.permit, "", kind)
    else:
        check.element(message.response, "", _response_kind(message.form.root, kind))
    return general.listed + check.empty.listed + check.placeholders.listed + check.violations.listed


def _naming(message: Message) -> str | None:
    """Which of the three habits of qualifying names (cites-formats.md 1.1); ``None`` for any other."""
    own, root = message.form.namespace, _namespace(message.permit)
    level: set[str] = set()
    below: set[str] = set()
    for part in message.permit.iterchildren("*"):
        level.add(_namespace(part))
        below.update(_namespace(inner) for inner in part.iterdescendants("*"))
    if not level <= {own} or root not in {"", own}:
        return None
    if below <= {boxes.RAM}:
        return "a" if root == "" else "b"
    return "c" if below == {""} and root == own else None


def _namespace(element: _Element) -> str:
    return str(element.tag).rpartition("}")[0][1:]


def _response_kind(root: str, permit: Kind | None) -> Kind:
    """What the SOAP response may hold (cites-formats.md 1.4)."""
    text = Kind(value="string")
    attachment = Kind({ATTACHMENT_NAME: Part(0, text, True, False), ATTACHMENT_CONTENT: Part(1, text, True, False)})
    return Kind(
        {
            root: Part(0, permit or _ANYTHING, True, False),
            ATTACHMENT: Part(1, attachment, False, True),
            COMPOSITE: Part(2, Kind(value="boolean"), True, False),
        }
    )


class _Check:
    """One walk over a document; each list in document order."""

    def __init__(self, permit: _Element) -> None:
        self._permit = permit
        self.empty = Deviations()
        self.placeholders = Deviations()
        self.violations = Deviations()

    def element(self, element: _Element, path: str, kind: Kind | None, fixed: str | None = None) -> None:
        """Check the element and all inside of it; ``kind`` is ``None`` where the schema has nothing to say."""
        if kind is _ANYTHING:
            kind = None
        place = path or local_name(element)
        self._attributes(element, place, kind)
        children = list(element.iterchildren("*"))
        texts = [element.text, *(child.tail for child in element)]
        is_blank = not any(text and text.strip() for text in texts)
        if not children and is_blank:
            self.empty.add(place, "is empty")
            return
        if kind is not None and kind.value is not None:
            if not children:
                self._value("".join(filter(None, texts)), place, kind.value, fixed)
        elif kind is not None and not is_blank:
            self.violations.add(place, "holds text beside its parts")
        self._parts(children, path, place, kind)

    def _attributes(self, element: _Element, place: str, kind: Kind | None) -> None:
        for name, value in element.attrib.items():
            if value.strip() == "?":
                self.placeholders.add(f"{place}/@{_short(name)}", "is a question mark")
            elif kind is not None and name not in kind.attributes and name not in _IGNORED_ATTRIBUTES:
                self.violations.add(f"{place}/@{_short(name)}", "may not stand here")

    def _value(self, text: str, place: str, value: str, fixed: str | None) -> None:
        collapsed = " ".join(_WORDS.findall(text))
        is_right = {
            "decimal": lambda: xs_decimal(collapsed) is not None,
            "dateTime": lambda: _is_date_time(collapsed),
            "boolean": lambda: collapsed in {"true", "1", "false", "0"},
        }.get(value, lambda: True)()
        if not is_right:
            self.violations.add(place, _VALUES[value])
        elif fixed is not None and (text if value == "string" else collapsed) != fixed:
            self.violations.add(place, f"has another value than {fixed}, which is fixed")

    def _parts(self, children: list[_Element], path: str, place: str, kind: Kind | None) -> None:
        names = [local_name(child) for child in children]
        times = Counter(names)
        seen: Counter[str] = Counter()
        latest = 0
        for child, name in zip(children, names, strict=True):
            seen[name] += 1
            part = kind.parts.get(name) if kind is not None else None
            is_record = part is not None and part.may_repeat and part.kind.value is None
            is_numbered = is_record or times[name] > 1 or name == boxes.LINE.steps[-1]
            step = _short(name) + (f"[{seen[name]}]" if is_numbered else "")
            # Paths start below the permit's root, whatever stands around it.
            below = "" if child is self._permit else f"{path}/{step}" if path else step
            if kind is not None:
                if part is None:
                    self.violations.add(below, "may not stand here")
                elif part.position < latest:
                    self.violations.add(below, "stands too late: the order of the elements is fixed")
                elif seen[name] > 1 and not part.may_repeat:
                    self.violations.add(below, "may stand here only once")
                latest = max(latest, part.position if part else 0)
            self.element(child, below, part.kind if part else None, part.fixed if part else None)
        for name, part in kind.parts.items() if kind is not None else ():
            if part.is_required and name not in times:
                self.violations.add(place, f"has no {name}")


def _short(name: str) -> str:
    local = name.rpartition("}")[2]
    return local if len(local) <= _MAX_NAME_CHARACTERS else f"{local[:_MAX_NAME_CHARACTERS]}…"


def _is_date_time(text: str) -> bool:
    """Whether it is an ``xs:dateTime``: a day that exists, a time, and the offset where there is one."""
    if not _DATE_TIME.fullmatch(text):
        return False
    year, month, day = text.lstrip("-").partition("T")[0].split("-")
    try:
        # Leap years repeat every 400 years; the calendar module ends with year 9999.
        date(int(year) % 400 + 2000 if int(year) else 0, int(month), int(day))
    except ValueError:
        return False
    return True
