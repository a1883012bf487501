"""Peers that lie: what they can achieve is a quarantine record or their own freezing, and never a false document."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from epix_node.register.bundle import decode_bundle, encode_bundle
from epix_node.register.evidence import judge, parse_conflict
from epix_node.store import conflicts, documents, register
from tests.stores import copy_node
from tests.world import Country, Meddle, World, changing, on


def saying(checkpoint: Callable[[], bytes]) -> Meddle:
    """A side of the wire that always gives this checkpoint."""
    return on("checkpoint", lambda _: web.Response(body=checkpoint()))


async def test_one_flipped_byte_spoils_one_document_and_holds_up_nothing(world: World) -> None:
    """It is kept in quarantine with its reason; the cursor goes on."""
    published = [world["XA"].publish(f"26XA{number}") for number in range(3)]
    world["XA"].meddle = changing("docs/batch", lambda body: body[:200] + bytes([body[200] ^ 1]) + body[201:])
    result = await world.pull("XB")
    assert (result.documents, result.quarantined, result.problem) == (2, 1, None)
    assert world["XB"].quarantined() == [("XA", "DIGEST_MISMATCH")]
    assert world["XB"].peer("XA").next_index == 3
    assert world["XB"].holds(*published) == [False, True, True]


async def test_a_document_under_another_entry_is_refused(world: World) -> None:
    """The mirrored leaf at the listed index must commit to the bytes (decision 4)."""
    world["XA"].publish("26XA1")
    world["XA"].publish("26XA2", to="XC")

    def move(body: bytes) -> bytes:
        page = json.loads(body)
        page["entries"][0]["index"] = 1
        return json.dumps(page).encode()

    world["XA"].meddle = changing("feed", move)
    result = await world.pull("XB")
    assert (result.documents, result.quarantined) == (0, 1)
    assert world["XB"].quarantined() == [("XA", "DIGEST_MISMATCH")]


async def test_a_document_that_does_not_exist_stays_wanted(world: World) -> None:
    """A lying feed costs one question per pull."""
    world["XA"].publish("26XA1")
    world["XA"].meddle = changing("feed", _with_page(lambda page: page["entries"][0].update(document="0" * 64)))
    assert (await world.pull("XB")).documents == 0
    assert world["XB"].node.database.read_now(documents.wanted, "XA") == {"0" * 64: 0}
    assert world["XB"].peer("XA").next_index == 1


def _with_page(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def changed(body: bytes) -> bytes:
        page = json.loads(body)
        change(page)
        return json.dumps(page).encode()

    return changed


@pytest.mark.parametrize(
    "lie",
    [
        lambda page: page.update(party="XC"),
        lambda page: page.update(env="uat"),
        lambda page: page.update({"from": 1}),
        lambda page: page.update(to=0, entries=[]),
        lambda page: page["entries"][0].update(index=7),
        lambda page: page["entries"].append(page["entries"][0]),
        lambda page: page.update(entries=None),
    ],
    ids=["another Party", "another environment", "another range", "no progress", "out of range", "twice", "no list"],
)
async def test_a_page_that_does_not_answer_the_question_is_refused(world: World, lie: Callable[[Any], Any]) -> None:
    """The cursor stays; the failure is counted."""
    published = world["XA"].publish("26XA1")
    world["XA"].publish("26XA2")
    world["XA"].meddle = changing("feed", _with_page(lie))
    assert (await world.pull("XB")).documents is None
    assert world["XB"].peer("XA").next_index == 0
    assert world["XB"].peer("XA").failures == 1
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 2
    assert world["XB"].holds(published) == [True]


async def test_a_page_that_was_changed_on_the_way_is_refused(world: World) -> None:
    """Whoever stands between may not hide an entry: the peer vouches for the list, not only for what is on it."""
    world["XA"].publish("26XA1")
    world["XA"].meddle = changing("feed", _with_page(lambda page: page["entries"].clear()), on_the_way=True)
    assert (await world.pull("XB")).documents is None
    assert world["XB"].peer("XA").next_index == 0
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1


async def test_yesterdays_page_is_no_answer_to_todays_question(world: World) -> None:
    """A signed answer holds for one question, so keeping one back and giving it later hides nothing."""
    world["XA"].publish("26XA1")
    kept: list[tuple[bytes, Any]] = []

    async def replaying(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if "feed" not in request.raw_path:
            return response
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        kept.append((response.body, response.headers.copy()))
        body, headers = kept[0]
        return web.Response(body=body, headers=headers)

    world["XA"].meddle = replaying
    assert (await world.pull("XB")).documents == 1
    world["XA"].publish("26XA2")
    assert (await world.pull("XB")).documents is None
    assert world["XB"].peer("XA").next_index == 1


async def test_a_feed_that_is_ahead_of_the_checkpoint_is_cut_off_there(world: World) -> None:
    """An entry is taken once its leaf is under a checkpoint that counts."""
    world["XA"].publish("26XA1")
    old = world["XA"].mirror("XA").checkpoint
    world["XA"].publish("26XA2")
    world["XA"].meddle = saying(lambda: old or b"")
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].peer("XA").next_index == 1
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1


async def test_a_checkpoint_to_which_no_tiles_lead_freezes_nobody(world: World) -> None:
    """Whoever stands between can send false tiles; it is a broken answer, and what was verified before stays."""
    published = world["XA"].publish("26XA1")
    await world.pull("XB")
    held = world["XB"].mirror("XA")
    world["XA"].publish("26XA2")
    world["XA"].meddle = saying(lambda: world["XA"].says(2, b"\x07" * 32))
    assert (await world.pull("XB")).documents is None
    state = world["XB"].peer("XA")
    assert (state.frozen, state.failures) == (None, 1)
    assert world["XB"].mirror("XA") == held
    assert world["XB"].node.database.read_now(register.leaf, "XA", 1) is None
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].holds(published) == [True]


@pytest.mark.parametrize("size", [2**40, 2**62, 2**63 - 1])
async def test_a_register_that_claims_more_entries_than_anybody_can_have_costs_nothing(world: World, size: int) -> None:
    """A signature is all that such a checkpoint takes: what is planned for it must not grow with what it says."""
    world["XA"].meddle = saying(lambda: world["XA"].says(size, b"\x07" * 32))
    begun = time.process_time()
    assert (await world.pull("XB")).documents is None
    assert time.process_time() - begun < 2
    assert world["XB"].peer("XA").frozen is None
    world["XA"].publish("26XA1")
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1


async def test_a_register_that_is_far_ahead_is_taken_in_stretches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each goes on where the one before it ended, and what they come to is the whole register."""
    monkeypatch.setattr("epix_node.federation.register_visit.MOST_AT_ONCE", 512)
    world["XA"].grow(4500)
    world["XA"].publish("26XA1")
    for reached in (2048, 4096):
        await world.pull("XB")
        assert (world["XB"].mirror("XA").edge.size, world["XB"].mirror("XA").checkpoint_size) == (reached, 0)
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge
    assert world["XB"].mirror("XA").checkpoint_size == 4501


