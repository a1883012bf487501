"""Hash tiles: the hashes of a tree in files of 256 that never change (C.4 item 4; c2sp.org/tlog-tiles).

Tile ``n`` of level ``l`` holds the roots of 256 neighbouring complete subtrees of 256**l leaves each. Only the last
tile of a level may be *partial*; it never counts in the level above. So the tiles of a tree of a given size are known
before any is fetched, and each is vouched for by the root of the tree: the partial ones are the whole right edge of
the tree and hash up to the root together, and a full one hashes to one entry of the tile above it.

``authenticate`` is the only way from fetched tiles to hashes that count. Here is no fetching: the caller asks which
tiles a question needs, gets them wherever it likes, and hands them back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from epix_node.errors import MalformedDocumentError, ProofError
from epix_node.register.merkle import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE, node_hash
from epix_node.register.proof import HashReader, inclusion_proof, seeded_proof, tree_root

TILE_HEIGHT = 8
"""Levels of the tree that one tile spans."""

TILE_WIDTH = 1 << TILE_HEIGHT
"""Hashes of a full tile."""

MAX_TILE_BYTES = TILE_WIDTH * HASH_BYTES

Tiles = Mapping[tuple[int, int], Sequence[bytes]]
"""Hashes of tiles by (tile level, number)."""

_PATH = re.compile(r"tile/([0-9]{1,2})/([x0-9/]{3,30})(?:\.p/([1-9][0-9]{0,2}))?")
_NUMBER = re.compile(r"(?:x[0-9]{3}/){0,5}[0-9]{3}")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which tile: ``width`` hashes, 256 for a full one. Raises ``ValueError`` for one that no tree has."""

    level: int
    n: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level < 0 or self.n < 0 or not 1 <= self.width <= TILE_WIDTH:
            raise ValueError(f"tile {self.level}/{self.n} of width {self.width}: expected a width of 1 to {TILE_WIDTH}")
        if self.n * TILE_WIDTH + self.width > MAX_TREE_SIZE >> TILE_HEIGHT * self.level:
            raise ValueError(f"tile {self.level}/{self.n} of width {self.width}: no tree is so large")

    @property
    def path(self) -> str:
        """Below the log's prefix."""
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{spell_number(self.n)}{partial}"


def spell_number(n: int) -> str:
    """The number of a tile or bundle in path elements of three digits, x before all but the last: ``x001/x234/067``."""
    path = f"{n % 1000:03d}"
    while n >= 1000:
        n //= 1000
        path = f"x{n % 1000:03d}/{path}"
    return path


def read_number(path: str) -> int:
    """The number that ``spell_number`` wrote. Raises ``MalformedDocumentError`` for any other spelling."""
    if not _NUMBER.fullmatch(path):
        raise MalformedDocumentError("not the number of a tile in path elements of three digits")
    n = int(path.replace("x", "").replace("/", ""))
    if spell_number(n) != path:
        raise MalformedDocumentError(f"number of a tile: expected {spell_number(n)}")
    return n


def tile_path(level: int, n: int, width: int | None = None) -> str:
    """``tile/0/x001/x234/067``, with ``.p/<width>`` for a partial tile; None is a full one.

    Raises ``ValueError`` for a tile that no tree has, and for a partial width outside 1 to 255.
    """
    if width == TILE_WIDTH:
        raise ValueError(f"partial tile of width {width}: expected 1 to {TILE_WIDTH - 1}")
    return Tile(level, n, TILE_WIDTH if width is None else width).path


def parse_tile_path(path: str) -> tuple[int, int, int | None]:
    """Level, number and width that ``tile_path`` wrote. Raises ``MalformedDocumentError`` for any other spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedDocumentError("not the path of a tile")
    level, n = int(match[1]), read_number(match[2])
    width = None if match[3] is None else int(match[3])
    try:
        canonical = tile_path(level, n, width)
    except ValueError as error:
        raise MalformedDocumentError(f"no such tile: {error}") from error
    if path != canonical:
        raise MalformedDocumentError(f"path of a tile: expected {canonical}")
    return level, n, width


def width_at(level: int, n: int, size: int) -> int:
    """How many hashes this tile has in a tree of ``size`` leaves; 0 where there is no such tile."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - n * TILE_WIDTH))


