"""Tiles have one path each, and none is believed that the root does not vouch for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, ProofError
from epix_node.register.merkle import EMPTY_ROOT, RightEdge, leaf_hash
from epix_node.register.proof import (
    consistency_proof,
    inclusion_proof,
    roots_of_consistency,
    seeded_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from epix_node.register.tiles import (
    MAX_TILE_BYTES,
    TILE_WIDTH,
    Tile,
    TileHashes,
    authenticate,
    decode_tile,
    encode_tile,
    grown_tiles,
    hash_up,
    parse_tile_path,
    partial_tiles,
    tile_holding,
    tile_path,
    tiles_for_consistency,
    tiles_for_inclusion,
    tiles_for_level1,
    tiles_of_size,
    width_at,
)
from tests.register.trees import Tree

TREE = Tree.of(70_000)
"""The example of tlog-tiles: three levels."""


@pytest.mark.parametrize(
    ("level", "n", "width", "path"),
    [
        (0, 0, None, "tile/0/000"),
        (0, 1_234_067, None, "tile/0/x001/x234/067"),
        (0, 1_234_067, 5, "tile/0/x001/x234/067.p/5"),
        (1, 999, 255, "tile/1/999.p/255"),
        (2, 1000, None, "tile/2/x001/000"),
        (7, 0, 127, "tile/7/000.p/127"),
    ],
)
def test_a_path_is_a_known_answer(level, n, width, path):
    """Both ways."""
    assert tile_path(level, n, width) == path
    assert parse_tile_path(path) == (level, n, width)


def test_the_public_tile_paths_are_the_same(vectors):
    """The examples of C2SP tlog-tiles; the seeds of golang.org/x/mod are of an older form and are refused."""
    known = vectors("golang-mod/tile_paths.json")
    for case in known["c2sp"]:
        assert tile_path(0, case["index"]) == f"tile/0/{case['path']}"
    for path in known["fuzz_seeds"]:
        with pytest.raises(MalformedDocumentError):
            parse_tile_path(path)


def test_the_public_examples_have_the_tiles_that_they_say(vectors):
    """70,000 leaves and 256 leaves, in C2SP tlog-tiles."""
    known = vectors("golang-mod/tile_paths.json")
    for size, said in ((70_000, known["c2sp_tree_70000"]), (256, known["c2sp_tree_256"])):
        ours = {}
        for level, (full, partial) in enumerate(tiles_of_size(size)):
            ours |= {f"full_level{level}": full} if full else {}
            ours |= {f"partial_level{level}": partial} if partial else {}
        assert ours == said


@given(st.integers(0, 7), st.integers(0, 2**55), st.none() | st.integers(1, 255))
@settings(max_examples=100)
def test_a_path_survives_the_round_trip(level, n, width):
    """For every tile that some tree has."""
    n %= max(1, ((2**63 - 1) >> 8 * level) // 256 - 1)
    width = 1 if level == 7 else width
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)
    assert Tile(level, n, width or TILE_WIDTH).path == tile_path(level, n, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/８/000",
        "tile/8/000",
        "tile/63/000",
        "tile/64/000",
        "tile/7/000",
        "tile/7/000.p/128",
        "tile/7/001.p/1",
        "tile/entries/000",
        "tile/0/001/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/x1/000",
        "tile/0/xxx/000",
        "tile/0/x001//000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000\n",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/x036/x028/x797/x018/x963/967",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/" + "x999/" * 5000 + "999",
    ],
)
def test_any_other_path_is_refused(path):
    """One tile has one path, and no tree has these."""
    with pytest.raises(MalformedDocumentError):
        parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "n", "width"), [(-1, 0, None), (0, -1, None), (8, 0, 1), (7, 0, None), (0, 0, 0), (0, 0, 256), (0, 0, -1)]
)
def test_a_path_to_nothing_is_not_made(level, n, width):
    """Levels, numbers and widths that no tree has."""
    with pytest.raises(ValueError, match="tile"):
        tile_path(level, n, width)


def test_a_tile_survives_the_round_trip():
    """32 bytes each, one after the other."""
    hashes = TREE.tile(0, 0)
    data = encode_tile(hashes)
    assert len(data) == MAX_TILE_BYTES
    assert decode_tile(data, width=256) == hashes
    assert decode_tile(data[:64], width=2) == hashes[:2]


@pytest.mark.parametrize(("data", "width"), [(b"", 1), (bytes(31), 1), (bytes(33), 1), (bytes(64), 1), (bytes(64), 3)])
def test_a_tile_of_another_length_is_refused(data, width):
    """Its width is known from a checkpoint."""
    with pytest.raises(MalformedDocumentError):
        decode_tile(data, width=width)


@pytest.mark.parametrize("hashes", [[], [bytes(32)] * 257, [bytes(31)]])
def test_a_tile_that_nobody_could_read_is_not_written(hashes):
    """Our own mistakes show before anything is published."""
    with pytest.raises(ValueError, match="tile"):
        encode_tile(hashes)


@pytest.mark.parametrize("width", [0, 257])
def test_a_width_that_no_tile_has_is_a_mistake_of_the_caller(width):
    """It comes from a verified size."""
    with pytest.raises(ValueError, match="tile of width"):
        decode_tile(bytes(32), width=width)


@given(st.integers(0, 70_000), st.integers(0, 70_000))
@settings(max_examples=60)
def test_what_a_log_writes_when_it_grows_is_all_that_the_larger_tree_has_more(one, other):
    """Nothing is written twice, and nothing is missing."""
    old, new = sorted((one, other))

    def all_tiles(size: int) -> set[Tile]:
        return {
            Tile(level, n, width_at(level, n, size))
            for level, (full, partial) in enumerate(tiles_of_size(size))
            for n in range(full + bool(partial))
        }

    grown = list(grown_tiles(old, new))
    assert len(set(grown)) == len(grown)
    assert set(grown) == all_tiles(new) - all_tiles(old)


@pytest.mark.parametrize(
    ("level", "index", "place"),
    [
        (0, 0, (0, 0, 0, 1)),
        (0, 300, (0, 1, 44, 1)),
        (1, 150, (0, 1, 44, 2)),
        (7, 1, (0, 0, 128, 128)),
        (8, 0, (1, 0, 0, 1)),
        (8, 257, (1, 1, 1, 1)),
        (15, 1, (1, 0, 128, 128)),
        (16, 0, (2, 0, 0, 1)),
    ],
)
def test_a_subtree_is_found_in_one_tile(level, index, place):
    """Tile level, number, offset and count."""
    assert tile_holding(level, index) == place


def test_the_tiles_of_every_small_tree_are_believed_and_give_its_root():
    """Sizes 1 to 600: partial tiles of every width, and the first full ones."""
    for size in range(1, 601):
        tiles, root = TREE.tiles(size), TREE.root(size)
        hashes = authenticate(tiles, size=size, root=root)
        assert tree_root(hashes, size) == root
        assert hashes.subtree(0, size - 1) == TREE.leaves[size - 1]
        # The right edge alone is enough for the root, and nothing less is.
        edge = {(tile.level, tile.n): tiles[tile.level, tile.n] for tile in partial_tiles(size)}
        authenticate(edge, size=size, root=root)
        for missing in edge:
            with pytest.raises(ProofError):
                authenticate({at: edge[at] for at in edge if at != missing}, size=size, root=root)


def test_the_empty_tree_has_no_tiles():
    """And the root of nothing."""
    authenticate({}, size=0, root=EMPTY_ROOT)
    assert tiles_of_size(0) == ()
    for tiles, root in (({}, bytes(32)), ({(0, 0): [bytes(32)]}, EMPTY_ROOT)):
        with pytest.raises(ProofError):
            authenticate(tiles, size=0, root=root)


def fetched(size: int, wanted) -> dict[tuple[int, int], list[bytes]]:
    """These tiles as a log of this size serves them."""
    tiles = {}
    for level, n, width in wanted:
        assert width == width_at(level, n, size) > 0
        tiles[level, n] = list(TREE.tile(level, n, size))
    return tiles


@given(st.integers(0, 70_000), st.integers(0, 70_000))
@example(1, 70_000)
@settings(max_examples=60, deadline=None)
def test_the_tiles_for_a_consistency_proof_are_enough(one, other):
    """The client makes the proof and what evidence needs, and believes it."""
    old, new = sorted((one, other))
    wanted = tiles_for_consistency(old_size=old, new_size=new)
    hashes = authenticate(fetched(new, wanted), size=new, root=TREE.root(new))
    if old > 0:
        proof = consistency_proof(hashes, old_size=old, new_size=new)
        verify_consistency(old_size=old, old_root=TREE.root(old), new_size=new, new_root=TREE.root(new), proof=proof)
    if 0 < old < new:
        proof = seeded_proof(hashes, old_size=old, new_size=new)
        assert roots_of_consistency(old_size=old, new_size=new, proof=proof) == (TREE.root(old), TREE.root(new))


@given(st.integers(1, 70_000), st.data())
@settings(max_examples=40, deadline=None)
def test_the_tiles_for_an_inclusion_proof_are_enough(size, data):
    """Three levels at most for 70,000 leaves."""
    index = data.draw(st.integers(0, size - 1))
    wanted = tiles_for_inclusion(index=index, size=size)
    hashes = authenticate(fetched(size, wanted), size=size, root=TREE.root(size))
    proof = inclusion_proof(hashes, index=index, size=size)
    verify_inclusion(leaf_hash=TREE.leaves[index], index=index, size=size, proof=proof, root=TREE.root(size))


@pytest.mark.parametrize(
    ("start", "end", "size"),
    [
        (0, 70_000, 70_000),
        (0, 65_536, 65_536),
        (5, 300, 65_535),
        (255, 256, 256),
        (10, 20, 100),
        (69_900, 70_000, 70_000),
        (3, 3, 9),
    ],
)
def test_a_full_bundle_is_checked_by_one_hash_of_level_1(start, end, size):
    """And the partial one by the leaves of its level-0 tile."""
    hashes = authenticate(fetched(size, tiles_for_level1(start, end, size)), size=size, root=TREE.root(size))
    for bundle in {index // 256 for index in range(start, end)}:
        leaves = TREE.leaves[bundle * 256 : min(size, bundle * 256 + 256)]
        if len(leaves) == 256:
            assert hashes.subtree(8, bundle) == hash_up(leaves)
        else:
            assert [hashes.subtree(0, bundle * 256 + i) for i in range(len(leaves))] == leaves


def test_the_tiles_for_level_1_are_few():
    """All 70,000 entries: two tiles of level 1, one of level 2, the partial one of level 0."""
    assert tiles_for_level1(0, 70_000, 70_000) == ((2, 0, 1), (1, 0, 256), (1, 1, 17), (0, 273, 112))


@pytest.mark.parametrize(("start", "end", "size"), [(-1, 3, 9), (4, 3, 9), (0, 10, 9)])
def test_entries_that_are_not_there_need_no_tiles(start, end, size):
    """Whoever asks for them is mistaken."""
    with pytest.raises(ValueError, match="no such entries"):
        tiles_for_level1(start, end, size)


def test_sizes_in_the_wrong_order_need_no_tiles():
    """A log that shrinks is the caller's business."""
    with pytest.raises(ValueError, match="consistency from"):
        tiles_for_consistency(old_size=4, new_size=3)


