"""What a verification answers. A verdict is a value: only the caller decides to stop (architecture 1, decision 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from epix_node.permit.reasons import Reason


class SignatureState(StrEnum):
    """Member ``signature`` of a status answer (contract 4)."""

    VALID = "VALID"
    INVALID = "INVALID"
    """The structure is not that of the profile, or the bytes are not those that were signed."""
    UNTRUSTED = "UNTRUSTED"
    """Nobody that we trust gave this key to this Party for this use at this time; the bytes were not looked at."""
    REVOKED_KEY = "REVOKED_KEY"
    NONE = "NONE"
    """The document carries no signature."""


_STATE_OF: dict[Reason, SignatureState] = {
    Reason.SIGNATURE_MISSING: SignatureState.NONE,
    Reason.SIGNATURE_NOT_UNIQUE: SignatureState.INVALID,
    Reason.SIGNATURE_MISPLACED: SignatureState.INVALID,
    Reason.ALGORITHM_NOT_ALLOWED: SignatureState.INVALID,
    Reason.REFERENCE_NOT_ALLOWED: SignatureState.INVALID,
    Reason.DUPLICATE_ID: SignatureState.INVALID,
    Reason.KEY_UNKNOWN: SignatureState.UNTRUSTED,
    Reason.KEY_WRONG_PARTY: SignatureState.UNTRUSTED,
    Reason.KEY_WRONG_USE: SignatureState.UNTRUSTED,
    Reason.KEY_NOT_IN_PERIOD: SignatureState.UNTRUSTED,
    Reason.REVOKED_KEY: SignatureState.REVOKED_KEY,
    Reason.SIGNATURE_INVALID: SignatureState.INVALID,
    Reason.CONTENT_MISMATCH: SignatureState.INVALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer about one document's signature.

    ``signed`` holds the canonical bytes that the signature covers, without the signature itself: the only place to
    read the document from. It is there exactly if the signature is VALID.
    ``party`` and ``certificate_sha256`` (hex, of the DER) are what the document claims; they are proven only where the
    signature is VALID, and None where the claim could not be read.
    """

    signature: SignatureState
    reasons: tuple[Reason, ...] = ()
    signed: bytes | None = None
    party: str | None = None
    certificate_sha256: str | None = None
    signed_at: datetime | None = None
    """The SigningTime, as the signer states it; only where the signature is VALID."""

    def __post_init__(self) -> None:
        valid = self.signature is SignatureState.VALID
        if valid != (self.signed is not None) or valid != (not self.reasons):
            raise ValueError("a verdict has signed bytes and no reasons, or reasons and no signed bytes")
        if valid and (self.party is None or self.certificate_sha256 is None):
            raise ValueError("a valid signature is somebody's")

    @property
    def is_valid(self) -> bool:
        """Whether ``signed`` may be read."""
        return self.signature is SignatureState.VALID

    @classmethod
    def refused(cls, reason: Reason, *, party: str | None = None, certificate_sha256: str | None = None) -> Verdict:
        """The verdict for a document that stumbled over this reason, one of those from SIGNATURE_MISSING on."""
        return cls(signature=_STATE_OF[reason], reasons=(reason,), party=party, certificate_sha256=certificate_sha256)
