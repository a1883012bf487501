"""Asking witnesses: grades rise with cosignatures, and nothing waits for them."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from hashlib import sha256

import pytest
from aiohttp import web

from epix_node.acts.witnesses import WitnessRule
from epix_node.federation.witnessing import gather
from epix_node.register.cosignature import valid_cosignatures
from epix_node.register.note import format_note, format_signature_line, parse_note
from epix_node.register.witness import AddCheckpoint, encode_add_checkpoint
from epix_node.store import register, witness
from tests.federation.test_cosigning import ask
from tests.world import on

OTHER = sha256(b"another history").digest()


def witnesses_of(note, *countries):
    keys = [country.node.manifest.cosigner_keys[0] for country in countries]
    return {one.name.rpartition("/")[2] for one in valid_cosignatures(parse_note(note), keys)}


async def test_a_quorum_of_others_makes_a_checkpoint_witnessed(world):
    """Both others cosign; the checkpoint that is served has their lines, and so the readers' mirrors are witnessed."""
    log = world["XA"]
    log.grow(3)
    assert log.mirror("XA").witnessed_size == 0
    assert await gather(log.node) == 2
    held = log.mirror("XA")
    assert held.witnessed_size == 3
    assert witnesses_of(held.checkpoint, world["XB"], world["XC"]) == {"XB", "XC"}
    assert held.witnessed == held.checkpoint
    await world.pull("XB")
    assert world["XB"].mirror("XA").witnessed_size == 3
    assert await gather(log.node) == 0  # nothing is missing


async def test_every_new_checkpoint_is_witnessed_from_the_one_before(world):
    """Across bundles, and after a restart that forgets how far the witnesses are."""
    log = world["XA"]
    for size in (1, 255, 1, 300):
        log.grow(size)
        assert await gather(log.node) == 2
    await log.down()
    log.reopen()
    await log.up()
    log.grow(1)
    assert await gather(log.node) == 2
    assert log.mirror("XA").witnessed_size == 558


async def test_a_witness_that_is_down_lowers_the_grade_and_stops_nothing(world):
    """Publishing goes on and stays LOGGED; when the witness is back, everything up to the newest entry is WITNESSED."""
    log = world["XA"]
    log.publish("A-1")
    assert await gather(log.node) == 2
    await world["XC"].down()
    log.publish("A-2")
    assert await gather(log.node) == 1
    held = log.mirror("XA")
    assert (held.checkpoint_size, held.witnessed_size) == (2, 1)
    assert await gather(log.node) == 0  # who did not answer is left alone for a while
    await world["XC"].up()
    assert await gather(log.node, ignore_backoff=True) == 1
    assert log.mirror("XA").witnessed_size == 2


async def test_what_was_cosigned_stays_when_the_register_grows_or_is_cosigned_again(world):
    """The log's own new time keeps the lines; a grown register keeps the older note that the quorum cosigned."""
    log = world["XA"]
    log.grow(2)
    await gather(log.node)
    world.wait(minutes=11)
    log.node.office.sequencer.publish(now=world.now)
    assert witnesses_of(log.mirror("XA").checkpoint, world["XB"], world["XC"]) == {"XB", "XC"}
    log.grow(1)
    held = log.mirror("XA")
    assert (held.checkpoint_size, held.witnessed_size) == (3, 2)
    assert witnesses_of(held.checkpoint, world["XB"], world["XC"]) == set()
    assert witnesses_of(held.witnessed, world["XB"], world["XC"]) == {"XB", "XC"}


async def test_more_witnesses_than_there_are_is_never_reached(world):
    """A quorum of three among two others: lines come, and the grade stays."""
    log = world["XA"]
    log.node = dataclasses.replace(
        log.node, office=dataclasses.replace(log.node.office, witnesses=WitnessRule(quorum=3))
    )
    log.grow(1)
    assert await gather(log.node) == 2
    assert log.mirror("XA").witnessed_size == 0


async def test_a_register_without_entries_asks_nobody(world):
    """There is nothing to witness."""
    assert await gather(world["XA"].node) == 0
    assert world["XB"].asked == []


async def test_a_lying_witness_achieves_nothing(world):
    """Garbage, a wrong signature, a stranger's line, a size beyond everything: no line, and no stop of signing."""
    log = world["XA"]
    log.grow(1)
    own = log.node.office.own
    stranger = own.cosigner.sign("something else\n", at=world.now)
    for body, status, kind in (
        (b"\xff\xfe", 200, "text/plain"),
        (b"hello\n", 200, "text/plain"),
        (format_signature_line(stranger).encode(), 200, "text/plain"),
        (b"99\n", 409, "text/x.tlog.size"),
        (b"-1\n", 409, "text/x.tlog.size"),
        (b"two histories\n", 422, "text/plain"),
    ):
        answer = web.Response(body=body, status=status, headers={"Content-Type": kind})
        for party in ("XB", "XC"):
            world[party].meddle = on("add-checkpoint", lambda _, answer=answer: answer_again(answer))
        assert await gather(log.node, ignore_backoff=True) == 0
        held = log.mirror("XA")
        assert (held.witnessed_size, held.halted) == (0, None)


