"""`register check` and the daily scrub: every kind of harm is named, and a sound register has none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from epix_node.acts.office import Office
from epix_node.acts.scrub import SCRUB_EVERY, Interrupted, scrub
from epix_node.exchange.audit import Audit, audit_all, without_progress
from epix_node.register.entry import Leaf
from epix_node.register.merkle import leaf_hash
from epix_node.store import register, scrubs
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import ChainRow, EntryRow, RegisterRow, SubtreeRow
from epix_node.store.tables import DocumentRow
from tests.acts.conftest import START, World, make_keys, open_world

ENTRY, SUBTREE, REGISTER = table(EntryRow), table(SubtreeRow), table(RegisterRow)
DOCUMENT, CHAIN = table(DocumentRow), table(ChainRow)
OTHER = Leaf(at=START, c=bytes(32), d=bytes(32), environment="sandbox", party="XA").to_bytes()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """XA has a permit and its withdrawal in one chain, and another permit; XB mirrors them and has an entry itself."""
    made = open_world(tmp_path, [make_keys("XA"), make_keys("XB")])
    made.publish("XA", number="26XA1")
    made.publish("XA", number="26XA2")
    made.endorse("XA", "26XA1")
    made.meet(rounds=1)
    made.confirm("XB", "26XA1")
    made.meet(rounds=1)
    yield made
    made.close()


def audits(office: Office, **options: Any) -> dict[str, Audit]:
    progress = options.get("progress", without_progress)
    found = audit_all(office.database, office.sequencer.record, office.party, now=START, progress=progress)
    return {audit.party: audit for audit in found}


def test_a_sound_register_and_sound_mirrors_have_no_problems(world: World) -> None:
    """And everything was looked at."""
    for party, other in (("XA", "XB"), ("XB", "XA")):
        found = audits(world[party])
        assert list(found) == [party, other]
        assert all(audit.problems == () for audit in found.values())
        assert all(audit.roots == 1 for audit in found.values())
    assert (found["XA"].entries, found["XA"].documents, found["XB"].documents) == (3, 3, 1)


def run(office: Office, *statements: Any) -> None:
    def work(session: Session) -> None:
        for statement in statements:
            session.core.execute(statement)

    office.database.write_now(work)


HARM: dict[str, tuple[Any, str]] = {
    "another entry": (
        update(ENTRY).where(ENTRY.c.index == 2).values(leaf=OTHER, c_head=0),
        "the checkpoint of 3 entries has another root than the entries lead to",
    ),
    "an entry that is no leaf": (update(ENTRY).where(ENTRY.c.index == 1).values(leaf=b"x"), "entry 1 is no leaf"),
    "no entry": (delete(ENTRY).where(ENTRY.c.index == 1), "entry 1 is missing"),
    "another commitment": (
        update(ENTRY).where(ENTRY.c.index == 1).values(c_head=7),
        "entry 1 is found under another commitment than it has",
    ),
    "another document": (
        update(DOCUMENT).where(DOCUMENT.c.register_index == 0).values(xml=b"<x/>"),
        "entry 0 does not commit to document",
    ),
    "no document": (delete(DOCUMENT).where(DOCUMENT.c.register_index == 0), "entry 0 has no document"),
    "a document without entry": (
        update(DOCUMENT).where(DOCUMENT.c.register_index == 0).values(register_index=9),
        "has no entry",
    ),
    "another chain": (
        update(DOCUMENT).where(DOCUMENT.c.register_index == 2).values(permit_salt=bytes(16)),
        "entry 2 is not number 0 of its chain",
    ),
    "a chain that counts wrong": (update(CHAIN).values(length=9), "2 chains have another length than their entries"),
    "another right edge": (
        update(REGISTER).values(edge=bytes(64)),
        "the right edge is not what the entries lead to",
    ),
    "another size": (update(REGISTER).values(checkpoint_size=2), "and 2 are said to be under it"),
    "a checkpoint that is none": (update(REGISTER).values(checkpoint=b"x"), "the checkpoint cannot be read"),
    "a tile of nothing": (
        insert(SUBTREE).values(party="XA", level=1, index=0, hash=bytes(32)),
        "hash 0 of tile level 1 is of entries that are not held",
    ),
}


@pytest.mark.parametrize("harm", HARM)
def test_whatever_is_wrong_is_named(world: World, harm: str) -> None:
    """Each in a plain sentence, and the mirror of the other register stays clean where it was not touched."""
    statement, sentence = HARM[harm]
    office = world["XA"]
    of_own = statement.where(statement.table.c.party == "XA") if hasattr(statement, "where") else statement
    run(office, of_own)
    found = audits(office)
    assert any(sentence in problem for problem in found["XA"].problems), found["XA"].problems
    assert found["XB"].problems == ()
    assert [one.problems for one in office.database.read_now(scrubs.newest)] == [found["XA"].problems, ()]


def test_a_lost_record_is_named(world: World) -> None:
    """Without it the node would have to ask its witnesses before it signs."""
    record = world["XA"].sequencer.record
    with record.database.engine.begin() as connection:
        connection.execute(delete(record._table))
    assert audits(world["XA"])["XA"].problems == ("the record of the last signed checkpoint is gone",)


def test_tiles_of_every_level_are_derived(world: World) -> None:
    """66,000 entries of a mirror: 257 bundles and one subtree of 256 of them. What is said is all that is wrong."""
    office = world["XA"]
    leaf = Leaf(at=START, c=bytes(32), d=bytes(32), environment="sandbox", party="XC").to_bytes()

    def work(session: Session) -> None:
        register.append(session, "XC", 0, [leaf] * 200)  # in pieces that end within bundles
        register.append(session, "XC", 200, [leaf] * 65_800)
        edge = register.RightEdge.empty().extended([leaf_hash(leaf)] * 66_000)
        state = register.RegisterState(
            party="XC", origin="xc", edge=edge, checkpoint_size=66_000, checkpoint=None, cosigned_at=None
        )
        register.put_state(session, state)

    office.database.write_now(work)
    run(office, update(SUBTREE).where(SUBTREE.c.level == 1, SUBTREE.c.index == 256).values(hash=bytes(32)))
    run(office, delete(SUBTREE).where(SUBTREE.c.level == 2))
    assert audits(office)["XC"].problems == (
        "hash 0 of tile level 2 is not what the entries lead to, or is missing",
        "hash 256 of tile level 1 is not what the entries lead to, or is missing",
    )


def test_progress_is_told(world: World) -> None:
    """Entries of all registers together."""
    told: list[tuple[int, int]] = []
    audits(world["XA"], progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 4), (4, 4)]


def test_the_scrub_comes_once_a_day(world: World) -> None:
    """Whoever looked: a check by hand counts, too."""
    office = world["XA"]

    def due(**span: float) -> bool:
        return scrub(office, now=START + timedelta(**span), progress=without_progress)

    assert [due(), due(hours=23), due(hours=24), due(hours=25)] == [True, False, True, False]
    assert {one.at for one in office.database.read_now(scrubs.newest)} == {START + SCRUB_EVERY}


def test_an_interrupted_scrub_says_nothing(world: World) -> None:
    """The node ends; the next one begins anew."""

    def ends(_done: int, _total: int) -> None:
        raise Interrupted

    assert not scrub(world["XA"], now=START, progress=ends)
    assert world["XA"].database.read_now(scrubs.newest) == ()


def test_two_do_not_scrub_at_once(world: World) -> None:
    """One process is enough."""
    with world["XA"].database.once("scrub") as is_ours:
        assert is_ours
        assert not scrub(world["XA"], now=START, progress=without_progress)


def test_nothing_is_wrong_with_nothing(tmp_path: Path) -> None:
    """A new node."""
    world = open_world(tmp_path, [make_keys("XA")])
    assert audits(world["XA"]) == {}
    world.close()
