"""The own register is signed once for each size, whatever fails when; the table is in the manner of sunlight's.

`World.publish` is the whole way of a permit: accepting transaction, last-signed record, checkpoint. Each of the three
writes fails both ways: nothing is persisted, or everything is and nobody is told. Then the node is started again.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import delete, event, update

from epix_node.acts.office import Office
from epix_node.errors import StoreError
from epix_node.exchange.audit import audit_all, without_progress
from epix_node.exchange.own import OwnRegister
from epix_node.exchange.sequencer import COSIGN_EVERY, Sequencer
from epix_node.register import merkle
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body, sign_checkpoint
from epix_node.register.cosignature import Cosigner
from epix_node.register.entry import Leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.register.note import Note, NoteSignature, NoteSigner, format_note, parse_note
from epix_node.store import pending, register
from epix_node.store.columns import table
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned
from epix_node.store.register_tables import EntryRow, RegisterRow, SubtreeRow
from epix_node.trust.keys import generate_ed25519_key
from tests.acts.conftest import START, Keys, World, make_keys, open_world

ENTRY, SUBTREE, REGISTER = table(EntryRow), table(SubtreeRow), table(RegisterRow)


class Witnessed(NoteSigner):
    """The log's signer, and every body that it ever signed, published or not."""

    signed: ClassVar[list[str]] = []

    def sign(self, body: str) -> NoteSignature:
        self.signed.append(body)
        return super().sign(body)


@pytest.fixture(scope="module")
def keys() -> Keys:
    return make_keys("XA")


@pytest.fixture
def world(tmp_path: Path, keys: Keys) -> Iterator[World]:
    """XA alone, whose signatures are counted."""
    Witnessed.signed = []
    log = Witnessed(keys.log.name, keys.log.private_key)
    made = open_world(tmp_path, [dataclasses.replace(keys, log=log)])
    yield made
    made.close()


def restart(world: World) -> Office:
    """As a new process: what it remembers is in the database and the record."""
    old = world["XA"]
    url = old.database.url
    world.close()
    database = Database(url)
    sequencer = Sequencer(database, LastSigned(database), old.own)
    world.offices["XA"] = dataclasses.replace(old, database=database, sequencer=sequencer)
    sequencer.look(now=world.now)
    return world["XA"]


def held(office: Office) -> register.RegisterState:
    state = office.database.read_now(register.state, office.party)
    assert state is not None
    return state


def assert_sound(office: Office, *, size: int, now: Any = START) -> None:
    """`register check` is clean, everything is under the newest checkpoint, and no size was signed with two roots."""
    state = held(office)
    assert (state.edge.size, state.checkpoint_size, state.halted) == (size, size, None)
    (audit,) = audit_all(office.database, office.sequencer.record, office.party, now=now, progress=without_progress)
    assert audit.problems == ()
    assert (audit.entries, audit.documents) == (size, size)
    assert_one_history()


def assert_one_history() -> None:
    roots: dict[int, set[bytes]] = {}
    for checkpoint in map(parse_checkpoint_body, Witnessed.signed):
        roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    assert all(len(known) == 1 for known in roots.values())


def fail(
    target: Any, name: str, monkeypatch: pytest.MonkeyPatch, *, is_persisted: bool, only: str | None = None
) -> None:
    """The next call of this method fails, before or after it did its work; those after it do not."""
    real, is_done = getattr(target, name), False

    def failing(*args: Any, **kwargs: Any) -> Any:
        nonlocal is_done
        if is_done or (only is not None and getattr(args[0], "__name__", "") != only):
            return real(*args, **kwargs)
        is_done = True
        if is_persisted:
            real(*args, **kwargs)
        raise StoreError("the disk was full")

    monkeypatch.setattr(target, name, failing)


