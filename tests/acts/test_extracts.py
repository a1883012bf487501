"""Countries of origin, of last re-export and of transit hear of a permit by extracts (protocol decision 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from epix_node.acts import extracts as extracts_act
from epix_node.acts import publish as acts
from epix_node.acts import report
from epix_node.acts.extracts import AT_ONCE, publish_due
from epix_node.document.header import DocumentType
from epix_node.document.reader import read_document
from epix_node.exchange import audience
from epix_node.exchange.own import Prepared, prepare
from epix_node.permit.event import PermitRef, WithdrawalReason
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.facts import ExtractFact
from epix_node.permit.number import NumberRef
from epix_node.permit.status import Status
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.observation import is_known_absent
from epix_node.reconcile.record import record_own
from epix_node.store import documents, extracts, register
from epix_node.store.database import Database, Session
from epix_node.trust.keyring import Keyring
from tests.acts.conftest import Keys, World, event_of, open_world, permit_of
from tests.reconcile.everything import reconcile_all

BY_WAY_OF_XD = {"transit": ["XD"]}
NAMES = (b"Hook Leather", b"Jetty", b"Tiger Lily", b"Lagoon", b"Management Authority", b"J. D.", b"file 7")


@pytest.fixture
def world(tmp_path: Path, keys_of: Callable[[str], Keys]) -> Iterator[World]:
    """XA, XB, XC and XD, who trust one another."""
    made = open_world(tmp_path, map(keys_of, ("XA", "XB", "XC", "XD")))
    yield made
    made.close()


def held(world: World, party: str, number: str, issuer: str) -> ExtractFact | None:
    """What the Party was told last of this permit."""
    facts = world[party].database.read_now(extracts.about, issuer, number)
    assert len(facts) <= 1
    return facts[0] if facts else None


def counted(fact: ExtractFact | None) -> tuple[str, str] | None:
    return None if fact is None else (fact.extract.lines[0].endorsed, fact.extract.lines[0].confirmed)


def written(world: World, party: str) -> int:
    """How many extracts the Party wrote."""

    def count(session: Session) -> int:
        state = register.state(session, party)
        entries = state.edge.size if state is not None else 0
        found, _ = documents.feed(session, party, codes=None, start=0, size=entries, limit=500)
        return sum(one.type == "permit-extract" for one in found)

    return world[party].database.read_now(count)


def due(world: World, party: str) -> int:
    return len(world[party].database.read_now(extracts.due, limit=100))


def reexport(world: World, *, parent: str = "26XA1", **members: Any) -> acts.Published:
    """XB sends goods of XA's permit on to XC, by way of XD."""
    given: dict[str, Any] = {
        "type": "R",
        "number": "26XB1",
        "importer": {"name": "Croc & Co", "address": "3 Reef Walk", "country": "XC"},
        "lines": [{"quantity": "6", "origin": {"country": "XA", "permit": parent, "date": "2026-03-02"}}],
        **BY_WAY_OF_XD,
        **members,
    }
    return world.publish("XB", **given)


def test_origin_and_transit_are_told_what_becomes_of_a_re_export(world: World) -> None:
    """XA exports to XB through XD; XB sends some of it on to XC through XD and names XA's permit."""
    world.publish("XA", number="26XA1", **BY_WAY_OF_XD)
    world.meet()
    assert held(world, "XD", "26XA1", "XA") is not None
    assert held(world, "XB", "26XA1", "XA") is None  # it has the permit itself
    assert held(world, "XC", "26XA1", "XA") is None
    issued = reexport(world)
    world.meet()
    for party in ("XA", "XD"):
        told = held(world, party, "26XB1", "XB")
        assert told is not None
        assert (told.source.party, told.extract.permit_sha256) == ("XB", issued.source.document)
        assert told.extract.permit.destination == "XC"
        assert told.extract.permit.lines[0].origin is not None
        assert told.extract.permit.lines[0].origin.permit == "26XA1"
        assert counted(told) == ("0", "0")
        shown = world.document(party, told.source.document)
        assert not any(name in shown for name in (*NAMES, b"Croc", b"Reef"))
        assert world[party].database.read_now(documents.find, issued.source.document) is None
    assert held(world, "XC", "26XB1", "XB") is None


