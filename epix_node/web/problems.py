"""What is answered when something cannot be done: ``application/problem+json`` (RFC 9457, contract 4).

One table says which status each error of this program has. Whatever is not in it is a mistake of ours: a bare 500
that tells nothing of the inside, and a traceback in the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from epix_node import errors
from epix_node.permit.reasons import Reason
from epix_node.rules.finding import RulesBrokenError

CONTENT_TYPE = "application/problem+json"

STATUS: Mapping[type[errors.EpixError], int] = {
    errors.EpixError: 500,
    errors.InputError: 400,
    errors.MalformedDocumentError: 400,
    RulesBrokenError: 422,
    errors.UnacceptableError: 422,
    errors.NotFoundError: 404,
    errors.NotOursError: 403,
    errors.ConflictError: 409,
    errors.DifferentContentError: 409,
    errors.AmbiguousNumberError: 409,
    errors.TransitionError: 409,
    errors.TrustError: 403,
    errors.ProofError: 422,
    errors.PeerError: 502,
    errors.PeerUnreachableError: 504,
    errors.PeerRefusedError: 502,
    errors.PeerProtocolError: 502,
    errors.KeyMaterialError: 503,
    errors.StoreError: 503,
    errors.ConfigError: 500,
}
"""Every class has a row of its own; a test looks for one without."""

_TITLES = {
    "AMBIGUOUS_NUMBER": "Several permits carry this number",
    "KEY_MATERIAL": "This node cannot sign now",
    "DATABASE": "The database cannot be reached now",
    "DIFFERENT_CONTENT": "The same key was used before for other content",
    "NOT_FOUND": "There is no such thing here",
    "NOT_OURS": "This node does not speak for that issuer",
    "NOT_UNDERSTOOD": "The request was not understood",
    "RULES_BROKEN": "The permit breaks rules",
    "SIGNED_DOCUMENT": "A signed document is not a permit to be published",
    "SUPERSEDED": "The event was corrected before",
    "TOO_LARGE": "The request is too large",
    "TOO_MANY_WRONG_PROOFS": "Too many wrong proofs",
    "UNAUTHORIZED": "A known token is needed",
    "FORBIDDEN": "The caller's role does not allow this",
}


_CANNOT_SIGN = (
    "no key of this node may sign now, so nothing was recorded; send it again once its operator, to whom "
    "`epix-node doctor` says what is wrong, has seen to it"
)

_CANNOT_REACH = (
    "the node's database cannot be reached, read or written now; send it again later. What was being recorded may be "
    "there: the same once more changes nothing then"
)


class Problem(Exception):
    """Raised by handlers for what is no error of the core: who may call, how often, and with which method."""

    def __init__(self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> web.Response:
    """The answer; ``code`` is what programs may rely on, ``members`` are ``findings``, ``reasons``, ``candidates``."""
    body = {
        "type": f"urn:epix-node:problem:{code.lower().replace('_', '-')}",
        "title": title or _TITLES.get(code) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    return web.Response(
        status=status, body=json.dumps(body, ensure_ascii=False).encode(), content_type=CONTENT_TYPE, headers=headers
    )


def status_of(error: errors.EpixError) -> int:
    """The status of this error; of a class that is not in the table, that of its nearest ancestor."""
    if error.code == Reason.TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return next(STATUS[class_] for class_ in type(error).__mro__ if class_ in STATUS)


def problem_of(error: errors.EpixError) -> web.Response:
    """The answer for an error of the core. One that only the operator can mend tells nothing but that it happened."""
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return unexpected()
    if isinstance(error, errors.KeyMaterialError):
        return problem(status, error.code, _CANNOT_SIGN)  # the error itself may name files
    if isinstance(error, errors.StoreError):
        return problem(status, error.code, _CANNOT_REACH, headers={"Retry-After": "5"})  # and this one hosts
    members: dict[str, Any] = {}
    if isinstance(error, RulesBrokenError):
        members["findings"] = [finding.to_json() for finding in error.findings]
    if isinstance(error, errors.AmbiguousNumberError):
        members["candidates"] = list(error.candidates)
    if error.code in Reason.__members__:
        members["reasons"] = [error.code]
    return problem(status, error.code, str(error), **members)


def unexpected() -> web.Response:
    """A mistake of ours. What it was is in the log, under the request's id."""
    return problem(500, "INTERNAL", "something unexpected happened; the log of the node says more under X-Request-Id")


def too_large(limit: int) -> web.Response:
    """The body is larger than this node takes."""
    return problem(413, Reason.TOO_LARGE.value, f"at most {limit} bytes are taken", reasons=[Reason.TOO_LARGE.value])
