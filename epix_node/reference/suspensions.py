"""Recommendations to suspend trade, national bans, and who is under annual-report measures.

Most suspensions come from the Standing Committee and reach the Parties as notifications; some are a country's own.
Each has a scope: a country or all, a taxon or all, sources, purposes and terms or all. ``matching`` gives only what
surely speaks of a specimen. Where a row's own scope was not understood, or the document leaves open what the row asks
for, the answer of ``matching`` is silence and that of ``possible`` the row, so that a rule can say "not checked".

Exceptions, which come in a file of their own, take a specimen out of every suspension that is at least as wide as the
exception in taxa and countries; they take nothing out of a narrower one.

Not here: that source I and re-exports are free (SUS-01); the rule knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from epix_node.reference.edition import Edition
from epix_node.reference.scope import Codes, Fit, day, fit, taxon_keys, unpack
from epix_node.reference.shelf import Shelf

DATA = "suspensions"
EXCEPTIONS = "suspension-exceptions"

CITES = "cites"
NATIONAL = "national"
INFORMATION = "information"
ANNUAL_REPORT = "annual-report"
KINDS = (CITES, NATIONAL, INFORMATION, ANNUAL_REPORT)
"""A recommendation of the CITES bodies; a ban that a country communicated; an information notice; a recommendation
against a Party that did not send annual reports (Art. VIII.7(a), Resolution Conf. 11.17), which SUS-02 asks for."""

_COLUMNS = """
    country TEXT, taxon TEXT, name TEXT, starts TEXT NOT NULL, ends TEXT, terms TEXT, sources TEXT, purposes TEXT,
    imports INTEGER NOT NULL, kind TEXT NOT NULL, notification TEXT, notes TEXT, unclear INTEGER NOT NULL
"""

TABLES = f"""
DROP TABLE IF EXISTS suspension;
CREATE TABLE suspension ({_COLUMNS});
"""

EXCEPTION_TABLES = f"""
DROP TABLE IF EXISTS suspension_exception;
CREATE TABLE suspension_exception ({_COLUMNS});
"""

COLUMNS = (
    "country",
    "taxon",
    "name",
    "starts",
    "ends",
    "terms",
    "sources",
    "purposes",
    "imports",
    "kind",
    "notification",
    "notes",
    "unclear",
)
"""Of both tables, in the order in which loaders give them."""

_QUERIES = {
    data: (table, f"SELECT {', '.join(COLUMNS)} FROM {table} ORDER BY rowid")  # noqa: S608 (our own names)
    for data, table in ((DATA, "suspension"), (EXCEPTIONS, "suspension_exception"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """One suspension of trade; ``None`` stands for all countries, taxa or codes."""

    kind: str
    """One of ``KINDS``."""
    start: date
    end: date | None
    """The day on which it was withdrawn, no longer part of it; ``None`` while it lasts."""
    country: str | None
    taxon: str | None
    terms: Codes
    sources: Codes
    purposes: Codes
    applies_to_import: bool
    """Whether it is for imports into the country too."""
    notification: str | None
    notes: str | None
    unclear: bool
    """Whether the notes restrict it in words that the loader did not understand."""

    @property
    def is_cites(self) -> bool:
        """Whether it is a recommendation of CITES; the others are a country's own (a warning in SUS-01)."""
        return self.kind == CITES


