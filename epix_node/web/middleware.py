"""Round every request: its id, one line in the log, and an answer in the form of the contract whatever happens.

The line names the route and never the path: permit numbers are confidential (``domain-rules.md`` 4.5). A line costs
as much as a status by key, so of what goes well by the thousand (``QUIET``) it is written at the level ``debug``
only; ``/metrics`` counts it always.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from epix_node.errors import EpixError, KeyMaterialError, StoreError
from epix_node.web import problems
from epix_node.web.access import CALLER
from epix_node.web.keys import REQUEST_ID
from epix_node.web.metrics import METRICS

_NAME = "epix_node.web"

log = structlog.get_logger(_NAME)
_level = logging.getLogger(_NAME)

_PROCESS = secrets.token_hex(4)
_serial = itertools.count(1)
"""Together the id of a request: unique among processes and restarts, and cheaper than drawing each anew."""

QUIET = frozenset({"/api/v1/status", "/healthz", "/readyz", "/metrics"})
"""Routes that machines ask all day."""

_CODES = {404: "NO_SUCH_RESOURCE", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}
"""Codes of what aiohttp itself refuses."""


@web.middleware
async def every_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, count and log one request."""
    started = time.perf_counter()
    request[REQUEST_ID] = request_id = f"{_PROCESS}-{next(_serial):x}"
    try:
        _require_size(request)
        response = await handler(request)
    except Exception as error:  # noqa: BLE001 # the last line of defence; what is no refusal goes to the log
        response = _refused(request, error)
    seconds = time.perf_counter() - started
    if not response.prepared:
        response.headers["X-Request-Id"] = request_id
    route = route_of(request)
    status = response.status
    request.app[METRICS].count(request.method, route, status, seconds)
    is_quiet = status == HTTPStatus.OK and route in QUIET
    # Asked before structlog is: it would take as long to throw the line away as the answer took.
    if not is_quiet or _level.isEnabledFor(logging.DEBUG):
        _log_line(request, route, status, logging.DEBUG if is_quiet else logging.INFO, seconds)
    return response


def _require_size(request: web.Request) -> None:
    """Raises where the body is said to be too large, before a byte of it is read."""
    length = request.content_length
    if length is not None and length > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size)


def _refused(request: web.Request, error: Exception) -> web.StreamResponse:
    """The answer for whatever a handler raised."""
    match error:
        case problems.Problem():
            return problems.problem(error.status, error.code, error.detail, headers=error.headers)
        case KeyMaterialError():
            log.error("cannot sign", request_id=request[REQUEST_ID], route=route_of(request), error=str(error))
            return problems.problem_of(error)
        case StoreError():
            log.error("no database", request_id=request[REQUEST_ID], route=route_of(request), error=str(error))
            return problems.problem_of(error)
        case EpixError() if problems.status_of(error) != HTTPStatus.INTERNAL_SERVER_ERROR:
            return problems.problem_of(error)
        case web.HTTPRequestEntityTooLarge():
            return _closing(problems.too_large(request.client_max_size))
        case web.RequestPayloadError():  # chunks or a Content-Encoding that are not what they claim to be
            return _closing(problems.problem(400, "NOT_UNDERSTOOD", "the body is not encoded as its headers say"))
        case web.HTTPException() if error.status < HTTPStatus.BAD_REQUEST:
            raise error
        case web.HTTPException():
            code = _CODES.get(error.status, HTTPStatus(error.status).name)
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return problems.problem(error.status, code, error.reason, headers=allow)
        case _:
            log.error("request failed", request_id=request[REQUEST_ID], route=route_of(request), exc_info=error)
            return problems.unexpected()


def _log_line(request: web.Request, route: str, status: int, level: int, seconds: float) -> None:
    caller = request.get(CALLER)
    log.log(
        level,
        "request",
        request_id=request[REQUEST_ID],
        method=request.method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        caller=caller.name if caller is not None else None,
    )


def route_of(request: web.Request) -> str:
    """The route's pattern, ``-`` where no route fits."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "-"


def _closing(response: web.Response) -> web.Response:
    """The rest of the body is not worth reading: the connection ends with the answer."""
    response.force_close()
    return response
