"""A database on a PostgreSQL server: units of work under ``SERIALIZABLE``, advisory locks for what runs once (ADR 24).

Text sorts by its code points and numbers have 64 bits, as in SQLite, whatever the database was created with: every
column of text that is made here is made with ``COLLATE "C"``, every integer as ``BIGINT``.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Column, bindparam, create_engine, event, make_url, text
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.engine import Connection, Engine, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import BigInteger, Integer

from epix_node.errors import ConfigError, StoreError
from epix_node.store.points import Row

T = TypeVar("T")

OLDEST_SERVER = 14
"""The oldest release that is still maintained has ``pg_current_snapshot``."""

POINT_TIMEOUT_S = 5
"""How long a point read waits at most, in seconds: the event loop, and with it every answer, waits as long."""

_PAUSE_S = 1.0
"""A server that could not be reached is not asked again by point reads before, in seconds."""

_CONFLICTS = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the same work may succeed now."""
_UNIQUE_VIOLATION = "23505"
_UNIQUE_ATTEMPTS = 10
"""Two processes that take the next free index get a violated key, where the server cannot see that both had looked
(postgresql.org/docs/current/mvcc-serialization-failure-handling.html): with several of them many times in a row. A
mistake of ours is told all the same, before it is taken for the others' haste (``Database.write_now``)."""

_UNUSABLE = frozenset({"25006", "42501"})
"""A server that only reads, and a user that may not: not of class OperationalError, and nothing of the statement."""

