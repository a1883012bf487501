"""A node that lost something: nothing is signed before it knows what it had signed, and everything comes back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import event

from epix_node.acts import look
from epix_node.acts import recovery as acts
from epix_node.acts.publish import Published
from epix_node.acts.review import open_due
from epix_node.config import Config
from epix_node.errors import PeerRefusedError
from epix_node.exchange.audit import audit_all, without_progress
from epix_node.exchange.growth import verify_growth
from epix_node.federation import rebuilding, recovery
from epix_node.federation.client import Identity, PeerClient, answer_keys
from epix_node.federation.gossip import newest_notes
from epix_node.federation.recovery import mirror_prefix
from epix_node.federation.witnessing import gather
from epix_node.identity import rotation
from epix_node.identity.key_box import KeyBox
from epix_node.identity.role import own_version
from epix_node.permit.answer import Policy
from epix_node.permit.event import PermitRef
from epix_node.permit.status import Status
from epix_node.register.entry import chain_commitment
from epix_node.register.merkle import EMPTY_ROOT
from epix_node.register.standstill import Cause
from epix_node.store import cases, conflicts, documents, findings, lost, pending, register, schema
from epix_node.store.backup import backup, restore
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import record_path
from tests.world import Country, World, changing, on


def database_of(config: Config) -> Path:
    if config.store_path is None:
        pytest.skip("files are copied: this is about SQLite")
    return config.store_path


def restored(world: World, copy: Path, *, record: bool = True) -> None:
    """XA is stopped, has this copy for its database, and is open again; ``record``: the last-signed record is kept."""
    country = world["XA"]
    country.close()
    restore(copy, database_of(country.config), party="XA", now=world.now)
    if not record:
        record_path(database_of(country.config)).unlink()
    country.open()


def copied(world: World, name: str = "copy") -> Path:
    target = world.directory / name
    backup(database_of(world["XA"].config), target)
    return target


def photographed(world: World) -> tuple[Path, Path]:
    """Database and last-signed record as a copy of the whole machine has them."""
    record = world.directory / "record"
    with (
        closing(sqlite3.connect(record_path(database_of(world["XA"].config)))) as here,
        closing(sqlite3.connect(record)) as there,
    ):
        here.backup(there)
    return copied(world, "machine"), record


def brought_back(world: World, machine: tuple[Path, Path]) -> None:
    """XA is the machine that it was, and knows nothing of it."""
    country = world["XA"]
    database = database_of(country.config)
    country.close()
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    for source, target in zip(machine, (database, record_path(database)), strict=True):
        shutil.copy(source, target)
    country.open()


async def everybody_pulls(world: World) -> None:
    for reader in ("XB", "XC"):
        assert (await world.pull(reader)).problem is None


def whole(country: Country) -> int:
    """The register of this country is what its checkpoint says, derived again; returns its size."""

    def check(session: Session) -> int:
        held = register.state(session, country.node.party)
        assert held is not None
        assert held.halted is None
        assert held.checkpoint_size == held.edge.size
        verify_growth(session, country.node.party, old_size=0, old_root=EMPTY_ROOT, edge=held.edge)
        return held.edge.size

    size = country.node.database.read_now(check)
    office = country.node.office
    audits = audit_all(
        office.database, office.sequencer.record, office.party, now=country.node.clock(), progress=without_progress
    )
    assert [audit.problems for audit in audits] == [()] * len(audits)
    return size


def why(country: Country) -> Cause | None:
    found = acts.standstill(country.node.office)
    return None if found is None else found.cause


def index_of(country: Country, published: Published) -> int | None:
    held = country.node.database.read_now(documents.find, published.source.document)
    assert held is not None
    return held.register_index


async def test_a_register_restored_from_an_old_backup_is_rebuilt_from_the_mirrors(world: World) -> None:
    """Entries and documents come back as they were, what nobody received is named, and the same history goes on."""
    early = world["XA"].publish("26XA1")
    copy = copied(world)
    later = [world["XA"].publish("26XA2"), world["XA"].publish("26XA3", to="XC")]
    gone = world["XA"].publish("26XA4", to="XD")
    await everybody_pulls(world)
    before = world["XA"].mirror("XA").checkpoint
    await world["XA"].down()
    restored(world, copy)
    assert why(world["XA"]) is Cause.RESTORED
    await world["XA"].up()
    await recovery.at_start(world["XA"].node)
    assert why(world["XA"]) is Cause.RECOVERY
    assert await recovery.go_on(world["XA"].node)
    assert whole(world["XA"]) == 4
    assert world["XA"].holds(early, *later, gone) == [True, True, True, False]
    assert [index_of(world["XA"], one) for one in later] == [1, 2]
    assert world["XA"].node.database.read_now(lost.indexes, "XA", limit=9) == (3,)
    assert world["XA"].mirror("XA").checkpoint is not None
    assert before is not None
    assert world["XA"].mirror("XA").edge.root() == world["XB"].mirror("XA").edge.root()
    new = world["XA"].publish("26XA5")
    assert new.source.index == 4
    await everybody_pulls(world)
    assert world["XB"].holds(new) == [True]
    assert world["XB"].peer("XA").frozen is None


async def test_a_checkpoint_that_only_a_witness_shows_leads_back_too(world: World) -> None:
    """It shows the log's line and its own: the register's own cosignature is missing, and is made anew."""
    world["XA"].publish("26XA1")
    copy = copied(world)
    world["XA"].publish("26XA2")
    await gather(world["XA"].node)
    await everybody_pulls(world)
    restored(world, copy, record=False)
    assert await recovery.go_on(world["XA"].node)
    assert whole(world["XA"]) == 2
    assert world["XA"].publish("26XA3").source.index == 2


async def test_a_bare_checkpoint_that_others_gossip_of_leads_back_too(world: World) -> None:
    """It is written down as it is seen, without the register's own cosignature."""
    world["XA"].publish("26XA1")
    copy = copied(world)
    world["XA"].publish("26XA2")
    await everybody_pulls(world)
    notes = world["XB"].node.database.read_now(newest_notes, world["XB"].node.office)
    restored(world, copy, record=False)
    assert any(acts.suspect(world["XA"].node.office, note, source="XB") for note in notes)
    assert await recovery.go_on(world["XA"].node)
    assert whole(world["XA"]) == 2


