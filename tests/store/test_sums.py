"""Which lines belong to sums is kept with the permits, and questions about sums read no more than those lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.json import permit_to_json
from epix_node.permit.model import Line, Permit, Quota, TradeParty
from epix_node.permit.sums import SumKey
from epix_node.store import permits, schema, sums
from epix_node.store.columns import to_micros
from epix_node.store.database import Database, Session
from tests.stores import STORES, bare_url_for, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SKINS = SumKey(pattern="FRD-17", issuer="XA", number="PYTHON REGIUS/SKI/W/NAR", year=2026)


def permit(number: str = "26XA000001", *, annual: str | None = "5000", replaces: str | None = None) -> Permit:
    line = Line(
        block=" a",
        taxon="Python regius",
        sources=("W",),
        term="SKI",
        quantity="10",
        unit="NAR",
        quota=Quota(annual=annual) if annual else None,
    )
    return Permit(
        type="E",
        number=number,
        issuer="XA",
        issued_on=date(2026, 3, 1),
        importer=TradeParty(country="XB"),
        replaces=replaces,
        lines=(line,),
    )


def add(session: Session, *made: Permit) -> None:
    sources = [Source(document=p.number, type="permit", party="XA", index=0, at=NOON) for p in made]
    facts = [PermitFact(source=source, permit=p) for source, p in zip(sources, made, strict=True)]
    permits.add(session, [(fact, None, None) for fact in facts])


def rows(session: Session) -> list[tuple[Any, ...]]:
    query = "SELECT sum_number, number, ordinal, part, block, unit_class, quota_micro, replaces FROM sum_line"
    return sorted(tuple(row) for row in session.core.execute(text(query)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "node.sqlite")
    yield opened
    opened.close()


FIRST = (SKINS.number, "26XA000001", 0, "moved", "A", "NAR", 5_000_000_000, None)


def test_only_lines_that_belong_to_a_sum_have_a_row(database: Database) -> None:
    """With what is compared made regular: the block's letter and the number of the replaced permit."""
    replacement = permit("26XA000002", replaces=" no. 26xa000001")
    database.write_now(add, permit(), permit("26XA000003", annual=None), replacement)
    assert database.read_now(rows) == [FIRST, (SKINS.number, "26XA000002", *FIRST[2:7], "26XA000001")]


def test_a_permit_that_is_removed_leaves_its_sums_marked(database: Database) -> None:
    """Another one may come under its key, and belong to other sums."""
    database.write_now(add, permit())
    database.write_now(permits.remove, permit().key)
    assert database.read_now(rows) == []
    assert database.read_now(sums.marked) == [SKINS]
    database.write_now(sums.unmark)
    assert database.read_now(sums.marked) == []


def test_marking_twice_is_marking_once(database: Database) -> None:
    database.write_now(add, permit(), permit("26XA000002"))
    for number in ("26XA000001", "26XA000002", "26XA000001", "26XA000009"):
        database.write_now(sums.mark, "XA", number)
    assert database.read_now(sums.marked) == [SKINS]


@pytest.mark.parametrize("pattern", sums.PATTERNS)
def test_one_sum_is_read_through_its_own_rows(database: Database, pattern: str) -> None:
    """Whatever else is stored: no table is walked, and the events are found by the permit's number."""
    if STORES.is_postgresql:
        pytest.skip("how SQLite reads it")
    statement = (sums._quota if pattern == "FRD-17" else sums._captive)(is_one=True)
    wanted = {"s_pattern": pattern, "s_issuer": "XA", "s_number": "X", "s_year": 0, "percent": 90, "at_least": 5}
    shown = plan(database, statement, wanted)
    assert not [step for step in shown if "SCAN" in step and "moved" not in step and "total" not in step], shown
    assert any("sum_line USING PRIMARY KEY (pattern=? AND sum_issuer=? AND sum_number=?" in step for step in shown)
    assert any("event USING INDEX ix_event_permit" in step for step in shown)


def plan(database: Database, statement: Any, parameters: dict[str, Any]) -> list[str]:
    with database.engine.connect() as connection:
        compiled = statement.compile(database.engine)
        given = {name: parameters.get(name, value) for name, value in compiled.params.items()}
        expanded = compiled.construct_expanded_state(given)
        query = f"EXPLAIN QUERY PLAN {expanded.statement}"
        return [row[3] for row in connection.exec_driver_sql(query, tuple(expanded.positional_parameters))]


def test_permits_of_before_belong_to_their_sums(tmp_path: Path) -> None:
    """From their bodies."""
    database = Database(bare_url_for(tmp_path / "node.sqlite"))
    with database.engine.begin() as connection:
        config = schema._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for made in (permit(), permit("26XA000003", annual=None)):
            key = made.key.to_json()
            connection.execute(
                text(
                    "INSERT INTO permit (issuer, type, number, year, party, document, issued_on, multi_use, legacy, "
                    "at, body, is_void) VALUES (:issuer, :type, :number, :year, 'XA', :number, '2026-03-01', :no, :no, "
                    ":at, :body, :no)"
                ),
                {**key, "no": False, "at": to_micros(NOON), "body": json.dumps(permit_to_json(made))},
            )
            connection.execute(
                text(
                    "INSERT INTO permit_line (issuer, type, number, year, ordinal) "
                    "VALUES (:issuer, :type, :number, :year, 0)"
                ),
                key,
            )
    schema.migrate(database)
    assert schema.drift(database) == []
    assert database.read_now(rows) == [FIRST]
    database.close()
