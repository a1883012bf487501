"""Status answers for a caller, by the quick way where one card says it all, else by ``acts.look``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from epix_node.acts import look
from epix_node.errors import AmbiguousNumberError, NotFoundError
from epix_node.permit.answer import Purpose
from epix_node.permit.event import PermitRef
from epix_node.permit.number import PermitKey
from epix_node.store.answers import Card
from epix_node.store.clients import Client, Role
from epix_node.web import customs
from epix_node.web.card_answer import CardAnswers
from epix_node.web.desk import DESK
from epix_node.web.keys import REQUEST_ID
from epix_node.web.replies import JSON_TYPE, json_reply

ANSWERS = web.AppKey("answers", CardAnswers)


async def status_reply(
    request: web.Request, client: Client, ref: PermitRef, proof: Mapping[str, Any] | None, purpose: Purpose | None
) -> web.Response:
    """The answer of ``POST /status``.

    Raises:
        Problem: 429, too many wrong proofs.
        AmbiguousNumberError: several permits fit.
    """
    desk = request.app[DESK]
    now = desk.now()
    is_customs = client.role is Role.CUSTOMS
    if is_customs:
        admitted = await customs.admitted(desk, client, ref, customs.given_proof(request, proof), now=now)
        if admitted is None:
            return json_reply(await no_match(request, ref, now=now))
        ref = admitted.ref
    text = _quick_text(request, ref, purpose=purpose, is_customs=is_customs, now=now)
    if text is not None:
        return web.Response(body=text.encode(), content_type=JSON_TYPE)
    return json_reply(await _looked_up(request, ref, purpose=purpose, is_customs=is_customs, now=now))


async def status_after(
    request: web.Request, ref: PermitRef, *, is_customs: bool = False, now: datetime
) -> dict[str, Any]:
    """The status after something was recorded: what cannot be told apart is no reason to take the record back."""
    try:
        return await _looked_up(request, ref, purpose=None, is_customs=is_customs, now=now)
    except AmbiguousNumberError:
        return await no_match(request, ref, now=now)


def status_of(request: web.Request, key: PermitKey, *, is_customs: bool = False, now: datetime) -> dict[str, Any]:
    """The status of a held permit.

    Raises:
        NotFoundError: it is not held.
    """
    for card in request.app[DESK].reader.cards(key.issuer, key.number):
        if (card.type, card.year) == (key.type, key.year):
            answer: dict[str, Any] = json.loads(
                _card_text(request, card, key.issuer, key.number, purpose=None, is_customs=is_customs, now=now)
            )
            return answer
    raise NotFoundError(f"{key.issuer} has no permit {key.number}")


async def no_match(request: web.Request, ref: PermitRef, *, as_verdict: bool = False, now: datetime) -> dict[str, Any]:
    """The one answer for a wrong proof and for an unknown number (contract 4)."""
    desk = request.app[DESK]
    answer = await desk.lane.run(look.no_match, desk.office, desk.policy, ref, now=now, as_verdict=as_verdict)
    return answer.to_json(request_id=request[REQUEST_ID])


def _quick_text(
    request: web.Request, ref: PermitRef, *, purpose: Purpose | None, is_customs: bool, now: datetime
) -> str | None:
    """The answer where exactly one permit has the number and nothing contradicts it; ``None`` for all else."""
    cards = request.app[DESK].reader.cards(ref.issuer, ref.number)
    if len(cards) != 1:
        return None
    (card,) = cards
    if card.register_index is None:
        return None  # it waits for its number; or a former register has it, which a card does not say
    if (ref.type is not None and ref.type != card.type) or (
        ref.issued_on is not None and ref.issued_on.isoformat() != card.issued_on
    ):
        return None
    return _card_text(request, card, ref.issuer, ref.number, purpose=purpose, is_customs=is_customs, now=now)


def _card_text(
    request: web.Request,
    card: Card,
    issuer: str,
    number: str,
    *,
    purpose: Purpose | None,
    is_customs: bool,
    now: datetime,
) -> str:
    desk = request.app[DESK]
    return request.app[ANSWERS].text(
        card,
        issuer=issuer,
        number=number,
        horizon=desk.horizon(issuer),
        grade=desk.grade(card.party, card.register_index),
        purpose=purpose or look.natural_purpose(desk.office, issuer, card.type, customs=is_customs),
        day=desk.today(now),
        now=now,
        request_id=request[REQUEST_ID],
    )


async def _looked_up(
    request: web.Request, ref: PermitRef, *, purpose: Purpose | None, is_customs: bool, now: datetime
) -> dict[str, Any]:
    desk = request.app[DESK]
    answer = await desk.lane.run(
        look.status, desk.office, desk.policy, ref, purpose=purpose, customs=is_customs, now=now
    )
    body = answer.to_json(request_id=request[REQUEST_ID])
    return customs.answer_without_names(body) if is_customs else body
