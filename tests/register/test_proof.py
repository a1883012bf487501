"""Proofs of RFC 6962: made, they verify; changed in any way, they do not."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import ProofError
from epix_node.register.merkle import EMPTY_ROOT, MAX_TREE_SIZE, RightEdge, node_hash
from epix_node.register.proof import (
    MAX_PROOF_HASHES,
    consistency_proof,
    inclusion_proof,
    right_edge,
    roots_of_consistency,
    seeded_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.register.conftest import VECTORS
from tests.register.trees import Tree

TREE = Tree.of(130)


def accepted(verify, **claim) -> bool:
    """Whether `verify` returned; anything but ProofError is a mistake."""
    try:
        verify(**claim)
    except ProofError:
        return False
    return True


# The vectors of transparency-dev/merkle -----------------------------------------------------------------------------


def cases(kind: str):
    """Every file of this kind, with what it wants."""
    if not (VECTORS / "transparency-dev-merkle").exists():
        pytest.skip("test vectors transparency-dev-merkle are not beside this checkout")
    return sorted(
        str(path.relative_to(VECTORS)) for path in (VECTORS / "transparency-dev-merkle" / kind).rglob("*.json")
    )


def hashes(case) -> list[bytes]:
    return [b64decode(entry) for entry in case["proof"] or ()]


def consistency_verdict(case, old: int, new: int) -> bool:
    return accepted(
        verify_consistency,
        old_size=old,
        old_root=b64decode(case["root1"]),
        new_size=new,
        new_root=b64decode(case["root2"]),
        proof=hashes(case),
    )


def test_every_public_inclusion_vector_is_judged_as_it_wants(vectors):
    """98 files."""
    names = cases("inclusion")
    assert len(names) == 98
    for name in names:
        case = vectors(name)
        verdict = accepted(
            verify_inclusion,
            leaf_hash=b64decode(case["leafHash"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            proof=hashes(case),
            root=b64decode(case["root"]),
        )
        assert verdict is not case["wantErr"], name


def test_every_public_consistency_vector_is_judged_as_it_wants(vectors):
    """98 files, those of size 0 among them: see the size-0 policy below."""
    names = cases("consistency")
    assert len(names) == 98
    for name in names:
        case = vectors(name)
        assert consistency_verdict(case, case["size1"], case["size2"]) is not case["wantErr"], name


@pytest.mark.parametrize(
    ("old_size", "old_root", "new_size", "new_root", "proof"),
    [
        pytest.param(0, EMPTY_ROOT, 0, EMPTY_ROOT, [], id="the empty tree and itself"),
        pytest.param(0, EMPTY_ROOT, 1, TREE.root(1), [], id="a tree that grew out of nothing"),
        pytest.param(0, EMPTY_ROOT, 1, TREE.root(1), [TREE.root(1)], id="the same with a proof"),
    ],
)
def test_the_size_0_policy(old_size, old_root, new_size, new_root, proof):
    """At this layer a proof from size 0 is an error, however right its roots are, as in transparency-dev/merkle.

    An RFC-style verifier that accepts size 0 differs from their vectors in three cases, which are of these shapes. The
    witness protocol allows `old 0` with an empty proof, and decides that above this layer (test_witness).
    """
    claim = {"old_size": old_size, "old_root": old_root, "new_size": new_size, "new_root": new_root, "proof": proof}
    assert not accepted(verify_consistency, **claim)
    with pytest.raises(ValueError, match="expected 1 to"):
        consistency_proof(TREE, old_size=0, new_size=max(1, new_size))


def test_the_public_subtree_inclusion_vectors_are_judged_as_they_want(vectors):
    """A subtree is a tree whose leaves are counted from its start; which subtrees are valid, this test says."""
    names = cases("subtreeinclusion")
    assert len(names) == 204
    for name in names:
        case = vectors(name)
        start, end = case["start"], case["end"]
        length = end - start
        valid = 0 <= start < end and start % (1 << (length - 1).bit_length()) == 0
        verdict = valid and accepted(
            verify_inclusion,
            leaf_hash=b64decode(case["leafHash"]),
            index=case["leafIdx"] - start,
            size=length,
            proof=hashes(case),
            root=b64decode(case["root"]),
        )
        assert verdict is not case["wantErr"], name


def test_the_public_subtree_consistency_vectors_that_speak_of_prefixes_are_judged_as_they_want(vectors):
    """Those with start 0 and leaves are consistency proofs. This program has no others: 27 files are not for it."""
    names = cases("subtreeconsistency")
    assert len(names) == 118
    others = 0
    for name in names:
        case = vectors(name)
        if case["start"] == 0 and case["end"] > 0:
            assert consistency_verdict(case, case["end"], case["size"]) is not case["wantErr"], name
        else:
            others += 1
    assert others == 27


# Against the words of the RFC ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 127, 128, 129, 130])
def test_every_inclusion_proof_is_that_of_the_rfc_and_verifies(size):
    """For each leaf of the tree."""
    for index in range(size):
        proof = inclusion_proof(TREE, index=index, size=size)
        assert list(proof) == TREE.path(index, 0, size)
        verify_inclusion(leaf_hash=TREE.leaves[index], index=index, size=size, proof=proof, root=TREE.root(size))


@pytest.mark.parametrize("new_size", [*range(1, 40), 63, 64, 65, 127, 128, 129, 130])
def test_every_consistency_proof_is_that_of_the_rfc_and_verifies(new_size):
    """From each smaller tree, seeded and not."""
    for old_size in range(1, new_size + 1):
        proof = consistency_proof(TREE, old_size=old_size, new_size=new_size)
        assert list(proof) == TREE.subproof(old_size, 0, new_size, b=True)
        verify_consistency(
            old_size=old_size,
            old_root=TREE.root(old_size),
            new_size=new_size,
            new_root=TREE.root(new_size),
            proof=proof,
        )
        if old_size < new_size:
            seeded = seeded_proof(TREE, old_size=old_size, new_size=new_size)
            assert list(seeded) == TREE.subproof(old_size, 0, new_size, b=False)
            roots = roots_of_consistency(old_size=old_size, new_size=new_size, proof=seeded)
            assert roots == (TREE.root(old_size), TREE.root(new_size))


@pytest.mark.parametrize("size", range(131))
def test_a_reader_gives_the_root_and_the_right_edge(size):
    """As hashing all leaves does."""
    assert tree_root(TREE, size) == TREE.root(size)
    assert right_edge(TREE, size) == RightEdge.empty().extended(TREE.leaves[:size])


sizes = st.integers(2, 130)


@given(sizes, st.data())
@settings(max_examples=100)
def test_a_changed_inclusion_proof_fails(size, data):
    """A flipped bit anywhere, another index, another size, a hash more or less."""
    index = data.draw(st.integers(0, size - 1))
    claim = {
        "leaf_hash": TREE.leaves[index],
        "index": index,
        "size": size,
        "proof": list(inclusion_proof(TREE, index=index, size=size)),
        "root": TREE.root(size),
    }
    assert accepted(verify_inclusion, **claim)
    for change in (
        {"leaf_hash": flipped(claim["leaf_hash"], data)},
        {"root": flipped(claim["root"], data)},
        {"proof": with_flip(claim["proof"], data)},
        {"proof": claim["proof"][:-1]},
        {"proof": [*claim["proof"], EMPTY_ROOT]},
        {"proof": [claim["proof"][0][:31], *claim["proof"][1:]]},
        {"index": data.draw(st.integers(0, size - 1).filter(lambda other: other != index))},
        {"index": -1},
        {"index": size},
        {"size": 0},
    ):
        assert not accepted(verify_inclusion, **{**claim, **change}), change


@given(sizes, st.data())
@settings(max_examples=100)
def test_a_changed_consistency_proof_fails(new_size, data):
    """A flipped bit anywhere, another size, swapped roots, a hash more or less."""
    old_size = data.draw(st.integers(1, new_size - 1))
    claim = {
        "old_size": old_size,
        "old_root": TREE.root(old_size),
        "new_size": new_size,
        "new_root": TREE.root(new_size),
        "proof": list(consistency_proof(TREE, old_size=old_size, new_size=new_size)),
    }
    assert accepted(verify_consistency, **claim)
    for change in (
        {"old_root": flipped(claim["old_root"], data)},
        {"new_root": flipped(claim["new_root"], data)},
        {"old_root": claim["new_root"], "new_root": claim["old_root"]},
        {"proof": with_flip(claim["proof"], data)},
        {"proof": claim["proof"][:-1]},
        {"proof": [*claim["proof"], EMPTY_ROOT]},
        {"proof": [claim["proof"][0] + b"\x00", *claim["proof"][1:]]},
        {"old_size": 0},
        {"old_size": new_size + 1},
        {"old_size": new_size},
        {"old_size": -1},
        {"new_size": MAX_TREE_SIZE + 1},
    ):
        assert not accepted(verify_consistency, **{**claim, **change}), change


@given(sizes, st.data())
@settings(max_examples=60)
def test_a_seeded_proof_from_a_tree_with_another_past_shows_that_past(new_size, data):
    """Its second root is the tree's, its first is not the one that was known: also for powers of two."""
    old_size = data.draw(st.integers(1, new_size - 1))
    other = Tree([*TREE.leaves])
    changed = data.draw(st.integers(0, old_size - 1))
    other.leaves[changed] = bytes(32)
    proof = seeded_proof(other, old_size=old_size, new_size=new_size)
    old_root, new_root = roots_of_consistency(old_size=old_size, new_size=new_size, proof=proof)
    assert new_root == other.root(new_size)
    assert old_root == other.root(old_size) != TREE.root(old_size)


