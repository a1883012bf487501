"""Inclusion and consistency proofs of RFC 6962 section 2.1, checked and made (C.4 item 6).

Checking needs nothing but the proof; making needs a ``HashReader``, which knows the roots of complete subtrees. The
two halves share no code but the hash functions, so that what is made can be checked by something independent (C.4
item 8 (d)).

**Size-0 policy.** A proof that starts at the empty tree says nothing, so this layer refuses ``old_size`` 0 whatever
else is given, as transparency-dev/merkle does. The witness protocol allows ``old 0`` with an empty proof: ``witness``
answers that itself and does not come here.

**Seeded proofs.** A consistency proof climbs from the largest subtree at the right end of the old tree: its *seed*. RFC
6962 leaves the seed out where the old size is a power of two, because the seed is then the old root, which the
verifier holds. Who wants to show that a tree has a prefix with *another* root than the one held, must give it: a seeded
proof is SUBPROOF(m, D[n], false) of section 2.1.2, whose first hash is always the seed. For any other old size the
two are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from epix_node.errors import ProofError
from epix_node.register.merkle import HASH_BYTES, MAX_TREE_SIZE, RightEdge, node_hash

MAX_PROOF_HASHES = 63
"""Most hashes of a proof that travels: the limit of tlog-witness for proof lines, enough for 2**62 leaves."""


def verify_inclusion(*, leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return if leaf ``index`` of the tree with this size and root has this hash (section 2.1.1).

    Raises ``ProofError`` otherwise: an index outside the tree, a proof of another length, a hash that is not 32 bytes
    long, or a proof that leads to another root.
    """
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise ProofError(f"inclusion proof for leaf {index} of {size}: there is no such leaf")
    below, border = _path_shape(index, size)
    _require_hashes(proof, expected=below + border)
    _require_hash(leaf_hash, "leaf hash")
    climbed = _over_border(_climb(leaf_hash, index, proof[:below]), proof[below:])
    if climbed != root:
        raise ProofError(f"inclusion proof for leaf {index} of {size} leads to another root")


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return if the tree of ``new_size`` leaves grew out of the tree of ``old_size`` leaves (section 2.1.2).

    Size-0 policy: an ``old_size`` of 0 is an error, see the top of this module.

    Raises ``ProofError``: sizes that no proof joins, a proof of another length, a hash that is not 32 bytes long, or a
    proof that leads to another root; between trees of one size, a proof that is not empty, or two roots.
    """
    _require_growth(old_size, new_size)
    # Roots of another length need no check of their own: nothing that is computed here equals them.
    if old_size == new_size:
        _require_hashes(proof, expected=0)
        if old_root != new_root:
            raise ProofError(f"two roots for {old_size} leaves")
        return
    seeded = (old_root, *proof) if _is_power_of_two(old_size) else proof
    if roots_of_consistency(old_size=old_size, new_size=new_size, proof=seeded) != (old_root, new_root):
        raise ProofError(f"consistency proof from {old_size} to {new_size} leaves leads to other roots")


def roots_of_consistency(*, old_size: int, new_size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The old and the new root that this *seeded* proof leads to, for 0 < ``old_size`` < ``new_size``.

    If the second is the root of a tree, the first is the root of its first ``old_size`` leaves, and there is no other.

    Raises ``ProofError`` for sizes that no proof joins, and for a proof of another length or with a hash that is not 32
    bytes long.
    """
    _require_growth(old_size, new_size)
    if old_size == new_size:
        raise ProofError(f"no proof leads from {old_size} leaves to as many")
    # The seed is the subtree of the last old leaf that is complete: as high as the old size has zero bits at its end.
    height = (old_size & -old_size).bit_length() - 1
    below, border = _path_shape(old_size - 1, new_size)
    below -= height
    _require_hashes(proof, expected=1 + below + border)
    seed, path = proof[0], proof[1:]
    position = (old_size - 1) >> height
    old_root = new_root = seed
    for level, sibling in enumerate(path[:below]):
        if position >> level & 1:
            old_root, new_root = node_hash(sibling, old_root), node_hash(sibling, new_root)
        else:  # this sibling came after the old tree
            new_root = node_hash(new_root, sibling)
    return _over_border(old_root, path[below:]), _over_border(new_root, path[below:])


class HashReader(Protocol):
    """Knows the hashes of one tree, of at least the size that is asked about."""

    def subtree(self, level: int, index: int) -> bytes:
        """The root of the complete subtree of 2**level leaves, number index: leaves [index << level, …)."""
        ...


