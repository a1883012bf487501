"""The Merkle tree hashes equal RFC 6962, however the leaves arrive."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.register.merkle import EMPTY_ROOT, RightEdge, leaf_hash, node_hash

# Made with sha256sum: entries "a", "b", "c", "d", "e".
ROOTS_OF_ABCDE = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c",
    "b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb",
    "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1",
    "33376a3bd63e9993708a84ddfe6c28ae58b83505dd1fed711bd924ec5a6239f0",
    "fe14a5426fbd70c0fa73f52342afed0da0bd23c4838662ccf6b88a3070ead97b",
)

entries = st.lists(st.binary(max_size=6), max_size=70)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def edge_of(leaves: list[bytes]) -> RightEdge:
    return RightEdge.empty().extended(leaf_hash(leaf) for leaf in leaves)


@pytest.mark.parametrize("size", range(6))
def test_the_root_is_a_known_answer(size):
    """Roots of the trees over the first letters of the alphabet."""
    assert edge_of([b"a", b"b", b"c", b"d", b"e"][:size]).root().hex() == ROOTS_OF_ABCDE[size]


def test_the_roots_equal_the_public_known_answers(vectors):
    """Leaf, node and root hashes of the Certificate Transparency test tree."""
    known = vectors("transparency-dev-merkle/rfc6962_known_answers.json")
    leaves = [bytes.fromhex(leaf) for leaf in known["leaves_hex"]]
    assert [leaf_hash(leaf).hex() for leaf in leaves] == known["leaf_hashes_hex"]
    assert [edge_of(leaves[:size]).root().hex() for size in range(len(leaves) + 1)] == known["root_by_size_hex"]
    assert EMPTY_ROOT.hex() == known["empty_root"]
    for case in known["hash_leaf"]:
        assert leaf_hash(case["data_utf8"].encode()).hex() == case["hash"]
    for case in known["hash_children"]:
        assert node_hash(case["left_utf8"].encode(), case["right_utf8"].encode()).hex() == case["hash"]


@given(entries)
@settings(max_examples=80)
def test_the_root_equals_the_recursive_definition(leaves):
    """The right edge is a faster way to the same hash."""
    assert edge_of(leaves).root() == naive_root(leaves)


@given(entries, st.integers(0, 70), st.integers(0, 70))
@settings(max_examples=80)
def test_extending_in_pieces_equals_extending_at_once(leaves, first, second):
    """A puller may stop anywhere and go on later."""
    low, high = sorted((first, second))
    hashes = [leaf_hash(leaf) for leaf in leaves]
    pieces = RightEdge.empty().extended(hashes[:low]).extended(hashes[low:high]).extended(hashes[high:])
    assert pieces == RightEdge.empty().extended(hashes)


@given(entries)
@settings(max_examples=50)
def test_an_edge_survives_being_stored(leaves):
    """What to_bytes wrote, from_bytes reads."""
    edge = edge_of(leaves)
    assert RightEdge.from_bytes(edge.size, edge.to_bytes()) == edge


@pytest.mark.parametrize(
    ("size", "data"),
    [
        pytest.param(0, bytes(32), id="a hash too many"),
        pytest.param(3, bytes(32), id="a hash too few"),
        pytest.param(3, bytes(63), id="a broken hash"),
        pytest.param(-1, bytes(32), id="a negative size"),
        pytest.param(2**63, bytes(32), id="a size beyond 64 signed bits"),
    ],
)
def test_an_edge_that_contradicts_its_size_is_refused(size, data):
    """A damaged row must not become a tree."""
    with pytest.raises(ValueError, match=r"tree|right edge"):
        RightEdge.from_bytes(size, data)


def test_a_leaf_hash_of_another_length_is_refused():
    """An entry passed instead of its hash would make a tree that nobody else computes."""
    with pytest.raises(ValueError, match="leaf hash of 5 bytes"):
        RightEdge.empty().extended([b"entry"])


def test_extending_leaves_the_old_edge_as_it_was():
    """The stored edge stays usable when what came after it is thrown away."""
    edge = edge_of([b"a"])
    edge.extended([leaf_hash(b"b")])
    assert edge == edge_of([b"a"])
