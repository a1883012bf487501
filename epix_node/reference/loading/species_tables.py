"""The tables of a book of species: taxa, the names that lead to them, and their listings; how they are filled.

Two books are on the shelf, each a data set of its own: ``species`` (a list of taxa as of a day) and ``history`` (when
their listings changed). The built-in book has the first's tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from epix_node.permit.parties import party_of, successors_of
from epix_node.reference.population import UNCLEAR
from epix_node.reference.scientific_name import scientific_key
from epix_node.reference.taxon import Taxon
from epix_node.reference.timeline import NOT_LISTED, Entry

SPECIES = "species"
HISTORY = "history"

ACCEPTED, SYNONYM = 0, 1
"""Kinds of names, in the order in which they are believed."""

_TABLES = """
CREATE TABLE {book}_taxon (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, rank TEXT NOT NULL, kingdom TEXT NOT NULL, phylum TEXT, class TEXT,
    "order" TEXT, family TEXT, genus TEXT, annotation TEXT, ranges TEXT
);
CREATE TABLE {book}_name (key TEXT, kind INTEGER, taxon INTEGER, PRIMARY KEY (key, kind, taxon)) WITHOUT ROWID;
CREATE TABLE {book}_listing (
    key TEXT, starts TEXT, place INTEGER, is_dated INTEGER NOT NULL, appendix TEXT, extent TEXT, countries TEXT,
    parts TEXT, is_conditional INTEGER, party TEXT, annotation TEXT, PRIMARY KEY (key, starts, place)
) WITHOUT ROWID;
CREATE TABLE {book}_country (code TEXT PRIMARY KEY) WITHOUT ROWID
"""

_BATCH = 2_000
"""Rows kept until they are written: bounds the memory of a load."""

_FORMERLY = {
    "SU": ("AM", "AZ", "BY", "EE", "GE", "KG", "KZ", "LT", "LV", "MD", "RU", "TJ", "TM", "UA", "UZ"),
    "S1": ("SD", "SS"),
}
"""What Species+ writes for the Soviet Union, and for the Sudan before South Sudan left it."""


@dataclass(slots=True, kw_only=True)
class Higher:
    """A genus, family, order or class that rows mention; it gets a row of its own if the file has none for it."""

    rank: str
    kingdom: str
    phylum: str | None
    names: tuple[str | None, ...]
    """Class, order, family and genus, down to its own name."""
    appendices: set[str] = field(default_factory=set)


class SpeciesTables:
    """One book while it is being filled. Nothing else writes to it."""

    def __init__(self, connection: sqlite3.Connection, book: str) -> None:
        """The tables are there and empty; what was in them before is gone."""
        self._connection = connection
        self._book = book
        for table in ("taxon", "name", "listing", "country"):
            connection.execute(f"DROP TABLE IF EXISTS {book}_{table}")
        for statement in _TABLES.format(book=book).split(";\n"):
            connection.execute(statement)
        self._pending: dict[str, list[Sequence[Any]]] = {"taxon": [], "name": [], "listing": []}
        self._codes: set[str] = set()
        self._keys: set[str] = set()
        self._ids: set[int] = set()
        self._highers: dict[str, Higher] = {}
        self._ids_given = 0

    def add(self, taxon: Taxon, *, synonyms: Iterable[str] = ()) -> bool:
        """The taxon can be found by its name and these. False, and nothing done, where its name was added before.

        Its id is another one where an earlier taxon has it: names lead to taxa by ids.
        """
        key = scientific_key(taxon.name)
        if not key or key in self._keys:
            return False
        self._keys.add(key)
        if taxon.id in self._ids:
            taxon = replace(taxon, id=self.new_id())
        self._ids.add(taxon.id)
        ranges = None if taxon.range_states is None else " ".join(sorted(taxon.range_states))
        self._codes |= taxon.range_states or frozenset()
        self._put(
            "taxon",
            (
                *(taxon.id, taxon.name, taxon.rank, taxon.kingdom, taxon.phylum, taxon.class_name, taxon.order),
                *(taxon.family, taxon.genus, taxon.annotation, ranges),
            ),
        )
        self._put("name", (key, ACCEPTED, taxon.id))
        for synonym in synonyms:
            if other := scientific_key(synonym):
                self._put("name", (other, SYNONYM, taxon.id))
        return True

    def has_id(self, taxon: Taxon) -> bool:
        """Whether an earlier taxon has the id of this one."""
        return taxon.id in self._ids

    def list(self, name: str, starts: date, entries: Sequence[Entry], *, is_dated: bool) -> None:
        """So the taxon of this name is listed since that day; no entries: from then on nothing is known."""
        head = (scientific_key(name), starts.isoformat())
        if not entries:
            self._put("listing", (*head, 0, is_dated, *(None,) * 7))
        for place, entry in enumerate(entries):
            scope = entry.scope
            self._put(
                "listing",
                (
                    *(*head, place, is_dated, entry.appendix, scope.extent.value),
                    *(" ".join(sorted(scope.countries)) or None, " ".join(sorted(scope.parts)) or None),
                    *(scope.is_conditional, entry.party, entry.annotation),
                ),
            )

    def mention(self, taxon: Taxon, appendices: Collection[str]) -> None:
        """The taxa above this one are in these Appendices too, in part at least, unless the file says more of them."""
        above = (
            ("CLASS", taxon.class_name),
            ("ORDER", taxon.order),
            ("FAMILY", taxon.family),
            ("GENUS", taxon.genus),
        )
        for place, (rank, name) in enumerate(above):
            if name is None or name == taxon.name:
                continue
            higher = self._highers.get(name)
            if higher is None:
                names = (*(known for _, known in above[: place + 1]), *(None,) * (3 - place))
                higher = self._highers[name] = Higher(
                    rank=rank, kingdom=taxon.kingdom, phylum=taxon.phylum, names=names
                )
            higher.appendices.update(appendices)

    def add_higher_taxa(self, starts: date | None) -> None:
        """Every taxon above those of the file can be found too.

        Their listing, since that day, is what those below them have, in part or as a whole: the file says no more.
        Where it tells no listing of any of those, nothing is known. Without a day they have none.
        """
        for name, higher in self._highers.items():
            class_name, order, family, genus = higher.names
            taxon = Taxon(
                id=self.new_id(),
                name=name,
                rank=higher.rank,
                kingdom=higher.kingdom,
                phylum=higher.phylum,
                class_name=class_name,
                order=order,
                family=family,
                genus=genus,
                annotation=None,
                range_states=None,
            )
            if self.add(taxon) and starts is not None:
                entries = [Entry(appendix=code, scope=UNCLEAR) for code in sorted(higher.appendices - {NOT_LISTED})]
                rest = [Entry(appendix=NOT_LISTED, scope=UNCLEAR)] if higher.appendices else []
                self.list(name, starts, entries + rest, is_dated=False)

    def new_id(self) -> int:
        """An id for a taxon that the source gives none."""
        self._ids_given += 1
        return -self._ids_given

    def finish(self) -> None:
        """Everything is written."""
        for table in self._pending:
            self._write(table)
        self._connection.executemany(
            f"INSERT OR IGNORE INTO {self._book}_country VALUES (?)",  # noqa: S608 (our own names)
            [(code,) for code in sorted(self._codes)],
        )

    def _put(self, table: str, row: Sequence[Any]) -> None:
        pending = self._pending[table]
        pending.append(row)
        if len(pending) >= _BATCH:
            self._write(table)

    def _write(self, table: str) -> None:
        pending = self._pending[table]
        if pending:
            marks = ", ".join("?" * len(pending[0]))
            statement = f"INSERT OR IGNORE INTO {self._book}_{table} VALUES ({marks})"  # noqa: S608 (our own names)
            self._connection.executemany(statement, pending)
            pending.clear()


def range_states(codes: Iterable[str]) -> frozenset[str] | None:
    """The countries whose goods may be from a range of these; ``None`` where there are none: the range is not known.

    With each territory comes its Party, and with each country of the past those that came after it.
    """
    states: set[str] = set()
    for code in codes:
        if code:
            states.update((code, party_of(code), *successors_of(code), *_FORMERLY.get(code, ())))
    return frozenset(states) or None
