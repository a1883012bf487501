"""What a loader took out of a file, and how it gets onto the shelf."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from epix_node.reference.edition import Edition
from epix_node.reference.load_report import LoadReport, Tally
from epix_node.reference.loading.sheet import NotUnderstood, Row, Sheet, state_of
from epix_node.reference.shelf import shelve


@dataclass(slots=True, kw_only=True)
class Harvest:
    """Records for one table, and what became of each row."""

    records: list[tuple[Any, ...]] = field(default_factory=list)
    dates: list[date] = field(default_factory=list)
    """From which the day that the file describes is derived where it is not given."""
    tally: Tally = field(default_factory=Tally)

    def add(self, record: tuple[Any, ...], *dates: date | None) -> None:
        """One row was taken."""
        self.records.append(record)
        self.dates.extend(day for day in dates if day is not None)
        self.tally.take()


def gather(rows: Iterable[Row], take: Callable[[Row, Harvest], None]) -> Harvest:
    """All rows were shown to ``take``; those in which it did not understand something are refused and counted."""
    harvest = Harvest()
    for row in rows:
        try:
            take(row, harvest)
        except NotUnderstood as reason:
            harvest.tally.refuse(row.number, str(reason))
    return harvest


def put(
    harvest: Harvest,
    sheet: Sheet,
    shelf_path: Path,
    *,
    data: str,
    tables: str,
    into: str,
    as_of: date | None,
    now: datetime,
) -> LoadReport:
    """The records are the data set from now on, in place of those that were loaded before."""
    edition = Edition(
        data=data,
        as_of=state_of(as_of, sheet, harvest.dates, now.date()),
        source=sheet.name,
        sha256=sheet.sha256,
        loaded_at=now,
        rows=harvest.tally.taken,
    )
    report = harvest.tally.report(edition)

    def fill(connection: sqlite3.Connection) -> LoadReport:
        make(connection, tables, into, harvest.records)
        return report

    return shelve(shelf_path, fill)


def make(connection: sqlite3.Connection, tables: str, into: str, records: Sequence[tuple[Any, ...]]) -> None:
    """The tables are made anew and hold these records. The transaction is the caller's."""
    # One by one: ``executescript`` would commit what the shelf has begun.
    for statement in tables.split(";"):
        if statement.strip():
            connection.execute(statement)
    if records:
        places = ", ".join("?" * len(records[0]))
        connection.executemany(f"INSERT INTO {into} VALUES ({places})", records)  # noqa: S608 (our own names)
