"""Every write of an act fails both ways, and processes die at it; see `tests.faults`."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import epix_node
from epix_node.acts import publish as acts
from epix_node.acts import report, review
from epix_node.acts.extracts import publish_due
from epix_node.config.settings import NotifySection
from epix_node.notices.deliver import deliver
from epix_node.permit.compare import differences
from epix_node.permit.event import PermitRef, Presentation
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.finding import FindingState
from epix_node.permit.number import NumberRef
from epix_node.store import findings, permits
from tests.faults import (
    Step,
    every_single_write_fails_every_way,
    every_write_fails_both_ways,
    rows,
    the_process_dies,
    writes_in,
)
from tests.federation.test_fault_table import PULLING, WITNESSING
from tests.world import PARTIES, World, found_countries, permit_of


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """So many countries, at rest."""
    return {n: found_countries(tmp_path_factory.mktemp("founded"), PARTIES[:n]) for n in (2, 3)}


XA1 = NumberRef(issuer="XA", number="26XA1")


def an_event(event_id: str, **members: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "permit": {"issuer": "XA", "number": "26XA1"},
        "office": "PORT-1",
        "date": "2026-03-02",
        "lines": [{"block": "A", "quantity": "10", "unit": "NAR"}],
        **members,
    }


async def nothing(_: World) -> None:
    """The countries are as they were founded."""


async def publish(world: World) -> None:
    world.publish("XA", "26XA1", to="XB")


async def published(world: World) -> None:
    world.publish("XA", "26XA1", to="XB")
    await world.pull("XB")


async def withdraw(world: World) -> None:
    world.withdraw("XA", "26XA1")


async def replace(world: World) -> None:
    successor = permit_of("XA", "26XA2", to="XB", special_conditions="As explained in our file 7")
    acts.replace_permit(world["XA"].node.office, XA1, successor, now=world.now)


async def endorse(world: World) -> None:
    body = endorsement_from_json(an_event("EV-1"))
    report.report(world["XA"].node.office, body, now=world.now)


async def confirm(world: World) -> None:
    world.confirm("XB", "26XA1")


async def confirmed(world: World) -> None:
    await published(world)
    await confirm(world)


async def present(world: World) -> None:
    """The paper says more than the permit."""
    (held,) = world["XB"].node.database.read_now(permits.numbered, "XA", "26XA1")
    paper = {"lines": [{"block": "A", "quantity": "100", "unit": "NAR"}]}
    body = Presentation(
        event_id="EV-1",
        permit=PermitRef(issuer="XA", number="26XA1"),
        office="PORT-1",
        date=date(2026, 3, 2),
        presented=paper,
        differences=differences(held.permit, paper),
    )
    report.report(world["XB"].node.office, body, now=world.now)


async def correct(world: World) -> None:
    report.correct(
        world["XB"].node.office,
        event_id="EV-2",
        supersedes="EV-XB-26XA1",
        read_event=lambda _: confirmation_from_json(
            an_event("EV-2", outcome="released", lines=[{"block": "A", "quantity": "8", "unit": "NAR"}])
        ),
        now=world.now,
    )


async def take_back(world: World) -> None:
    report.correct(world["XB"].node.office, event_id="EV-2", supersedes="EV-XB-26XA1", read_event=None, now=world.now)


async def contradicted(world: World) -> None:
    """XB and XC say of one permit that all of it came to them; a day later that is no mistake any more."""
    await published(world)
    world.confirm("XB", "26XA1")
    world.confirm("XC", "26XA1")
    await world.pull("XA", "XB")
    await world.pull("XA", "XC")
    world.wait(hours=25)


async def alert(world: World) -> None:
    review.open_due(world["XA"].node.office, now=world.now)


async def alerted(world: World) -> None:
    await contradicted(world)
    await alert(world)


async def decide(world: World) -> None:
    found = world["XA"].node.database.read_now(findings.about, "XA", "26XA1")
    review.decide(
        world["XA"].node.office,
        found[0].id,
        FindingState.CONFIRMED,
        "the second one is a copy",
        client="authority",
        now=world.now,
    )


async def tell(world: World, *, status: int = 204) -> None:
    """Whoever the webhook leads to answers so."""

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=status)

    secret = world["XA"].home / "webhook secret"
    secret.write_text("known to both")
    secret.chmod(0o600)
    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app, host="127.0.0.1") as server:
        told = NotifySection(webhook_url=f"http://127.0.0.1:{server.port}/", webhook_secret_file=str(secret))
        node = world["XA"].node
        node = dataclasses.replace(node, config=node.config.model_copy(update={"notify": told}))
        await deliver(node, ignore_backoff=True)


async def tell_in_vain(world: World) -> None:
    await tell(world, status=503)


async def tell_nobody(world: World) -> None:
    """No receiver is configured."""
    await deliver(world["XA"].node)


async def a_day(world: World) -> None:
    await published(world)
    world.wait(hours=1)


async def used_in_transit(world: World) -> None:
    """XB was told of a permit for XC whose goods pass through it, and is to be told that they left."""
    world.publish("XA", "26XA1", to="XC", transit=["XB"])
    await extract(world)
    await world.pull("XB")
    await endorse(world)


async def extract(world: World) -> None:
    publish_due(world["XA"].node.office, now=world.now)


async def sign_again(world: World) -> None:
    world.wait(minutes=11)
    world["XA"].node.office.sequencer.publish(now=world.now)


ALL = [
    Step(
        name="the first permit",
        is_quick=False,
        before=nothing,
        act=publish,
        writes=frozenset(
            {"XA last_signed.LastSigned._swap", "XA publish._enter_permit", "XA sequencer.Sequencer._put"}
        ),
    ),
    Step(
        name="withdrawal",
        before=published,
        act=withdraw,
        writes=frozenset(
            {"XA last_signed.LastSigned._swap", "XA publish._enter_withdrawal", "XA sequencer.Sequencer._put"}
        ),
    ),
    Step(
        name="replacement",
        before=published,
        act=replace,
        writes=frozenset(
            {"XA last_signed.LastSigned._swap", "XA publish.replace_permit.both", "XA sequencer.Sequencer._put"}
        ),
    ),
    Step(
        name="endorsement",
        is_quick=False,
        before=published,
        act=endorse,
        writes=frozenset({"XA last_signed.LastSigned._swap", "XA report.report.work", "XA sequencer.Sequencer._put"}),
    ),
    Step(
        name="confirmation",
        is_quick=False,
        before=published,
        act=confirm,
        writes=frozenset({"XB last_signed.LastSigned._swap", "XB report.report.work", "XB sequencer.Sequencer._put"}),
    ),
    Step(
        name="presentation",
        is_quick=False,
        before=published,
        act=present,
        writes=frozenset({"XB last_signed.LastSigned._swap", "XB report.report.work", "XB sequencer.Sequencer._put"}),
    ),
    Step(
        name="correction",
        before=confirmed,
        act=correct,
        writes=frozenset({"XB last_signed.LastSigned._swap", "XB report.correct.work", "XB sequencer.Sequencer._put"}),
    ),
    Step(
        name="an event is taken back",
        is_quick=False,
        before=confirmed,
        act=take_back,
        writes=frozenset({"XB last_signed.LastSigned._swap", "XB report.correct.work", "XB sequencer.Sequencer._put"}),
    ),
    Step(
        name="alert",
        is_quick=False,
        rounds=2,
        before=contradicted,
        act=alert,
        parties=3,
        writes=frozenset(
            {"XA last_signed.LastSigned._swap", "XA follow.revisit", "XA review._send", "XA sequencer.Sequencer._put"}
        ),
    ),
    Step(
        name="decision",
        is_quick=False,
        rounds=2,
        is_agreed=False,
        before=alerted,
        act=decide,
        parties=3,
        writes=frozenset({"XA review.decide.work"}),
    ),
    Step(
        name="a notice is delivered",
        rounds=2,
        before=alerted,
        act=tell,
        parties=3,
        writes=frozenset({"XA notices.take"}),
    ),
    Step(
        name="a notice is not taken",
        is_quick=False,
        rounds=2,
        before=alerted,
        act=tell_in_vain,
        parties=3,
        writes=frozenset({"XA notices.put_off"}),
    ),
    Step(
        name="a notice is for nobody",
        is_quick=False,
        rounds=2,
        before=alerted,
        act=tell_nobody,
        parties=3,
        writes=frozenset({"XA notices.drop"}),
    ),
    Step(
        name="extract",
        before=used_in_transit,
        act=extract,
        writes=frozenset({"XA extracts._enter", "XA last_signed.LastSigned._swap", "XA sequencer.Sequencer._put"}),
    ),
    Step(
        name="the same checkpoint is signed again",
        is_quick=False,
        before=a_day,
        act=sign_again,
        writes=frozenset({"XA last_signed.LastSigned._swap", "XA sequencer.Sequencer._put"}),
    ),
]


@pytest.mark.sqlite("what fails is the work of a transaction; on the server with -m hostile")
@pytest.mark.parametrize("step", rows(ALL))
def test_every_write_fails_both_ways(step: Step, founded: dict[int, Path], tmp_path: Path) -> None:
    """The act is done again, in the same process or another, and everything is as if nothing had failed."""
    every_write_fails_both_ways(step, founded, tmp_path)


@pytest.mark.hostile
@pytest.mark.sqlite("what fails is the work of a transaction; on the server with -m hostile")
def test_processes_die_at_a_commit(founded: dict[int, Path], tmp_path: Path) -> None:
    """With SIGKILL, around the accepting transaction; `test_crashes` dies before every single statement."""
    (step,) = (step for step in ALL if step.name == "replacement")
    the_process_dies(step, founded, tmp_path, "XA publish.replace_permit.both")


@pytest.mark.hostile
@pytest.mark.parametrize("step", ALL, ids=str)
def test_every_single_write_fails_every_way(step: Step, founded: dict[int, Path], tmp_path: Path) -> None:
    """Each in a world of its own, told of or killed, before and after the commit."""
    assert every_single_write_fails_every_way(step, founded, tmp_path) >= 4


ELSEWHERE = {
    "office.work": "what an act gives it",
    "succession._begin": "tests/federation/test_successor.py",
    "mirror.follow": "tests/federation/test_successor.py",
    "trust._keep": "tests/federation/test_trust.py",
    "recovery._consider": "tests/federation/test_recovery.py, before every write",
    "recovery._halt": "tests/federation/test_recovery.py, before every write",
    "restoration._number_some": "tests/federation/test_recovery.py, before every write",
    "restoration.keep": "tests/federation/test_recovery.py, before every write",
    "restoration.take_back": "tests/federation/test_recovery.py, before every write",
    "restoration.yield_from": "tests/federation/test_recovery.py, before every write",
    "chains.recount": "tests/federation/test_recovery.py, before every write",
    "sequencer.Sequencer._halt_if_wrong": "tests/exchange/test_sequencer.py",
    "last_signed.LastSigned._make": "tests/acts/test_crashes.py, before every statement",
}
"""Writes that fail in another table."""


def test_every_write_has_a_row() -> None:
    """Of the rooms that act, federate and tell, and of the sequencer: a new transaction fails here or elsewhere."""
    package = Path(epix_node.__file__).parent
    rooms = [module for room in ("acts", "federation", "notices") for module in package.glob(f"{room}/*.py")]
    modules = [*rooms, package / "exchange" / "sequencer.py"]
    named = {write.partition(" ")[2] for step in [*ALL, *WITNESSING, *PULLING] for write in step.writes}
    begun = writes_in(*modules, package / "store" / "last_signed.py", package / "web" / "peer_access.py")
    assert begun - named == set(ELSEWHERE)
    assert named <= begun