async def test_many_entries_come_back_in_bundles(world: World) -> None:
    """Across the borders of bundles and tiles, from the middle of one to the middle of another."""
    world["XA"].grow(300)
    copy = copied(world)
    world["XA"].grow(900)
    await everybody_pulls(world)
    root = world["XA"].mirror("XA").edge.root()
    await world["XA"].down()
    restored(world, copy)
    await world["XA"].up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilding, "BUNDLES_PER_TRANSACTION", 2)
        assert await recovery.go_on(world["XA"].node)
    assert world["XA"].mirror("XA").checkpoint_size == 1200
    assert world["XA"].mirror("XA").edge.root() == root


async def test_an_empty_database_is_filled_again(world: World) -> None:
    """The disk is lost with the record: all that is left are the keys, and the trust list that the Secretariat has."""
    permit = world["XA"].publish("26XA1")
    await everybody_pulls(world)
    await world["XA"].down()
    country = world["XA"]
    country.close()
    database = database_of(country.config)
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    with closing(Database(country.config.store_url)) as empty:
        schema.migrate(empty)
    country.open()
    assert why(country) is Cause.RESTORED
    assert not await recovery.go_on(country.node)  # it knows nobody yet, so nobody was asked
    assert country.publish("26XA2").source.index is None
    world.refresh("XA")
    await country.up()
    assert await recovery.go_on(country.node)
    assert whole(country) == 2
    assert country.holds(permit) == [True]


async def test_a_copied_machine_is_found_out_by_what_others_hold(world: World) -> None:
    """The last-signed record came back with the copy, and only others know better; they are asked before anything."""
    world["XA"].publish("26XA1")
    machine = photographed(world)
    later = world["XA"].publish("26XA2")
    await everybody_pulls(world)
    await world["XA"].down()
    brought_back(world, machine)
    assert why(world["XA"]) is None
    await recovery.at_start(world["XA"].node)
    assert why(world["XA"]) is Cause.RECOVERY
    await world["XA"].up()
    assert await recovery.go_on(world["XA"].node)
    assert whole(world["XA"]) == 2
    assert world["XA"].holds(later) == [True]


