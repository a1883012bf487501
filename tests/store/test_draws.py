"""Which certificates draw on which documents, however many there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from epix_node.permit.facts import Source
from epix_node.permit.model import Line, Origin
from epix_node.permit.number import PermitKey
from epix_node.store import draws
from epix_node.store.database import Database, Session
from tests.stores import open_store

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_store(tmp_path / "XA.sqlite")
    yield database
    database.close()


def certificate(
    number: str, *parents: str, party: str = "XB", type_: str = "R"
) -> tuple[Source, PermitKey, list[Line]]:
    """With a line for each parent, which are XA's."""
    digest = hashlib.sha256(f"{party} {number} {parents}".encode()).hexdigest()
    source = Source(document=digest, type="permit", party=party, index=0, at=AT)
    lines = [Line(origin=Origin(country="XA", permit=parent)) for parent in parents]
    return source, PermitKey(issuer=party, type=type_, number=number, year=2026), lines


def put(store: Database, *certificates: tuple[Source, PermitKey, list[Line]]) -> None:
    def work(session: Session) -> None:
        for one in certificates:
            draws.add(session, *one)

    store.write_now(work)


def numbers(store: Database, *parents: str) -> list[str]:
    found = store.read_now(draws.certificates_of, [("XA", parent) for parent in parents])
    return [key.number for key in found]


def test_certificates_are_found_by_what_they_draw_on_and_the_other_way(store: Database) -> None:
    put(store, certificate("R1", "E1", "E1", "E2"), certificate("R2", "e2 "), certificate("R3", "E3"))
    assert numbers(store, "E1") == ["R1"]
    assert numbers(store, "E2") == ["R1", "R2"]
    assert numbers(store, "E1", "E3") == ["R1", "R3"]
    assert store.read_now(draws.parents_of, "XB", "R1") == {("XA", "E1"), ("XA", "E2")}
    assert store.read_now(draws.parents_of, "XB", "R9") == set()


def test_what_is_told_twice_is_one_certificate(store: Database) -> None:
    """By its document and by an extract, which another document states."""
    told = certificate("R1", "E1")
    extract = Source(document="e" * 64, type="permit-extract", party="XB", index=1, at=AT)
    put(store, told, (extract, told[1], told[2]))
    assert numbers(store, "E1") == ["R1"]


@pytest.mark.parametrize("type_", ["E", "I", "O"])
def test_nothing_else_draws(store: Database, type_: str) -> None:
    put(store, certificate("E9", "E1", type_=type_))
    assert numbers(store, "E1") == []


def test_every_question_is_answered_from_an_index(store: Database) -> None:
    """Asked of SQLite itself: no statement goes through a table."""
    if not store.url.startswith("sqlite"):
        pytest.skip("PostgreSQL plans by statistics, and goes through a table that is small")
    put(store, *(certificate(f"R{n}", f"E{n % 300}") for n in range(1_500)))
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, given: Any, *_: object) -> None:
        asked.append((statement, given))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        store.write_now(draws.certificates_of, [("XA", "E5"), ("XC", "E5")])
        store.write_now(draws.parents_of, "XB", "R5")
        store.write_now(draws.held, [("XA", "E5"), ("XA", "E6")])
        store.write_now(draws.lapsed, {"FRD-06"}, today=date(2026, 4, 1))
    finally:
        event.remove(store.engine, "before_cursor_execute", note)

    def explain(session: Session) -> list[str]:
        selects = [(statement, given) for statement, given in asked if statement.startswith("SELECT")]
        return [
            step[3]
            for statement, given in selects
            for step in session.core.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]

    plan = store.read_now(explain)
    assert len(plan) >= 5
    assert [step for step in plan if step.startswith("SCAN")] == []