def test_what_happens_brings_a_newer_extract(world: World) -> None:
    """Endorsed by its issuer, confirmed by its destination, corrected, withdrawn: each is told, and the same once."""
    reexport(world)
    world.meet()
    told = [held(world, "XA", "26XB1", "XB")]
    events: list[Callable[[], object]] = [
        lambda: world.endorse("XB", "26XB1", issuer="XB", quantity="6"),
        lambda: world.confirm("XC", "26XB1", issuer="XB", quantity="5", event_id="C-1"),
        lambda: report.correct(
            world["XC"],
            event_id="C-2",
            supersedes="C-1",
            read_event=lambda _: confirmation_from_json(
                {"outcome": "released", **event_of("26XB1", issuer="XB", quantity="4", event_id="C-2")}
            ),
            now=world.now,
        ),
        lambda: acts.withdraw(
            world["XB"], NumberRef(issuer="XB", number="26XB1"), WithdrawalReason.STOLEN, "a secret", now=world.now
        ),
    ]
    for happens in events:
        world.wait(minutes=5)
        happens()
        world.meet()
        told.append(held(world, "XA", "26XB1", "XB"))
    assert [counted(one) for one in told] == [("0", "0"), ("6", "0"), ("6", "5"), ("6", "4"), ("6", "4")]
    assert [one.extract.withdrawn if one else None for one in told] == [*[None] * 4, WithdrawalReason.STOLEN]
    last = held(world, "XD", "26XB1", "XB")
    assert last == told[-1]
    assert last is not None
    assert [(one.party, one.outcome) for one in last.extract.passages] == [("XB", ""), ("XC", "released")]
    shown = world.document("XD", last.source.document)
    assert not any(name in shown for name in (*NAMES, b"PORT-1", b"Croc", b"secret"))
    assert (written(world, "XB"), due(world, "XB")) == (5, 0)
    world.wait(minutes=5)
    world.meet()
    world["XB"].database.write_now(reconcile_all, world["XB"].perspective(), now=world.now)
    assert (due(world, "XB"), publish_due(world["XB"], now=world.now), written(world, "XB")) == (0, 0, 5)


def test_each_extract_is_in_no_chain(world: World) -> None:
    """It draws a PermitSalt of its own: its readers do not hold the permit, and its holders do not receive it."""
    issued = reexport(world)
    world.meet()
    world.endorse("XB", "26XB1", issuer="XB", quantity="6")
    world.meet()
    (first, _) = documents_of(world, "XB")
    salts = {one.permit_salt for one in documents_of(world, "XB")}
    permit = world["XB"].database.read_now(documents.find, issued.source.document)
    assert permit is not None
    assert len({permit.permit_salt, *salts}) == 3
    assert first.recipients == ("XA", "XD")
    header = read_document(first.xml).header
    assert (header.permit_issuer, header.permit_type, header.permit_number, header.permit_year) == (
        "XB",
        "R",
        "26XB1",
        2026,
    )


def documents_of(world: World, party: str) -> list[documents.HeldDocument]:
    found, _ = world[party].database.read_now(documents.feed, party, codes={"XA"}, start=0, size=100, limit=100)
    return [one for one in found if one.type == "permit-extract"]


