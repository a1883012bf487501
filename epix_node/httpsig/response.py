"""Which node gave an answer, and to which question (C.5: ``;req`` binds the answer to the request).

The signature covers the status, the content, the answering Party, and of the question its method, its URL and, where
it was signed, its signature. That signature has a fresh nonce under it, so an answer to another question, or to the
same question at another time, does not fit; no clock is asked. An answer to an unsigned question is bound to its URL
and must be as fresh as a request.

Not here: whether the answer makes sense. Refusals are ``TrustError`` with one of the codes ANSWER_UNSIGNED,
CLOCK_SKEW, KEY_UNKNOWN and SIGNATURE_INVALID.
"""

from __future__ import annotations

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
from epix_node.httpsig.message import LABEL, MAX_SKEW, Request, Response, combined, moment, shown

TAG = "epix-answer-1"
"""Another tag than that of requests: what was signed as one is never taken for the other."""

_COVERED = ('"@status"', '"content-type"', '"epix-party"', '"@method";req', '"@target-uri";req')
_DIGEST = '"content-digest"'
_QUESTION_SIGNATURE = f'"signature";req;key="{LABEL}"'

FindAnswerKey = Callable[[str], Ed25519PublicKey | None]
"""The asked Party's transport key of this id; None where it has no such key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The request that was sent: its encoded absolute URL as the asked node calls itself, and its fields."""

    method: str
    url: str
    headers: Mapping[str, str]

    def as_request(self) -> Request:
        """In the shape that the library reads."""
        return Request(self.method, self.url, combined(self.headers))


def sign_response(
    question: Question,
    *,
    status: int,
    content_type: str,
    body: bytes,
    party: str,
    key_id: str,
    private_key: Ed25519PrivateKey,
    now: datetime,
) -> dict[str, str]:
    """The fields that authenticate this answer: Epix-Party, Content-Digest, Signature-Input and Signature.

    ``content_type`` is the field's value as it goes out, ``body`` the bytes as they go out.

    Raises ``ValueError`` where the question cannot be covered, such as one with a malformed Signature field.
    """
    request = question.as_request()
    message = Response(status, {"Content-Type": content_type, "Epix-Party": party}, request)
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: private_key}),
    )
    try:
        signer.sign(
            message,
            key_id=key_id,
            created=now,
            label=LABEL,
            tag=TAG,
            covered_component_ids=_components(request),
            body=body,
        )
    except HTTPMessageSignaturesException as error:
        raise ValueError(f"the answer to {question.method} cannot be signed: {error}") from error
    del message.headers["Content-Type"]
    return message.headers


def verify_response(
    question: Question,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    party: str,
    find_key: FindAnswerKey,
    now: datetime,
) -> None:
    """Return where this Party gave this answer to this question.

    Raises:
        TrustError: that is not proven; ``code`` says why.
    """
    fields = combined(headers)
    if not fields.get("signature") or not fields.get("signature-input"):
        raise TrustError("the answer carries no signature (RFC 9421)", code="ANSWER_UNSIGNED")
    if fields.get("epix-party") != party:
        raise TrustError(f"the answer is of Party {shown(fields.get('epix-party'))}, {party} was asked")
    request = question.as_request()
    is_bound = "signature" in request.headers
    verifier = _Verifier(
        covered=frozenset({*_components(request), _DIGEST}),
        find_key=find_key,
        fresh_at=None if is_bound else now,
    )
    try:
        verifier.verify(Response(status, fields, request), max_age=None, body=body)
    except HTTPMessageSignaturesException as error:
        raise TrustError(f"the signature of the answer was refused: {str(error)[:200] or 'it does not fit'}") from error


def _components(request: Request) -> tuple[str, ...]:
    return (*_COVERED, _QUESTION_SIGNATURE) if "signature" in request.headers else _COVERED


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, asking this profile's questions before it computes anything; see ``request``."""

    def __init__(self, *, covered: frozenset[str], find_key: FindAnswerKey, fresh_at: datetime | None) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=None)
        self._covered = covered
        self._find_key = find_key
        self._fresh_at = fresh_at

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        """The parameters of the signature keep the profile, and its key is the asked Party's."""
        del max_age  # part of the library's signature
        components = {str(component) for component in sig_input}
        if components != self._covered:
            odd = sorted(components ^ self._covered)
            raise TrustError(f"the signature of the answer does not cover what it should: {shown(', '.join(odd))}")
        params = sig_input.params
        if params.get("tag") != TAG:
            raise TrustError(f"the signature of the answer has tag {shown(params.get('tag'))}, expected {TAG!r}")
        created = moment(params, "created")
        if self._fresh_at is not None and abs(self._fresh_at - created) > MAX_SKEW:
            raise TrustError(
                f"the answer was created at {format_time(created)}, here it is {format_time(self._fresh_at)}: "
                f"more than {MAX_SKEW.seconds} s apart",
                code="CLOCK_SKEW",
            )
        key_id = params.get("keyid", "")
        public_key = self._find_key(key_id)
        if public_key is None:
            raise TrustError(f"the asked Party has no transport key {shown(key_id)}", code="KEY_UNKNOWN")
        self.key_resolver = MappingKeyResolver(public_keys={key_id: public_key}, private_keys={})