FAULTS: dict[str, Callable[[Office], tuple[Any, str, str | None]]] = {
    "accept": lambda office: (office.database, "write_now", "_enter_permit"),
    "record": lambda office: (office.sequencer.record, "swap", None),
    "checkpoint": lambda office: (office.database, "write_now", "_put"),
}


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("again", ["restart", "retry"])
@pytest.mark.parametrize("is_persisted", [False, True], ids=["nothing persisted", "persisted but unreported"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_loses_nothing_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str, again: str, before: int, *, is_persisted: bool
) -> None:
    """The act fails, is done again, and is in the register once; so is what was acknowledged before, and what follows.

    Whether the node was started again in between makes no difference.
    """
    office = world["XA"]
    known = [world.publish("XA", number=f"26XA{n}").source for n in range(before)]
    target, name, only = FAULTS[fault](office)
    with monkeypatch.context() as patched:
        fail(target, name, patched, is_persisted=is_persisted, only=only)
        with pytest.raises(StoreError):
            world.publish("XA", number="26XA7")
    if again == "restart":
        office = restart(world)
    done = world.publish("XA", number="26XA7").source
    after = world.publish("XA", number="26XA8").source
    assert [source.index for source in (*known, done, after)] == list(range(before + 2))
    assert_sound(office, size=before + 2)


@pytest.mark.parametrize("fault", ["record", "checkpoint"])
@pytest.mark.parametrize("is_persisted", [False, True], ids=["nothing persisted", "persisted but unreported"])
def test_what_was_committed_and_not_signed_is_in_the_next_checkpoint(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str, *, is_persisted: bool
) -> None:
    """The act is not done again: whoever signs next covers its entry all the same."""
    target, name, only = FAULTS[fault](world["XA"])
    with monkeypatch.context() as patched:
        fail(target, name, patched, is_persisted=is_persisted, only=only)
        with pytest.raises(StoreError):
            world.publish("XA")
    office = restart(world)
    office.sequencer.publish(now=world.now)
    assert_sound(office, size=1)
    if is_persisted:  # the recorded note is the one that is published
        assert len(Witnessed.signed) == 1


def test_an_act_that_is_done_again_is_covered_before_it_is_acknowledged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is found, so nothing is written; but its entry may be in no checkpoint yet."""
    office = world["XA"]
    with monkeypatch.context() as patched:
        fail(office.sequencer.record, "swap", patched, is_persisted=False)
        with pytest.raises(StoreError):
            world.publish("XA")
    assert held(office).checkpoint_size == 0
    again = world.publish("XA")
    assert not again.created
    assert held(office).checkpoint_size == 1


def test_many_acceptances_at_once_share_signatures(world: World) -> None:
    """Each is answered after a checkpoint that covers it, and there are fewer signatures than entries."""
    office = world["XA"]
    ready = threading.Barrier(20)

    def accept(number: int) -> bool:
        entry = Leaf(at=START, c=bytes(32), d=number.to_bytes(32, "big"), environment="sandbox", party="XA").to_bytes()
        ready.wait()
        index = office.write(START, append, office, [entry])
        return held(office).checkpoint_size > index

    with ThreadPoolExecutor(20) as threads:
        assert all(threads.map(accept, range(20)))
    assert held(office).checkpoint_size == 20
    assert len(Witnessed.signed) < 20
    assert_one_history()


def append(session: Session, office: Office, entries: list[bytes]) -> int:
    """Entries without documents; returns the index of the first."""
    state = register.state(session, office.party)
    edge = state.edge if state is not None else RightEdge.empty()
    register.append(session, office.party, edge.size, entries)
    register.put_edge(session, office.party, office.own.origin, edge.extended(map(leaf_hash, entries)))
    return edge.size


def test_two_processes_sign_one_history(world: World) -> None:
    """Each has its own lock and its own connection to the record; they take turns, and none overtakes the other."""
    first = world["XA"]
    database = Database(first.database.url)
    record = LastSigned(database)
    second = dataclasses.replace(first, database=database, sequencer=Sequencer(database, record, first.own))

    def accept(office: Office, number: int) -> bool:
        entry = Leaf(at=START, c=bytes(32), d=number.to_bytes(32, "big"), environment="sandbox", party="XA").to_bytes()
        index = office.write(START, append, office, [entry])
        return held(office).checkpoint_size > index

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(accept, [first, second] * 10, range(20)))
    assert held(first).checkpoint_size == 20
    assert held(first).halted is None
    assert_one_history()
    record.close()
    database.close()


def test_of_two_who_sign_at_once_one_is_told(world: World) -> None:
    """The record is compared and swapped: the second finds it changed, looks again, and signs nothing of its own."""
    office = world["XA"]
    world.publish("XA")
    record, origin = office.sequencer.record, office.own.origin
    before = record.read(origin)
    assert before is not None
    office.database.write_now(append, office, [b"an entry"])
    office.sequencer.publish(now=world.now)
    assert not record.swap(before, dataclasses.replace(before, size=5))
    assert not record.swap(None, before)
    newest = record.read(origin)
    assert newest is not None
    assert newest.size == 2
    with pytest.raises(ValueError, match="never goes back"):
        record.swap(newest, before)
    with pytest.raises(ValueError, match="two roots"):
        record.swap(newest, dataclasses.replace(newest, root=bytes(32)))


# What does not agree with the record


def _lose_record(office: Office) -> None:
    record = office.sequencer.record
    with record.database.engine.begin() as connection:
        connection.execute(delete(record._table))


def _restore_an_old_backup(office: Office) -> None:
    def work(session: Session) -> None:
        register.drop_from(session, "XA", 1)
        edge = register.edge_of(session, "XA", 1)
        values = {"size": 1, "edge": edge.to_bytes(), "checkpoint_size": 0, "checkpoint": None}
        session.core.execute(update(REGISTER).values(**values))

    office.database.write_now(work)


def _take_the_record_back(office: Office) -> None:
    own, record = office.own, office.sequencer.record
    root = office.database.read_now(register.edge_of, "XA", 1).root()
    note = sign_checkpoint(
        Checkpoint(origin=own.origin, size=1, root=root),
        log=NoteSigner(own.log.name, own.log.private_key),
        cosigner=own.cosigner,
        at=START,
    )
    with record.database.engine.begin() as connection:
        connection.execute(update(record._table).values(size=1, root=root, note=note))


def _change(statement: Any) -> Callable[[Office], None]:
    return lambda office: office.database.write_now(lambda session: session.core.execute(statement) and None)


OTHER = Leaf(at=START, c=bytes(32), d=bytes(32), environment="sandbox", party="XA").to_bytes()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_lose_record, "is gone"),
        (_restore_an_old_backup, "2 entries were signed, and 1 are held"),
        (_take_the_record_back, "1 entries were signed last, the register 2"),
        (_change(update(ENTRY).where(ENTRY.c.index == 0).values(leaf=OTHER)), "do not lead to the root"),
        (_change(delete(ENTRY).where(ENTRY.c.index == 1)), "is not held"),
    ],
    ids=["no record", "an old backup", "the record is behind", "another entry", "no entry"],
)
def test_a_register_that_is_not_what_was_signed_signs_nothing_more(
    world: World, harm: Callable[[Office], None], reason: str
) -> None:
    """It goes on accepting: what comes has no index and waits; and its reason is told."""
    for number in ("26XA1", "26XA2"):
        world.publish("XA", number=number)
    harm(world["XA"])
    signed = len(Witnessed.signed)
    office = restart(world)
    state = held(office)
    assert state.halted is not None
    assert state.halted.startswith("RECOVERY: ")
    assert reason in state.halted
    waiting = world.publish("XA", number="26XA3")
    assert (waiting.created, waiting.source.index) == (True, None)
    assert not world.publish("XA", number="26XA3").created
    assert office.database.read_now(pending.count, "XA") == 1
    world.wait(hours=1)
    assert office.sequencer.publish(now=world.now).checkpoint == state.checkpoint
    assert len(Witnessed.signed) == signed
    assert held(office).edge == state.edge


def test_harm_while_the_node_runs_is_seen_before_the_next_signature(world: World) -> None:
    """The bundles that changed are read back and checked each time."""
    office = world["XA"]
    world.publish("XA", number="26XA1")
    _change(update(ENTRY).where(ENTRY.c.index == 0).values(leaf=OTHER))(office)
    signed = len(Witnessed.signed)
    world.publish("XA", number="26XA2")
    assert held(office).halted is not None
    assert (held(office).checkpoint_size, len(Witnessed.signed)) == (1, signed)


def test_a_wrong_tile_is_never_published(world: World) -> None:
    """The hash of a bundle that just became full is checked against its entries before a root over it is signed."""
    office = world["XA"]
    office.database.write_now(append, office, [b"%d" % n for n in range(255)])
    office.sequencer.publish(now=world.now)
    office.database.write_now(append, office, [b"255", b"256"])
    _change(update(SUBTREE).values(hash=bytes(32)))(office)
    assert office.sequencer.publish(now=world.now).halted is not None
    assert [parse_checkpoint_body(body).size for body in Witnessed.signed] == [255]


def test_a_signature_that_does_not_verify_is_never_published(world: World) -> None:
    """A key that is not the manifest's: neither record nor register hear of what it signed."""
    office = world["XA"]
    cosigner = Cosigner(office.own.cosigner.name, generate_ed25519_key())
    wrong: OwnRegister = dataclasses.replace(office.own, cosigner=cosigner)
    sequencer = Sequencer(office.database, office.sequencer.record, wrong)
    with pytest.raises(RuntimeError, match="cannot verify what it signed"):
        sequencer.publish(now=world.now)
    assert office.sequencer.record.read(office.own.origin) is None
    assert office.database.read_now(register.state, "XA") is None


def test_a_database_from_before_the_record_goes_on(world: World) -> None:
    """Its checkpoint is where the record begins."""
    world.publish("XA", number="26XA1")
    _lose_record(world["XA"])
    _change(update(REGISTER).values(is_sealed=False))(world["XA"])
    office = restart(world)
    assert world.publish("XA", number="26XA2").source.index == 1
    assert_sound(office, size=2)
    assert held(office).is_sealed


def test_nothing_new_is_signed_again_after_ten_minutes(world: World) -> None:
    """Others know by that how recent the silence is (decision 5); what they cosigned stays."""
    office = world["XA"]
    world.publish("XA")
    first = office.sequencer.publish(now=world.now)
    assert first.checkpoint is not None
    other = Cosigner("xb.example/witness", generate_ed25519_key())
    note = parse_note(first.checkpoint)
    theirs = other.sign(note.body, at=START)
    both = format_note(Note(body=note.body, signatures=(*note.signatures, theirs)))
    _change(update(REGISTER).values(checkpoint=both))(office)
    world.now += COSIGN_EVERY - timedelta(seconds=1)
    assert office.sequencer.publish(now=world.now).checkpoint == both
    world.now += timedelta(seconds=1)
    second = office.sequencer.publish(now=world.now)
    assert second.checkpoint is not None
    assert second.cosigned_at == world.now
    assert theirs in parse_note(second.checkpoint).signatures
    assert_sound(office, size=1)


def test_an_empty_register_is_signed_too(world: World) -> None:
    """So that a new Party is heard of before its first permit."""
    state = world["XA"].sequencer.publish(now=world.now)
    assert (state.checkpoint_size, state.is_sealed) == (0, True)
    assert world.publish("XA").source.index == 0
    assert_sound(world["XA"], size=1)


# What it costs


@contextmanager
def counting(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    counts, seen = {"hashes": 0, "statements": 0}, dict[str, Any]()

    def hashing(*args: Any) -> Any:
        counts["hashes"] += 1
        return sha256(*args)

    def statement(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: Any) -> None:
        if context is None or context is not seen.get("last"):  # an engine and its variant both tell of it
            counts["statements"] += 1
        seen["last"] = context

    backends = (office.database._backend, office.sequencer.record.database._backend)
    engines = {id(engine): engine for backend in backends for engine in (backend.writing, backend.reading)}
    for engine in engines.values():
        event.listen(engine, "before_cursor_execute", statement)
    with monkeypatch.context() as patched:
        patched.setattr(merkle, "sha256", hashing)
        yield counts
    for engine in engines.values():
        event.remove(engine, "before_cursor_execute", statement)


def test_what_a_signature_costs_does_not_depend_on_the_size_of_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: hashes and statements for one entry at 1,000 and at 100,000."""
    office = world["XA"]
    costs = []
    for size in (1_000, 100_000):
        have = 0 if size == 1_000 else 1_001
        leaves = [b"%d" % n for n in range(have, size)]
        office.database.write_now(append, office, leaves)
        office.sequencer.publish(now=world.now)
        with counting(office, monkeypatch) as counts:
            office.write(world.now, append, office, [b"one more"])
        costs.append(dict(counts))
    small, large = costs
    assert 5 < small["statements"] < 20
    assert large["statements"] <= small["statements"] + 1  # a level of tiles more
    assert large["hashes"] < 2_000
    assert small["hashes"] < 2_000
    assert held(office).checkpoint_size == 100_001
