"""The XML Schema of toolkit v2 as this project wrote it, and the same as a table for checking in linear time.

libxml2 validates with the schema too, and tests hold both against each other; but it spends on each error a walk over
all elements beside it, so that a hostile document of 1 MiB keeps it busy for minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from lxml.etree import _Element

from epix_node.permit.xml import boxes
from epix_node.safexml import parse

SCHEMA_FILES = ("cites-epermit-2.xsd", "cites-epermit-2-ram.xsd")
"""The message, which imports the other, and the parts."""

_XS = "{http://www.w3.org/2001/XMLSchema}"


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What an element of one type may hold: parts in this order, or a value with these attributes."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    value: str | None = None
    """Local name of the ``xs:`` type of the text; ``None`` where there are only parts."""
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One step of a sequence."""

    position: int
    kind: Kind
    is_required: bool
    may_repeat: bool
    fixed: str | None = None


def schema_bytes(name: str) -> bytes:
    """One of ``SCHEMA_FILES`` as it is published."""
    return (resources.files("epix_node") / "schemas" / name).read_bytes()


@cache
def permit_kind() -> Kind:
    """What ``CITESEPermit`` may hold, by the schema."""
    types: dict[str, _Element] = {}
    for name in SCHEMA_FILES:
        root = parse(schema_bytes(name))
        types |= {str(one.get("name")): one for one in root if one.tag in {f"{_XS}complexType", f"{_XS}simpleType"}}
    return _kind(f"{boxes.ROOT}Type", types)


def _kind(type_name: str, types: Mapping[str, _Element]) -> Kind:
    declared = types[type_name]
    base = declared.find(f".//{_XS}extension") if declared.tag == f"{_XS}complexType" else declared[0]
    if base is not None:
        attributes = frozenset(str(one.get("name")) for one in base.iterchildren(f"{_XS}attribute"))
        return Kind(value=_local(base.get("base")), attributes=attributes)
    sequence = declared[0]
    return Kind(
        {
            str(one.get("name")): Part(
                position=position,
                kind=_kind(_local(one.get("type")), types),
                is_required=one.get("minOccurs") != "0",
                may_repeat=one.get("maxOccurs") == "unbounded",
                fixed=one.get("fixed"),
            )
            for position, one in enumerate(sequence)
        }
    )


def _local(name: str | None) -> str:
    return str(name).rpartition(":")[2]
