"""Extracts go over the wire as any document does: feed, batch, and nobody has one who is not addressed."""

from __future__ import annotations

from typing import Any

from epix_node.acts import publish as acts
from epix_node.identity.role import configured, own_manifest, sign_change
from epix_node.jobs import cover, round_
from epix_node.node import open_node
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.number import NumberRef
from epix_node.store import documents, extracts, register
from epix_node.trust.manifest import Manifest
from tests.federation.agreement import disagreements
from tests.world import World

RELEASE_5 = (
    "permit",
    "withdrawal",
    "export-endorsement",
    "import-confirmation",
    "presentation",
    "correction",
    "alert",
)
"""What keys were announced for before there were extracts."""


def told(world: World, party: str, number: str) -> list[Any]:
    facts = world[party].node.database.read_now(extracts.about, "XA", number)
    return [(fact.source.party, fact.key.number, fact.extract.withdrawn) for fact in facts]


async def test_a_round_tells_of_a_permit_that_was_accepted_before_it(world: World) -> None:
    """XA's round writes what is due before it pulls, so that it is in the feed of the same round."""
    published = world.publish("XA", "26XA1", to="XB", transit=["XC"])
    done = await world["XA"].round(ignore_backoff=True)
    assert (done.extracts, done.alerts) == (1, 0)
    await world.pull("XC")
    assert told(world, "XC", "26XA1") == [("XA", "26XA1", None)]
    assert world["XC"].holds(published) == [False]
    assert (await world["XA"].round(ignore_backoff=True)).extracts == 0


async def test_what_a_round_pulls_is_told_in_its_end(world: World) -> None:
    """XB confirms; XA pulls that, and its extract for XC is in the feed when the round is over."""
    world.publish("XA", "26XA1", to="XB", transit=["XC"])
    await cover(world["XA"].node)
    await world.pull("XB")
    world.confirm("XB", "26XA1")
    assert (await round_(world["XA"].node)).extracts == 1
    await world.pull("XC")
    (fact,) = world["XC"].node.database.read_now(extracts.about, "XA", "26XA1")
    assert fact.extract.lines[0].confirmed == "10"
    state = world["XC"].node.database.read_now(register.state, "XA")
    listed, _ = world["XA"].node.database.read_now(
        documents.feed, "XA", codes=["XC"], start=0, size=state.checkpoint_size, limit=9
    )
    assert [one.type for one in listed] == ["permit-extract"] * 2


async def test_everybody_holds_what_is_addressed_to_it(world: World) -> None:
    """Three countries, each on the way of the others' goods, and a withdrawal."""
    for party, to, way in (("XA", "XB", "XC"), ("XB", "XC", "XA"), ("XC", "XA", "XB")):
        world.publish(party, f"26{party}1", to=to, transit=[way])
    await world.step(ignore_backoff=True)
    await world.step(ignore_backoff=True)
    acts.withdraw(
        world["XA"].node.office, NumberRef(issuer="XA", number="26XA1"), WithdrawalReason.LOST, None, now=world.now
    )
    await world.step(ignore_backoff=True)
    await world.step(ignore_backoff=True)
    assert told(world, "XC", "26XA1") == [("XA", "26XA1", WithdrawalReason.LOST)]
    assert disagreements(world) == []


async def test_a_node_of_an_earlier_release_announces_its_key_for_extracts(world: World) -> None:
    """Its next manifest does, which it signs when it starts; until then what is due waits."""
    country = world["XA"]

    def earlier(manifest: Manifest) -> Manifest:
        return manifest.model_copy(
            update={"permit_keys": tuple(one.model_copy(update={"uses": RELEASE_5}) for one in manifest.permit_keys)}
        )

    sign_change(country.node.database, country.node.role, earlier, now=world.now)
    world.publish("XA", "26XA1", to="XB", transit=["XC"])
    assert await cover(country.node) == 0
    (before,) = country.node.database.read_now(own_manifest).permit_keys
    with open_node(country.config, follow=True):  # as ``serve`` does
        pass
    (after,) = country.node.database.read_now(own_manifest).permit_keys
    assert (before.uses, after.uses) == (RELEASE_5, (*RELEASE_5, "permit-extract"))
    assert await cover(country.node) == 1
    assert configured(country.node.manifest, country.node.config) == country.node.manifest


def test_a_key_for_few_types_stays_one(world: World) -> None:
    """What the Party decided about its keys is left alone."""
    config = world["XA"].node.config
    manifest = world["XA"].node.manifest
    (entry,) = manifest.permit_keys
    few = entry.model_copy(update={"uses": ("permit", "withdrawal")})
    gone = entry.model_copy(update={"uses": RELEASE_5, "status": "revoked"})
    for one in (few, gone):
        assert configured(manifest.model_copy(update={"permit_keys": (one,)}), config).permit_keys == (one,)
