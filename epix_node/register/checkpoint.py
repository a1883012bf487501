"""Signed checkpoints: what a log says its tree is (decision 5; C.4 items 2, 3, 7; c2sp.org/tlog-checkpoint).

The body is three lines, origin, size and root, and no extension lines: they are not covered by later kinds of
cosignature. ``verify_checkpoint`` is the only way from a peer's bytes to a checkpoint that counts.

Not here: whether the tree behind the checkpoint grew out of an earlier one (``merkle.RightEdge``, ``proof``).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.cosignature import Cosigner, verify_cosignatures
from epix_node.register.merkle import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE
from epix_node.register.note import (
    Note,
    NoteSigner,
    VerifierKey,
    decode_base64,
    format_note,
    parse_note,
    verify_note,
)

_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")  # no sign, no leading zero, ASCII digits; never longer than MAX_TREE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The root of the first ``size`` entries of the log ``origin``. Raises ``ValueError`` for what cannot be one."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or any(character < " " for character in self.origin):
            raise ValueError(f"checkpoint origin {self.origin!r}: expected one line of text")
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise ValueError(f"checkpoint size {self.size}: expected 0 to {MAX_TREE_SIZE}")
        if len(self.root) != HASH_BYTES:
            raise ValueError(f"checkpoint root of {len(self.root)} bytes: expected {HASH_BYTES}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise ValueError("checkpoint of an empty tree with the root of another")

    def body(self) -> str:
        """The text that is signed, with its final newline."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode('ascii')}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCheckpoint:
    """A checkpoint that its log signed, with the newest verified cosignature time, and the bytes that prove both."""

    checkpoint: Checkpoint
    cosigned_at: datetime | None
    """Aware, in UTC, in whole seconds; None where the cosigner did not sign or was not asked for."""
    note: bytes


def read_size(text: str) -> int:
    """The decimal number, as C2SP formats write sizes and indexes. Raises ``MalformedDocumentError``."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_TREE_SIZE:
        raise MalformedDocumentError(f"not a decimal number of at most {MAX_TREE_SIZE} without leading zeros")
    return int(text)


def parse_checkpoint_body(body: str) -> Checkpoint:
    """The checkpoint in the body of a note whose signature verified. Raises ``MalformedDocumentError``."""
    lines = body.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedDocumentError("a checkpoint has exactly three lines: origin, size, root")
    origin, size, root, _ = lines
    try:
        return Checkpoint(origin=origin, size=read_size(size), root=decode_base64(root))
    except ValueError as error:
        raise MalformedDocumentError(f"checkpoint not usable: {error}") from error


def sign_checkpoint(checkpoint: Checkpoint, *, log: NoteSigner, cosigner: Cosigner, at: datetime) -> bytes:
    """The note of this checkpoint: the log's line, then its own cosignature of this time (decision 5).

    Whoever calls this has made sure that the tree only grew since the last checkpoint it signed (C.4 item 8).
    """
    body = checkpoint.body()
    return format_note(Note(body=body, signatures=(log.sign(body), cosigner.sign(body, at=at))))


def verify_checkpoint(
    note_bytes: bytes, *, origin: str, log_key: VerifierKey, cosigner_key: VerifierKey | None
) -> VerifiedCheckpoint:
    """What the log ``origin`` says about itself, believed because ``log_key`` signed it.

    A missing cosignature is no error: ``cosigned_at`` is None, and the caller's watermark does not move.

    Raises:
        MalformedDocumentError: not a note, or a signed body that is not a checkpoint.
        TrustError: a signature by either key is wrong (SIGNATURE_INVALID); the log key did not sign (KEY_UNKNOWN);
            a key of the wrong kind (KEY_WRONG_USE); a checkpoint of another log (CONTENT_MISMATCH).
    """
    note = parse_note(note_bytes)
    verify_note(note, (log_key,))
    cosigned_at = None if cosigner_key is None else verify_cosignatures(note, cosigner_key)
    # Only now: the text of a note is not to be looked at before a trusted key has vouched for it.
    checkpoint = parse_checkpoint_body(note.body)
    if checkpoint.origin != origin:
        raise TrustError(f"checkpoint of {checkpoint.origin!r}: expected {origin!r}", code="CONTENT_MISMATCH")
    return VerifiedCheckpoint(checkpoint=checkpoint, cosigned_at=cosigned_at, note=note_bytes)
