"""Real logs and another witness, replayed: what they said once is judged here as it was there (``recorded.json``)."""

from __future__ import annotations

import json
from base64 import b64decode
from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from epix_node.errors import ProofError, TrustError
from epix_node.register.checkpoint import verify_checkpoint
from epix_node.register.note import KeyKind, VerifierKey, parse_note
from epix_node.register.proof import verify_consistency, verify_inclusion
from epix_node.register.witness import Refusal, claimed_by_its_log, decide, parse_add_checkpoint

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text(encoding="utf-8"))


def test_an_entry_of_a_certificate_transparency_log_of_962_million_is_in_it():
    """Google Argon 2020, entry 10,000; and in no other place."""
    log = RECORDED["argon2020"]
    claim = {
        "leaf_hash": b64decode(log["leaf_hash"]),
        "index": log["index"],
        "size": log["size"],
        "proof": [b64decode(entry) for entry in log["audit_path"]],
        "root": b64decode(log["root"]),
    }
    verify_inclusion(**claim)
    for change in ({"index": 10_001}, {"proof": claim["proof"][::-1]}, {"root": b64decode(log["old_root"])}):
        with pytest.raises(ProofError):
            verify_inclusion(**{**claim, **change})


def test_that_log_grew_out_of_what_it_was():
    """From 3.6 million entries to 962 million."""
    log = RECORDED["argon2020"]
    claim = {
        "old_size": log["old_size"],
        "old_root": b64decode(log["old_root"]),
        "new_size": log["size"],
        "new_root": b64decode(log["root"]),
        "proof": [b64decode(entry) for entry in log["consistency"]],
    }
    verify_consistency(**claim)
    for change in ({"old_size": log["old_size"] + 1}, {"old_root": claim["new_root"]}, {"proof": claim["proof"][1:]}):
        with pytest.raises(ProofError):
            verify_consistency(**{**claim, **change})


def test_the_checkpoints_of_the_go_checksum_database_verify():
    """Four of them, over four years; one with lines of a witness that nobody here knows."""
    log = RECORDED["sumdb"]
    key = VerifierKey.parse(log["vkey"])
    sizes = []
    for note in log["notes"]:
        verified = verify_checkpoint(note.encode(), origin=log["origin"], log_key=key, cosigner_key=None)
        sizes.append(verified.checkpoint.size)
        grown = note.replace(f"\n{verified.checkpoint.size}\n", f"\n{verified.checkpoint.size + 1}\n", 1)
        with pytest.raises(TrustError):
            verify_checkpoint(grown.encode(), origin=log["origin"], log_key=key, cosigner_key=None)
    assert sizes == [15_067_302, 15_081_221, 35_225_469, 63_096_908]
    assert len(parse_note(log["notes"][1].encode()).signatures) == 3


def test_the_conversation_with_another_witness_ends_the_same_way_here():
    """litewitness: a first checkpoint, five that it refuses, and two that grew out of what it held."""
    transcript = RECORDED["litewitness"]
    origin = transcript["origin"]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(transcript["log_public_key"]))
    keys = {origin: VerifierKey.of(origin, KeyKind.NOTE, public)}
    held = None
    for step in transcript["steps"]:
        request = parse_add_checkpoint(step["request"].encode())
        answer = claimed_by_its_log(request, key_of=keys.get)
        if not isinstance(answer, Refusal):
            verified = answer
            answer = decide(request, held=held, verified=verified)
            held = verified if answer is None else held
        status = HTTPStatus.OK if answer is None else answer.status
        assert status == step["status"], step["what"]
        if status == HTTPStatus.CONFLICT:
            assert answer.body == b"3\n"
    assert held is not None
    assert held.size == 5
