"""Comparing what others saw: two histories are found and shown to everybody, and no honest log is ever framed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from epix_node.federation.correspondence import ask
from epix_node.federation.messages import MAX_GOSSIP_NOTES, encode_gossip, parse_gossip
from epix_node.federation.reports import REPORT_WITHIN, spread
from epix_node.register.evidence import Finding, conflict_of, encode_conflict, judge, parse_conflict
from epix_node.register.merkle import RightEdge
from epix_node.register.note import Note, NoteSigner, format_note, parse_note
from epix_node.store import conflicts, peers, register, sightings
from tests.stores import copy_node
from tests.world import Country, World, on

OTHER = sha256(b"another history").digest()


@asynccontextmanager
async def split_view(world: World, founded, *, to: str = "XC") -> AsyncIterator[Country]:
    """XA shows this Party another register: a second node with the same keys, which only that Party meets."""
    home = world.directory / "twin"
    copy_node(founded / "XA", home)
    twin = Country(home, lambda: world.now)
    server = TestServer(twin.app(), port=0)
    await server.start_server()

    async def meddle(request, handler):
        if request.headers.get("Epix-Party") != to and "Witness" not in request.headers:
            return await handler(request)
        async with httpx.AsyncClient(trust_env=False) as client:
            url = str(server.make_url("/")).rstrip("/") + request.raw_path
            answer = await client.request(
                request.method, url, headers=dict(request.headers), content=await request.read()
            )
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in {"content-length", "transfer-encoding", "date", "server"}
        }
        return web.Response(status=answer.status_code, body=answer.content, headers=kept)

    world["XA"].meddle = meddle
    try:
        yield twin
    finally:
        await server.close()
        twin.close()


def disputes(country, party="XA"):
    return country.node.database.read_now(conflicts.everything, party)


def frozen(country, party="XA"):
    state = country.node.database.read_now(peers.state, party)
    return state is not None and state.frozen is not None


@pytest.mark.parametrize(("shown_to_xb", "shown_to_xc"), [(5, 5), (5, 9), (300, 7), (256, 512), (1, 2)])
async def test_a_split_view_is_known_to_both_importers_within_one_poll(world, founded, shown_to_xb, shown_to_xc):
    """Each polls the other once; both freeze the Party, hold evidence, and whoever trusts nobody can judge it."""
    async with split_view(world, founded) as twin:
        world["XA"].grow(shown_to_xb)
        world.wait(minutes=1)
        twin.grow(shown_to_xc)
        assert (await world.pull("XB")).problem is None
        assert (await world.pull("XC")).problem is None
        assert world["XB"].mirror("XA").edge.root() != world["XC"].mirror("XA").edge.root()
        await world.pull("XB", "XC")
        await world.pull("XC", "XB")
    for country in (world["XB"], world["XC"]):
        assert frozen(country)
        evidence = parse_conflict(disputes(country)[0].evidence)
        assert judge(evidence, log_key=world["XA"].node.manifest.log_keys[0]).finding is Finding.GUILTY
    assert {one.id for one in disputes(world["XB"])} == {one.id for one in disputes(world["XC"])}
    assert (await world.pull("XB")).documents is None


async def test_who_finds_two_histories_tells_everybody(world, founded):
    """Evidence goes out as a report until everybody has it; a node that was down gets it later."""
    async with split_view(world, founded) as twin:
        world["XA"].grow(5)
        world.wait(minutes=1)
        twin.grow(5)
        await world.pull("XB")
        await world.pull("XC")
        world["XC"].meddle = on("/report", lambda _: web.Response(status=503))
        await world.pull("XB", "XC")
        await world["XC"].down()
        assert await spread(world["XB"].node) == 1  # XA itself is told
        assert not frozen(world["XC"])
        world["XC"].meddle = None
        await world["XC"].up()
        assert await spread(world["XB"].node, ignore_backoff=True) == 1
        assert frozen(world["XC"])
        assert await spread(world["XB"].node, ignore_backoff=True) == 0
        assert await spread(world["XC"].node, ignore_backoff=True) == 0  # what was reported is not passed on
    assert world["XA"].mirror("XA").halted is not None


async def test_a_witness_that_is_shown_another_history_finds_it_in_its_mirror(world, founded):
    """What is submitted to be cosigned is compared like gossip."""
    from tests.federation.test_cosigning import ask as submit
    from tests.federation.test_cosigning import request_of

    async with split_view(world, founded) as twin:
        world["XA"].grow(5)
        world.wait(minutes=1)
        twin.grow(4)
        await world.pull("XB")
        assert (await submit(world["XB"], request_of(twin))).status_code == 200
    assert frozen(world["XB"])


async def test_a_larger_checkpoint_waits_until_the_mirror_has_grown(world, founded):
    """A sighting is no evidence; an honest log settles it at the next pull, a log with two histories does not."""
    log = world["XA"]
    log.grow(3)
    await world.pull("XB")
    log.grow(300)
    await world.pull("XC")
    await world.pull("XB", "XC")
    seen = world["XB"].node.database.read_now(sightings.largest)
    assert [one.checkpoint.size for one in seen.values()] == [303]
    assert not frozen(world["XB"])
    await world.pull("XB")
    assert world["XB"].node.database.read_now(sightings.largest) == {}
    assert not frozen(world["XB"])


async def test_a_sighting_convicts_when_the_mirror_has_grown_past_it(world, founded):
    """XB saw what XC holds before its own mirror reached so far."""
    async with split_view(world, founded) as twin:
        world["XA"].grow(3)
        world.wait(minutes=1)
        twin.grow(5)
        await world.pull("XB")
        await world.pull("XC")
        await world.pull("XB", "XC")
        assert not frozen(world["XB"])
        world["XA"].grow(6)
        await world.pull("XB")
        assert frozen(world["XB"])


def forged(world, note):
    """XC signs in XA's name with its own key."""
    own = world["XC"].node.office.own
    signer = NoteSigner(world["XA"].node.office.own.origin, own.log.private_key)
    body = parse_note(note).body
    return format_note(Note(body=body, signatures=(signer.sign(body),)))


