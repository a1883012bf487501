"""The trust list of a sandbox, as its Secretariat publishes it over HTTP (C.1, contract 7).

Whoever asks for the timestamp gets one that is good by the sandbox's clock: what is due is signed then, so that a
clock that was moved needs no further step. Newer versions that the Parties' nodes offer are taken in first, at each
round and at the latest then. All other files never change once they are there.

Not here: the Secretariat of a real federation, which signs offline and puts files on a web server.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import structlog
from aiohttp import ETag, web

from epix_node.clock import Clock
from epix_node.federation.messages import entity_tag
from epix_node.federation.party_files import fetch_party_files
from epix_node.trust.repository import Repository

LOOK_AGAIN = timedelta(seconds=10)
"""How long the Parties are not asked again while the clock stands: each of them asks for a timestamp in every round."""

ANSWER_WITHIN = timedelta(seconds=10)
"""Longest wait for one node; another one's change must not wait for a dead one."""

_PATH = re.compile(
    r"metadata/(?:\d{1,9}\.)?[A-Za-z-]{1,20}\.json|targets/(?:parties/[A-Z]{2}/)?[0-9a-f]{64}\.[a-z]+\.json"
)
_TIMESTAMP = "metadata/timestamp.json"

log = structlog.get_logger("epix_node.web")


class PublishedTrust:
    """Serves and keeps fresh the repository. ``bases`` are the federation base URLs of the Parties' nodes."""

    def __init__(self, repository: Repository, *, bases: Mapping[str, str], clock: Clock) -> None:
        self._repository = repository
        self._bases = bases
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._offers: dict[str, bytes] = {}
        """What each Party offered last, taken or not."""
        self._seen: tuple[datetime, float] | None = None
        """The sandbox's time and the machine's when the Parties were asked last."""

    async def gather(self, *, without: Collection[str] = ()) -> None:
        """What the Parties offer is taken in, and whatever is due is signed.

        ``without`` those whose nodes are known to be silent now: to wait for them again would hold up all others.
        """
        async with self._one_at_a_time:
            await self._gather(without=without)

    async def file(self, path: str) -> bytes | None:
        """The file at this path of the repository; a timestamp that is not due to be signed again."""
        if not _PATH.fullmatch(path):
            return None
        if path == _TIMESTAMP:
            async with self._one_at_a_time:
                if self._is_due():
                    await self._gather()
        return await asyncio.to_thread(self._repository.files.read, path)

    def _is_due(self) -> bool:
        if self._seen is None:
            return True
        moment, at = self._seen
        is_moving = self._clock() - moment >= LOOK_AGAIN  # the shared clock stands still between two ticks
        return is_moving or time.monotonic() - at >= LOOK_AGAIN.total_seconds()

    async def _gather(self, *, without: Collection[str] = ()) -> None:
        now = self._clock()
        bases = {party: (base,) for party, base in self._bases.items() if party not in without}
        offers = await asyncio.to_thread(self._asked, bases)
        await asyncio.to_thread(self._publish, offers, now)
        self._offers.update(offers)
        self._seen = (now, time.monotonic())

    def _asked(self, bases: Mapping[str, tuple[str, ...]]) -> dict[str, bytes]:
        """What the Parties' nodes offer now and did not before; one that does not answer offers nothing."""
        files = fetch_party_files(bases, private_addresses=True, within=ANSWER_WITHIN)
        return {
            party: file for party, file in files.items() if isinstance(file, bytes) and file != self._offers.get(party)
        }

    def _publish(self, offers: Mapping[str, bytes], now: datetime) -> None:
        published = self._repository.publish(now, offers=offers)
        if any(not role.startswith("party-") for role in published.expiring):
            published = self._repository.renew(now)  # in a sandbox the offline keys are at hand
        if published.taken:
            log.info("newer manifests taken in", parties=sorted(published.taken))
        for party, error in published.refused.items():
            log.warning("manifest refused", party=party, problem=str(error))


def add_trust_routes(app: web.Application, published: PublishedTrust) -> None:
    """The application gives the repository to everybody, under ``/tuf/``."""

    async def show(request: web.Request) -> web.Response:
        path = request.match_info["path"]
        data = await published.file(path)
        if data is None:
            return web.Response(status=404)
        tag = ETag(entity_tag(data))
        known = request.if_none_match
        if known is not None and any(held.value in {tag.value, "*"} for held in known):
            response = web.Response(status=304)
        else:
            response = web.Response(body=data, content_type="application/json")
        response.etag = tag
        response.headers["Cache-Control"] = "public, max-age=1" if path == _TIMESTAMP else "public, max-age=31536000"
        return response

    app.router.add_get("/tuf/{path:.+}", show)
