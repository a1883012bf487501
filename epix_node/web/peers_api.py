"""The other nodes as this one sees them: how pulling goes, and on what their trust rests (contract 4)."""

from __future__ import annotations

from aiohttp import web

from epix_node.clock import format_time
from epix_node.errors import NotFoundError
from epix_node.federation.mutual import observability
from epix_node.federation.standing import standings
from epix_node.store import cursors
from epix_node.store.clients import Client
from epix_node.web.access import OFFICES, Route
from epix_node.web.desk import DESK
from epix_node.web.replies import Query, json_reply


async def list_peers(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001 # any office
    """All Parties in the trust list, and those that were removed from it, by code."""
    query = Query(request)
    cursor, limit = query.cursor(parts=1), query.limit()
    query.end()
    after = cursors.decode(cursor, parts=1)[0] if cursor is not None else ""
    desk = request.app[DESK]
    known = await desk.node.database.read(standings, desk.office, now=desk.now())
    rest = [peer for peer in known if peer.party > after]
    page = rest[:limit]
    body = {
        "peers": [peer.to_json() for peer in page],
        "next": cursors.encode((page[-1].party,)) if len(rest) > limit else None,
    }
    return json_reply(body)


async def show_peer(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """One peer, with what the list has no room for."""
    desk = request.app[DESK]
    party = request.match_info["party"]
    known = await desk.node.database.read(standings, desk.office, now=desk.now())
    peer = next((peer for peer in known if peer.party == party), None)
    if peer is None:
        raise NotFoundError("there is no such peer")
    mutual = await desk.node.database.read(observability, desk.office, party, now=desk.now())
    manifest = desk.node.keyring().manifests.get(party)
    origin = manifest.log.origin if manifest is not None else peer.register.origin if peer.register else None
    body = peer.to_json() | {
        "issues_for": list(manifest.issues_for) if manifest is not None else [],
        "base": list(manifest.base) if manifest is not None else [],
        "environment": desk.node.config.party.environment,
        "origin": origin,
        "manifest": manifest.seq if manifest is not None else None,
        "certificates": [entry.kid for entry in manifest.permit_keys] if manifest is not None else [],
        "failures": peer.state.failures,
        "last_error": peer.state.last_error,
        "frozen": peer.state.frozen,
        "watermark": {
            "size": peer.register.checkpoint_size if peer.register else 0,
            "time": format_time(peer.register.cosigned_at)
            if peer.register is not None and peer.register.cosigned_at is not None
            else None,
        },
        "observability": mutual,
    }
    return json_reply(body)


ROUTES = (
    Route(method="GET", path="/api/v1/peers", handler=list_peers, roles=OFFICES),
    Route(method="GET", path="/api/v1/peers/{party}", handler=show_peer, roles=OFFICES),
)
