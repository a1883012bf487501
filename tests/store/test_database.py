"""One writer, exact sums, and a schema that follows the tables."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from epix_node.errors import ConfigError, InputError, NotFoundError
from epix_node.permit.quantity import Quantity, in_unit
from epix_node.store import cursors, register, schema
from epix_node.store.columns import from_micros, to_micros
from epix_node.store.database import Database, Session
from epix_node.store.register_tables import ChainRow, ProofRow
from epix_node.store.tables import OrphanRow
from tests.stores import STORES, bare_url_for, open_store


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_store(tmp_path / "node.sqlite")
    yield made
    made.close()


def test_the_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    """A table or column that no migration makes, or one that nothing uses, fails here."""
    with closing(Database(bare_url_for(tmp_path / "node.sqlite"))) as database:
        assert schema.revision(database) is None
        assert schema.migrate(database) == schema.HEAD
        _assert_whole(database)


def test_a_copied_store_is_whole(database: Database) -> None:
    """That most tests begin with."""
    _assert_whole(database)


def _assert_whole(database: Database) -> None:
    assert schema.drift(database) == []
    assert schema.revision(database) == schema.HEAD == schema.newest()


def test_migrating_again_changes_nothing(database: Database) -> None:
    """`store migrate` may be run at every start."""
    assert schema.migrate(database) == schema.HEAD


@pytest.mark.parametrize("url", ["mysql://localhost/epix", "sqlite://", "postgresql://u:secret@localhost/epix"])
def test_other_stores_are_refused_with_a_sentence(url: str) -> None:
    """And without the URL, which may hold a password."""
    with pytest.raises(ConfigError, match="expected sqlite:///PATH or postgresql") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that brings it."""
    monkeypatch.delitem(sys.modules, "epix_node.store.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'epix-node\[postgresql\]'"):
        Database("postgresql+psycopg://u@localhost/epix")


