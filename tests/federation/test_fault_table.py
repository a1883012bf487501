"""Every write of witnessing and pulling fails both ways, and processes die at it; see `tests.faults`."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from sqlmodel import select

from epix_node.federation.contact import heard_from
from epix_node.federation.reports import spread
from epix_node.federation.stories import ask_issuer, take_missing
from epix_node.federation.witnessing import gather
from epix_node.permit.event import PermitRef
from epix_node.store import permits, register
from epix_node.store.database import Session
from epix_node.store.register_tables import LostRow
from epix_node.store.tables import PermitRow
from tests.faults import (
    Step,
    every_single_write_fails_every_way,
    every_write_fails_both_ways,
    rows,
    the_process_dies,
)
from tests.stores import copy_node
from tests.world import PARTIES, Country, Meddle, World, changing, found_countries, on


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """So many countries, at rest."""
    return {n: found_countries(tmp_path_factory.mktemp("founded"), PARTIES[:n]) for n in (2, 3)}


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bundle, and one document, in each."""
    monkeypatch.setattr("epix_node.federation.register_visit.BUNDLES_PER_TRANSACTION", 1)
    monkeypatch.setattr("epix_node.federation.document_visit.PAGE_ENTRIES", 1)


def steps(*deeds):
    async def do(world: World) -> None:
        for deed in deeds:
            done = deed(world)
            if done is not None:
                await done

    return do


def grow(party: str, entries: int):
    """Entries whose documents are known to be lost, so that `register check` has nothing to say."""

    def lose(session: Session, start: int) -> None:
        session.add_all(LostRow(party=party, index=index) for index in range(start, start + entries))

    def do(world: World) -> None:
        state = world[party].node.database.read_now(register.state, party)
        world[party].grow(entries)
        world[party].node.database.write_now(lose, state.edge.size if state is not None else 0)

    return do


def publish(party: str, number: str, to: str, **members):
    return lambda world: world.publish(party, number, to=to, **members) and None


def pull(reader: str, writer: str):
    async def do(world: World) -> None:
        await world.pull(reader, writer)

    return do


def gathering(party: str):
    async def do(world: World) -> None:
        await gather(world[party].node, ignore_backoff=True)

    return do


# Witnessing


def another_history(to: str, entries: int):
    """XA shows this Party another register than the others."""

    async def do(world: World) -> None:
        home = copy_node(world["XA"].home, world.directory.parent / "twin")
        await world["XA"].down()
        twin = Country(home, world.clock)
        await twin.up()
        twin.publish("26XA8", to=to)
        twin.grow(entries)
        await world.pull(to)
        await twin.down()
        twin.close()
        await world["XA"].up()

    return do


async def look_at_what_others_hold(world: World) -> None:
    await world.pull("XB", "XC")


async def tell_everybody(world: World) -> None:
    await world.pull("XB", "XC")
    await spread(world["XB"].node, ignore_backoff=True)


WITNESSING = [
    Step(
        name="the first checkpoint is cosigned",
        before=steps(grow("XA", 3)),
        act=gathering("XA"),
        parties=3,
        writes=frozenset(
            {
                "XA witnessing._keep",
                "XB comparison.keep",
                "XB cosigning._take",
                "XC comparison.keep",
                "XC cosigning._take",
            }
        ),
    ),
    Step(
        name="a larger checkpoint is cosigned by witnesses that mirror it",
        is_quick=False,
        before=steps(grow("XA", 3), gathering("XA"), pull("XB", "XA"), grow("XA", 300)),
        act=gathering("XA"),
        parties=3,
        writes=frozenset(
            {
                "XA witnessing._keep",
                "XB comparison.keep",
                "XB cosigning._take",
                "XC comparison.keep",
                "XC cosigning._take",
            }
        ),
    ),
    Step(
        name="a larger checkpoint that another holds is sighted",
        is_quick=False,
        before=steps(grow("XA", 3), pull("XB", "XA"), grow("XA", 2), pull("XC", "XA")),
        act=look_at_what_others_hold,
        parties=3,
        writes=frozenset({"XB comparison.keep", "XB mirror.append", "XB peers.meet", "XB pull._note_answer"}),
    ),
    Step(
        name="a sighting is settled",
        is_quick=False,
        before=steps(grow("XA", 3), pull("XB", "XA"), grow("XA", 2), pull("XC", "XA"), pull("XB", "XC")),
        act=pull("XB", "XA"),
        parties=3,
        writes=frozenset({"XB comparison.keep", "XB mirror.append", "XB mirror.record_page", "XB pull._note_answer"}),
    ),
    Step(
        name="two histories are found by comparing, reported and judged",
        before=steps(another_history("XC", 5), grow("XA", 8), pull("XB", "XA")),
        act=tell_everybody,
        parties=3,
        writes=frozenset(
            {
                "XA peer_access._remember",
                "XA recovery._halt_for",
                "XB comparison.keep",
                "XB conflicts.mark_reported",
                "XB mirror.append",
                "XB peers.meet",
                "XB pull._note_answer",
                "XC disputes.convict",
                "XC peer_access._remember",
            }
        ),
        is_honest=False,
    ),
]


