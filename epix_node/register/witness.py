"""What a log and its witnesses say to each other (C.4 item 7; c2sp.org/tlog-witness), and what a witness decides.

    old <size of the tree that the witness cosigned last>
    <hash of the consistency proof, base64>          0 to 63 times
                                                     (an empty line)
    <checkpoint>

A witness takes two steps. ``claimed_by_its_log`` needs the keys of the logs it knows; ``decide`` needs what it cosigned
last, and runs where that is read and written under one lock: check and persist, then answer.

**Size 0.** A witness that has cosigned nothing of a log holds size 0, and ``old 0`` with an empty proof joins it to any
tree. That is this protocol's rule; ``proof`` refuses to talk about empty trees.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

from epix_node.errors import MalformedDocumentError, ProofError, TrustError
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body, read_size
from epix_node.register.merkle import HASH_BYTES, MAX_TREE_SIZE
from epix_node.register.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteSignature,
    VerifierKey,
    parse_note,
    parse_signature_line,
    verify_note,
)
from epix_node.register.preamble import read_hashes, split_preamble
from epix_node.register.proof import MAX_PROOF_HASHES, HashReader, consistency_proof, verify_consistency

MAX_REQUEST_BYTES = MAX_NOTE_BYTES + MAX_PROOF_HASHES * 45 + 32
"""Longest request, in bytes: a note, proof lines of 44 characters and a newline, the first line and the empty one."""

MAX_ANSWER_BYTES = MAX_NOTE_BYTES
"""Longest answer of a witness, in bytes."""

SIZE_MEDIA_TYPE = "text/x.tlog.size"
"""Media type of a 409 that says which size the witness holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign. Raises ``ValueError`` for one that cannot be written; nothing in it is verified."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    """The note, byte for byte."""

    def __post_init__(self) -> None:
        if not 0 <= self.old_size <= MAX_TREE_SIZE:
            raise ValueError(f"old size {self.old_size}: expected 0 to {MAX_TREE_SIZE}")
        if len(self.proof) > MAX_PROOF_HASHES:
            raise ValueError(f"proof of {len(self.proof)} hashes: expected at most {MAX_PROOF_HASHES}")
        if any(len(entry) != HASH_BYTES for entry in self.proof):
            raise ValueError(f"proof with a hash that is not {HASH_BYTES} bytes long")
        if not 0 < len(self.checkpoint) <= MAX_NOTE_BYTES:
            raise ValueError(f"checkpoint of {len(self.checkpoint)} bytes: expected 1 to {MAX_NOTE_BYTES}")

    @classmethod
    def of(cls, reader: HashReader, *, old_size: int, new_size: int, checkpoint: bytes) -> AddCheckpoint:
        """The request that leads a witness from ``old_size``, which may be 0, to this checkpoint of ``new_size``."""
        proof = consistency_proof(reader, old_size=old_size, new_size=new_size) if old_size else ()
        return cls(old_size=old_size, proof=proof, checkpoint=checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a witness does not cosign, as an HTTP answer."""

    status: HTTPStatus
    detail: str
    """For people: what was seen and what was expected."""
    held_size: int | None = None
    """What the witness cosigned last, where the client is to try again from there (409)."""
    is_two_histories: bool = False
    """The log signed another root for the size held: the two notes are evidence (``evidence``)."""

    @property
    def body(self) -> bytes:
        """One line of text."""
        return f"{self.detail if self.held_size is None else self.held_size}\n".encode()

    @property
    def media_type(self) -> str:
        """Of the body; the client looks at it to tell a size from words."""
        return "text/plain" if self.held_size is None else SIZE_MEDIA_TYPE


