"""Merkle tree hashes of RFC 6962 with SHA-256, for a tree that only grows at its right end (C.4 item 1).

Whoever appends needs no more than the *right edge*: the roots of the perfect subtrees that the tree falls into,
largest first, one for each bit that is set in its size. A puller that appends all leaves of a peer's register to the
edge it stored before, and finds the root of the peer's checkpoint, knows that the register only grew.

Not here: inclusion and consistency proofs (``proof``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

HASH_BYTES = 32
"""Length of every hash in the tree (SHA-256)."""

MAX_TREE_SIZE = 2**63 - 1
"""Most leaves of a tree: what a signed 64-bit column holds, and what other log software accepts."""

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry as a leaf: SHA-256(0x00 ‖ entry)."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightEdge:
    """The roots of the perfect subtrees of a tree of ``size`` leaves, largest subtree first.

    Raises ``ValueError`` where the number of hashes is not the number of bits set in ``size``.
    """

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise ValueError(f"tree size {self.size}: expected 0 to {MAX_TREE_SIZE}")
        if len(self.hashes) != self.size.bit_count():
            raise ValueError(f"tree of {self.size} leaves: {len(self.hashes)} hashes, expected {self.size.bit_count()}")
        if any(len(peak) != HASH_BYTES for peak in self.hashes):
            raise ValueError(f"tree of {self.size} leaves: a hash is not {HASH_BYTES} bytes long")

    @classmethod
    def empty(cls) -> Self:
        """The edge of the tree without leaves."""
        return cls(size=0, hashes=())

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """The edge that ``to_bytes`` wrote for a tree of ``size`` leaves. Raises ``ValueError`` where they disagree."""
        if len(data) % HASH_BYTES:
            raise ValueError(f"right edge of {len(data)} bytes: expected a multiple of {HASH_BYTES}")
        hashes = tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))
        return cls(size=size, hashes=hashes)

    def to_bytes(self) -> bytes:
        """The hashes one after the other; the size is kept beside them."""
        return b"".join(self.hashes)

    def extended(self, leaf_hashes: Iterable[bytes]) -> RightEdge:
        """The edge after appending these leaf hashes in order. Raises ``ValueError`` for a hash of another length."""
        # The loop does what carrying does in binary addition: a new leaf merges with every perfect subtree of its own
        # size. Everything is local and written out, because a puller runs this for every entry of every peer.
        hashing = sha256
        peaks = list(self.hashes)
        size = self.size
        for leaf in leaf_hashes:
            if len(leaf) != HASH_BYTES:
                raise ValueError(f"leaf hash of {len(leaf)} bytes: expected {HASH_BYTES}")
            carried = leaf
            bits = size
            while bits & 1:
                carried = hashing(_NODE + peaks.pop() + carried).digest()
                bits >>= 1
            peaks.append(carried)
            size += 1
        return RightEdge(size=size, hashes=tuple(peaks))

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves: RFC 6962 splits at the largest power of two below the size."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for peak in reversed(self.hashes[:-1]):
            root = node_hash(peak, root)
        return root
