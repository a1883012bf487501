"""Export quotas: how much of a taxon a country may export in a year.

Three sets are kept apart, because they come from different hands: ``quotas`` as the Secretariat publishes them,
``mandatory-quotas`` that the Conference of the Parties set or that stand in a listing's annotation, and
``national-quotas`` that a country made for itself. Amounts are decimal text; a quota of zero is a quota.

What a row says is often narrower than its columns ("live, Sabah"). Such a row is ``unclear``, and so is an answer that
an unclear row could change: a rule that gets one says "not checked".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from epix_node.reference.edition import Edition
from epix_node.reference.scope import Codes, Fit, fit, in_force, taxon_keys, unpack
from epix_node.reference.shelf import Shelf

PUBLISHED = "quotas"
MANDATORY = "mandatory-quotas"
NATIONAL = "national-quotas"
SETS = (PUBLISHED, MANDATORY, NATIONAL)

COLUMNS = (
    "country",
    "taxon",
    "name",
    "starts",
    "ends",
    "amount",
    "unit",
    "terms",
    "sources",
    "purposes",
    "unclear",
    "origin",
    "notes",
)
"""Of each set's table, in the order in which loaders give them. An empty country stands for all: SQLite finds it by
index, which it would not find NULL by."""


def table(data: str) -> str:
    """The name of a set's table."""
    return data.replace("-", "_")


def tables(data: str) -> str:
    """The statements that make one set's table anew."""
    name = table(data)
    return f"""
    DROP TABLE IF EXISTS {name};
    CREATE TABLE {name} (
        country TEXT NOT NULL, taxon TEXT NOT NULL, name TEXT NOT NULL, starts TEXT NOT NULL, ends TEXT,
        amount TEXT NOT NULL, unit TEXT NOT NULL, terms TEXT, sources TEXT, purposes TEXT, unclear INTEGER NOT NULL,
        origin TEXT, notes TEXT
    );
    CREATE INDEX {name}_taxon ON {name} (taxon, country);
    CREATE INDEX {name}_country ON {name} (country, starts);
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalQuota:
    """A country's quota for a taxon; ``None`` stands for all countries or all codes."""

    country: str | None
    taxon: str
    start: date
    end: date | None
    """The last day; ``None`` while it lasts. A quota for a year ends with it."""
    amount: str
    """A decimal, never below zero."""
    unit: str
    """A unit code; ``NAR`` where the source gives a bare number."""
    terms: Codes
    sources: Codes
    purposes: Codes
    mandatory: bool
    """Set by the Conference of the Parties, not by the country."""
    unclear: bool
    """Nothing may be concluded from it: see the module."""
    origin: str | None
    """Where the source says that it was published."""
    notes: str | None
    edition: Edition

    @property
    def is_zero(self) -> bool:
        """Whether it forbids any export."""
        return not Decimal(self.amount)


