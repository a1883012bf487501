"""Histories of two nodes that pull from each other over real HTTP, with a wire that fails and peers that lie."""

from __future__ import annotations

from tests.federation.world import World


async def test_what_is_addressed_to_a_country_comes_with_one_pull(world: World) -> None:
    """The documents, the cursor and the mirror, all at once."""
    ours, theirs = world["XA"].publish("26XA1"), world["XA"].publish("26XA2", to="XC")
    result = await world.pull("XB")
    assert (result.documents, result.leaves, result.quarantined, result.problem) == (1, 2, 0, None)
    assert world["XB"].holds(ours, theirs) == [True, False]
    assert world["XB"].peer("XA").next_index == 2
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge
    assert world["XB"].mirror("XA").checkpoint_size == 2
