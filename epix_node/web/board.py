"""The Secretariat's board: how each node is, and whose register has two histories (C.4 item 10, C.8).

Everything on it was asked of the nodes just now. The Secretariat judges nothing: with each dispute stands where its
evidence is, which anybody can judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from epix_node.clock import format_time
from epix_node.errors import PeerError
from epix_node.federation.national import NationalClient

ANSWER_WITHIN = timedelta(seconds=5)
"""Longest wait for one node."""

HEALTH = "/epix/v1/health"


async def board(clients: Sequence[NationalClient], *, now: datetime) -> dict[str, Any]:
    """The state of every node, and the disputes that any of them knows of."""
    healths = await asyncio.gather(*map(_health, clients))
    nodes = [_node(client.party, health) for client, health in zip(clients, healths, strict=True)]
    known: dict[str, dict[str, Any]] = {}
    for client, health in zip(clients, healths, strict=True):
        for dispute in (health or {}).get("disputes", []):
            entry = known.setdefault(dispute["evidence"], {**dispute, "known_to": []})
            entry["known_to"].append(client.party)
            entry["found_at"] = min(entry["found_at"], dispute["found_at"])
    disputes = sorted(known.values(), key=lambda one: (one["found_at"], one["evidence"]))
    return {"time": format_time(now), "nodes": nodes, "disputes": disputes}


async def _health(client: NationalClient) -> dict[str, Any] | None:
    """What the node says of itself; None where it does not answer."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            health = await client.ask(HEALTH)
    except (PeerError, TimeoutError):
        return None
    return health if isinstance(health, dict) else None


def _node(party: str, health: dict[str, Any] | None) -> dict[str, Any]:
    if health is None:
        return {"party": party, "answers": False}
    members = ("software", "time", "clock_offset_ms", "peers", "trust_list", "register")
    return {"party": party, "answers": True, **{name: health.get(name) for name in members}}