@given(st.sampled_from([1, 255, 256, 257, 511, 600, 65_535, 65_536, 65_537, 70_000]), st.data())
@settings(max_examples=80, deadline=None)
def test_a_tampered_tile_is_never_believed(size, data):
    """Whichever bit of whichever tile, or a tile too few or too many."""
    index = data.draw(st.integers(0, size - 1))
    tiles = fetched(size, tiles_for_inclusion(index=index, size=size))
    root = TREE.root(size)
    authenticate(tiles, size=size, root=root)
    at = data.draw(st.sampled_from(sorted(tiles)))
    slot = data.draw(st.integers(0, len(tiles[at]) - 1))
    bit = data.draw(st.integers(0, 255))
    wrong = (int.from_bytes(tiles[at][slot], "big") ^ (1 << bit)).to_bytes(32, "big")
    for change in (
        {at: [*tiles[at][:slot], wrong, *tiles[at][slot + 1 :]]},
        {at: tiles[at][:-1]},
        {at: [*tiles[at], bytes(32)]},
        {at: [*tiles[at][:-1], bytes(31)]},
        {(0, 99_999): [bytes(32)]},
        {(9, 0): [bytes(32)]},
    ):
        with pytest.raises(ProofError):
            authenticate({**tiles, **change}, size=size, root=root)
    with pytest.raises(ProofError):
        authenticate(tiles, size=size, root=wrong)
    with pytest.raises(ProofError):
        authenticate(tiles, size=size + 1, root=root)


