"""`kill -9` between any two writes: nothing acknowledged is lost, nothing is stored twice.

A child process kills itself just before the n-th statement or commit of an act, in the database or in the last-signed
record beside it; then the act is done again in this process, and the register is derived again from its leaves
(`register check`). Every n is tried until the act gets through.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from epix_node.acts.office import Office
from epix_node.acts.revocation import heed_revocations
from epix_node.exchange.audit import audit_all, without_progress
from epix_node.exchange.sequencer import Sequencer
from epix_node.register.checkpoint import parse_checkpoint_body
from epix_node.register.note import parse_note
from epix_node.store import orphans, register, revocations
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned
from epix_node.trust.keyring import Keyring
from epix_node.trust.succession import with_revocation

from .conftest import START, World, make_keys, open_world


def _publish(world: World) -> None:
    world.publish("XA")


def _confirm(world: World) -> None:
    world.confirm("XB", "26XA000001", event_id="E-1")


def _pull(world: World) -> None:
    world.pull(world["XB"], world["XA"])


def _die_before(statement: int, *databases: Database) -> None:
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    for engine in {id(database.engine): database.engine for database in databases}.values():
        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine, "commit", count)


def _survived(world: World, act: Callable[[World], None], party: str, statement: int) -> bool:
    """Run the act in a child that dies before this statement; true if the act got through first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child only runs the act
        child = os.fork()
    if child == 0:
        office = world[party]
        reopened = Database(office.database.url)
        record = LastSigned(reopened)
        _die_before(statement, reopened, record.database)
        sequencer = Sequencer(reopened, record, office.own)
        again = replace(office, database=reopened, sequencer=sequencer)
        act(replace(world, offices={**world.offices, party: again}))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGKILL
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def _check_sound(office: Office) -> None:
    """`register check` is clean once a node that starts has signed what was committed."""
    office.sequencer.look(now=START)
    state = office.sequencer.publish(now=START)
    assert state.halted is None
    assert state.checkpoint_size == state.edge.size
    audits = audit_all(office.database, office.sequencer.record, office.party, now=START, progress=without_progress)
    assert [audit.problems for audit in audits if audit.problems] == []


def _check_register(office: Office, *, size: int) -> None:
    """Every leaf, the right edge and the signed checkpoint agree, and every index has its one document."""

    def work(session: Session) -> None:
        held = register.state(session, office.party)
        assert held is not None
        assert held.checkpoint is not None
        signed = parse_checkpoint_body(parse_note(held.checkpoint).body)
        assert (signed.size, signed.root) == (held.edge.size, held.edge.root())
        assert held.edge.size == size
        assert not register.holds_unread(session, office.party, since=None, until=None)

    office.database.read_now(work)
    _check_sound(office)


@pytest.mark.parametrize(
    ("act", "party", "size"),
    [(_publish, "XA", 1), (_confirm, "XB", 1), (_pull, "XB", 1)],
    ids=["publish", "confirm", "pull"],
)
def test_death_between_any_two_writes_loses_nothing_and_doubles_nothing(
    world: World, tmp_path: Path, act: Callable[[World], None], party: str, size: int
) -> None:
    """After each crash what is held is sound; and in the end the act is done again, and succeeds once."""
    if act is not _publish:
        world.publish("XA")
    if act is _confirm:
        world.meet()
    deaths = 0
    while not _survived(world, act, party, deaths + 1):
        deaths += 1
        assert deaths < 500
        _check_sound(world[party])
    assert deaths > 10
    act(world)
    act(world) if act is not _publish else world.publish("XA")
    world.meet()
    if act is _pull:
        assert world.status("XB", "26XA000001").status.value == "VALID"
        _check_register(world["XA"], size=size)
    else:
        _check_register(world[party], size=size)
    assert world.patterns("XB") == []


def test_death_at_every_step_from_acceptance_to_checkpoint_leaves_one_history(world: World) -> None:
    """Each time with a permit of its own, so that every step is died in: statements and commits of both files.

    Whoever starts next signs what was committed; no index is used twice, and what was acknowledged is there.
    """
    office, signed = world["XA"], set()
    deaths = 0

    def publish(world: World) -> None:
        world.publish("XA", number=f"26XA{deaths}")

    while not _survived(world, publish, "XA", deaths + 1):
        _check_sound(office)
        record = office.sequencer.record.read(office.own.origin)
        assert record is not None
        signed.add((record.size, record.root))
        deaths += 1
        assert deaths < 500
    assert deaths >= 20
    acknowledged = world.publish("XA", number=f"26XA{deaths}")
    assert not acknowledged.created
    assert acknowledged.source.index is not None
    state = office.database.read_now(register.state, "XA")
    assert state is not None
    assert acknowledged.source.index == state.checkpoint_size - 1
    assert len(signed) == len({size for size, _ in signed})
    _check_sound(office)


def test_death_in_the_middle_of_a_revocation_leaves_the_rest_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before every single statement, each time on what the death before left; then heeded once more."""
    monkeypatch.setattr("epix_node.reconcile.revocation.MARKED_AT_ONCE", 2)
    monkeypatch.setattr("epix_node.reconcile.revocation.CASES_AT_ONCE", 1)
    keys = [make_keys(party) for party in ("XA", "XB")]
    world = open_world(tmp_path, keys)
    numbers = [f"26XA00000{n}" for n in range(1, 4)]
    for number in numbers:
        world.publish("XA", number=number)
    world.meet()
    world.confirm("XB", numbers[0], event_id="E-1")
    world.meet()
    manifest = keys[0].manifest
    revoked = with_revocation(manifest, manifest.permit_keys[0].kid, invalid_since=START, reason="stolen")
    keyring = Keyring({"XA": revoked, "XB": keys[1].manifest})
    world.offices["XB"] = replace(world["XB"], keyring=lambda: keyring)

    def heed(world: World) -> None:
        heed_revocations(world["XB"], now=world.now)

    deaths = 0
    while not _survived(world, heed, "XB", deaths + 1):
        deaths += 1
        assert deaths < 500
    assert deaths > 10
    heed(world)
    for number in numbers:
        answer = world.status("XB", number)
        assert (answer.status.value, answer.signature, answer.verdict.value) == ("UNKNOWN", "REVOKED_KEY", "NOT_VALID")
    database = world["XB"].database
    assert database.read_now(revocations.void_documents) == {"XA": 3}
    assert database.read_now(revocations.unsettled, limit=1) == []
    assert database.read_now(revocations.unswept) == []
    assert database.read_now(orphans.every) == [("XA", numbers[0])]
    world.close()
