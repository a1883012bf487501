"""The code lists of the permit form: which codes exist, and what they stand for.

The lists are data (``permit/data/*.toml``, each with its source and date) and are read once, when first asked for.
Membership says only that a code exists; whether it may stand where it stands is a rule (``rules``). Units are in
``quantity``, beside their conversions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from epix_node.permit.quantity import CURRENT_UNITS, HISTORICAL_UNITS

_FICTIONAL = frozenset(f"X{letter}" for letter in "ABCDEFGHIJLMNOPQRSTUWYZ")
"""XA to XZ without XK, XV and XX (contract 1)."""

UNITS = CURRENT_UNITS | HISTORICAL_UNITS
"""Every unit code that is in a list, historical ones included (contract 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    """Code → what it stands for, one mapping per list; ``code in list`` is the question that rules ask."""

    types: Mapping[str, str]
    subtypes: Mapping[str, str]
    purposes: Mapping[str, str]
    sources: Mapping[str, str]
    appendices: Mapping[str, str]
    terms: Mapping[str, str]
    """Current terms of the Guidelines."""
    historical_terms: Mapping[str, str]
    """Terms that only older documents carry."""
    countries: Mapping[str, str]
    """ISO 3166-1 alpha-2, the codes that CITES adds, former ones, and those left to users. ``NA`` is Namibia."""
    traders: frozenset[str]
    """Those that issue, send, receive or pass on goods today: ISO, ``EU``, and the fictional Parties (contract 1)."""


@cache
def code_lists() -> CodeLists:
    """The lists of this release; the same object each time."""
    codes = _load("codes.toml")
    countries = _load("countries.toml")
    return CodeLists(
        types=MappingProxyType(codes["types"]),
        subtypes=MappingProxyType(codes["subtypes"]),
        purposes=MappingProxyType(codes["purposes"]),
        sources=MappingProxyType(codes["sources"]),
        appendices=MappingProxyType(codes["appendices"]),
        terms=MappingProxyType(codes["terms"]),
        historical_terms=MappingProxyType(codes["historical_terms"]),
        countries=MappingProxyType(
            # Of two meanings the present one counts: XA to XZ are fictional Parties before they are former regions.
            countries["former"]
            | dict.fromkeys(countries["user_assigned"], "user-assigned")
            | countries["special"]
            | countries["iso"]
        ),
        traders=frozenset({*countries["iso"], "CP", "EU", *_FICTIONAL}),
    )


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("epix_node.permit").joinpath("data", name).read_text(encoding="utf-8"))
