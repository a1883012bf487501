"""``POST status`` between nodes: what happened under a permit, for a peer that holds it (C.2)."""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import web

from epix_node.acts import story
from epix_node.acts.story import Claim, Piece, Story
from epix_node.clock import format_time
from epix_node.document.salts import decode_salt
from epix_node.errors import MalformedDocumentError
from epix_node.federation.story_messages import parse_question
from epix_node.permit.event import PermitRef
from epix_node.permit.number import normalised
from epix_node.store.clients import Client, Role
from epix_node.web import customs
from epix_node.web.desk import DESK
from epix_node.web.keys import REQUEST_ID
from epix_node.web.peer_access import Peer
from epix_node.web.replies import json_reply
from epix_node.web.signed_answers import signed


async def status_of_permit(request: web.Request, peer: Peer) -> web.Response:
    """The status answer with every document and its proof; a wrong proof and an unknown number look alike.

    Raises:
        Problem: 429, the peer has shown too many wrong proofs.
        MalformedDocumentError: it is no question.
    """
    claim = _claim(peer.body)
    desk = request.app[DESK]
    now = desk.now()
    asking = Client(name=f"peer {peer.party}", role=Role.CUSTOMS)
    ref = PermitRef(issuer=claim.issuer, number=claim.number, type=claim.type)
    customs.refuse_guessing(desk, asking, ref, now=now)
    told = await desk.lane.run(story.tell, desk.office, desk.policy, claim, now=now)
    if told is None:
        await customs.count_wrong_proof(desk, asking, ref, now=now)
        told = await desk.lane.run(story.no_story, desk.office, desk.policy, claim, now=now)
    return signed(request, json_reply(_json(told, desk.office.origin_of, request[REQUEST_ID])))


def _claim(body: bytes) -> Claim:
    asked = parse_question(body)
    try:
        salt = decode_salt(asked.salt) if asked.salt is not None else None
    except ValueError as error:
        raise MalformedDocumentError(f"not a question for a status: {error}") from error
    return Claim(
        issuer=asked.issuer,
        number=normalised(asked.number),
        type=asked.type,
        year=asked.year,
        token=asked.token,
        salt=salt,
        held=frozenset(asked.held),
    )


def _json(told: Story, origin_of: Any, request_id: str) -> dict[str, Any]:
    pieces = [_piece(piece, origin_of(piece.told.party)) for piece in told.pieces]
    permit = pieces[0] if pieces else None
    return {**told.answer.to_json(request_id=request_id), "permit": permit, "events": pieces[1:]}


def _piece(piece: Piece, origin: str) -> dict[str, Any]:
    told = piece.told
    return {
        "kind": told.type,
        "party": told.party,
        "document": told.document,
        "register": {"origin": origin, "index": told.index},
        "at": format_time(told.at),
        "event": customs.event_without_names(told.event) if told.event is not None else None,
        "proof": piece.proof.decode("utf-8") if piece.proof is not None else None,
        "xml": base64.b64encode(piece.xml).decode("ascii") if piece.xml is not None else None,
    }
