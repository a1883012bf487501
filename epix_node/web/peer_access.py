"""Which other node is asking: its signed request, checked before anything is done for it (decision 8, C.5).

The address that the signature must cover is this node's own base URL with the path as it came, never what a Host or a
proxy's header says: otherwise one peer could pass on, to us, what another had signed for it. A peer's identity comes
from its transport key alone.

Not here: what a peer may have (``federation_api``), and callers of the national API (``access``).
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from epix_node.clock import format_time, utc_now
from epix_node.errors import TrustError
from epix_node.federation.contact import heard_from, reset
from epix_node.httpsig.request import verify_request
from epix_node.node import Node
from epix_node.permit.reasons import Reason
from epix_node.store import peers
from epix_node.store.database import Session
from epix_node.web.keys import NODE
from epix_node.web.problems import Problem, problem

KEEP_NONCES = timedelta(minutes=10)
"""How long a nonce is remembered (C.5): longer than any signature could be repeated."""

MAX_BODY_BYTES = 64 * 1024
"""Longest body of most requests between nodes: four times the largest of them, a request for 256 documents."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who asks: the Party, every code that it may be addressed by, and what it sent."""

    party: str
    codes: frozenset[str]
    body: bytes


def for_peers(
    handler: Callable[[web.Request, Peer], Awaitable[web.StreamResponse]], *, max_body: int = MAX_BODY_BYTES
) -> Handler:
    """The handler, for authenticated peers only; everybody else gets 401 with the reason code."""

    @functools.wraps(handler)
    async def wrapped(request: web.Request) -> web.StreamResponse:
        try:
            peer = await authenticate(request, max_body=max_body)
        except TrustError as refusal:
            return _unauthenticated(refusal)
        return await handler(request, peer)

    return wrapped


async def authenticate(request: web.Request, *, max_body: int = MAX_BODY_BYTES) -> Peer:
    """Who signed this request.

    Raises:
        TrustError: nobody that this node knows, not for here, not now, or not for the first time (REPLAYED).
        Problem: the body is too large to look at.
    """
    node = request.app[NODE]
    keyring = node.keyring()
    body = None if request.method in {"GET", "HEAD"} else await _body(request, max_body)
    now = utc_now()  # transport freshness is about the machine's clock (contract 7)

    def find_key(key_id: str) -> tuple[str, Ed25519PublicKey] | None:
        found = keyring.transport_key(key_id, at=node.clock())
        # This node asks itself nothing: what carries its own signature was sent elsewhere and reflected.
        return found if found is not None and found[0] != node.party else None

    sender = verify_request(
        method=request.method,
        url=own_address(node) + request.raw_path,
        headers=request.headers,
        body=body,
        find_key=find_key,
        now=now,
    )
    if sender.nonce is not None and body is not None:
        fresh = await node.database.write(_remember, sender.party, sender.nonce, now=now)
        if not fresh:
            raise TrustError(f"{sender.party} sent this request before", code="REPLAYED")
    else:
        await heard_from(node.database, sender.party)
    codes = frozenset({sender.party, *keyring.manifests[sender.party].issues_for})
    return Peer(party=sender.party, codes=codes, body=body or b"")


def _remember(session: Session, party: str, nonce: str, *, now: datetime) -> bool:
    """The nonce is used up, false where it was before. A peer that asks is back, whatever we thought of it (C.5)."""
    if not peers.use_nonce(session, party, nonce, now=now, forget_before=now - KEEP_NONCES):
        return False
    reset(session, party)
    return True


async def _body(request: web.Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(MAX_BODY_BYTES):
        body += chunk
        if len(body) > most:
            raise Problem(413, Reason.TOO_LARGE, f"this request between nodes has at most {most} bytes")
    return bytes(body)


def own_address(node: Node) -> str:
    """This node's base URL as its peers sign it."""
    return normalised_base(node.config.server.base_url)


@functools.cache
def normalised_base(url: str) -> str:
    """The base URL as peers sign it: scheme and host in lower case, no default port, no final slash."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _unauthenticated(refusal: TrustError) -> web.Response:
    """401. A peer whose clock is wrong is told the time, which is no failure of either side (decision 8)."""
    time = {"server_time": format_time(utc_now())} if refusal.code == "CLOCK_SKEW" else {}
    return problem(401, refusal.code, str(refusal), headers={"WWW-Authenticate": "Signature"}, **time)
