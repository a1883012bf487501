"""The own register as others read it: checkpoint, tiles and entry bundles (C.2, C.4; c2sp.org/tlog-tiles).

The checkpoint is for everybody, hashes and entries are for peers. A tile never changes, so whoever has it may keep it
for ever; a partial one is there for every size that was ever published, since it is made from rows when it is asked
for. Nothing beyond the published checkpoint is shown, and one path only names each tile.
"""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web
from aiohttp.web import ContentCoding

from epix_node.errors import MalformedDocumentError
from epix_node.exchange.sequencer import COSIGN_EVERY
from epix_node.identity.role import API_PATH
from epix_node.node import Node
from epix_node.register.bundle import BUNDLE_ENTRIES, encode_bundle, parse_bundle_path
from epix_node.register.tiles import TILE_WIDTH, parse_tile_path, width_at
from epix_node.store import register
from epix_node.store.database import Session
from epix_node.store.register import RegisterState
from epix_node.web.caching import IMMUTABLE_FOR_PEERS, for_everybody
from epix_node.web.keys import NODE
from epix_node.web.peer_access import Peer, for_peers
from epix_node.web.problems import Problem

_OCTETS = "application/octet-stream"


def add_log_routes(app: web.Application) -> None:
    """The application serves the own register. It has ``NODE``."""
    app.router.add_get(f"{API_PATH}log/checkpoint", _checkpoint)
    app.router.add_get(f"{API_PATH}log/{{path:tile/entries/.+}}", for_peers(_bundle))
    app.router.add_get(f"{API_PATH}log/{{path:tile/[0-9].*}}", for_peers(_tile))


async def _checkpoint(request: web.Request) -> web.Response:
    """The newest checkpoint, its cosignature not older than ten minutes while the register signs (decision 5)."""
    held = await _published(request.app[NODE])
    if held.checkpoint is None:
        raise Problem(503, "REGISTER_HALTED", "this node has signed no checkpoint, and cannot now")
    return for_everybody(request, held.checkpoint, "text/plain", charset="utf-8")


async def _published(node: Node) -> RegisterState:
    held = await node.database.read(register.state, node.party)
    now = node.clock()
    if held is not None and held.cosigned_at is not None and now - held.cosigned_at < COSIGN_EVERY:
        return held
    return await asyncio.to_thread(node.office.sequencer.publish, now=now)


async def _tile(request: web.Request, peer: Peer) -> web.Response:
    """Hashes of the tree."""
    del peer  # every peer may mirror every register
    node = request.app[NODE]
    try:
        level, n, width = parse_tile_path(request.match_info["path"])
    except MalformedDocumentError as error:
        raise Problem(404, "NOT_FOUND", str(error)) from error
    data = await node.database.read(tile_of, node.party, level, n, width or TILE_WIDTH)
    return immutable(data)


async def _bundle(request: web.Request, peer: Peer) -> web.Response:
    """Entries, compressed for who asks for that."""
    del peer
    node = request.app[NODE]
    try:
        n, width = parse_bundle_path(request.match_info["path"])
    except MalformedDocumentError as error:
        raise Problem(404, "NOT_FOUND", str(error)) from error
    response = immutable(await node.database.read(bundle_of, node.party, n, width or BUNDLE_ENTRIES))
    response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    if _takes_gzip(request):
        response.enable_compression(ContentCoding.gzip)
    return response


def _takes_gzip(request: web.Request) -> bool:
    """Whether the caller names it, and not to say that it does not want it (RFC 9110 12.5.3)."""
    for coding in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


def tile_of(session: Session, party: str, level: int, n: int, width: int) -> bytes | None:
    """The bytes of a tile under the published checkpoint of this Party's register."""
    held = register.state(session, party)
    if held is None or width_at(level, n, held.checkpoint_size) < width:
        return None
    return register.tile(session, party, level, n, width)


def bundle_of(session: Session, party: str, n: int, width: int) -> bytes | None:
    """The bytes of an entry bundle under the published checkpoint of this Party's register."""
    held = register.state(session, party)
    start = n * BUNDLE_ENTRIES
    if held is None or start + width > held.checkpoint_size:
        return None
    entries = register.leaves(session, party, start, start + width)
    return encode_bundle(entries) if len(entries) == width else None


def immutable(data: bytes | None) -> web.Response:
    """These bytes, which will never be others; 404 for None."""
    if data is None:
        raise Problem(404, "NOT_FOUND", "the register does not reach that far")
    return web.Response(body=data, content_type=_OCTETS, headers={hdrs.CACHE_CONTROL: IMMUTABLE_FOR_PEERS})
