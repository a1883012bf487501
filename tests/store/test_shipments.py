"""Permits that one Party saw with one shipment: found by the transport document, also in an old database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from epix_node.store import events, schema, shipments
from epix_node.store.columns import to_micros
from epix_node.store.database import Database, Session
from tests.reconcile.builders import confirmed, goods, ref
from tests.stores import bare_url_for, open_store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = ("XA", "N1"), ("XA", "N2"), ("XD", "N3")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "node.sqlite")
    yield opened
    opened.close()


def told(database: Database, number: tuple[str, str], *lines: Any, **members: Any) -> None:
    issuer, name = number
    fact = confirmed("03-20", *lines, **{"document": "AWB 1", **members})
    body = replace(fact.body, permit=ref(name, issuer=issuer))
    database.write_now(lambda session: events.add(session, body, source=fact.source, issued=NOON))


def asked(database: Database, number: tuple[str, str]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    def read(session: Session) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        return shipments.concerned(session, *number), shipments.shown_for(session, *number)

    return database.read_now(read)


def test_a_shipment_concerns_the_permits_of_which_goods_were_turned_away(database: Database) -> None:
    """However the document is written; another Party's, another document and none are other shipments."""
    told(database, FIRST, outcome="refused")
    told(database, SECOND, document="awb-1")
    told(database, THIRD, goods(), goods("1", outcome="returned"))
    told(database, ("XA", "N4"), by="XC")
    told(database, ("XA", "N5"), document="AWB 2")
    told(database, ("XA", "N6"), document=None)
    assert asked(database, FIRST) == ({FIRST, THIRD}, {SECOND, THIRD})
    assert asked(database, SECOND) == ({FIRST, SECOND, THIRD}, set())
    assert asked(database, THIRD) == ({FIRST, THIRD}, {FIRST, SECOND})
    for other in ("N4", "N5", "N6"):
        assert asked(database, ("XA", other)) == ({("XA", other)}, set())


def test_both_questions_are_indexed_reads(database: Database) -> None:
    """What is asked grows with the shipment, never with the store."""

    def plans(opened: Session) -> str:
        found = []
        for query in (shipments._TURNED_AWAY, shipments._SHOWN):
            sql = str(query.compile(opened.core, compile_kwargs={"literal_binds": False}))
            rows = opened.core.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("XA", "N1"))
            found += [str(row[-1]) for row in rows]
        return "\n".join(found)

    if database.url.startswith("sqlite"):
        shown = database.read_now(plans)
        assert "SCAN" not in shown
        assert "ix_event_turned_away" in shown
        assert "ix_event_transport" in shown


def test_confirmations_of_before_get_their_shipment(tmp_path: Path) -> None:
    """From their bodies; events of other kinds and without a document get none."""
    database = Database(bare_url_for(tmp_path / "node.sqlite"))
    bodies = {
        "N1": {"outcome": "refused", "transport_document": "AWB 1", "lines": []},
        "N2": {"outcome": "released", "transport_document": "awb-1", "lines": [{"outcome": None}]},
        "N3": {"outcome": "partly-released", "transport_document": "AWB1", "lines": [{"outcome": "returned"}]},
        "N4": {"outcome": "refused", "transport_document": "n/a", "lines": []},
        "N5": {"outcome": "released", "transport_document": None, "lines": []},
    }
    with database.engine.begin() as connection:
        config = schema._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for number, body in bodies.items():
            connection.execute(
                text(
                    "INSERT INTO event (party, document, kind, event_id, permit_issuer, permit_number, register_index, "
                    "issued, at, body) VALUES ('XB', :number, 'import-confirmation', :number, 'XA', :number, 0, :at, "
                    ":at, :body)"
                ),
                {"number": number, "at": to_micros(NOON), "body": json.dumps(body)},
            )
    schema.migrate(database)
    assert schema.drift(database) == []

    def read(session: Session) -> dict[str, tuple[str | None, str | None]]:
        rows = session.core.execute(text("SELECT document, transport, turned_away FROM event"))
        return {document: (transport, away) for document, transport, away in rows}

    assert database.read_now(read) == {
        "N1": ("AWB1", "AWB1"),
        "N2": ("AWB1", None),
        "N3": ("AWB1", "AWB1"),
        "N4": (None, None),
        "N5": (None, None),
    }
    database.close()
