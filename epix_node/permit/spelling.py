"""The one spelling in which two bodies are compared: what was sent again is recognised although typed differently.

Numbers normalised, runs of white space one space, decimals by value; null, absent and empty are the same (contract 5).
For comparing only: nothing is ever stored or sent in this spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from epix_node.permit.number import normalised
from epix_node.permit.quantity import NotAQuantityError, parse_amount

_NUMBERS = frozenset({"number", "replaces", "permit"})
"""Members that hold a permit number where they hold a text."""

_DECIMALS = frozenset({"quantity", "used", "annual"})


def plain_members(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a permit's or an event's JSON, in the spelling for comparing."""
    return {name: _plain(name, value) for name, value in members.items() if value not in (None, [], {})}


def plain_text(text: str) -> str:
    """The text with runs of white space as one space."""
    return " ".join(text.split())


def plain_decimal(text: str) -> Decimal | str:
    """The decimal, equal whatever its scale (``12.50`` and ``12.5``); the text where it is none."""
    try:
        return parse_amount(text)
    except NotAQuantityError:
        return plain_text(text)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return plain_members(value)
    if isinstance(value, (list, tuple)):
        return [_plain(name, item) for item in value]
    if not isinstance(value, str):
        return value
    if name in _NUMBERS:
        return normalised(value)
    return plain_decimal(value) if name in _DECIMALS else plain_text(value)
