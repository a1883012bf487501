"""Quantities: a decimal with a unit, compared only within a class of units that convert by arithmetic alone.

Inside, a quantity is an integer number of micro-units of its class's base unit, so that 0.1 + 0.2 is 0.3 in
Python and in SQL; the text as given is kept beside it. Conversions that rest on assumptions about a species
(skins to pieces, timber mass to volume) are not arithmetic and are not here (``domain-rules.md`` 1.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

MAX_DECIMALS = 6
"""Most decimals that a quantity may have (contract 1)."""

MAX_MICRO = 2**62 - 1
"""Bound of one stored quantity in micro-units: a 64-bit column holds it and the sum of two (4.6 million tonnes)."""

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_MICRO = 1_000_000
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


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


_SAFE: dict[str, tuple[UnitClass, Decimal]] = {
    # unit: (class, base units in one of it). Sources: Guide to the CITES Trade Database v9, Annex 3; UNEP-WCMC's
    # safe conversions (domain-rules.md 1.3).
    "NAR": (UnitClass.COUNT, Decimal(1)),
    "PCS": (UnitClass.COUNT, Decimal(1)),
    "ITE": (UnitClass.COUNT, Decimal(1)),
    "PAI": (UnitClass.COUNT, Decimal(2)),
    "GRM": (UnitClass.MASS, Decimal(1)),
    "KGM": (UnitClass.MASS, Decimal(1000)),
    "TON": (UnitClass.MASS, Decimal(1_000_000)),
    "MGM": (UnitClass.MASS, Decimal("0.001")),
    "MYG": (UnitClass.MASS, Decimal("0.000001")),
    "OUN": (UnitClass.MASS, Decimal(1000) / Decimal("35.274")),
    "PND": (UnitClass.MASS, Decimal(1000) / Decimal("2.205")),
    "MLT": (UnitClass.LIQUID, Decimal(1)),
    "LTR": (UnitClass.LIQUID, Decimal(1000)),
    "MTR": (UnitClass.LENGTH, Decimal(1)),
    "CTM": (UnitClass.LENGTH, Decimal("0.01")),
    "INC": (UnitClass.LENGTH, Decimal(1) / Decimal("39.37")),
    "MTK": (UnitClass.AREA, Decimal(10_000)),
    "SQD": (UnitClass.AREA, Decimal(100)),
    "SQC": (UnitClass.AREA, Decimal(1)),
    "SQF": (UnitClass.AREA, Decimal(10_000) / Decimal("10.764")),
    "CMQ": (UnitClass.VOLUME, Decimal(1)),
    "MTQ": (UnitClass.VOLUME, Decimal(1_000_000)),
    "CUF": (UnitClass.VOLUME, Decimal(1_000_000) / Decimal("35.315")),
}

CURRENT_UNITS = frozenset({"GRM", "KGM", "LTR", "MLT", "MTR", "CMQ", "MTK", "MTQ", "NAR"})
"""Units of today's Guidelines."""

HISTORICAL_UNITS = frozenset(_SAFE) - CURRENT_UNITS | {c.value for c in UnitClass if c.value not in _SAFE}
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
        amount = parse_amount(text)
        if unit not in _SAFE:
            try:
                unit_class, factor = UnitClass(unit), Decimal(1)
            except ValueError:
                raise NotAQuantityError(f"unit {unit!r} is in no unit list") from None
        else:
            unit_class, factor = _SAFE[unit]
        micro = int((amount * factor * _MICRO).to_integral_value(rounding=ROUND_HALF_EVEN))
        if abs(micro) > MAX_MICRO:
            raise NotAQuantityError(f"quantity {text} {unit} is larger than this node can hold")
        return cls(text=text, unit=unit, unit_class=unit_class, micro=micro)


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
    factor = _SAFE[unit][1] if unit in _SAFE else Decimal(1)
    # Sums have no bound: a hundred thousand lines at MAX_MICRO have more digits than the usual 28.
    amount = _WIDE.divide(Decimal(micro), _WIDE.multiply(Decimal(_MICRO), factor))
    amount = _WIDE.quantize(amount, Decimal("0.000001"))
    text = f"{amount:f}".rstrip("0").rstrip(".")
    return text if text not in {"", "-0", "-"} else "0"
