"""Ask one other node, and believe nothing of how it answers.

Every request is signed (RFC 9421) on the machine's clock, whatever clock the node runs on (contract 7). Every answer
has a size beyond which it is not read on, follows no redirect, and comes uncompressed, so that no few bytes grow into
many. The feed, for which nothing else vouches, is signed by the peer and bound to our question; checkpoints, entries
and documents carry proofs of their own. Nothing but three errors leaves this module for what a peer or the network
between can do: ``PeerUnreachableError`` (no answer, 5xx, 429), ``PeerRefusedError`` (4xx) and ``PeerProtocolError``
(the answer makes no sense, or the peer does not vouch for it).

Not here: when to ask and what follows (``pull``), and the national API (``national``).
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from epix_node.clock import utc_now
from epix_node.errors import (
    MalformedDocumentError,
    PeerProtocolError,
    PeerRefusedError,
    PeerUnreachableError,
    TrustError,
)
from epix_node.federation.messages import (
    BATCH_ENDS_AT,
    FRAME_BYTES,
    MAX_BATCH_DIGESTS,
    MAX_FEED_BYTES,
    MAX_GOSSIP_BYTES,
    BatchRequest,
    FeedPage,
    Hint,
    decode_batch,
    entity_tag,
    parse_feed,
    parse_gossip,
)
from epix_node.federation.patience import PROTOCOL, Patience
from epix_node.federation.story_messages import MAX_STORY_BYTES
from epix_node.httpsig.request import sign_request
from epix_node.httpsig.response import FindAnswerKey, Question, verify_response
from epix_node.register.bundle import BUNDLE_ENTRIES, MAX_BUNDLE_BYTES, bundle_path, decode_bundle
from epix_node.register.note import MAX_NOTE_BYTES, NoteSignature
from epix_node.register.tiles import MAX_TILE_BYTES, TILE_WIDTH, decode_tile, tile_path
from epix_node.register.witness import (
    MAX_ANSWER_BYTES,
    AddCheckpoint,
    encode_add_checkpoint,
    monitoring_path,
    parse_held_size,
    parse_signature_lines,
)
from epix_node.trust.keyring import Keyring
from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES

NOT_CONNECTED = "NOT_CONNECTED"
"""Code of a peer to which no connection could be made."""

MAX_BATCH_BYTES = BATCH_ENDS_AT + 1024 * 1024 + MAX_BATCH_DIGESTS * FRAME_BYTES
"""Longest batch read: 16 MiB (decision 9), and as much as the last document and the frames may lie beyond it."""

_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fec0::/10")))
"""IPv4-compatible, NAT64 (RFC 6052, 8215), 6to4; and the site-local addresses of old."""

_MAX_PROBLEM_BYTES = 16 * 1024
_MAX_ETAG_CHARACTERS = 256
_CODE = re.compile(r"[A-Z][A-Z_]{0,39}")
_IDENTITY = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom this node asks: its Party, and the transport key in its manifest."""

    party: str
    key_id: str
    private_key: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A checkpoint as it came, with the tag that asks for newer ones only."""

    note: bytes
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gossip:
    """Notes as they came, with the tag that asks for newer ones only."""

    notes: tuple[bytes, ...]
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: httpx.Headers
    body: bytes


def pin(request: httpx.Request, found: Sequence[tuple[Any, ...]], *, party: str) -> None:
    """Send the request to the first address found for its host, so that no later look-up can lead it elsewhere.

    Signature, Host field and TLS name stay those of the URL.

    Raises:
        PeerUnreachableError: one of the addresses is private; code PRIVATE_ADDRESS.
    """
    host = request.url.host
    addresses = [str(address[0]) for *_, address in found]
    if not addresses or not all(map(_is_public, addresses)):
        raise PeerUnreachableError(
            f"{party}: {host} is at a private address; [federation] private_addresses allows that",
            party=party,
            code="PRIVATE_ADDRESS",
        )
    if request.url.scheme == "https":
        request.extensions = {**request.extensions, "sni_hostname": host}
    request.url = request.url.copy_with(host=addresses[0])


def _is_public(address: str) -> bool:
    """Whether it leads out, and not through a gateway back to an IPv4 address of this network."""
    found = ipaddress.ip_address(address)
    if not found.is_global or found.is_multicast:
        return False
    return not (isinstance(found, ipaddress.IPv6Address) and any(found in one for one in _TRANSLATED))


def answer_keys(keyring: Keyring, party: str, *, at: datetime) -> FindAnswerKey:
    """Finds the transport keys of this Party, none of another's, as they are at this moment."""

    def find(key_id: str) -> Ed25519PublicKey | None:
        owner, key = keyring.transport_key(key_id, at=at) or (None, None)
        return key if owner == party else None

    return find


