"""Two importers confirm the last kilogram at once: both are recorded, and what follows is the same in every order.

Each writer is cut into four steps: begin, read, write, commit. Every interleaving of two writers is tried, seventy of
them, at the issuer's node, where two Parties' pages come at once, and at an importer's, where two offices report; and
then two real processes do it. With ``--store postgresql`` the same on PostgreSQL, which lets both in and refuses one.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from epix_node.acts import report
from epix_node.exchange.sequencer import Sequencer
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.finding import Finding, FindingState
from epix_node.reconcile import record
from epix_node.reconcile.follow import revisit
from epix_node.store import cases, documents, findings
from epix_node.store.database import Database
from epix_node.store.last_signed import LastSigned
from tests.reconcile.test_any_order import PERSPECTIVE
from tests.stores import STORES, url_for

from .conftest import START, World, event_of, permit_of
from .racing import Told, deliver, gated, number_of, orders, race

LATER = START + timedelta(days=60)
TWO_COUNTRIES = {("FRD-01", "A"), ("FRD-04", "A")}
"""What two Parties' confirmations of all that one permit allows amount to, whichever comes first."""

RACES = 20
"""Of the two processes."""


def shown(database: Database, issuer: str, number: str) -> list[Finding]:
    found = database.read_now(findings.about, issuer, number)
    return [finding for finding in found if finding.state is not FindingState.RESOLVED]


def assert_both_and_one_of_each(database: Database, number: str, order: object) -> None:
    """Both events are kept, and each pattern is told once, with both documents as evidence."""
    case = database.read_now(cases.load, "XA", number)
    assert sorted(event.party for event in case.events) == ["XB", "XC"], order
    found = shown(database, "XA", number)
    assert sorted((f.pattern, f.class_.value) for f in found) == sorted(TWO_COUNTRIES), order
    for finding in found:
        evidence = {source.document for source in finding.evidence}
        assert {event.source.document for event in case.events} <= evidence, order


def test_pages_of_two_importers_at_the_issuers_node(tmp_path: Path) -> None:
    """Both Parties' confirmations are pulled at once."""
    url = url_for(tmp_path / "XA.sqlite")
    one, other = Database(url), Database(url)
    told, begun = Told(), 0
    try:
        for turn, order in enumerate(orders()):
            number = number_of(turn)
            deliver(one, told.permit(number), LATER)
            from_b, from_c = told.confirmation("XB", number), told.confirmation("XC", number)
            with gated(documents, "held") as works:
                race((lambda a=from_b: deliver(one, a, LATER), lambda a=from_c: deliver(other, a, LATER)), order)
            begun += len(works)
            assert_both_and_one_of_each(one, number, order)
        # They met: SQLite lets one in at a time, PostgreSQL lets both in and refuses one where it matters.
        assert (begun > 2 * len(list(orders()))) == STORES.is_postgresql
        one.write_now(revisit, PERSPECTIVE, now=told.teller.at + timedelta(days=2))
        for turn, order in enumerate(orders()):
            assert_both_and_one_of_each(other, number_of(turn), order)
            assert {f.state for f in shown(other, "XA", number_of(turn))} == {FindingState.OPEN}
    finally:
        one.close()
        other.close()


def test_two_offices_of_one_importer(world: World) -> None:
    """Two processes of XB's node record that the last kilogram of a re-usable import permit came in: one FRD-04."""
    office = world["XB"]
    database = Database(office.database.url)
    other = replace(office, database=database, sequencer=Sequencer(database, LastSigned(database), office.own))
    try:
        for turn, order in enumerate(orders()):
            number = f"26XB{turn:06}"
            world.publish("XB", **_import_permit(number))
            deeds = tuple(
                lambda at=at, body=body: report.report(at, body, now=world.now)
                for at, body in zip((office, other), _confirmations(number), strict=True)
            )
            with gated(record, "enter"):
                race((deeds[0], deeds[1]), order)
            (finding,) = shown(database, "XB", number)
            assert (finding.pattern, finding.class_.value) == ("FRD-04", "A"), order
            uses = database.read_now(cases.load, "XB", number).uses
            assert len(uses) == 2, order
            assert {use.source.document for use in uses} <= {source.document for source in finding.evidence}, order
        held = office.sequencer.publish(now=world.now)
        assert held.halted is None
        assert held.checkpoint_size == held.edge.size == 3 * len(list(orders()))
    finally:
        other.sequencer.record.close()
        database.close()


def test_two_processes_at_the_issuers_node(tmp_path: Path) -> None:
    """Nobody holds them back: they hear of each number at the same moment."""
    url = url_for(tmp_path / "XA.sqlite")
    database = Database(url)
    told = Told()
    for turn in range(RACES):
        deliver(database, told.permit(number_of(turn)), LATER)
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.acts.racing", url, party],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for party in ("XB", "XC")
    ]
    try:
        _say(children, str(RACES))
        for turn in range(RACES):
            _say(children, number_of(turn))
            assert_both_and_one_of_each(database, number_of(turn), turn)
    finally:
        for child in children:
            child.communicate(timeout=60)
        database.close()
    assert [child.returncode for child in children] == [0, 0]


def _say(children: list[subprocess.Popen[str]], line: str) -> None:
    """To all of them; returns once each has answered."""
    for child in children:
        assert child.stdin is not None
        child.stdin.write(f"{line}\n")
        child.stdin.flush()
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline().strip() in {"ready", "done"}


def _import_permit(number: str) -> dict[str, object]:
    like = permit_of("XA")
    return {
        "type": "I",
        "number": number,
        "multi_use": True,
        "exporter": {"name": like.exporter.name, "address": like.exporter.address, "country": "XA"},
        "lines": [{"taxon": "Prunus africana", "term": "BAR", "sources": ["W"], "quantity": "1", "unit": "KGM"}],
    }


def _confirmations(number: str) -> list[object]:
    """By two offices, under two export permits, a kilogram each."""
    return [
        confirmation_from_json(
            {
                "outcome": "released",
                **event_of(f"26XA9{place}{number[4:]}", quantity="1", unit="KGM"),
                "office": f"PORT-{place}",
                "import_permit": {"issuer": "XB", "number": number},
            }
        )
        for place in (1, 2)
    ]
