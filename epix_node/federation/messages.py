"""What crosses the wire between nodes, for both sides: the page of a feed and the batch of documents (C.2, decision 9).

    feed    {"party","env","from","to","size","entries":[{"index","document","type","salt","permit_salt","length"}]}
    batch   for each digest in the order asked: 32-byte digest ‖ be32 length ‖ exact bytes; length 0: not given
    gossip  [note, …], each as text

Parsing is strict and believes nothing that it says: which documents a peer may list, and whether they are what it
lists, is for ``pull`` and ``exchange.ingest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from epix_node.errors import MalformedDocumentError

MAX_FEED_BYTES = 4 * 1024 * 1024
"""Longest page of a feed, in bytes of JSON (C.5)."""

MAX_FEED_ENTRIES = 500
"""Most entries of a page (C.2)."""

MAX_BATCH_DIGESTS = 256
"""Most documents asked for at once (decision 9)."""

BATCH_ENDS_AT = 16 * 1024 * 1024
"""An answer may end early once it would grow beyond this many bytes (decision 9)."""

MAX_GOSSIP_BYTES = 4 * 1024 * 1024
"""Longest gossip, in bytes of JSON (C.5)."""

MAX_GOSSIP_NOTES = 1024
"""Most notes of one answer: two for each of twice as many Parties as there are."""

DIGEST_BYTES = 32
_LENGTH_BYTES = 4
FRAME_BYTES = DIGEST_BYTES + _LENGTH_BYTES
"""What precedes the bytes of each document."""

_LAST_INDEX = 2**63 - 1

Index = Annotated[int, Field(ge=0, le=_LAST_INDEX)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Salt = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class FeedEntry(_Message):
    """One entry of a register that concerns the asking Party.

    Type, salts and length only inform: a document is believed for what its own header says.
    """

    index: Index
    document: Digest
    type: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$")]
    salt: Salt
    permit_salt: Salt
    length: Annotated[int, Field(ge=0, le=2**31 - 1)]


class FeedPage(_Message):
    """Which of the entries ``[start, to)`` concern the asking Party; ``size`` is that of a published checkpoint."""

    party: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    env: Annotated[str, Field(pattern=r"^(sandbox|uat|prod)$")]
    start: Annotated[int, Field(ge=0, le=_LAST_INDEX, alias="from")]
    to: Index
    size: Index
    entries: Annotated[tuple[FeedEntry, ...], Field(max_length=MAX_FEED_ENTRIES)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Indexes lie in the range examined and only grow, so that a page can be left off before any entry."""
        if not self.start <= self.to <= self.size:
            raise ValueError("expected from ≤ to ≤ size")
        before = self.start - 1
        for entry in self.entries:
            if not before < entry.index < self.to:
                raise ValueError("indexes of entries: expected growing ones in [from, to)")
            before = entry.index
        if len({entry.document for entry in self.entries}) != len(self.entries):
            raise ValueError("the same document twice")
        return self

    def to_bytes(self) -> bytes:
        """The JSON of this page."""
        return self.model_dump_json(by_alias=True).encode()


class BatchRequest(_Message):
    """Which documents are asked for."""

    sha256: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=MAX_BATCH_DIGESTS)]

    def to_bytes(self) -> bytes:
        """The JSON of this request."""
        return self.model_dump_json().encode()


class Hint(_Message):
    """The sender's register has grown to this size: it is worth asking (decision 11)."""

    size: Index

    def to_bytes(self) -> bytes:
        """The JSON of this hint."""
        return self.model_dump_json().encode()


_GOSSIP: TypeAdapter[list[str]] = TypeAdapter(
    Annotated[list[str], Field(max_length=MAX_GOSSIP_NOTES)], config=ConfigDict(strict=True)
)


def entity_tag(data: bytes) -> str:
    """The ``ETag`` of what is given to everybody; who holds the same bytes can name it without having seen it."""
    return sha256(data).hexdigest()[:32]


def parse_feed(data: bytes) -> FeedPage:
    """The page in these bytes. Raises ``MalformedDocumentError``; the message holds nothing of the content."""
    try:
        return FeedPage.model_validate_json(data)
    except ValidationError as error:
        raise MalformedDocumentError(f"not a page of a feed: {_first_problem(error)}") from error


def parse_batch_request(data: bytes) -> BatchRequest:
    """The request in these bytes. Raises ``MalformedDocumentError``."""
    try:
        return BatchRequest.model_validate_json(data)
    except ValidationError as error:
        raise MalformedDocumentError(f"not a request for documents: {_first_problem(error)}") from error


def parse_hint(data: bytes) -> Hint:
    """The hint in these bytes. Raises ``MalformedDocumentError``."""
    try:
        return Hint.model_validate_json(data)
    except ValidationError as error:
        raise MalformedDocumentError(f"not a hint: {_first_problem(error)}") from error


def encode_gossip(notes: Iterable[bytes]) -> bytes:
    """The JSON of these notes."""
    return _GOSSIP.dump_json([note.decode() for note in notes])


def parse_gossip(data: bytes) -> tuple[bytes, ...]:
    """The notes in these bytes, nothing of them read. Raises ``MalformedDocumentError``."""
    try:
        return tuple(note.encode() for note in _GOSSIP.validate_json(data))
    except (ValidationError, UnicodeEncodeError) as error:  # JSON can spell what is no character
        raise MalformedDocumentError("not a list of at most 1,024 notes") from error


def encode_frame(digest: str, document: bytes | None) -> bytes:
    """One document of a batch; without one the frame says that it is not given."""
    content = document or b""
    return bytes.fromhex(digest) + len(content).to_bytes(_LENGTH_BYTES, "big") + content


def decode_batch(data: bytes, asked: Sequence[str]) -> dict[str, bytes | None]:
    """The documents of an answer to ``asked``, in that order; what is missing at the end was not answered yet.

    Whether the bytes have the digest that they are sent under is left to the check of each document, so that a wrong
    one ends in quarantine and spoils nothing else.

    Raises:
        MalformedDocumentError: the answer ends within a frame, is out of order, or goes on after the last document.
    """
    given: dict[str, bytes | None] = {}
    position = 0
    for digest in asked:
        if position == len(data):
            return given
        start = position + FRAME_BYTES
        if start > len(data):
            raise MalformedDocumentError(f"batch ends within the frame of document {len(given)}")
        if data[position : position + DIGEST_BYTES].hex() != digest:
            raise MalformedDocumentError(f"batch answers another digest than was asked for as document {len(given)}")
        end = start + int.from_bytes(data[start - _LENGTH_BYTES : start], "big")
        if end > len(data):
            raise MalformedDocumentError(f"batch ends within document {len(given)}")
        given[digest] = data[start:end] or None
        position = end
    if position != len(data):
        raise MalformedDocumentError(f"batch is followed by {len(data) - position} bytes")
    return given


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