class PeerClient:
    """One peer at one base URL, used as ``async with``. ``answer_key`` finds the keys with which ``party`` answers."""

    def __init__(
        self,
        base_url: str,
        party: str,
        identity: Identity,
        *,
        answer_key: FindAnswerKey,
        private_addresses: bool,
        patience: Patience = PROTOCOL,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.party = party
        self.retry_after: timedelta | None = None
        """How long the peer asked to be left alone in its last answer."""
        self.clock_ahead: timedelta | None = None
        """How far the peer's clock was ahead of this machine's in its last answer; seconds are all that it tells."""
        self._base = base_url if base_url.endswith("/") else f"{base_url}/"
        self._identity = identity
        self._answer_key = answer_key
        self._private_addresses = private_addresses
        self._patience = patience
        self._has_answered = False
        self._http = httpx.AsyncClient(
            headers={"Accept-Encoding": _IDENTITY},
            follow_redirects=False,
            verify=tls(),
            trust_env=False,  # neither proxies nor credentials of the environment: both would leave the pinned address
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def checkpoint(self, etag: str | None) -> Fetched | None:
        """The peer's newest checkpoint, or None where it is still the one with this tag. Nothing is verified."""
        headers = {"If-None-Match": etag} if etag is not None else {}
        answer = await self._ask("GET", "log/checkpoint", limit=MAX_NOTE_BYTES, headers=headers, also=frozenset({304}))
        if answer.status == httpx.codes.NOT_MODIFIED:
            return None
        return Fetched(note=answer.body, etag=_usable_tag(answer.headers))

    async def party_file(self, held: bytes | None) -> bytes | None:
        """The peer's ``party.json``, or None where it still is the one held, or there is none. Nothing is verified."""
        headers = {"If-None-Match": f'"{entity_tag(held)}"'} if held is not None else {}
        also = frozenset({304, 404})
        answer = await self._ask("GET", "tuf/party.json", limit=MAX_PARTY_FILE_BYTES, headers=headers, also=also)
        return answer.body if answer.status == httpx.codes.OK else None

    async def bundle(self, n: int, width: int) -> tuple[bytes, ...]:
        """The first ``width`` entries of bundle ``n``, which a verified checkpoint implies.

        A partial bundle may have been deleted since the full one exists; then that is asked for (C.4 item 4).
        """
        partial = width if width < BUNDLE_ENTRIES else None
        body, is_full = await self._part_of_log(bundle_path(n, partial), bundle_path(n), limit=MAX_BUNDLE_BYTES)
        try:
            return decode_bundle(body, count=BUNDLE_ENTRIES if is_full else width)[:width]
        except MalformedDocumentError as error:
            raise self._nonsense(f"bundle {n}: {error}") from error

    async def tile(self, level: int, n: int, width: int) -> tuple[bytes, ...]:
        """The first ``width`` hashes of this tile, which a verified checkpoint implies; as for ``bundle``."""
        partial = width if width < TILE_WIDTH else None
        body, is_full = await self._part_of_log(tile_path(level, n, partial), tile_path(level, n), limit=MAX_TILE_BYTES)
        try:
            return decode_tile(body, width=TILE_WIDTH if is_full else width)[:width]
        except MalformedDocumentError as error:
            raise self._nonsense(f"tile {level}/{n}: {error}") from error

    async def _part_of_log(self, path: str, full: str, *, limit: int) -> tuple[bytes, bool]:
        """What is at this path of the log, or at the full one's where that is gone; whether it is the full one."""
        also = frozenset({404}) if path != full else frozenset[int]()
        answer = await self._ask("GET", f"log/{path}", limit=limit, also=also)
        if answer.status == httpx.codes.NOT_FOUND:
            return (await self._ask("GET", f"log/{full}", limit=limit)).body, True
        return answer.body, path == full

    async def feed(self, start: int, limit: int) -> FeedPage:
        """Which entries from ``start`` on concern us, at most ``limit``."""
        answer = await self._ask("GET", f"feed?from={start}&limit={limit}", limit=MAX_FEED_BYTES, is_signed=True)
        try:
            return parse_feed(answer.body)
        except MalformedDocumentError as error:
            raise self._nonsense(str(error)) from error

    async def batch(self, digests: Sequence[str]) -> dict[str, bytes | None]:
        """The documents with these distinct digests (at most 256), None for what is not given, in the order asked.

        The answer may end early but has at least one document. Digests are not compared with the bytes.
        """
        body = BatchRequest(sha256=tuple(digests)).to_bytes()
        answer = await self._ask("POST", "docs/batch", limit=MAX_BATCH_BYTES, body=body)
        try:
            given = decode_batch(answer.body, digests)
        except MalformedDocumentError as error:
            raise self._nonsense(str(error)) from error
        if not given:
            raise self._nonsense("an empty batch, from which asking again would never end")
        return given

    async def add_checkpoint(self, request: AddCheckpoint) -> tuple[NoteSignature, ...] | int:
        """The lines with which the peer cosigns, none of them verified; or the size that it cosigned last (409).

        Raises as every question; ``PeerRefusedError`` with HTTP_422 where it says that this is another history.
        """
        body = encode_add_checkpoint(request)
        answer = await self._ask(
            "POST", "witness/add-checkpoint", limit=MAX_ANSWER_BYTES, body=body, also=frozenset({409})
        )
        try:
            if answer.status == httpx.codes.CONFLICT:
                return parse_held_size(answer.body)
            return parse_signature_lines(answer.body)
        except MalformedDocumentError as error:
            raise self._nonsense(f"as a witness: {error}") from error

    async def monitored(self, origin: str, *, is_signed: bool = False) -> bytes | None:
        """The checkpoint of this log that the peer cosigned last, or None where it never did. No note is verified.

        With ``is_signed`` it is the peer's own word, also that there is none.
        """
        path = f"witness/{monitoring_path(origin)}"
        answer = await self._ask("GET", path, limit=MAX_NOTE_BYTES, also=frozenset({404}), is_signed=is_signed)
        return answer.body if answer.status == httpx.codes.OK else None

    async def gossip(self, etag: str | None) -> Gossip | None:
        """The newest checkpoints that the peer has seen, or None where it still has those of this tag."""
        headers = {"If-None-Match": etag} if etag is not None else {}
        answer = await self._ask("GET", "gossip", limit=MAX_GOSSIP_BYTES, headers=headers, also=frozenset({304}))
        if answer.status == httpx.codes.NOT_MODIFIED:
            return None
        try:
            return Gossip(notes=parse_gossip(answer.body), etag=_usable_tag(answer.headers))
        except MalformedDocumentError as error:
            raise self._nonsense(str(error)) from error

    async def report(self, evidence: bytes) -> None:
        """The peer has this evidence of two histories, and judges it."""
        await self._ask("POST", "report", limit=_MAX_PROBLEM_BYTES, body=evidence, also=frozenset({202}))

    async def gather(self) -> None:
        """The peer, on the same clock, has asked its witnesses for what they did not cosign yet (contract 7)."""
        await self._ask("POST", "witness/gather", limit=0, body=b"{}", also=frozenset({204}))

    async def story(self, question: bytes) -> bytes:
        """What the peer tells about one permit (``story_messages``); signed, so that it is the peer's own word."""
        answer = await self._ask("POST", "status", limit=MAX_STORY_BYTES, body=question, is_signed=True)
        return answer.body

    async def hint(self, size: int) -> None:
        """The peer was told that our register has grown to this size (decision 11)."""
        await self._ask("POST", "hint", limit=0, body=Hint(size=size).to_bytes(), also=frozenset({204}))

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        limit: int,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        also: frozenset[int] = frozenset(),
        is_signed: bool = False,
    ) -> _Answer:
        """The answer, of status 200 or one of ``also``; with ``is_signed``, proven to be the peer's and to this."""
        self.retry_after = None
        try:
            request = self._http.build_request(
                method, self._base + path, headers=headers, content=body, timeout=self._timeout()
            )
            if body is not None:
                request.headers["Content-Type"] = "application/json"
            request.headers.update(
                sign_request(
                    method=method,
                    url=str(request.url),
                    body=body,
                    party=self._identity.party,
                    key_id=self._identity.key_id,
                    private_key=self._identity.private_key,
                    now=utc_now(),
                )
            )
            question = Question(method=method, url=str(request.url), headers=dict(request.headers))
            if not self._private_addresses:
                await self._pin(request)
            asked = utc_now()
            answer = await self._read(request, limit=limit)
            self._has_answered = True
            self.clock_ahead = _clock_ahead(answer.headers.get("Date"), asked=asked, answered=utc_now())
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._silent(error, code=NOT_CONNECTED) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise self._silent(error) from error
        if answer.status == httpx.codes.OK or answer.status in also:
            if is_signed:
                self._require_signed(question, answer)
            return answer
        raise self._refusal(answer, f"{method} {path.partition('?')[0]}")

    def _timeout(self) -> httpx.Timeout:
        patience = self._patience
        read = patience.read if self._has_answered else patience.first_answer
        return httpx.Timeout(read.total_seconds(), connect=patience.connect.total_seconds())

    def _silent(self, error: Exception, *, code: str | None = None) -> PeerUnreachableError:
        return PeerUnreachableError(
            f"{self.party} does not answer: {type(error).__name__}", party=self.party, code=code
        )

    def _require_signed(self, question: Question, answer: _Answer) -> None:
        try:
            verify_response(
                question,
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                party=self.party,
                find_key=self._answer_key,
                now=utc_now(),
            )
        except TrustError as error:
            raise self._nonsense(f"what it does not vouch for: {error}", code=error.code) from error

    async def _read(self, request: httpx.Request, *, limit: int) -> _Answer:
        """The answer's body, or nothing of it where it is longer than ``limit`` bytes."""
        response = await self._http.send(request, stream=True)
        try:
            if response.headers.get("Content-Encoding", _IDENTITY) != _IDENTITY:
                raise self._nonsense("a compressed answer, which nobody asked for")
            allowed = limit if response.status_code == httpx.codes.OK else _MAX_PROBLEM_BYTES
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > allowed:
                    raise self._nonsense(f"an answer of more than {allowed} bytes", code="TOO_LARGE")
            return _Answer(status=response.status_code, headers=response.headers, body=bytes(body))
        finally:
            await response.aclose()

    async def _pin(self, request: httpx.Request) -> None:
        """Send the request to a public address of its host, looked up once (``pin``)."""
        host = request.url.host
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, request.url.port or request.url.scheme, type=socket.SOCK_STREAM
            )
        except OSError as error:
            raise PeerUnreachableError(f"{self.party}: {host} cannot be looked up", party=self.party) from error
        pin(request, found, party=self.party)

    def _refusal(self, answer: _Answer, what: str) -> PeerUnreachableError | PeerRefusedError | PeerProtocolError:
        status = answer.status
        message = f"{self.party} answered {what} with {status}"
        self.retry_after = _retry_after(answer.headers.get("Retry-After"), now=utc_now())
        if status >= 500 or status in {408, 429}:
            return PeerUnreachableError(message, party=self.party, code=f"HTTP_{status}")
        if 400 <= status < 500:
            code = _problem_code(answer.body) if status in {401, 403} else None
            return PeerRefusedError(f"{message} {code or ''}".rstrip(), party=self.party, code=code or f"HTTP_{status}")
        return PeerProtocolError(message, party=self.party)

    def _nonsense(self, what: str, *, code: str | None = None) -> PeerProtocolError:
        return PeerProtocolError(f"{self.party} sent {what}", party=self.party, code=code)


@functools.cache
def tls() -> ssl.SSLContext:
    """The machine's certificate authorities; loading them takes longer than a pull that brings nothing."""
    return ssl.create_default_context()


def _usable_tag(headers: httpx.Headers) -> str | None:
    """The tag, which is repeated to the peer as it came; one that no plain server would send is dropped."""
    tag = headers.get("ETag")
    usable = tag is not None and len(tag) <= _MAX_ETAG_CHARACTERS and tag.isascii() and tag.isprintable()
    return tag if usable else None


def _problem_code(body: bytes) -> str | None:
    """The ``code`` of a problem answer (RFC 9457), or None for anything else."""
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = problem.get("code") if isinstance(problem, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _clock_ahead(date: str | None, *, asked: datetime, answered: datetime) -> timedelta | None:
    """How far a clock that shows this ``Date`` is ahead, taken at the middle of the second and of the exchange."""
    try:
        shown = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    if shown.tzinfo is None:
        return None
    return shown + timedelta(milliseconds=500) - (asked + (answered - asked) / 2)


def _retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """The wait that a Retry-After field asks for, in seconds or until a date; None for other text."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return timedelta(seconds=int(value))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(until - now, timedelta(0)) if until.tzinfo is not None else None
