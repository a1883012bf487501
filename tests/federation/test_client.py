"""Single exchanges with a peer that may do anything; the wire is replaced by respx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.clock import utc_now
from epix_node.errors import PeerError, PeerProtocolError, PeerRefusedError, PeerUnreachableError
from epix_node.federation import client as client_module
from epix_node.federation.client import Identity, PeerClient, pin
from epix_node.federation.messages import encode_frame
from epix_node.httpsig.request import verify_request
from epix_node.register.bundle import encode_bundle

BASE = "https://xb.example/epix/v1/"
KEY = Ed25519PrivateKey.generate()
IDENTITY = Identity(party="XA", key_id="k1", private_key=KEY)
DIGESTS = [sha256(name).hexdigest() for name in (b"a", b"b", b"c")]

Question = Callable[[PeerClient], Awaitable[Any]]


def no_key(_: str) -> None:
    """Nothing that the peer signs counts; only the feed is signed."""


QUESTIONS: dict[str, tuple[str, Question]] = {
    "checkpoint": ("log/checkpoint", lambda peer: peer.checkpoint(None)),
    "bundle": ("log/tile/entries/000", lambda peer: peer.bundle(0, 256)),
    "tile": ("log/tile/0/000", lambda peer: peer.tile(0, 0, 256)),
    "feed": ("feed", lambda peer: peer.feed(0, 256)),
    "batch": ("docs/batch", lambda peer: peer.batch(DIGESTS)),
}


@pytest.fixture
async def peer() -> AsyncIterator[PeerClient]:
    async with PeerClient(BASE, "XB", IDENTITY, answer_key=no_key, private_addresses=True) as opened:
        yield opened


@pytest.fixture
def wire() -> Any:
    with respx.mock(assert_all_called=False) as router:
        yield router


def answering(wire: Any, path: str, **answer: Any) -> Any:
    return wire.route(url__startswith=BASE + path).mock(**answer)


async def test_every_request_is_signed_for_the_address_that_it_goes_to(peer: PeerClient, wire: Any) -> None:
    """The peer's own verifier accepts what goes out, body and query included."""
    answering(wire, "", return_value=httpx.Response(503))
    for _, question in QUESTIONS.values():
        with pytest.raises(PeerUnreachableError):
            await question(peer)
    assert len(wire.calls) == len(QUESTIONS)
    for call in wire.calls:
        sender = verify_request(
            method=call.request.method,
            url=str(call.request.url),
            headers=call.request.headers,
            body=call.request.content or None,
            find_key=lambda kid: ("XA", KEY.public_key()) if kid == "k1" else None,
            now=utc_now(),
        )
        assert sender.party == "XA"
        assert call.request.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("hung up"),
        httpx.ReadError("reset"),
        httpx.UnsupportedProtocol("ftp"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_whatever_happens_on_the_way_is_an_unreachable_peer(
    peer: PeerClient, wire: Any, question: str, fault: Exception
) -> None:
    """Nothing of httpx leaves the client."""
    path, ask = QUESTIONS[question]
    answering(wire, path, side_effect=fault)
    with pytest.raises(PeerUnreachableError) as caught:
        await ask(peer)
    assert caught.value.party == "XB"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (500, PeerUnreachableError, "HTTP_500"),
        (503, PeerUnreachableError, "HTTP_503"),
        (429, PeerUnreachableError, "HTTP_429"),
        (401, PeerRefusedError, "HTTP_401"),
        (403, PeerRefusedError, "HTTP_403"),
        (409, PeerRefusedError, "HTTP_409"),
        (422, PeerRefusedError, "HTTP_422"),
        (204, PeerProtocolError, "PEER_PROTOCOL"),
        (206, PeerProtocolError, "PEER_PROTOCOL"),
        (302, PeerProtocolError, "PEER_PROTOCOL"),
    ],
)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_each_status_has_one_meaning(
    peer: PeerClient, wire: Any, question: str, status: int, error: type[PeerError], code: str
) -> None:
    """C.5; a redirect is followed by nobody."""
    path, ask = QUESTIONS[question]
    answering(wire, path, return_value=httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(error) as caught:
        await ask(peer)
    assert caught.value.code == code
    assert len(wire.calls) == 1


async def test_a_refusal_says_why_if_the_peer_says_it_in_a_word(peer: PeerClient, wire: Any) -> None:
    """CLOCK_SKEW must be told from other 401s (decision 8); free text of a stranger is not repeated."""
    for body, code in (
        (b'{"code": "CLOCK_SKEW"}', "CLOCK_SKEW"),
        (b'{"code": "no such <word>"}', "HTTP_401"),
        (b"[", "HTTP_401"),
        (b'["code"]', "HTTP_401"),
    ):
        answering(wire, "feed", return_value=httpx.Response(401, content=body))
        with pytest.raises(PeerRefusedError) as caught:
            await peer.feed(0, 1)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("9" * 40, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta(0)),
        ("Wed, 99 Foo 2015", None),
    ],
)
async def test_retry_after_is_kept_for_the_back_off(
    peer: PeerClient, wire: Any, value: str, expected: timedelta | None
) -> None:
    """In seconds or as a date; other text says nothing."""
    answering(wire, "feed", return_value=httpx.Response(503, headers={"Retry-After": value}))
    with pytest.raises(PeerUnreachableError):
        await peer.feed(0, 1)
    assert peer.retry_after == expected