class Suspensions:
    """The suspensions that were loaded, and the exceptions to them. Several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def edition(self) -> Edition | None:
        """``None`` where none were loaded."""
        return self._shelf.edition(DATA)

    def matching(
        self,
        on: date,
        country: str,
        lineage: Sequence[str],
        source: str | None,
        purpose: str | None,
        term: str | None,
        *,
        is_import: bool = False,
    ) -> Suspension | None:
        """A suspension that surely speaks of the specimen on this day: one of CITES before others, then the narrowest.

        ``country`` is the exporting one, or with ``is_import`` the importing one.
        """
        return self._first(Fit.SURELY, on, country, lineage, source, purpose, term, is_import=is_import)

    def possible(
        self,
        on: date,
        country: str,
        lineage: Sequence[str],
        source: str | None,
        purpose: str | None,
        term: str | None,
        *,
        is_import: bool = False,
    ) -> Suspension | None:
        """A suspension that may speak of the specimen; whoever shows it must say that it was not decided."""
        return self._first(Fit.PERHAPS, on, country, lineage, source, purpose, term, is_import=is_import)

    def covers(self, country: str) -> bool:
        """Whether a row names this country; of a fictional one that no row names, silence means nothing."""
        return country in self._rows["suspension"]

    def annual_report(self, on: date, country: str) -> bool | None:
        """Whether the Party was under annual-report measures on this day (SUS-02).

        ``None``: the loaded file says nothing of such measures, about any Party.
        """
        measures = [
            (by, suspension)
            for by, rows in self._rows["suspension"].items()
            for _, suspension in rows
            if suspension.kind == ANNUAL_REPORT
        ]
        if not measures:
            return None
        return any(
            by == country and suspension.start <= on and (suspension.end is None or on < suspension.end)
            for by, suspension in measures
        )

    def _first(
        self,
        wanted: Fit,
        on: date,
        country: str,
        lineage: Sequence[str],
        source: str | None,
        purpose: str | None,
        term: str | None,
        *,
        is_import: bool,
    ) -> Suspension | None:
        if self.edition is None:
            return None
        keys = taxon_keys(lineage)
        asked = (source, purpose, term)
        exceptions = [
            (key, exception)
            for key, exception in self._speaking_of("suspension_exception", country, keys)
            if exception.start <= on and (exception.end is None or on <= exception.end)
        ]

        def fits(key: str | None, suspension: Suspension) -> Fit:
            best = _scope_fit(suspension, *asked)
            for exception_key, exception in exceptions:
                if _is_as_wide(key, suspension, exception_key, exception, keys):
                    # What an exception surely frees is free; what it perhaps frees is perhaps suspended.
                    best = min(best, Fit(Fit.SURELY - _scope_fit(exception, *asked)))
            return best

        found = [
            (key, suspension)
            for key, suspension in self._speaking_of("suspension", country, keys)
            if suspension.kind != ANNUAL_REPORT
            and suspension.start <= on
            and (suspension.end is None or on < suspension.end)
            and (suspension.applies_to_import or not is_import)
            and fits(key, suspension) == wanted
        ]
        if not found:
            return None
        _, first = min(found, key=lambda pair: (not pair[1].is_cites, _width(pair[0], keys), pair[1].country is None))
        return first

    def _speaking_of(self, table: str, country: str, keys: Sequence[str]) -> Iterator[tuple[str | None, Suspension]]:
        rows = self._rows[table]
        for key, suspension in (*rows.get(country, ()), *rows.get(None, ())):
            if key is None or key in keys:
                yield key, suspension

    @cached_property
    def _rows(self) -> Mapping[str, Mapping[str | None, Sequence[tuple[str | None, Suspension]]]]:
        """Table → country → its rows, each with the key of its taxon. A few thousand at most: read once."""
        return {
            table: _by_country(self._shelf.all(query) if self._shelf.edition(data) else ())
            for data, (table, query) in _QUERIES.items()
        }


def _by_country(rows: Iterable[tuple[Any, ...]]) -> dict[str | None, list[tuple[str | None, Suspension]]]:
    by_country: dict[str | None, list[tuple[str | None, Suspension]]] = {}
    for row in rows:
        by_country.setdefault(row[0], []).append((row[1], _suspension(row)))
    return by_country


def _suspension(row: tuple[Any, ...]) -> Suspension:
    country, _, name, starts, ends, terms, sources, purposes, imports, kind, notification, notes, unclear = row
    return Suspension(
        kind=kind,
        start=date.fromisoformat(starts),
        end=day(ends),
        country=country,
        taxon=name,
        terms=unpack(terms),
        sources=unpack(sources),
        purposes=unpack(purposes),
        applies_to_import=bool(imports),
        notification=notification,
        notes=notes,
        unclear=bool(unclear),
    )


def _scope_fit(suspension: Suspension, source: str | None, purpose: str | None, term: str | None) -> Fit:
    best = min(fit(suspension.sources, source), fit(suspension.purposes, purpose), fit(suspension.terms, term))
    return min(best, Fit.PERHAPS) if suspension.unclear else best


def _width(key: str | None, keys: Sequence[str]) -> int:
    """How far above the specimen's own taxon it speaks; one for all taxa is the widest."""
    return len(keys) if key is None else keys.index(key)


def _is_as_wide(
    key: str | None, suspension: Suspension, exception_key: str | None, exception: Suspension, keys: Sequence[str]
) -> bool:
    return _width(key, keys) >= _width(exception_key, keys) and (
        suspension.country is None or suspension.country == exception.country
    )
