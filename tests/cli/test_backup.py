"""`store backup`, `store restore`, `store restored`, and what a node says that signs nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from epix_node.node import open_node
from epix_node.register.standstill import parse_standstill
from epix_node.store import register
from epix_node.store.backup import SERVING
from epix_node.store.database import Database
from epix_node.store.last_signed import record_path

pytestmark = pytest.mark.sqlite("copies of files")


def halted(country):
    with closing(Database(country.config.store_url)) as database:
        held = database.read_now(register.state, country.config.party.code)
    return held.halted if held is not None else None


def test_a_backup_is_whole_private_and_replaces_nothing(xa, tmp_path):
    """Its mode is 0600, it is one file that SQLite finds sound, and only --force replaces one."""
    target = tmp_path / "copies" / "xa.db"
    target.parent.mkdir()
    said = xa.json("store", "backup", target)
    assert said["bytes"] == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["xa.db"]
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before = target.read_bytes()
    xa.run("store", "backup", target, code=2)
    assert target.read_bytes() == before
    xa.run("store", "backup", target, "--force")


def test_a_backup_has_a_place_to_be(xa, tmp_path):
    """Otherwise exit 2, and nothing is left behind."""
    xa.run("store", "backup", tmp_path / "nowhere" / "xa.db", code=2)
    xa.run("store", "backup", tmp_path, "--force", code=2)


def test_a_restored_database_is_marked_and_the_one_before_is_kept(xa, tmp_path):
    """Nothing is signed from it; the record of what was signed last stays as it is."""
    copy = tmp_path / "xa.db"
    xa.json("store", "backup", copy)
    xa.run("clients", "add", "later", "--role", "auditor")
    record = record_path(xa.config.store_path)
    known = record.read_bytes() if record.exists() else None
    said = xa.json("store", "restore", copy)
    assert xa.json("clients", "list") == {"clients": []}
    assert halted(xa).startswith("RESTORED: xa.db took the place of the database at ")
    assert (record.read_bytes() if record.exists() else None) == known
    with closing(sqlite3.connect(said["kept"])) as kept:
        assert kept.execute("SELECT name FROM client").fetchall() == [("later",)]
    again = xa.json("store", "restore", copy)
    assert again["kept"] != said["kept"]


def test_what_is_no_backup_of_this_node_is_refused(xa, found, tmp_path):
    """Exit 2, and the database stays as it was: text, damage, another Party's, no file."""
    other = found("XB")
    other.json("store", "backup", tmp_path / "xb.db")
    (tmp_path / "text").write_text("this is no database")
    xa.json("store", "backup", tmp_path / "damaged")
    whole = (tmp_path / "damaged").read_bytes()
    (tmp_path / "damaged").write_bytes(whole[: len(whole) // 2])
    with closing(sqlite3.connect(tmp_path / "newer")) as newer:
        newer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        newer.execute("INSERT INTO alembic_version VALUES ('9999')")
        newer.commit()
    xa.run("clients", "add", "desk", "--role", "auditor")
    for name in ("xb.db", "text", "damaged", "newer", "absent"):
        xa.run("store", "restore", tmp_path / name, code=2)
    assert [one["name"] for one in xa.json("clients", "list")["clients"]] == ["desk"]
    assert halted(xa) is None
    assert not list(xa.config.store_path.parent.glob("*before-restore*"))
    assert not list(xa.config.store_path.parent.glob(".*"))


def test_nothing_is_restored_under_a_node_that_serves(xa, tmp_path):
    """Exit 2; backing up goes on working meanwhile."""
    copy = tmp_path / "xa.db"
    with closing(Database(xa.config.store_url)) as database, database.once(SERVING) as is_ours:
        assert is_ours
        xa.run("store", "backup", copy)
        xa.run("store", "restore", copy, code=2)
        xa.run("store", "restored", code=2)
    assert halted(xa) is None


def test_a_database_restored_by_other_means_can_be_marked(xa):
    """Saying it twice is the same as once; two histories stay two."""
    xa.run("store", "restored")
    xa.run("store", "restored")
    assert halted(xa).startswith("RESTORED: ")
    with open_node(xa.config) as node:
        node.database.write_now(register.halt, "XA", node.office.own.origin, "TWO_HISTORIES: as a test says")
    xa.run("store", "restored")
    assert parse_standstill(halted(xa)).cause == "TWO_HISTORIES"


def test_no_key_is_changed_before_the_restored_node_knows_its_newest_manifest(xa):
    """Exit 1: the copy may be older than a rotation, and two manifests of one number would both be signed."""
    xa.run("store", "restored")
    told = xa.run("keys", "rotate", "signing", code=1)
    assert "start the node first" in told.stderr


def test_doctor_says_why_nothing_is_signed_and_what_to_do(xa):
    """In words, with what waits; the number of a document that waits is told as such."""
    xa.run("store", "restored")
    checks = xa.json("doctor")["checks"]
    [said] = [one for one in checks if one["name"] == "register"]
    assert said["state"] == "WARN"
    assert "nothing is signed now" in said["message"]
    assert "leave the node running" in said["advice"]
    assert "leave the node running" in xa.run("status", "XA", "26XA1", code=6).stderr


def test_an_empty_database_where_there_was_one_signs_nothing(xa):
    """`store migrate` makes it; others know how far the register had come, and the new file does not."""
    for path in xa.config.store_path.parent.glob(f"{xa.config.store_path.name}*"):
        path.unlink()
    xa.run("store", "migrate")
    with open_node(xa.config):
        pass
    assert "an empty database took the place" in halted(xa)
