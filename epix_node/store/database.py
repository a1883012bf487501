"""The node's database: many readers, one writer, in a SQLite file or on a PostgreSQL server.

A unit of work is a function that takes a ``Session``. It commits when the function returns and rolls back when it
raises. Writes of a process run one at a time, so that a read followed by a write sees no other writer in between; of
other processes none either, since SQLite lets one in at a time (``BEGIN IMMEDIATE``, ADR 6) and PostgreSQL refuses
one of two that would differ from one after the other (``SERIALIZABLE``, ADR 24). What was refused is run again: a work
function may run several times, and must leave nothing outside of its session but what it returns.

What was acknowledged survives ``kill -9`` and a power cut.

Not here: what is read and written (the other modules of this package), and schema changes (``schema``).
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError
from sqlmodel import Session as SQLModelSession

from epix_node.errors import ConfigError, InputError, NotFoundError, StoreError
from epix_node.store.points import Points, Row
from epix_node.store.sqlite import PREFIX as SQLITE
from epix_node.store.sqlite import SqliteFile

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
"""Threads that read. Reading never blocks the writer; more threads than this only contend for the GIL."""

ATTEMPTS = 12
"""How often a unit of work is run that other processes keep getting in the way of: for some four seconds in all."""

_LONGEST_PAUSE_S = 0.6

POSTGRESQL = "postgresql+psycopg://"


class Backend(Protocol):
    """What SQLite and PostgreSQL do differently."""

    path: Path | None
    """The file, where it is one."""

    @property
    def holds_writer(self) -> bool:
        """Whether the writer keeps its connection between transactions."""

    @property
    def reading(self) -> Engine:
        """Its connections read one snapshot per transaction."""

    @property
    def writing(self) -> Engine:
        """Its connections write."""

    def points(self) -> Points:
        """A connection for point reads."""

    def is_conflict(self, error: DBAPIError, attempt: int) -> bool:
        """Whether another process got in the way of this attempt, and the same work may succeed now."""

    def trouble(self, error: DBAPIError) -> str | None:
        """What is wrong with the database, where the error is about that and not about the statement."""

    def once(self, name: str) -> AbstractContextManager[bool]:
        """See ``Database.once``."""

    def close(self) -> None:
        """Close every connection of the pools."""


class Session(SQLModelSession):
    """One unit of work, joined to a transaction that ``Database`` opens and ends."""

    def __init__(self, core: Connection) -> None:
        super().__init__(bind=core, autoflush=False, expire_on_commit=False, join_transaction_mode="rollback_only")
        self.core = core
        """The transaction's connection, for statements that bypass the object layer on hot paths."""


class Database:
    """The node's database, open until ``close``.

    Whatever asks it raises ``StoreError`` where the database cannot be reached, read or written now; a PostgreSQL
    server is asked for the first time by whoever reads first.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        """As in the configuration, resolved. It may hold a password: show ``Config.store_place`` instead."""
        self._backend = _backend(url)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="store-reader")
        # Writers of this process queue here, in order; the database's own locks would make them poll or try again.
        self._turn = threading.Lock()
        self._held: Connection | None = None
        self._points = threading.local()
        self._opened: list[Points] = []

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return self._backend.path

    def read_now(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` in a read transaction, in this thread: it sees one state of the database from end to end."""
        try:
            with self._backend.reading.connect() as connection, Session(connection) as session:
                return work(session, *args, **kwargs)
        except DataError as error:  # such as NUL in a text, which PostgreSQL keeps nowhere
            raise NotFoundError("nothing of this name is held here") from error
        except DBAPIError as error:
            raise self._told(error) from error

    def write_now(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` in a write transaction, in this thread: committed when it returns, undone when it raises.

        It is run again where another process got in the way.
        """
        failed: DBAPIError | None = None
        with self._turn:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    with self._writing() as connection, connection.begin(), Session(connection) as session:
                        result = work(session, *args, **kwargs)
                        session.flush()
                except DBAPIError as error:
                    if not self._backend.is_conflict(error, attempt):
                        raise self._told(error) from error
                    failed = error
                else:
                    return result
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.005 * 2**attempt)))  # noqa: S311 # no secret
        raise StoreError(
            f"other processes changed the same data {ATTEMPTS} times while this was being written; try again"
        ) from failed

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

    def once(self, name: str) -> AbstractContextManager[bool]:
        """For what only one process may do at a time: ``with database.once("scrub") as is_ours: …``.

        True: the name is ours until the block ends, or this process does. False: somebody else has it, in this
        process or another. Never waits.
        """
        return self._backend.once(name)

    def point_reader(self) -> Points:
        """A read-only driver connection for single-row reads inside the event loop (``architecture.md`` 1.1).

        The caller owns and closes it. It is in autocommit, so each statement sees the newest commit.
        """
        return self._backend.points()

    def point(self, statement: str, parameters: Row) -> Row | None:
        """The first row of a single-row read, on a driver connection that this thread keeps."""
        points: Points | None = getattr(self._points, "connection", None)
        if points is None:
            points = self._points.connection = self.point_reader()
            self._opened.append(points)
        return points.first(statement, parameters)

    @property
    def engine(self) -> Engine:
        """The engine that writes, for tests and tools; everything else goes through ``read`` and ``write``."""
        return self._backend.writing

    def close(self) -> None:
        """Wait for work in progress, then close every connection."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        with self._turn:  # a job that was cancelled leaves a thread that may be in a transaction
            if self._held is not None:
                self._held.close()
                self._held = None
        for points in self._opened:
            points.close()
        self._backend.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if not self._backend.holds_writer:
            with self._backend.writing.connect() as connection:
                yield connection
            return
        if self._held is None:
            self._held = self._backend.writing.connect()
        yield self._held

    def _told(self, error: DBAPIError) -> Exception:
        if isinstance(error, DataError):
            return InputError("a text or a number is none that the database keeps")
        said = self._backend.trouble(error)
        return StoreError(said) if said is not None else error


def _backend(url: str) -> Backend:
    connections = READERS + 2
    if url.startswith(SQLITE):
        return SqliteFile(url, connections=connections)
    if not url.startswith(POSTGRESQL):
        raise ConfigError(f"[store] url: expected {SQLITE}PATH or {POSTGRESQL}USER@HOST:PORT/NAME")
    try:
        from epix_node.store.postgresql import PostgresqlServer
    except ImportError as error:
        raise ConfigError("[store] url: PostgreSQL needs its driver: pip install 'epix-node[postgresql]'") from error
    return PostgresqlServer(url, connections=connections)
