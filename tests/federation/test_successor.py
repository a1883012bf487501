"""A register that can never go on has a successor: everybody follows, and nothing is lost that anybody held."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.acts import look
from epix_node.acts import recovery as acts
from epix_node.acts.publish import Published
from epix_node.acts.revocation import heed_revocations
from epix_node.errors import ConflictError
from epix_node.exchange.audit import audit_all, without_progress
from epix_node.federation import recovery
from epix_node.identity import rotation, successor
from epix_node.permit.answer import Answer, Grade, Policy
from epix_node.permit.event import PermitRef
from epix_node.permit.status import Flag, Status
from epix_node.register.standstill import Cause
from epix_node.store import documents, former, peers, pending, register, trust
from epix_node.store.documents import HeldDocument
from epix_node.trust.manifest import CoverageEntry, Manifest
from tests.federation.test_recovery import brought_back, copied, everybody_pulls, photographed, restored, why
from tests.world import Country, World


async def succeed(world: World, party: str = "XA") -> Manifest:
    """The Party begins another register, and its node was started again."""
    country = world[party]
    node = country.node
    assert node.role is not None
    end = successor.ended(
        node.database, node.office.sequencer.record, node.manifest, reason="a disk burned", now=world.now
    )
    change = successor.succeeded(node.keys.box, node.manifest, end)
    made = rotation.make(node.database, node.role, change, now=world.now)
    assert made.in_force
    await country.down()
    country.reopen()
    await country.up()
    await recovery.at_start(country.node)
    assert acts.standstill(country.node.office) is None
    return made.manifest


def halt(country: Country) -> None:
    """Nothing can ever bring back what this register is said to have signed."""
    office = country.node.office
    office.database.write_now(register.halt, office.party, office.own.origin, "RECOVERY: nobody has the last entries")


def sound(country: Country) -> None:
    """Every register that this country holds is what its checkpoints say, the former ones, too."""
    office = country.node.office
    audits = audit_all(
        office.database, office.sequencer.record, office.party, now=country.node.clock(), progress=without_progress
    )
    assert {audit.party: audit.problems for audit in audits if audit.problems} == {}


def held(country: Country, published: Published) -> HeldDocument:
    found = country.node.database.read_now(documents.find, published.source.document)
    assert found is not None
    return found


def looked(country: Country, number: str, *, issued_on: date | None = None) -> Answer:
    ref = PermitRef(issuer="XA", number=number, type="E" if issued_on else None, issued_on=issued_on)
    return look.status(country.node.office, Policy(), ref, purpose=None, now=country.node.clock())


def formers(country: Country, party: str = "XA") -> tuple[str, ...]:
    return country.node.database.read_now(former.registers, party)


async def test_a_register_whose_last_entries_nobody_has_is_succeeded_and_everybody_goes_on(world: World) -> None:
    """The restored node has all its documents in the new register; peers keep theirs, with their age, and get more."""
    early = world["XA"].publish("26XA1")
    await everybody_pulls(world)
    copy = copied(world)
    world["XA"].publish("26XA2")  # signed, and seen by nobody
    await world["XA"].down()
    restored(world, copy)
    await world["XA"].up()
    await recovery.at_start(world["XA"].node)
    assert not await recovery.go_on(world["XA"].node)
    assert why(world["XA"]) is Cause.RECOVERY
    waiting = world["XA"].publish("26XA3")
    assert waiting.source.index is None
    before = held(world["XB"], early)

    world.wait(hours=1)
    manifest = await succeed(world)
    assert manifest.log.successor_of == manifest.log.former[0].origin
    assert manifest.log.former[0].size == 2  # what the record knows that was signed
    assert [held(world["XA"], one).register_index for one in (early, waiting)] == [0, 1]
    assert world["XA"].node.database.read_now(pending.count, "XA") == 0
    assert held(world["XA"], early).at == early.source.at

    await everybody_pulls(world)
    after = held(world["XB"], early)
    assert after.register_index == 0
    assert (after.at, after.proven_at) == (before.at, before.proven_at)
    assert after.former == (former.key_of("XA", manifest.log.former[0].origin), 0)
    assert world["XB"].holds(waiting) == [True]
    assert world["XB"].mirror("XA").origin == manifest.log.origin
    assert formers(world["XB"]) == formers(world["XA"]) == (after.former[0],)
    for country in world.countries.values():
        sound(country)
    answer = looked(world["XB"], "26XA1")
    assert answer.status is Status.VALID
    assert answer.grade is not Grade.UNLOGGED

    new = world["XA"].publish("26XA4")
    assert new.source.index == 2
    reported = world["XB"].confirm("26XA4")
    await everybody_pulls(world)
    assert world["XB"].holds(new) == [True]
    await world.pull("XA", "XB")
    assert world["XA"].holds(reported) == [True]


async def test_nobody_calls_a_permit_forged_that_went_down_with_a_register(world: World) -> None:
    """Of the time before the successor nobody knows what there was; of the time after it one does."""
    covered = CoverageEntry(types=("E",), issued_from=None, published_within_h=24)
    world["XA"].sign(world["XA"].node.manifest.model_copy(update={"coverage": (covered,)}))
    world["XA"].publish("26XA1")
    await everybody_pulls(world)
    assert looked(world["XA"], "26XA2", issued_on=date(2026, 2, 1)).status is Status.NOT_ISSUED
    halt(world["XA"])
    await succeed(world)
    world.wait(days=20)
    world["XA"].node.office.sequencer.publish(now=world.now)
    await everybody_pulls(world)
    for reader in ("XA", "XB"):
        assert looked(world[reader], "26XA2", issued_on=date(2026, 2, 1)).status is Status.UNKNOWN
    assert looked(world["XA"], "26XA2", issued_on=date(2026, 3, 15)).status is Status.NOT_ISSUED


async def test_a_peer_that_was_away_during_two_successors_follows_both(world: World) -> None:
    """It gets what it missed from the newest register, and finds what it holds there again."""
    held_before = world["XA"].publish("26XA1")
    await everybody_pulls(world)
    missed = world["XA"].publish("26XA2")
    await world["XB"].down()
    for hour in range(2):
        world.wait(hours=1)
        halt(world["XA"])
        await succeed(world)
        world["XA"].publish(f"26XA1{hour}")
        assert (await world.pull("XC")).problem is None
    assert [one.origin.rpartition("/")[2] for one in world["XA"].node.manifest.log.former] == ["XA", "2"]
    assert len(formers(world["XC"])) == 2
    await world["XB"].up()
    assert (await world.pull("XB")).problem is None
    assert world["XB"].holds(held_before, missed) == [True, True]
    assert [held(world["XB"], one).register_index for one in (held_before, missed)] == [0, 1]
    first = former.key_of("XA", world["XA"].node.manifest.log.former[0].origin)
    for country in (world["XA"], world["XB"]):
        assert held(country, held_before).former == (first, 0)  # its proof of age
    for country in world.countries.values():
        sound(country)


async def test_a_disputed_register_is_succeeded_and_its_peers_take_it_up_once_people_have_looked(world: World) -> None:
    """Nobody clears itself by beginning anew; the evidence is kept after that, too."""
    first = world["XA"].publish("26XA1")
    await everybody_pulls(world)
    machine = photographed(world)
    other = world["XA"].publish("26XA2")
    await everybody_pulls(world)
    await world["XA"].down()
    brought_back(world, machine)
    mine = world["XA"].publish("26XA3")
    await world["XA"].up()
    await world.pull("XB")
    assert world["XB"].peer("XA").frozen is not None
    assert Flag.REGISTER_DISPUTED in looked(world["XB"], "26XA1").flags
    await recovery.at_start(world["XA"].node)
    assert why(world["XA"]) is Cause.TWO_HISTORIES
    await succeed(world)
    for name in ("XB", "XC"):
        await world.pull(name)
    assert world["XB"].peer("XA").frozen is not None
    assert Flag.REGISTER_DISPUTED in looked(world["XB"], "26XA1").flags
    for name in ("XB", "XC"):
        if world[name].peer("XA").frozen is not None:
            world[name].node.database.write_now(peers.unfreeze, "XA")
    await everybody_pulls(world)
    assert world["XB"].peer("XA").frozen is None
    assert world["XB"].holds(first, other, mine) == [True, True, True]
    assert Flag.REGISTER_DISPUTED not in looked(world["XB"], "26XA3").flags
    # What only peers hold of the old register stays proven there.
    kept = held(world["XB"], other)
    assert kept.register_index is None
    assert kept.place == kept.former
    assert looked(world["XB"], "26XA2").grade is not Grade.UNLOGGED
    for country in world.countries.values():
        sound(country)


async def test_a_backup_from_before_the_successor_is_brought_up_to_it(world: World) -> None:
    """The trust list names the new register; what that had signed comes back, and no entry is made twice."""
    first = world["XA"].publish("26XA1")
    await everybody_pulls(world)
    copy = copied(world)
    halt(world["XA"])
    manifest = await succeed(world)
    second = world["XA"].publish("26XA2")
    await everybody_pulls(world)
    newest = world["XA"].node.database.read_now(trust.held).own
    assert newest is not None
    await world["XA"].down()
    restored(world, copy)
    world.repository.publish(world.now, offers={"XA": newest})
    world.refresh("XA")
    world["XA"].reopen()
    await world["XA"].up()
    assert world["XA"].node.office.own.origin == manifest.log.origin
    assert why(world["XA"]) is Cause.RECOVERY
    await recovery.at_start(world["XA"].node)
    assert await recovery.go_on(world["XA"].node)
    assert [held(world["XA"], one).register_index for one in (first, second)] == [0, 1]
    assert world["XA"].publish("26XA3").source.index == 2
    await everybody_pulls(world)
    assert world["XB"].peer("XA").frozen is None
    for country in world.countries.values():
        sound(country)


async def test_cases_are_looked_at_again_under_their_new_numbers(world: World) -> None:
    """What was remembered to be looked at is worked off."""
    world["XA"].publish("26XA1")
    await everybody_pulls(world)
    halt(world["XA"])
    await succeed(world)
    await everybody_pulls(world)
    for country in world.countries.values():
        heed_revocations(country.node.office, now=world.now)
    assert looked(world["XB"], "26XA1").status is Status.VALID


async def test_a_register_that_can_go_on_has_no_successor(world: World) -> None:
    """Nothing is signed, and no key is made."""
    world["XA"].publish("26XA1")
    with pytest.raises(ConflictError, match="not at a standstill"):
        await succeed(world)
    assert len(world["XA"].node.keys.box.logs()) == 1


async def test_a_process_that_missed_the_change_writes_nothing(world: World) -> None:
    """It says that it has to be started again; the new register has no entry of the old one's key."""
    world["XA"].publish("26XA1")
    late = Country(world["XA"].home, world.clock)
    try:
        halt(world["XA"])
        await succeed(world)
        with pytest.raises(Exception, match="restart it"):
            late.publish("26XA9")
    finally:
        late.close()
    assert world["XA"].mirror("XA").edge.size == 1