# Pulling


def lying(meddle, *deeds):
    """XA lies while these are done."""

    async def do(world: World) -> None:
        world["XA"].meddle = meddle(world) if meddle in {saying_less, saying_otherwise} else meddle
        await steps(*deeds)(world)

    return do


def saying_less(world: World) -> Meddle:
    """The truth about the first 300 entries, as if there were no more."""
    root = world["XA"].node.database.read_now(register.edge_of, "XA", 300).root()
    note = world["XA"].says(300, root)
    return on("checkpoint", lambda _: web.Response(body=note))


def saying_otherwise(world: World) -> Meddle:
    """Another root for the first entry."""
    note = world["XA"].says(1, bytes(32))
    return on("checkpoint", lambda _: web.Response(body=note))


def wait(**span: float):
    return lambda world: world.wait(**span)


spoiling = changing("docs/batch", lambda body: body[:200] + bytes([body[200] ^ 1]) + body[201:])
withholding = changing("docs/batch", lambda body: body[:32] + bytes(4))
silent = on("/", lambda _: web.Response(status=503))
breaking_off = on("entries/002", lambda _: web.Response(status=503))

MUSIC = {"type": "O", "subtype": "musical-instrument", "multi_use": True, "purpose": "P", "valid_until": "2028-03-01"}


def play(world: World) -> None:
    """A permit that no feed lists."""
    world["XA"].publish("26XA1", **MUSIC)


async def ask_for_the_music(world: World) -> None:
    (permit,) = world["XA"].node.database.read_now(permits.numbered, "XA", "26XA1")
    token = world["XA"].node.database.read_now(token_of)
    await ask_issuer(world["XB"].node, PermitRef(issuer="XA", number=permit.key.number), token=token)


def token_of(session: Session) -> str:
    return session.exec(select(PermitRow.token)).one()


def withdraw_the_music(world: World) -> None:
    world["XA"].withdraw("26XA1")


async def take_what_is_missing(world: World) -> None:
    await take_missing(world["XB"].node, "XA")


def a_second_address(world: World) -> None:
    manifest = world["XA"].node.manifest
    world["XA"].sign(manifest.model_copy(update={"base": (*manifest.base, "http://127.0.0.1:1/epix/v1/")}))


async def hear_from_xa(world: World) -> None:
    await heard_from(world["XB"].node.database, "XA")


def confirm(party: str, number: str, **members):
    return lambda world: world.confirm(party, number, **members) and None


async def look_for_findings(world: World) -> None:
    await world.pull("XA", "XB")
    await world.pull("XA", "XC")


