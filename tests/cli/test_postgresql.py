"""A node whose database is on a server, as whoever runs it sees it."""

from __future__ import annotations

import json

import pytest

from epix_node.config import load_config
from tests.stores import bare_url_for, change_store

pytestmark = pytest.mark.postgresql

NOBODY = "postgresql+psycopg://epix:sesame@127.0.0.1:1/epix?connect_timeout=2&sslpassword=sesame"


def database_of(xa, code=0):
    (found,) = [check for check in xa.json("doctor", code=code)["checks"] if check["name"] == "database"]
    return found


def test_the_doctor_tries_the_server(xa):
    """Reached, of this schema, and keeping transactions apart."""
    found = database_of(xa)
    assert found["state"] == "OK"
    assert found["message"].startswith("postgresql+psycopg://postgres@/epix_")
    assert "is sound" in found["message"]


def test_a_server_that_is_not_there_is_told_without_the_password(xa, monkeypatch):
    """By every command, in words and in JSON, with what to do; none says that the program is at fault."""
    monkeypatch.setenv("EPIX_STORE__URL", NOBODY)
    found = database_of(xa, code=1)
    assert found["state"] == "FAIL"
    assert "the database epix on 127.0.0.1:1 cannot be used" in found["message"]
    assert "createdb" in found["advice"]
    for arguments, code in (
        (("store", "check"), 1),
        (("store", "migrate"), 2),
        (("clients", "list"), 2),
        (("status", "XA", "26XA1"), 2),
    ):
        for extra in ((), ("--json",)):
            result = xa.run(*arguments, *extra, code=code)
            assert "127.0.0.1:1" in result.stdout + result.stderr
            assert "sesame" not in result.stdout + result.stderr
    assert "sesame" not in repr(load_config(xa.config.path, {"EPIX_STORE__URL": NOBODY}))


def test_migrating_says_where_without_the_password(xa, monkeypatch, tmp_path):
    """The schema comes; twice changes nothing."""
    url = bare_url_for(tmp_path / "unused").replace("//postgres@", "//postgres:sesame@")
    monkeypatch.setenv("EPIX_STORE__URL", url)
    assert "run `epix-node store migrate`" in xa.run("clients", "list", code=2).stderr
    told = xa.run("store", "migrate").stdout
    assert "was brought from schema none to" in told
    assert "sesame" not in told
    assert xa.json("store", "migrate")["before"] is not None
    assert xa.json("store", "check")["ok"] is True


def test_a_schema_of_another_release_and_other_sorting_are_told(xa):
    """Exit 1, each with its remedy."""
    change_store(xa.config, 'ALTER TABLE permit ALTER COLUMN number TYPE varchar COLLATE "C.utf8"')
    (problem,) = xa.json("store", "check", code=1)["problems"]
    assert "column number of permit does not sort by code points: ALTER TABLE" in problem
    change_store(xa.config, "UPDATE alembic_version SET version_num = 'ancient'")
    assert "schema ancient" in xa.json("store", "check", code=1)["problems"][0]


def test_a_database_of_another_node_is_left_alone(xa, tmp_path, epix_node):
    """`init` overwrites nothing, there neither."""
    result = epix_node("init", "--party", "XB", "--dir", tmp_path / "twin", "--store", xa.config.store_url, code=2)
    assert "belongs to a node" in result.stderr
    assert not (tmp_path / "twin").exists()


def test_init_takes_a_database_and_says_which(tmp_path, epix_node):
    """No file is made for it."""
    url = bare_url_for(tmp_path / "unused")
    home = tmp_path / "xa"
    body = json.loads(epix_node("init", "--party", "XA", "--dir", home, "--store", url, "--json").stdout)
    config = load_config(home / "config" / "epix-node.toml", {})
    assert body["config"] == str(config.path)
    assert config.store_url == url
    assert not list((home / "data").iterdir())
    epix_node("--config", config.path, "store", "check")
