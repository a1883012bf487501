"""Point reads see every commit, and know that there was one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from epix_node.store import clients
from epix_node.store.answers import PointReader
from epix_node.store.clients import Role
from epix_node.store.database import Database
from tests.stores import open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "node.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def reader(database: Database) -> Iterator[PointReader]:
    made = PointReader(database.point_reader())
    yield made
    made.close()


@pytest.mark.sqlite("the index of its write-ahead log")
def test_the_version_changes_with_every_commit_and_with_nothing_else(database: Database, reader: PointReader):
    """Exactly when `PRAGMA data_version` of a connection of its own does, also after checkpoints of the WAL."""
    other = database.point_reader()

    def pragma() -> int:
        return other.first("PRAGMA data_version")[0]

    assert reader._points._index is not None
    seen = [(reader.version(), pragma())]
    for step in range(60):
        if step % 3 == 0:
            database.write_now(clients.add, f"c{step}", Role.AUDITOR, now=NOW)
        elif step % 3 == 1:
            database.read_now(clients.everyone)
        elif step % 9 == 2:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        version = (reader.version(), pragma())
        if version[1] != seen[-1][1]:
            assert version[0] != seen[-1][0], step
        seen.append(version)
    assert len({version for version, _ in seen}) >= 20
    assert reader.version() == reader.version()
    other.close()


def test_another_process_is_seen_as_well(database: Database, reader: PointReader):
    """A second database object stands for it: other connections, other locks."""
    before = reader.version()
    second = Database(database.url)
    token = second.write_now(clients.add, "new", Role.CUSTOMS, now=NOW)
    second.close()
    assert reader.version() != before
    found = reader.client(clients.token_hash(token))
    assert (found.name, found.role) == ("new", Role.CUSTOMS)
    assert reader.client("0" * 64) is None


@pytest.mark.sqlite("the index of its write-ahead log")
def test_without_the_file_of_the_index_the_pragma_tells(database: Database, reader: PointReader):
    """The slower way says the same."""
    reader._points._index.close()
    reader._points._index = None
    before = reader.version()
    database.write_now(clients.add, "new", Role.CUSTOMS, now=NOW)
    assert reader.version() != before
    assert reader.version() == reader.version()


def test_wrong_proofs_are_counted_as_the_store_counts_them(database: Database, reader: PointReader):
    """For one number and in all, within the hour."""
    for number, at in (("1", NOW), ("1", NOW.replace(year=2025)), ("2", NOW)):
        database.write_now(clients.count_wrong_proof, "c", issuer="XA", number=number, now=at)
    here = {"issuer": "XA", "number": "1", "now": NOW}
    assert reader.wrong_proofs("c", **here) == database.read_now(clients.wrong_proofs, "c", **here) == (1, 2)