def encode_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The body of the request; ``parse_add_checkpoint`` gives the same request back."""
    lines = "".join(f"{b64encode(entry).decode('ascii')}\n" for entry in request.proof)
    return f"old {request.old_size}\n{lines}\n".encode() + request.checkpoint


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """The request in this body, nothing of it verified. Raises ``MalformedDocumentError``: answer 400."""
    (first, *hashes), checkpoint = split_preamble(data, most=MAX_REQUEST_BYTES, what="request")
    if not first.startswith("old "):
        raise MalformedDocumentError("the first line is: old, a space, a size")
    try:
        old_size = read_size(first.removeprefix("old "))
        return AddCheckpoint(old_size=old_size, proof=read_hashes(hashes), checkpoint=checkpoint)
    except ValueError as error:
        raise MalformedDocumentError(f"request not usable: {error}") from error


def claimed_by_its_log(request: AddCheckpoint, *, key_of: Callable[[str], VerifierKey | None]) -> Checkpoint | Refusal:
    """The checkpoint, which the log of its origin signed; or 400, 403, 404, 422, in the order of the specification.

    ``key_of`` gives the key of the log with this origin, or None where this witness does not follow it.
    """
    try:
        note = parse_note(request.checkpoint)
    except MalformedDocumentError as error:
        return Refusal(status=HTTPStatus.BAD_REQUEST, detail=str(error))
    # The first line of an unverified note chooses the key and nothing else.
    origin, _, rest = note.body.partition("\n")
    key = key_of(origin)
    if key is None:
        return Refusal(status=HTTPStatus.NOT_FOUND, detail="this witness does not follow a log of that origin")
    try:
        verify_note(note, (key,))
    except TrustError as error:
        return Refusal(status=HTTPStatus.FORBIDDEN, detail=str(error))
    try:
        checkpoint = parse_checkpoint_body(note.body)
    except MalformedDocumentError as error:
        # Signed and wrong. Of these the specification singles out the empty tree with the root of another.
        is_empty = rest.startswith("0\n")
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_empty else HTTPStatus.BAD_REQUEST
        return Refusal(status=status, detail=str(error))
    if request.old_size > checkpoint.size:
        return Refusal(
            status=HTTPStatus.BAD_REQUEST, detail=f"old size {request.old_size} is more than {checkpoint.size}"
        )
    return checkpoint


def decide(request: AddCheckpoint, *, held: Checkpoint | None, verified: Checkpoint) -> Refusal | None:
    """None if this witness may cosign ``verified``, having cosigned ``held`` last; otherwise what it answers.

    The caller persists the new checkpoint where ``held`` was read, before it answers. Raises ``ValueError`` where the
    two are of different logs.
    """
    if held is not None and held.origin != verified.origin:
        raise ValueError(f"checkpoint of {verified.origin}: compared with one of {held.origin}")
    old, new = request.old_size, verified.size
    if old > new:
        return Refusal(status=HTTPStatus.BAD_REQUEST, detail=f"old size {old} is more than {new}")
    held_size = 0 if held is None else held.size
    if old != held_size:
        detail = f"old size {old}: this witness holds {held_size}"
        return Refusal(status=HTTPStatus.CONFLICT, detail=detail, held_size=held_size)
    if held is None or old == 0:
        # Size 0: nothing to prove. That an empty tree has the empty root, ``Checkpoint`` makes sure.
        if request.proof:
            return Refusal(status=HTTPStatus.UNPROCESSABLE_ENTITY, detail="a proof from the empty tree is empty")
        return None
    if old == new and held.root != verified.root:
        detail = f"two roots for {new} leaves"
        return Refusal(status=HTTPStatus.UNPROCESSABLE_ENTITY, detail=detail, is_two_histories=True)
    try:
        verify_consistency(old_size=old, old_root=held.root, new_size=new, new_root=verified.root, proof=request.proof)
    except ProofError as error:
        return Refusal(status=HTTPStatus.UNPROCESSABLE_ENTITY, detail=str(error))
    return None


def parse_signature_lines(data: bytes) -> tuple[NoteSignature, ...]:
    """The lines with which a witness answers, none of them verified. Raises ``MalformedDocumentError``."""
    if len(data) > MAX_ANSWER_BYTES:
        raise MalformedDocumentError(f"answer of {len(data)} bytes: at most {MAX_ANSWER_BYTES}", code="TOO_LARGE")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise MalformedDocumentError("signature lines are not UTF-8", code="NOT_UTF8") from error
    if not text.endswith("\n"):
        raise MalformedDocumentError("signature lines end in newlines")
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedDocumentError(f"{len(lines)} signature lines: at most {MAX_SIGNATURES}", code="LIMIT_EXCEEDED")
    return tuple(parse_signature_line(line) for line in lines)


def parse_held_size(data: bytes) -> int:
    """The size in the body of a 409 of type ``text/x.tlog.size``. Raises ``MalformedDocumentError``."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError("the size that a witness holds is ASCII") from error
    if not text.endswith("\n"):
        raise MalformedDocumentError("the size that a witness holds ends in a newline")
    return read_size(text.removesuffix("\n"))


def monitoring_path(origin: str) -> str:
    """Below the monitoring prefix of a witness: where it shows the checkpoint of this log that it cosigned last."""
    return f"{sha256(origin.encode()).hexdigest()}/checkpoint"
