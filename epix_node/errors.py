"""Everything this program raises on purpose.

    EpixError
    ├── InputError                      the sender can fix it
    │   ├── MalformedDocumentError      not understood: not XML, not the schema, over a limit
    │   ├── RulesBrokenError            breaks a rule; carries the findings (``rules.finding``)
    │   ├── UnacceptableError           understood, but it cannot be so: a date in the future, a wrong successor
    │   ├── NotFoundError               no such permit, event, finding, peer or key
    │   └── NotOursError                this node does not speak for that issuer
    ├── ConflictError                   true, but not now
    │   ├── DifferentContentError       same key, other content
    │   ├── AmbiguousNumberError        several permits carry this number; carries the candidates
    │   └── TransitionError             such as withdrawing a permit that is already withdrawn
    ├── TrustError                      not to be believed; carries the reason code
    │   └── ProofError                  a Merkle proof that does not lead where it should
    ├── PeerError                       about one other node
    │   ├── PeerUnreachableError        try again later
    │   ├── PeerRefusedError            do not try again unchanged
    │   └── PeerProtocolError           the answer makes no sense: keep it, tell a human
    ├── KeyMaterialError                own keys missing, unreadable or open to others
    ├── StoreError                      the database cannot be reached, read or written now
    └── ConfigError                     names the file, the line and the setting

``RulesBrokenError`` stands beside ``Finding`` in ``rules.finding``. A programming mistake is a ``RuntimeError``,
never one of these. Messages name the thing, the value seen and the value expected, and never hold document
contents or personal data.
"""

from __future__ import annotations

from typing import Any, ClassVar


class EpixError(Exception):
    """Raised on purpose by this program; ``code`` is the word that programs may rely on (contract 4)."""

    default_code: ClassVar[str] = "ERROR"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default_code


class InputError(EpixError):
    """The sender can fix it."""

    default_code = "NOT_UNDERSTOOD"


class MalformedDocumentError(InputError):
    """The input could not be understood; ``code`` is a reason code of contract 4 where one fits."""


class UnacceptableError(InputError):
    """Understood, but it cannot be so; the message says what would be."""

    default_code = "UNACCEPTABLE"


class NotFoundError(InputError):
    """Nothing of this name is held here."""

    default_code = "NOT_FOUND"


class NotOursError(InputError):
    """This node does not speak for the issuer named."""

    default_code = "NOT_OURS"


class ConflictError(EpixError):
    """The request is well formed but contradicts what is recorded."""

    default_code = "CONFLICT"


class DifferentContentError(ConflictError):
    """The same key was used before for other content."""

    default_code = "DIFFERENT_CONTENT"


class AmbiguousNumberError(ConflictError):
    """Several permits carry this number; ``candidates`` are their keys as JSON objects (contract 1)."""

    default_code = "AMBIGUOUS_NUMBER"

    def __init__(self, message: str, *, candidates: tuple[dict[str, Any], ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class TransitionError(ConflictError):
    """The thing is no longer in a state that allows this."""

    default_code = "TRANSITION"


class TrustError(EpixError):
    """A signature or an identity is not to be believed; ``code`` is the reason code."""

    default_code = "SIGNATURE_INVALID"


class ProofError(TrustError):
    """A Merkle proof does not lead to the root, or has a shape that no proof between these sizes has."""

    default_code = "PROOF_INVALID"


class PeerError(EpixError):
    """Something went wrong with one other node, named by its Party code."""

    default_code = "PEER"

    def __init__(self, message: str, *, party: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.party = party


class PeerUnreachableError(PeerError):
    """No answer, or an answer that says to come back later."""

    default_code = "PEER_UNREACHABLE"


class PeerRefusedError(PeerError):
    """The other node understood the request and refuses it."""

    default_code = "PEER_REFUSED"


class PeerProtocolError(PeerError):
    """The other node's answer breaks the protocol."""

    default_code = "PEER_PROTOCOL"


class KeyMaterialError(EpixError):
    """Own key material is missing, unreadable, or readable by others."""

    default_code = "KEY_MATERIAL"


class StoreError(EpixError):
    """The database cannot be reached, read or written now; the message never holds its password."""

    default_code = "DATABASE"


class ConfigError(EpixError):
    """The configuration cannot be used; the message names file, line and setting."""

    default_code = "CONFIGURATION"
