"""The own register as other nodes read it: checkpoint, tiles and bundles, and nothing beyond what was published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from epix_node.register.bundle import decode_bundle
from epix_node.register.checkpoint import verify_checkpoint
from epix_node.register.merkle import leaf_hash
from epix_node.register.proof import consistency_proof, verify_consistency
from epix_node.register.tiles import authenticate, decode_tile, tile_path, tiles_for_consistency
from epix_node.store import register
from tests.web.asking import ask, send
from tests.world import START, World, found_countries

LOG = "/epix/v1/log/"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_countries(tmp_path_factory.mktemp("founded"))


@pytest.fixture
async def world(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """Only XA answers; the others ask."""
    made = World(tmp_path, founded)
    await made["XA"].up()
    yield made
    await made.close()


async def test_everybody_sees_the_checkpoint_and_it_is_not_sent_twice(world: World) -> None:
    """Public, signed by the log and cosigned by its owner; a tag saves the second answer (C.2)."""
    world["XA"].publish("26XA1")
    path, manifest = "/epix/v1/log/checkpoint", world["XA"].node.manifest
    first = await send(world, "GET", path)
    assert first.headers["Content-Type"] == "text/plain; charset=utf-8"
    verified = verify_checkpoint(
        first.body, origin=manifest.log.origin, log_key=manifest.log_keys[0], cosigner_key=manifest.cosigner_keys[0]
    )
    assert (verified.checkpoint.size, verified.cosigned_at) == (1, START)
    again = await send(world, "GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    world.wait(minutes=9)
    assert (await send(world, "GET", path)).body == first.body
    world.wait(minutes=1)
    fresh = await send(world, "GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert fresh.status == 200
    assert fresh.body != first.body


async def test_a_register_without_entries_has_a_checkpoint(world: World) -> None:
    """Its size is 0."""
    assert b"\n0\n" in (await send(world, "GET", "/epix/v1/log/checkpoint")).body


async def test_an_entry_is_shown_only_under_a_checkpoint(world: World) -> None:
    """What was committed and not signed yet is there for nobody (C.4 item 8)."""
    country = world["XA"]
    country.grow(3)
    country.node.database.write_now(country._grow, 2)
    assert b"\n3\n" in (await send(world, "GET", LOG + "checkpoint")).body
    assert (await ask(world, "XB", "GET", LOG + "tile/entries/000.p/3")).status == 200
    for beyond in ("tile/entries/000.p/4", "tile/entries/000.p/5", "tile/0/000.p/4", "tile/0/000.p/5"):
        assert (await ask(world, "XB", "GET", LOG + beyond)).status == 404
    country.node.office.sequencer.publish(now=world.now)
    assert (await ask(world, "XB", "GET", LOG + "tile/0/000.p/5")).status == 200


async def test_bundles_are_there_for_every_published_size(world: World) -> None:
    """And for none that was not: clients must not ask beyond a checkpoint (C.4 item 4)."""
    world["XA"].grow(258)
    full = await ask(world, "XB", "GET", LOG + "tile/entries/000")
    assert full.headers["Content-Type"] == "application/octet-stream"
    assert full.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    entries = decode_bundle(full.body, count=256)
    partial = await ask(world, "XB", "GET", LOG + "tile/entries/000.p/70")
    assert decode_bundle(partial.body, count=70) == entries[:70]
    assert len(decode_bundle((await ask(world, "XB", "GET", LOG + "tile/entries/001.p/2")).body, count=2)) == 2
    for beyond in ("001", "001.p/3", "002.p/1", "x001/000", "000.p/256", "000.p/0", "0", "000.p/01", "..%2F000"):
        missing = await ask(world, "XB", "GET", f"{LOG}tile/entries/{beyond}")
        assert (missing.status, missing.problem) in {(404, "NOT_FOUND"), (401, "SIGNATURE_INVALID")}, beyond


async def test_a_bundle_is_compressed_for_who_asks_for_that(world: World) -> None:
    """And for nobody else: a client that counts bytes asks for `identity`."""
    world["XA"].grow(200)
    path = LOG + "tile/entries/000.p/200"
    plain = await ask(world, "XB", "GET", path, headers={"Accept-Encoding": "identity"})
    packed = await ask(world, "XB", "GET", path, headers={"Accept-Encoding": "deflate, GZIP; q=0.5"})
    refused = await ask(world, "XB", "GET", path, headers={"Accept-Encoding": "gzip;q=0, deflate"})
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert packed.body == plain.body  # as unpacked by the client


async def test_tiles_are_there_for_every_published_size(world: World) -> None:
    """From them a client derives the root and that the register only grew, believing nothing but the checkpoint."""
    country = world["XA"]
    country.grow(300)
    old = country.node.database.read_now(register.edge_of, "XA", 300).root()
    country.grow(400)
    new = country.node.database.read_now(register.edge_of, "XA", 700).root()
    tiles = {}
    for level, n, width in tiles_for_consistency(old_size=300, new_size=700):
        path = tile_path(level, n, width if width < 256 else None)
        given = await ask(world, "XB", "GET", LOG + path)
        assert given.headers["Content-Type"] == "application/octet-stream"
        assert given.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        tiles[level, n] = decode_tile(given.body, width=width)
    hashes = authenticate(tiles, size=700, root=new)
    proof = consistency_proof(hashes, old_size=300, new_size=700)
    verify_consistency(old_size=300, old_root=old, new_size=700, new_root=new, proof=proof)
    bundle = await ask(world, "XB", "GET", LOG + "tile/entries/001")
    tile = await ask(world, "XB", "GET", LOG + "tile/0/001")
    assert [leaf_hash(entry) for entry in decode_bundle(bundle.body, count=256)] == list(
        decode_tile(tile.body, width=256)
    )
    assert sha256((await ask(world, "XB", "GET", LOG + "tile/0/001")).body).digest() == sha256(tile.body).digest()


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002", "tile/0/002.p/189", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1", "tile/64/000",
        "tile/00/000", "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/x000/000", "tile/-1/000", "tile/",
    ],
)  # fmt: skip
async def test_no_tile_is_there_that_no_checkpoint_implies(world: World, path: str) -> None:
    """700 entries are two full bundles and 188 entries more; each tile has one spelling."""
    world["XA"].grow(700)
    assert (await ask(world, "XB", "GET", LOG + path)).status == 404


async def test_hashes_and_entries_are_for_peers(world: World) -> None:
    """C.2: peers and witnesses; the checkpoint alone is public."""
    world["XA"].grow(1)
    for path in ("tile/0/000.p/1", "tile/entries/000.p/1"):
        assert (await send(world, "GET", LOG + path)).status == 401


async def test_a_halted_register_shows_its_last_checkpoint(world: World) -> None:
    """However old it becomes: nothing is signed meanwhile, and readers see that by its time."""
    country = world["XA"]
    country.grow(2)
    before = (await send(world, "GET", LOG + "checkpoint")).body
    origin = country.node.office.own.origin
    country.node.database.write_now(register.halt, "XA", origin, "RECOVERY: it was said to be larger")
    world.wait(hours=1)
    assert (await send(world, "GET", LOG + "checkpoint")).body == before
    assert world.now > START
