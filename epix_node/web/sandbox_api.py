"""The sandbox on a Party's node: move the shared clock, and run one round (contract 7).

These routes exist in the environment ``sandbox`` only; anywhere else there is nothing to be found under this path.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from aiohttp import web

from epix_node.clock import format_time
from epix_node.errors import ConflictError
from epix_node.federation.witnessing import gather, gather_everywhere
from epix_node.jobs import round_
from epix_node.node import Node
from epix_node.sandbox_clock import SharedClock
from epix_node.store import findings
from epix_node.store.clients import Client
from epix_node.web.access import AUTHORITY, Route
from epix_node.web.desk import DESK
from epix_node.web.keys import NODE
from epix_node.web.payloads import tick_from_json
from epix_node.web.problems import Problem
from epix_node.web.replies import json_reply

TICK_TIMEOUT = timedelta(seconds=300)
"""A tick answers within this time (contract 7)."""

_ONE_TICK = web.AppKey("one_tick", asyncio.Lock)


def add_sandbox_routes(app: web.Application) -> None:
    """The application has the sandbox's routes, if its node is one of the sandbox."""
    if app[NODE].config.party.environment != "sandbox":
        return
    app[_ONE_TICK] = asyncio.Lock()
    app.add_routes([route.definition() for route in ROUTES])
    app.router.add_get("/sandbox/v1/clock", show_clock)


async def tick(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001 # any authority
    """The clock is moved, if a time is given; then one round has been run."""
    node = request.app[NODE]
    moment = tick_from_json(await request.read())
    # A manual tick beside another one would pull every document twice for nothing.
    async with request.app[_ONE_TICK]:
        if moment is not None and node.config.shared_clock is not None:
            await gather_everywhere(node)  # at the old time (contract 7)
        _move(node, moment)
        try:
            async with asyncio.timeout(TICK_TIMEOUT.total_seconds()):
                brought = await round_(node)
        except TimeoutError as error:
            raise Problem(504, "TICK_TIMEOUT", "the round took too long; tick again to go on") from error
        counts = await node.database.read(findings.counts)
    return json_reply(
        {
            "now": format_time(request.app[DESK].now()),
            "rounds": 1,
            "pulled": dict(sorted(brought.pulled.items())),
            "written": brought.alerts + brought.extracts,
            "findings": counts,
        }
    )


async def witness(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001 # any authority
    """The witnesses that can be reached have cosigned this node's newest checkpoint."""
    lines = await gather(request.app[NODE], ignore_backoff=True)
    return json_reply({"cosignatures": lines})


async def show_clock(request: web.Request) -> web.StreamResponse:
    """The node's time."""
    return json_reply({"now": format_time(request.app[DESK].now())})


def _move(node: Node, moment: datetime | None) -> None:
    """The shared clock shows this time.

    Raises:
        ConflictError: the clock shows a later time, or cannot be moved.
    """
    if moment is None:
        return
    if node.config.shared_clock is None:
        raise ConflictError("this node runs on the machine's clock, which nobody can move", code="NO_CLOCK")
    SharedClock(node.config.shared_clock).set(moment)


ROUTES = (
    Route(method="POST", path="/sandbox/v1/tick", handler=tick, roles=AUTHORITY),
    Route(method="POST", path="/sandbox/v1/witness", handler=witness, roles=AUTHORITY),
)
