"""What a suspension, a quota or a reservation speaks of: taxa, countries, dates and codes.

Here are the spellings in which the tables hold them and the questions that the look-ups ask. ``None`` always means
"all of them": all taxa, all countries, all sources. A document that does not say its source may or may not be meant by
a row for one source; that is ``PERHAPS``, and it is the rules' business to say that they did not check.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import IntEnum
from functools import lru_cache

from epix_node.reference.scientific_name import scientific_key

Codes = frozenset[str] | None
"""Codes that a row speaks of; ``None`` for all."""


class Fit(IntEnum):
    """Whether a row speaks of a specimen; the smallest of several answers counts."""

    NO = 0
    PERHAPS = 1
    SURELY = 2


@lru_cache(maxsize=4096)
def taxon_key(name: str) -> str:
    """The same for each way to write a taxon's name; the names above a species are asked for again and again."""
    return scientific_key(name)


def taxon_keys(lineage: Iterable[str]) -> tuple[str, ...]:
    """Of a taxon's own name and the taxa above it, in this order."""
    return tuple(taxon_key(name) for name in lineage)


def pack(codes: Codes) -> str | None:
    """The codes as the tables hold them."""
    return None if codes is None else ";".join(sorted(codes))


def unpack(text: str | None) -> Codes:
    """The other way round."""
    return None if text is None else frozenset(text.split(";"))


def fit(codes: Codes, given: str | None) -> Fit:
    """Whether a row for these codes speaks of a specimen with this one (``None``: it is not known)."""
    if codes is None:
        return Fit.SURELY
    if given is None:
        return Fit.PERHAPS
    return Fit.SURELY if given in codes else Fit.NO


def in_force(on: date, start: date | None, end: date | None) -> bool:
    """Whether a day lies within the two dates, both included."""
    return (start is None or start <= on) and (end is None or on <= end)


def day(text: str | None) -> date | None:
    """A date as the tables hold it."""
    return None if text is None else date.fromisoformat(text)
