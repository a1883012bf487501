"""A cosignature says when a checkpoint was the newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.cosignature import Cosigner, merged, valid_cosignatures, verify_cosignatures
from epix_node.register.note import MAX_SIGNATURES, Note, NoteSignature, format_note, parse_note

BODY = "epix.example.xa/sandbox/register/1\n2\nsTeYX/SE+2ANuTEHx3sDZcgNePW0Kd7Q/Zc2HQd5mes=\n"
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

# Made with openssl from the seed 20 21 … 3f, for 2026-03-01T10:00:00Z.
BLOB_AT_TEN = (
    "0000000069a40e20"
    "732697630f872322c71aa9504338d49035b8dbe7557f0f8ea4cb420e481f1643"
    "bce77a84b833b25cf5630de304bda51455dec608ef8163ef502bd2a7b12a0b0f"
)


def line(cosigner: Cosigner, blob: bytes) -> NoteSignature:
    return NoteSignature(name=cosigner.name, key_id=cosigner.verifier_key.key_id, signature=blob)


def test_a_cosignature_is_a_known_answer(cosigner):
    """Time and signature equal those that openssl makes."""
    signature = cosigner.sign(BODY, at=datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)).signature
    assert signature.hex() == BLOB_AT_TEN


def test_the_time_is_read_back_in_utc(cosigner):
    """Fractions are dropped, and zones do not matter."""
    at = NOON.astimezone(timezone(timedelta(hours=5))) + timedelta(microseconds=999_999)
    verified = verify_cosignatures(Note(body=BODY, signatures=(cosigner.sign(BODY, at=at),)), cosigner.verifier_key)
    assert verified == NOON
    assert verified.utcoffset() == timedelta(0)


def test_the_newest_of_several_times_counts(cosigner):
    """In whatever order the lines stand."""
    times = (NOON, NOON + timedelta(minutes=10), NOON - timedelta(minutes=10))
    note = Note(body=BODY, signatures=tuple(cosigner.sign(BODY, at=at) for at in times))
    assert verify_cosignatures(note, cosigner.verifier_key) == NOON + timedelta(minutes=10)


def test_cosignatures_by_others_are_ignored(cosigner):
    """Another key under the same name is another cosigner."""
    stranger = Cosigner(cosigner.name, Ed25519PrivateKey.generate())
    note = Note(body=BODY, signatures=(stranger.sign(BODY, at=NOON),))
    assert verify_cosignatures(note, cosigner.verifier_key) is None


def test_one_wrong_cosignature_spoils_the_note(cosigner):
    """Another body, another time, or a flipped bit: a known key's signature is right or the note is worth nothing."""
    good = cosigner.sign(BODY, at=NOON)
    other_time = (int.from_bytes(good.signature[:8], "big") + 1).to_bytes(8, "big") + good.signature[8:]
    flipped = good.signature[:-1] + bytes((good.signature[-1] ^ 1,))
    for wrong in (cosigner.sign("other\n", at=NOON), line(cosigner, other_time), line(cosigner, flipped)):
        with pytest.raises(TrustError) as caught:
            verify_cosignatures(Note(body=BODY, signatures=(good, wrong)), cosigner.verifier_key)
        assert caught.value.code == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(bytes(71), id="a byte too few"),
        pytest.param(bytes(73), id="a byte too many"),
        pytest.param(bytes(64), id="no time"),
        pytest.param(b"\xff" * 8 + bytes(64), id="a time beyond every calendar"),
    ],
)
def test_a_malformed_cosignature_by_a_known_key_is_refused(cosigner, blob):
    """It never becomes an overflow or a time."""
    with pytest.raises(MalformedDocumentError):
        verify_cosignatures(Note(body=BODY, signatures=(line(cosigner, blob),)), cosigner.verifier_key)


def test_the_last_second_of_the_calendar_can_be_read(cosigner):
    """The limit itself is no overflow."""
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    note = Note(body=BODY, signatures=(cosigner.sign(BODY, at=last),))
    assert verify_cosignatures(note, cosigner.verifier_key) == last


@pytest.mark.parametrize(
    "at",
    [datetime(2026, 3, 1, 12, 0, 0), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],  # noqa: DTZ001
)
def test_a_time_that_cannot_be_cosigned_is_refused(cosigner, at):
    """Naive times and times before 1970."""
    with pytest.raises(ValueError, match="cosignature"):
        cosigner.sign(BODY, at=at)


def test_a_note_key_verifies_no_cosignature(log, cosigner):
    """What a key is for is part of its identity."""
    note = Note(body=BODY, signatures=(cosigner.sign(BODY, at=NOON),))
    with pytest.raises(TrustError) as caught:
        verify_cosignatures(note, log.verifier_key)
    assert caught.value.code == "KEY_WRONG_USE"


