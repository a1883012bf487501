"""`clients` and `store`."""

from __future__ import annotations

from contextlib import closing

import pytest

from epix_node.node import open_node
from epix_node.store import clients
from epix_node.store.answers import PointReader
from epix_node.store.database import Database
from tests.stores import change_store, lose_store


def client_of(database: Database, token: str) -> clients.Client | None:
    with closing(PointReader(database.point_reader())) as reader:
        return reader.client(clients.token_hash(token))


def test_a_client_is_admitted_listed_and_removed(xa):
    """Its token works from the moment it was shown until it is removed."""
    body = xa.json("clients", "add", "border-7", "--role", "customs")
    assert (body["name"], body["role"]) == ("border-7", "customs")
    with open_node(xa.config) as node:
        known = client_of(node.database, body["token"])
        assert known == clients.Client(name="border-7", role=clients.Role.CUSTOMS)
    assert xa.json("clients", "list") == {"clients": [{"name": "border-7", "role": "customs"}]}
    xa.run("clients", "remove", "border-7")
    assert xa.json("clients", "list") == {"clients": []}
    with open_node(xa.config) as node:
        assert client_of(node.database, body["token"]) is None


def test_the_token_alone_is_on_standard_output(xa):
    """So that a script can keep it; the remark is beside it."""
    said = xa.run("clients", "add", "desk", "--role", "authority")
    assert len(said.stdout.split()) == 1
    assert "not shown again" in said.stderr


def test_a_name_is_taken_once(xa):
    """Exit 1; and removing who is not there is a no."""
    xa.run("clients", "add", "desk", "--role", "authority")
    xa.run("clients", "add", "desk", "--role", "auditor", code=1)
    xa.run("clients", "remove", "nobody", code=1)


@pytest.mark.parametrize("arguments", [["a b", "--role", "customs"], ["x", "--role", "platform"], ["x"]])
def test_a_client_that_cannot_be_is_refused(xa, arguments):
    """Exit 2: names are for logs, and two roles are reserved."""
    xa.run("clients", "add", *arguments, code=2)


def test_clients_need_no_keys(xa):
    """Who lost the keys can still lock somebody out."""
    xa.run("clients", "add", "desk", "--role", "authority")
    xa.config.key_files.log_key.unlink()
    xa.run("clients", "remove", "desk")


def test_migrating_makes_an_empty_database_and_changes_nothing_twice(xa):
    """It tells from which schema to which."""
    lose_store(xa.config)
    first = xa.json("store", "migrate")
    assert first["before"] is None
    assert xa.json("store", "migrate") == {"before": first["revision"], "revision": first["revision"]}
    assert "has schema" in xa.run("store", "migrate").stdout
    assert xa.json("store", "check")["ok"] is True


def test_a_sound_database_is_told_to_be_one(xa, permit):
    """Exit 0."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    body = xa.json("store", "check")
    assert (body["ok"], body["problems"]) == (True, [])
    assert "OK" in xa.run("store", "check").stdout


def test_what_is_wrong_with_a_database_is_told(xa):
    """Exit 1: a table that is missing, another schema."""
    change_store(xa.config, "DROP TABLE wanted")
    assert "wanted" in xa.json("store", "check", code=1)["problems"][0]
    change_store(xa.config, "UPDATE alembic_version SET version_num = 'ancient'")
    assert "schema ancient" in xa.json("store", "check", code=1)["problems"][0]


@pytest.mark.sqlite("damage to its file")
def test_what_is_wrong_with_its_file_is_told(xa):
    """Exit 1: damage, no database, no file."""
    path = xa.config.store_path
    damaged = bytearray(path.read_bytes())
    damaged[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    path.write_bytes(damaged)
    assert xa.json("store", "check", code=1)["ok"] is False
    path.write_bytes(b"this is no database")
    assert xa.json("store", "check", code=1)["ok"] is False
    path.unlink()
    assert "there is no database" in xa.json("store", "check", code=1)["problems"][0]
