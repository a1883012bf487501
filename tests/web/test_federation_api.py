"""What a node gives to other nodes, asked the way that they ask: signed requests over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.clock import utc_now
from epix_node.errors import TrustError
from epix_node.federation.client import answer_keys
from epix_node.federation.messages import BatchRequest, Hint, decode_batch, entity_tag, parse_feed
from epix_node.httpsig.response import Question, verify_response
from epix_node.store import documents, peers
from epix_node.trust.signed_version import SignedVersion
from epix_node.web.peer_access import MAX_BODY_BYTES, normalised_base
from tests.web.asking import ask, send, signed, url_of
from tests.world import START, World, found_countries


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_countries(tmp_path_factory.mktemp("founded"))


@pytest.fixture
async def world(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """Only XA answers; the others ask."""
    made = World(tmp_path, founded)
    await made["XA"].up()
    yield made
    await made.close()


FOR_PEERS = [
    ("GET", "/epix/v1/feed?from=0", None),
    ("GET", "/epix/v1/log/tile/entries/000.p/1", None),
    ("GET", f"/epix/v1/docs/{'0' * 64}", None),
    ("POST", "/epix/v1/docs/batch", BatchRequest(sha256=("0" * 64,)).to_bytes()),
    ("POST", "/epix/v1/hint", Hint(size=1).to_bytes()),
]


@pytest.mark.parametrize(("method", "path", "body"), FOR_PEERS)
async def test_a_stranger_gets_nothing(world: World, method: str, path: str, body: bytes | None) -> None:
    """Unsigned, signed with an unknown key, or signed for another path."""
    world["XA"].publish("26XA1")
    unsigned = await send(world, method, path, body=body)
    assert (unsigned.status, unsigned.problem) == (401, "REQUEST_UNSIGNED")
    node, url = world["XB"].node, url_of(world, path)
    for changes, code in (
        ({"key_id": "0" * 64}, "KEY_UNKNOWN"),
        ({"private_key": Ed25519PrivateKey.generate()}, "SIGNATURE_INVALID"),
        ({"party": "XC"}, "SIGNATURE_INVALID"),
        ({"url": url.replace("/epix/v1/", "/epix/v2/")}, "SIGNATURE_INVALID"),
        ({"now": utc_now() - timedelta(minutes=5)}, "CLOCK_SKEW"),
    ):
        refused = await send(
            world,
            method,
            path,
            headers=signed(node, **{"method": method, "url": url, "body": body, **changes}),
            body=body,
        )
        assert (refused.status, refused.problem) == (401, code)


async def test_a_peer_with_a_wrong_clock_is_told_the_time(world: World) -> None:
    """Decision 8: it can mend that by itself."""
    path = "/epix/v1/feed"
    headers = signed(world["XB"].node, "GET", url_of(world, path), now=utc_now() + timedelta(minutes=2))
    refused = await send(world, "GET", path, headers=headers)
    assert refused.problem == "CLOCK_SKEW"
    assert b'"server_time": "2' in refused.body


async def test_the_host_of_a_request_is_nothing_to_sign_for(world: World) -> None:
    """What a peer signed for another node is not accepted here, whatever Host and proxy headers say."""
    path = "/epix/v1/feed"
    headers = signed(world["XB"].node, "GET", f"http://xc.example{path}")
    for disguise in ({}, {"Host": "xc.example"}, {"X-Forwarded-Host": "xc.example", "Forwarded": "host=xc.example"}):
        refused = await send(world, "GET", path, headers={**headers, **disguise})
        assert (refused.status, refused.problem) == (401, "SIGNATURE_INVALID")


async def test_a_node_does_not_answer_its_own_signature(world: World) -> None:
    """A reflected request is nobody's."""
    refused = await ask(world, "XA", "GET", "/epix/v1/feed")
    assert (refused.status, refused.problem) == (401, "KEY_UNKNOWN")


