"""The rung of each event is kept beside it, and follows the facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from epix_node.permit.event import Confirmation, EventLine, Outcome, PermitRef
from epix_node.permit.model import Line
from epix_node.permit.neighbours import neighbouring_numbers
from epix_node.permit.quantity import Quantity
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.record import record_page
from epix_node.store import cases, findings, orphans
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database, Session
from tests.reconcile.everything import reconcile_all
from tests.reconcile.test_any_order import PERSPECTIVE, Teller, made
from tests.stores import open_store

NUMBER, NEAR, FAR = "26XA000777", "26XA000778", "26XA999999"
GOODS = (Line(block="A", taxon="Python regius", term="SKI", quantity="10", unit="NAR"),)


class Node:
    """XA's node, to which facts come one by one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.teller = Teller()

    def hear(self) -> None:
        """What was told last is recorded a minute later."""
        arrival = self.teller.told[-1]
        self.hear_all([arrival])

    def hear_all(self, arrivals: list[Arrival]) -> None:
        party, now = arrivals[0].source.party, self.teller.at + timedelta(minutes=1)
        self.database.write_now(record_page, PERSPECTIVE, party, arrivals, now=now)

    def issue(self, number: str = NUMBER, **members: Any) -> None:
        self.teller.permit(made("XA", number, **{"lines": GOODS, **members}))
        self.hear()

    def confirm(self, number: str = NUMBER, *, salt: bytes | None = None, **members: Any) -> None:
        given = {"issuer": "XA", "number": number, "type": "E", "issued_on": date(2026, 3, 2), **members.pop("ref", {})}
        body = Confirmation(
            event_id=f"E-{len(self.teller.told)}",
            permit=PermitRef(**given),
            office="P-1",
            date=date(2026, 3, 5),
            outcome=Outcome.RELEASED,
            lines=(EventLine(block="A", quantity=Quantity.parse("10", "NAR"), **members),),
        )
        self.teller.event("XB", body)
        if salt is not None:
            arrival = self.teller.told[-1]
            header = replace(arrival.document.header, permit_salt=salt)
            self.teller.told[-1] = replace(arrival, document=replace(arrival.document, header=header))
        self.hear()

    def rungs(self, number: str = NUMBER) -> list[tuple[int, str] | None]:
        """Rung and number of the permit, for each event about the number."""
        case = self.database.read_now(cases.load, "XA", number)
        return [(e.match.rung, e.match.permit.number) if e.match else None for e in case.events]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    database = open_store(tmp_path / "XA.sqlite")
    yield Node(database)
    database.close()


def test_who_held_the_permit_bears_its_salt(node: Node):
    """Another salt is that of somebody who knew the key alone."""
    node.issue()
    node.confirm()
    assert node.rungs() == [(1, NUMBER)]
    node.confirm(salt=bytes(15) + b"x")
    assert sorted(node.rungs()) == [(1, NUMBER), (2, NUMBER)]


def test_a_number_alone_is_enough_while_one_permit_has_it(node: Node):
    node.issue()
    node.confirm(ref={"type": None, "issued_on": None})
    assert node.rungs() == [(3, NUMBER)]
    node.issue(type_="R")
    assert node.rungs() == [None]


def test_an_unknown_number_is_near_to_one_that_comes_later(node: Node):
    """The permit finds the event by its shapes, and is not suggested any more once somebody confirmed it."""
    node.confirm()
    assert node.rungs() == [None]
    node.issue(NEAR)
    assert node.rungs() == [(4, NEAR)]
    node.confirm(NEAR)
    assert node.rungs() == [None]
    node.issue()
    assert node.rungs() == [(1, NUMBER)]


def test_goods_that_are_alike_are_found_on_their_route(node: Node):
    """By the next round: nothing of the permit leads to an event under a number far from its own."""
    node.confirm(taxon="Python regius", term="SKI")
    node.issue(FAR, type_="R")
    node.database.write_now(revisit, PERSPECTIVE, now=node.teller.at)
    assert node.rungs() == [None]  # the event says that it is about an export permit
    node.issue(FAR, exporter=None)
    node.database.write_now(revisit, PERSPECTIVE, now=node.teller.at)
    assert node.rungs() == [(5, FAR)]
    node.issue("26XA888888", issued_on=date(2026, 3, 30))
    node.database.write_now(revisit, PERSPECTIVE, now=node.teller.at)
    assert node.rungs() == [None]  # two are alike
    node.confirm("26XA888888")
    node.database.write_now(revisit, PERSPECTIVE, now=node.teller.at)
    assert node.rungs() == [(5, FAR)]


