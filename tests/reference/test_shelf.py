"""The file of reference data: replaced as a whole or not at all, and read by several threads."""

import sqlite3
import threading
from datetime import UTC, date, datetime

import pytest

from epix_node.errors import ConfigError, MalformedDocumentError
from epix_node.reference.edition import Edition
from epix_node.reference.load_report import Tally
from epix_node.reference.shelf import Shelf, shelve
from tests.reference.lists import loaded

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def fill(data, *values):
    """Makes the table of a data set with these values."""

    def make(connection):
        connection.execute(f"DROP TABLE IF EXISTS {data}_value")
        connection.execute(f"CREATE TABLE {data}_value (value TEXT)")
        connection.executemany(f"INSERT INTO {data}_value VALUES (?)", [(value,) for value in values])
        tally = Tally()
        tally.take(len(values))
        return tally.report(
            Edition(data=data, as_of=date(2026, 1, 1), source="list.csv", sha256="00", loaded_at=NOW, rows=len(values))
        )

    return make


def values(shelf, data):
    return [value for (value,) in shelf.all(f"SELECT value FROM {data}_value")]


def test_a_shelf_without_a_file_is_empty(tmp_path):
    assert Shelf.open(None).editions() == ()
    assert Shelf.open(tmp_path / "reference.sqlite").edition("quotas") is None


def test_what_was_loaded_is_there_with_its_edition(tmp_path):
    path = tmp_path / "data" / "reference.sqlite"
    report = shelve(path, fill("quotas", "a", "b"))
    shelf = Shelf.open(path)
    assert values(shelf, "quotas") == ["a", "b"]
    assert shelf.edition("quotas") == report.edition
    assert shelf.one("SELECT value FROM quotas_value WHERE value = ?", ("c",)) is None


def test_another_load_replaces_its_own_data_set_only(tmp_path):
    path = tmp_path / "reference.sqlite"
    shelve(path, fill("quotas", "a"))
    shelve(path, fill("species", "x"))
    shelve(path, fill("quotas", "b"))
    shelf = Shelf.open(path)
    assert values(shelf, "quotas") == ["b"]
    assert values(shelf, "species") == ["x"]
    assert [edition.data for edition in shelf.editions()] == ["quotas", "species"]


def test_an_open_shelf_keeps_what_it_began_with(tmp_path):
    path = tmp_path / "reference.sqlite"
    shelve(path, fill("quotas", "old"))
    shelf = Shelf.open(path)
    shelve(path, fill("quotas", "new"))
    assert values(shelf, "quotas") == ["old"]
    assert values(Shelf.open(path), "quotas") == ["new"]


def test_a_load_that_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "reference.sqlite"
    shelve(path, fill("quotas", "old"))
    before = path.read_bytes()

    def fail(connection):
        fill("quotas", "new")(connection)
        raise InterruptedError("the power went")

    with pytest.raises(InterruptedError):
        shelve(path, fail)
    assert path.read_bytes() == before
    assert [left.name for left in tmp_path.iterdir() if "loading" in left.name] == []


def test_a_file_of_which_no_row_is_understood_replaces_nothing(tmp_path):
    """Where nothing was loaded before, the report says it."""
    good, bad = "party,notes\nBR,\n", "party,notes\nAtlantis,\n"
    assert loaded(tmp_path, "ownership", bad)[1].refused == 1
    loaded(tmp_path, "ownership", good)
    with pytest.raises(MalformedDocumentError, match="loaded before stays"):
        loaded(tmp_path, "ownership", bad)
    assert Shelf.open(tmp_path / "reference.sqlite").edition("ownership").rows == 1


def test_what_a_killed_load_left_behind_does_not_disturb_the_next(tmp_path):
    path = tmp_path / "reference.sqlite"
    (tmp_path / ".reference.sqlite.loading").write_bytes(b"half of a database")
    shelve(path, fill("quotas", "a"))
    assert values(Shelf.open(path), "quotas") == ["a"]


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be looked at" * 4, b""])
def test_a_file_that_is_no_shelf_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "reference.sqlite"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"reference\.sqlite"):
        Shelf.open(path)
    with pytest.raises(ConfigError, match=r"reference\.sqlite"):
        shelve(path, fill("quotas", "a"))
    assert path.read_bytes() == content


def test_a_file_of_another_layout_is_refused(tmp_path):
    path = tmp_path / "reference.sqlite"
    shelve(path, fill("quotas", "a"))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="layout 99"):
        Shelf.open(path)


def test_a_directory_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "data").write_text("a file where the directory should be")
    with pytest.raises(ConfigError, match="cannot be written"):
        shelve(tmp_path / "data" / "reference.sqlite", fill("quotas", "a"))


def test_nobody_can_write_through_a_shelf(tmp_path):
    path = tmp_path / "reference.sqlite"
    shelve(path, fill("quotas", "a"))
    for shelf in (Shelf.open(path), Shelf.open(None)):
        with pytest.raises(sqlite3.OperationalError):
            shelf.all("CREATE TABLE more (value TEXT)")


def test_several_threads_may_read(tmp_path):
    path = tmp_path / "reference.sqlite"
    shelve(path, fill("quotas", *map(str, range(500))))
    shelf = Shelf.open(path)
    wrong = []

    def read(start):
        for number in range(start, 500, 4):
            row = shelf.one("SELECT value FROM quotas_value WHERE rowid = ?", (number + 1,))
            if row != (str(number),):
                wrong.append((number, row))

    threads = [threading.Thread(target=read, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_two_loads_of_one_file_wait_for_each_other(tmp_path):
    """Each works on a copy; the later one must begin with what the earlier one made."""
    path = tmp_path / "reference.sqlite"
    sets = [f"set{number}" for number in range(6)]
    threads = [threading.Thread(target=shelve, args=(path, fill(data, data))) for data in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [edition.data for edition in Shelf.open(path).editions()] == sets
