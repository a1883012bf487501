"""Who is told that a finding opened, and how often; a receiver that does not answer keeps nobody from working."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from structlog.testing import capture_logs

from epix_node.acts import review
from epix_node.notices import deliver as deliver_module
from epix_node.notices.deliver import deliver, try_out
from epix_node.permit.finding import FindingState
from epix_node.store import notices
from epix_node.store.notices import Waiting
from tests.notices.conftest import HOST, PASSWORD, Postbox, Receiver, found_in, stolen_and_used, tells
from tests.world import World


def waiting(world: World) -> int:
    return world["XA"].node.database.read_now(notices.waiting).number


def opened(world: World) -> None:
    """What has cooled off is open, and nobody was told yet."""
    review.open_due(world["XA"].node.office, now=world.now)


async def test_people_are_told_when_a_finding_of_class_a_opens(world: World, receiver: Receiver, postbox: Postbox):
    """Once each: the finding as contract 5 prints it, signed; and a letter with its sentence, and no names."""
    tells(world, receiver=receiver, postbox=postbox)
    stolen_and_used(world, "26XA1")
    await world["XA"].round()
    await world["XA"].round()
    (finding,) = found_in(world)
    assert finding.class_ == "A"
    ((headers, body),) = receiver.got
    assert json.loads(body) == finding.to_json(origin_of=world["XA"].node.office.origin_of)
    assert headers["Content-Type"] == "application/json"
    assert receiver.is_signed(0)
    (envelope,) = postbox.letters
    assert envelope.rcpt_tos == ["cites@office.example", "customs@office.example"]
    letter = postbox.letter()
    assert letter["Subject"] == "EPIX XA: FRD-03, class A, XA 26XA1"
    assert letter["EPIX-Notice"] == receiver.ids[0]
    assert letter["Message-ID"] == f"<{receiver.ids[0]}@office.example>"
    text = letter.get_content()
    assert finding.summary in " ".join(text.split())
    assert finding.id in text
    assert "What to do" in text
    assert "Exporter" not in text + body.decode()
    assert waiting(world) == 0


async def test_nobody_is_told_before_a_finding_has_cooled_off(world: World, receiver: Receiver):
    """Pending is nothing to tell."""
    tells(world, receiver=receiver)
    stolen_and_used(world, "26XA1")
    world.wait(hours=-2)
    await world["XA"].round()
    assert [finding.state for finding in found_in(world)] == [FindingState.PENDING]
    assert receiver.got == []


async def test_what_opens_again_is_told_again(world: World, receiver: Receiver):
    """A document that a decision had not seen: another notice, of another id. Deciding tells nobody."""
    tells(world, receiver=receiver)
    stolen_and_used(world, "26XA1")
    await world["XA"].round()
    (finding,) = found_in(world)
    office = world["XA"].node.office
    review.decide(office, finding.id, FindingState.DISMISSED, "an error", client="authority", now=world.now)
    await world["XA"].round()
    assert len(receiver.got) == 1
    world["XA"].confirm("26XA1", event_id="EV-2", date=world.now.date().isoformat(), office="PORT-2")
    await world["XA"].round()
    again = [json.loads(body)["id"] for _, body in receiver.got[1:]]
    assert finding.id in again
    assert len(set(receiver.ids)) == len(receiver.ids)


async def test_what_was_not_taken_is_tried_again_after_a_restart(world: World, receiver: Receiver, postbox: Postbox):
    """With the same id, not before its back-off is over; who took it the first time is not told again."""
    tells(world, receiver=receiver, postbox=postbox)
    receiver.answer = lambda _: web.Response(status=503)
    stolen_and_used(world, "26XA1")
    opened(world)
    with capture_logs() as logs:
        assert await deliver(world["XA"].node) == 1
    (failed,) = (line for line in logs if line["event"] == "notice not delivered")
    assert failed["channel"] == "webhook"
    assert failed["problem"].endswith("answers 503")
    assert await deliver(world["XA"].node) == 0
    assert len(receiver.got) == 1
    world["XA"].reopen()
    receiver.answer = lambda _: web.Response(status=200)
    world.wait(seconds=43)
    assert await deliver(world["XA"].node) == 1
    assert receiver.ids[0] == receiver.ids[1]
    assert receiver.is_signed(1)
    assert len(postbox.letters) == 1
    assert waiting(world) == 0


async def test_the_back_off_grows_to_an_hour(world: World, receiver: Receiver):
    """A receiver that is away for days is asked some hundred times, not each second."""
    tells(world, receiver=receiver)
    receiver.answer = lambda _: web.Response(status=500)
    stolen_and_used(world, "26XA1")
    opened(world)
    for _ in range(12):
        await deliver(world["XA"].node)
        world.wait(minutes=61)
    assert len(receiver.got) == 12
    await deliver(world["XA"].node)
    world.wait(minutes=35)
    await deliver(world["XA"].node)
    assert len(receiver.got) == 13


async def test_a_receiver_that_is_dead_costs_one_try_and_keeps_no_letter_back(world: World, postbox: Postbox):
    """Three notices: three letters, and one line about the webhook."""
    url = f"http://{HOST}:{unused_port()}/"
    tells(world, postbox=postbox, webhook_url=url, webhook_secret_file=str(world.directory / "hook"))
    stolen_and_used(world, "26XA1", "26XA2", "26XA3")
    opened(world)
    with capture_logs() as logs:
        assert await deliver(world["XA"].node) == 3
    assert [line["event"] for line in logs].count("notice not delivered") == 1
    assert len(postbox.letters) == 3
    assert waiting(world) == 3
    assert await deliver(world["XA"].node) == 0


async def test_a_notice_that_a_receiver_cannot_take_keeps_no_other_from_it(world: World, receiver: Receiver):
    """What failed least often comes first."""
    tells(world, receiver=receiver)
    stolen_and_used(world, "26XA1", "26XA2", "26XA3")
    opened(world)
    spoilt = found_in(world)[0].id

    def answer(_: web.Request) -> web.Response:
        return web.Response(status=422 if json.loads(receiver.got[-1][1])["id"] == spoilt else 200)

    receiver.answer = answer
    for _ in range(3):
        await deliver(world["XA"].node)
        world.wait(minutes=5)
    assert waiting(world) == 1


async def test_only_2xx_is_an_answer_and_redirects_are_not_followed(world: World, receiver: Receiver):
    """A receiver that moved is to be configured anew."""
    tells(world, receiver=receiver)
    receiver.answer = lambda _: web.Response(status=307, headers={"Location": receiver.url})
    (tried,) = await try_out(world["XA"].node)
    assert tried.problem == f"{tried.place} answers 307"
    assert len(receiver.got) == 1


async def test_an_answer_without_end_is_not_read(world: World, receiver: Receiver):
    """Its status says all."""

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(bytes(65536))
        except ConnectionError:
            return answer

    tells(world, receiver=receiver)
    receiver.answer = endless
    (tried,) = await asyncio.wait_for(try_out(world["XA"].node), timeout=20)
    assert tried.problem is None


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for longer than a moment."""
    monkeypatch.setattr(deliver_module, "PATIENCE", timedelta(milliseconds=200))