def test_concurrent_read_modify_write_loses_nothing(tmp_path: Path, database: Database) -> None:
    """Six threads on two instances of one database: every increment counts (ADR 6, ADR 24)."""
    other = Database(database.url)

    def increment(session: Session) -> None:
        row = session.get(ChainRow, ("XA", b"salt"))
        if row is None:
            session.add(ChainRow(party="XA", permit_salt=b"salt", length=1))
        else:
            row.length += 1

    def work(which: Database) -> None:
        for _ in range(20):
            which.write_now(increment)

    threads = [threading.Thread(target=work, args=(which,)) for which in (database, other) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    def length(session: Session) -> int:
        row = session.get(ChainRow, ("XA", b"salt"))
        assert row is not None
        return row.length

    assert database.read_now(length) == 120


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    """Rollback is what happens without a return."""

    def broken(session: Session) -> None:
        session.add(ChainRow(party="XA", permit_salt=b"salt", length=1))
        session.flush()
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        database.write_now(broken)
    assert database.read_now(lambda session: session.get(ChainRow, ("XA", b"salt"))) is None


@pytest.mark.sqlite("its pragmas")
def test_the_file_is_durable_and_concurrent(database: Database) -> None:
    """WAL with synchronous FULL, on every connection."""

    def pragmas(session: Session) -> tuple[str, int]:
        connection = session.connection()
        return (
            connection.exec_driver_sql("PRAGMA journal_mode").scalar_one(),
            connection.exec_driver_sql("PRAGMA synchronous").scalar_one(),
        )

    assert database.read_now(pragmas) == ("wal", 2)
    assert database.write_now(pragmas) == ("wal", 2)


def test_the_point_reader_cannot_write(database: Database) -> None:
    """It exists for single reads inside the event loop."""
    with closing(database.point_reader()) as points, pytest.raises(Exception, match=r"readonly|read-only"):
        points.rows("DELETE FROM chain")


def test_a_name_is_given_once_until_it_is_given_back(database: Database) -> None:
    """To nobody else in this process, and under another name to somebody else."""
    with closing(Database(database.url)) as other, database.once("pull:XA/B") as is_ours:
        assert is_ours
        for one in (database, other):
            with one.once("pull:XA/B") as again, one.once("pull:XC") as another:
                assert (again, another) == (False, True)
    with database.once("pull:XA/B") as is_ours:
        assert is_ours


def test_a_name_is_given_back_by_whoever_fails_or_dies(database: Database, tmp_path: Path) -> None:
    """An error in the block, and `kill -9` of the process."""

    def fail() -> None:
        with database.once("scrub") as is_ours:
            assert is_ours
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    script = (
        "import sys\nfrom epix_node.store.database import Database\n"
        "with Database(sys.argv[1]).once('scrub') as is_ours:\n"
        "    print(is_ours, flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, database.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        with database.once("scrub") as is_ours:
            assert not is_ours
        process.kill()
        process.wait()
    assert _comes_free(database, "scrub")
    assert not STORES.is_postgresql or list(tmp_path.iterdir()) == []


def _comes_free(database: Database, name: str) -> bool:
    """The server needs a moment to notice that a process died."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with database.once(name) as is_ours:
            if is_ours:
                return True
    return False


@pytest.mark.sqlite("its locks")
def test_a_point_reader_gives_up_no_lock_of_this_process(database: Database, tmp_path: Path) -> None:
    """Or the next process to open the file would take it for abandoned, and cut off what this one has in memory."""

    def locks() -> tuple[bool, bool]:
        """Whether another process sees that somebody writes, and that somebody has the file open."""
        script = (
            "import fcntl, sys\n"
            "with open(sys.argv[1], 'r+b') as file:\n"
            "    for first in (120, 128):\n"  # sqlite.org/walformat.html, 2.3
            "        try:\n            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, first)\n"
            "        except OSError:\n            print('held')\n"
            "        else:\n            print('free')\n"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "node.sqlite-shm")]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return said[0] == "held", said[1] == "held"

    def work(_session: Session) -> tuple[bool, bool]:
        with closing(database.point_reader()) as points:
            points.version()
            return locks()

    assert database.write_now(work) == (True, True)
    with closing(Database(database.url)) as other, closing(other.point_reader()) as points:
        points.version()
    assert locks() == (False, True)


@pytest.mark.sqlite("its lock files")
def test_a_lock_leaves_no_file(database: Database, tmp_path: Path) -> None:
    """Beside the database stands nothing of it afterwards."""
    with database.once("migrate"):
        assert (tmp_path / "node.sqlite.migrate.lock").exists()
    assert not list(tmp_path.glob("*.lock"))


def test_two_that_migrate_do_not_meet(database: Database) -> None:
    """The second is told to wait."""
    with database.once("migrate"), pytest.raises(ConfigError, match="another process"):
        schema.migrate(database)


TEXTS = ("", "A", "B", "Z", "_", "a", "b", "z", "Å", "É", "é", "中", "\U0001f40d")


def test_text_sorts_by_its_code_points(database: Database) -> None:
    """On both stores and in Python, whatever the locale of a server is."""

    def fill(session: Session) -> None:
        for one in reversed(TEXTS):
            session.add(OrphanRow(issuer="XA", number=one))

    def sorted_there(session: Session) -> list[str]:
        return list(session.exec(select(OrphanRow.number).order_by(col(OrphanRow.number))))

    def above(session: Session) -> set[str]:
        return set(session.exec(select(OrphanRow.number).where(col(OrphanRow.number) > "a")))

    database.write_now(fill)
    assert database.read_now(sorted_there) == sorted(TEXTS)
    assert database.read_now(above) == {one for one in TEXTS if one > "a"}


def test_sizes_have_64_bits(database: Database) -> None:
    """A register's size is what another node says."""
    size = 2**62

    def write(session: Session) -> None:
        register.prove(session, "XB", size, at=datetime(2026, 3, 1, tzinfo=UTC))

    database.write_now(write)
    assert database.read_now(lambda session: session.get(ProofRow, ("XB", size))) is not None
    assert database.read_now(lambda session: session.get(ProofRow, ("XB", 3))) is None


def test_text_that_no_document_can_hold_is_refused_or_not_found(database: Database) -> None:
    """PostgreSQL keeps no NUL: nothing of that name is held, and nothing is written under it."""
    try:
        found = database.read_now(lambda session: session.get(OrphanRow, ("XA", "26\x00")))
    except NotFoundError:
        assert STORES.is_postgresql
    else:
        assert found is None
    assert database.point("SELECT 1 FROM orphan WHERE number = ?", ("26\x00",)) is None
    try:
        database.write_now(lambda session: session.add(OrphanRow(issuer="XA", number="26\x00")))
    except InputError:
        assert STORES.is_postgresql


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 # hypothesis adds the zone
def test_times_are_kept_to_the_microsecond(moment: datetime) -> None:
    """In and out is the same, whatever the zone of writing."""
    assert from_micros(to_micros(moment)) == moment
    assert to_micros(moment.astimezone(timezone(timedelta(hours=5)))) == to_micros(moment)


@given(
    st.lists(st.decimals(min_value=0, max_value=10**6, places=6), min_size=1, max_size=20),
    st.sampled_from(["KGM", "GRM", "NAR", "MTQ", "LTR"]),
)
def test_sums_of_micro_units_are_sums_of_decimals(amounts: list[Decimal], unit: str) -> None:
    """0.1 + 0.2 is 0.3, in SQL as in Python."""
    micros = [Quantity.parse(f"{amount:f}", unit).micro for amount in amounts]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE line (micro INTEGER)")
    connection.executemany("INSERT INTO line VALUES (?)", [(micro,) for micro in micros])
    (total,) = connection.execute("SELECT sum(micro) FROM line").fetchone()
    connection.close()
    assert Decimal(in_unit(total, unit)) == sum(amounts)


@given(st.lists(st.text(), max_size=5))
def test_a_cursor_gives_back_what_it_was_made_of(parts: list[str]) -> None:
    """And only text that was made so is a cursor."""
    assert list(cursors.decode(cursors.encode(parts), parts=len(parts))) == parts


@pytest.mark.parametrize("text", ["", "x", "bnVsbA", "W10", "!!!!", "WzEsMl0", "Å"])
def test_other_text_is_no_cursor(text: str) -> None:
    """The sender is told, not the log."""
    with pytest.raises(InputError):
        cursors.decode(text, parts=2)


def test_closing_waits_for_a_transaction_of_another_thread(tmp_path: Path) -> None:
    """A job that was cancelled leaves such a thread; its connection must not be closed under it."""
    database = open_store(tmp_path / "closed.sqlite")
    is_in, may_end = threading.Event(), threading.Event()

    def work(session: Session) -> None:
        is_in.set()
        may_end.wait(20)
        session.add(OrphanRow(issuer="XA", number="26XA1"))

    writing = threading.Thread(target=database.write_now, args=(work,))
    writing.start()
    assert is_in.wait(20)
    closing_ = threading.Thread(target=database.close)
    closing_.start()
    closing_.join(0.2)
    assert closing_.is_alive()
    may_end.set()
    writing.join(20)
    closing_.join(20)
    assert not closing_.is_alive()
