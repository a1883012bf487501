"""Whatever the wire does, once it is whole again every node holds what is addressed to it, and nobody is blamed.

Histories are drawn from a seed: who does what, what each direction between two nodes does to what crosses it, and which
node dies in the middle. The larger half runs with `make hostile`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from epix_node.errors import EpixError
from tests.federation.agreement import disagreements
from tests.wire import Fault, Link
from tests.world import World

CHANCE = {fault: 0.03 for fault in Fault if fault is not Fault.ENDLESS}
"""Every second question or so meets something."""

SETTLED_WITHIN = 6
"""Rounds until nothing comes any more: documents, the alerts that follow, what alerts name, and what answers that."""


def some_deeds(world: World, chance: random.Random) -> None:
    """Permits, confirmations of what is known or not, two confirmations of one permit, withdrawals."""
    for _ in range(chance.randint(1, 3)):
        party = chance.choice(world.parties)
        others = [one for one in world.parties if one != party]
        earlier = sorted(world.permits)
        try:
            match chance.randrange(4) if earlier else 0:
                case 0 | 1:
                    number = f"26{party}{len(earlier)}"
                    to = chance.choice(others)
                    # Every second one passes through a third country, which is told of it by extracts.
                    way = [one for one in others if one != to][: len(earlier) % 2]
                    world.publish(party, number, to=to, transit=way)
                case 2:
                    number = chance.choice(earlier)
                    issuer = world.permits[number].issuer
                    world.confirm(party if party != issuer else chance.choice(others), number)
                case _:
                    number = chance.choice(earlier)
                    world.withdraw(world.permits[number].issuer, number)
        except EpixError:
            continue  # the same confirmation again, or a second withdrawal


async def played(directory: Path, founded: Path, *, seed: int, steps: int, deaths: int) -> World:
    """A world in which this happened, its wire whole again and everybody settled."""
    world = World(directory, founded, seed=seed)
    chance = random.Random(f"deeds {seed}")
    await world.up()
    doomed = {chance.randrange(steps) for _ in range(deaths)}
    for step in range(steps):
        for one in world.parties:
            for other in world.parties:
                faults = {fault: likelihood * chance.choice((0, 1, 2)) for fault, likelihood in CHANCE.items()}
                world.wire.links[one, other] = Link(faults, is_cut=chance.random() < 0.1)
        some_deeds(world, chance)
        if step in doomed:
            world.doom(chance.choice(world.parties), after=chance.randint(1, 25))
        await world.step(minutes=chance.choice((1, 1, 5, 30)), ignore_backoff=chance.random() < 0.5)
    world.wire.heal()
    return world


async def settle(world: World) -> int:
    """Rounds until one brought nothing; the nodes know of each other by then that they are back."""
    for done in range(1, SETTLED_WITHIN + 1):
        brought = await world.step(ignore_backoff=True)
        if done > 1 and not any(any(one.pulled.values()) or one.alerts for one in brought.values() if one is not None):
            return done
    return SETTLED_WITHIN


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_the_wire_does_everybody_agrees_once_it_is_whole(
    tmp_path: Path, founded_of: Callable[[int], Path], seed: int
) -> None:
    """Documents, mirrors, findings; no honest node frozen, no index twice, `register check` clean."""
    world = await played(tmp_path, founded_of(3), seed=seed, steps=5, deaths=1)
    try:
        await settle(world)
        assert disagreements(world) == []
        assert sum(world.wire.happened.values()) > 20
    finally:
        await world.close()


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(100, 140))
async def test_larger_worlds_agree_after_longer_histories(
    tmp_path: Path, founded_of: Callable[[int], Path], seed: int
) -> None:
    """Three to five nodes, twenty rounds, several deaths."""
    world = await played(tmp_path, founded_of(3 + seed % 3), seed=seed, steps=20, deaths=4)
    try:
        await settle(world)
        assert disagreements(world) == []
    finally:
        await world.close()
