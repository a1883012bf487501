"""How our own elements are laid out: one table per element, from which it is written and strictly read.

An element holds its members in the order of the table: at most one each, or any number where the table says so. It has
no attributes and no text beside them. Reading refuses everything else (``NOT_A_DOCUMENT``), so that no two readers
understand different things from the same signed bytes, and reading what was written gives the same values back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lxml import etree
from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.xml.extension import DOCUMENT_NAMESPACE

_PREFIX = f"{{{DOCUMENT_NAMESPACE}}}"


def qualified(tag: str) -> str:
    """The name in the document's namespace, as lxml writes it."""
    return _PREFIX + tag


def refusal(reason: str) -> MalformedDocumentError:
    """For bytes that are XML but not an exchange document of profile 1."""
    return MalformedDocumentError(f"not an exchange document: {reason}", code="NOT_A_DOCUMENT")


class Kind(Protocol):
    """What a member's element holds."""

    def write(self, element: _Element, value: Any) -> None:
        """Fill the new element. Raises ``ValueError`` for a value that has no place in it."""

    def read(self, element: _Element) -> Any:
        """The value that ``write`` wrote. Raises ``NOT_A_DOCUMENT`` for what it never writes."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text. ``to_text`` and ``from_text`` are inverse; both raise ``ValueError`` for what is not of the kind."""

    to_text: Callable[[Any], str] = str
    from_text: Callable[[str], Any] = str
    may_be_empty: bool = False

    def write(self, element: _Element, value: Any) -> None:
        """Set the element's text."""
        text = self.to_text(value)
        if not text and not self.may_be_empty:
            raise ValueError(f"{_name(element)} must not be empty")
        element.text = text

    def read(self, element: _Element) -> Any:
        """The value of the element's text, beside which nothing may stand."""
        text = element.text or ""
        if len(element) or element.attrib or not (text or self.may_be_empty):
            raise refusal(f"{_name(element)} must hold a text and nothing else")
        try:
            return self.from_text(text)
        except ValueError as error:
            raise refusal(f"{_name(element)} holds a value that is none") from error


@dataclass(frozen=True, slots=True)
class Shape:
    """Members in order. ``take`` gives a value's members by name, ``build`` makes a value of them."""

    members: tuple[Member, ...]
    build: Callable[[dict[str, Any]], Any] = dict
    take: Callable[[Any], Mapping[str, Any]] = dict

    def write(self, element: _Element, value: Any) -> None:
        """Add one element per member that is there. Raises ``ValueError`` where a required one is not."""
        members = self.take(value)
        for member in self.members:
            held = members.get(member.name)
            if held is None:
                if member.is_required:
                    raise ValueError(f"{_name(element)} needs {member.tag}")
                continue
            for one in held if member.is_many else (held,):
                member.kind.write(etree.SubElement(element, member.qualified), one)

    def read(self, element: _Element) -> Any:
        """The value built of the members."""
        try:
            return self.build(self.read_members(element))
        except ValueError as error:  # of the domain type; a refusal passes through
            raise refusal(f"{_name(element)} holds values that do not belong together") from error

    def read_members(self, element: _Element) -> dict[str, Any]:
        """The members by name; those that are not there are left out."""
        if element.attrib or not _is_blank(element.text):
            raise refusal(f"{_name(element)} holds attributes or text")
        values: dict[str, Any] = {}
        awaited = iter(self.members)
        member = next(awaited, None)
        for child in element:
            while member is not None and member.qualified != child.tag:
                member = next(awaited, None)
            if member is None:
                raise refusal(f"{_name(element)} has an element that is unknown, repeated or out of order")
            if not _is_blank(child.tail):
                raise refusal(f"{_name(element)} holds text between its elements")
            value = member.kind.read(child)
            if member.is_many:
                values.setdefault(member.name, []).append(value)
            else:
                values[member.name] = value
                member = next(awaited, None)
        for required in self.members:
            if required.is_required and required.name not in values:
                raise refusal(f"{_name(element)} has no {required.tag}")
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One row of a table. ``tag`` is the name in UpperCamelCase, or the singular where there may be many."""

    name: str
    kind: Kind
    tag: str
    is_required: bool = False
    is_many: bool = False
    qualified: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "qualified", qualified(self.tag))


def one(name: str, kind: Kind, *, is_required: bool = False, tag: str | None = None) -> Member:
    """A member that stands at most once, or exactly once where it is required."""
    return Member(name=name, kind=kind, tag=tag or upper_camel_case(name), is_required=is_required)


def many(name: str, kind: Kind, *, tag: str) -> Member:
    """A list: its items repeat under the singular; an empty list leaves nothing."""
    return Member(name=name, kind=kind, tag=tag, is_many=True)


def upper_camel_case(name: str) -> str:
    """``valid_until`` is ``ValidUntil`` (decision 1)."""
    return "".join(word.capitalize() for word in name.split("_"))


def attributes_of(*names: str) -> Callable[[Any], Mapping[str, Any]]:
    """``take`` of a domain type whose attributes carry the members' names."""
    return lambda value: {name: getattr(value, name) for name in names}


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip(" \t\r\n")


def _name(element: _Element) -> str:
    return etree.QName(element).localname