async def test_a_register_that_forgot_what_it_had_shown_is_frozen_with_the_proof(world: World, tmp_path: Path) -> None:
    """The log signed two trees, of which the larger does not begin with the smaller: anybody can check that."""
    twin = copy_node(world["XA"].home, tmp_path / "twin")
    published = world["XA"].publish("26XA1")
    await world.pull("XB")
    await world["XA"].down()
    liar = Country(twin, lambda: world.now)
    try:
        liar.publish("26XA7")
        liar.publish("26XA8")
        await liar.up()
        assert (await world.pull("XB")).documents is None
        state, mirror = world["XB"].peer("XA"), world["XB"].mirror("XA")
        assert state.frozen is not None
        assert mirror.checkpoint_size == mirror.edge.size == 1
        assert world["XB"].holds(published) == [True]
        _require_proof_against(world, "XA")
        liar.asked.clear()
        again = await world.pull("XB")
        assert again.problem is not None
        assert again.problem.startswith("frozen: ")
        assert liar.asked == ["/epix/v1/tuf/party.json"]  # a successor of the register would be named there
    finally:
        await liar.down()
        liar.close()


def _require_proof_against(world: World, party: str) -> None:
    (dispute,) = world["XB"].node.database.read_now(conflicts.everything, party)
    log_key = world["XB"].node.keyring().log_key(party)
    assert log_key is not None
    assert judge(parse_conflict(dispute.evidence), log_key=log_key).is_guilty


