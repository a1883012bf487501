"""What a paper says, and where it differs from the register, as XML.

``presented`` stays what it is in JSON (``permit.json.presented_from_json``): any members of a permit, here under
their UpperCamelCase names. A difference holds a text, a switch or a list of texts on either side; lists stand as
``Item`` elements, and what is a switch is known from the field's name.
"""

from __future__ import annotations

from typing import Any

from lxml import etree
from lxml.etree import _Element

from epix_node.document import leaves
from epix_node.document.shape import Shape, many, one, qualified, refusal
from epix_node.permit.event import Difference

_FLAGS = frozenset({"multi_use", "copy", "retrospective", "paper_original"})
_ITEM = qualified("Item")

_TRADE_PARTY = Shape((one("name", leaves.TEXT), one("address", leaves.TEXT), one("country", leaves.TEXT)))
_AUTHORITY = Shape((one("name", leaves.TEXT), one("place", leaves.TEXT), one("signatory", leaves.TEXT)))
_ORIGIN = Shape((one("country", leaves.TEXT), one("permit", leaves.TEXT), one("date", leaves.DATE_TEXT)))
_QUOTA = Shape((one("used", leaves.TEXT), one("annual", leaves.TEXT), one("unit", leaves.TEXT)))
_REFERENCE = Shape(
    (
        one("relation", leaves.TEXT),
        one("issuer", leaves.TEXT),
        one("number", leaves.TEXT),
        one("date", leaves.DATE_TEXT),
    )
)
_LINE = Shape(
    (
        one("block", leaves.TEXT),
        one("taxon", leaves.TEXT),
        one("common_name", leaves.TEXT),
        one("appendix", leaves.TEXT),
        many("sources", leaves.TEXT, tag="Source"),
        one("term", leaves.TEXT),
        one("description", leaves.TEXT),
        one("quantity", leaves.TEXT),
        one("unit", leaves.TEXT),
        many("marks", leaves.TEXT, tag="Mark"),
        one("origin", _ORIGIN),
        one("last_reexport", _ORIGIN),
        one("acquired_on", leaves.DATE_TEXT),
        one("operation_number", leaves.TEXT),
        one("quota", _QUOTA),
    )
)

PRESENTED = Shape(
    (
        one("type", leaves.TEXT),
        one("subtype", leaves.TEXT),
        one("number", leaves.TEXT),
        one("issuer", leaves.TEXT),
        one("issued_on", leaves.DATE_TEXT),
        one("valid_from", leaves.DATE_TEXT),
        one("valid_until", leaves.DATE_TEXT),
        one("purpose", leaves.TEXT),
        one("multi_use", leaves.FLAG),
        one("copy", leaves.FLAG),
        one("retrospective", leaves.FLAG),
        one("paper_original", leaves.FLAG),
        one("replaces", leaves.TEXT),
        one("exporter", _TRADE_PARTY),
        one("importer", _TRADE_PARTY),
        many("transit", leaves.TEXT, tag="Transit"),
        one("authority", _AUTHORITY),
        one("security_stamp", leaves.TEXT),
        one("special_conditions", leaves.TEXT),
        one("transport_document", leaves.TEXT),
        many("references", _REFERENCE, tag="Reference"),
        many("lines", _LINE, tag="Line"),
    )
)
"""Members of a permit in the order of contract 5, all optional."""


class _TextOrList:
    """One side of a difference: a text, or a list of texts that is not empty."""

    def write(self, element: _Element, value: Any) -> None:
        if isinstance(value, str):
            leaves.ANY_TEXT.write(element, value)
            return
        if not value:
            raise ValueError("an empty list is written as nothing at all")
        for item in value:
            leaves.ANY_TEXT.write(etree.SubElement(element, _ITEM), item)

    def read(self, element: _Element) -> Any:
        if not len(element):
            return leaves.ANY_TEXT.read(element)
        return _LIST.read_members(element)["items"]


_LIST = Shape((many("items", leaves.ANY_TEXT, tag="Item"),))


def _difference(members: dict[str, Any]) -> Difference:
    field = members["field"]
    sides = {name: members.get(name) for name in ("presented", "registered")}
    if field in _FLAGS:
        sides = {name: _switch(value) for name, value in sides.items()}
    return Difference(field=field, class_=members["class"], **sides)


def _switch(value: Any) -> bool | None:
    if value not in {None, "true", "false"}:
        raise refusal("a difference of a switch that is neither true nor false")
    return None if value is None else value == "true"


def _sides(difference: Difference) -> dict[str, Any]:
    sides = difference.to_json()
    for name in ("presented", "registered"):
        value = sides[name]
        if isinstance(value, bool) != (difference.field in _FLAGS and value is not None):
            raise ValueError(f"difference {difference.field} holds a value of another kind than its field")
        if isinstance(value, bool):
            sides[name] = leaves.FLAG.to_text(value)
    return sides


DIFFERENCE = Shape(
    (
        one("field", leaves.TEXT, is_required=True),
        one("presented", _TextOrList()),
        one("registered", _TextOrList()),
        one("class", leaves.words("A", "R"), is_required=True),
    ),
    build=_difference,
    take=_sides,
)
