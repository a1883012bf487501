"""Time-stamped signatures on checkpoints, cosignature/v1 (decision 5; C.4 item 7; c2sp.org/tlog-cosignature).

A cosignature says: at this time, this was the newest checkpoint that I knew of this log. A log cosigns its own
checkpoints and repeats that while nothing changes, which is how others know that its silence is recent.

The signed message does not commit to the cosigner's name, so one key may serve one name only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.note import MAX_SIGNATURES, KeyKind, Note, NoteSignature, VerifierKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_SECOND = timedelta(seconds=1)
_LAST_TIMESTAMP = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _ONE_SECOND
_TIMESTAMP_BYTES = 8
_BLOB_BYTES = _TIMESTAMP_BYTES + 64


def _message(body: str, timestamp: int) -> bytes:
    """What is signed: the header line, the time in seconds since 1970, and the whole body of the checkpoint."""
    return f"cosignature/v1\ntime {timestamp}\n{body}".encode()


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Cosigns checkpoints under one name with an Ed25519 key of kind 0x04, used for nothing else (C.1)."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)
    verifier_key: VerifierKey = field(init=False, repr=False)
    """The public half, to be published in the manifest."""

    def __post_init__(self) -> None:
        public = VerifierKey.of(self.name, KeyKind.COSIGNATURE, self.private_key.public_key())
        object.__setattr__(self, "verifier_key", public)

    def sign(self, body: str, *, at: datetime) -> NoteSignature:
        """The signature line for this body at this time; a fraction of a second is dropped.

        Raises ``ValueError`` for a naive time and for one before 1970.
        """
        if at.tzinfo is None:
            raise ValueError("a cosignature needs a time with a zone")
        timestamp = (at - _EPOCH) // _ONE_SECOND
        if timestamp < 0:
            raise ValueError(f"cosignature time {at.isoformat()}: expected 1970 or later")
        blob = timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + self.private_key.sign(_message(body, timestamp))
        return NoteSignature(name=self.name, key_id=self.verifier_key.key_id, signature=blob)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A verified cosignature: who made it, when, and the line that proves it."""

    name: str
    key: VerifierKey
    at: datetime
    """Aware, in UTC, in whole seconds."""
    line: NoteSignature


def valid_cosignatures(note: Note, keys: Iterable[VerifierKey]) -> tuple[Cosignature, ...]:
    """The newest cosignature by each of these keys that cosigned the note, in the order of the keys.

    Lines by other keys count for nothing, and whether the log itself signed is not looked at.

    Raises:
        TrustError: a cosignature by a known key is wrong, which spoils the whole note (C.4 item 3); two of the keys
            cannot be told apart, code KEY_UNKNOWN; a key is not for cosigning, code KEY_WRONG_USE.
        MalformedDocumentError: a line by a known key is not a time stamp and a signature.
    """
    known = tuple(keys)
    if len({(key.name, key.key_id) for key in known}) != len(known):
        raise TrustError("two of the known keys carry the same name and key ID", code="KEY_UNKNOWN")
    newest = (_newest_cosignature(note, key) for key in known)
    return tuple(cosignature for cosignature in newest if cosignature is not None)


def verify_cosignatures(note: Note, key: VerifierKey) -> datetime | None:
    """The newest time at which this key cosigned the note, aware, in UTC; None where it did not.

    Raises:
        TrustError: a cosignature by this key is wrong, which spoils the whole note (C.4 item 3); or the key is not
            for cosigning, code KEY_WRONG_USE.
        MalformedDocumentError: a line by this key is not a time stamp and a signature.
    """
    newest = _newest_cosignature(note, key)
    return None if newest is None else newest.at


def _newest_cosignature(note: Note, key: VerifierKey) -> Cosignature | None:
    """The newest cosignature by this key, after verifying all of them."""
    if key.kind is not KeyKind.COSIGNATURE:
        raise TrustError(f"key {key.name} is not for cosigning", code="KEY_WRONG_USE")
    newest: Cosignature | None = None
    for blob in note.signatures_by(key):
        if len(blob) != _BLOB_BYTES:
            raise MalformedDocumentError(f"cosignature by {key.name}: {len(blob)} bytes, expected {_BLOB_BYTES}")
        timestamp = int.from_bytes(blob[:_TIMESTAMP_BYTES], "big")
        if timestamp > _LAST_TIMESTAMP:  # 64 bits reach further than any calendar
            raise MalformedDocumentError(f"cosignature by {key.name}: its time lies after the year 9999")
        key.verify(_message(note.body, timestamp), blob[_TIMESTAMP_BYTES:])
        moment = _EPOCH + timestamp * _ONE_SECOND
        if newest is None or moment > newest.at:
            line = NoteSignature(name=key.name, key_id=key.key_id, signature=blob)
            newest = Cosignature(name=key.name, key=key, at=moment, line=line)
    return newest


def merged(note: Note, lines: Iterable[NoteSignature]) -> Note:
    """The note with these further cosignature lines, which the caller has verified; the same lines give the same note.

    First the lines that carry no time, the log's before those of others; then the newest cosignature of each name and
    key ID, sorted by both, again the log's first. Where there are more than 64 lines, the oldest cosignatures of others
    are left out.
    """
    timeless: dict[tuple[str, bytes, bytes], NoteSignature] = {}
    newest: dict[tuple[str, bytes], NoteSignature] = {}
    for line in (*note.signatures, *lines):
        if len(line.signature) != _BLOB_BYTES:
            timeless.setdefault((line.name, line.key_id, line.signature), line)
            continue
        held = newest.get((line.name, line.key_id))
        # Bytes compare as the big-endian times do that they begin with; of two for one second, always the same stays.
        if held is None or line.signature > held.signature:
            newest[line.name, line.key_id] = line
    own = note.body.partition("\n")[0]  # the origin, which is the name of the log's key
    first = sorted(timeless.values(), key=lambda line: line.name != own)
    room = MAX_SIGNATURES - len(timeless)
    kept = sorted(newest.values(), key=lambda line: (line.name == own, line.signature), reverse=True)[: max(0, room)]
    kept.sort(key=lambda line: (line.name != own, line.name, line.key_id))
    return Note(body=note.body, signatures=(*first, *kept))
