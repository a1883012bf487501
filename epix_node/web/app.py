"""The node's HTTP: every route, and what is open while it is served.

One ``cleanup_ctx`` opens everything that lives as long as the application; two would not unwind the first where the
second fails (``architecture.md`` 5). The node itself is the caller's.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog
from aiohttp import web

from epix_node import __version__
from epix_node.config import Config
from epix_node.errors import ConfigError
from epix_node.federation import recovery
from epix_node.identity.opener import Ask
from epix_node.jobs import cover, running_jobs
from epix_node.node import Node, open_node
from epix_node.store.backup import SERVING
from epix_node.web import events_api, evidence_api, findings_api, peers_api, permits_api, sandbox_api, status_api
from epix_node.web.answers import ANSWERS
from epix_node.web.card_answer import CardAnswers
from epix_node.web.desk import DESK, open_desk, policy_of
from epix_node.web.federation_api import add_federation_routes
from epix_node.web.health import add_health_routes
from epix_node.web.keys import JOBS, NODE
from epix_node.web.log_api import add_log_routes
from epix_node.web.metrics import METRICS, RequestMetrics
from epix_node.web.middleware import every_request
from epix_node.web.mirror_api import add_mirror_routes
from epix_node.web.openapi import add_openapi_routes
from epix_node.web.witness_api import add_witness_routes

GRACE = timedelta(seconds=10)
"""How long requests and jobs in progress may take to finish when the node stops."""

LINGER = timedelta(seconds=2)
"""How long the rest of a refused body is still taken in, and thrown away, so that its sender reads the answer."""

KEEP_ALIVE = timedelta(seconds=75)

NATIONAL_ROUTES = (
    *permits_api.ROUTES,
    *evidence_api.ROUTES,
    *events_api.ROUTES,
    *status_api.ROUTES,
    *findings_api.ROUTES,
    *peers_api.ROUTES,
)

log = structlog.get_logger("epix_node.web")


def make_app(node: Node) -> web.Application:
    """The application of this node; jobs run while it does."""
    app = web.Application(client_max_size=node.config.limits.document_bytes, middlewares=[every_request])
    app[NODE] = node
    app[METRICS] = RequestMetrics()
    app[ANSWERS] = CardAnswers(policy_of(node))
    app.add_routes([route.definition() for route in NATIONAL_ROUTES])
    add_openapi_routes(app, (*NATIONAL_ROUTES, *sandbox_api.ROUTES))
    add_federation_routes(app)
    add_log_routes(app)
    add_mirror_routes(app)
    add_witness_routes(app)
    add_health_routes(app)
    sandbox_api.add_sandbox_routes(app)
    app.cleanup_ctx.append(_opened)
    return app


async def _opened(app: web.Application) -> AsyncIterator[None]:
    with open_desk(app[NODE]) as desk:
        app[DESK] = desk
        async with running_jobs(app[NODE], grace=GRACE) as jobs:
            app[JOBS] = jobs
            yield


def serve(config: Config, *, ask: Ask | None = None) -> None:
    """Run the node until SIGTERM or SIGINT; what is in progress then is finished first. ``ask`` as for ``open_node``.

    Raises:
        ConfigError: the node cannot be opened, or its address is taken.
        KeyMaterialError: the own keys cannot be used.
    """
    with open_node(config, follow=True, ask=ask) as node, node.database.once(SERVING) as is_alone:
        if not is_alone:
            raise ConfigError(f"another process serves from {config.store_place}")
        asyncio.run(_serve(node))


async def _serve(node: Node) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await recovery.at_start(node)
    await cover(node)
    server = node.config.server
    runner = web.AppRunner(
        make_app(node),
        access_log=None,  # the middleware writes one line per request
        keepalive_timeout=KEEP_ALIVE.total_seconds(),
        lingering_time=LINGER.total_seconds(),
        shutdown_timeout=GRACE.total_seconds(),
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, server.host or None, server.port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(f"[server] listen: {server.listen} cannot be used: {error.strerror}") from error
        log.info("serving", listen=server.listen, party=node.party, version=__version__)
        await stop.wait()
        log.info("stopping", grace_s=GRACE.total_seconds())
    finally:
        await runner.cleanup()
