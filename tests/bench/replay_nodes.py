"""The nodes of some countries in one process: real applications on loopback, fed through their national API.

A replay has some eighty nodes, and a process for each would need more memory than the work itself. Two processes hold
them instead, each with the nodes of half of the countries, and pull over HTTP from their own nodes and the other's.

The parent names one stage after another; each is finished in all processes before the next begins. Within a process
requests are sent one after another: two threads that sign are slower than one.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
from aiohttp import web

from epix_node.config import load_config
from epix_node.demo.country import HOST, Country
from epix_node.logs import configure_logs
from epix_node.node import open_node
from epix_node.web.app import make_app
from tests.bench.shipments import Arrival, Consignment

TICK_SECONDS = 600
"""A round of the country with the most permits takes minutes where the machine is slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The countries of one process, whom each of them follows, and what happened to them."""

    countries: tuple[Country, ...]
    follows: Mapping[str, tuple[str, ...]]
    consignments: tuple[Consignment, ...]
    """Those that one of the countries issued."""
    arrivals: tuple[tuple[Consignment, Arrival], ...]
    """Those at one of the countries."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """What a stage did in one process."""

    cpu: float = 0.0
    """CPU-seconds of the process."""
    documents: int = 0
    refused: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """The rules that refused a permit, by issuer and number."""
    remarks: Counter[str] = field(default_factory=Counter)
    """Rules that did not refuse a permit, but had something to say."""
    problems: Counter[str] = field(default_factory=Counter)
    """Answers that nobody expects."""
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)
    holders: Counter[str] = field(default_factory=Counter)
    """How many nodes hold each finding."""


def run(share: Share, parent: Connection) -> None:
    """Serve the countries and do the parent's stages until it says that there are no more."""
    configure_logs(sys.stderr, level=logging.WARNING)
    asyncio.run(_run(share, parent))


async def _run(share: Share, parent: Connection) -> None:
    async with AsyncExitStack() as stack:
        for country in share.countries:
            await stack.enter_async_context(_serving(country, share.follows[country.party]))
        timeout = aiohttp.ClientTimeout(total=TICK_SECONDS)
        callers = {
            country.party: await stack.enter_async_context(
                aiohttp.ClientSession(
                    country.url,
                    headers={"Authorization": f"Bearer {country.tokens['authority']}"},
                    timeout=timeout,
                    trust_env=False,
                )
            )
            for country in share.countries
        }
        stages = {"publish": _publish, "round": _round, "confirm": _confirm, "findings": _findings}
        parent.send(Stage())  # all of them answer
        while (name := await asyncio.to_thread(parent.recv)) is not None:
            done, began = Stage(), time.process_time()
            await stages[name](share, callers, done)
            done.cpu = time.process_time() - began
            parent.send(done)


@asynccontextmanager
async def _serving(country: Country, follows: tuple[str, ...]) -> AsyncIterator[None]:
    """The country's node answers at its address."""
    config = load_config(country.config, {"EPIX_FEDERATION__FOLLOW": ",".join(follows)})
    with open_node(config) as node:
        runner = web.AppRunner(make_app(node), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, config.server.port).start()
            yield
        finally:
            await runner.cleanup()


Callers = Mapping[str, aiohttp.ClientSession]


async def _publish(share: Share, callers: Callers, done: Stage) -> None:
    for one in share.consignments:
        status, answer = await _post(callers[one.exporter], "/api/v1/permits", one.permit())
        findings = answer.get("findings", ())
        if status == 201:
            done.documents += 1
            done.remarks.update({f"{f['severity']} {f['rule']}" for f in findings if f["severity"] != "NOT_CHECKED"})
        elif status == 422:
            done.refused[one.key] = tuple(sorted({f["rule"] for f in findings if f["severity"] == "BLOCK"}))
        else:
            done.problems[f"publish: {status} {answer.get('code')}: {answer.get('detail')}"] += 1


async def _confirm(share: Share, callers: Callers, done: Stage) -> None:
    for one, arrival in share.arrivals:
        status, answer = await _post(callers[arrival.importer], "/api/v1/confirmations", one.confirmation(arrival))
        if status == 201:
            done.documents += 1
        else:
            done.problems[f"confirm: {status} {answer.get('code')}: {answer.get('detail')}"] += 1


async def _round(share: Share, callers: Callers, done: Stage) -> None:
    """Each country pulls once from all that it follows, and does what time demands."""
    for country in share.countries:
        status, answer = await _post(callers[country.party], "/sandbox/v1/tick", {})
        if status != 200:
            done.problems[f"round: {status} {answer.get('code')}: {answer.get('detail')}"] += 1
            continue
        for party, pulled in answer["pulled"].items():
            done.documents += pulled or 0
            if pulled is None:
                done.problems[f"{country.party} could not pull from {party}"] += 1


async def _findings(share: Share, callers: Callers, done: Stage) -> None:
    for country in share.countries:
        query = {"limit": "500"}
        while True:
            async with callers[country.party].get("/api/v1/findings", params=query) as reply:
                page = await reply.json()
            for finding in page["findings"]:
                done.findings[finding["id"]] = finding
                done.holders[finding["id"]] += 1
            if page["next"] is None:
                break
            query["cursor"] = page["next"]


async def _post(caller: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with caller.post(path, json=body) as reply:
        return reply.status, await reply.json(content_type=None)
