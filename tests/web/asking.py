"""Asking a node the way that other nodes ask: signed requests over real HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from epix_node.clock import utc_now
from epix_node.httpsig.request import sign_request
from epix_node.node import Node
from tests.world import World


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Any
    body: bytes

    @property
    def problem(self) -> str:
        assert self.headers["Content-Type"].startswith("application/problem+json")
        return str(json.loads(self.body)["code"])


def url_of(world: World, path: str) -> str:
    return f"{world['XA'].config.server.base_url}{path}"


def signed(node: Node, method: str, url: str, body: bytes | None = None, **changes: Any) -> dict[str, str]:
    arguments: dict[str, Any] = {
        "method": method,
        "url": url,
        "body": body,
        "party": node.party,
        "key_id": node.transport_kid,
        "private_key": node.transport_key,
        "now": utc_now(),
        **changes,
    }
    return sign_request(**arguments)


async def send(
    world: World, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Reply:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url_of(world, path), headers=headers, data=body) as response,
    ):
        return Reply(response.status, response.headers, await response.read())


async def ask(
    world: World,
    party: str,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """As the node of this Party asks."""
    proof = signed(world[party].node, method, url_of(world, path), body)
    return await send(world, method, path, headers={**proof, **(headers or {})}, body=body)
