"""The law of comparing: a log is convicted exactly where it forked, whatever the sizes, and never otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epix_node.federation import comparison
from epix_node.federation.comparison import Claim
from epix_node.register.checkpoint import Checkpoint
from epix_node.register.entry import Leaf
from epix_node.register.evidence import judge
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.register.note import Note, NoteSigner, format_note
from epix_node.store import conflicts, peers, register, sightings
from epix_node.store.database import Database
from epix_node.store.register import RegisterState
from tests.stores import url_for

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORIGIN = "xa.example/sandbox/register/XA"
LOG = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def entries(size: int, fork: int | None) -> list[bytes]:
    """A register of so many entries that is another one from entry ``fork`` on."""
    return [
        Leaf(
            at=NOW,
            c=sha256(f"c{i}".encode()).digest(),
            d=sha256(f"{'fork' if fork is not None and i >= fork else 'd'}{i}".encode()).digest(),
            environment="sandbox",
            party="XA",
        ).to_bytes()
        for i in range(size)
    ]


def signed(leaves: list[bytes]) -> tuple[Checkpoint, bytes]:
    edge = RightEdge.empty().extended(map(leaf_hash, leaves))
    checkpoint = Checkpoint(origin=ORIGIN, size=edge.size, root=edge.root())
    body = checkpoint.body()
    return checkpoint, format_note(Note(body=body, signatures=(LOG.sign(body),)))


def mirror_of(session, leaves: list[bytes]) -> None:
    """The database has this mirror of XA, and nothing else about it."""
    register.drop_from(session, "XA", 0)
    checkpoint, note = signed(leaves)
    register.append(session, "XA", 0, leaves)
    held = RegisterState(
        party="XA",
        origin=ORIGIN,
        edge=RightEdge.empty().extended(map(leaf_hash, leaves)),
        checkpoint_size=checkpoint.size,
        checkpoint=note,
        cosigned_at=None,
    )
    register.put_state(session, held)


class Undo(Exception):
    """Nothing of an example stays."""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database(url_for(tmp_path_factory.mktemp("comparison") / "node.sqlite"))
    yield made
    made.close()


sizes = st.one_of(st.integers(1, 20), st.sampled_from([255, 256, 257, 300, 511, 512, 513]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mirrored=sizes, claimed=sizes, fork=st.one_of(st.none(), st.integers(0, 520)))
def test_a_log_is_convicted_exactly_where_it_forked(database, mirrored, claimed, fork):
    """Up to the mirror's size the root decides; beyond it the claim waits, and is settled when the mirror has grown."""
    checkpoint, note = signed(entries(claimed, fork))
    claim = Claim(party="XA", checkpoint=checkpoint, key=LOG.verifier_key, note=note, source="XC")
    is_forked = fork is not None and fork < claimed

    def work(session):
        mirror_of(session, entries(mirrored, None))
        outcome = comparison.compared(session, [claim], own="XB", follows=lambda _: True)
        found = comparison.keep(session, outcome, now=NOW)
        if claimed <= mirrored:
            assert bool(found) is is_forked
            assert bool(outcome.agreed) is not is_forked
        else:
            assert not found
            assert [one.checkpoint for one in sightings.largest(session).values()] == [checkpoint]
            mirror_of(session, entries(claimed, None))
            later = comparison.settled(session, "XA", [LOG.verifier_key])
            found = comparison.keep(session, later, now=NOW)
            assert sightings.largest(session) == {}
        assert bool(found) is is_forked
        state = peers.state(session, "XA")
        assert (state is not None and state.frozen is not None) is is_forked
        assert len(conflicts.everything(session)) == is_forked
        for _, conflict in outcome.conflicts:
            assert judge(conflict, log_key=LOG.verifier_key).is_guilty
        raise Undo

    with pytest.raises(Undo):
        database.write_now(work)


@pytest.mark.parametrize("waits", [False, True])
def test_another_history_under_another_key_of_the_log_is_no_agreement(database, waits):
    """One key signed neither both, so nobody else can be shown it; who verified both freezes the Party all the same."""
    other = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
    checkpoint, _ = signed(entries(8, 3))
    note = format_note(Note(body=checkpoint.body(), signatures=(other.sign(checkpoint.body()),)))
    claim = Claim(party="XA", checkpoint=checkpoint, key=other.verifier_key, note=note, source="XC")

    def work(session):
        mirror_of(session, entries(5 if waits else 10, None))
        outcome = comparison.compared(session, [claim], own="XB", follows=lambda _: True)
        assert not outcome.agreed
        comparison.keep(session, outcome, now=NOW)
        if waits:
            mirror_of(session, entries(10, None))
            later = comparison.settled(session, "XA", [LOG.verifier_key, other.verifier_key])
            assert not later.is_empty
            comparison.keep(session, later, now=NOW)
        state = peers.state(session, "XA")
        assert state is not None
        assert state.frozen is not None
        assert "two keys" in state.frozen
        raise Undo

    with pytest.raises(Undo):
        database.write_now(work)
