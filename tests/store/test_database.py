"""One writer, exact sums, and a schema that follows the tables."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epix_node.errors import ConfigError, InputError
from epix_node.permit.quantity import Quantity, in_unit
from epix_node.store import cursors, schema
from epix_node.store.columns import from_micros, to_micros
from epix_node.store.database import Database, Session
from epix_node.store.register_tables import ChainRow


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'node.sqlite'}")
    schema.migrate(made)
    yield made
    made.close()


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    """A table or column that no migration makes, or one that nothing uses, fails here."""
    assert schema.drift(database) == []
    assert schema.revision(database) == schema.HEAD == schema.newest()


def test_migrating_again_changes_nothing(database: Database) -> None:
    """`store migrate` may be run at every start."""
    assert schema.migrate(database) == schema.HEAD


def test_only_sqlite_is_taken_yet() -> None:
    """Another store is refused with a sentence, not with a driver's traceback."""
    with pytest.raises(ConfigError, match="PostgreSQL"):
        Database("postgresql+psycopg://localhost/epix")


def test_concurrent_read_modify_write_loses_nothing(tmp_path: Path, database: Database) -> None:
    """Six threads on two instances of one file: every increment counts (ADR 6)."""
    other = Database(f"sqlite:///{tmp_path / 'node.sqlite'}")

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
    reader = database.point_reader()
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM chain")
    reader.close()


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