async def test_two_histories_of_one_size_freeze_the_peer(world: World) -> None:
    """Both are signed by the log's own key: nobody else can have done it."""
    world["XA"].publish("26XA1")
    await world.pull("XB")
    world.wait(minutes=1)
    world["XA"].meddle = saying(lambda: world["XA"].says(1, b"\x07" * 32))
    assert (await world.pull("XB")).documents is None
    assert world["XB"].peer("XA").frozen is not None
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge
    _require_proof_against(world, "XA")


async def test_a_smaller_register_is_noted_and_not_believed(world: World) -> None:
    """It may be coming back from a backup: no freeze, no failure, and nothing that we hold is given up."""
    world["XA"].publish("26XA1")
    old = world["XA"].mirror("XA").checkpoint
    world["XA"].publish("26XA2")
    await world.pull("XB")
    held = world["XB"].mirror("XA")
    world["XA"].meddle = saying(lambda: old or b"")
    result = await world.pull("XB")
    state = world["XB"].peer("XA")
    assert result.problem == state.last_error == "rollback suspected: a checkpoint of size 1, 2 is held"
    assert (state.frozen, state.failures) == (None, 0)
    assert world["XB"].mirror("XA") == held
    world["XA"].meddle = None
    assert (await world.pull("XB")).problem is None
    assert world["XB"].peer("XA").last_error is None


async def test_a_smaller_register_of_another_history_freezes_the_peer(world: World, tmp_path: Path) -> None:
    """It came back from a backup and went on from there: two trees that no one log can have."""
    twin = copy_node(world["XA"].home, tmp_path / "twin")
    for number in range(3):
        world["XA"].publish(f"26XA{number}")
    await world.pull("XB")
    await world["XA"].down()
    liar = Country(twin, lambda: world.now)
    try:
        liar.publish("26XA9")
        await liar.up()
        assert (await world.pull("XB")).documents is None
        assert world["XB"].peer("XA").frozen is not None
        assert world["XB"].mirror("XA").checkpoint_size == 3
        _require_proof_against(world, "XA")
    finally:
        await liar.down()
        liar.close()


