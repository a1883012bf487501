"""Entry bundles have one path and one encoding."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.register.bundle import (
    BUNDLE_ENTRIES,
    MAX_BUNDLE_BYTES,
    bundle_path,
    decode_bundle,
    encode_bundle,
    parse_bundle_path,
)
from epix_node.register.entry import MAX_ENTRY_BYTES

LAST_BUNDLE = (2**63 - 1) // 256


@pytest.mark.parametrize(
    ("n", "width", "path"),
    [
        (0, None, "tile/entries/000"),
        (0, 1, "tile/entries/000.p/1"),
        (7, 255, "tile/entries/007.p/255"),
        (999, None, "tile/entries/999"),
        (1000, None, "tile/entries/x001/000"),
        (1_234_067, None, "tile/entries/x001/x234/067"),
        (1_234_067, 112, "tile/entries/x001/x234/067.p/112"),
        (LAST_BUNDLE, None, "tile/entries/x036/x028/x797/x018/x963/967"),
    ],
)
def test_a_path_is_a_known_answer(n, width, path):
    """Both ways."""
    assert bundle_path(n, width) == path
    assert parse_bundle_path(path) == (n, width)


def test_the_public_tile_paths_are_the_same(vectors):
    """The examples of C2SP tlog-tiles and golang.org/x/mod."""
    for case in vectors("golang-mod/tile_paths.json")["c2sp"]:
        assert bundle_path(case["index"], None) == f"tile/entries/{case['path']}"
    for path in vectors("golang-mod/tile_paths.json")["fuzz_seeds"]:
        with pytest.raises(MalformedDocumentError):
            parse_bundle_path(path)


@given(st.integers(0, LAST_BUNDLE), st.none() | st.integers(1, 255))
@settings(max_examples=80)
def test_a_path_survives_the_round_trip(n, width):
    """parse_bundle_path reads what bundle_path wrote."""
    assert parse_bundle_path(bundle_path(n, width)) == (n, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/entries/",
        "tile/entries/0",
        "tile/entries/00",
        "tile/entries/0000",
        "tile/entries/x001",
        "tile/entries/001/000",
        "tile/entries/x000/001",
        "tile/entries/x001/x000",
        "tile/entries/x1/000",
        "tile/entries/X001/000",
        "tile/entries/x001//000",
        "tile/entries/-01",
        "tile/entries/+01",
        "tile/entries/００１",
        "tile/entries/000\n",
        "tile/entries/000/",
        "/tile/entries/000",
        "tile/entries/../000",
        "tile/0/000",
        "tile/entries/000.p",
        "tile/entries/000.p/",
        "tile/entries/000.p/0",
        "tile/entries/000.p/01",
        "tile/entries/000.p/256",
        "tile/entries/000.p/999",
        "tile/entries/000.p/1000",
        "tile/entries/000.p/-1",
        "tile/entries/000.p/1\n",
        "tile/entries/000.p/１",
        "tile/entries/000Xp/1",
        "tile/entries/x036/x028/x797/x018/x963/968",
        "tile/entries/x001/x000/x000/x000/x000/x000/000",
        "tile/entries/" + "x999/" * 5000 + "999",
    ],
)
def test_any_other_path_is_refused(path):
    """One bundle has one path, or caches and disks would hold it twice."""
    with pytest.raises(MalformedDocumentError):
        parse_bundle_path(path)


@pytest.mark.parametrize(("n", "width"), [(-1, None), (LAST_BUNDLE + 1, None), (0, 0), (0, 256), (0, -1)])
def test_a_path_to_nothing_is_not_made(n, width):
    """Numbers and widths that no tree has."""
    with pytest.raises(ValueError, match="bundle"):
        bundle_path(n, width)


def test_a_bundle_is_a_known_answer():
    """Each entry after its length, most significant byte first."""
    assert encode_bundle([b"a", b"", b"b" * 258]) == b"\x00\x01a\x00\x00\x01\x02" + b"b" * 258


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=256))
@settings(max_examples=80)
def test_a_bundle_survives_the_round_trip(entries):
    """decode_bundle reads what encode_bundle wrote, and only with the right count."""
    data = encode_bundle(entries)
    assert decode_bundle(data, count=len(entries)) == tuple(entries)
    for count in {max(1, len(entries) - 1), min(256, len(entries) + 1)} - {len(entries)}:
        with pytest.raises(MalformedDocumentError):
            decode_bundle(data, count=count)


@given(st.binary(max_size=30), st.integers(1, 8))
@settings(max_examples=100)
def test_hostile_bytes_are_refused_or_read_exactly(data, count):
    """Whatever arrives, there is no other error, and what is accepted encodes to the same bytes."""
    try:
        entries = decode_bundle(data, count=count)
    except MalformedDocumentError:
        return
    assert encode_bundle(entries) == data


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(b"", 1, id="nothing"),
        pytest.param(b"\x00", 1, id="half a length"),
        pytest.param(b"\x00\x02a", 1, id="a cut entry"),
        pytest.param(b"\x00\x01a", 2, id="an entry too few"),
        pytest.param(b"\x00\x01a\x00\x01b", 1, id="an entry too many"),
        pytest.param(b"\x00\x01a\x00", 1, id="a byte left over"),
        pytest.param(b"\x01\x00a", 1, id="a length with the bytes swapped"),
    ],
)
def test_a_malformed_bundle_is_refused(data, count):
    """The checkpoint says how many entries there are; the bundle may not say otherwise."""
    with pytest.raises(MalformedDocumentError):
        decode_bundle(data, count=count)


def test_the_largest_bundle_is_accepted_and_a_longer_entry_is_not():
    """256 entries of 2,048 bytes."""
    data = encode_bundle([bytes(MAX_ENTRY_BYTES)] * BUNDLE_ENTRIES)
    assert len(data) == MAX_BUNDLE_BYTES
    assert len(decode_bundle(data, count=BUNDLE_ENTRIES)) == BUNDLE_ENTRIES
    with pytest.raises(MalformedDocumentError) as caught:
        decode_bundle(b"\x08\x01" + bytes(2049), count=1)
    assert caught.value.code == "LIMIT_EXCEEDED"


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(2049)]])
def test_a_bundle_that_nobody_could_read_is_not_written(entries):
    """Our own mistakes show before anything is published."""
    with pytest.raises(ValueError, match=r"bundle of|entry of"):
        encode_bundle(entries)


@pytest.mark.parametrize("count", [0, -1, 257])
def test_a_count_that_no_bundle_has_is_a_mistake_of_the_caller(count):
    """It comes from a verified size, not from the peer."""
    with pytest.raises(ValueError, match="bundle of"):
        decode_bundle(b"", count=count)
