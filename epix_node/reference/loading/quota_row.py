"""What all lists of quotas have in common: a country, a taxon, a time, an amount."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date
from decimal import Decimal
from typing import Any

from epix_node.reference.countries import country_code
from epix_node.reference.loading.sheet import NotUnderstood
from epix_node.reference.scope import Codes, pack, taxon_key

_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_UNITS = {
    "": "NAR",
    "all": "NAR",
    "na": "NAR",
    "kil": "KGM",
    "kg": "KGM",
    "kilograms": "KGM",
    "g": "GRM",
    "grams": "GRM",
    "cum": "MTQ",
    "m3": "MTQ",
    "cubic metres": "MTQ",
    "sqm": "MTK",
    "m2": "MTK",
    "square metres": "MTK",
    "l": "LTR",
    "litres": "LTR",
    "number of specimens": "NAR",
}
"""How lists write units. Nothing, and R's NA, stand for a bare number of specimens."""


def read_amount(text: str) -> str:
    """The amount as a plain decimal, without superfluous zeros.

    Raises:
        NotUnderstood: below zero, not published yet, or no number.
    """
    given = text.strip()
    if given in {"-1", "-1.0"}:
        raise NotUnderstood("the amount has not been published yet (-1)")
    if not _AMOUNT.fullmatch(given):
        raise NotUnderstood("the amount is no plain decimal")
    return f"{Decimal(given).normalize():f}"


def read_unit(text: str, known: Container[str]) -> str:
    """The unit's code; ``NAR`` for a bare number.

    Raises:
        NotUnderstood: no unit of the code list.
    """
    given = text.strip()
    unit = _UNITS.get(given.casefold(), given.upper())
    if unit not in known:
        raise NotUnderstood("the unit is not in the code list")
    return unit


def year_of(text: str) -> int:
    """The year.

    Raises:
        NotUnderstood: none.
    """
    if not _YEAR.fullmatch(text.strip()):
        raise NotUnderstood("the year is no year")
    return int(text)


def country(text: str) -> str:
    """The country's code.

    Raises:
        NotUnderstood: no country of the list.
    """
    code = country_code(text)
    if code is None:
        raise NotUnderstood("the Party is not in the list of countries")
    return code


def quota(
    *,
    country: str | None,
    taxon: str,
    start: date,
    end: date | None,
    amount: str,
    unit: str,
    terms: Codes = None,
    sources: Codes = None,
    purposes: Codes = None,
    unclear: bool = False,
    origin: str = "",
    notes: str = "",
) -> tuple[Any, ...]:
    """As ``quotas.COLUMNS``.

    Raises:
        NotUnderstood: there is no taxon, or it ends before it starts.
    """
    key = taxon_key(taxon)
    if not key:
        raise NotUnderstood("the taxon is missing")
    if end is not None and end < start:
        raise NotUnderstood("it ends before it starts")
    return (
        country or "",
        key,
        taxon,
        start.isoformat(),
        end and end.isoformat(),
        amount,
        unit,
        pack(terms),
        pack(sources),
        pack(purposes),
        int(unclear),
        origin or None,
        " ".join(notes.split()) or None,
    )
