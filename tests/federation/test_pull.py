"""Histories of nodes that pull from each other over real HTTP, with a wire that fails and peers that are down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from aiohttp.typedefs import Handler

from epix_node.errors import NotFoundError
from epix_node.federation import pull as pull_module
from epix_node.federation.patience import PROTOCOL
from epix_node.federation.pull import followed, pull, pull_all
from epix_node.identity import rotation
from epix_node.identity.key_box import KeyBox
from epix_node.store import documents, peers
from epix_node.web.problems import problem
from tests.world import HOST, START, Country, World, changing, on


async def test_what_is_addressed_to_a_country_comes_with_one_pull(world: World) -> None:
    """The documents, the cursor and the mirror; what is for another country stays a commitment."""
    ours, theirs = world["XA"].publish("26XA1"), world["XA"].publish("26XA2", to="XC")
    result = await world.pull("XB")
    assert (result.documents, result.leaves, result.quarantined, result.problem) == (1, 2, 0, None)
    assert world["XB"].holds(ours, theirs) == [True, False]
    assert world["XB"].peer("XA").next_index == 2
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge
    assert world["XB"].mirror("XA").checkpoint_size == 2
    assert world["XB"].peer("XA").last_success == START


async def test_an_answer_finds_its_way_back(world: World) -> None:
    """A confirmation is an entry of the importer's register, listed for the issuer (decision 2)."""
    world["XA"].publish("26XA1")
    await world.pull("XB")
    confirmed = world["XB"].confirm("26XA1")
    result = await world.pull("XA", "XB")
    assert result.documents == 1
    assert world["XA"].holds(confirmed) == [True]


async def test_a_peer_without_news_is_asked_three_questions(world: World) -> None:
    """304 to the manifest's tag and to the checkpoint's, what it has seen of others, and nothing after it."""
    world["XA"].publish("26XA1")
    await world.pull("XB")
    world["XA"].asked.clear()
    assert (await world.pull("XB")).documents == 0
    assert world["XA"].asked == ["/epix/v1/tuf/party.json", "/epix/v1/log/checkpoint", "/epix/v1/gossip"]


async def test_silence_is_known_to_be_recent(world: World) -> None:
    """An unchanged checkpoint is cosigned again after ten minutes, and its time is the watermark (decision 5)."""
    world["XA"].publish("26XA1")
    await world.pull("XB")
    world.wait(minutes=11)
    result = await world.pull("XB")
    assert (result.documents, result.leaves) == (0, 0)
    assert world["XB"].mirror("XA").cosigned_at == START + timedelta(minutes=11)


async def test_a_register_without_entries_can_be_pulled(world: World) -> None:
    """Its watermark is what a new federation begins with."""
    assert (await world.pull("XB")).documents == 0
    assert world["XB"].mirror("XA").cosigned_at == START
    world["XA"].publish("26XA1")
    assert (await world.pull("XB")).documents == 1


REQUESTS_OF_A_PULL = 7
"""Manifest, checkpoint, tile, bundle, gossip, feed, batch."""