async def test_entries_towards_a_checkpoint_that_was_taken_back_are_forgotten(world: World) -> None:
    """What came before a crash counts only under a checkpoint; the next one may be smaller."""
    world["XA"].grow(4500)
    world["XA"].meddle = on("entries/017", lambda _: web.Response(status=503))
    await world.pull("XB")
    assert world["XB"].mirror("XA").edge.size == 17 * 256
    truth = world["XA"].node.database.read_now(register.edge_of, "XA", 300)
    world["XA"].meddle = saying(lambda: world["XA"].says(300, truth.root()))
    await world.pull("XB")
    mirror = world["XB"].mirror("XA")
    assert (mirror.edge, mirror.checkpoint_size) == (truth, 300)
    world["XA"].meddle = None
    await world.pull("XB")
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda world: world["XC"].says(1, b"\x07" * 32), "another log"),
        (lambda world: world["XA"].says(1, b"\x07" * 32).replace(b"\n1\n", b"\n2\n"), "changed after signing"),
        (lambda _: b"garbage", "no note"),
        (lambda _: b"", "nothing"),
        (lambda world: world["XA"].says(1, b"\x07" * 32, at=world.now + timedelta(minutes=6)), "from the future"),
    ],
)
async def test_a_checkpoint_that_is_not_the_logs_own_word_is_refused(
    world: World, change: Callable[[World], bytes], what: str
) -> None:
    """It cannot freeze anybody either."""
    world["XA"].publish("26XA1")
    world["XA"].meddle = saying(lambda: change(world))
    assert (await world.pull("XB")).documents is None, what
    state = world["XB"].peer("XA")
    assert (state.frozen, state.failures) == (None, 1)
    assert world["XB"].node.database.read_now(register.state, "XA") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda leaf: leaf.replace(b'"p":"XA"', b'"p":"XC"'),
        lambda leaf: leaf.replace(b"sandbox", b"prod"),
        lambda leaf: leaf.replace(b'{"at"', b'{ "at"'),
        lambda _: b"",
    ],
    ids=["another Party", "another environment", "not canonical", "empty"],
)
async def test_an_entry_that_is_no_leaf_of_this_register_is_refused(
    world: World, change: Callable[[bytes], bytes]
) -> None:
    """Before anything of the bundle is stored."""
    world["XA"].publish("26XA1")

    def changed(body: bytes) -> bytes:
        return encode_bundle([change(leaf) for leaf in decode_bundle(body, count=1)])

    world["XA"].meddle = changing("tile/entries", changed)
    assert (await world.pull("XB")).documents is None
    assert world["XB"].node.database.read_now(register.state, "XA") is None


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("tile/entries", lambda body: body.replace(b"08:00:00Z", b"07:00:00Z")),
        ("tile/entries", lambda body: body[:-1]),
        ("tile/entries", lambda body: body + body),
        ("tile/entries", lambda _: b""),
        ("tile/0/", lambda body: bytes([body[0] ^ 1]) + body[1:]),
        ("tile/0/", lambda body: body[:-32]),
        ("tile/0/", lambda body: body + body),
        ("tile/0/", lambda _: b""),
    ],
    ids=[
        "an entry that looks like a leaf",
        "a truncated bundle",
        "a bundle that goes on",
        "an empty bundle",
        "a changed hash",
        "a truncated tile",
        "a tile that goes on",
        "an empty tile",
    ],
)
async def test_no_changed_byte_of_a_register_is_stored_or_blamed_on_its_log(
    world: World, path: str, change: Callable[[bytes], bytes]
) -> None:
    """The signed root vouches for every hash and every entry before anything is kept (C.5 step 2)."""
    published = world["XA"].publish("26XA1")
    world["XA"].meddle = changing(path, change)
    assert (await world.pull("XB")).documents is None
    state = world["XB"].peer("XA")
    assert (state.frozen, state.failures) == (None, 1)
    assert world["XB"].node.database.read_now(register.state, "XA") is None
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].holds(published) == [True]


async def test_a_changed_bundle_of_many_spoils_none_of_those_before_it(world: World) -> None:
    """Each is compared with its own hash: what was stored before it stays, and is not asked for again."""
    world["XA"].grow(20 * 256)
    world["XA"].meddle = changing("entries/017", lambda body: body.replace(b"08:00:00Z", b"07:00:00Z"))
    assert (await world.pull("XB")).documents is None
    assert world["XB"].mirror("XA").edge.size == 16 * 256
    world["XA"].meddle = None
    world["XA"].asked.clear()
    assert (await world.pull("XB")).leaves == 4 * 256
    assert not [path for path in world["XA"].asked if "/entries/015" in path]
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge


@pytest.mark.parametrize("path", ["log/checkpoint", "log/tile/0", "log/tile/entries", "feed", "docs/batch"])
@pytest.mark.parametrize("kind", ["redirect", "endless", "endless gzip", "gzip"])
async def test_no_answer_leads_elsewhere_or_grows_without_end(world: World, path: str, kind: str) -> None:
    """Neither a redirect nor a compressed answer is followed, and none is read beyond its limit (C.5)."""
    published = world["XA"].publish("26XA1")

    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        if path not in request.raw_path:
            return await handler(request)
        if kind == "redirect":
            return web.Response(status=307, headers={"Location": f"{world['XC'].config.server.base_url}/"})
        if kind == "gzip":
            return web.Response(body=gzip.compress(b"\0" * 4096), headers={"Content-Encoding": "gzip"})
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"} if kind == "endless gzip" else {})
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"\0" * 65536)
        return response

    world["XA"].meddle = meddle
    world["XC"].asked.clear()
    assert (await world.pull("XB")).documents is None
    state = world["XB"].peer("XA")
    assert (state.frozen, state.failures) == (None, 1)
    assert world["XC"].asked == []
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].holds(published) == [True]
