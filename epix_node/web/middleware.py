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

from epix_node.errors import EpixError
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
    response = await _answered(request, handler)
    seconds = time.perf_counter() - started
    if not response.prepared:
        response.headers["X-Request-Id"] = request_id
    route = route_of(request)
    request.app[METRICS].count(request.method, route, response.status, seconds)
    is_quiet = route in QUIET and response.status == HTTPStatus.OK
    level = logging.DEBUG if is_quiet else logging.INFO
    # Asked before structlog is: it would take as long to throw the line away as the answer took.
    if not is_quiet or _level.isEnabledFor(level):
        _log_line(request, route, response.status, level, seconds)
    return response


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


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    limit = request.client_max_size
    if request.content_length is not None and request.content_length > limit:
        return _closing(problems.too_large(limit))  # before a byte of it is read
    try:
        return await handler(request)
    except problems.Problem as refusal:
        return problems.problem(refusal.status, refusal.code, refusal.detail, headers=refusal.headers)
    except EpixError as error:
        if problems.status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("request failed", request_id=request[REQUEST_ID], route=route_of(request))
        return problems.problem_of(error)
    except web.HTTPRequestEntityTooLarge:
        return _closing(problems.too_large(limit))
    except web.HTTPException as answer:
        if answer.status < HTTPStatus.BAD_REQUEST:
            raise
        code = _CODES.get(answer.status, HTTPStatus(answer.status).name)
        allow = {"Allow": answer.headers["Allow"]} if "Allow" in answer.headers else None
        return problems.problem(answer.status, code, answer.reason, headers=allow)
    except Exception:  # the last line of defence: the caller learns nothing, the log everything
        log.exception("request failed", request_id=request[REQUEST_ID], route=route_of(request))
        return problems.unexpected()


def _closing(response: web.Response) -> web.Response:
    """The rest of the body is not worth reading: the connection ends with the answer."""
    response.force_close()
    return response