def test_a_cosigner_needs_a_name_that_fits_a_note():
    """Spaces and plus signs would end the name early."""
    with pytest.raises(ValueError, match="key name"):
        Cosigner("a b", Ed25519PrivateKey.generate())


def test_the_example_of_the_specification_is_read(vectors):
    """Name, key ID and time of the cosignature printed in C2SP tlog-cosignature, whose key is not published."""
    examples = vectors("c2sp-spec-examples/examples.json")
    note = parse_note(examples["checkpoint_with_cosignature_parse_only"].encode())
    expected = examples["cosignature_parsed"]
    cosignature = note.signatures[1]
    assert cosignature.name == expected["key_name"]
    assert cosignature.key_id.hex() == expected["key_id_hex"]
    assert len(cosignature.signature) == 72
    assert int.from_bytes(cosignature.signature[:8], "big") == expected["timestamp"]
    header = f"cosignature/v1\ntime {expected['timestamp']}\n"
    assert header + note.body == examples["cosignature_message"]


# Cosignatures of several witnesses -----------------------------------------------------------------------------------


def witness(n: int) -> Cosigner:
    return Cosigner(f"epix.example.w{n}/witness/1", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32))


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


def test_the_valid_cosignatures_are_told_with_their_times_in_the_order_of_the_keys(log, cosigner):
    """The newest of each key; keys that did not cosign are left out, and lines by others count for nothing."""
    first, second, absent, stranger = (witness(n) for n in range(1, 5))
    lines = [
        log.sign(BODY),
        second.sign(BODY, at=NOON + minutes(2)),
        stranger.sign(BODY, at=NOON),
        first.sign(BODY, at=NOON),
        first.sign(BODY, at=NOON + minutes(1)),
    ]
    note = Note(body=BODY, signatures=tuple(lines))
    found = valid_cosignatures(note, [first.verifier_key, absent.verifier_key, second.verifier_key])
    assert [(each.name, each.key, each.at, each.line) for each in found] == [
        (first.name, first.verifier_key, NOON + minutes(1), lines[4]),
        (second.name, second.verifier_key, NOON + minutes(2), lines[1]),
    ]


def test_one_wrong_cosignature_of_a_known_witness_spoils_the_note_for_all(log):
    """C.4 item 3: it is no matter of counting."""
    first, second = witness(1), witness(2)
    note = Note(body=BODY, signatures=(first.sign(BODY, at=NOON), second.sign("other\n", at=NOON)))
    with pytest.raises(TrustError) as caught:
        valid_cosignatures(note, [first.verifier_key, second.verifier_key])
    assert caught.value.code == "SIGNATURE_INVALID"
    assert len(valid_cosignatures(note, [first.verifier_key])) == 1
    assert valid_cosignatures(note, []) == ()


def test_a_witness_that_is_known_twice_is_refused():
    """One key may not count for two."""
    key = witness(1).verifier_key
    with pytest.raises(TrustError) as caught:
        valid_cosignatures(Note(body=BODY, signatures=(witness(1).sign(BODY, at=NOON),)), [key, key])
    assert caught.value.code == "KEY_UNKNOWN"


def test_lines_are_merged_the_same_way_in_whatever_order_they_come(log, cosigner):
    """The log's line, its own cosignature, then the witnesses by name; of each the newest."""
    own = Cosigner(log.name, cosigner.private_key)
    base = Note(body=BODY, signatures=(log.sign(BODY), own.sign(BODY, at=NOON)))
    lines = [
        witness(2).sign(BODY, at=NOON),
        own.sign(BODY, at=NOON + minutes(10)),
        witness(1).sign(BODY, at=NOON),
        witness(2).sign(BODY, at=NOON + minutes(1)),
    ]
    expected = Note(body=BODY, signatures=(base.signatures[0], lines[1], lines[2], lines[3]))
    assert merged(base, lines) == expected
    assert merged(base, reversed(lines)) == expected
    assert merged(expected, lines) == expected
    assert merged(Note(body=BODY, signatures=base.signatures[::-1]), lines) == expected
    assert merged(base, []) == base
    assert parse_note(format_note(merged(base, lines))) == expected


def test_at_most_64_lines_are_kept_and_the_oldest_go_first(log, cosigner):
    """The log's own cosignature stays, however old it is."""
    own = Cosigner(log.name, cosigner.private_key)
    base = Note(body=BODY, signatures=(log.sign(BODY), own.sign(BODY, at=NOON - minutes(60))))
    lines = [witness(n).sign(BODY, at=NOON + minutes(n)) for n in range(1, 80)]
    kept = merged(base, lines)
    assert len(kept.signatures) == MAX_SIGNATURES
    assert set(base.signatures) <= set(kept.signatures)
    assert set(kept.signatures[2:]) == set(lines[-62:])
