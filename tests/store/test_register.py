"""Registers as they are stored: leaves, the hashes over them, and who writes what about them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import StoreError
from epix_node.register.entry import Leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.register.proof import inclusion_proof, tree_root, verify_inclusion
from epix_node.register.tiles import TILE_WIDTH, decode_tile
from epix_node.store import register
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned, Signed, record_path
from epix_node.store.register import RegisterState, StoredHashes
from tests.stores import STORES, open_store

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
_parties = (f"{a}{b}" for a, b in itertools.product("ABCDEFGHIJKLMNOPQRSTUVWXYZ", repeat=2))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(open_store(tmp_path_factory.mktemp("store") / "store.sqlite")) as opened:
        yield opened


def leaf(number: int, *, at: datetime = NOW) -> Leaf:
    secret = number.to_bytes(32, "big")
    return Leaf(at=at, c=secret[::-1], d=secret, environment="sandbox", party="XA")


def root_of(leaves: list[bytes]) -> bytes:
    return RightEdge.empty().extended(map(leaf_hash, leaves)).root()


@settings(max_examples=15)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4), st.integers(0, 600))
def test_the_tree_does_not_depend_on_how_the_leaves_came(database: Database, pieces: list[int], dropped: int) -> None:
    """In any pieces, also where some were dropped and others took their places: every root is that of the leaves."""
    party = next(_parties)

    def work(session: Session) -> None:
        leaves: list[bytes] = []
        for number, piece in enumerate(pieces):
            added = [b"%d %d" % (number, n) for n in range(piece)]
            register.append(session, party, len(leaves), added)
            leaves += added
            assert tree_root(StoredHashes(session, party, len(leaves)), len(leaves)) == root_of(leaves)
        kept = max(0, len(leaves) - dropped)
        register.drop_from(session, party, kept)
        leaves = [*leaves[:kept], *(b"other %d" % n for n in range(dropped + 1))]
        register.append(session, party, kept, leaves[kept:])
        hashes = StoredHashes(session, party, len(leaves))
        root = root_of(leaves)
        assert tree_root(hashes, len(leaves)) == root
        for index in (0, len(leaves) // 2, len(leaves) - 1):
            proof = inclusion_proof(hashes, index=index, size=len(leaves))
            verify_inclusion(leaf_hash=leaf_hash(leaves[index]), index=index, size=len(leaves), proof=proof, root=root)

    database.write_now(work)


def test_a_tile_is_there_as_far_as_it_is_held(database: Database) -> None:
    """Level 0 from the leaves, level 1 from the subtrees that they complete."""
    party = next(_parties)
    leaves = [b"%d" % n for n in range(2 * TILE_WIDTH + 10)]
    database.write_now(register.append, party, 0, leaves)

    def tile(level: int, n: int, width: int) -> tuple[bytes, ...] | None:
        data = database.read_now(register.tile, party, level, n, width)
        return None if data is None else decode_tile(data, width=width)

    assert tile(0, 2, 10) == tuple(map(leaf_hash, leaves[-10:]))
    assert tile(0, 2, 11) is None
    assert tile(1, 0, 2) == (root_of(leaves[:256]), root_of(leaves[256:512]))
    assert tile(1, 0, 1) == (root_of(leaves[:256]),)
    assert tile(1, 0, 3) is None
    with pytest.raises(LookupError):
        database.read_now(lambda session: StoredHashes(session, party, 600).subtree(0, 530))


def test_who_writes_a_column_leaves_the_others_alone(database: Database) -> None:
    """A mirror's state, the own edge, witnesses and what stops signing are written by different hands."""
    party = next(_parties)
    edge = RightEdge.empty().extended([leaf_hash(b"0")])
    first = RegisterState(party=party, origin="o", edge=edge, checkpoint_size=1, checkpoint=b"note", cosigned_at=NOW)

    def work(session: Session) -> RegisterState | None:
        register.put_state(session, first)
        register.put_witnessed(session, party, b"witnessed", 1)
        register.halt(session, party, "o", "RECOVERY: why")
        register.put_state(session, first)
        register.put_edge(session, party, "o", edge)
        register.put_witnessed(session, party, b"smaller", 0)
        return register.state(session, party)

    held = database.write_now(work)
    assert held is not None
    assert (held.edge, held.checkpoint, held.cosigned_at) == (edge, b"note", NOW)
    assert (held.witnessed_size, held.witnessed) == (1, b"witnessed")
    assert (held.halted, held.is_sealed) == ("RECOVERY: why", False)


def test_an_entry_is_found_by_what_it_commits_to(database: Database) -> None:
    """Among those accepted about that time, in the part that a checkpoint covers."""
    party = next(_parties)
    leaves = [leaf(n, at=NOW + timedelta(minutes=n)) for n in range(300)]
    data = [one.to_bytes() for one in leaves]
    edge = RightEdge.empty().extended(map(leaf_hash, data))

    def work(session: Session) -> None:
        register.append(session, party, 0, data)
        state = RegisterState(
            party=party, origin="o", edge=edge, checkpoint_size=299, checkpoint=None, cosigned_at=None
        )
        register.put_state(session, state)

    database.write_now(work)

    def committing(number: int, *, since: int = 0, until: int = 400) -> tuple[int, Leaf] | None:
        span = {"since": NOW + timedelta(minutes=since), "until": NOW + timedelta(minutes=until)}
        return database.read_now(register.committing, party, leaves[number].d, **span)

    assert committing(200) == (200, leaves[200])
    assert committing(200, since=215) is None
    assert committing(200, until=180) is None
    assert committing(299) is None
    assert committing(200, since=195, until=205) == (200, leaves[200])


def test_the_record_stands_beside_the_database(tmp_path: Path) -> None:
    """It is made with the first signature; another process reads the same."""
    with closing(open_store(tmp_path / "store.sqlite")) as database:
        record = LastSigned(database)
        assert record.read("o") is None
        if not STORES.is_postgresql:
            assert record.path == record_path(tmp_path / "store.sqlite")
            assert not record.path.exists()
        first = Signed(origin="o", size=1, root=bytes(32), note=b"note")
        assert record.swap(None, first)
        second = Signed(origin="o", size=2, root=bytes(32), note=b"note 2")
        assert record.swap(first, second)
        assert not record.swap(first, second)
        other = LastSigned(database)
        assert other.read("o") == second
        assert other.read("p") is None
        other.close()
        record.close()


@pytest.mark.sqlite("the record is a file")
def test_a_damaged_record_says_what_to_do(tmp_path: Path) -> None:
    """Without that, whoever runs the node has a node that does not start, and no way out."""
    with closing(open_store(tmp_path / "node.sqlite")) as database, closing(LastSigned(database)) as record:
        assert record.path is not None
        record.path.write_bytes(b"no database" * 100)
        with pytest.raises(StoreError, match="move it away"):
            record.read("log.example/1")