def inclusion_proof(reader: HashReader, *, index: int, size: int) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of section 2.1.1. Raises ``ValueError`` for a leaf that the tree does not have."""
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise ValueError(f"inclusion proof for leaf {index} of {size}: there is no such leaf")
    return tuple(_path(reader, index, 0, size))


def consistency_proof(reader: HashReader, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """PROOF(old_size, D[new_size]) of section 2.1.2; empty between trees of one size.

    Raises ``ValueError`` unless 1 ≤ ``old_size`` ≤ ``new_size`` (the size-0 policy, see the top of this module).
    """
    if not 1 <= old_size <= new_size <= MAX_TREE_SIZE:
        raise ValueError(f"consistency proof from {old_size} to {new_size} leaves: expected 1 to {new_size}")
    return tuple(_subproof(reader, old_size, 0, new_size, known=True))


def seeded_proof(reader: HashReader, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """The proof that ``roots_of_consistency`` takes. Raises ``ValueError`` unless 1 ≤ ``old_size`` < ``new_size``."""
    if not 1 <= old_size < new_size <= MAX_TREE_SIZE:
        raise ValueError(f"seeded proof from {old_size} to {new_size} leaves: expected 1 to {new_size - 1}")
    return tuple(_subproof(reader, old_size, 0, new_size, known=False))


def right_edge(reader: HashReader, size: int) -> RightEdge:
    """The perfect subtrees of the first ``size`` leaves. Raises ``ValueError`` for a size that no tree has."""
    if not 0 <= size <= MAX_TREE_SIZE:
        raise ValueError(f"tree size {size}: expected 0 to {MAX_TREE_SIZE}")
    levels = (level for level in reversed(range(size.bit_length())) if size >> level & 1)
    # Before the subtree of 2**level leaves stand the larger ones: the bits of the size above this one.
    hashes = tuple(reader.subtree(level, (size >> level) - 1) for level in levels)
    return RightEdge(size=size, hashes=hashes)


def tree_root(reader: HashReader, size: int) -> bytes:
    """MTH(D[size]) of section 2.1. Raises ``ValueError`` for a size that no tree has."""
    return right_edge(reader, size).root()


def _path_shape(index: int, size: int) -> tuple[int, int]:
    """How many hashes of a path lie below the point where it meets the right border of the tree, and how many above.

    Below, left and right siblings alternate as the bits of the index say; on the border there are left siblings only,
    one for each bit that is left (C.4 item 6).
    """
    below = (index ^ (size - 1)).bit_length()
    return below, (index >> below).bit_count()


def _climb(start: bytes, position: int, siblings: Sequence[bytes]) -> bytes:
    """The hash above ``start``, which is number ``position`` of its level, after hashing with these siblings."""
    climbed = start
    for level, sibling in enumerate(siblings):
        climbed = node_hash(sibling, climbed) if position >> level & 1 else node_hash(climbed, sibling)
    return climbed


def _over_border(start: bytes, siblings: Sequence[bytes]) -> bytes:
    """The hash above ``start`` on the right border of the tree."""
    climbed = start
    for sibling in siblings:
        climbed = node_hash(sibling, climbed)
    return climbed


def _require_growth(old_size: int, new_size: int) -> None:
    if not 1 <= old_size <= new_size <= MAX_TREE_SIZE:
        raise ProofError(f"no proof leads from {old_size} to {new_size} leaves")


def _require_hash(candidate: bytes, what: str) -> None:
    if len(candidate) != HASH_BYTES:
        raise ProofError(f"{what} of {len(candidate)} bytes: expected {HASH_BYTES}")


def _require_hashes(proof: Sequence[bytes], *, expected: int) -> None:
    if len(proof) != expected:
        raise ProofError(f"proof of {len(proof)} hashes: expected {expected}")
    for sibling in proof:
        _require_hash(sibling, "hash of a proof")


def _is_power_of_two(size: int) -> bool:
    return size.bit_count() == 1


def _split(start: int, end: int) -> int:
    """Where D[start:end] is divided: after the largest power of two smaller than its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _subtree_root(reader: HashReader, start: int, end: int) -> bytes:
    """MTH(D[start:end]), for the ranges that come from splitting a tree: they start at a multiple of their length."""
    if _is_power_of_two(end - start):
        level = (end - start).bit_length() - 1
        return reader.subtree(level, start >> level)
    middle = _split(start, end)
    return node_hash(_subtree_root(reader, start, middle), _subtree_root(reader, middle, end))


def _path(reader: HashReader, index: int, start: int, end: int) -> Iterator[bytes]:
    """PATH of leaf ``index`` within D[start:end]."""
    if end - start == 1:
        return
    middle = _split(start, end)
    if index < middle:
        yield from _path(reader, index, start, middle)
        yield _subtree_root(reader, middle, end)
    else:
        yield from _path(reader, index, middle, end)
        yield _subtree_root(reader, start, middle)


def _subproof(reader: HashReader, old_end: int, start: int, end: int, *, known: bool) -> Iterator[bytes]:
    """SUBPROOF of the leaves before ``old_end`` within D[start:end]; ``known`` is the b of section 2.1.2."""
    if old_end == end:
        if not known:
            yield _subtree_root(reader, start, end)
        return
    middle = _split(start, end)
    if old_end <= middle:
        yield from _subproof(reader, old_end, start, middle, known=known)
        yield _subtree_root(reader, middle, end)
    else:
        yield from _subproof(reader, old_end, middle, end, known=False)
        yield _subtree_root(reader, start, middle)
