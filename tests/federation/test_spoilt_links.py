"""Every question of a pull meets every fault of the wire: nobody is blamed, and the next poll brings everything.

The other end is honest in all of this. What the wire did is over when it ends, except for time.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from epix_node.federation.pull import pull
from epix_node.federation.witnessing import gather
from epix_node.store import documents
from tests.federation.agreement import blamed, disagreements
from tests.wire import Fault, Link
from tests.world import World

PATHS = ("tuf/party.json", "log/checkpoint", "log/tile/0", "log/tile/entries", "gossip", "feed", "docs/batch")


@pytest.fixture
async def wired(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """XA, XB and XC with a wire between them; each has taken a first entry of every other."""
    world = World(tmp_path, founded, seed=7)
    await world.up()
    for party, to in (("XA", "XB"), ("XB", "XC"), ("XC", "XA")):
        world.publish(party, f"26{party}0", to=to)
    for reader in world.parties:
        for writer in world.parties:
            if reader != writer:
                assert (await world.pull(reader, writer)).problem is None
    yield world
    await world.close()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.STALL], ids=lambda one: one.name)
async def test_no_fault_of_the_wire_loses_anything_or_blames_anybody(wired: World, fault: Fault) -> None:
    """One poll after it is whole, by a node that was not told so."""
    chance = random.Random(fault.name)
    numbers = iter(range(1, 100))
    for path in PATHS:
        for _ in range(2):
            permit = wired.publish("XA", f"26XA{next(numbers)}", to="XB")
            world = wired
            world.wire.links["XB", "XA"] = Link({fault: 1.0}, only=path)
            world.wire.turn += 1
            for _ in range(chance.randint(1, 2)):
                await pull(world["XB"].node, "XA", ignore_backoff=True)
            world.wire.links.clear()
            result = await world.pull("XB")
            said = f"{fault.name} at {path}"
            assert result.problem is None, said
            assert world["XB"].holds(permit) == [True], said
            assert list(blamed(world, world.parties)) == [], said
            assert not world["XB"].node.database.read_now(documents.wanted, "XA"), said
            assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge, said


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.STALL], ids=lambda one: one.name)
async def test_no_fault_between_a_log_and_its_witnesses_stops_the_log(wired: World, fault: Fault) -> None:
    """Nothing is believed of what comes as a witness's word, and its cosignature is there once it can be asked."""
    for number, path in enumerate(("add-checkpoint", "witness/")):
        wired.publish("XA", f"26XA{number + 1}", to="XB")
        for witness in ("XB", "XC"):
            wired.wire.links["XA", witness] = Link({fault: 1.0}, only=path)
        wired.wire.turn += 1
        for _ in range(2):
            await gather(wired["XA"].node, ignore_backoff=True)
        wired.wire.links.clear()
        await gather(wired["XA"].node, ignore_backoff=True)
        own = wired["XA"].mirror("XA")
        assert own.halted is None, path
        assert own.witnessed_size == own.checkpoint_size, path
    for reader, writer in (("XB", "XA"), ("XC", "XA")):
        await wired.pull(reader, writer)
    assert disagreements(wired) == []