async def test_nothing_is_signed_before_a_quorum_answered_and_nothing_accepted_is_lost(world: World) -> None:
    """A lost disk, and nobody answers: documents are accepted without numbers, and get them in their order."""
    world["XA"].publish("26XA1", to="XC")
    copy = copied(world)
    await everybody_pulls(world)
    await world["XB"].down()
    await world["XC"].down()
    await world["XA"].down()
    restored(world, copy, record=False)
    await world["XA"].up()
    await recovery.at_start(world["XA"].node)
    assert not await recovery.go_on(world["XA"].node)
    waiting = [world["XA"].publish(f"26XA{number}") for number in (3, 2)]
    assert [one.source.index for one in waiting] == [None, None]
    assert not (await world.pull("XA", "XB")).documents
    assert world["XA"].publish("26XA3").source == waiting[0].source
    await world["XB"].up()
    assert not await recovery.go_on(world["XA"].node)  # one of two is no quorum
    await world["XC"].up()
    world.wait(hours=1)
    assert await recovery.go_on(world["XA"].node)
    assert [index_of(world["XA"], one) for one in waiting] == [1, 2]
    held = world["XA"].node.database.read_now(documents.find, waiting[0].source.document)
    assert held is not None
    assert held.at == world.now  # C.4.9: the register accepts when it gives the index
    assert world["XA"].publish("26XA3").source.index == 1
    assert whole(world["XA"]) == 3
    assert world["XA"].node.database.read_now(pending.count, "XA") == 0
    await everybody_pulls(world)
    assert world["XB"].holds(*waiting) == [True, True]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_who_refuses_the_question_has_not_answered_it(world: World, status: int) -> None:
    """A restored machine whose clock is off hears 401 from all: that is no word about its register."""
    world["XA"].publish("26XA1")
    copy = copied(world)
    world["XA"].publish("26XA2")
    await everybody_pulls(world)
    for party in ("XB", "XC"):
        world[party].meddle = on("mirror/", lambda _: web.Response(status=status))
    restored(world, copy, record=False)
    assert not await recovery.go_on(world["XA"].node)
    assert why(world["XA"]) is Cause.RESTORED
    for party in ("XB", "XC"):
        world[party].meddle = None
    assert await recovery.go_on(world["XA"].node)
    assert whole(world["XA"]) == 2


async def test_yesterdays_checkpoint_on_the_way_is_no_answer(world: World) -> None:
    """Whoever stands between has old checkpoints of ours; how far a mirror reaches its Party says itself."""
    world["XA"].publish("26XA1")
    old, copy = world["XA"].mirror("XA").checkpoint, copied(world)
    world["XA"].publish("26XA2")
    await everybody_pulls(world)
    for party in ("XB", "XC"):
        world[party].meddle = on("log/checkpoint", lambda _: web.Response(body=old))
    restored(world, copy, record=False)
    assert not await recovery.go_on(world["XA"].node)
    assert why(world["XA"]) is Cause.RESTORED


async def test_a_pending_document_is_in_no_feed(world: World) -> None:
    """It has no index, so nobody could ask for it, or be told of it."""
    world["XA"].publish("26XA1")
    await everybody_pulls(world)
    world["XA"].node.database.write_now(register.halt, "XA", world["XA"].node.office.own.origin, "RECOVERY: a test")
    waiting = world["XA"].publish("26XA2")
    assert (await world.pull("XB")).documents == 0
    assert world["XB"].holds(waiting) == [False]
    assert (await world.pull("XB")).problem is None


async def test_an_event_that_waited_counts_from_its_number_on(world: World) -> None:
    """Its time moves with its acceptance by the register, and so does the status card's index for a permit."""
    world["XB"].publish("26XB1", to="XA")
    await world.pull("XA", "XB")
    world["XA"].node.database.write_now(register.halt, "XA", world["XA"].node.office.own.origin, "RESTORED: a test")
    confirmed = world["XA"].confirm("26XB1", "XB")
    issued = world["XA"].publish("26XA7")
    assert confirmed.source.index is None
    world.wait(hours=2)
    assert await recovery.go_on(world["XA"].node)
    case = world["XA"].node.database.read_now(cases.load, "XB", "26XB1")
    assert [(event.source.index, event.source.at) for event in case.events] == [(0, world.now)]
    [fact] = world["XA"].node.database.read_now(cases.load, "XA", "26XA7").permits
    assert (fact.source.index, fact.source.at, fact.source.document) == (1, world.now, issued.source.document)
    await world.pull("XB", "XA")
    assert world["XB"].holds(confirmed, issued) == [True, True]


