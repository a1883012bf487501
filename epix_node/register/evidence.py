"""Evidence that a log has two histories, which anybody can check without trusting whoever brings it (C.4 item 10).

A log signs one root for each size, and each tree it signs has the one before it as its beginning. So two of its own
checkpoints convict it: two roots for one size; or a larger tree whose first leaves, as many as the smaller tree has,
have another root. For the second a *seeded* proof (``proof``) leads to both: to the root of the larger checkpoint, so
it speaks of that tree, and to a root of the smaller size that the log never could have signed beside it.

Nothing else is evidence: that a log is silent, slow or smaller than before can be said about anyone.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import rfc8785

from epix_node.errors import MalformedDocumentError, ProofError, TrustError
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body
from epix_node.register.merkle import HASH_BYTES
from epix_node.register.note import (
    MAX_NOTE_BYTES,
    Note,
    VerifierKey,
    decode_base64,
    format_note,
    parse_note,
    verify_note,
)
from epix_node.register.proof import MAX_PROOF_HASHES, HashReader, roots_of_consistency, seeded_proof

SPEC = "epix-conflict/1"

MAX_SEEDED_HASHES = MAX_PROOF_HASHES + 1
"""Most hashes of the proof: a seed, and what tlog-witness allows."""

MAX_CONFLICT_BYTES = 3 * MAX_NOTE_BYTES
"""Longest evidence accepted, in bytes: two notes in base64, a key and a proof."""

# RFC 8785 leaves these members no freedom, so one expression says it all; base64 needs no escapes, and a vkey that
# would need one is no vkey that this program writes. A JSON parser would let doubled members through to later checks.
_BASE64 = rb"[A-Za-z0-9+/]+={0,2}"
_ENCODED = re.compile(
    rb'\{"log":"[^"\\\x00-\x20]{1,1024}","note_a":"' + _BASE64 + rb'","note_b":"' + _BASE64 + rb'",'
    rb'(?:"proof":\["' + _BASE64 + rb'"(?:,"' + _BASE64 + rb'"){0,63}\],)?"spec":"epix-conflict/1"\}'
)


class Finding(StrEnum):
    """What evidence shows."""

    GUILTY = "GUILTY"
    """The log has signed two histories."""
    NOT_PROVEN = "NOT_PROVEN"
    """This evidence does not show it; other evidence may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two notes that one log is said to have signed, in the order of their bytes whichever way they are given.

    Raises ``ValueError`` for what cannot be written; nothing of it is verified.
    """

    log: VerifierKey
    """The key that is said to have signed both. Whose it is, the trust list says, not this evidence."""
    note_a: bytes
    note_b: bytes
    proof: tuple[bytes, ...] | None = None
    """Seeded consistency proof from the smaller tree's size within the larger tree; None between equal sizes."""

    def __post_init__(self) -> None:
        if self.note_a > self.note_b:
            first, second = self.note_b, self.note_a
            object.__setattr__(self, "note_a", first)
            object.__setattr__(self, "note_b", second)
        for note in (self.note_a, self.note_b):
            if not 0 < len(note) <= MAX_NOTE_BYTES:
                raise ValueError(f"note of {len(note)} bytes: expected 1 to {MAX_NOTE_BYTES}")
        if self.proof is not None:
            if not 1 <= len(self.proof) <= MAX_SEEDED_HASHES:
                raise ValueError(f"proof of {len(self.proof)} hashes: expected 1 to {MAX_SEEDED_HASHES}")
            if any(len(entry) != HASH_BYTES for entry in self.proof):
                raise ValueError(f"proof with a hash that is not {HASH_BYTES} bytes long")

    @property
    def id(self) -> str:
        """The same for everyone who caught the log with these two statements: 64 hexadecimal digits.

        SHA-256 of the canonical JSON of this conflict without its proof, its notes stripped to the text that was
        signed: neither further cosignatures nor another signature by the log make it another conflict.
        """
        bodies = sorted(note.rpartition(b"\n\n")[0] or note for note in (self.note_a, self.note_b))
        return sha256(_canonical(self.log, bodies[0], bodies[1], None)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the evidence shows, why in one sentence, and the two checkpoints as far as they could be believed."""

    finding: Finding
    reason: str
    smaller: Checkpoint | None = None
    larger: Checkpoint | None = None
    prefix_root: bytes | None = None
    """What the root of the smaller checkpoint would be if the larger tree had grown out of it."""

    @property
    def is_guilty(self) -> bool:
        """The log has signed two histories, whoever says so."""
        return self.finding is Finding.GUILTY


def encode_conflict(conflict: Conflict) -> bytes:
    """The evidence as canonical JSON (RFC 8785); ``parse_conflict`` gives the same conflict back."""
    return _canonical(conflict.log, conflict.note_a, conflict.note_b, conflict.proof)


def parse_conflict(data: bytes) -> Conflict:
    """The conflict in these bytes, nothing of it verified. Raises ``MalformedDocumentError``."""
    if len(data) > MAX_CONFLICT_BYTES:
        raise MalformedDocumentError(f"evidence of {len(data)} bytes: at most {MAX_CONFLICT_BYTES}", code="TOO_LARGE")
    # An editor's newline at the end is no reason not to judge a file.
    if not _ENCODED.fullmatch(data.removesuffix(b"\n")):
        raise MalformedDocumentError(f"not evidence in the form {SPEC}")
    try:
        members = json.loads(data.decode())
        proof = members.get("proof")
        conflict = Conflict(
            log=VerifierKey.parse(members["log"]),
            note_a=decode_base64(members["note_a"]),
            note_b=decode_base64(members["note_b"]),
            proof=None if proof is None else tuple(decode_base64(entry) for entry in proof),
        )
    except UnicodeDecodeError as error:
        raise MalformedDocumentError("evidence is not UTF-8", code="NOT_UTF8") from error
    except ValueError as error:
        raise MalformedDocumentError(f"evidence not usable: {error}") from error
    if encode_conflict(conflict) != data.removesuffix(b"\n"):
        raise MalformedDocumentError("the notes of evidence stand in the order of their bytes")
    return conflict


def conflict_of(a: bytes, b: bytes, *, log_key: VerifierKey, reader: HashReader | None) -> Conflict | None:
    """The evidence in two notes of the log with this key, or None where they are none.

    ``reader`` knows the larger of the two trees: its hashes must lead to the root that was signed. It is not needed
    between equal sizes. Signatures by others are left out, so that the evidence is the same whoever makes it.

    Raises ``MalformedDocumentError`` and ``TrustError`` where a note is not a checkpoint that this key signed.
    """
    first, second = (_signed_by(note, log_key) for note in (a, b))
    smaller, larger = sorted((first.checkpoint, second.checkpoint), key=lambda checkpoint: checkpoint.size)
    proof = None
    if smaller.size != larger.size:
        if reader is None or smaller.size == 0:
            return None
        proof = seeded_proof(reader, old_size=smaller.size, new_size=larger.size)
    conflict = Conflict(log=log_key, note_a=first.bare, note_b=second.bare, proof=proof)
    return conflict if judge(conflict, log_key=log_key).is_guilty else None


def judge(conflict: Conflict, *, log_key: VerifierKey) -> Judgement:
    """Whether this is evidence against the log with this key, which the caller knows from elsewhere.

    Raises nothing: whatever is wrong with the evidence is the reason why it proves nothing.
    """
    if conflict.log != log_key:
        return _not_proven(f"the evidence is about the key {conflict.log.vkey}, not about {log_key.vkey}")
    try:
        first, second = (_signed_by(note, log_key).checkpoint for note in (conflict.note_a, conflict.note_b))
    except (MalformedDocumentError, TrustError) as error:
        return _not_proven(f"not two checkpoints that the log signed: {error}")
    smaller, larger = sorted((first, second), key=lambda checkpoint: (checkpoint.size, checkpoint.root))
    if smaller.origin != larger.origin:
        return _not_proven(f"the checkpoints are of two logs, {smaller.origin} and {larger.origin}")
    if smaller.size == larger.size:
        if smaller.root == larger.root:
            return _not_proven(f"both checkpoints give the same root for {smaller.size} entries", smaller, larger)
        return Judgement(
            finding=Finding.GUILTY,
            reason=f"{smaller.origin} signed two different roots for the same {smaller.size} entries",
            smaller=smaller,
            larger=larger,
        )
    if smaller.size == 0:
        return _not_proven("every tree has the empty tree as its beginning", smaller, larger)
    if conflict.proof is None:
        return _not_proven(
            f"trees of {smaller.size} and {larger.size} entries say nothing about each other without a proof",
            smaller,
            larger,
        )
    try:
        prefix_root, led_to = roots_of_consistency(old_size=smaller.size, new_size=larger.size, proof=conflict.proof)
    except ProofError as error:
        return _not_proven(f"the proof is none: {error}", smaller, larger)
    if led_to != larger.root:
        return _not_proven(f"the proof does not belong to the tree of {larger.size} entries", smaller, larger)
    if prefix_root == smaller.root:
        return _not_proven(f"the tree of {larger.size} entries grew out of the tree of {smaller.size}", smaller, larger)
    return Judgement(
        finding=Finding.GUILTY,
        reason=(
            f"{smaller.origin} signed a tree of {larger.size} entries whose first {smaller.size} are not the "
            f"{smaller.size} entries that it signed before"
        ),
        smaller=smaller,
        larger=larger,
        prefix_root=prefix_root,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A checkpoint that a log signed, and the note with no lines but the log's."""

    checkpoint: Checkpoint
    bare: bytes


def _signed_by(note_bytes: bytes, key: VerifierKey) -> _Signed:
    note = parse_note(note_bytes)
    verify_note(note, (key,))
    own = tuple(line for line in note.signatures if (line.name, line.key_id) == (key.name, key.key_id))
    bare = format_note(Note(body=note.body, signatures=own[:1]))
    return _Signed(checkpoint=parse_checkpoint_body(note.body), bare=bare)


def _not_proven(reason: str, smaller: Checkpoint | None = None, larger: Checkpoint | None = None) -> Judgement:
    return Judgement(finding=Finding.NOT_PROVEN, reason=reason, smaller=smaller, larger=larger)


def _canonical(log: VerifierKey, note_a: bytes, note_b: bytes, proof: tuple[bytes, ...] | None) -> bytes:
    members: dict[str, str | list[str]] = {
        "spec": SPEC,
        "log": log.vkey,
        "note_a": b64encode(note_a).decode("ascii"),
        "note_b": b64encode(note_b).decode("ascii"),
    }
    if proof is not None:
        members["proof"] = [b64encode(entry).decode("ascii") for entry in proof]
    return rfc8785.dumps(members)
