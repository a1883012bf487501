"""Quantities: a decimal with a unit, compared only within a class of units that convert by arithmetic alone.

Inside, a quantity is an integer number of micro-units of its class's base unit, so that 0.1 + 0.2 is 0.3 in
Python and in SQL; the text as given is kept beside it. Conversions that rest on assumptions about a species
(skins to pieces, timber mass to volume) are not arithmetic and are in ``conversion`` (``domain-rules.md`` 1.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from epix_node.permit.code_data import load_lists

MAX_DECIMALS = 6
"""Most decimals that a quantity may have (contract 1)."""

MAX_MICRO = 2**62 - 1
"""Bound of one stored quantity in micro-units: a 64-bit column holds it and the sum of two (4.6 million tonnes)."""

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_MICRO = 1_000_000
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_FACTORS = Context(prec=28, rounding=ROUND_HALF_EVEN)


class UnitClass(StrEnum):
    """Units that convert into one another; the value names the base unit."""

    COUNT = "NAR"
    MASS = "GRM"
    LIQUID = "MLT"
    LENGTH = "MTR"
    AREA = "SQC"
    VOLUME = "CMQ"
    # Historical units that convert into nothing stand alone in a class of their own.
    BACK_SKINS = "BAK"
    BAGS = "BAG"
    BELLY_SKINS = "BSK"
    BOTTLES = "BOT"
    BOXES = "BOX"
    CANS = "CAN"
    CARTONS = "CRT"
    CASES = "CAS"
    FLASKS = "FLA"
    HORNBACK_SKINS = "HRN"
    SETS = "SET"
    SHIPMENTS = "SHP"
    SIDES = "SID"
    SKINS = "SKI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of the unit list: ``one_is`` base units of its class make one of it."""

    meaning: str
    is_current: bool
    unit_class: UnitClass
    one_is: Decimal


def _decimal(text: str) -> Decimal:
    """A decimal, or a fraction of two decimals to 28 digits: the context of the store's existing sums."""
    numerator, _, denominator = text.partition("/")
    return _FACTORS.divide(Decimal(numerator), Decimal(denominator)) if denominator else Decimal(numerator)


def _units() -> Mapping[str, Unit]:
    return MappingProxyType(
        {
            code: Unit(
                meaning=given["meaning"],
                is_current=given["status"] == "current",
                unit_class=UnitClass[given["class"].upper()],
                one_is=_decimal(given["one_is"]),
            )
            for code, given in load_lists("units.toml")["safe"]["units"].items()
        }
    )


UNIT_LIST = _units()
"""Every unit code with its meaning and its safe conversion (``permit/data/units.toml``)."""

_FACTOR: dict[str, tuple[UnitClass, Decimal]] = {
    code: (unit.unit_class, unit.one_is) for code, unit in UNIT_LIST.items()
}

CURRENT_UNITS = frozenset(code for code, unit in UNIT_LIST.items() if unit.is_current)
"""Units of today's Guidelines."""

HISTORICAL_UNITS = frozenset(UNIT_LIST) - CURRENT_UNITS
"""Units that older documents carry; taken in events, referred (QTY-02) in permits."""


class NotAQuantityError(ValueError):
    """The text is no decimal of at most six decimals, or the unit is in no list."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount with its unit: ``micro`` integer micro-units of ``unit_class``, and the text as it was given."""

    text: str
    unit: str
    unit_class: UnitClass
    micro: int

    @classmethod
    def parse(cls, text: str, unit: str) -> Quantity:
        """The quantity written as a decimal string and a unit code; zero and negative amounts are quantities too.

        Raises:
            NotAQuantityError: not a plain decimal, more than six decimals, too large to hold, or an unknown unit.
        """
        return _parsed(text, unit)


@lru_cache(maxsize=4096)  # whoever looks at a permit asks for the same few quantities again and again
def _parsed(text: str, unit: str) -> Quantity:
    amount = parse_amount(text)
    if unit not in _FACTOR:
        raise NotAQuantityError(f"unit {unit!r} is in no unit list")
    unit_class, factor = _FACTOR[unit]
    micro = int((amount * factor * _MICRO).to_integral_value(rounding=ROUND_HALF_EVEN))
    if abs(micro) > MAX_MICRO:
        raise NotAQuantityError(f"quantity {text} {unit} is larger than this node can hold")
    return Quantity(text=text, unit=unit, unit_class=unit_class, micro=micro)


def parse_amount(text: str) -> Decimal:
    """The decimal that the text writes. Raises ``NotAQuantityError``: no exponent, no sign but ``-``, six decimals."""
    if len(text) > 40 or _DECIMAL.fullmatch(text) is None:
        raise NotAQuantityError(f"{text[:40]!r} is not a decimal number")
    # Counted in the text: Decimal.normalize() rounds to 28 digits and would hide decimals behind many zeros.
    if len(text.partition(".")[2].rstrip("0")) > MAX_DECIMALS:
        raise NotAQuantityError(f"{text} has more than {MAX_DECIMALS} decimals")
    return Decimal(text)


def in_unit(micro: int, unit: str) -> str:
    """``micro`` micro-units of the unit's class, written as a decimal string in ``unit``, without trailing zeros."""
    factor = _FACTOR[unit][1] if unit in _FACTOR else Decimal(1)
    # Sums have no bound: a hundred thousand lines at MAX_MICRO have more digits than the usual 28.
    amount = _WIDE.divide(Decimal(micro), _WIDE.multiply(Decimal(_MICRO), factor))
    amount = _WIDE.quantize(amount, Decimal("0.000001"))
    text = f"{amount:f}".rstrip("0").rstrip(".")
    return text if text not in {"", "-0", "-"} else "0"