async def test_chains_go_on_where_they_were(world: World) -> None:
    """The next commitment under a permit's salt is the next one, also where the document before it is lost."""
    permit = world["XA"].publish("26XA1", to="XC")
    copy = copied(world)
    world["XA"].publish("26XA2")
    held = world["XA"].node.database.read_now(documents.find, permit.source.document)
    assert held is not None
    await everybody_pulls(world)
    await world["XA"].down()
    restored(world, copy)
    await world["XA"].up()
    assert await recovery.go_on(world["XA"].node)

    def lengths(session: Session) -> tuple[bytes, bytes]:
        first = register.next_commitment(session, "XA", held.permit_salt)
        return first, register.next_commitment(session, "XA", held.permit_salt)

    made = world["XA"].node.database.write_now(lengths)
    assert made == tuple(chain_commitment(held.permit_salt, "XA", position) for position in (1, 2))


async def test_a_mirror_that_lies_brings_nothing(world: World) -> None:
    """Every bundle is vouched for by our own signature; the next mirror is asked."""
    copy = copied(world)
    for number in range(3):
        world["XA"].publish(f"26XA{number}")
    await everybody_pulls(world)
    await world["XA"].down()
    restored(world, copy)
    await world["XA"].up()
    world["XB"].meddle = changing("tile/entries", lambda body: body.replace(b'"p":"XA"', b'"p":"XB"'))
    assert await recovery.go_on(world["XA"].node)
    assert whole(world["XA"]) == 3


async def test_two_nodes_from_one_backup_are_stopped_by_what_they_both_signed(world: World) -> None:
    """A checkpoint that contradicts what this node signed itself ends it: no fetching mends two histories."""
    world["XA"].publish("26XA1")
    machine = photographed(world)
    world["XA"].publish("26XA2")
    await everybody_pulls(world)
    await world["XA"].down()
    brought_back(world, machine)
    world["XA"].publish("26XA9")  # nobody was asked: another history
    await recovery.at_start(world["XA"].node)
    assert why(world["XA"]) is Cause.TWO_HISTORIES
    assert not await recovery.go_on(world["XA"].node)
    assert world["XA"].publish("26XA10").source.index is None
    await world["XA"].up()
    assert (await world.pull("XB")).documents is None
    assert world["XB"].peer("XA").frozen is not None
    assert world["XB"].node.database.read_now(conflicts.everything, "XA")


async def test_a_larger_checkpoint_that_somebody_shows_stops_the_register(world: World) -> None:
    """It is our own signature, so whoever shows it need not be trusted; one that is explained stops nothing."""
    world["XA"].publish("26XA1")
    held = world["XA"].mirror("XA")
    assert held.checkpoint is not None
    assert not acts.suspect(world["XA"].node.office, held.checkpoint, source="XB")
    assert not acts.suspect(world["XA"].node.office, b"nonsense", source="XB")
    assert why(world["XA"]) is None
    assert acts.suspect(world["XA"].node.office, world["XA"].says(7, b"\7" * 32), source="XB")
    assert why(world["XA"]) is Cause.RECOVERY
    world["XA"].reopen()
    assert why(world["XA"]) is Cause.RECOVERY
    assert not await recovery.go_on(world["XA"].node)  # nobody has such entries


async def test_the_feed_of_a_mirror_is_for_its_writer_alone(world: World) -> None:
    """Who received what is nobody else's business; entries are every peer's."""
    world["XA"].publish("26XA1")
    await everybody_pulls(world)
    node = world["XC"].node
    async with PeerClient(
        node.keyring().base_urls("XB")[0] + mirror_prefix(world["XA"].node.office.own.origin),
        "XB",
        Identity(party="XC", key_id=node.transport_kid, private_key=node.transport_key),
        answer_key=answer_keys(node.keyring(), "XB", at=world.now),
        private_addresses=True,
    ) as client:
        assert len(await client.bundle(0, 1)) == 1
        with pytest.raises(PeerRefusedError):
            await client.feed(0, 10)