def flipped(data: bytes, drawn) -> bytes:
    bit = drawn.draw(st.integers(0, len(data) * 8 - 1))
    return bytes(byte ^ (1 << bit % 8 if i == bit // 8 else 0) for i, byte in enumerate(data))


def with_flip(proof: list[bytes], drawn) -> list[bytes]:
    at = drawn.draw(st.integers(0, len(proof) - 1))
    return [*proof[:at], flipped(proof[at], drawn), *proof[at + 1 :]]


# What cannot be asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (0, 2**63)])
def test_no_inclusion_proof_is_made_for_a_leaf_that_is_not_there(index, size):
    """That is a mistake of the caller, not of a peer."""
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(TREE, index=index, size=size)


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 3), (-1, 3), (4, 3), (1, 2**63)])
def test_no_consistency_proof_is_made_between_sizes_that_none_joins(old_size, new_size):
    """Size 0 among them."""
    with pytest.raises(ValueError, match="consistency proof from"):
        consistency_proof(TREE, old_size=old_size, new_size=new_size)
    with pytest.raises(ValueError, match="seeded proof from"):
        seeded_proof(TREE, old_size=old_size, new_size=new_size)


def test_a_seeded_proof_between_equal_sizes_says_nothing():
    """There is no such thing, made or read."""
    with pytest.raises(ValueError, match="seeded proof from 3 to 3"):
        seeded_proof(TREE, old_size=3, new_size=3)
    with pytest.raises(ProofError, match="as many"):
        roots_of_consistency(old_size=3, new_size=3, proof=[TREE.root(3)])