async def test_a_post_is_taken_once(world: World) -> None:
    """A nonce is used up; one of a request that was refused is not, so that nobody can burn another's."""
    path, body = "/epix/v1/docs/batch", BatchRequest(sha256=("0" * 64,)).to_bytes()
    headers = signed(world["XB"].node, "POST", url_of(world, path), body)
    tampered = await send(world, "POST", path, headers=headers, body=body.replace(b"00", b"01", 1))
    assert (tampered.status, tampered.problem) == (401, "SIGNATURE_INVALID")
    assert (await send(world, "POST", path, headers=headers, body=body)).status == 200
    replayed = await send(world, "POST", path, headers=headers, body=body)
    assert (replayed.status, replayed.problem) == (401, "REPLAYED")
    world["XA"].reopen()  # in the database, so another worker, or this one after a restart, knows it, too
    await world["XA"].down()
    await world["XA"].up()
    assert (await send(world, "POST", path, headers=headers, body=body)).problem == "REPLAYED"


async def test_a_body_is_not_read_for_ever(world: World) -> None:
    """Before any signature is checked."""
    body = b"x" * (MAX_BODY_BYTES + 1)
    refused = await ask(world, "XB", "POST", "/epix/v1/docs/batch", body=body)
    assert (refused.status, refused.problem) == (413, "TOO_LARGE")


async def test_the_feed_is_signed_and_bound_to_the_question(world: World) -> None:
    """The asking node can show later who gave it that page, and to which question."""
    node, url = world["XA"].node, url_of(world, "/epix/v1/feed?from=0")
    headers = signed(world["XB"].node, "GET", url)
    reply = await send(world, "GET", "/epix/v1/feed?from=0", headers=headers)
    keys = answer_keys(world["XB"].node.keyring(), "XA", at=node.clock())
    answer = {"status": 200, "headers": reply.headers, "body": reply.body, "party": "XA", "find_key": keys}
    verify_response(Question(method="GET", url=url, headers=headers), **answer, now=utc_now())
    other = Question(method="GET", url=url, headers=signed(world["XB"].node, "GET", url))
    with pytest.raises(TrustError):
        verify_response(other, **answer, now=utc_now())


async def test_the_health_of_a_node_is_signed_for_everybody_who_asks(world: World) -> None:
    """The Secretariat's question need not be signed; the answer is bound to its address and its moment."""
    url = url_of(world, "/epix/v1/health")
    reply = await send(world, "GET", "/epix/v1/health")
    keys = answer_keys(world["XB"].node.keyring(), "XA", at=world["XA"].node.clock())
    answer = {"status": 200, "headers": reply.headers, "body": reply.body, "party": "XA", "find_key": keys}
    question = Question(method="GET", url=url, headers={})
    verify_response(question, **answer, now=utc_now())
    with pytest.raises(TrustError, match="60 s apart"):
        verify_response(question, **answer, now=utc_now() + timedelta(minutes=2))
    unreadable = await send(world, "GET", "/epix/v1/health", headers={"Signature": "((("})
    assert (unreadable.status, unreadable.problem) == (400, "SIGNATURE_INVALID")


async def test_the_feed_lists_what_concerns_the_asking_party(world: World) -> None:
    """Nothing of others, not even that it exists beyond its number."""
    mine, other = world["XA"].publish("26XA1"), world["XA"].publish("26XA2", to="XC")
    to_xb = parse_feed((await ask(world, "XB", "GET", "/epix/v1/feed?from=0&limit=500")).body)
    assert (to_xb.party, to_xb.env, to_xb.start, to_xb.to, to_xb.size) == ("XA", "sandbox", 0, 2, 2)
    assert [(one.index, one.document, one.type) for one in to_xb.entries] == [(0, mine.source.document, "permit")]
    to_xc = parse_feed((await ask(world, "XC", "GET", "/epix/v1/feed")).body)
    assert [one.document for one in to_xc.entries] == [other.source.document]


