"""What a register publishes about one document: a leaf that tells neither what happened nor to which permit.

Decision 4. A leaf holds two commitments. ``d`` commits to the exact bytes of the document; ``c`` commits to the
permit's chain of documents, so that whoever holds the permit can compute every ``c`` that is still to come, and cannot
be kept from a withdrawal. Without the salts both are noise, and destroying the salts erases the entry (C.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from epix_node.clock import format_time, parse_time
from epix_node.errors import MalformedDocumentError

MAX_ENTRY_BYTES = 2048
"""Longest entry of a register, in bytes (C.3); the bundle format itself could hold 65,535."""

SALT_BYTES = 16
_COMMITMENT_BYTES = 32
_LAST_CHAIN_INDEX = 2**32 - 1

_PARTY = re.compile("[A-Z]{2}")
_ENVIRONMENT = re.compile("sandbox|uat|prod")
# The canonical form of these six members has no freedom, so one expression says it all; a JSON parser would let
# duplicate members, escapes and deep nesting through to later checks.
_LEAF = re.compile(
    rb'\{"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)",'
    rb'"c":"([0-9a-f]{64})","d":"([0-9a-f]{64})",'
    rb'"env":"(sandbox|uat|prod)","p":"([A-Z]{2})","v":1\}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry of a register, version 1. Raises ``ValueError`` for what a leaf cannot say."""

    at: datetime
    """Acceptance by this register; made UTC and cut to whole seconds here, so that it equals what others will read."""
    c: bytes
    """Chain commitment, 32 bytes."""
    d: bytes
    """Document commitment, 32 bytes."""
    environment: str
    """``sandbox``, ``uat`` or ``prod``."""
    party: str
    """Party code of the register's owner."""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a leaf needs a time with a zone")
        if len(self.c) != _COMMITMENT_BYTES or len(self.d) != _COMMITMENT_BYTES:
            raise ValueError(f"commitments of {len(self.c)} and {len(self.d)} bytes: expected {_COMMITMENT_BYTES}")
        if not _ENVIRONMENT.fullmatch(self.environment):
            raise ValueError(f"environment {self.environment!r}: expected sandbox, uat or prod")
        _require_party(self.party)
        object.__setattr__(self, "at", self.at.astimezone(UTC).replace(microsecond=0))

    def to_bytes(self) -> bytes:
        """The entry as it is hashed and published: RFC 8785 JSON with exactly the members of decision 4."""
        # Written out: no value can need escaping, the members stand in their canonical order, and a puller does this
        # for every entry of every peer (ten times as fast as a general canonicaliser, which a test compares it with).
        return (
            f'{{"at":"{format_time(self.at)}","c":"{self.c.hex()}","d":"{self.d.hex()}",'
            f'"env":"{self.environment}","p":"{self.party}","v":1}}'
        ).encode("ascii")


def parse_leaf(data: bytes) -> Leaf:
    """The leaf in these bytes, of which exactly one spelling is accepted.

    Whether the register may hold it (its own party and environment) is the caller's to check.

    Raises:
        MalformedDocumentError: longer than 2,048 bytes (code TOO_LARGE), or not the canonical bytes of a leaf.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise MalformedDocumentError(f"entry of {len(data)} bytes: at most {MAX_ENTRY_BYTES}", code="TOO_LARGE")
    match = _LEAF.fullmatch(data)
    if match is None:
        raise MalformedDocumentError("entry is not a leaf of version 1 in canonical JSON")
    at, chain, document, environment, party = (group.decode("ascii") for group in match.groups())
    try:
        leaf = Leaf(
            at=parse_time(at),
            c=bytes.fromhex(chain),
            d=bytes.fromhex(document),
            environment=environment,
            party=party,
        )
    except ValueError as error:
        raise MalformedDocumentError(f"leaf not usable: {error}") from error
    if leaf.to_bytes() != data:
        raise MalformedDocumentError("leaf is not in its canonical form")
    return leaf


def leaf_origin(data: bytes) -> tuple[str, str]:
    """The Party and the environment of the leaf in these bytes: ``parse_leaf`` for who needs no more of it.

    It takes and refuses the same bytes in a sixth of the time; a node does this for every entry of every register.

    Raises:
        MalformedDocumentError: as ``parse_leaf``.
    """
    match = _LEAF.fullmatch(data)
    if match is None or match[1][11:13] == b"24":  # the hour 24 has another spelling, the next day's 00
        raise MalformedDocumentError("entry is not a leaf of version 1 in canonical JSON")
    try:
        datetime.fromisoformat(match[1].decode("ascii"))
    except ValueError as error:
        raise MalformedDocumentError(f"leaf not usable: {error}") from error
    return match[5].decode("ascii"), match[4].decode("ascii")


def document_commitment(salt: bytes, document: bytes) -> bytes:
    """``d``: SHA-256("epix/d/1" ‖ 0x00 ‖ Salt ‖ 0x00 ‖ exact bytes), with the 16 raw bytes of the document's salt."""
    _require_salt(salt)
    hashing = sha256(b"epix/d/1\x00" + salt + b"\x00")
    hashing.update(document)
    return hashing.digest()


def chain_commitment(permit_salt: bytes, party: str, index_in_chain: int) -> bytes:
    """``c``: SHA-256("epix/c/2" ‖ 0x00 ‖ PermitSalt ‖ 0x00 ‖ party ‖ 0x00 ‖ be32(index)).

    The index counts the entries with this PermitSalt in this party's register, from 0.
    """
    _require_salt(permit_salt)
    _require_party(party)
    if not 0 <= index_in_chain <= _LAST_CHAIN_INDEX:
        raise ValueError(f"chain index {index_in_chain}: expected 0 to {_LAST_CHAIN_INDEX}")
    chain = b"\x00".join((b"epix/c/2", permit_salt, party.encode("ascii"), index_in_chain.to_bytes(4, "big")))
    return sha256(chain).digest()


def _require_salt(salt: bytes) -> None:
    """Raise ``ValueError`` unless the salt is raw: its base64 text would make other commitments."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt of {len(salt)} bytes: expected {SALT_BYTES} raw bytes")


def _require_party(party: str) -> None:
    """Raise ``ValueError`` unless this is a Party code as contract 1 writes it."""
    if not _PARTY.fullmatch(party):
        raise ValueError(f"party {party!r}: expected two capital letters")