@pytest.mark.parametrize(
    ("why", "members", "told"),
    [
        ("transit", {"transit": ["XD"]}, ("XD",)),
        ("origin", {"lines": [{"origin": {"country": "XC", "permit": "1"}}]}, ("XC",)),
        ("last re-export", {"lines": [{"last_reexport": {"country": "XC", "permit": "1"}}]}, ("XC",)),
        ("each once", {"transit": ["XD", "XC"], "lines": [{}, {"origin": {"country": "XC"}}]}, ("XC", "XD")),
        ("nobody beside who receives the permit", {"transit": ["XB"]}, ()),
        ("not the writer", {"transit": ["XA"], "lines": [{"origin": {"country": "XA"}}]}, ()),
        ("multiple use", {"multi_use": True, **BY_WAY_OF_XD}, ()),
        ("no countries", {"lines": [{"origin": {"country": "XX"}}, {"origin": {"country": "ZZ"}}]}, ()),
        ("nothing of a country", {"transit": ["somewhere"]}, ()),
        ("an import permit", {"type": "I", **BY_WAY_OF_XD, "exporter": {"country": "XC"}}, ("XD",)),
    ],
)
def test_who_is_told(why: str, members: dict[str, Any], told: tuple[str, ...]) -> None:
    """By the boxes of the permit alone."""
    assert audience.of_extract(permit_of("XA", **members), writer={"XA"}) == told, why


def test_an_ordinary_permit_is_told_to_nobody(world: World) -> None:
    """Nothing is due, and nothing was written for it."""
    world.publish("XA", number="26XA1")
    world.publish("XA", number="26XA2", multi_use=True, **BY_WAY_OF_XD)
    world.endorse("XA", "26XA1")
    world.endorse("XA", "26XA2")
    assert due(world, "XA") == 0
    world.meet()
    assert written(world, "XA") == 0


def test_a_permit_of_which_an_extract_is_held_was_issued(world: World) -> None:
    """XD lacks XA's permit and reads all of XA's register of the day that a paper gives: but the number is no forgery.

    It is the date that is wrong, and only XA can say so.
    """
    ref = PermitRef(issuer="XA", number="26XA1", type="E", issued_on=date(2026, 3, 20))
    world.publish("XA", number="26XA1", **BY_WAY_OF_XD)
    world.meet()
    world.wait(days=20)
    world.meet()
    assert world["XD"].database.read_now(absent, world, replace(ref, number="26XA9"))
    assert not world["XD"].database.read_now(absent, world, ref)
    assert world.status("XD", "26XA9", type="E", issued_on=ref.issued_on).status is Status.NOT_ISSUED
    assert world.status("XD", "26XA1", type="E", issued_on=ref.issued_on).status is Status.UNKNOWN
    for number in ("26XA1", "26XA9"):
        world.confirm("XD", number, date="2026-03-21", permit={"type": "E", "issued_on": "2026-03-20"})
    world.wait(hours=80)
    world["XD"].database.write_now(revisit, world["XD"].perspective(), now=world.now)
    found = [f.subject.number for f in world.findings("XD").values() if f.pattern == "FRD-05"]
    assert found == ["26XA9"]


def absent(session: Session, world: World, ref: PermitRef) -> bool:
    return is_known_absent(session, world["XD"].keyring(), "XD", ref, now=world.now)


def test_an_extract_that_came_late_takes_the_suspicion_away(world: World) -> None:
    """The findings are those of all documents, whichever came first."""
    world.confirm("XD", "26XA1", permit={"type": "E", "issued_on": "2026-03-02"})
    world.wait(hours=80)
    world.meet()
    assert [f.pattern for f in world.findings("XA").values() if f.state.value == "open"] == ["FRD-05"]
    world.publish("XA", number="26XA1", **BY_WAY_OF_XD)
    world.meet()
    for party in ("XA", "XD"):
        assert not [f for f in world.findings(party).values() if f.pattern == "FRD-05" and f.state.value == "open"]


def test_an_extract_by_somebody_else_is_refused(world: World) -> None:
    """XC cannot tell of a permit of XB."""
    reexport(world)
    publish_due(world["XB"], now=world.now)
    (genuine,) = documents_of(world, "XB")
    told = read_document(genuine.xml).body
    forged = prepare(
        world["XC"].own,
        told,
        type_=DocumentType.EXTRACT,
        subject=NumberRef(issuer="XB", number="26XB1", type="R", year=2026),
        recipients=["XA"],
        now=world.now,
    )
    world["XC"].database.write_now(record_own, world["XC"].perspective(), world["XC"].own, forged, now=world.now)
    world.pull(world["XA"], world["XC"])
    (aside,) = world["XA"].database.read_now(documents.quarantined)
    assert (aside[0], aside[1], aside[2]) == ("XC", forged.sha256, "KEY_WRONG_PARTY")
    assert held(world, "XA", "26XB1", "XB") is None