async def test_an_unsigned_entry_gives_way_to_what_others_hold(world: World) -> None:
    """It was accepted between the restore and the first answer, and never signed: its document gets another number."""
    world["XA"].publish("26XA1")
    machine = photographed(world)
    theirs = world["XA"].publish("26XA2")
    await everybody_pulls(world)
    await world["XA"].down()
    brought_back(world, machine)
    office = world["XA"].node.office
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(office.sequencer), "publish", lambda self, *, now: None)
        mine = world["XA"].publish("26XA9")
    assert index_of(world["XA"], mine) == 1
    await recovery.at_start(world["XA"].node)
    await world["XA"].up()
    assert await recovery.go_on(world["XA"].node)
    assert (index_of(world["XA"], theirs), index_of(world["XA"], mine)) == (1, 2)
    assert whole(world["XA"]) == 3
    await everybody_pulls(world)
    assert world["XB"].holds(theirs, mine) == [True, True]
    assert world["XB"].peer("XA").frozen is None


async def test_documents_of_a_party_that_was_silent_come_when_it_answers(world: World) -> None:
    """Signing does not wait for them: the entries are there, and every chain is counted again when they come."""
    copy = copied(world)
    late = world["XA"].publish("26XA1", to="XC")
    soon = world["XA"].publish("26XA2")
    await everybody_pulls(world)
    await world["XA"].down()
    restored(world, copy)
    await world["XC"].down()
    await world["XA"].up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "is_quorum", lambda *_: True)
        assert await recovery.go_on(world["XA"].node)
    assert world["XA"].holds(late, soon) == [False, True]
    assert await recovery.fetch_lost(world["XA"].node) == 0
    await world["XC"].up()
    assert await recovery.fetch_lost(world["XA"].node) == 1
    assert world["XA"].holds(late) == [True]
    assert index_of(world["XA"], late) == 0
    assert await recovery.fetch_lost(world["XA"].node) == 0
    again = world["XA"].publish("26XA1", to="XC")
    assert (again.source.index, again.token, again.created) == (0, None, False)


class Killed(BaseException):
    """The process ended here, as far as the files are concerned."""


async def test_rebuilding_survives_an_end_before_any_write(world: World) -> None:
    """Each attempt dies before its n-th write, to the database or the record; the next begins where it was left."""
    world["XA"].publish("26XA0", to="XC")
    copy = copied(world)
    lost_ones = [world["XA"].publish(f"26XA{number}") for number in (1, 2)]
    lost_ones.append(world["XA"].confirm("26XB1", "XB"))
    await everybody_pulls(world)
    await world["XA"].down()
    restored(world, copy, record=False)
    waiting = [world["XA"].publish(f"26XA{number}", to="XC") for number in (7, 8)]
    waiting.append(world["XA"].confirm("26XB2", "XB"))
    deaths = 0
    while not await _survives(world, deaths + 1):
        deaths += 1
        assert deaths < 400
    assert deaths > 20
    assert whole(world["XA"]) == 7
    assert world["XA"].holds(*lost_ones, *waiting) == [True] * 6
    assert [index_of(world["XA"], one) for one in (*lost_ones, *waiting)] == [1, 2, 3, 4, 5, 6]
    await world["XA"].up()
    await everybody_pulls(world)
    assert world["XC"].holds(*waiting[:2]) == [True, True]
    assert world["XB"].peer("XA").frozen is None
    assert world["XC"].peer("XA").frozen is None


