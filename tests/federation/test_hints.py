"""Who is told that there is something new, and how often."""

from __future__ import annotations

import pytest

from epix_node.federation.hints import Hints
from tests.world import World


class Watch:
    """A clock in seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def hints(world: World, watch: Watch) -> Hints:
    """XA's, which has looked once."""
    made = Hints(world["XA"].node, monotonic=watch)
    assert await made.tell() == 0
    return made


def hinted(world: World, party: str) -> int:
    return world[party].asked.count("/epix/v1/hint")


async def test_those_whom_an_entry_concerns_are_told(world: World, hints: Hints) -> None:
    """Its recipients, and nobody else; once."""
    world["XA"].publish("26XA1", to="XB")
    assert await hints.tell() == 1
    assert await hints.tell() == 0
    assert (hinted(world, "XB"), hinted(world, "XC")) == (1, 0)


async def test_what_was_there_before_is_no_news(world: World, watch: Watch) -> None:
    """A node that starts tells nobody of a thousand old documents; all of them poll."""
    world["XA"].publish("26XA1", to="XB")
    assert await Hints(world["XA"].node, monotonic=watch).tell() == 0
    assert hinted(world, "XB") == 0


async def test_one_peer_is_told_once_in_ten_seconds(world: World, hints: Hints, watch: Watch) -> None:
    """C.2: a hint that comes earlier is refused. What came in between is told then."""
    for number in range(3):
        world["XA"].publish(f"26XA{number}", to="XB")
        await hints.tell()
        watch.now += 1
    assert hinted(world, "XB") == 1
    watch.now = 10
    assert await hints.tell() == 1
    assert hinted(world, "XB") == 2
    watch.now = 30
    assert await hints.tell() == 0


async def test_everybody_is_told_of_a_new_manifest(world: World, hints: Hints) -> None:
    """It may revoke a key (C.1)."""
    world["XA"].sign(world["XA"].node.manifest)
    assert await hints.tell() == 2
    assert (hinted(world, "XB"), hinted(world, "XC")) == (1, 1)


async def test_a_peer_that_cannot_be_told_changes_nothing(world: World, hints: Hints) -> None:
    """It asks by itself; no failure is counted, and nobody waits."""
    await world["XB"].down()
    world["XA"].publish("26XA1", to="XB")
    assert await hints.tell() == 0
    assert await hints.tell() == 0


async def test_a_hint_ends_a_back_off(world: World, hints: Hints) -> None:
    """Who hints is there (C.5, "Reset")."""
    await world["XA"].down()
    await world.pull("XB")
    assert world["XB"].peer("XA").failures == 1
    await world["XA"].up()
    world["XA"].publish("26XA1", to="XB")
    assert await hints.tell() == 1
    state = world["XB"].peer("XA")
    assert (state.failures, state.backoff_until) == (0, None)
