"""Time-stamped signatures on checkpoints, cosignature/v1 (decision 5; C.4 item 7; c2sp.org/tlog-cosignature).

A cosignature says: at this time, this was the newest checkpoint that I knew of this log. A log cosigns its own
checkpoints and repeats that while nothing changes, which is how others know that its silence is recent.

The signed message does not commit to the cosigner's name, so one key may serve one name only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.note import KeyKind, Note, NoteSignature, VerifierKey

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


def verify_cosignatures(note: Note, key: VerifierKey) -> datetime | None:
    """The newest time at which this key cosigned the note, aware, in UTC; None where it did not.

    Raises:
        TrustError: a cosignature by this key is wrong, which spoils the whole note (C.4 item 3); or the key is not
            for cosigning, code KEY_WRONG_USE.
        MalformedDocumentError: a line by this key is not a time stamp and a signature.
    """
    if key.kind is not KeyKind.COSIGNATURE:
        raise TrustError(f"key {key.name} is not for cosigning", code="KEY_WRONG_USE")
    newest: datetime | None = None
    for blob in note.signatures_by(key):
        if len(blob) != _BLOB_BYTES:
            raise MalformedDocumentError(f"cosignature by {key.name}: {len(blob)} bytes, expected {_BLOB_BYTES}")
        timestamp = int.from_bytes(blob[:_TIMESTAMP_BYTES], "big")
        if timestamp > _LAST_TIMESTAMP:  # 64 bits reach further than any calendar
            raise MalformedDocumentError(f"cosignature by {key.name}: its time lies after the year 9999")
        key.verify(_message(note.body, timestamp), blob[_TIMESTAMP_BYTES:])
        moment = _EPOCH + timestamp * _ONE_SECOND
        newest = moment if newest is None else max(newest, moment)
    return newest
