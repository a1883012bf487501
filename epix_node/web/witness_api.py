"""This node as a witness, and what it tells and hears of other logs: tlog-witness, gossip, reports (C.2, C.4).

``add-checkpoint`` needs no signed request: the checkpoint in it is signed by its log. What is refused there after the
log's signature was found good is compared with the mirror like gossip, since it may be evidence.

Not here: what is decided (``federation.cosigning``, ``federation.comparison``, ``federation.reports``).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from datetime import timedelta
from http import HTTPStatus

from aiohttp import ETag, web

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.federation import cosigning, gossip, reports, witnessing
from epix_node.federation.comparison import claims_in
from epix_node.federation.messages import encode_gossip, entity_tag
from epix_node.identity.role import API_PATH
from epix_node.register.evidence import MAX_CONFLICT_BYTES
from epix_node.register.witness import MAX_REQUEST_BYTES
from epix_node.store import conflicts, witness
from epix_node.web.keys import NODE
from epix_node.web.peer_access import Peer, authenticate, for_peers
from epix_node.web.problems import Problem, problem
from epix_node.web.signed_answers import signed

MAX_REPORTS = 30
"""Reports that are judged of one peer within ``REPORTS_WITHIN``: an honest one sends one for each log that lies."""

REPORTS_WITHIN = timedelta(minutes=10)

_CHUNK = 64 * 1024
_TEXT = "text/plain"
_NEVER_KEPT = {"Cache-Control": "no-store"}
_RECEIVED = web.AppKey("received_reports", dict[str, deque[float]])


def add_witness_routes(app: web.Application) -> None:
    """The application is a witness, and gossips."""
    app[_RECEIVED] = {}
    app.router.add_post(f"{API_PATH}witness/add-checkpoint", _add_checkpoint)
    app.router.add_get(f"{API_PATH}witness/{{digest:[0-9a-f]{{64}}}}/checkpoint", _cosigned)
    app.router.add_get(f"{API_PATH}gossip", for_peers(_gossip))
    app.router.add_post(f"{API_PATH}report", for_peers(_report, max_body=MAX_CONFLICT_BYTES))
    app.router.add_get(f"{API_PATH}report/{{id:[0-9a-f]{{64}}}}", _evidence)
    if app[NODE].config.shared_clock is not None:
        app.router.add_post(f"{API_PATH}witness/gather", for_peers(_gather))


async def _add_checkpoint(request: web.Request) -> web.Response:
    """The cosignature of this node, or why there is none, as tlog-witness says."""
    node = request.app[NODE]
    body = await _body(request)
    try:
        answer = await asyncio.to_thread(cosigning.cosign, node.office, body, now=node.clock())
    except MalformedDocumentError as error:
        return _words(HTTPStatus.BAD_REQUEST, str(error))
    if answer.submitted is not None:
        # Also what was cosigned: a log may show its witness another history than its readers.
        manifests = node.keyring().manifests
        claims = claims_in((answer.submitted.note,), manifests, source=answer.submitted.party)
        await gossip.take(node, claims)
    refusal = answer.refusal
    if refusal is not None:
        headers = {"Content-Type": refusal.media_type, **_NEVER_KEPT}
        return web.Response(status=refusal.status, body=refusal.body, headers=headers)
    return web.Response(body=answer.lines, content_type=_TEXT, charset="utf-8", headers=_NEVER_KEPT)


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            raise Problem(413, "TOO_LARGE", f"a request to cosign has at most {MAX_REQUEST_BYTES} bytes")
    return bytes(body)


def _words(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_NEVER_KEPT)


async def _cosigned(request: web.Request) -> web.Response:
    """The checkpoint of this log that the node cosigned last, with the log's line and its own.

    To a peer the answer is signed, also that there is none: whoever recovers may take only this node's word for that.
    """
    note = await request.app[NODE].database.read(witness.note_of_hash, request.match_info["digest"])
    if note is None:
        response = problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", "this witness has cosigned nothing of such a log")
    else:
        headers = {"Cache-Control": "public, max-age=1"}
        response = web.Response(body=note, content_type=_TEXT, charset="utf-8", headers=headers)
    return signed(request, response) if await _is_peer(request) else response


async def _is_peer(request: web.Request) -> bool:
    try:
        await authenticate(request)
    except TrustError:
        return False
    return True


async def _gossip(request: web.Request, peer: Peer) -> web.Response:
    """The newest checkpoints that this node has seen of every log."""
    del peer  # checkpoints are public; only that nobody else need be served
    node = request.app[NODE]
    notes = await node.database.read(gossip.newest_notes, node.office)
    body = encode_gossip(notes)
    tag = ETag(entity_tag(body))
    known = request.if_none_match
    if known is not None and any(held.value in {tag.value, "*"} for held in known):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type="application/json")
    response.etag = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


async def _report(request: web.Request, peer: Peer) -> web.Response:
    """The evidence was judged; what it shows, not who sends it, decides what follows."""
    node = request.app[NODE]
    _require_few(request.app[_RECEIVED].setdefault(peer.party, deque()))
    judgement = await asyncio.to_thread(reports.receive, node.office, peer.body, source=peer.party, now=node.clock())
    body = {"finding": judgement.finding.value, "reason": judgement.reason}
    return web.json_response(body, status=HTTPStatus.ACCEPTED, headers=_NEVER_KEPT)


def _require_few(received: deque[float]) -> None:
    now, span = time.monotonic(), REPORTS_WITHIN.total_seconds()
    while received and now - received[0] > span:
        received.popleft()
    if len(received) >= MAX_REPORTS:
        wait = int(span - (now - received[0])) + 1
        detail = f"{MAX_REPORTS} reports in {REPORTS_WITHIN} are judged of one node"
        raise Problem(429, "TOO_MANY_REPORTS", detail, headers={"Retry-After": str(wait)})
    received.append(now)


async def _evidence(request: web.Request) -> web.Response:
    """Evidence that is held here, for everybody: `epix-node register judge` needs nothing else."""
    found = await request.app[NODE].database.read(conflicts.find, request.match_info["id"])
    if found is None:
        raise Problem(404, "NOT_FOUND", "there is no such evidence here")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=found.evidence, content_type="application/json", headers=headers)


async def _gather(request: web.Request, peer: Peer) -> web.Response:
    """What the witnesses did not cosign yet was asked for, at the time that the shared clock shows now (contract 7)."""
    del peer
    await witnessing.gather(request.app[NODE], ignore_backoff=True)
    return web.Response(status=HTTPStatus.NO_CONTENT)