def test_a_retry_date_in_the_future_is_the_time_until_then() -> None:
    """RFC 9110 10.2.3."""
    now = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    waited = client_module._retry_after("Sun, 01 Mar 2026 10:05:00 GMT", now=now)
    assert waited == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("question", "limit"),
    [("checkpoint", 256 * 1024), ("bundle", 256 * 2050), ("feed", 4 * 1024 * 1024), ("batch", 17 * 1024 * 1024 + 9216)],
)
async def test_no_answer_is_read_beyond_its_limit(peer: PeerClient, wire: Any, question: str, limit: int) -> None:
    """Whatever the peer announces; at the limit the content decides, one byte beyond nothing does."""
    path, ask = QUESTIONS[question]
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    answering(wire, path, return_value=httpx.Response(200, stream=Stream(endless())))
    with pytest.raises(PeerProtocolError) as caught:
        await ask(peer)
    assert caught.value.code == "TOO_LARGE"
    assert sent <= limit + 2 * 65_536


class Stream(httpx.AsyncByteStream):
    """An answer that is made while it is read."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            yield chunk


async def test_a_refusal_is_not_read_for_ever_either(peer: PeerClient, wire: Any) -> None:
    """The text of an error is bounded like everything else."""
    answering(wire, "feed", return_value=httpx.Response(500, content=b"x" * 20_000))
    with pytest.raises(PeerProtocolError):
        await peer.feed(0, 1)


async def test_a_compressed_answer_is_refused_unread(peer: PeerClient, wire: Any) -> None:
    """A few bytes must not grow into many; nobody asked for it."""
    answering(wire, "feed", return_value=httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"\x1f\x8b"))
    with pytest.raises(PeerProtocolError):
        await peer.feed(0, 1)


async def test_a_known_checkpoint_is_not_sent_again(peer: PeerClient, wire: Any) -> None:
    """304 is None; the tag goes out as it came in."""
    route = answering(wire, "log/checkpoint", return_value=httpx.Response(200, content=b"n", headers={"ETag": '"v1"'}))
    first = await peer.checkpoint(None)
    assert first is not None
    assert (first.note, first.etag) == (b"n", '"v1"')
    route.mock(return_value=httpx.Response(304))
    assert await peer.checkpoint('"v1"') is None
    assert wire.calls.last.request.headers["If-None-Match"] == '"v1"'


@pytest.mark.parametrize("tag", ["x" * 300, "ä"])
async def test_a_strange_tag_is_forgotten(peer: PeerClient, wire: Any, tag: str) -> None:
    """It would go out again in our own header."""
    headers = httpx.Headers([(b"ETag", tag.encode("latin-1"))])
    answering(wire, "log/checkpoint", return_value=httpx.Response(200, content=b"n", headers=headers))
    fetched = await peer.checkpoint(None)
    assert fetched is not None
    assert fetched.etag is None


async def test_a_partial_bundle_that_is_gone_is_cut_from_the_full_one(peer: PeerClient, wire: Any) -> None:
    """C.4 item 4: clients fall back to the full tile."""
    entries = [str(number).encode() for number in range(256)]
    answering(wire, "log/tile/entries/x001/234.p/3", return_value=httpx.Response(404))
    wire.get(BASE + "log/tile/entries/x001/234").respond(200, content=encode_bundle(entries))
    assert await peer.bundle(1234, 3) == (b"0", b"1", b"2")


async def test_a_full_bundle_is_asked_for_once(peer: PeerClient, wire: Any) -> None:
    """There is nothing to fall back to."""
    answering(wire, "log/tile/entries/000", return_value=httpx.Response(404))
    with pytest.raises(PeerRefusedError):
        await peer.bundle(0, 256)
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        encode_frame(DIGESTS[0], b"one")[:-1],
        encode_frame(DIGESTS[1], b"two"),
        b"".join(encode_frame(digest, b"x") for digest in DIGESTS) + b"!",
    ],
    ids=["empty", "truncated", "out of order", "too long"],
)
async def test_a_batch_that_makes_no_sense_is_a_protocol_error(peer: PeerClient, wire: Any, body: bytes) -> None:
    """An empty answer, too: asking again would never end."""
    answering(wire, "docs/batch", return_value=httpx.Response(200, content=body))
    with pytest.raises(PeerProtocolError):
        await peer.batch(DIGESTS)


async def test_a_batch_may_end_early(peer: PeerClient, wire: Any) -> None:
    """Decision 9: the rest is asked again."""
    body = encode_frame(DIGESTS[0], b"one") + encode_frame(DIGESTS[1], None)
    answering(wire, "docs/batch", return_value=httpx.Response(200, content=body))
    assert await peer.batch(DIGESTS) == {DIGESTS[0]: b"one", DIGESTS[1]: None}


@pytest.mark.parametrize(
    "address",
    ["64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::1", "::127.0.0.1", "fec0::1", "224.0.0.1", "ff02::1"],
)
def test_no_gateway_leads_back_to_a_private_address(address: str) -> None:
    """A manifest may name any host, and an IPv6 address may hold an IPv4 one."""
    request = httpx.Request("GET", "https://xa.example/epix/v1/log/checkpoint")
    with pytest.raises(PeerUnreachableError) as refused:
        pin(request, [(0, 0, 0, "", (address, 443))], party="XA")
    assert refused.value.code == "PRIVATE_ADDRESS"
    pin(request, [(0, 0, 0, "", ("2606:4700::1111", 443))], party="XA")
    assert request.url.host == "2606:4700::1111"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[fd00::1]", "localhost"])
async def test_private_addresses_are_not_asked_unless_that_is_configured(wire: Any, host: str) -> None:
    """A peer's manifest must not make this node talk to its own neighbours (C.5)."""
    wire.route().respond(200)
    async with PeerClient(
        f"http://{host}:9/epix/v1/", "XB", IDENTITY, answer_key=no_key, private_addresses=False
    ) as peer:
        with pytest.raises(PeerUnreachableError) as caught:
            await peer.checkpoint(None)
    assert caught.value.code == "PRIVATE_ADDRESS"
    assert not wire.calls


async def test_the_address_that_was_checked_is_the_one_that_is_asked(
    wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host, TLS name and signature stay those of the URL, so that a second look-up can lead nowhere else."""

    async def look_up(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", look_up)
    wire.route().respond(200, content=b"n")
    async with PeerClient(BASE, "XB", IDENTITY, answer_key=no_key, private_addresses=False) as peer:
        await peer.checkpoint(None)
    request = wire.calls.last.request
    assert request.url.host == "93.184.215.14"
    assert request.headers["Host"] == "xb.example"
    assert request.extensions["sni_hostname"] == "xb.example"
    verify_request(
        method="GET",
        url=f"{BASE}log/checkpoint",
        headers=request.headers,
        body=None,
        find_key=lambda _: ("XA", KEY.public_key()),
        now=utc_now(),
    )