def tiles_of_size(size: int) -> tuple[tuple[int, int], ...]:
    """For each tile level of a tree, lowest first: the number of full tiles, and the width of the partial one or 0."""
    levels: list[tuple[int, int]] = []
    hashes = size
    while hashes:
        full, partial = divmod(hashes, TILE_WIDTH)
        levels.append((full, partial))
        hashes = full
    return tuple(levels)


def partial_tiles(size: int) -> tuple[Tile, ...]:
    """The partial tiles that a log of this size serves: together the right edge of the tree, lowest level first."""
    return tuple(Tile(level, full, width) for level, (full, width) in enumerate(tiles_of_size(size)) if width)


def grown_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The tiles of the larger tree that the smaller one does not have: what a log writes when it grows."""
    for level, (full, width) in enumerate(tiles_of_size(new_size)):
        before = (old_size >> TILE_HEIGHT * level) // TILE_WIDTH
        yield from (Tile(level, n) for n in range(before, full))
        if width and width != width_at(level, full, old_size):
            yield Tile(level, full, width)


def tile_holding(level: int, index: int) -> tuple[int, int, int, int]:
    """Where the root of subtree ``index`` of 2**level leaves is found: tile level, tile number, offset, and count.

    ``count`` is how many hashes of the tile, from ``offset`` on, hash up to it: 1, 2, 4, … 128.
    """
    tile_level, height = divmod(level, TILE_HEIGHT)
    n, offset = divmod(index << height, TILE_WIDTH)
    return tile_level, n, offset, 1 << height


def decode_tile(data: bytes, *, width: int) -> tuple[bytes, ...]:
    """The hashes of a tile, of which the caller knows the width from a verified checkpoint.

    Whoever got the full tile in place of a partial one, because the log deleted that, decodes 256 and keeps the first.

    Raises:
        MalformedDocumentError: more or fewer bytes than that.
        ValueError: a width outside 1 to 256.
    """
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"tile of width {width}: expected 1 to {TILE_WIDTH}")
    if len(data) != width * HASH_BYTES:
        raise MalformedDocumentError(f"tile of {len(data)} bytes: expected {width * HASH_BYTES}")
    return tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))


def encode_tile(hashes: Iterable[bytes]) -> bytes:
    """The tile of these hashes. Raises ``ValueError`` unless there are 1 to 256, each of 32 bytes."""
    held = tuple(hashes)
    if not 1 <= len(held) <= TILE_WIDTH:
        raise ValueError(f"tile of {len(held)} hashes: expected 1 to {TILE_WIDTH}")
    if any(len(entry) != HASH_BYTES for entry in held):
        raise ValueError(f"tile with a hash that is not {HASH_BYTES} bytes long")
    return b"".join(held)


def hash_up(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree over these hashes, of which there are 1, 2, 4, … 256."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


@dataclass(frozen=True, slots=True)
class TileHashes(HashReader):
    """The hashes that stand in tiles or follow from them. Believes its tiles: see ``authenticate``."""

    tiles: Tiles
    _roots: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False, compare=False)
    """Those asked for before: a root and a proof of it rest on the same ones."""

    def subtree(self, level: int, index: int) -> bytes:
        """As ``HashReader`` says. Raises ``LookupError`` for what does not follow from these tiles."""
        root = self._roots.get((level, index))
        if root is None:
            tile_level, n, offset, count = tile_holding(level, index)
            hashes = self.tiles.get((tile_level, n), ())[offset : offset + count]
            if len(hashes) != count:
                raise LookupError(f"tile {tile_level}/{n} up to hash {offset + count} was not given")
            root = self._roots[level, index] = hash_up(hashes)
        return root


def authenticate(tiles: Tiles, *, size: int, root: bytes) -> TileHashes:
    """These tiles, every hash of which is vouched for by the root of the tree of ``size`` leaves.

    Raises ``ProofError`` for a tile of another width than in that tree, or with a hash that is not 32 bytes long; where
    a partial tile, or the tile above a full one, is missing; and where the hashes do not lead to the root.
    """
    for (level, n), hashes in tiles.items():
        if len(hashes) != width_at(level, n, size) or any(len(held) != HASH_BYTES for held in hashes):
            raise ProofError(f"tile {level}/{n}: expected {width_at(level, n, size)} hashes of {HASH_BYTES} bytes")
    believed: dict[tuple[int, int], tuple[bytes, ...]] = {}
    # 1. The hashes of the partial tiles are the leaves of the right edge: one wrong bit gives another root.
    for partial in partial_tiles(size):
        if (partial.level, partial.n) not in tiles:
            raise ProofError(f"tile {partial.level}/{partial.n} of the right edge is missing")
        believed[partial.level, partial.n] = tuple(tiles[partial.level, partial.n])
    trusted = TileHashes(believed)
    if (tree_root(trusted, size) if size else EMPTY_ROOT) != root:
        raise ProofError(f"the tiles of the right edge do not lead to the root of {size} leaves")
    # 2. From the top down, so that the tile above is believed before what it vouches for.
    for level, n in sorted(tiles.keys() - believed.keys(), reverse=True):
        above = believed.get((level + 1, n // TILE_WIDTH))
        if above is None:
            raise ProofError(f"tile {level}/{n}: the tile above it is missing")
        if hash_up(tiles[level, n]) != above[n % TILE_WIDTH]:
            raise ProofError(f"tile {level}/{n} is not the one that the tree was built on")
        believed[level, n] = tuple(tiles[level, n])
    return trusted


def tiles_for_consistency(*, old_size: int, new_size: int) -> tuple[tuple[int, int, int], ...]:
    """The tiles (level, number, width) for a consistency proof between these sizes, seeded or not, and to believe it.

    With an ``old_size`` of 0, or of ``new_size``: those for the root alone. Raises ``ValueError`` for other disorder.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"consistency from {old_size} to {new_size} leaves: expected 0 to {new_size}")
    asked = _Asked()
    if 0 < old_size < new_size:
        seeded_proof(asked, old_size=old_size, new_size=new_size)
    return _with_authority(asked.tiles, new_size)