UNLIKE = {
    "another route": {"importer": None},
    "too early": {"issued_on": date(2026, 1, 18)},
    "too much": {"lines": (replace(GOODS[0], quantity="13"),)},
    "another term": {"lines": (replace(GOODS[0], term="LIV"),)},
    "of multiple use": {"multi_use": True},
}


@pytest.mark.parametrize("members", UNLIKE.values(), ids=UNLIKE)
def test_goods_that_are_not_alike_are_not(node: Node, members: dict[str, Any]):
    node.issue(FAR, **members)
    node.confirm(taxon="Python regius", term="SKI")
    assert node.rungs() == [None]


def test_where_many_are_alike_none_is_looked_at(node: Node):
    for n in range(6):
        node.issue(f"26XA90{n}{n}{n}{n}")
    node.confirm(taxon="Python regius", term="SKI")
    assert node.rungs() == [None]


def test_everything_again_finds_the_same_rungs_and_writes_none(node: Node):
    node.issue()
    node.issue("26XA000555")
    node.confirm()
    node.confirm("26XA000556")
    before = [node.rungs(), node.rungs("26XA000556")]
    assert before == [[(1, NUMBER)], [(4, "26XA000555")]]
    written: list[str] = []

    def work(session: Session) -> None:
        sqlalchemy_event.listen(session.core, "before_cursor_execute", lambda *given: written.append(given[2]))
        reconcile_all(session, PERSPECTIVE, now=node.teller.at)

    node.database.write_now(work)
    assert [node.rungs(), node.rungs("26XA000556")] == before
    assert not [statement for statement in written if statement.startswith("UPDATE event")]


def test_a_suggestion_makes_no_finding_and_prevents_none(node: Node):
    """XA's register is complete: the unknown number is FRD-05, whatever resembles it."""

    def found() -> list[tuple[str, str, str]]:
        node.database.write_now(revisit, PERSPECTIVE, now=node.teller.at + timedelta(days=5))
        page, _ = node.database.read_now(findings.page, findings.FindingFilter(), cursor=None, limit=9)
        return [(f.pattern, f.class_, f.values.get("resembles", "")) for f in page]

    node.confirm(taxon="Python regius", term="SKI")
    assert found() == [("FRD-05", "A", "")]
    node.issue(FAR)
    assert found() == [("FRD-05", "A", FAR)]


def test_orphans_are_found_by_the_numbers_that_they_may_mean(tmp_path: Path):
    """One question, whatever is held: the same as looking at every orphan."""
    database = open_store(tmp_path / "XA.sqlite")
    held = ["26XA000124", "26XAOOO123", "6XA000123", "26XA0001234", "XNO.26", "27XA000124", "26XA000132"]

    def marked(session: Session) -> None:
        for number in held:
            orphans.mark(session, "XA", number, orphan=True)
            orphans.mark(session, "XB", number, orphan=True)

    def near(session: Session, numbers: list[str]) -> set[tuple[str, str]]:
        return orphans.near(session, "XA", numbers)

    database.write_now(marked)
    for meant in (["26XA000123"], ["26"], ["26XA000123", "26", "26XA000134"], ["YYY"], []):
        expected = {("XA", one) for one in held if neighbouring_numbers(one) & set(meant)}
        assert database.read_now(near, meant) == expected
    assert database.read_now(near, [f"26XA{n:06d}" for n in range(100, 200)]) >= {("XA", "26XA000124")}

    def forgotten(session: Session) -> None:
        for number in held:
            orphans.mark(session, "XA", number, orphan=False)

    database.write_now(forgotten)
    assert database.read_now(near, ["26XA000123"]) == set()
    assert database.read_now(orphans.every) == sorted(("XB", number) for number in held)
    database.close()


@pytest.mark.sqlite("its own words for a plan")
def test_the_question_for_goods_that_are_alike_follows_the_route(node: Node):
    """It reads no more of a store than was issued on the route in those weeks."""
    asked: list[tuple[str, Any]] = []

    def work(session: Session) -> list[str]:
        sqlalchemy_event.listen(
            session.core, "before_cursor_execute", lambda *given: asked.append((given[2], given[3]))
        )
        revisit(session, PERSPECTIVE, now=node.teller.at)
        question, given = next(one for one in asked if "importer_country IN" in one[0])
        return [row[3] for row in session.core.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", given)]

    node.confirm(taxon="Python regius", term="SKI")
    plan = node.database.write_now(work)
    assert "ix_permit_route (issuer=? AND importer_country=? AND issued_on>? AND issued_on<?)" in plan[0]
    assert not [step for step in plan if step.startswith("SCAN")]
