"""A store of the release before is upgraded with what is in it, and then shows what a new one would (revision 0007)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from epix_node.acts.extracts import publish_due
from epix_node.reconcile.rebuild import rebuild
from epix_node.store import schema
from epix_node.store.database import Database
from tests.acts.conftest import Keys, World, open_world
from tests.stores import bare_url_for

FILLED = ("permit_line", "event_line", "draw", "sum_line", "orphan_shape")
"""What the upgrade makes of what is held."""


@pytest.fixture
def world(tmp_path: Path, keys_of: Callable[[str], Keys]) -> Iterator[World]:
    """XA sold to XB through XD, XB sold on to XC, twice as much; and some things happened beside that."""
    made = open_world(tmp_path, map(keys_of, ("XA", "XB", "XC", "XD")))
    quota = {"quota": {"used": "0", "annual": "15", "unit": "NAR"}}
    made.publish("XA", number="26XA1", transit=["XD"], lines=[quota, {"term": "LIV", "sources": ["W"]}])
    made.publish("XA", number="26XA2", lines=[quota])
    for number in ("26XA1", "26XA2"):
        made.endorse("XA", number)
        made.confirm(
            "XB", number, lines=[{"block": "A", "quantity": "10", "unit": "NAR", "taxon": "Python bivittatus"}]
        )
    made.confirm("XB", "26XA7", outcome="seized", continues=None)
    for number in ("26XB1", "26XB2"):
        origin = {"country": "XA", "permit": "26xa1", "date": "2026-03-02"}
        to_xc = {"name": "Croc", "address": "3 Reef Walk", "country": "XC"}
        made.publish("XB", type="R", number=number, importer=to_xc, lines=[{"origin": origin}])
        made.endorse("XB", number, issuer="XB")
        made.confirm("XC", number, issuer="XB", outcome="partly-released")
    made.meet()
    made.wait(hours=30)
    made.meet()
    yield made
    made.close()


def rows(database: Database, name: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    with database.engine.connect() as connection:
        given = sa.Table(name, sa.MetaData(), autoload_with=connection)
        chosen = given.columns if columns is None else [given.c[column] for column in columns]
        return sorted((dict(row) for row in connection.execute(sa.select(*chosen)).mappings()), key=repr)


def as_before(database: Database, directory: Path) -> Database:
    """The same in a store of revision 0006, upgraded."""
    upgraded = Database(bare_url_for(directory / "before.sqlite"))
    with upgraded.engine.begin() as connection:
        config = schema._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        names = [n for n in sa.inspect(connection).get_table_names() if n != "alembic_version"]
        for name in names:
            given = sa.Table(name, sa.MetaData(), autoload_with=connection)
            held = rows(database, name, [column.name for column in given.columns])
            if held:
                connection.execute(given.insert(), held)
    schema.migrate(upgraded)
    assert schema.drift(upgraded) == []
    return upgraded


@pytest.mark.parametrize("party", ["XA", "XB", "XC"])
def test_what_is_held_is_indexed_as_if_it_had_just_come(world: World, tmp_path: Path, party: str) -> None:
    """And everything again finds the same: at once by the facts, and with ``--rewrite`` also by silence."""
    database = world[party].database
    upgraded = as_before(database, tmp_path)
    for name in FILLED:
        held = rows(database, name)
        if name == "draw":  # extracts are told again
            held = [row for row in held if any(p["document"] == row["document"] for p in rows(database, "permit"))]
        assert rows(upgraded, name) == held, name
    plain = ["party", "document", "is_plain"]
    assert rows(upgraded, "event", plain) == rows(database, "event", plain)
    before = world.patterns(party)
    perspective = world[party].perspective()
    rebuild(upgraded, perspective, now=world.now)
    office = replace(world[party], database=upgraded)
    other = replace(world, offices={party: office})
    if party != "XA":  # which is told of certificates by extracts that the release before had not
        assert other.patterns(party) == before
    rebuild(upgraded, perspective, now=world.now, rewrite=True)
    matched = ["party", "document", "rung", "meant_number", "meant_type", "meant_year"]
    assert rows(upgraded, "event", matched) == rows(database, "event", matched)
    accounts = ["issuer", "number", "destination", "due_on", "exported_on", "confirmed_on", "counted"]
    assert rows(upgraded, "account", accounts) == rows(database, "account", accounts)
    upgraded.close()


def test_countries_are_told_of_permits_of_before(world: World, tmp_path: Path) -> None:
    """Whoever comes from the release before has told nobody: its next round does."""
    upgraded = as_before(world["XB"].database, tmp_path)
    with upgraded.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM extract"))
    office = replace(world["XB"], database=upgraded)
    assert publish_due(office, now=world.now) == 2
    assert publish_due(office, now=world.now) == 0
    upgraded.close()
