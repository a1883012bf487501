"""Which node sent a request: HTTP message signatures (RFC 9421) in the profile of protocol decision 8 and C.5.

The library builds the signature base, checks the signature and the Content-Digest (RFC 9530); this module adds what
the profile demands beyond that: one signature, the components it covers, its tag, its times on a clock that the caller
reads, and a key that belongs to the Party named in ``Epix-Party``.

Not here: remembering nonces (``REPLAYED`` is the caller's, and only after `verify_request` returned, so that nobody
can burn another's nonces) and deciding what an authenticated Party may have (audience).

Refusals are `TrustError` with one of the codes REQUEST_UNSIGNED, CLOCK_SKEW, REQUEST_EXPIRED, KEY_UNKNOWN and
SIGNATURE_INVALID.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from epix_node.clock import format_time
from epix_node.errors import TrustError
from epix_node.httpsig.message import LABEL, MAX_SKEW, Request, combined, moment, shown

TAG = "epix-1"
"""Names this profile inside the signature, so that one made for another purpose is never taken for a request."""

COVERED = ("@method", "@authority", "@target-uri", "epix-party")
"""What every signature covers; ``content-digest`` joins where there is a body (C.5)."""

MAX_LIFETIME = timedelta(seconds=300)
"""Largest distance of ``expires`` from ``created`` (C.5); nonces are kept for longer than that."""

_NONCE = re.compile(r"[A-Za-z0-9_-]{22}(==)?")  # 16 bytes in base64url, padded or not
_WITHOUT_CONTENT = frozenset({"GET", "HEAD"})

FindKey = Callable[[str], tuple[str, Ed25519PublicKey] | None]
"""The Party and the transport key of a key id; None where no trusted peer has that key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """Who sent a request, as its signature proves.

    ``nonce`` can be None only for GET and HEAD, which need none (decision 8); it is at most 24 characters.
    """

    party: str
    key_id: str
    nonce: str | None
    created: datetime


def sign_request(
    *,
    method: str,
    url: str,
    body: bytes | None,
    party: str,
    key_id: str,
    private_key: Ed25519PrivateKey,
    now: datetime,
) -> dict[str, str]:
    """The headers that authenticate this request: Epix-Party, Signature-Input, Signature; Content-Digest with a body.

    ``url`` is the encoded absolute URL exactly as it goes out (lower-case host, no default port), ``body`` the bytes
    as they go out. Every call draws a fresh nonce, so a request that is sent again is signed again.

    Raises ``ValueError`` for what cannot be signed, such as a URL with spaces.
    """
    message = Request(method, url, {"Epix-Party": party})
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: private_key}),
    )
    try:
        signer.sign(
            message,
            key_id=key_id,
            created=now,
            expires=now + MAX_LIFETIME,
            nonce=secrets.token_urlsafe(16),
            label=LABEL,
            tag=TAG,
            covered_component_ids=COVERED,
            body=body,
        )
    except HTTPMessageSignaturesException as error:
        raise ValueError(f"{method} {url} cannot be signed: {error}") from error
    return message.headers


def verify_request(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    find_key: FindKey,
    now: datetime,
) -> Authenticated:
    """Who signed this request, once everything that the profile asks for holds.

    ``url`` is *this node's own* base URL with the request's raw path and query, never built from the Host header:
    otherwise one peer could pass on, to us, what another peer had signed for it. ``body`` is the content as it came
    over the wire, before any content decoding; None says that there is none. ``headers`` may repeat names, as a
    multidict does. ``find_key`` is asked once, and what it raises passes through.

    Raises:
        TrustError: the sender is not proven; ``code`` says why. CLOCK_SKEW names this node's time.
    """
    fields = combined(headers)
    if not fields.get("signature") or not fields.get("signature-input"):
        raise TrustError("the request carries no signature (RFC 9421)", code="REQUEST_UNSIGNED")
    _refuse_unread_content(method, fields, body)
    if "#" in url:  # RFC 9112 3.2 has no fragment in a request; the library would leave it out of what it compares
        raise TrustError("the target of the request has a fragment")
    verifier = _Verifier(
        covered=(*COVERED, "content-digest") if body else COVERED,
        party=fields.get("epix-party"),
        nonce_needed=method not in _WITHOUT_CONTENT,
        find_key=find_key,
        now=now,
    )
    try:
        # No `expect_tag` here: with one, the library passes over every other label instead of refusing the request.
        # An empty body is given as such, so that a Content-Digest on a request without content is checked as well.
        verifier.verify(Request(method, url, fields), max_age=None, body=body or b"")
    except HTTPMessageSignaturesException as error:
        # The library wraps cryptography's InvalidSignature, which has no text of its own.
        raise TrustError(f"the request signature was refused: {str(error)[:200] or 'it does not fit'}") from error
    assert verifier.claimed is not None, "the library verified a signature without asking for its times"
    return verifier.claimed