@pytest.mark.parametrize("answered", range(REQUESTS_OF_A_PULL))
async def test_a_pull_that_breaks_off_anywhere_is_continued_after_a_restart(world: World, answered: int) -> None:
    """Nothing is lost, nothing is stored twice, and what was done is not done again."""
    published = [world["XA"].publish(f"26XA{number}") for number in range(3)]
    left = answered

    async def cut(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal left
        left -= 1
        if left < 0:
            assert request.transport is not None
            request.transport.abort()
        return await handler(request)

    world["XA"].meddle = cut
    broken = await world.pull("XB")
    assert broken.documents is None
    world["XA"].meddle = None
    world["XB"].reopen()
    whole = await world.pull("XB")
    assert (whole.documents, whole.problem) == (3, None)
    assert broken.leaves + whole.leaves == 3
    assert world["XB"].holds(*published) == [True] * 3
    assert world["XB"].peer("XA").next_index == 3


async def test_a_page_that_comes_again_changes_nothing(world: World) -> None:
    """Recording is idempotent, should a cursor ever be set back."""
    published = world["XA"].publish("26XA1")
    await world.pull("XB")
    world["XB"].node.database.write_now(peers.advance, "XA", next_index=0)
    assert (await world.pull("XB")).documents == 0
    assert world["XB"].holds(published) == [True]
    assert not [path for path in world["XA"].asked if "batch" in path][1:]


async def test_a_long_register_comes_in_bundles_and_goes_on_where_it_broke(world: World) -> None:
    """Sixteen bundles to a transaction; the partial one at the end of the checkpoint last (C.4 item 4)."""
    world["XA"].grow(5000)
    world["XA"].meddle = on("entries/018", lambda _: web.Response(status=503))
    broken = await world.pull("XB")
    assert (broken.documents, broken.leaves) == (None, 16 * 256)
    assert world["XB"].mirror("XA").checkpoint_size == 0
    world["XA"].meddle = None
    world["XA"].asked.clear()
    whole = await world.pull("XB")
    assert (whole.documents, whole.leaves) == (0, 5000 - 16 * 256)
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge
    bundles = [path.rpartition("/entries/")[2] for path in world["XA"].asked if "/entries/" in path]
    assert bundles == ["016", "017", "018", "019.p/136"]


async def test_a_register_that_grows_is_appended_to(world: World) -> None:
    """The mirror's own entries are not fetched again but as part of their bundle."""
    world["XA"].grow(300)
    await world.pull("XB")
    world["XA"].grow(300)
    assert (await world.pull("XB")).leaves == 300
    assert world["XB"].mirror("XA").edge == world["XA"].mirror("XA").edge


async def test_many_documents_come_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor moves with each page."""
    monkeypatch.setattr("epix_node.federation.document_visit.PAGE_ENTRIES", 2)
    published = [world["XA"].publish(f"26XA{number}") for number in range(5)]
    assert (await world.pull("XB")).documents == 5
    assert world["XB"].holds(*published) == [True] * 5
    pages = [path for path in world["XA"].asked if "/feed" in path]
    assert pages == [f"/epix/v1/feed?from={start}&limit=2" for start in (0, 2, 4)]


async def test_a_batch_that_ends_early_is_asked_for_again(world: World) -> None:
    """Decision 9; the cursor moves up to what is still missing."""
    published = [world["XA"].publish(f"26XA{number}") for number in range(3)]
    world["XA"].meddle = changing("docs/batch", _first_frame)
    assert (await world.pull("XB")).documents == 3
    assert world["XB"].holds(*published) == [True] * 3
    assert len([path for path in world["XA"].asked if "batch" in path]) == 3


def _first_frame(body: bytes) -> bytes:
    return body[: 36 + int.from_bytes(body[32:36], "big")]


async def test_a_peer_that_is_down_delays_nobody(world: World) -> None:
    """The others are pulled from; the dead one is left alone for a while and asked again."""
    published = world["XC"].publish("26XC1")
    await world["XA"].down()
    results = await pull_all(world["XB"].node)
    assert {party: one.documents for party, one in results.items()} == {"XA": None, "XC": 1}
    assert world["XB"].holds(published) == [True]
    state = world["XB"].peer("XA")
    assert state.failures == 1
    assert state.backoff_until is not None
    assert timedelta(seconds=20) < state.backoff_until - world["XB"].node.clock() < timedelta(seconds=45)
    assert state.last_error == "XA does not answer: ConnectError"

    await world["XA"].up()
    results = await pull_all(world["XB"].node)
    assert results["XA"].problem is not None
    assert results["XA"].problem.startswith("left alone until ")
    assert world["XA"].asked == []
    assert (await world.pull("XB")).documents == 0
    state = world["XB"].peer("XA")
    assert (state.failures, state.backoff_until, state.last_error) == (0, None, None)


async def test_a_peer_that_hangs_delays_nobody(world: World) -> None:
    """The others' pulls end while it still keeps us waiting."""
    world["XC"].publish("26XC1")
    healed = asyncio.Event()

    async def hang(request: web.Request, handler: Handler) -> web.StreamResponse:
        await healed.wait()
        return await handler(request)

    world["XA"].meddle = hang
    hanging = asyncio.create_task(pull(world["XB"].node, "XA"))
    assert (await world.pull("XB", "XC")).documents == 1
    assert not hanging.done()
    healed.set()
    assert (await hanging).problem is None


async def test_a_peer_that_keeps_us_waiting_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes without a completed step (C.5)."""
    impatient = replace(PROTOCOL, step=timedelta(milliseconds=50))
    monkeypatch.setattr(pull_module, "patience_of", lambda _: impatient)
    waiting = asyncio.Event()

    async def hang(request: web.Request, handler: Handler) -> web.StreamResponse:
        await waiting.wait()
        return await handler(request)

    world["XA"].meddle = hang
    result = await world.pull("XB")
    waiting.set()
    assert result.documents is None
    assert world["XB"].peer("XA").failures == 1


async def test_a_peer_is_left_alone_for_as_long_as_it_asks(world: World) -> None:
    """503 with Retry-After lengthens the back-off."""
    world["XA"].meddle = on("checkpoint", lambda _: web.Response(status=503, headers={"Retry-After": "1800"}))
    await world.pull("XB")
    state = world["XB"].peer("XA")
    assert state.backoff_until is not None
    assert state.backoff_until - world["XB"].node.clock() > timedelta(minutes=29)


@pytest.mark.parametrize(
    ("status", "code", "failures"),
    [
        (401, "CLOCK_SKEW", 0),
        (401, "KEY_UNKNOWN", 1),
        (403, "FORBIDDEN", 1),
        (404, "NOT_FOUND", 0),
        (409, "CONFLICT", 0),
        (422, "CLOCK_SKEW", 0),
        (429, "TOO_MANY", 1),
        (500, "INTERNAL", 1),
    ],
)
async def test_what_counts_as_a_failure(world: World, status: int, code: str, failures: int) -> None:
    """C.5; a clock that is wrong is no failure of the peer (decision 8). Every one is remembered for people."""
    world["XA"].meddle = on("feed", lambda _: problem(status, code, "no"))
    world["XA"].publish("26XA1")
    result = await world.pull("XB")
    state = world["XB"].peer("XA")
    assert result.documents is None
    assert state.failures == failures
    assert (state.backoff_until is None) == (failures == 0)
    assert state.last_error is not None
    assert state.last_error == result.problem


async def test_pulls_from_one_peer_take_turns(world: World) -> None:
    """In one process the second waits for the first and finds nothing left."""
    world["XA"].publish("26XA1")
    results = await asyncio.gather(*(world.pull("XB") for _ in range(3)))
    assert sorted(one.documents for one in results if one.documents is not None) == [0, 0, 1]


async def test_two_processes_that_pull_at_once_store_everything_once(world: World) -> None:
    """No lock is shared between them; whoever finds the mirror moved begins again."""
    world["XA"].grow(600)
    published = [world["XA"].publish(f"26XA{number}") for number in range(4)]
    other = Country(world["XB"].home, lambda: world.now)
    try:
        results = await asyncio.gather(pull(world["XB"].node, "XA"), pull(other.node, "XA"))
    finally:
        other.close()
    assert [one.problem for one in results] == [None, None]
    assert sum(one.documents or 0 for one in results) == 4
    assert sum(one.leaves for one in results) == 604
    assert world["XB"].holds(*published) == [True] * 4


async def test_what_was_listed_and_not_given_is_asked_for_again(world: World) -> None:
    """The cursor goes on; the document is remembered."""
    published = [world["XA"].publish(f"26XA{number}") for number in range(2)]
    world["XA"].meddle = changing("docs/batch", lambda body: body[:32] + b"\0\0\0\0" + body[len(_first_frame(body)) :])
    result = await world.pull("XB")
    assert (result.documents, result.quarantined, result.problem) == (1, 0, None)
    assert world["XB"].peer("XA").next_index == 2
    withheld = world["XB"].node.database.read_now(documents.wanted, "XA")
    assert list(withheld.values()) == [0]
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].holds(*published) == [True] * 2
    assert world["XB"].node.database.read_now(documents.wanted, "XA") == {}


async def test_evidence_that_an_alert_names_is_fetched_from_its_writer(world: World) -> None:
    """Once the writer grants it (decision 3); until then it stays wanted."""
    evidence = world["XA"].publish("26XA1", to="XC")
    digest, index = evidence.source.document, evidence.source.index
    assert index is not None
    world["XB"].node.database.write_now(documents.want, party="XA", sha256=digest, register_index=index, now=world.now)
    assert (await world.pull("XB")).documents == 0
    assert world["XB"].node.database.read_now(documents.wanted, "XA") == {digest: 0}
    world["XA"].node.database.write_now(documents.grant, digest, codes=["XB"])
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].holds(evidence) == [True]


async def test_a_peer_is_asked_at_its_next_address_where_the_first_is_dead(world: World) -> None:
    """In the order of its manifest."""
    world["XA"].publish("26XA1")
    manifest = world["XA"].node.manifest
    two = manifest.model_copy(update={"base": (f"http://{HOST}:{unused_port()}/epix/v1/", *manifest.base)})
    world.repository.publish(world.now, offers={"XA": world["XA"].sign(two).party_file()})
    world.refresh("XB")
    assert (await world.pull("XB")).documents == 1


async def test_only_peers_are_pulled_from(world: World) -> None:
    """All that are known by default, never the own node."""
    assert followed(world["XB"].node) == ("XA", "XC")
    with pytest.raises(NotFoundError):
        await world.pull("XB", "XZ")
    with pytest.raises(NotFoundError):
        await world.pull("XB", "XB")


async def test_what_was_refused_for_a_key_that_was_not_known_yet_comes_when_it_is(world: World) -> None:
    """A newer manifest that could not be had when the document came must not cost the document."""
    box = KeyBox.of(world["XA"].config)
    pair = box.make_signing(not_before=world.now, valid_for=timedelta(days=400))
    country = world["XA"].node
    assert country.role is not None
    rotation.make(country.database, country.role, rotation.announced(pair, first_use=world.now), now=world.now)
    world.wait(hours=1)
    later = world["XA"].publish("26XA1")
    world["XA"].meddle = on("party.json", lambda _: web.Response(status=404))
    await world.pull("XB")
    assert world["XB"].quarantined() == [("XA", "KEY_UNKNOWN")]
    world["XA"].meddle = None
    assert (await world.pull("XB")).documents == 1
    assert world["XB"].holds(later) == [True]
    assert world["XB"].quarantined() == []