@pytest.mark.usefixtures("impatient")
async def test_nothing_waits_for_those_who_do_not_answer(world: World, receiver: Receiver, postbox: Postbox):
    """Documents are written meanwhile, the time is up soon, and no thread is left behind."""
    may_end = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await may_end.wait()
        return web.Response()

    deaf = f"{HOST}:{postbox.ports['deaf']}"
    tells(world, receiver=receiver, postbox=postbox, smtp_server=deaf)
    receiver.answer = silent
    stolen_and_used(world, "26XA1")
    opened(world)
    sending = asyncio.create_task(deliver(world["XA"].node))
    while not receiver.got:
        await asyncio.to_thread(lambda: None)
    await asyncio.to_thread(world["XA"].publish, "26XA2", to="XB")
    assert not sending.done()
    with capture_logs() as logs:
        assert await asyncio.wait_for(sending, timeout=20) == 0
    assert sorted(line["channel"] for line in logs if line["event"] == "notice not delivered") == ["email", "webhook"]
    may_end.set()
    ends = time.monotonic() + 10
    while any({"tell", "send_message", "connect"} & running for running in _running()):
        assert time.monotonic() < ends
        await asyncio.to_thread(lambda: None)


def _running() -> list[set[str]]:
    """For each thread, the functions that it is in."""
    return [{one.name for one in traceback.extract_stack(frame)} for frame in sys._current_frames().values()]


async def test_after_a_week_a_notice_is_dropped_with_a_word(world: World, receiver: Receiver):
    """Whoever did not look for so long reads the findings."""
    tells(world, receiver=receiver)
    receiver.answer = lambda _: web.Response(status=500)
    stolen_and_used(world, "26XA1")
    opened(world)
    await deliver(world["XA"].node)
    world.wait(days=7, seconds=1)
    with capture_logs() as logs:
        assert await deliver(world["XA"].node) == 0
    (dropped,) = (line for line in logs if line["event"] == "notice dropped")
    assert dropped["finding"] == found_in(world)[0].id
    assert dropped["tries"] == 1
    assert len(receiver.got) == 1
    assert waiting(world) == 0


async def test_where_nobody_is_to_be_told_nothing_waits(world: World):
    """And nothing is said of it."""
    stolen_and_used(world, "26XA1")
    opened(world)
    assert world["XA"].node.database.read_now(notices.waiting) == Waiting(number=1, oldest=world.now)
    with capture_logs() as logs:
        await world["XA"].round()
    assert not [line for line in logs if line["event"].startswith("notice")]
    assert waiting(world) == 0