async def _survives(world: World, write: int) -> bool:
    """The attempt got through, or died before this write and left its files to the next."""
    country, seen = world["XA"], 0

    def die(*arguments: object) -> None:
        nonlocal seen
        statement = arguments[2] if len(arguments) > 2 else "COMMIT"
        if isinstance(statement, str) and statement.split()[0] in {"INSERT", "UPDATE", "DELETE", "COMMIT"}:
            seen += 1
            if seen == write:
                raise Killed

    record = country.node.office.sequencer.record.database
    engines = {id(one.engine): one.engine for one in (country.node.database, record)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", die)
        event.listen(engine, "commit", die)
    try:
        return await recovery.go_on(country.node)
    except Killed:
        return False
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", die)
            event.remove(engine, "commit", die)
        country.reopen()


async def test_what_was_entered_again_gives_way_to_what_comes_back(world: World) -> None:
    """Others hold the document that the register says; the second one is in quarantine, and no two are signed."""
    copy = copied(world)
    permit = world["XA"].publish("26XA1")
    event_ = world["XA"].confirm("26XB1", "XB")
    await everybody_pulls(world)
    await world["XA"].down()
    restored(world, copy)
    await recovery.at_start(world["XA"].node)
    again = world["XA"].publish("26XA1")
    event_again = world["XA"].confirm("26XB1", "XB")
    other = world["XA"].publish("26XA2")
    await world["XA"].up()
    assert await recovery.go_on(world["XA"].node)
    assert world["XA"].holds(permit, event_, again, event_again, other) == [True, True, False, False, True]
    assert world["XA"].quarantined() == [("XA", "CONTENT_DIFFERS")] * 2
    assert world["XA"].publish("26XA1").source == permit.source
    assert world["XA"].confirm("26XB1", "XB").source == event_.source
    assert index_of(world["XA"], other) == 2
    await everybody_pulls(world)
    assert world["XB"].quarantined() == []
    assert whole(world["XA"]) == 3


async def test_a_register_with_a_hole_calls_no_permit_forged(world: World) -> None:
    """What the issuer's own node does not hold may be what it lost; only a whole register says NOT_ISSUED."""
    world["XA"].publish("26XA1")
    copy = copied(world)
    world["XA"].publish("26XA2")
    world["XA"].publish("26XA3", to="XD")
    await everybody_pulls(world)
    world["XB"].confirm("26XA2")
    world["XB"].confirm("26XA3")
    world.wait(days=5)
    assert said_of(world, "26XA9") == Status.NOT_ISSUED
    await world["XA"].down()
    restored(world, copy)
    assert {said_of(world, number) for number in ("26XA2", "26XA3", "26XA9")} == {Status.UNKNOWN}
    await world["XA"].up()
    await world.pull("XA", "XB")
    assert world["XA"].node.database.read_now(findings.of_issuers, frozenset({"XA"})) == ()
    assert await recovery.go_on(world["XA"].node)
    open_due(world["XA"].node.office, now=world.now)
    assert said_of(world, "26XA2") == Status.USED
    assert {said_of(world, number) for number in ("26XA3", "26XA9")} == {Status.UNKNOWN}
    patterns = {one.pattern for one in world["XA"].node.database.read_now(findings.of_issuers, frozenset({"XA"}))}
    assert "FRD-05" not in patterns


def said_of(world: World, number: str) -> str:
    ref = PermitRef(issuer="XA", number=number, type="E", issued_on=date(2026, 3, 2))
    return look.status(world["XA"].node.office, Policy(), ref, purpose=None, now=world.now).status


async def test_documents_under_a_key_that_the_copy_does_not_know_come_back(world: World) -> None:
    """What others give back is believed once the node has heard of its own newest manifest."""
    world["XA"].publish("26XA1")
    copy = copied(world)
    world.wait(hours=1)
    box = KeyBox.of(world["XA"].config)
    pair = box.make_signing(not_before=world.now, valid_for=timedelta(days=400))
    country = world["XA"].node
    assert country.role is not None
    rotation.make(country.database, country.role, rotation.announced(pair, first_use=world.now), now=world.now)
    own = country.database.read_now(own_version)
    assert own is not None
    world.repository.publish(world.now, offers={"XA": own.party_file()})
    world.refresh("XB", "XC")
    world.wait(hours=1)
    later = world["XA"].publish("26XA2")
    await everybody_pulls(world)
    assert world["XB"].holds(later) == [True]
    await world["XA"].down()
    restored(world, copy)
    await world["XA"].up()
    assert await recovery.go_on(world["XA"].node)
    assert world["XA"].holds(later) == [False]
    world.refresh("XA")
    assert await recovery.fetch_lost(world["XA"].node) == 1
    assert world["XA"].holds(later) == [True]
    assert world["XA"].quarantined() == []
    assert await recovery.fetch_lost(world["XA"].node) == 0
    assert whole(world["XA"]) == 2
