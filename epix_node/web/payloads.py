"""JSON bodies that only HTTP knows: questions about a permit, a decision, a tick. Events and permits have their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from epix_node.clock import parse_time
from epix_node.errors import MalformedDocumentError
from epix_node.permit import json_fields
from epix_node.permit.answer import Purpose
from epix_node.permit.event import PermitRef
from epix_node.permit.event_json import split_proof
from epix_node.permit.finding import FindingState
from epix_node.permit.json import PresentedBody, presented_members
from epix_node.permit.json_fields import Body, CalendarDate, EventId, IssuerCode, NormalisedNumber, RequiredText, Text
from epix_node.permit.model import PermitType
from epix_node.permit.strict_json import load_json

_Body = TypeVar("_Body", bound=Body)

_PLAIN_QUESTION = re.compile(
    rb'[ \n]*\{[ \n]*"issuer"[ \n]*:[ \n]*"([A-Z]{2})"[ \n]*,[ \n]*"number"[ \n]*:[ \n]*'
    rb'"((?!NO\.)[0-9A-Z][0-9A-Z/.-]{0,69})"[ \n]*'
    rb'(?:,[ \n]*"proof"[ \n]*:[ \n]*\{[ \n]*"token"[ \n]*:[ \n]*"([A-Za-z0-9_-]{1,64})"[ \n]*\}[ \n]*)?\}[ \n]*'
)
"""The question as most ask it: a number that is written as it is compared, and the token as it is printed. Nothing in
it can mean anything else to ``load_json`` and ``QuestionBody``, which take longer than the answer; a test compares."""


class QuestionBody(Body):
    """Body of ``POST /status``, without its proof."""

    issuer: IssuerCode
    number: NormalisedNumber
    type: Annotated[PermitType, Field(strict=False)] | None = None
    issued_on: CalendarDate | None = None
    for_: Annotated[Purpose | None, Field(alias="for", strict=False)] = None

    @property
    def ref(self) -> PermitRef:
        """The permit that is asked for."""
        return PermitRef(
            issuer=self.issuer,
            number=self.number,
            type=self.type.value if self.type else None,
            issued_on=self.issued_on,
        )


class ClaimBody(QuestionBody):
    """Body of ``POST /verifications``, without its proof."""

    document_sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None
    presented: PresentedBody | None = None
    record: bool | None = None
    event_id: EventId | None = None
    office: RequiredText | None = None
    date: CalendarDate | None = None


class DecisionBody(Body):
    """Body of ``POST /findings/{id}/decision``."""

    decision: Annotated[FindingState, Field(strict=False)]
    reason: Text | None = None


class TickBody(Body):
    """Body of ``POST /sandbox/v1/tick``."""

    now: RequiredText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody asks about a permit, and the proof that came with it, unread."""

    ref: PermitRef
    purpose: Purpose | None
    proof: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Under which event a presentation is to be recorded (contract 5)."""

    event_id: str
    office: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What somebody says of a paper."""

    question: Question
    document_sha256: str | None
    presented: dict[str, Any] | None
    recording: Recording | None


def read_body(body: type[_Body], value: object, *, what: str) -> _Body:
    """The body. Raises ``MalformedDocumentError`` naming the bad member by its path."""
    try:
        return body.model_validate(value)
    except ValidationError as error:
        raise json_fields.not_understood(error, what=what) from error


def question_from_json(data: bytes) -> Question:
    """The body of ``POST /status``. Raises ``MalformedDocumentError``."""
    plain = _PLAIN_QUESTION.fullmatch(data)
    if plain is not None:
        issuer, number, token = plain.groups()
        proof = None if token is None else {"token": token.decode()}
        return Question(ref=PermitRef(issuer=issuer.decode(), number=number.decode()), purpose=None, proof=proof)
    members, proof = split_proof(load_json(data))
    body = read_body(QuestionBody, members, what="question")
    return Question(ref=body.ref, purpose=body.for_, proof=proof)


def claim_from_json(data: bytes) -> Claim:
    """The JSON body of ``POST /verifications``. Raises ``MalformedDocumentError``."""
    members, proof = split_proof(load_json(data))
    body = read_body(ClaimBody, members, what="verification")
    return Claim(
        question=Question(ref=body.ref, purpose=body.for_, proof=proof),
        document_sha256=body.document_sha256.lower() if body.document_sha256 else None,
        presented=_presented(body),
        recording=_recording(body),
    )


def _presented(body: ClaimBody) -> dict[str, Any] | None:
    """What the paper says; to be recorded it need not say anything else than the register (contract 5)."""
    if body.presented is not None:
        return presented_members(body.presented)
    return {} if body.record else None


def _recording(body: ClaimBody) -> Recording | None:
    if not body.record:
        return None
    if body.event_id is None or body.office is None or body.date is None:
        raise MalformedDocumentError("verification not understood: record needs event_id, office and date")
    return Recording(event_id=body.event_id, office=body.office, date=body.date)


def tick_from_json(data: bytes) -> datetime | None:
    """The time of ``POST /sandbox/v1/tick``, ``None`` where the clock stays. Raises ``MalformedDocumentError``."""
    if not data.strip():
        return None
    body = read_body(TickBody, load_json(data), what="tick")
    if body.now is None:
        return None
    try:
        return parse_time(body.now)
    except (ValueError, OverflowError) as error:
        raise MalformedDocumentError(
            "tick not understood: now: expected a time such as 2026-03-01T10:00:00Z"
        ) from error
