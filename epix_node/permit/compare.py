"""Where a paper says something else than the registered permit (FRD-02; ``domain-rules.md`` 0.3 and 2.4).

Only what somebody declared is compared. A field of the form that differs is class A; names, addresses and free text,
which people copy freely, and the purpose are class R. What cannot matter is ignored: case, diacritics, white space and
word order of names and addresses, spelling of numbers, and the unit that a quantity is written in.

The presented values are those of ``json.presented_from_json``; both sides of a difference are JSON values.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from epix_node.permit.event import Difference
from epix_node.permit.json import permit_to_json
from epix_node.permit.model import Permit
from epix_node.permit.number import normalised
from epix_node.permit.quantity import NotAQuantityError, Quantity
from epix_node.permit.spelling import plain_decimal

_WORD = re.compile(r"\w+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
"""Latin letters that Unicode does not take apart into a letter and a diacritic."""


def same_words(text: str) -> Hashable:
    """What is compared of names, addresses and free text: the words, in any order, without case and diacritics."""
    letters = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return tuple(sorted(_WORD.findall(plain)))


def _code(text: str) -> Hashable:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _stamp(text: str) -> Hashable:
    return normalised("".join(text.split()))


@dataclass(frozen=True, slots=True)
class _Field:
    """How one member is compared: its class, and what of a value counts; of a list, in any order."""

    class_: str
    spelling: Callable[[Any], Hashable]

    def is_same(self, presented: Any, registered: Any) -> bool:
        return self._counting(presented) == self._counting(registered)

    def _counting(self, value: Any) -> Hashable:
        if isinstance(value, list):
            return frozenset(self.spelling(item) for item in value)
        return None if value is None else self.spelling(value)


_CODE = _Field("A", _code)
_DATE = _Field("A", str)
_FLAG = _Field("A", str)
_NUMBER = _Field("A", normalised)
_DECIMAL = _Field("A", plain_decimal)
_WORDS = _Field("R", same_words)

_PARTY = {"name": _WORDS, "address": _WORDS, "country": _CODE}
_ORIGIN = {"country": _CODE, "permit": _NUMBER, "date": _DATE}

_FIELDS: dict[str, _Field | dict[str, _Field]] = {
    "type": _CODE,
    "subtype": _CODE,
    "number": _NUMBER,
    "issuer": _CODE,
    "issued_on": _DATE,
    "valid_from": _DATE,
    "valid_until": _DATE,
    "purpose": _Field("R", _code),  # two sides often state it differently, and 0.3 does not have it (2.3)
    "multi_use": _FLAG,
    "copy": _FLAG,
    "retrospective": _FLAG,
    "paper_original": _FLAG,
    "replaces": _NUMBER,
    "exporter": _PARTY,
    "importer": _PARTY,
    "transit": _CODE,
    "authority": {"name": _WORDS, "place": _WORDS, "signatory": _WORDS},
    "security_stamp": _Field("A", _stamp),
    "special_conditions": _WORDS,
    "transport_document": _Field("R", normalised),
}

_LINE_FIELDS: dict[str, _Field | dict[str, _Field]] = {
    "taxon": _CODE,
    "common_name": _WORDS,
    "appendix": _CODE,
    "sources": _CODE,
    "term": _CODE,
    "description": _WORDS,
    "marks": _NUMBER,
    "origin": _ORIGIN,
    "last_reexport": _ORIGIN,
    "acquired_on": _DATE,
    "operation_number": _NUMBER,
    "quota": {"used": _DECIMAL, "annual": _DECIMAL, "unit": _CODE},
}


def differences(permit: Permit, presented: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every declared field that differs, in the order of the form, named like ``lines.A.quantity``.

    A field that was not declared is no difference. Box 15 (transport document) is filled in when the goods leave, so
    it differs only where the register holds one.
    """
    registered = permit_to_json(permit)
    # Without a date of its own a permit is valid from the day of issue (domain-rules.md 0.15).
    registered["valid_from"] = registered["valid_from"] or registered["issued_on"]
    found = list(_compare(_FIELDS, presented, registered, prefix=""))
    if permit.transport_document is None:
        found = [difference for difference in found if difference.field != "transport_document"]
    if "references" in presented:
        found += _compare_references(presented["references"], registered["references"])
    found += _compare_lines(presented.get("lines") or (), registered["lines"])
    return tuple(found)