def altered(note):
    """The real signature under another root."""
    parsed = parse_note(note)
    origin, size, _, _ = parsed.body.split("\n")
    body = f"{origin}\n{size}\n{'A' * 43}=\n"
    return format_note(Note(body=body, signatures=parsed.signatures))


LIES = {
    "forged under another key": lambda world, old, new: encode_gossip([forged(world, new)]),
    "another root under the real signature": lambda world, old, new: encode_gossip([altered(new)]),
    "old notes": lambda world, old, new: encode_gossip([old, old, new]),
    "an unknown log": lambda world, old, new: encode_gossip([new.replace(b"/register/", b"/registry/")]),
    "garbage": lambda world, old, new: encode_gossip([b"", b"\n\n", b"x" * 1000, b"\x00", "é\n\n— é\n".encode()]),
    "not JSON": lambda world, old, new: b"\xff\xfe",
    "no list": lambda world, old, new: b'{"notes": []}',
    "a list of something else": lambda world, old, new: b"[1, null, []]",
    "half a character": lambda world, old, new: b'["\\ud800"]',
    "a deep list": lambda world, old, new: b"[" * 100_000,
    "a huge list": lambda world, old, new: json.dumps([old.decode()] * (MAX_GOSSIP_NOTES + 1)).encode(),
    "more than 4 MiB": lambda world, old, new: b'["' + b"x" * (4 * 1024 * 1024) + b'"]',
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_honest_log_is_never_framed(world, lie):
    """Whatever a peer gossips without the log's key: nobody is frozen, nothing is kept, documents come as before."""
    log = world["XA"]
    log.grow(2)
    old = log.mirror("XA").checkpoint
    log.grow(5)
    await world.pull("XB")
    world["XC"].publish("C-1", to="XB")
    body = LIES[lie](world, old, log.mirror("XA").checkpoint)
    world["XC"].meddle = on("/gossip", lambda _: web.Response(body=body, content_type="application/json"))
    result = await world.pull("XB", "XC")
    assert result.documents == 1
    assert not frozen(world["XB"])
    assert not frozen(world["XB"], "XC")
    assert disputes(world["XB"]) == []
    assert world["XB"].node.database.read_now(sightings.largest) == {}


async def test_gossip_about_the_own_register_cannot_stop_it_without_the_own_key(world):
    """Old notes and forged ones do nothing; a checkpoint of the own key that leads elsewhere stops the signing."""
    own = world["XB"]
    own.grow(2)
    old = own.mirror("XB").checkpoint
    own.grow(2)
    for body in (encode_gossip([old]), encode_gossip([altered(old)]), encode_gossip([forged(world, old)])):
        world["XC"].meddle = on(
            "/gossip", lambda _, body=body: web.Response(body=body, content_type="application/json")
        )
        await world.pull("XB", "XC")
        assert own.mirror("XB").halted is None
    larger = encode_gossip([own.says(9, OTHER)])
    world["XC"].meddle = on("/gossip", lambda _: web.Response(body=larger, content_type="application/json"))
    await world.pull("XB", "XC")
    assert own.mirror("XB").halted is not None


async def test_gossip_holds_the_mirror_and_what_is_larger(world):
    """One note for each log that is held, with the log's line alone, and a sighting beside the mirror."""
    log = world["XA"]
    log.grow(3)
    await world.pull("XB")
    log.grow(3)
    await world.pull("XC")
    await world.pull("XB", "XC")
    notes = await ask(world["XC"].node, "XB", lambda client: client.gossip(None), within=REPORT_WITHIN)
    assert notes is not None
    bodies = [parse_note(note).body.split("\n")[:2] for note in notes.notes]
    assert [origin_.rpartition("/")[2] + size for origin_, size in bodies if origin_.endswith("XA")] == ["XA3", "XA6"]
    assert all(len(parse_note(note).signatures) == 1 for note in notes.notes)
    again = await ask(world["XC"].node, "XB", lambda client: client.gossip(notes.etag), within=REPORT_WITHIN)
    assert again is None


def test_gossip_is_read_as_it_was_written():
    """A list of notes, in their order."""
    notes = (b"one\n", "zwei — \n".encode())
    assert parse_gossip(encode_gossip(notes)) == notes


def evidence(country, *, guilty=True, size=2):
    """Two checkpoints that this country signed, and the proof between them."""
    held = country.mirror(country.node.party)
    key = country.node.manifest.log_keys[0]
    lie = country.says(size, OTHER)
    if not guilty:
        edge = RightEdge.empty()
        lie = country.says(0, edge.root())

    def made(session):
        hashes = register.StoredHashes(session, country.node.party, held.edge.size)
        return conflict_of(lie, held.checkpoint, log_key=key, reader=hashes)

    return country.node.database.read_now(made)


async def report(world, body, *, by="XC", to="XB"):
    async def send(client):
        return await client._ask("POST", "report", limit=16 * 1024, body=body, also=frozenset({202, 400, 413, 429}))

    return await ask(world[by].node, to, send, within=REPORT_WITHIN)


async def test_a_report_is_judged_and_its_reporter_need_not_be_trusted(world):
    """Evidence that convicts freezes the Party once; the same again changes nothing; everybody can fetch it."""
    world["XA"].grow(4)
    conflict = evidence(world["XA"])
    answer = await report(world, encode_conflict(conflict))
    assert (answer.status, json.loads(answer.body)["finding"]) == (202, "GUILTY")
    assert frozen(world["XB"])
    assert (await report(world, encode_conflict(conflict))).status == 202
    assert [one.id for one in disputes(world["XB"])] == [conflict.id]
    async with httpx.AsyncClient(base_url=world["XB"].config.server.base_url, trust_env=False) as client:
        shown = await client.get(f"/epix/v1/report/{conflict.id}")
        assert shown.content == encode_conflict(conflict)
        assert (await client.get(f"/epix/v1/report/{'0' * 64}")).status_code == 404


async def test_a_report_that_proves_nothing_changes_nothing(world):
    """Two checkpoints of one history, evidence without its proof, about nobody's key, and what is no evidence."""
    world["XA"].grow(4)
    conflict = evidence(world["XA"])
    stranger = encode_conflict(conflict).replace(
        world["XA"].node.manifest.log_keys[0].vkey.encode(), world["XB"].node.manifest.log_keys[0].vkey.encode()
    )
    without_proof = type(conflict)(log=conflict.log, note_a=conflict.note_a, note_b=conflict.note_b)
    twice = type(conflict)(log=conflict.log, note_a=conflict.note_a, note_b=conflict.note_a)
    for body in (stranger, encode_conflict(without_proof), encode_conflict(twice)):
        answer = await report(world, body)
        assert (answer.status, json.loads(answer.body)["finding"]) == (202, "NOT_PROVEN")
    for body in (b"", b"{}", b"\xff", b"[" * 1000):
        assert (await report(world, body)).status == 400
    assert (await report(world, b"x" * (1024 * 1024 - 1))).status == 413
    assert not frozen(world["XB"])
    assert disputes(world["XB"]) == []


async def test_a_flood_of_reports_is_bounded(world):
    """Thirty of one peer in ten minutes; another peer is heard all the same, and of one log sixteen are kept."""
    log = world["XA"]
    log.grow(2)
    key = log.node.manifest.log_keys[0]
    lies = [
        conflict_of(log.says(1, OTHER), log.says(1, sha256(bytes([n])).digest()), log_key=key, reader=None)
        for n in range(35)
    ]
    statuses = [(await report(world, encode_conflict(lie))).status for lie in lies]
    assert statuses == [202] * 30 + [429] * 5
    assert len(disputes(world["XB"])) == conflicts.MAX_PER_LOG
    assert (await report(world, encode_conflict(lies[0]), by="XA")).status == 202
