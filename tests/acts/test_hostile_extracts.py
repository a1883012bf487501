"""A Party that tells lies and nonsense in extracts changes what is said of its own certificates, and stops nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from epix_node.document.header import DocumentType
from epix_node.exchange.own import enter, prepare
from epix_node.permit.extract import PermitExtract
from epix_node.permit.facts import Case
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Line, Origin, Permit, TradeParty
from epix_node.permit.number import NumberRef
from epix_node.permit.passage import Passage
from epix_node.reconcile import follow
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.perspective import Perspective
from epix_node.store import documents, draws, extracts
from epix_node.store.database import Session
from tests.acts.conftest import Keys, World, open_world
from tests.reconcile.everything import reconcile_all

PYTHONS = Line(
    block="A",
    taxon="Python regius",
    appendix="II",
    sources=("W",),
    term="LIV",
    quantity="12",
    unit="NAR",
    origin=Origin(country="XA", permit="26XA1", date=date(2026, 3, 2)),
)


@pytest.fixture
def world(tmp_path: Path, keys_of: Callable[[str], Keys]) -> Iterator[World]:
    """XA, from where goods came, XB and XC, which sent them on, and XD."""
    made = open_world(tmp_path, map(keys_of, ("XA", "XB", "XC", "XD")))
    yield made
    made.close()


def told(
    issuer: str,
    *,
    number: str = "",
    lines: tuple[Line, ...] = (PYTHONS,),
    passages: tuple[Passage, ...] = (),
    counted: str = "0",
    **members: Any,
) -> PermitExtract:
    """An extract of a certificate as nobody honest would write it."""
    permit = Permit(
        type="R",
        number=number or f"26{issuer}1",
        issuer=issuer,
        lines=lines,
        importer=TradeParty(country="XD"),
        **{"issued_on": date(2026, 3, 2), **members},
    )
    return PermitExtract(
        permit=permit,
        permit_sha256="0" * 64,
        lines=tuple(
            LineBalance(
                block=line.block,
                taxon=line.taxon,
                term=line.term,
                unit=line.unit,
                permitted=line.quantity,
                endorsed=counted,
                confirmed=counted,
                remaining=None,
            )
            for line in lines
        ),
        passages=passages,
    )


def tell(world: World, extract: PermitExtract, *, to: str = "XA") -> None:
    """Its issuer signs it and enters it, whatever its own node would make of it."""
    key = extract.key
    office = world[key.issuer]
    prepared = prepare(
        office.own,
        extract,
        type_=DocumentType.EXTRACT,
        subject=NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year),
        recipients=[to],
        now=world.now,
    )

    def put(session: Session) -> None:
        documents.add(session, [enter(session, office.own, prepared, now=world.now)], received_at=world.now)

    office.database.write_now(put)


LAST = date(9999, 12, 31)
FIRST = date(1, 1, 1)


@pytest.mark.parametrize("on", [FIRST, LAST])
@pytest.mark.parametrize(("until", "counted"), [(None, "13"), (FIRST, "13"), (LAST, "0"), (LAST, "9" * 40)])
def test_days_and_amounts_at_the_ends_stop_nobody(world: World, on: date, until: date | None, counted: str) -> None:
    """Two certificates of which one leads to the other, issued, used and expired whenever."""
    world.publish("XA", number="26XA1")
    world.endorse("XA", "26XA1")
    for issuer in ("XB", "XC"):
        passages = (Passage(on=on, party=issuer), Passage(on=on, party="XC", outcome="released"))
        tell(world, told(issuer, passages=passages, counted=counted, issued_on=on, valid_until=until))
    for issuer in ("XB", "XC"):
        world.pull(world["XA"], world[issuer])
    database, perspective = world["XA"].database, world["XA"].perspective()
    database.write_now(revisit, perspective, now=world.now)
    database.write_now(reconcile_all, perspective, now=world.now)
    assert len(database.read_now(draws.certificates_of, [("XA", "26XA1")])) == 2


def test_documents_that_nobody_holds_are_not_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One certificate names hundreds of permits of origin: those that are held are looked at again."""
    world.publish("XA", number="26XA1")
    lines = tuple(
        replace(PYTHONS, block=None, origin=Origin(country="XA", permit=f"26XA{number}")) for number in range(1, 300)
    )
    tell(world, told("XB", lines=lines))
    seen: list[str] = []
    real = follow.load_case

    def note(session: Session, perspective: Perspective, issuer: str, number: str) -> Case:
        seen.append(number)
        return real(session, perspective, issuer, number)

    monkeypatch.setattr(follow, "load_case", note)
    world.pull(world["XA"], world["XB"])
    assert sorted(seen) == ["26XA1", "26XB1"]
    # A permit that comes later is judged by what was told before.
    tell(world, told("XC", counted="13"), to="XA")
    world.pull(world["XA"], world["XC"])
    assert world["XA"].database.read_now(draws.certificates_of, [("XA", "26XA299")])


def test_the_newest_of_many_counts(world: World) -> None:
    """A Party changes its story every minute: it is believed for the last time that it spoke."""
    for minute in range(40):
        tell(world, told("XB", counted=str(minute), lines=(PYTHONS,) * 3))
        world.wait(minutes=1)
    world.pull(world["XA"], world["XB"])
    database = world["XA"].database
    (fact,) = database.read_now(extracts.about, "XB", "26XB1")
    assert fact.extract.lines[0].endorsed == "39"


def test_a_certificate_that_is_said_to_draw_on_something_else_lets_go(world: World) -> None:
    """Also where this node holds another permit with the number, and the certificate is known by extracts only."""
    for number in ("26XA1", "26XA2"):
        world.publish("XA", number=number)
        world.endorse("XA", number)
    to_xa = {"name": "Croc & Co", "address": "3 Reef Walk", "country": "XA"}
    world.publish("XB", number="7", importer=to_xa)
    left = (Passage(on=date(2026, 3, 2), party="XB"),)
    skins = replace(PYTHONS, term="SKI")
    tell(world, told("XB", number="7", lines=(skins,), counted="12", passages=left))
    world.pull(world["XA"], world["XB"])
    assert drawn_too_much(world) == ["26XA1"]
    world.wait(minutes=5)
    other = replace(skins, origin=Origin(country="XA", permit="26XA2"))
    tell(world, told("XB", number="7", lines=(other,), counted="12", passages=left))
    world.pull(world["XA"], world["XB"])
    assert drawn_too_much(world) == ["26XA2"]


def drawn_too_much(world: World) -> list[str]:
    found = world.findings("XA").values()
    return sorted(f.subject.number for f in found if f.pattern == "FRD-06" and f.state.value != "resolved")
