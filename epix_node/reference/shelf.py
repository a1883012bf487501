"""The file in which a node keeps the reference data that were loaded, and the only door to it.

All data sets are tables of one SQLite file, ``reference.sqlite``. It is never written in place: a load works on a
copy beside it and puts that in its place when it is complete, so that a reader sees all of the old data or all of the
new, and an interrupted load leaves the old. Readers take the file for immutable; one that is open keeps the data that
it began with (``catalogue.following`` opens the new ones).

Not here: what the tables hold. Each data set's module makes and reads its own, which bear its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from epix_node.clock import format_time, parse_time
from epix_node.errors import ConfigError, MalformedDocumentError
from epix_node.reference.edition import Edition
from epix_node.reference.load_report import LoadReport

LAYOUT = 1
"""Of the tables in the file, all data sets together (SQLite's ``user_version``)."""

_MAPPED_BYTES = 256 * 1024 * 1024
"""Of a file, at most; the list of all species with its history takes about 10 MiB."""

_EDITIONS = """
CREATE TABLE IF NOT EXISTS edition (
    data TEXT PRIMARY KEY, as_of TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL, loaded_at TEXT,
    rows INTEGER NOT NULL
) WITHOUT ROWID
"""

Fill = Callable[[sqlite3.Connection], LoadReport]
"""Drops, makes and fills the tables of one data set. It must not commit, which ``executescript`` does.

The report names the edition."""


class Shelf:
    """Reference data, read-only. Several threads may read from one shelf.

    A data set whose ``edition`` is ``None`` has no tables here: ask for the edition first.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # Whoever drops the last shelf of replaced data need not know that a file is open.
        weakref.finalize(self, connection.close)
        # One statement at a time: a look-up is a few microseconds, less than a connection for each thread would cost.
        self._lock = threading.Lock()
        self._editions = {
            data: Edition(
                data=data,
                as_of=date.fromisoformat(as_of),
                source=source,
                sha256=sha256,
                loaded_at=parse_time(loaded_at) if loaded_at else None,
                rows=rows,
            )
            for data, as_of, source, sha256, loaded_at, rows in connection.execute(
                "SELECT data, as_of, source, sha256, loaded_at, rows FROM edition ORDER BY data"
            )
        }

    @classmethod
    def open(cls, path: Path | None) -> Shelf:
        """What was loaded into this file; an empty shelf where there is none.

        Raises:
            ConfigError: the file is no shelf of this release.
        """
        if path is None or not path.exists():
            return cls.in_memory(lambda _: ())
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with _readable(path):
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            try:
                _check_layout(connection, path)
                # The file is replaced, never changed: pages can be read where they lie, however many are asked for.
                connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
                return cls(connection)
            except BaseException:
                connection.close()
                raise

    @classmethod
    def in_memory(cls, fill: Callable[[sqlite3.Connection], Sequence[LoadReport]]) -> Shelf:
        """A shelf of its own, filled once and never changed."""
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.execute(_EDITIONS)
        connection.execute("BEGIN")
        for report in fill(connection):
            _register(connection, report.edition)
        connection.execute("COMMIT")
        connection.execute("PRAGMA query_only = ON")
        return cls(connection)

    def edition(self, data: str) -> Edition | None:
        """Of this data set; ``None`` where it was not loaded."""
        return self._editions.get(data)

    def editions(self) -> tuple[Edition, ...]:
        """Of all data sets here, by name."""
        return tuple(self._editions.values())

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of the answer."""
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Nothing can be read any more."""
        self._connection.close()


def shelve(path: Path, fill: Fill) -> LoadReport:
    """The tables that ``fill`` made are in the file, beside those of the other data sets, and so is their edition.

    Whatever ``fill`` raises is raised, and the file is then as it was. Loads of one file wait for each other.

    Raises:
        ConfigError: the file is no shelf of this release, or its directory cannot be written to.
        MalformedDocumentError: not one row was understood, and there are data that would be lost.
    """
    copy = path.with_name(f".{path.name}.loading")
    with _alone(path):
        # Left by a load that was killed: nobody else can be at it now.
        copy.unlink(missing_ok=True)
        try:
            report = _fill_copy(path, copy, fill)
            with copy.open("rb") as written:
                os.fsync(written.fileno())
            copy.replace(path)
            _fsync_directory(path.parent)
        finally:
            copy.unlink(missing_ok=True)
    return report


def _fill_copy(path: Path, copy: Path, fill: Fill) -> LoadReport:
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        # A crash leaves a copy that nobody reads: it needs neither a journal nor to be on the disk before it is whole.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        if path.exists():
            _copy(path, connection)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("BEGIN")
        connection.execute(_EDITIONS)
        report = fill(connection)
        _refuse_loss(connection, report)
        _register(connection, report.edition)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return report


def _copy(path: Path, target: sqlite3.Connection) -> None:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with _readable(path), contextlib.closing(sqlite3.connect(uri, uri=True)) as source:
        _check_layout(source, path)
        source.backup(target)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What SQLite finds wrong with the file is a configuration error."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as reference data: {error}; delete it and load again") from error


def _check_layout(connection: sqlite3.Connection, path: Path) -> None:
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout != LAYOUT:
        raise ConfigError(f"{path} has layout {layout}, this release reads {LAYOUT}; delete it and load again")


def _refuse_loss(connection: sqlite3.Connection, report: LoadReport) -> None:
    """Nothing, unless rows were refused, none was taken, and the data set had some: another file by mistake, perhaps.

    Raises:
        MalformedDocumentError: so it is.
    """
    if report.taken or not report.refused:
        return
    before = connection.execute("SELECT rows FROM edition WHERE data = ?", (report.edition.data,)).fetchone()
    if before is not None and before[0]:
        raise MalformedDocumentError(
            f"not one of {report.refused} rows was understood ({next(iter(report.reasons))}): nothing was loaded, "
            "what was loaded before stays"
        )


def _register(connection: sqlite3.Connection, edition: Edition) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO edition VALUES (?, ?, ?, ?, ?, ?)",
        (
            edition.data,
            edition.as_of.isoformat(),
            edition.source,
            edition.sha256,
            format_time(edition.loaded_at) if edition.loaded_at else None,
            edition.rows,
        ),
    )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process loads into this file meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("w")
    except OSError as error:
        raise ConfigError(f"reference data cannot be written to {path.parent}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fsync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