async def test_a_channel_that_was_taken_out_of_the_configuration_holds_nothing_up(
    world: World, receiver: Receiver, postbox: Postbox
):
    """What is left to be told to nobody is dropped."""
    tells(world, receiver=receiver, postbox=postbox)
    receiver.answer = lambda _: web.Response(status=500)
    stolen_and_used(world, "26XA1")
    opened(world)
    await deliver(world["XA"].node)
    assert waiting(world) == 1
    tells(world, postbox=postbox)
    world.wait(hours=1)
    await deliver(world["XA"].node)
    assert waiting(world) == 0
    assert len(postbox.letters) == 1


@pytest.mark.parametrize("kind", ["starttls", "tls"])
async def test_a_letter_travels_encrypted_and_with_the_password(
    world: World, postbox: Postbox, monkeypatch, certificate, kind
):
    """By STARTTLS, and encrypted from the start."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    login = {"smtp_user": "epix-node", "smtp_password_file": str(world.directory / "mail")}
    server = f"localhost:{postbox.ports[kind]}"
    tells(world, postbox=postbox, smtp_server=server, smtp_security=kind, **login)
    (tried,) = await try_out(world["XA"].node)
    assert tried.problem is None
    assert postbox.users == ["epix-node"]
    assert postbox.letter()["Subject"] == "EPIX XA: TEST"


@pytest.mark.parametrize(
    ("kind", "security", "said"),
    [
        ("plain", "starttls", "SMTPNotSupportedError"),
        ("plain", "tls", "SSLError"),
        ("starttls", "starttls", "SSLCertVerificationError"),
        ("tls", "tls", "SSLCertVerificationError"),
    ],
)
async def test_nothing_is_said_to_a_server_that_is_not_proven(world: World, postbox: Postbox, kind, security, said):
    """No encryption, or a certificate of nobody who is known: no password and no letter."""
    login = {"smtp_user": "epix-node", "smtp_password_file": str(world.directory / "mail")}
    tells(world, postbox=postbox, smtp_server=f"localhost:{postbox.ports[kind]}", smtp_security=security, **login)
    (tried,) = await try_out(world["XA"].node)
    assert tried.problem is not None
    assert said in tried.problem
    assert postbox.users == []
    assert postbox.letters == []


async def test_a_wrong_password_is_told_and_not_shown(world: World, postbox: Postbox, monkeypatch, certificate):
    """Nor is the right one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    (world.directory / "mail").write_text("wrong password\n")
    login = {"smtp_user": "epix-node", "smtp_password_file": str(world.directory / "mail")}
    tells(world, postbox=postbox, smtp_server=f"localhost:{postbox.ports['tls']}", smtp_security="tls", **login)
    (tried,) = await try_out(world["XA"].node)
    assert tried.problem is not None
    assert "535" in tried.problem
    assert "password" not in tried.problem
    assert PASSWORD not in tried.problem


async def test_a_letter_that_the_server_refuses_waits(world: World, postbox: Postbox):
    """The server's own words are not repeated; they may quote anything."""
    tells(world, postbox=postbox)
    postbox.refuses = "554 no"
    (tried,) = await try_out(world["XA"].node)
    assert tried.problem == f"{tried.place} answers 554: SMTPDataError"


async def test_a_secret_that_others_can_read_is_not_used(world: World, receiver: Receiver):
    """And the problem says what to do."""
    tells(world, receiver=receiver)
    (world.directory / "hook").chmod(0o644)
    (tried,) = await try_out(world["XA"].node)
    assert tried.problem is not None
    assert "chmod 600" in tried.problem
    assert receiver.got == []


async def test_each_country_that_holds_a_finding_tells_its_own_people_once(tmp_path, founded_three):
    """Also where the issuer's alert told of it first, and the documents came later."""
    world = World(tmp_path, founded_three)
    try:
        await world.up()
        world.publish("XA", "26XA1", to="XB")
        await world.pull("XB")
        world.confirm("XB", "26XA1")
        world.confirm("XC", "26XA1")
        await world.pull("XA", "XB")
        await world.pull("XA", "XC")
        world.wait(hours=25)
        opened(world)
        for party in ("XB", "XC"):
            assert world[party].node.database.read_now(notices.waiting).number == 0
        for _ in range(3):
            for party in ("XB", "XC"):
                await world.pull(party, "XA")
                await asyncio.to_thread(review.open_due, world[party].node.office, now=world.now)
                await world.pull("XA", party)
        for party in world.parties:
            listed = world[party].node.database.read_now(notices.due, now=None, limit=10)
            assert len({notice.finding_id for notice in listed}) == len(listed) > 0, party
    finally:
        await world.close()
