"""What a certificate costs, however many there are and however long the chain, and when its findings are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import event

from epix_node.document.header import DocumentType
from epix_node.permit.event import Endorsement, EventLine, PermitRef
from epix_node.permit.finding import Finding
from epix_node.permit.model import Line, Permit, TradeParty
from epix_node.permit.quantity import Quantity
from epix_node.reconcile.chains import MAX_DEPTH
from epix_node.reconcile.follow import revisit
from epix_node.store import findings
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database, Session
from tests.reconcile.test_any_order import END, PERSPECTIVE, SKINS, Teller, certificate, deliver, made, store

SKIN = Line(block="A", taxon="Python regius", term="SKI", quantity="10", unit="NAR")


def original(number: str = SKINS) -> Permit:
    return made("XA", number, lines=(SKIN,))


def told(*permits: Permit) -> list[Arrival]:
    teller = Teller()
    for permit in permits:
        teller.permit(permit)
    return teller.told


def left(number: str, *, issuer: str = "XB") -> Arrival:
    teller = Teller()
    body = Endorsement(
        event_id=f"E-{number}",
        permit=PermitRef(issuer=issuer, number=number),
        office="P-1",
        date=date(2026, 3, 5),
        lines=(EventLine(block="A", quantity=Quantity.parse("8", "NAR")),),
    )
    return teller.tell(issuer, body, DocumentType.ENDORSEMENT, body.permit.ref, event_id=body.event_id)


def statements(database: Database, work: Callable[[], object]) -> int:
    counted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        counted.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return len(counted)


def shown(database: Database, pattern: str = "FRD-06") -> list[Finding]:
    def read(session: Session) -> Sequence[Finding]:
        found, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
        return found

    return [one for one in database.read_now(read) if one.pattern == pattern and one.state != "resolved"]


def costs_of_the_next(others: int) -> int:
    """Of one certificate for a permit on which one draws, with so many others that draw on other permits."""
    permits = [original(), certificate("26XB000031", SKINS)]
    permits += [original(f"26XA1{n:05}") for n in range(others)]
    permits += [certificate(f"26XB1{n:05}", f"26XA1{n:05}") for n in range(others)]
    *before, last = told(*permits, certificate("26XB000032", SKINS))
    with store() as database:
        for arrival in before:
            deliver(database, [arrival], END)
        return statements(database, lambda: deliver(database, [last], END))


def test_a_certificate_costs_the_same_however_many_others_there_are() -> None:
    assert costs_of_the_next(2) == costs_of_the_next(30)


def test_a_certificate_asks_where_it_draws_and_no_more() -> None:
    """Beside its rows: on what these documents draw in turn, and whether they are held. Other permits ask nothing."""
    drawing = certificate("26XB000041", "26XA000999")
    plain = replace(drawing, number="26XB000042", lines=(SKIN,))
    first = replace(plain, number="26XB000040")
    with store() as database:
        costs = [statements(database, partial(deliver, database, [one], END)) for one in told(first, plain, drawing)]
    assert costs[2] - costs[1] == len(["insert", "its parents", "their parents", "held"])


def test_a_long_chain_ends() -> None:
    """Each certificate draws on the one before; the last of forty costs what the twentieth does."""
    numbers = [f"26XB{n:06}" if n % 2 else f"26XC{n:06}" for n in range(1, 41)]
    permits, parent, country = [original()], SKINS, "XA"
    for number in numbers:
        issuer = number[2:4]
        permits.append(certificate(number, parent, country=country, issuer=issuer))
        parent, country = number, issuer
    with store() as database:
        costs = [statements(database, partial(deliver, database, [one], END)) for one in told(*permits)]
        assert shown(database) == []
    assert costs[40] == costs[38] == costs[20]
    assert len(numbers) > MAX_DEPTH


@pytest.mark.parametrize("backwards", [False, True])
def test_a_circle_ends(backwards: bool) -> None:  # noqa: FBT001  # a table of one column
    """Two certificates draw on one another, and a third one on itself."""
    permits = [
        certificate("26XB000051", "26XC000051", country="XC"),
        certificate("26XC000051", "26XB000051", country="XB", issuer="XC"),
        certificate("26XB000052", "26XB000052", country="XB"),
    ]
    with store() as database:
        for arrival in reversed(told(*permits)) if backwards else told(*permits):
            deliver(database, [arrival], END)
        deliver(database, [left("26XB000051")], END)
        assert [one.class_ for one in shown(database)] == []


def test_a_finding_for_review_ends_when_its_certificates_expire() -> None:
    """Nothing is told then: time alone ends it, in the round of the next day."""
    countries = {"exporter": TradeParty(country="XB"), "importer": TradeParty(country="XC")}
    lines = certificate("26XB000061", SKINS).lines
    unused = [made("XB", f"26XB00006{n}", "R", **countries, lines=lines, valid_until=date(2026, 4, 20)) for n in (1, 2)]
    with store() as database:
        for arrival in told(original(), *unused):
            deliver(database, [arrival], END)
        (found,) = shown(database)
        assert (found.class_, found.values["until"]) == ("R", "2026-04-20")
        assert "of which the first expires on 2026-04-20" in found.summary
        last = END.replace(month=4, day=20)
        database.write_now(revisit, PERSPECTIVE, now=last)
        assert len(shown(database)) == 1
        database.write_now(revisit, PERSPECTIVE, now=last + timedelta(days=1))
        assert shown(database) == []