def _refuse_unread_content(method: str, fields: Mapping[str, str], body: bytes | None) -> None:
    """Content that nobody hashed must not ride on a valid signature, so a request without a body has none at all."""
    announced = fields.get("content-length", "0") != "0" or "transfer-encoding" in fields
    if method in _WITHOUT_CONTENT and (body or announced):
        raise TrustError(f"a {method} request carries content, none is allowed")
    if body is None and announced:
        raise TrustError(f"a {method} request announces content that was not checked")


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, asking this profile's questions before it computes anything.

    `validate_created_and_expires` is the library's hook for the times: it is called for the one signature of the
    request with its parsed Signature-Input, before the key is looked up. We override it, rather than set the
    library's `max_clock_skew` (5 s by default), for three reasons: the library reads a clock of its own; it knows
    no limit on `expires`; and around its key look-up it turns every exception, a broken database included, into a
    bad signature.
    """

    def __init__(
        self, *, covered: tuple[str, ...], party: str | None, nonce_needed: bool, find_key: FindKey, now: datetime
    ) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=None)
        self._covered = {f'"{name}"' for name in covered}
        self._party = party
        self._nonce_needed = nonce_needed
        self._find_key = find_key
        self._now = now
        self.claimed: Authenticated | None = None
        """What the parameters say; true once `verify` has returned."""

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        """The parameters of the signature keep the profile, and its key is known and the Party's own."""
        del max_age  # part of the library's signature; `created` is bounded on both sides below
        params = sig_input.params
        # 1. Coverage. Component parameters (`;sf`, `;bs`, `;key`, `;req`) are not in the profile; refusing them here
        #    keeps the code behind them out of a stranger's reach. More plain components than needed do no harm.
        components = {str(component) for component in sig_input}
        if missing := self._covered - components:
            raise TrustError(f"the request signature does not cover {', '.join(sorted(missing))}")
        if any(component.params for component in sig_input):
            raise TrustError("the request signature covers components with parameters, none are allowed")
        # 2. Purpose. `alg` may be left out: a transport key is Ed25519 and the library refuses any other name.
        if params.get("tag") != TAG:
            raise TrustError(f"the request signature has tag {shown(params.get('tag'))}, expected {TAG!r}")
        # 3. Times, on the clock that the caller read.
        created = moment(params, "created")
        if abs(self._now - created) > MAX_SKEW:
            raise TrustError(
                f"the request was created at {format_time(created)}, here it is {format_time(self._now)}: "
                f"more than {MAX_SKEW.seconds} s apart",
                code="CLOCK_SKEW",
            )
        expires = moment(params, "expires")
        if expires <= self._now or expires > created + MAX_LIFETIME:
            raise TrustError(
                f"the request expires at {format_time(expires)}, expected after {format_time(self._now)} and at most "
                f"{MAX_LIFETIME.seconds} s after its creation at {format_time(created)}",
                code="REQUEST_EXPIRED",
            )
        # 4. Nonce. Its form bounds what the caller stores.
        nonce = params.get("nonce")
        if nonce is None and self._nonce_needed:
            raise TrustError("the request signature has no nonce")
        if nonce is not None and not _NONCE.fullmatch(nonce):
            raise TrustError(f"the request signature has nonce {shown(nonce)}, expected 16 bytes in base64url")
        # 5. Key, and whose it is. A Party speaks only for itself.
        key_id = params.get("keyid", "")
        found = self._find_key(key_id)
        if found is None:
            raise TrustError(f"no trusted peer has the transport key {shown(key_id)}", code="KEY_UNKNOWN")
        party, public_key = found
        if self._party != party:
            raise TrustError(f"the request names Party {shown(self._party)}, its key belongs to {party!r}")
        self.key_resolver = MappingKeyResolver(public_keys={key_id: public_key}, private_keys={})
        self.claimed = Authenticated(party=party, key_id=key_id, nonce=nonce, created=created)