def tiles_for_inclusion(*, index: int, size: int) -> tuple[tuple[int, int, int], ...]:
    """The tiles (level, number, width) for the inclusion proof of this leaf, and to believe it."""
    asked = _Asked()
    inclusion_proof(asked, index=index, size=size)
    return _with_authority(asked.tiles, size)


def tiles_for_level1(start: int, end: int, new_size: int) -> tuple[tuple[int, int, int], ...]:
    """The tiles (level, number, width) with the roots of the *full* bundles of these entries, and to believe them.

    A full bundle is then checked by one hash, and the partial one against its level-0 tile, which is always among them.

    Raises ``ValueError`` unless 0 ≤ ``start`` ≤ ``end`` ≤ ``new_size``.
    """
    if not 0 <= start <= end <= new_size:
        raise ValueError(f"entries [{start}, {end}) of {new_size}: there are no such entries")
    full_bundles = new_size // TILE_WIDTH
    first, last = start // TILE_WIDTH, min((end - 1) // TILE_WIDTH, full_bundles - 1)
    wanted = {(1, n) for n in range(first // TILE_WIDTH, last // TILE_WIDTH + 1)} if first <= last else set()
    return _with_authority(wanted, new_size)


class _Asked(HashReader):
    """Answers with nothing of worth and remembers which tiles would have been read."""

    def __init__(self) -> None:
        self.tiles: set[tuple[int, int]] = set()

    def subtree(self, level: int, index: int) -> bytes:
        tile_level, n, _, _ = tile_holding(level, index)
        self.tiles.add((tile_level, n))
        return bytes(HASH_BYTES)


def _with_authority(wanted: Iterable[tuple[int, int]], size: int) -> tuple[tuple[int, int, int], ...]:
    """These tiles and all that ``authenticate`` needs for them, highest level first."""
    needed = {(partial.level, partial.n) for partial in partial_tiles(size)}
    for level, n in wanted:
        while (level, n) not in needed:
            needed.add((level, n))
            level, n = level + 1, n // TILE_WIDTH  # noqa: PLW2901 - one step up, until the right edge is reached
    return tuple((level, n, width_at(level, n, size)) for level, n in sorted(needed, key=lambda at: (-at[0], at[1])))