_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""A server that is gone without a word is given up after half a minute; a setting of the URL wins."""

_HASTE = {**_PATIENCE, "connect_timeout": "3", "tcp_user_timeout": f"{POINT_TIMEOUT_S * 1000}"}

_TRY_LOCK = text("SELECT pg_try_advisory_lock(:key)").bindparams(bindparam("key", type_=BigInteger))
_UNLOCK = text("SELECT pg_advisory_unlock(:key)").bindparams(bindparam("key", type_=BigInteger))


class PostgresqlServer:
    """The engines, point readers and locks of one database."""

    holds_writer: Final = False
    """Each transaction takes a connection that was just asked whether it is alive: the server may have restarted."""

    def __init__(self, url: str, *, connections: int) -> None:
        self.path: Path | None = None
        self._settings, self._place = _read(url)
        engine = self._pool = self._engine(pool_size=connections, max_overflow=4)
        self.reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writing = engine.execution_options(isolation_level="SERIALIZABLE")
        # Of their own: a lock may be held for minutes, and must not keep a reader waiting for a connection.
        self._locks = self._engine(pool_size=2, max_overflow=-1).execution_options(isolation_level="AUTOCOMMIT")

    def points(self) -> PostgresqlPoints:
        """A connection for point reads, read-only, made when it is first needed."""
        return PostgresqlPoints({**self._settings, **_missing(_HASTE, self._settings)}, self._place)

    def is_conflict(self, error: DBAPIError, attempt: int) -> bool:
        """Whether the same work may succeed now."""
        state = getattr(error.orig, "sqlstate", None)
        return state in _CONFLICTS or (state == _UNIQUE_VIOLATION and attempt < _UNIQUE_ATTEMPTS)

    def trouble(self, error: DBAPIError) -> str | None:
        """What is wrong with the server, where the error is about that."""
        return _trouble(self._place, error.orig)

    @contextmanager
    def once(self, name: str) -> Iterator[bool]:
        """Whether this block alone has the name, among all processes that use this database.

        The lock belongs to a session of its own: it ends with the session, however that ends.
        """
        key = int.from_bytes(hashlib.sha256(f"epix-node {name}".encode()).digest()[:8], signed=True)
        try:
            connection = self._locks.connect()
            is_ours = bool(connection.execute(_TRY_LOCK, {"key": key}).scalar())
        except DBAPIError as error:
            said = self.trouble(error)
            raise (StoreError(said) if said is not None else error) from error
        try:
            yield is_ours
        finally:
            _give_back(connection, key, is_ours=is_ours)

    def close(self) -> None:
        """Close every connection of the pools."""
        self._pool.dispose()
        self._locks.dispose()

    def _engine(self, **pool: int) -> Engine:
        def connect() -> psycopg.Connection[Row]:
            return psycopg.connect(**{**self._settings, **_missing(_PATIENCE, self._settings)})

        # The URL of the engine says the dialect only: what it does not hold, it cannot show.
        engine = create_engine(
            "postgresql+psycopg://", creator=connect, pool_pre_ping=True, hide_parameters=True, **pool
        )
        dialect: Any = engine.dialect
        dialect.type_compiler_instance = dialect.type_compiler = _Types(dialect)
        # Parameters are not cast to 32 bits: the driver says of each how many it needs.
        dialect.colspecs = {type_: own for type_, own in dialect.colspecs.items() if type_ is not Integer}
        event.listen(engine, "connect", self._require_server)
        event.listen(engine, "handle_error", _without_rows)
        return engine

    def _require_server(self, connection: psycopg.Connection[Row], _record: ConnectionPoolEntry) -> None:
        try:
            _require(connection, self._place)
        except ConfigError:
            connection.close()
            raise


class PostgresqlPoints:
    """See ``Points``. After a lost connection it makes another."""

    def __init__(self, settings: dict[str, Any], place: str) -> None:
        self._settings = settings
        self._place = place
        self._lock = threading.Lock()
        self._connection: _Timed | None = None
        self._not_before = 0.0
        """On the monotonic clock: no server is looked for sooner."""

    def rows(self, statement: str, parameters: Row = ()) -> list[Row]:
        """All rows."""
        try:
            return self._ask(lambda known: known.execute(_marked(statement), parameters, prepare=True).fetchall())
        except psycopg.DataError:  # such as NUL in a text: no row has it
            return []

    def first(self, statement: str, parameters: Row = ()) -> Row | None:
        """The first row."""
        try:
            return self._ask(lambda known: known.execute(_marked(statement), parameters, prepare=True).fetchone())
        except psycopg.DataError:  # as above
            return None

    def version(self) -> object:
        """Which transactions are over, as this moment sees it: no other moment sees the same after a commit."""
        return self.first("SELECT pg_current_snapshot()::text")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    def _ask(self, question: Callable[[_Timed], T]) -> T:
        with self._lock:
            known = self._connection
            if known is not None:
                try:
                    return question(known)
                except psycopg.Error as error:
                    self._judge(known, error)  # returns where the connection was lost: the server may be back
            fresh = self._connect()
            try:
                return question(fresh)
            except psycopg.Error as error:
                self._judge(fresh, error)
                raise StoreError(_said(self._place, error)) from error

    def _judge(self, connection: _Timed, error: psycopg.Error) -> None:
        """Drop a connection that is lost; raise what has another cause."""
        is_lost = connection.closed or connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE
        if not is_lost:
            said = _trouble(self._place, error)
            raise (StoreError(said) if said is not None else _terse(error)) from error
        self._drop()
        if connection.timed_out:
            self._not_before = time.monotonic() + _PAUSE_S
            raise StoreError(f"the database {self._place} did not answer within {POINT_TIMEOUT_S} s") from error

    def _connect(self) -> _Timed:
        if time.monotonic() < self._not_before:
            raise StoreError(f"the database {self._place} cannot be reached; it is tried again in a moment")
        connection: _Timed | None = None
        try:
            connection = _Timed.connect(**self._settings, autocommit=True)
            _require(connection, self._place)
            connection.execute(
                f"SET default_transaction_read_only = on; SET statement_timeout = {POINT_TIMEOUT_S * 1000}"
            )
        except (psycopg.Error, ConfigError) as error:
            self._not_before = time.monotonic() + _PAUSE_S
            if connection is not None:
                connection.close()
            raise (StoreError(_said(self._place, error)) if isinstance(error, psycopg.Error) else error) from error
        self._connection = connection
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Timed(psycopg.Connection[Row]):
    """Waits no longer than ``POINT_TIMEOUT_S`` for an answer, also of a server that is there and says nothing."""

    timed_out = False

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, POINT_TIMEOUT_S if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 # what `wait` is documented to raise
            self.timed_out = True
            raise


class _Types(PGTypeCompiler):
    """How columns are declared."""

    def visit_INTEGER(self, type_: Any, **options: Any) -> str:  # noqa: ARG002, N802 # sqlalchemy's signature
        """Registers' sizes come from other nodes, and SQLite's integers have 64 bits."""
        return "BIGINT"

    def visit_VARCHAR(self, type_: Any, **options: Any) -> str:  # noqa: N802 # sqlalchemy's name
        """Text sorts by its bytes, which in UTF-8 are in the order of the code points."""
        said = super().visit_VARCHAR(type_, **options)
        is_declared = isinstance(options.get("type_expression"), Column) and type_.collation is None
        return f'{said} COLLATE "C"' if is_declared else said


def _read(url: str) -> tuple[dict[str, Any], str]:
    """The settings that libpq takes, and what people may be shown of them."""
    try:
        parsed = make_url(url)
        settings: dict[str, Any] = parsed.translate_connect_args(username="user", database="dbname")
    except (ArgumentError, ValueError):  # which would quote the URL, and the password in it
        raise ConfigError("[store] url: expected postgresql+psycopg://USER@HOST:PORT/NAME") from None
    settings.update(parsed.query)
    settings.setdefault("application_name", "epix-node")
    settings["client_encoding"] = "utf8"
    port = f":{parsed.port}" if parsed.port else ""
    return settings, f"{parsed.database} on {parsed.host or settings.get('host') or 'this machine'}{port}"


def _missing(defaults: dict[str, str], settings: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in defaults.items() if name not in settings}


def _require(connection: psycopg.Connection[Any], place: str) -> None:
    """The server is one that this program works on, as far as it says so without being asked."""
    info = connection.info
    if info.server_version < OLDEST_SERVER * 10_000:
        release = info.server_version // 10_000
        raise ConfigError(f"the database {place} is on PostgreSQL {release}; expected {OLDEST_SERVER} or newer")
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigError(
            f"the database {place} has encoding {encoding}; expected UTF8. Make another one: "
            "createdb --encoding=UTF8 --template=template0 NAME"
        )


def _give_back(connection: Connection, key: int, *, is_ours: bool) -> None:
    try:
        if is_ours:
            connection.execute(_UNLOCK, {"key": key})
    except DBAPIError:  # the session is gone, and the lock with it
        connection.invalidate()
    finally:
        connection.close()


@functools.cache
def _marked(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


def _trouble(place: str, error: BaseException | None) -> str | None:
    if not isinstance(error, psycopg.Error):
        return None
    is_about_server = (
        isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or error.sqlstate in _UNUSABLE
    )
    return _said(place, error) if is_about_server else None


def _said(place: str, error: psycopg.Error) -> str:
    return f"the database {place} cannot be used: {' '.join(str(_terse(error)).split())}"


def _terse(error: psycopg.Error) -> psycopg.Error:
    """The error without its DETAIL, which may quote a row: rows hold names and addresses."""
    if error.diag.message_primary:
        error.args = (error.diag.message_primary,)
    return error


def _without_rows(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        said = str(_terse(error))
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {said}",)
