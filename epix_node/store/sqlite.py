"""A database in one SQLite file: WAL with ``synchronous=FULL``, writers under ``BEGIN IMMEDIATE`` (ADR 6)."""

from __future__ import annotations

import fcntl
import mmap
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from epix_node.errors import StoreError
from epix_node.store.points import Row

PREFIX = "sqlite:///"

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's writer, in milliseconds; a pull page commits well within it."""

MAPPED_BYTES = 2**30
"""How much of the file point reads see through memory: a page is then not copied for each of its readers."""

_INDEX_HEADER_BYTES = 48

_UNREADABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""Result codes that say something of the file and the machine, and nothing of the statement."""


class _Indexes:
    """The heads of the WAL indexes of the files that this process has open, in memory.

    Whoever closes any descriptor of a file gives up all locks that its process has on it (fcntl(2)), SQLite's too: the
    next process to open the database would take it for abandoned. So an index stays open until nobody here has its
    database open any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: Counter[str] = Counter()
        self._open: dict[str, list[tuple[int, os.stat_result, mmap.mmap | None]]] = {}

    def use(self, path: Path) -> str:
        """Somebody has the database open; under what name ``release`` knows it."""
        name = os.path.realpath(path)
        with self._lock:
            self._users[name] += 1
        return name

    def release(self, name: str) -> None:
        """Somebody, who did ``use``, has closed all connections to it."""
        with self._lock:
            self._users[name] -= 1
            if self._users[name] > 0:
                return
            del self._users[name]
            for descriptor, _, index in self._open.pop(name, []):
                if index is not None:
                    index.close()
                os.close(descriptor)

    def head(self, name: str) -> mmap.mmap | None:
        """Of the index that is there now; the caller has a connection that made it."""
        with self._lock:
            known = self._open.setdefault(name, [])
            try:
                now = Path(f"{name}-shm").stat()
                for _, then, index in known:
                    if os.path.samestat(now, then):
                        return index
                descriptor = os.open(f"{name}-shm", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return None
            index = None
            with suppress(OSError, ValueError):
                index = mmap.mmap(descriptor, _INDEX_HEADER_BYTES, prot=mmap.PROT_READ)
            known.append((descriptor, os.fstat(descriptor), index))
            return index


_INDEXES = _Indexes()


class SqliteFile:
    """The engines, point readers and locks of one file."""

    holds_writer: Final = True
    """One writer needs one connection for ever, not the pool's for each turn."""

    def __init__(self, url: str, *, connections: int) -> None:
        self.path: Path | None = Path(url.removeprefix(PREFIX))
        self._file = self.path
        self.reading = _engine(url, connections)
        self.writing = self.reading.execution_options(writing=True)
        self._in_use: str | None = _INDEXES.use(self._file)

    def points(self) -> SqlitePoints:
        """A connection for point reads, read-only."""
        return SqlitePoints(self._file)

    def is_conflict(self, error: DBAPIError, attempt: int) -> bool:  # noqa: ARG002 # as ``Backend`` has it
        """Never: a writer waits until it is alone."""
        return False

    def trouble(self, error: DBAPIError) -> str | None:
        """What is wrong with the file, where the error is about that."""
        return _trouble(self._file, error.orig)

    @contextmanager
    def once(self, name: str) -> Iterator[bool]:
        """Whether this block alone has the name, among all processes that have this file.

        The lock is the system's, on a file beside the database: it ends with the process, however that ends.
        """
        path = self._file.with_name(f"{self._file.name}.{quote(name, safe='')}.lock")
        descriptor = _locked(path)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                path.unlink(missing_ok=True)  # while it is locked: whoever waits for no file makes a new one
                os.close(descriptor)

    def close(self) -> None:
        """Close every connection of the pool."""
        self.reading.dispose()
        if self._in_use is not None:
            _INDEXES.release(self._in_use)
            self._in_use = None


class SqlitePoints:
    """See ``Points``. Use it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_use: str | None = _INDEXES.use(path)
        uri = f"{path.absolute().as_uri()}?mode=ro"
        try:
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA query_only=ON")
            self._connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            self._connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
            self._index = self._mapped_index()
        except sqlite3.Error as error:
            _INDEXES.release(self._in_use)
            raise self._told(error) from error
        self._execute = self._connection.execute

    def rows(self, statement: str, parameters: Row = ()) -> list[Row]:
        """All rows."""
        try:
            return self._execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def first(self, statement: str, parameters: Row = ()) -> Row | None:
        """The first row."""
        try:
            found: Row | None = self._execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            raise self._told(error) from error
        return found

    def version(self) -> object:
        """Changes with every commit of any other connection."""
        if self._index is not None:
            return self._index[:_INDEX_HEADER_BYTES]
        return self.first("PRAGMA data_version")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        if self._in_use is not None:
            _INDEXES.release(self._in_use)
            self._in_use = None

    def _told(self, error: sqlite3.Error) -> Exception:
        said = _trouble(self._path, error)
        return StoreError(said) if said is not None else error

    def _mapped_index(self) -> mmap.mmap | None:
        """The head of the WAL index, which every commit of every process writes anew (sqlite.org/walformat.html, 2.1).

        ``PRAGMA data_version`` reads the same bytes, and takes and gives back a lock for it: a tenth of an answer. The
        file stays as long as a connection is open, and this one is. ``None`` where there is no such file.
        """
        self._connection.execute("PRAGMA data_version").fetchone()  # the first reading makes the file
        return _INDEXES.head(self._in_use) if self._in_use is not None else None


def _engine(url: str, connections: int) -> Engine:
    # Errors of the driver must not quote rows: they hold names and addresses.
    engine = create_engine(url, pool_size=connections, max_overflow=4, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _open(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        # pysqlite must not begin transactions by itself: it would begin them DEFERRED and lose updates (ADR 6).
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}", ())
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options: dict[str, Any] = dict(connection.get_execution_options())
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")

    return engine


def _trouble(path: Path, error: BaseException | None) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)  # extended: the lowest byte is the code itself
    if isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _UNREADABLE:
        return f"the database {path} cannot be used: {error}"
    return None


def _locked(path: Path) -> int | None:
    """The descriptor of the file, made where there was none, that is locked for us; None: somebody else has it."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path} cannot be locked: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)  # whoever had it took the file away between our two calls