def test_a_full_tile_without_the_one_above_it_is_not_believed():
    """Nothing would vouch for it."""
    tiles = fetched(70_000, tiles_for_inclusion(index=0, size=70_000))
    del tiles[1, 0]
    with pytest.raises(ProofError, match="above"):
        authenticate(tiles, size=70_000, root=TREE.root())


def test_what_was_not_given_cannot_be_read():
    """Not even as an empty hash."""
    hashes = authenticate(fetched(70_000, tiles_for_inclusion(index=0, size=70_000)), size=70_000, root=TREE.root())
    for level, index in ((0, 256), (7, 2), (0, 70_000), (16, 1), (70, 0)):
        with pytest.raises(LookupError):
            hashes.subtree(level, index)
    with pytest.raises(LookupError):
        TileHashes({}).subtree(0, 0)


def test_the_sizes_of_a_growing_tree_lead_to_each_other():
    """As a puller sees them: each new root is believed from the last one, with tiles alone."""
    edge = RightEdge.empty()
    for old, new in pairwise((0, 1, 255, 256, 257, 1_000, 65_536, 65_537, 70_000)):
        edge = edge.extended(TREE.leaves[old:new])
        hashes = authenticate(
            fetched(new, tiles_for_consistency(old_size=old, new_size=new)), size=new, root=edge.root()
        )
        assert tree_root(hashes, new) == edge.root()
    assert leaf_hash(b"entry 0") == TREE.leaves[0]
