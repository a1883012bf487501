"""RFC 6962 section 2.1 word for word, slow and recursive: what the register's own code is compared with."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from epix_node.register.merkle import leaf_hash, node_hash
from epix_node.register.tiles import TILE_WIDTH, tiles_of_size, width_at


def largest_power_below(n: int) -> int:
    """k of section 2.1: the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class Tree:
    """A tree over given leaf hashes, and a ``HashReader`` of it."""

    def __init__(self, leaf_hashes: list[bytes]) -> None:
        self.leaves = leaf_hashes
        self.mth = lru_cache(maxsize=None)(self._mth)

    @classmethod
    def of(cls, size: int, *, kind: str = "entry") -> Tree:
        return cls([leaf_hash(f"{kind} {i}".encode()) for i in range(size)])

    def _mth(self, start: int, end: int) -> bytes:
        if end == start:
            return sha256(b"").digest()
        if end - start == 1:
            return self.leaves[start]
        k = largest_power_below(end - start)
        return node_hash(self.mth(start, start + k), self.mth(start + k, end))

    def root(self, size: int | None = None) -> bytes:
        return self.mth(0, len(self.leaves) if size is None else size)

    def path(self, m: int, start: int, end: int) -> list[bytes]:
        """PATH(m, D[start:end]) with m counted from start."""
        if end - start == 1:
            return []
        k = largest_power_below(end - start)
        if m < k:
            return [*self.path(m, start, start + k), self.mth(start + k, end)]
        return [*self.path(m - k, start + k, end), self.mth(start, start + k)]

    def subproof(self, m: int, start: int, end: int, *, b: bool) -> list[bytes]:
        """SUBPROOF(m, D[start:end], b)."""
        if m == end - start:
            return [] if b else [self.mth(start, end)]
        k = largest_power_below(end - start)
        if m <= k:
            return [*self.subproof(m, start, start + k, b=b), self.mth(start + k, end)]
        return [*self.subproof(m - k, start + k, end, b=False), self.mth(start, start + k)]

    def subtree(self, level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        assert end <= len(self.leaves), "asked for a subtree that is not complete"
        return self.mth(start, end)

    def tile(self, level: int, n: int, size: int | None = None) -> tuple[bytes, ...]:
        """The hashes of this tile, by the formula of tlog-tiles."""
        width = width_at(level, n, len(self.leaves) if size is None else size)
        span = TILE_WIDTH**level
        first = n * TILE_WIDTH
        return tuple(self.mth((first + i) * span, (first + i + 1) * span) for i in range(width))

    def tiles(self, size: int) -> dict[tuple[int, int], tuple[bytes, ...]]:
        """All tiles of the tree of this size."""
        return {
            (level, n): self.tile(level, n, size)
            for level, (full, partial) in enumerate(tiles_of_size(size))
            for n in range(full + bool(partial))
        }