@pytest.mark.parametrize("size", [-1, 2**63])
def test_a_tree_that_cannot_be_has_no_edge(size):
    """Sizes are 63 bits."""
    with pytest.raises(ValueError, match="tree size"):
        right_edge(TREE, size)


class Uniform:
    """A tree of equal leaves, as large as one likes."""

    def __init__(self) -> None:
        self.levels = [bytes(32)]
        while len(self.levels) < 64:
            self.levels.append(node_hash(self.levels[-1], self.levels[-1]))

    def subtree(self, level: int, index: int) -> bytes:
        assert (index + 1) << level <= MAX_TREE_SIZE
        return self.levels[level]


def test_the_largest_tree_has_proofs():
    """2**63 - 1 leaves: no number on the way is too large or rounded."""
    tree, size = Uniform(), MAX_TREE_SIZE
    root = tree_root(tree, size)
    for index in (0, 2**62 - 1, 2**62, size - 1):
        proof = inclusion_proof(tree, index=index, size=size)
        verify_inclusion(leaf_hash=bytes(32), index=index, size=size, proof=proof, root=root)
    for old_size in (1, 2**62 - 1, 2**62, size - 1, size):
        proof = consistency_proof(tree, old_size=old_size, new_size=size)
        old_root = tree_root(tree, old_size)
        verify_consistency(old_size=old_size, old_root=old_root, new_size=size, new_root=root, proof=proof)
        if old_size < size:
            seeded = seeded_proof(tree, old_size=old_size, new_size=size)
            assert roots_of_consistency(old_size=old_size, new_size=size, proof=seeded) == (old_root, root)


def test_no_proof_in_a_tree_of_2_to_the_62_leaves_is_longer_than_the_limit():
    """63 hashes join any two sizes, and lead from any leaf to any root."""
    tree, size = Uniform(), 2**62
    assert MAX_PROOF_HASHES == 63
    for index in (0, 1, 2**61 - 1, 2**61, size - 1):
        assert len(inclusion_proof(tree, index=index, size=size)) <= MAX_PROOF_HASHES
    for old_size in (1, 2**61 - 1, 2**61, 2**61 + 1, size - 1):
        assert len(consistency_proof(tree, old_size=old_size, new_size=size)) <= MAX_PROOF_HASHES
