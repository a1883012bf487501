"""The hashes of a register's tree as they are stored: what tiles, proofs and roots are read from (C.4 items 4, 6).

Leaves are hashed when they are asked for; 256 of them are one statement. From level 1 on the root of every complete
subtree of 256^level leaves is a row, written in the transaction that completes it. So each row of a tile is one row
here, and no tile is ever written as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select

from epix_node.register.merkle import leaf_hash
from epix_node.register.tiles import TILE_HEIGHT, TILE_WIDTH, encode_tile, hash_up, tile_holding, width_at
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import EntryRow, SubtreeRow

_ENTRY = table(EntryRow)
_LEAVES = (
    select(_ENTRY.c.leaf)
    .where(_ENTRY.c.party == bindparam("of"), _ENTRY.c.index >= bindparam("start"), _ENTRY.c.index < bindparam("end"))
    .order_by(_ENTRY.c.index)
)
_SUBTREE = table(SubtreeRow)
_OF_LEVEL = (_SUBTREE.c.party == bindparam("of"), _SUBTREE.c.level == bindparam("at"))
_ROOTS = (
    select(_SUBTREE.c.hash)
    .where(*_OF_LEVEL, _SUBTREE.c.index >= bindparam("start"), _SUBTREE.c.index < bindparam("end"))
    .order_by(_SUBTREE.c.index)
)
_DROP = delete(_SUBTREE).where(*_OF_LEVEL, _SUBTREE.c.index >= bindparam("start"))
_INSERT = insert(_SUBTREE)

MAX_LEVEL = 7
"""The highest level of subtrees that a tree of less than 2**63 leaves has."""


def leaves(session: Session, party: str, start: int, end: int) -> list[bytes]:
    """The leaves ``[start, end)`` that are held, in order."""
    return list(session.core.execute(_LEAVES, {"of": party, "start": start, "end": end}).scalars().all())


def roots(session: Session, party: str, level: int, start: int, end: int) -> list[bytes]:
    """The stored roots ``[start, end)`` of subtrees of 256^level leaves, in order; ``level`` is at least 1."""
    return list(session.core.execute(_ROOTS, {"of": party, "at": level, "start": start, "end": end}).scalars().all())


def complete(session: Session, party: str, start: int, added: Sequence[bytes]) -> None:
    """The subtrees that the leaves ``start``, …, which were just added, made complete are stored.

    Costs nothing but where a bundle becomes full; then 256 hashes, whatever the size of the register.
    """
    end = start + len(added)
    first, last = start // TILE_WIDTH, end // TILE_WIDTH
    if first == last:
        return
    before = leaves(session, party, first * TILE_WIDTH, start)
    known = [*before, *added]
    made = [
        hash_up([leaf_hash(leaf) for leaf in known[at : at + TILE_WIDTH]])
        for at in range(0, (last - first) * TILE_WIDTH, TILE_WIDTH)
    ]
    level = 1
    while made:
        rows = [{"party": party, "level": level, "index": first + i, "hash": root} for i, root in enumerate(made)]
        session.core.execute(_INSERT, rows)
        above, top = first // TILE_WIDTH, (first + len(made)) // TILE_WIDTH
        row = [*roots(session, party, level, above * TILE_WIDTH, first), *made] if above < top else []
        made = [hash_up(row[at : at + TILE_WIDTH]) for at in range(0, (top - above) * TILE_WIDTH, TILE_WIDTH)]
        first, level = above, level + 1


def drop_beyond(session: Session, party: str, size: int) -> None:
    """The subtrees that the first ``size`` leaves do not complete are forgotten."""
    for level in range(1, MAX_LEVEL + 1):
        session.core.execute(_DROP, {"of": party, "at": level, "start": size >> TILE_HEIGHT * level})


class StoredHashes:
    """The tree of the first ``size`` leaves of a register, read in one transaction; a tile is read once.

    A ``register.proof.HashReader``. Cheap to make; it lives no longer than its session.
    """

    def __init__(self, session: Session, party: str, size: int) -> None:
        self._session = session
        self._party = party
        self._size = size
        self._tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def subtree(self, level: int, index: int) -> bytes:
        """As ``HashReader`` says. Raises ``LookupError`` for what is not held."""
        tile_level, n, offset, count = tile_holding(level, index)
        hashes = self.hashes(tile_level, n)[offset : offset + count]
        if len(hashes) != count:
            raise LookupError(f"{self._party}: subtree {level}/{index} of {self._size} leaves is not held")
        return hash_up(hashes)

    def hashes(self, level: int, n: int) -> tuple[bytes, ...]:
        """The hashes of a tile, as many as the tree has; fewer where they are not held."""
        held = self._tiles.get((level, n))
        if held is None:
            start = n * TILE_WIDTH
            end = start + width_at(level, n, self._size)
            if level == 0:
                held = tuple(leaf_hash(leaf) for leaf in leaves(self._session, self._party, start, end))
            else:
                held = tuple(roots(self._session, self._party, level, start, end))
            self._tiles[level, n] = held
        return held


def tile(session: Session, party: str, level: int, n: int, width: int) -> bytes | None:
    """The bytes of a tile (C.4 item 4) as far as it is held; None where it is not.

    Whether the register was published so far is the caller's to check.
    """
    size = n * TILE_WIDTH + width << TILE_HEIGHT * level
    hashes = StoredHashes(session, party, size).hashes(level, n)
    return encode_tile(hashes) if len(hashes) == width else None
