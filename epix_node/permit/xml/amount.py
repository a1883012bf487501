"""Amounts as national systems write them, read as plain decimals where only one number can be meant.

The toolkit's type is ``xs:decimal``, which may be written ``+5``, ``.5``, ``5.`` or ``0012``. Beyond it, real systems
send floating-point texts, digits in groups, and a comma for the point. ``1,500`` can be two numbers and stays as it
is: whether an amount is a number at all is a rule (QTY-01).
"""

from __future__ import annotations

import re
from decimal import Decimal

_MAX_CHARACTERS = 40
"""As ``quantity.parse_amount`` takes them; a longer text is no amount."""
_MAX_EXPONENT = 12

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_XS_DECIMAL = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))", re.ASCII)
_FLOATING = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE]([+-]?[0-9]{1,3})", re.ASCII)
_GROUPED = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?:"
    r"(?:[ \u00a0\u202f'’][0-9]{3})+(?:[.,][0-9]+)?"  # 1 500, 1'500.25
    r"|(?:,[0-9]{3})+\.[0-9]+"  # 1,500.25
    r"|(?:\.[0-9]{3})+,[0-9]+"  # 1.500,25
    r"|(?:,[0-9]{3}){2,}"  # 1,500,000
    r"|(?:\.[0-9]{3}){2,}"  # 1.500.000
    r")"
)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)
_TWO_READINGS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", re.ASCII)


def xs_decimal(text: str) -> str | None:
    """The plain decimal that an ``xs:decimal`` writes, its decimals as they are; ``None`` where the text is none."""
    if _PLAIN.fullmatch(text):
        return text
    written = _XS_DECIMAL.fullmatch(text)
    if written is None:
        return None
    sign, whole, decimals, only_decimals = written.groups()
    whole, decimals = (whole or "").lstrip("0") or "0", decimals or only_decimals
    return f"{'-' if sign == '-' else ''}{whole}{f'.{decimals}' if decimals else ''}"


def plain_decimal(text: str) -> str | None:
    """The one decimal that an unusual spelling can only mean; ``None`` where it is no number, or may be two."""
    if len(text) > _MAX_CHARACTERS:
        return None
    floating = _FLOATING.fullmatch(text)
    if floating:
        return f"{Decimal(text):f}" if abs(int(floating[1])) <= _MAX_EXPONENT else None
    if _GROUPED.fullmatch(text):
        # A point or a comma that stands only once, after groups of another kind, is the decimal point.
        marks = re.findall(r"[^0-9+-]", text)
        point = marks[-1] if marks[-1] in ",." and marks.count(marks[-1]) == 1 else ""
        whole, _, decimals = text.rpartition(point) if point else (text, "", "")
        return xs_decimal(re.sub(r"[^0-9+-]", "", whole) + (f".{decimals}" if decimals else ""))
    if _DECIMAL_COMMA.fullmatch(text) and not _TWO_READINGS.fullmatch(text):
        return xs_decimal(text.replace(",", "."))
    return None
