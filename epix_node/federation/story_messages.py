"""``POST status`` on the wire, for both sides (C.2, decision 3): what is asked of one permit, and what is told.

    question  {"issuer","number","type"?,"year"?,"token" | "salt","held"?: [sha256]}
    answer    a status answer (contract 4), and "permit": piece | null, "events": [piece]
    piece     {"kind","party","document","register": {"origin","index"},"at","event": {} | null,"proof": text | null,
               "xml": base64 | null}

The asking node believes nothing of an answer but bytes: each document is checked as one from a feed would be.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from epix_node.errors import MalformedDocumentError
from epix_node.federation.messages import Digest, Index, Salt
from epix_node.permit.strict_json import MAX_JSON_BYTES

M = TypeVar("M", bound=BaseModel)

MAX_STORY_BYTES = MAX_JSON_BYTES
"""Longest answer, in bytes of JSON (C.5)."""

MAX_HELD = 500
"""Most digests that a question names as held."""


class StatusQuestion(BaseModel):
    """Which permit, and the proof that the asking node holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    issuer: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    number: Annotated[str, Field(min_length=1, max_length=70)]
    type: Annotated[str, Field(pattern=r"^[ERIO]$")] | None = None
    year: Annotated[int, Field(ge=1900, le=9999)] | None = None
    token: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    salt: Salt | None = None
    held: Annotated[tuple[Digest, ...], Field(max_length=MAX_HELD)] = ()

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.token is None) == (self.salt is None):
            raise ValueError("expected token, or salt")
        return self

    def to_bytes(self) -> bytes:
        """The JSON of this question."""
        return self.model_dump_json(exclude_none=True).encode()


class _Register(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    index: Index | None


class StoryPiece(BaseModel):
    """One document of an answer, as far as the asking node reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    party: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    document: Digest
    register_: Annotated[_Register, Field(alias="register")]
    xml: str | None

    def bytes_given(self) -> bytes | None:
        """The document's bytes. Raises ``MalformedDocumentError`` where they are not base64."""
        if self.xml is None:
            return None
        try:
            return base64.b64decode(self.xml, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedDocumentError("a document of a status answer is not base64") from error


class StoryAnswer(BaseModel):
    """What was told of a permit, as far as the asking node reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    permit: StoryPiece | None
    events: Annotated[tuple[StoryPiece, ...], Field(max_length=100_000)]

    @property
    def pieces(self) -> tuple[StoryPiece, ...]:
        """The permit's document first, then the others, in their order."""
        return (*((self.permit,) if self.permit is not None else ()), *self.events)


def parse_question(data: bytes) -> StatusQuestion:
    """The question in these bytes. Raises ``MalformedDocumentError``; the message holds nothing of the content."""
    return _parsed(StatusQuestion, data, "question for a status")


def parse_answer(data: bytes) -> StoryAnswer:
    """The answer in these bytes. Raises ``MalformedDocumentError``."""
    return _parsed(StoryAnswer, data, "status answer")


def _parsed(model: type[M], data: bytes, what: str) -> M:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where: list[Any] = list(first["loc"])
        raise MalformedDocumentError(f"not a {what}: {'.'.join(map(str, where))}: {first['msg']}") from error
