"""What a server does that a file does not: conflicts, lost connections, passwords, other encodings."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import func, select

from epix_node.errors import ConfigError, StoreError
from epix_node.store import clients, schema, server_check
from epix_node.store import database as database_module
from epix_node.store.answers import PointReader
from epix_node.store.clients import Role
from epix_node.store.database import Database, Session
from epix_node.store.tables import OrphanRow
from tests.stores import STORES, bare_url_for, open_store

pytestmark = pytest.mark.postgresql

NOW = datetime(2026, 3, 1, tzinfo=UTC)

_NUMBERS = itertools.count()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "unused")
    yield opened
    opened.close()


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """Another process, as far as the server can tell."""
    opened = Database(database.url)
    yield opened
    opened.close()


def _count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(OrphanRow)).one()


def _number_after_looking(session: Session, looked: threading.Barrier | None, seen: list[int]) -> int:
    """What decides is read: the new row is numbered by how many there are."""
    count = _count(session)
    seen.append(count)
    if looked is not None and len(seen) == 1:
        looked.wait(timeout=30)
    session.add(OrphanRow(issuer="XA", number=f"{next(_NUMBERS)}"))
    session.flush()
    return count


def test_of_two_that_decide_by_the_same_reading_one_decides_again(database: Database, other: Database) -> None:
    """Both look before either writes: the one that is refused looks again, and sees what the first wrote."""
    looked = threading.Barrier(2)
    seen: dict[int, list[int]] = {0: [], 1: []}
    results: dict[int, int] = {}

    def work(index: int, which: Database) -> None:
        results[index] = which.write_now(_number_after_looking, looked, seen[index])

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate((database, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results.values()) == [0, 1]
    assert sorted(seen.values()) in ([[0], [0, 1]], [[0, 1], [0]])
    assert database.read_now(_count) == 2


def test_after_many_refusals_it_gives_up_with_a_sentence(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else commits what contradicts it, each time."""
    monkeypatch.setattr(database_module, "ATTEMPTS", 3)
    attempts: list[int] = []

    def unlucky(session: Session) -> None:
        _number_after_looking(session, None, attempts)
        other.write_now(_number_after_looking, None, [])

    with pytest.raises(StoreError, match="changed the same data 3 times"):
        database.write_now(unlucky)
    assert len(attempts) == 3
    assert database.read_now(_count) == 3


def test_whoever_finds_the_next_key_taken_takes_the_one_after(database: Database, other: Database) -> None:
    """Also where other processes are faster many times in a row: it is theirs, and no mistake."""
    attempts: list[int] = []

    def take(session: Session, number: int) -> None:
        session.core.execute(
            text("INSERT INTO orphan (issuer, number) VALUES ('XA', :number)"), {"number": f"{number}"}
        )

    def unlucky(session: Session) -> int:
        number = len(attempts)
        attempts.append(number)
        if number < 6:
            other.write_now(take, number)
        take(session, number)
        return number

    assert database.write_now(unlucky) == 6
    assert database.read_now(_count) == 7


def test_a_key_that_is_taken_is_told_after_some_attempts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a race that the server cannot see; a mistake is told all the same, without the row."""
    monkeypatch.setattr(database_module, "_LONGEST_PAUSE_S", 0.01)
    attempts: list[int] = []

    def twice(session: Session) -> None:
        attempts.append(1)
        for _ in range(2):
            session.core.execute(text("INSERT INTO orphan (issuer, number) VALUES ('XA', 'of Anna Exporter')"))

    with pytest.raises(IntegrityError) as told:
        database.write_now(twice)
    assert len(attempts) == 10
    assert "Anna" not in str(told.value.orig)
    assert "orphan_pkey" in str(told.value)


def test_a_reading_sees_one_state_from_end_to_end(database: Database, other: Database) -> None:
    """Whatever is committed meanwhile; and it cannot write."""

    def work(session: Session) -> list[int]:
        before = _count(session)
        other.write_now(_number_after_looking, None, [])
        return [before, _count(session)]

    assert database.read_now(work) == [0, 0]
    assert database.read_now(_count) == 1
    with pytest.raises(StoreError, match="read-only"):
        database.read_now(_number_after_looking, None, [])


def _end_sessions(database: Database) -> None:
    """As a server that restarts does."""
    name = urlsplit(database.url).path.removeprefix("/")
    STORES.server.command(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")


def test_a_lost_connection_is_told_and_the_next_one_works(database: Database) -> None:
    """Between units of work nobody notices; in the middle of one it fails, and leaves nothing."""
    assert database.read_now(_count) == database.write_now(_count) == 0
    _end_sessions(database)
    assert database.read_now(_count) == 0
    _end_sessions(database)
    assert database.write_now(_count) == 0

    def interrupted(session: Session) -> None:
        _number_after_looking(session, None, [])
        _end_sessions(database)
        _count(session)

    with pytest.raises(StoreError, match="cannot be used"):
        database.write_now(interrupted)
    assert database.read_now(_count) == 0
    assert database.write_now(_number_after_looking, None, []) == 0


def test_point_reads_find_the_server_again(database: Database) -> None:
    """In the middle of nothing, without an error."""
    token = database.write_now(clients.add, "desk", Role.CUSTOMS, now=NOW)
    with closing(PointReader(database.point_reader())) as reader:
        before = reader.version()
        assert reader.client(clients.token_hash(token)) is not None
        _end_sessions(database)
        assert reader.client(clients.token_hash(token)) is not None
        assert reader.version() == before
        database.write_now(clients.add, "other", Role.CUSTOMS, now=NOW)
        assert reader.version() != before
    assert database.point("SELECT name FROM client WHERE name = ?", ("desk",)) == ("desk",)
    _end_sessions(database)
    assert database.point("SELECT name FROM client WHERE name = ?", ("desk",)) == ("desk",)


def test_a_server_that_is_silent_does_not_hold_up_the_event_loop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time-out it is told, and not asked again for a moment; then it is."""
    from epix_node.store import postgresql

    monkeypatch.setattr(postgresql, "POINT_TIMEOUT_S", 1)
    monkeypatch.setattr(postgresql, "_PAUSE_S", 60.0)
    with closing(database.point_reader()) as points:
        (pid,) = points.first("SELECT pg_backend_pid()") or ()
        with _stopped(pid):
            started = time.monotonic()
            with pytest.raises(StoreError, match="did not answer within 1 s"):
                points.first("SELECT 1")
            with pytest.raises(StoreError, match="in a moment"):
                points.first("SELECT 1")
            assert time.monotonic() - started < 5
        points._not_before = 0.0
        assert points.first("SELECT 1") == (1,)


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    """By reads, writes, locks and point reads."""
    with closing(Database("postgresql+psycopg://epix:sesame@127.0.0.1:1/epix?connect_timeout=2")) as nobody:
        for ask in (
            lambda: nobody.read_now(_count),
            lambda: nobody.write_now(_count),
            lambda: nobody.once("x").__enter__(),
            lambda: nobody.point_reader().first("SELECT 1"),
            lambda: schema.revision(nobody),
        ):
            with pytest.raises(StoreError, match=r"the database epix on 127\.0\.0\.1:1 cannot be used") as told:
                ask()
            assert "sesame" not in str(told.value)
        assert "sesame" not in repr(nobody.engine)


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://u:sesame@[::1/epix", "postgresql+psycopg://u:p@h:sesame/epix", "postgresql+psycopg:///"],
)
def test_a_url_that_is_none_is_refused_without_it(url: str) -> None:
    """The setting, and what is expected."""
    with pytest.raises((ConfigError, StoreError)) as told:
        closing(Database(url)).__enter__().read_now(_count)
    assert "sesame" not in str(told.value)