def _compare(
    fields: Mapping[str, _Field | dict[str, _Field]],
    presented: Mapping[str, Any],
    registered: Mapping[str, Any] | None,
    *,
    prefix: str,
) -> Iterator[Difference]:
    for name, field in fields.items():
        declared = presented.get(name)
        if declared is None:
            continue
        held = registered.get(name) if registered else None
        if isinstance(field, dict):
            yield from _compare(field, declared, held, prefix=f"{prefix}{name}.")
        elif not field.is_same(declared, held):
            yield _difference(prefix + name, declared, held, field.class_)


def _difference(field: str, presented: Any, registered: Any, class_: str) -> Difference:
    """An empty list is written as null: null, absent and empty are the same."""
    empty: tuple[Any, ...] = ([], "")
    return Difference(
        field=field,
        presented=None if presented in empty else presented,
        registered=None if registered in empty else registered,
        class_=class_,
    )


def _compare_references(presented: list[dict[str, Any]], registered: list[dict[str, Any]]) -> list[Difference]:
    """One difference for all of box 5's references: each declared one must be there, and no other."""
    left = list(registered)
    for reference in presented:
        match = next((held for held in left if _is_reference(reference, held)), None)
        if match is None:
            break
        left.remove(match)
    else:
        if not left:
            return []
    written = [_reference_text(reference) for reference in presented]
    held = [_reference_text(reference) for reference in registered]
    return [_difference("references", written, held, "A")]


def _is_reference(presented: Mapping[str, Any], registered: Mapping[str, Any]) -> bool:
    fields = {"relation": _CODE, "issuer": _CODE, "number": _NUMBER, "date": _DATE}
    return not any(_compare(fields, presented, registered, prefix=""))


def _reference_text(reference: Mapping[str, Any]) -> str:
    return " ".join(reference[name] for name in ("relation", "issuer", "number", "date") if reference.get(name))


def _compare_lines(presented: Any, registered: list[dict[str, Any]]) -> Iterator[Difference]:
    blocks = {_block(line): line for line in reversed(registered)}
    declared = Counter(_block(line) for line in presented)
    for line in presented:
        block = _block(line)
        prefix = f"lines.{line.get('block') or ''}".rstrip(".")
        held = blocks.get(block)
        if held is None or declared[block] > 1:
            # Goods that the issuer never permitted, or a block that the paper has twice.
            declared[block] -= 1
            yield _difference(prefix, _line_text(line), None, "A")
            continue
        yield from _compare(_LINE_FIELDS, line, held, prefix=f"{prefix}.")
        yield from _compare_quantity(line, held, prefix=f"{prefix}.")


def _block(line: Mapping[str, Any]) -> str:
    return normalised(line.get("block") or "")


def _line_text(line: Mapping[str, Any]) -> str:
    return " ".join(line[name] for name in ("block", "taxon", "term", "quantity", "unit") if line.get(name)) or "-"


def _compare_quantity(presented: Mapping[str, Any], registered: Mapping[str, Any], *, prefix: str) -> list[Difference]:
    """The amount and the unit, unless both together are the same quantity (12 KGM is 12000 GRM)."""
    amount, unit = presented.get("quantity"), presented.get("unit")
    # Half a quantity is read with the other half from the register.
    read = _quantity(amount or registered["quantity"], unit or registered["unit"])
    held = _quantity(registered["quantity"], registered["unit"])
    if read is not None and held is not None and (read.unit_class, read.micro) == (held.unit_class, held.micro):
        return []
    found = []
    if amount is not None and not _DECIMAL.is_same(amount, registered["quantity"]):
        found.append(_difference(f"{prefix}quantity", amount, registered["quantity"], "A"))
    if unit is not None and not _CODE.is_same(unit, registered["unit"]):
        found.append(_difference(f"{prefix}unit", unit, registered["unit"], "A"))
    return found


def _quantity(text: str | None, unit: str | None) -> Quantity | None:
    if text is None or unit is None:
        return None
    try:
        return Quantity.parse(text, unit.upper())
    except NotAQuantityError:
        return None
