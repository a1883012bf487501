"""The registers of other Parties as this node mirrors them, for whoever lost its own (C.4 item 8 (c)).

``mirror/<hex SHA-256 of the origin>/`` has the paths of a log: checkpoint, hash tiles and entry bundles, for every
peer. Whoever reads there believes the signature of the log and the hashes under it, not this node. To the log's own
Party alone, which wrote them, it also gives back the documents that this node received, with a feed that lists them
all: nobody else learns from it who received what.
"""

from __future__ import annotations

from aiohttp import web

from epix_node.errors import MalformedDocumentError
from epix_node.federation.recovery import mirror_prefix
from epix_node.identity.role import API_PATH
from epix_node.node import Node
from epix_node.register.bundle import BUNDLE_ENTRIES, parse_bundle_path
from epix_node.register.tiles import TILE_WIDTH, parse_tile_path
from epix_node.store import register
from epix_node.web.caching import for_everybody
from epix_node.web.federation_api import batch_of, feed_of
from epix_node.web.keys import NODE
from epix_node.web.log_api import bundle_of, immutable, tile_of
from epix_node.web.peer_access import Peer, for_peers
from epix_node.web.problems import Problem

_MIRROR = f"{API_PATH}mirror/{{origin:[0-9a-f]{{64}}}}/"


def add_mirror_routes(app: web.Application) -> None:
    """The application serves the registers that this node mirrors. It has ``NODE``."""
    app.router.add_get(f"{_MIRROR}log/checkpoint", for_peers(_checkpoint))
    app.router.add_get(f"{_MIRROR}log/{{path:tile/entries/.+}}", for_peers(_bundle))
    app.router.add_get(f"{_MIRROR}log/{{path:tile/[0-9].*}}", for_peers(_tile))
    app.router.add_get(f"{_MIRROR}feed", for_peers(_feed))
    app.router.add_post(f"{_MIRROR}docs/batch", for_peers(_batch))


async def _checkpoint(request: web.Request, peer: Peer) -> web.Response:
    """The newest checkpoint that the mirror reaches, with the lines that it came with."""
    del peer  # every peer may mirror every register
    node = request.app[NODE]
    party = _mirrored(request)
    held = await node.database.read(register.state, party)
    if held is None or held.checkpoint is None:
        raise _none()
    return for_everybody(request, held.checkpoint, "text/plain", charset="utf-8")


async def _tile(request: web.Request, peer: Peer) -> web.Response:
    """Hashes of the mirrored tree."""
    del peer
    try:
        level, n, width = parse_tile_path(request.match_info["path"])
    except MalformedDocumentError as error:
        raise Problem(404, "NOT_FOUND", str(error)) from error
    node, party = request.app[NODE], _mirrored(request)
    return immutable(await node.database.read(tile_of, party, level, n, width or TILE_WIDTH))


async def _bundle(request: web.Request, peer: Peer) -> web.Response:
    """Mirrored entries."""
    del peer
    try:
        n, width = parse_bundle_path(request.match_info["path"])
    except MalformedDocumentError as error:
        raise Problem(404, "NOT_FOUND", str(error)) from error
    node, party = request.app[NODE], _mirrored(request)
    return immutable(await node.database.read(bundle_of, party, n, width or BUNDLE_ENTRIES))


async def _feed(request: web.Request, peer: Peer) -> web.Response:
    """Every document of this register that is held here, for its writer."""
    return await feed_of(request, _written_by(request, peer), codes=None)


async def _batch(request: web.Request, peer: Peer) -> web.Response:
    """The documents that the asking Party wrote, as far as they are held here."""
    return await batch_of(request, _written_by(request, peer), peer.body, codes=None)


def _written_by(request: web.Request, peer: Peer) -> str:
    """The asking Party, if it is the writer of this register; to others it looks as if there were none."""
    if _mirrored(request) != peer.party:
        raise _none()
    return peer.party


def _mirrored(request: web.Request) -> str:
    """The Party that writes the register of this origin now."""
    node = request.app[NODE]
    return _party_of(node, f"mirror/{request.match_info['origin']}/")


def _party_of(node: Node, prefix: str) -> str:
    keyring = node.keyring()
    for party in keyring.parties:
        origin = keyring.origin(party)
        if origin is not None and mirror_prefix(origin) == prefix:
            return party
    raise _none()


def _none() -> Problem:
    return Problem(404, "NOT_FOUND", "this node has no mirror of such a register")
