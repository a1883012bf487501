"""The other nodes as this one sees them: how pulling goes, and on what their trust rests (contract 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aiohttp import web

from epix_node.clock import format_time
from epix_node.errors import NotFoundError
from epix_node.store import cursors, peers, register
from epix_node.store.clients import Client
from epix_node.store.database import Session
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState
from epix_node.web.access import OFFICES, Route
from epix_node.web.desk import DESK
from epix_node.web.replies import Query, json_reply


class PullState(StrEnum):
    """How pulling from a peer stands."""

    NEW = "NEW"
    """Nothing was pulled yet, and nothing went wrong."""
    OK = "OK"
    FAILING = "FAILING"
    """The newest attempts failed; ``backoff_until`` says when the next one comes."""
    FROZEN = "FROZEN"
    """Its register contradicted itself: nothing more is taken until people have looked at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peer:
    state: PeerState
    register: RegisterState | None


async def list_peers(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001 # any office
    """All pinned peers, by Party code."""
    query = Query(request)
    cursor, limit = query.cursor(parts=1), query.limit()
    query.end()
    after = cursors.decode(cursor, parts=1)[0] if cursor is not None else ""
    known = await request.app[DESK].node.database.read(_peers)
    rest = [peer for peer in known if peer.state.party > after]
    page = rest[:limit]
    body = {
        "peers": [_to_json(peer) for peer in page],
        "next": cursors.encode((page[-1].state.party,)) if len(rest) > limit else None,
    }
    return json_reply(body)


async def show_peer(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """One peer, with what the list has no room for."""
    desk = request.app[DESK]
    party = request.match_info["party"]
    known = await desk.node.database.read(_peers)
    peer = next((peer for peer in known if peer.state.party == party), None)
    manifest = desk.node.keyring().manifests.get(party)
    if peer is None or manifest is None:
        raise NotFoundError("there is no such peer")
    body = _to_json(peer) | {
        "issues_for": list(manifest.issues_for),
        "base": list(manifest.base),
        "environment": manifest.env,
        "origin": manifest.log.origin,
        "certificates": [entry.kid for entry in manifest.permit_keys],
        "failures": peer.state.failures,
        "last_error": peer.state.last_error,
        "frozen": peer.state.frozen,
        "watermark": {
            "size": peer.register.checkpoint_size if peer.register else 0,
            "time": _time(peer.register.cosigned_at) if peer.register else None,
        },
    }
    return json_reply(body)


def _peers(session: Session) -> list[_Peer]:
    return [_Peer(state=state, register=register.state(session, state.party)) for state in peers.states(session)]


def _to_json(peer: _Peer) -> dict[str, Any]:
    """``lag``: entries of the newest checkpoint whose documents were not asked for yet; null before there is one."""
    state = peer.state
    return {
        "party": state.party,
        "state": _pull_state(state).value,
        "last_success": _time(state.last_success),
        "lag": max(0, peer.register.checkpoint_size - state.next_index) if peer.register else None,
        "cursor": state.next_index,
        "backoff_until": _time(state.backoff_until),
        "trust": "PINNED",  # until trust comes from the trust list
    }


def _pull_state(state: PeerState) -> PullState:
    if state.frozen is not None:
        return PullState.FROZEN
    if state.failures:
        return PullState.FAILING
    return PullState.OK if state.last_success is not None else PullState.NEW


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment is not None else None


ROUTES = (
    Route(method="GET", path="/api/v1/peers", handler=list_peers, roles=OFFICES),
    Route(method="GET", path="/api/v1/peers/{party}", handler=show_peer, roles=OFFICES),
)