def test_another_encoding_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    """Text would be cut or refused one day, and sorted otherwise."""
    STORES.server.command("CREATE DATABASE epix_latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    STORES.server.made.append("epix_latin")
    with closing(Database(STORES.server.url("epix_latin"))) as database:
        with pytest.raises(ConfigError, match=r"encoding LATIN1; expected UTF8.*createdb --encoding=UTF8"):
            schema.migrate(database)
        with pytest.raises(ConfigError, match="LATIN1"), closing(database.point_reader()) as points:
            points.first("SELECT 1")


def test_whoever_may_not_make_tables_is_told(tmp_path: Path) -> None:
    """As since PostgreSQL 15 everybody is who does not own the database."""
    url = bare_url_for(tmp_path / "unused")
    STORES.server.command("DROP ROLE IF EXISTS epix_guest")
    STORES.server.command("CREATE ROLE epix_guest LOGIN")
    with (
        closing(Database(url.replace("//postgres@", "//epix_guest@"))) as database,
        pytest.raises(StoreError, match="permission denied for schema public"),
    ):
        schema.migrate(database)


def test_the_server_is_found_to_do_what_is_needed(database: Database) -> None:
    """And nothing is left of the trial."""
    assert list(server_check.problems_of_server(database)) == []
    assert database.read_now(lambda session: session.core.execute(text("SELECT count(*) FROM nonce")).scalar()) == 0


def test_columns_that_sort_otherwise_are_found(database: Database) -> None:
    """Somebody restored them without their collation."""
    with database.engine.begin() as connection:
        connection.execute(text('ALTER TABLE orphan ALTER COLUMN number TYPE varchar COLLATE "C.utf8"'))
    ((what, advice),) = server_check.problems_of_server(database)
    assert "column number of orphan" in what
    with database.engine.begin() as connection:
        connection.execute(text(advice))
    assert list(server_check.problems_of_server(database)) == []


def test_isolation_that_is_weaker_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler that shares sessions."""
    monkeypatch.setattr(
        database._backend, "writing", database._backend._pool.execution_options(isolation_level="READ COMMITTED")
    )
    ((what, _),) = server_check.problems_of_server(database)
    assert "both accepted" in what


def test_the_version_changes_with_every_commit(database: Database, other: Database) -> None:
    """Of anybody."""
    with closing(PointReader(database.point_reader())) as reader:
        seen = [reader.version()]
        for which in (database, other, database):
            which.write_now(_number_after_looking, None, [])
            seen.append(reader.version())
        assert len(set(seen)) == 4


def test_a_lock_survives_no_session(database: Database, other: Database) -> None:
    """The server ended it: another may have the name, and giving it back does no harm."""
    with database.once("pull:XB") as is_ours:
        assert is_ours
        _end_sessions(database)
        with other.once("pull:XB") as is_theirs:
            assert is_theirs
    with database.once("pull:XB") as is_ours:
        assert is_ours


def test_the_driver_is_what_the_extra_brings() -> None:
    """The release that the point reads' time-out needs."""
    assert psycopg.__version__ >= "3.3.9"