async def test_a_page_ends_after_the_last_entry_examined(world: World) -> None:
    """At most `limit` entries; next `from` = `to` (C.2)."""
    for number in range(3):
        world["XA"].publish(f"26XA{number}")
    page = parse_feed((await ask(world, "XB", "GET", "/epix/v1/feed?from=1&limit=1")).body)
    assert ([one.index for one in page.entries], page.to, page.size) == ([1], 2, 3)
    end = parse_feed((await ask(world, "XB", "GET", "/epix/v1/feed?from=3")).body)
    assert (end.entries, end.to) == ((), 3)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=-1", 400, "NOT_UNDERSTOOD"),
        ("from=x", 400, "NOT_UNDERSTOOD"),
        ("from=01", 400, "NOT_UNDERSTOOD"),
        ("from=1&from=2", 400, "NOT_UNDERSTOOD"),
        ("limit=0", 400, "NOT_UNDERSTOOD"),
        ("limit=501", 400, "NOT_UNDERSTOOD"),
        (f"from={'9' * 30}", 400, "NOT_UNDERSTOOD"),
        ("from=1", 409, "BEYOND_REGISTER"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(world: World, query: str, status: int, code: str) -> None:
    """With a problem, never a 5xx."""
    refused = await ask(world, "XB", "GET", f"/epix/v1/feed?{query}")
    assert (refused.status, refused.problem) == (status, code)


async def test_a_document_is_for_its_audience_and_unknown_to_others(world: World) -> None:
    """Not there and not yours look alike."""
    published = world["XA"].publish("26XA1")
    digest = published.source.document
    given = await ask(world, "XB", "GET", f"/epix/v1/docs/{digest}")
    assert given.status == 200
    assert sha256(given.body).hexdigest() == digest
    assert given.headers["Content-Type"] == "application/xml"
    assert given.headers["ETag"] == f'"{digest}"'
    known = await ask(world, "XB", "GET", f"/epix/v1/docs/{digest}", headers={"If-None-Match": f'"{digest}"'})
    assert (known.status, known.body) == (304, b"")
    not_yours = await ask(world, "XC", "GET", f"/epix/v1/docs/{digest}", headers={"If-None-Match": f'"{digest}"'})
    not_there = await ask(world, "XC", "GET", f"/epix/v1/docs/{'0' * 64}")
    assert not_yours.status == not_there.status == 404
    assert not_yours.body == not_there.body


async def test_a_batch_answers_in_the_order_asked(world: World) -> None:
    """Length 0 for what is unknown and for what is not yours (decision 9)."""
    first, second = world["XA"].publish("26XA1"), world["XA"].publish("26XA2")
    other = world["XA"].publish("26XA3", to="XC")
    asked = [one.source.document for one in (second, other, first)] + ["0" * 64]
    body = BatchRequest(sha256=tuple(asked)).to_bytes()
    answer = await ask(world, "XB", "POST", "/epix/v1/docs/batch", body=body)
    given = decode_batch(answer.body, asked)
    assert [None if xml is None else sha256(xml).hexdigest() for xml in given.values()] == [
        second.source.document,
        None,
        first.source.document,
        None,
    ]


async def test_a_batch_ends_where_it_would_grow_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one document, then as many as fit."""
    published = [world["XA"].publish(f"26XA{number}") for number in range(3)]
    asked = [one.source.document for one in published]
    size = len(world["XA"].node.database.read_now(_xml, asked[0]))
    for limit, expected in ((1, 1), (2 * size + 400, 2), (10 * size, 3)):
        monkeypatch.setattr("epix_node.web.federation_api.BATCH_ENDS_AT", limit)
        body = BatchRequest(sha256=tuple(asked)).to_bytes()
        answer = await ask(world, "XB", "POST", "/epix/v1/docs/batch", body=body)
        assert list(decode_batch(answer.body, asked)) == asked[:expected]


def _xml(session: Any, digest: str) -> bytes:
    held = documents.find(session, digest)
    assert held is not None
    return held.xml


async def test_documents_for_everybody_are_given_to_nobody_here(world: World) -> None:
    """Multiple use is addressed to `*` and listed in no feed (decision 3)."""
    published = world["XA"].publish("26XA1", multi_use=True)
    assert (await ask(world, "XB", "GET", f"/epix/v1/docs/{published.source.document}")).status == 404
    page = parse_feed((await ask(world, "XB", "GET", "/epix/v1/feed")).body)
    assert (page.entries, page.to) == ((), 1)


@pytest.mark.parametrize("path", ["/epix/v1/docs/batch", "/epix/v1/hint"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"[" * 60_000, b"\xff"], ids=lambda body: repr(body[:3]))
async def test_a_body_that_is_not_understood_is_refused(world: World, path: str, body: bytes) -> None:
    """From a peer that is known; still never a 5xx."""
    refused = await ask(world, "XB", "POST", path, body=body)
    assert (refused.status, refused.problem) == (400, "NOT_UNDERSTOOD")


async def test_a_peer_that_asks_is_back(world: World) -> None:
    """Its back-off ends with any signed POST (C.5)."""
    later = utc_now() + timedelta(hours=1)
    world["XA"].node.database.write_now(peers.meet, "XB", now=START)
    world["XA"].node.database.write_now(peers.note, "XB", failures=3, backoff_until=later)
    assert (await ask(world, "XB", "POST", "/epix/v1/hint", body=Hint(size=1).to_bytes())).status == 204
    state = world["XA"].peer("XB")
    assert (state.failures, state.backoff_until) == (0, None)


async def test_everybody_may_know_that_the_node_is_there(world: World) -> None:
    """Health and the well-known address are public and say nothing of permits."""
    world["XA"].publish("26XA1")
    known = await send(world, "GET", "/.well-known/epix-node")
    assert known.status == 200
    assert f'"base": "{url_of(world, "/epix/v1/")}"'.encode() in known.body
    health = await send(world, "GET", "/epix/v1/health")
    assert health.status == 200
    assert b'"size": 1' in health.body
    assert b"26XA1" not in health.body


async def test_health_tells_how_fresh_its_trust_is(world: World) -> None:
    """And how far its clock is off, once three peers have said the time (C.8)."""
    health = json.loads((await send(world, "GET", "/epix/v1/health")).body)
    assert health["trust_list"] == {"state": "FRESH", "parties": 3, "expires": "2026-03-03T08:00:00Z"}
    assert health["clock_offset_ms"] is None
    for party in ("XB", "XC", "XD"):
        world["XA"].node.database.write_now(peers.meet, party, now=START)
        world["XA"].node.database.write_now(peers.note, party, clock_ahead=timedelta(seconds=3))
    world.wait(days=1)
    health = json.loads((await send(world, "GET", "/epix/v1/health")).body)
    assert (health["trust_list"]["state"], health["clock_offset_ms"]) == ("STALE", -3000)


async def test_everybody_gets_the_newest_manifest(world: World) -> None:
    """Signed by the own role, and once (C.1); renewed before it expires where the keys are at hand."""
    first = await send(world, "GET", "/epix/v1/tuf/party.json")
    assert SignedVersion.parse(first.body).number == 1
    assert first.headers["Cache-Control"] == "public, max-age=1"
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await send(world, "GET", "/epix/v1/tuf/party.json", headers=known)).status == 304
    assert known["If-None-Match"] == f'"{entity_tag(first.body)}"'
    world.wait(days=310)
    second = await send(world, "GET", "/epix/v1/tuf/party.json", headers=known)
    version = SignedVersion.parse(second.body)
    assert version.number == 2
    assert world["XA"].node.role is not None
    assert world["XA"].node.role.role.verify(version).version == 2


@pytest.mark.parametrize(
    ("configured", "signed_for"),
    [
        ("https://EPIX.example:443", "https://epix.example"),
        ("http://epix.example:80/", "http://epix.example"),
        ("https://epix.example:8443/node/", "https://epix.example:8443/node"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_own_address_is_spelt_as_peers_sign_it(configured: str, signed_for: str) -> None:
    """As an HTTP client writes a URL: lower case, no default port."""
    assert normalised_base(configured) == signed_for
