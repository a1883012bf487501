"""Every question of a pull meets every fault of the wire: nobody is blamed, and the next poll brings everything.

The other end is honest in all of this. What the wire did is over when it ends, except for time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from epix_node.federation import recovery
from epix_node.federation.pull import pull
from epix_node.federation.witnessing import gather
from epix_node.identity import rotation
from epix_node.identity.key_box import KeyBox
from epix_node.store import documents
from epix_node.store.backup import backup, restore
from epix_node.store.last_signed import record_path
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
    for reader, writer in permutations(world.parties, 2):
        assert (await world.pull(reader, writer)).problem is None
    yield world
    await world.close()


FAULTS = tuple(fault for fault in Fault if fault is not Fault.STALL)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.hostile)])
async def test_no_fault_of_the_wire_loses_anything_or_blames_anybody(wired: World, every: int) -> None:
    """Each fault, and each question of a pull, once or twice; the next poll is by a node that was not told of it.

    In `make test` a quarter of the pairs, so that every fault and every question is among them.
    """
    numbers = iter(range(1, 1000))
    for turn, fault in enumerate(FAULTS):
        for place, path in enumerate(PATHS):
            if (turn + place) % every:
                continue
            permit = wired.publish("XA", f"26XA{next(numbers)}", to="XB")
            wired.wire.links["XB", "XA"] = Link({fault: 1.0}, only=path)
            wired.wire.turn += 1
            for _ in range(wired.chance.choice((1, 1, 2))):
                await pull(wired["XB"].node, "XA", ignore_backoff=True)
            wired.wire.links.clear()
            result = await wired.pull("XB")
            said = f"{fault.name} at {path}"
            assert result.problem is None, said
            assert wired["XB"].holds(permit) == [True], said
            assert list(blamed(wired, ("XB",))) == [], said
            assert not wired["XB"].node.database.read_now(documents.wanted, "XA"), said
            assert wired["XB"].mirror("XA").edge == wired["XA"].mirror("XA").edge, said
    for reader, writer in permutations(wired.parties, 2):
        await wired.pull(reader, writer)
    assert disagreements(wired) == []


async def test_no_fault_between_a_log_and_its_witnesses_stops_the_log(wired: World) -> None:
    """Nothing is believed of what comes as a witness's word, and its cosignature is there once it can be asked."""
    numbers = iter(range(1, 1000))
    for fault in FAULTS:
        wired.publish("XA", f"26XA{next(numbers)}", to="XB")
        for witness in ("XB", "XC"):
            wired.wire.links["XA", witness] = Link({fault: 1.0}, only="witness/")
        wired.wire.turn += 1
        for _ in range(2):
            await gather(wired["XA"].node, ignore_backoff=True)
        wired.wire.links.clear()
        await gather(wired["XA"].node, ignore_backoff=True)
        own = wired["XA"].mirror("XA")
        assert own.halted is None, fault.name
        assert own.witnessed_size == own.checkpoint_size, fault.name
    for reader in ("XB", "XC"):
        await wired.pull(reader)
    assert disagreements(wired) == []


@pytest.mark.sqlite("files are copied")
@pytest.mark.parametrize("fault", [Fault.DENY, Fault.OTHERS, Fault.OLDER, Fault.EMPTY], ids=lambda one: one.name)
async def test_nobody_in_between_can_make_a_restored_register_sign_anew(wired: World, fault: Fault) -> None:
    """Silence counts for a register in doubt only where the other Party itself says that it knows nothing."""
    xa = wired["XA"]
    assert xa.config.store_path is not None
    backup(xa.config.store_path, wired.directory / "old")
    lost = wired.publish("XA", "26XA1", to="XB")
    for reader in ("XB", "XC"):
        await wired.pull(reader)
    await xa.down()
    xa.close()
    restore(wired.directory / "old", xa.config.store_path, party="XA", now=wired.now)
    record_path(xa.config.store_path).unlink()
    xa.open()
    await xa.up()
    for other in ("XB", "XC"):
        wired.wire.links["XA", other] = Link({fault: 1.0})
    await recovery.at_start(xa.node)
    assert not await recovery.go_on(xa.node)
    wired.publish("XA", "26XA2", to="XB")
    wired.wire.heal()
    assert await recovery.go_on(xa.node)
    for reader in ("XB", "XC"):
        await wired.pull(reader)
    assert xa.holds(lost) == [True]
    assert disagreements(wired) == []


@pytest.mark.parametrize("fault", [Fault.NOTHING_NEW, Fault.DENY, Fault.EMPTY, Fault.OLDER], ids=lambda one: one.name)
async def test_a_key_that_nobody_was_told_of_in_time_loses_nothing(wired: World, fault: Fault) -> None:
    """Somebody in between hides the newer manifest; documents under the new key come once it is known."""
    node = wired["XA"].node
    assert node.role is not None
    pair = KeyBox.of(node.config).make_signing(not_before=wired.now, valid_for=timedelta(days=400))
    rotation.make(node.database, node.role, rotation.announced(pair, first_use=wired.now), now=wired.now)
    permit = wired.publish("XA", "26XA1", to="XB")
    wired.wire.links["XB", "XA"] = Link({fault: 1.0}, only="tuf/party.json")
    await wired.pull("XB")
    wired.wire.links.clear()
    for reader in ("XB", "XC"):
        await wired.pull(reader)
    assert wired["XB"].holds(permit) == [True]
    assert disagreements(wired) == []
