"""The code lists of the permit form: which codes exist, and what they stand for.

The lists are data (``permit/data/*.toml``, each with its source and date) and are read once, when first asked for.
Membership says only that a code exists; whether it may stand where it stands is a rule (``rules``). Units are in
``quantity``, beside their conversions; what became of old terms is in ``terms``, who is a Party in ``parties``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from epix_node.permit.code_data import Provenance, load_lists, provenance_of
from epix_node.permit.quantity import CURRENT_UNITS, HISTORICAL_UNITS

FICTIONAL_PARTIES = frozenset(f"X{letter}" for letter in "ABCDEFGHIJLMNOPQRSTUWYZ")
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
    source_kingdoms: Mapping[str, str]
    """Sources that can be said of one kingdom only: code → ``Animalia`` or ``Plantae``."""
    marine_sources: frozenset[str]
    """Sources that can be said of taxa of the sea only."""
    appendices: Mapping[str, str]
    terms: Mapping[str, str]
    """Current terms of the Guidelines."""
    historical_terms: Mapping[str, str]
    """Terms that only older documents carry."""
    countries: Mapping[str, str]
    """ISO 3166-1 alpha-2, the codes that CITES adds, former ones, and those left to users. ``NA`` is Namibia."""
    traders: frozenset[str]
    """Those that issue, send, receive or pass on goods today: ISO, ``EU``, and the fictional Parties (contract 1)."""
    provenance: Mapping[str, Provenance]
    """Name of a list here → where it is from; ``countries`` is made of several and has the one of ISO's codes."""


@cache
def code_lists() -> CodeLists:
    """The lists of this release; the same object each time."""
    codes = load_lists("codes.toml")
    terms = load_lists("terms.toml")
    countries = load_lists("countries.toml")
    scopes = codes["source_scopes"]
    named = ("types", "subtypes", "purposes", "sources", "appendices")
    lists = {name: codes[name] for name in named} | {
        "terms": terms["current"],
        "historical_terms": terms["historical"],
    }
    return CodeLists(
        **{name: MappingProxyType(code_list["codes"]) for name, code_list in lists.items()},
        source_kingdoms=MappingProxyType(scopes["kingdoms"]),
        marine_sources=frozenset(scopes["marine"]["codes"]),
        countries=MappingProxyType(
            # Of two meanings the present one counts: XA to XZ are fictional Parties before they are former regions.
            countries["former"]["codes"]
            | dict.fromkeys(countries["user_assigned"]["codes"], "user-assigned")
            | countries["special"]["codes"]
            | countries["iso"]["codes"]
        ),
        traders=frozenset({*countries["iso"]["codes"], "CP", "EU", *FICTIONAL_PARTIES}),
        provenance=MappingProxyType(
            {name: provenance_of(code_list) for name, code_list in lists.items()}
            | {
                "source_kingdoms": provenance_of(scopes),
                "marine_sources": provenance_of(scopes),
                "countries": provenance_of(countries["iso"]),
            }
        ),
    )