def test_nothing_is_written_where_others_would_not_take_it(world: World) -> None:
    """The manifest of an earlier release does not let the key sign extracts: they wait for the next manifest."""
    reexport(world)
    office = world["XB"]
    manifest = office.keyring().manifests["XB"]
    (entry,) = manifest.permit_keys
    few = entry.model_copy(update={"uses": tuple(use for use in entry.uses if use != "permit-extract")})
    earlier = Keyring({"XB": manifest.model_copy(update={"permit_keys": (few,)})})
    old = replace(office, own=replace(office.own, keys=earlier))
    assert (publish_due(old, now=world.now), due(world, "XB")) == (0, 1)
    assert (publish_due(office, now=world.now), due(world, "XB")) == (1, 0)


def test_two_processes_at_once_write_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both signed one; the second to come to the writer sees that nothing is left to be told."""
    reexport(world)
    real = extracts_act.prepare

    def slowly(*arguments: Any, **more: Any) -> Prepared:
        monkeypatch.setattr(extracts_act, "prepare", real)
        assert publish_due(world["XB"], now=world.now) == 1
        return real(*arguments, **more)

    monkeypatch.setattr(extracts_act, "prepare", slowly)
    assert publish_due(world["XB"], now=world.now) == 0
    assert (written(world, "XB"), due(world, "XB")) == (1, 0)


def test_what_changed_meanwhile_is_told_by_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goods leave while the extract is signed: it would not be true any more, and is not entered."""
    reexport(world)
    real = extracts_act.prepare

    def slowly(*arguments: Any, **more: Any) -> Prepared:
        monkeypatch.setattr(extracts_act, "prepare", real)
        world.endorse("XB", "26XB1", issuer="XB", quantity="6")
        return real(*arguments, **more)

    monkeypatch.setattr(extracts_act, "prepare", slowly)
    assert (publish_due(world["XB"], now=world.now), due(world, "XB")) == (0, 1)
    world.meet()
    assert counted(held(world, "XA", "26XB1", "XB")) == ("6", "0")
    assert written(world, "XB") == 1


def test_many_are_written_in_some_transactions(world: World) -> None:
    """All of them in one round, under one checkpoint."""
    for number in range(AT_ONCE + 3):
        world.publish("XA", number=f"26XA{number}", **BY_WAY_OF_XD)
    beats: list[None] = []
    assert publish_due(world["XA"], now=world.now, progress=lambda: beats.append(None)) == AT_ONCE + 3
    assert (len(beats), due(world, "XA")) == (2, 0)
    state = world["XA"].database.read_now(register.state, "XA")
    assert state is not None
    assert state.checkpoint_size == state.edge.size == 2 * (AT_ONCE + 3)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_only_what_is_told_to_others_costs_a_statement(world: World) -> None:
    """A permit without origin and transit is published without a look at extracts, and so is what happens to it."""
    with statements(world["XA"].database) as seen:
        world.publish("XA", number="26XA1")
        world.endorse("XA", "26XA1")
    assert not [statement for statement in seen if "extract" in statement.replace("permit-extract", "")]
    with statements(world["XA"].database) as seen:
        world.publish("XA", number="26XA2", **BY_WAY_OF_XD)
    assert len([statement for statement in seen if "extract" in statement]) == 1


def test_an_extract_that_is_shown_is_a_signed_document_and_no_permit(world: World) -> None:
    """XA believes it and does not hold the permit; its issuer knows what became of that; forged ones are nobody's."""
    reexport(world)
    world.meet()
    (one,) = documents_of(world, "XB")
    for party, status in (("XA", Status.UNKNOWN), ("XB", Status.VALID)):
        answer = world.verdict(party, one.xml)
        assert (answer.signature, answer.status) == ("VALID", status)
    assert world.verdict("XA", one.xml.replace(b">0<", b">9<")).signature == "INVALID"
