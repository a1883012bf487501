"""A proof that an entry is in a log, for use without a network (C.4 item 7; c2sp.org/tlog-proof@v1).

c2sp.org/tlog-proof@v1
extra <base64>                                   (optional; means nothing to the proof and is never trusted)
index <number of the entry>
<hash of the inclusion proof, base64>            0 to 63 times
                                                 (an empty line)
<checkpoint, with the cosignatures of witnesses>
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from epix_node.errors import MalformedDocumentError
from epix_node.register.checkpoint import Checkpoint, read_size, verify_checkpoint
from epix_node.register.cosignature import Cosignature, valid_cosignatures
from epix_node.register.merkle import HASH_BYTES, MAX_TREE_SIZE, leaf_hash
from epix_node.register.note import MAX_NOTE_BYTES, VerifierKey, decode_base64, parse_note
from epix_node.register.policy import WitnessPolicy
from epix_node.register.preamble import read_hashes, split_preamble
from epix_node.register.proof import MAX_PROOF_HASHES, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"

MAX_EXTRA_BYTES = 64 * 1024
"""Longest extra data accepted, in bytes; this program writes the entry there."""

MAX_TLOG_PROOF_BYTES = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES
"""Longest proof accepted, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """A proof as it was read, nothing of it verified. Raises ``ValueError`` for one that cannot be written."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The note, byte for byte."""
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_TREE_SIZE:
            raise ValueError(f"index {self.index}: expected 0 to {MAX_TREE_SIZE - 1}")
        if len(self.hashes) > MAX_PROOF_HASHES:
            raise ValueError(f"proof of {len(self.hashes)} hashes: expected at most {MAX_PROOF_HASHES}")
        if any(len(entry) != HASH_BYTES for entry in self.hashes):
            raise ValueError(f"proof with a hash that is not {HASH_BYTES} bytes long")
        if not 0 < len(self.checkpoint) <= MAX_NOTE_BYTES:
            raise ValueError(f"checkpoint of {len(self.checkpoint)} bytes: expected 1 to {MAX_NOTE_BYTES}")
        if self.extra is not None and not 0 < len(self.extra) <= MAX_EXTRA_BYTES:
            raise ValueError(f"extra data of {len(self.extra)} bytes: expected 1 to {MAX_EXTRA_BYTES}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEntry:
    """An entry that is in the log: what a verified proof says."""

    index: int
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    """The verified ones by witnesses of the policy."""
    is_witnessed: bool
    """The quorum of the policy cosigned (``WITNESSED``); otherwise the log alone speaks (``LOGGED``)."""
    cosigned_at: datetime | None
    """By when the quorum had cosigned, aware, in UTC; None where it has not."""


def format_tlog_proof(proof: TlogProof) -> bytes:
    """The bytes of the proof; ``parse_tlog_proof`` gives the same proof back."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {b64encode(proof.extra).decode('ascii')}")
    lines.append(f"index {proof.index}")
    lines += (b64encode(entry).decode("ascii") for entry in proof.hashes)
    return "\n".join([*lines, "", ""]).encode() + proof.checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """The proof in these bytes, nothing of it verified. Raises ``MalformedDocumentError``."""
    (header, *lines), checkpoint = split_preamble(data, most=MAX_TLOG_PROOF_BYTES, what="proof")
    if header != HEADER:
        raise MalformedDocumentError(f"the first line of a proof is {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise MalformedDocumentError("a proof says the index of its entry")
    index, *hashes = lines
    try:
        return TlogProof(
            index=read_size(index.removeprefix("index ")),
            hashes=read_hashes(hashes),
            checkpoint=checkpoint,
            extra=extra,
        )
    except ValueError as error:
        raise MalformedDocumentError(f"proof not usable: {error}") from error


def verify_tlog_proof(
    proof: TlogProof, *, entry: bytes, origin: str, log_key: VerifierKey, policy: WitnessPolicy | None
) -> ProvenEntry:
    """That the log ``origin`` holds these exact bytes as an entry, and who else has seen it.

    Too few witnesses are no error: ``is_witnessed`` is False, and the caller grades. The extra data is not looked at.

    Raises:
        MalformedDocumentError: the checkpoint is not one.
        TrustError: a signature by the log or by a witness of the policy is wrong (SIGNATURE_INVALID); the log did not
            sign (KEY_UNKNOWN); a checkpoint of another log (CONTENT_MISMATCH).
        ProofError: the entry is not the one at this index of the tree.
    """
    verified = verify_checkpoint(proof.checkpoint, origin=origin, log_key=log_key, cosigner_key=None)
    cosignatures: tuple[Cosignature, ...] = ()
    if policy is not None:
        cosignatures = valid_cosignatures(parse_note(proof.checkpoint), policy.keys)
    tree = verified.checkpoint
    verify_inclusion(leaf_hash=leaf_hash(entry), index=proof.index, size=tree.size, proof=proof.hashes, root=tree.root)
    return ProvenEntry(
        index=proof.index,
        checkpoint=tree,
        cosignatures=cosignatures,
        is_witnessed=policy is not None and policy.satisfied_by([cosignature.key for cosignature in cosignatures]),
        cosigned_at=None if policy is None else policy.earliest_time(cosignatures),
    )
