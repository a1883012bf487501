"""One SQLite file: many readers, one writer.

A unit of work is a function that takes a ``Session``. It commits when the function returns and rolls back when it
raises. Writes run one at a time in a thread of their own, each under ``BEGIN IMMEDIATE``, so that a read followed by
a write sees no other writer in between, in this process or another. Durability is ``WAL`` with ``synchronous=FULL``:
what was acknowledged survives ``kill -9`` and a power cut.

Not here: what is read and written (the other modules of this package), and schema changes (``schema``).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session as SQLModelSession

from epix_node.errors import ConfigError

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's writer, in milliseconds; a pull page commits well within it."""

READERS = 4
"""Threads that read. Reading in WAL mode never blocks the writer; more threads than this only contend for the GIL."""


class Session(SQLModelSession):
    """One unit of work, joined to a transaction that ``Database`` opens and ends."""

    def __init__(self, core: Connection) -> None:
        super().__init__(bind=core, autoflush=False, expire_on_commit=False, join_transaction_mode="rollback_only")
        self.core = core
        """The transaction's connection, for statements that bypass the object layer on hot paths."""


class Database:
    """The node's database, open until ``close``."""

    def __init__(self, url: str) -> None:
        self.path = _sqlite_path(url)
        self._engine = _engine(url)
        self._writing = self._engine.execution_options(writing=True)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="store-reader")
        # Writers of this process queue here, in order; SQLite's own lock would make them poll.
        self._turn = threading.Lock()
        self._held: Connection | None = None
        self._points = threading.local()
        self._opened: list[sqlite3.Connection] = []

    def read_now(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` in a read transaction, in this thread."""
        with self._engine.connect() as connection, Session(connection) as session:
            return work(session, *args, **kwargs)

    def write_now(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` in a write transaction, in this thread: committed when it returns, undone when it raises."""
        with self._turn:
            if self._held is None:
                self._held = self._writing.connect()  # one writer needs one connection, not the pool's for each turn
            with self._held.begin(), Session(self._held) as session:
                result = work(session, *args, **kwargs)
                session.flush()
                return result

    async def read(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read_now`` in a reader thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self.read_now(work, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``write_now`` in the writer thread.

        Cancelling the caller does not stop the transaction: it is completed and committed once.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: self.write_now(work, *args, **kwargs))

    def point_reader(self) -> sqlite3.Connection:
        """A read-only driver connection for single-row reads inside the event loop (``architecture.md`` 1.1).

        The caller owns and closes it. It is in autocommit, so each statement sees the newest commit.
        """
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return connection

    def point(self, statement: str, parameters: tuple[Any, ...]) -> Any | None:
        """The first row of a single-row read, on a driver connection that this thread keeps."""
        connection: sqlite3.Connection | None = getattr(self._points, "connection", None)
        if connection is None:
            connection = self._points.connection = self.point_reader()
            self._opened.append(connection)
        return connection.execute(statement, parameters).fetchone()

    @property
    def engine(self) -> Engine:
        """The engine for migrations; everything else goes through ``read`` and ``write``."""
        return self._writing

    def close(self) -> None:
        """Wait for work in progress, then close every connection."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        if self._held is not None:
            self._held.close()
        for connection in self._opened:
            connection.close()
        self._engine.dispose()


def _sqlite_path(url: str) -> Path:
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        raise ConfigError(
            f"[store] url: {url.split(':', 1)[0]!r} is not supported yet; expected sqlite:///PATH "
            "(PostgreSQL comes with a later release)"
        )
    return Path(url.removeprefix(prefix))


def _engine(url: str) -> Engine:
    # Errors of the driver must not quote rows: they hold names and addresses.
    engine = create_engine(url, pool_size=READERS + 2, max_overflow=4, hide_parameters=True)

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