def answer_again(answer):
    return web.Response(
        body=answer.body, status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
    )


@pytest.mark.parametrize("off", [timedelta(days=-365), timedelta(minutes=-6), timedelta(minutes=6)])
async def test_a_line_that_is_not_of_now_is_not_taken(world, off):
    """Two witnesses that date it back would have every document of the register look as if it were dated back."""
    log = world["XA"]
    log.publish("26XA1")
    body = parse_note(log.mirror("XA").checkpoint).body
    for party in ("XB", "XC"):
        line = world[party].node.office.own.cosigner.sign(body, at=world.now + off)
        answer = format_signature_line(line)
        world[party].meddle = on("add-checkpoint", lambda _, answer=answer: web.Response(text=answer))
    assert await gather(log.node) == 0
    assert log.mirror("XA").witnessed_size == 0


async def test_a_cosignature_from_the_future_witnesses_nothing(world):
    """Whoever stands between may add the line of a lying witness to a checkpoint; of what it says nothing follows."""
    log = world["XA"]
    log.grow(3)
    note = parse_note(log.mirror("XA").checkpoint)
    cosigners = [world[party].node.office.own.cosigner for party in ("XB", "XC")]
    for off, size in ((timedelta(days=2), 0), (timedelta(0), 3)):
        added = tuple(one.sign(note.body, at=world.now + off) for one in cosigners)
        shown = format_note(dataclasses.replace(note, signatures=(*note.signatures, *added)))
        log.meddle = on("log/checkpoint", lambda _, shown=shown: web.Response(body=shown))
        assert (await world.pull("XB")).problem is None
        assert world["XB"].mirror("XA").witnessed_size == size


async def test_a_witness_that_holds_what_this_register_never_was_stops_the_signing(world):
    """The witness shows a checkpoint that our key signed: of another root, or larger than everything here."""
    log = world["XA"]
    log.grow(2)
    other = encode_add_checkpoint(AddCheckpoint(old_size=0, proof=(), checkpoint=log.says(2, OTHER)))
    assert (await ask(world["XB"], other)).status_code == 200
    await gather(log.node)
    halted = log.mirror("XA").halted
    assert halted is not None
    assert "XB" in halted


async def test_a_restored_register_finds_out_from_its_witness(world):
    """The witness holds a larger checkpoint than everything that this node remembers."""
    log = world["XA"]
    log.grow(2)
    larger = encode_add_checkpoint(AddCheckpoint(old_size=0, proof=(), checkpoint=log.says(7, OTHER)))
    assert (await ask(world["XB"], larger)).status_code == 200
    await gather(log.node)
    assert log.mirror("XA").halted is not None
    assert await gather(log.node, ignore_backoff=True) == 0  # nothing is signed, so nothing is asked


async def test_a_witness_keeps_what_it_cosigned_over_a_restart(world):
    """Its memory is the database."""
    log, witnessing = world["XA"], world["XB"]
    log.grow(2)
    await gather(log.node)
    await witnessing.down()
    witnessing.reopen()
    held = witnessing.node.database.read_now(witness.cosigned, log.node.office.own.origin)
    assert held is not None
    assert held.checkpoint.size == 2
    assert held.checkpoint.root == log.mirror("XA").edge.root()


async def test_what_was_cosigned_and_not_kept_is_asked_for_again(world, monkeypatch):
    """Where the write fails, nothing counts as witnessed; the next time the witness gives its line again."""
    log = world["XA"]
    log.grow(2)

    def fail(*_, **__):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(register, "put_witnessed", fail)
        with pytest.raises(OSError, match="the disk is full"):
            await gather(log.node)
    held = log.mirror("XA")
    assert held.witnessed_size == 0
    kept = witnesses_of(held.checkpoint, world["XB"], world["XC"])
    assert len(kept) <= 1
    assert await gather(log.node) == 2 - len(kept)
    assert log.mirror("XA").witnessed_size == 2


async def test_a_slow_witness_holds_up_no_grade(world, monkeypatch):
    """With a quorum of one, the first line counts while the other witness still thinks."""
    log = world["XA"]
    log.node = dataclasses.replace(
        log.node, office=dataclasses.replace(log.node.office, witnesses=WitnessRule(quorum=1))
    )
    log.grow(2)
    go_on, is_witnessed, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    async def slow(request, handler):
        await go_on.wait()
        return await handler(request)

    real = register.put_witnessed

    def told(*given):
        real(*given)
        loop.call_soon_threadsafe(is_witnessed.set)

    monkeypatch.setattr(register, "put_witnessed", told)
    world["XC"].meddle = slow
    gathering = asyncio.create_task(gather(log.node))
    await is_witnessed.wait()
    assert not gathering.done()
    go_on.set()
    assert await gathering == 2
    assert witnesses_of(log.mirror("XA").checkpoint, world["XB"], world["XC"]) == {"XB", "XC"}