class Quotas:
    """The quotas that were loaded. Several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.edition: Edition | None = next((edition for data in SETS if (edition := shelf.edition(data))), None)
        """Of the first set that was loaded, in the order of ``SETS``; ``None`` where there is none."""

    def covers(self, country: str, year: int) -> bool:
        """Whether the sets speak of this country and year at all; if not, finding no quota means nothing."""
        span = (f"{year:04d}-12-31", f"{year:04d}-01-01")
        return any(
            self._shelf.one(
                f"SELECT 1 FROM {table(data)} WHERE country = ?"  # noqa: S608 (our own names)
                " AND starts <= ? AND (ends IS NULL OR ends >= ?) LIMIT 1",
                (country, *span),
            )
            for data in (PUBLISHED, NATIONAL)
            if self._shelf.edition(data)
        )

    def find(
        self,
        lineage: Sequence[str],
        country: str,
        year: int,
        source: str | None,
        term: str | None,
        *,
        purpose: str | None = None,
        on: date | None = None,
    ) -> NationalQuota | None:
        """The quota that speaks of these specimens most closely; ``unclear`` where that cannot be said for sure.

        Closest is the nearest taxon, then a term, a source and a purpose before all of them. A mandatory quota of zero
        comes before all others; of a mandatory and another one that are equally close the smaller counts. ``on`` is the
        day that counts in a year in which a quota began or ended; without it such a quota is unclear. A source, term or
        purpose that is ``None`` (not known) leaves every quota unclear that asks for one.
        """
        keys = taxon_keys(lineage)
        candidates = [
            (key, quota, sure)
            for data in SETS
            if (edition := self._shelf.edition(data))
            for key, quota in self._rows(data, edition, keys, country, year)
            if (sure := _fit(quota, year, on, source, term, purpose)) > Fit.NO
        ]
        if not candidates:
            return None
        certain = [(key, quota) for key, quota, sure in candidates if sure is Fit.SURELY]
        if not certain:
            _, closest, _ = min(candidates, key=lambda each: _rank(each[0], each[1], keys))
            return replace(closest, unclear=True)
        key, best = _closest(certain, keys)
        return replace(best, unclear=_is_disputed(key, best, candidates, keys))

    def _rows(
        self, data: str, edition: Edition, keys: Sequence[str], country: str, year: int
    ) -> list[tuple[str, NationalQuota]]:
        rows = self._shelf.all(
            f"SELECT {', '.join(COLUMNS)} FROM {table(data)} INDEXED BY {table(data)}_taxon"  # noqa: S608 (our names)
            " WHERE taxon IN (SELECT value FROM json_each(?)) AND country IN (?, '')"
            " AND starts <= ? AND (ends IS NULL OR ends >= ?)",
            (json.dumps(keys), country, f"{year:04d}-12-31", f"{year:04d}-01-01"),
        )
        return [(row[1], _quota(row, edition, mandatory=data == MANDATORY)) for row in rows]


def _quota(row: tuple[Any, ...], edition: Edition, *, mandatory: bool) -> NationalQuota:
    country, _, name, starts, ends, amount, unit, terms, sources, purposes, unclear, origin, notes = row
    return NationalQuota(
        country=country or None,
        taxon=name,
        start=date.fromisoformat(starts),
        end=None if ends is None else date.fromisoformat(ends),
        amount=amount,
        unit=unit,
        terms=unpack(terms),
        sources=unpack(sources),
        purposes=unpack(purposes),
        mandatory=mandatory,
        unclear=bool(unclear),
        origin=origin,
        notes=notes,
        edition=edition,
    )


def _fit(
    quota: NationalQuota, year: int, on: date | None, source: str | None, term: str | None, purpose: str | None
) -> Fit:
    best = min(fit(quota.sources, source), fit(quota.terms, term), fit(quota.purposes, purpose))
    best = min(best, _time_fit(quota, year, on))
    return min(best, Fit.PERHAPS) if quota.unclear else best


def _time_fit(quota: NationalQuota, year: int, on: date | None) -> Fit:
    if on is not None:
        return Fit.SURELY if in_force(on, quota.start, quota.end) else Fit.NO
    first, last = date(year, 1, 1), date(year, 12, 31)
    if quota.start > last or (quota.end is not None and quota.end < first):
        return Fit.NO
    return Fit.SURELY if quota.start <= first and (quota.end is None or quota.end >= last) else Fit.PERHAPS


def _rank(key: str, quota: NationalQuota, keys: Sequence[str]) -> tuple[Any, ...]:
    """Small is close."""
    return (
        keys.index(key),
        quota.terms is None,
        quota.sources is None,
        quota.purposes is None,
        quota.country is None,
    )


def _closest(certain: Sequence[tuple[str, NationalQuota]], keys: Sequence[str]) -> tuple[str, NationalQuota]:
    for key, quota in certain:
        if quota.mandatory and quota.is_zero:
            return key, quota
    closest = min(_rank(key, quota, keys) for key, quota in certain)
    level = [(key, quota) for key, quota in certain if _rank(key, quota, keys) == closest]
    # Within one set a later quota takes the place of an earlier one; between sets the smaller one binds.
    latest = [
        max((each for each in level if each[1].edition is edition), key=lambda each: each[1].start)
        for edition in {id(quota.edition): quota.edition for _, quota in level}.values()
    ]
    return min(latest, key=lambda each: Decimal(each[1].amount))


def _is_disputed(
    key: str, best: NationalQuota, candidates: Sequence[tuple[str, NationalQuota, Fit]], keys: Sequence[str]
) -> bool:
    """Whether another quota for the same taxon says something else, so that the sum may be meant against that one.

    A mandatory quota binds whatever else was published.
    """
    if best.mandatory:
        return False
    return any(
        keys.index(other_key) <= keys.index(key)
        and not other.mandatory
        and (other.amount, other.unit) != (best.amount, best.unit)
        and (sure is not Fit.SURELY or _is_as_close(other, best))
        for other_key, other, sure in candidates
    )


def _is_as_close(one: NationalQuota, other: NationalQuota) -> bool:
    return (
        all(
            (getattr(one, member) is None) == (getattr(other, member) is None)
            for member in ("terms", "sources", "purposes")
        )
        and one.start == other.start
    )