PULLING = [
    Step(
        name="a first visit: entries and documents",
        before=steps(publish("XA", "26XA1", "XB"), grow("XA", 300), publish("XA", "26XA2", "XB")),
        act=pull("XB", "XA"),
        writes=frozenset(
            {
                "XA peer_access._remember",
                "XB mirror.append",
                "XB mirror.record_page",
                "XB peers.meet",
                "XB pull._note_answer",
            }
        ),
    ),
    Step(
        name="nothing new, cosigned again",
        is_quick=False,
        before=steps(publish("XA", "26XA1", "XB"), pull("XB", "XA"), wait(minutes=11)),
        act=pull("XB", "XA"),
        writes=frozenset({"XB mirror.take_time", "XB pull._note_answer"}),
    ),
    Step(
        name="entries towards a checkpoint that was taken back",
        before=steps(grow("XA", 600), lying(breaking_off, pull("XB", "XA"))),
        act=lying(saying_less, pull("XB", "XA")),
        writes=frozenset(
            {
                "XB comparison.keep",
                "XB mirror.append",
                "XB mirror.forget_unverified",
                "XB mirror.record_page",
                "XB pull._note_answer",
            }
        ),
    ),
    Step(
        name="a spoilt document is put aside",
        before=steps(publish("XA", "26XA1", "XB"), publish("XA", "26XA2", "XB")),
        act=lying(spoiling, pull("XB", "XA")),
        writes=frozenset(
            {
                "XA peer_access._remember",
                "XB mirror.append",
                "XB mirror.record_page",
                "XB peers.meet",
                "XB pull._note_answer",
            }
        ),
    ),
    Step(
        name="a document that was put aside comes",
        is_quick=False,
        before=steps(publish("XA", "26XA1", "XB"), lying(spoiling, pull("XB", "XA"))),
        act=pull("XB", "XA"),
        writes=frozenset({"XA peer_access._remember", "XB mirror.record_page", "XB pull._note_answer"}),
    ),
    Step(
        name="a document is listed and not given",
        is_quick=False,
        before=steps(publish("XA", "26XA1", "XB")),
        act=lying(withholding, pull("XB", "XA")),
        writes=frozenset(
            {
                "XA peer_access._remember",
                "XB mirror.append",
                "XB mirror.record_page",
                "XB peers.meet",
                "XB pull._note_answer",
            }
        ),
    ),
    Step(
        name="a document that was not given comes",
        is_quick=False,
        before=steps(publish("XA", "26XA1", "XB"), lying(withholding, pull("XB", "XA"))),
        act=pull("XB", "XA"),
        writes=frozenset({"XA peer_access._remember", "XB mirror.record_page", "XB pull._note_answer"}),
    ),
    Step(
        name="a peer does not answer",
        is_quick=False,
        before=steps(publish("XA", "26XA1", "XB")),
        act=lying(silent, pull("XB", "XA")),
        writes=frozenset({"XB peers.meet", "XB pull._note_failure"}),
    ),
    Step(
        name="a peer that did not answer asks",
        is_quick=False,
        before=steps(lying(silent, pull("XB", "XA"))),
        act=hear_from_xa,
        writes=frozenset({"XB contact.reset"}),
    ),
    Step(
        name="a peer has a newer manifest",
        before=steps(publish("XA", "26XA1", "XB"), a_second_address),
        act=pull("XB", "XA"),
        writes=frozenset(
            {
                "XA peer_access._remember",
                "XB mirror.append",
                "XB mirror.record_page",
                "XB peers.meet",
                "XB pull._note_answer",
                "XB trust.take",
            }
        ),
    ),
    Step(
        name="a permit of multiple use is asked for",
        is_quick=False,
        before=steps(play, pull("XB", "XA")),
        act=ask_for_the_music,
        writes=frozenset({"XA peer_access._remember", "XB mirror.record_page"}),
        is_agreed=False,
    ),
    Step(
        name="the withdrawal of a permit of multiple use is asked for",
        before=steps(play, pull("XB", "XA"), ask_for_the_music, withdraw_the_music, pull("XB", "XA")),
        act=take_what_is_missing,
        writes=frozenset({"XA peer_access._remember", "XB mirror.record_page"}),
        is_agreed=False,
    ),
    Step(
        name="reports come that contradict each other",
        is_quick=False,
        before=steps(publish("XA", "26XA1", "XB"), pull("XB", "XA"), confirm("XB", "26XA1"), confirm("XC", "26XA1")),
        act=look_for_findings,
        parties=3,
        writes=frozenset(
            {
                "XA mirror.append",
                "XA mirror.record_page",
                "XA peers.meet",
                "XA pull._note_answer",
                "XB peer_access._remember",
                "XC peer_access._remember",
            }
        ),
    ),
    Step(
        name="a smaller register of another history freezes the peer",
        before=steps(publish("XA", "26XA1", "XB"), publish("XA", "26XA2", "XB"), pull("XB", "XA")),
        act=lying(saying_otherwise, pull("XB", "XA")),
        writes=frozenset({"XB mirror.freeze", "XB pull._note_failure"}),
        is_honest=False,
    ),
]


ALL = WITNESSING + PULLING


DEATHS = {
    "the first checkpoint is cosigned": "XB cosigning._take",
    "a first visit: entries and documents": "XB mirror.record_page",
}
"""Where processes die with every run of the tests."""


@pytest.mark.sqlite("what fails is the work of a transaction; on the server with -m hostile")
@pytest.mark.parametrize("step", rows(ALL))
def test_every_write_fails_both_ways(step: Step, founded: dict[int, Path], tmp_path: Path) -> None:
    """The step is done again, in the same process or another, and everything is as if nothing had failed."""
    every_write_fails_both_ways(step, founded, tmp_path)


@pytest.mark.hostile
@pytest.mark.sqlite("what fails is the work of a transaction; on the server with -m hostile")
@pytest.mark.parametrize("step", [step for step in ALL if step.name in DEATHS], ids=str)
def test_processes_die_at_a_commit(step: Step, founded: dict[int, Path], tmp_path: Path) -> None:
    """With SIGKILL, all nodes at once; what is in the files is enough."""
    the_process_dies(step, founded, tmp_path, DEATHS[step.name])


@pytest.mark.hostile
@pytest.mark.parametrize("step", ALL, ids=str)
def test_every_single_write_fails_every_way(step: Step, founded: dict[int, Path], tmp_path: Path) -> None:
    """Each in a world of its own, told of or killed, before and after the commit."""
    assert every_single_write_fails_every_way(step, founded, tmp_path) >= 4
