"""Evidence convicts a log by its own signatures, or not at all."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.checkpoint import Checkpoint
from epix_node.register.cosignature import Cosigner
from epix_node.register.evidence import (
    MAX_CONFLICT_BYTES,
    Conflict,
    Finding,
    conflict_of,
    encode_conflict,
    judge,
    parse_conflict,
)
from epix_node.register.merkle import EMPTY_ROOT
from epix_node.register.note import MAX_NOTE_BYTES, Note, NoteSigner, format_note
from epix_node.register.proof import consistency_proof, seeded_proof
from tests.register.conftest import ORIGIN
from tests.register.trees import Tree

LOG = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEY = LOG.verifier_key
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

TREE = Tree.of(70)
SPLIT = Tree([*TREE.leaves[:3], bytes(32), *TREE.leaves[4:]])
"""The same log with another entry 3: shown to someone else."""


def note(tree: Tree, size: int, *, log: NoteSigner = LOG, origin: str = ORIGIN) -> bytes:
    body = Checkpoint(origin=origin, size=size, root=tree.root(size)).body()
    return format_note(Note(body=body, signatures=(log.sign(body),)))


def conflict(a: bytes, b: bytes, proof: tuple[bytes, ...] | None = None) -> Conflict:
    return Conflict(log=KEY, note_a=a, note_b=b, proof=proof)


def seeded(tree: Tree, old: int, new: int) -> tuple[bytes, ...]:
    return seeded_proof(tree, old_size=old, new_size=new)


def test_two_roots_for_one_size_convict():
    """No proof is needed, and none is kept."""
    found = conflict_of(note(TREE, 9), note(SPLIT, 9), log_key=KEY, reader=None)
    assert found is not None
    judgement = judge(found, log_key=KEY)
    assert judgement.is_guilty
    assert judgement.finding is Finding.GUILTY
    assert "two different roots for the same 9 entries" in judgement.reason
    assert {judgement.smaller.root, judgement.larger.root} == {TREE.root(9), SPLIT.root(9)}


@given(st.integers(4, 69), st.data())
@settings(max_examples=80)
def test_a_larger_tree_with_another_past_convicts(old, data):
    """Whatever the two sizes are, powers of two among them, and whichever note is given first."""
    new = data.draw(st.integers(old + 1, 70))
    a, b = note(TREE, old), note(SPLIT, new)
    found = conflict_of(a, b, log_key=KEY, reader=SPLIT)
    assert found is not None
    assert found == conflict_of(b, a, log_key=KEY, reader=SPLIT)
    judgement = judge(found, log_key=KEY)
    assert judgement.is_guilty
    assert (judgement.smaller.size, judgement.larger.size) == (old, new)
    assert judgement.prefix_root == SPLIT.root(old) != TREE.root(old)
    assert f"a tree of {new} entries whose first {old}" in judgement.reason
    read = parse_conflict(encode_conflict(found))
    assert read == found
    assert read.id == found.id
    assert judge(read, log_key=KEY) == judgement


@given(st.integers(0, 70), st.integers(0, 70))
@settings(max_examples=60)
def test_an_honest_log_is_never_convicted(one, other):
    """By its own checkpoints and true proofs."""
    old, new = sorted((one, other))
    assert conflict_of(note(TREE, old), note(TREE, new), log_key=KEY, reader=TREE) is None
    if 0 < old < new:
        judgement = judge(conflict(note(TREE, old), note(TREE, new), seeded(TREE, old, new)), log_key=KEY)
        assert judgement.finding is Finding.NOT_PROVEN
        assert "grew out of" in judgement.reason


@given(st.integers(1, 69), st.data())
@settings(max_examples=80)
def test_no_made_up_proof_convicts_an_honest_log(old, data):
    """Hashes of one's own choice do not lead to a root that the log signed."""
    new = data.draw(st.integers(old + 1, 70))
    true = seeded(TREE, old, new)
    forged = list(true)
    at = data.draw(st.integers(0, len(true) - 1))
    forged[at] = data.draw(st.binary(min_size=32, max_size=32).filter(lambda other: other != true[at]))
    for proof in (forged, true[:-1], [*true, bytes(32)], seeded(SPLIT, old, new) if old > 3 else [bytes(32)]):
        if not proof:
            continue
        judgement = judge(conflict(note(TREE, old), note(TREE, new), tuple(proof)), log_key=KEY)
        assert judgement.finding is Finding.NOT_PROVEN, proof


def test_what_proves_nothing_is_said_in_a_sentence():
    """Each reason apart, and no exception."""
    stranger = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    cosigner = Cosigner(ORIGIN, Ed25519PrivateKey.generate())
    body = "not a checkpoint\n"
    odd = format_note(Note(body=body, signatures=(LOG.sign(body),)))
    wrong_root = f"{ORIGIN}\n0\n{b64encode(bytes(32)).decode()}\n"
    empty = format_note(Note(body=wrong_root, signatures=(LOG.sign(wrong_root),)))
    plain = consistency_proof(SPLIT, old_size=8, new_size=70)
    table = [
        (conflict(note(TREE, 9), note(SPLIT, 9, log=stranger)), KEY, "not two checkpoints that the log signed"),
        (conflict(note(TREE, 9), note(SPLIT, 9).replace(b"\n9\n", b"\n8\n")), KEY, "not two checkpoints"),
        (conflict(note(TREE, 9), b"rubbish"), KEY, "not two checkpoints"),
        (conflict(note(TREE, 9), odd), KEY, "not two checkpoints"),
        (conflict(note(TREE, 9), empty), KEY, "not two checkpoints"),
        (conflict(note(TREE, 9), note(SPLIT, 9)), stranger.verifier_key, "is about the key"),
        (
            Conflict(log=cosigner.verifier_key, note_a=note(TREE, 9), note_b=note(SPLIT, 9)),
            cosigner.verifier_key,
            "not two checkpoints",
        ),
        (conflict(note(TREE, 9), note(SPLIT, 9, origin="another")), KEY, "of two logs"),
        (conflict(note(TREE, 9), note(TREE, 9)), KEY, "the same root for 9 entries"),
        (conflict(note(TREE, 9), note(SPLIT, 10)), KEY, "without a proof"),
        (conflict(note(TREE, 0), note(SPLIT, 10), (bytes(32),)), KEY, "empty tree as its beginning"),
        (conflict(note(TREE, 9), note(SPLIT, 10), (bytes(32),)), KEY, "the proof is none"),
        (conflict(note(TREE, 8), note(SPLIT, 70), plain), KEY, "the proof is none"),
        (conflict(note(TREE, 9), note(SPLIT, 70), seeded(TREE, 9, 70)), KEY, "does not belong to the tree of 70"),
    ]
    for evidence, key, reason in table:
        judgement = judge(evidence, log_key=key)
        assert judgement.finding is Finding.NOT_PROVEN
        assert reason in judgement.reason, judgement.reason


def test_two_roots_for_the_empty_tree_are_no_checkpoints():
    """There is one empty tree."""
    assert TREE.root(0) == EMPTY_ROOT
    assert conflict_of(note(TREE, 0), note(SPLIT, 0), log_key=KEY, reader=None) is None


def test_without_a_reader_two_sizes_are_no_evidence_yet():
    """Someone with the larger tree may find it."""
    assert conflict_of(note(TREE, 9), note(SPLIT, 10), log_key=KEY, reader=None) is None
    # The smaller tree, or another one, does not lead to the root that was signed.
    assert conflict_of(note(TREE, 9), note(SPLIT, 10), log_key=KEY, reader=TREE) is None


def test_notes_that_the_log_did_not_sign_make_no_evidence():
    """That is an error of whoever asked."""
    stranger = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    with pytest.raises(TrustError):
        conflict_of(note(TREE, 9), note(SPLIT, 9, log=stranger), log_key=KEY, reader=None)
    with pytest.raises(MalformedDocumentError):
        conflict_of(b"rubbish", note(SPLIT, 9), log_key=KEY, reader=None)


def test_one_conflict_has_one_id_everywhere():
    """Whichever cosignatures the notes carried, in whichever order they came; another conflict has another."""
    witness = Cosigner("w.example", Ed25519PrivateKey.generate())

    def cosigned(data: bytes) -> bytes:
        body = data.decode().partition("\n\n")[0] + "\n"
        return format_note(Note(body=body, signatures=(witness.sign(body, at=NOON), LOG.sign(body), LOG.sign(body))))

    a, b = note(TREE, 9), note(SPLIT, 9)
    found = conflict_of(a, b, log_key=KEY, reader=None)
    assert found == conflict_of(cosigned(b), cosigned(a), log_key=KEY, reader=None)
    raw = conflict(cosigned(b), a)
    assert judge(raw, log_key=KEY).is_guilty
    assert raw.id == conflict(a, cosigned(b)).id == conflict(b, a).id == found.id
    assert found.id != conflict_of(note(TREE, 10), note(SPLIT, 10), log_key=KEY, reader=None).id
    larger = conflict_of(a, note(SPLIT, 20), log_key=KEY, reader=SPLIT)
    assert larger.id == conflict(a, note(SPLIT, 20)).id  # with and without its proof


def test_the_encoding_is_canonical_json():
    """The members of C.4 item 10, with the key."""
    found = conflict_of(note(TREE, 8), note(SPLIT, 70), log_key=KEY, reader=SPLIT)
    data = encode_conflict(found)
    members = json.loads(data)
    assert set(members) == {"spec", "log", "note_a", "note_b", "proof"}
    assert members["spec"] == "epix-conflict/1"
    assert members["log"] == KEY.vkey
    assert rfc8785.dumps(members) == data
    assert "proof" not in json.loads(
        encode_conflict(conflict_of(note(TREE, 9), note(SPLIT, 9), log_key=KEY, reader=None))
    )
    assert parse_conflict(data + b"\n") == found


def test_a_log_with_a_name_of_many_scripts_can_be_convicted():
    """Names are UTF-8."""
    log = NoteSigner("épix.example/登録/1", Ed25519PrivateKey.generate())
    a, b = (note(tree, 9, log=log, origin=log.name) for tree in (TREE, SPLIT))
    found = conflict_of(a, b, log_key=log.verifier_key, reader=None)
    assert judge(parse_conflict(encode_conflict(found)), log_key=log.verifier_key).is_guilty


GOOD = encode_conflict(conflict_of(note(TREE, 8), note(SPLIT, 70), log_key=KEY, reader=SPLIT))
MEMBERS = json.loads(GOOD)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="no members"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b" " + GOOD, id="a space before"),
        pytest.param(GOOD + b" ", id="a space behind"),
        pytest.param(GOOD + b"\n\n", id="two newlines"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="a byte order mark"),
        pytest.param(json.dumps(MEMBERS).encode(), id="blanks"),
        pytest.param(rfc8785.dumps({**MEMBERS, "more": 1}), id="a member more"),
        pytest.param(rfc8785.dumps({**MEMBERS, "spec": "epix-conflict/2"}), id="another version"),
        pytest.param(GOOD.replace(b'{"log"', b'{"log":"x","log"'), id="a member twice"),
        pytest.param(rfc8785.dumps({**MEMBERS, "note_a": MEMBERS["note_b"], "note_b": MEMBERS["note_a"]}), id="order"),
        pytest.param(rfc8785.dumps({**MEMBERS, "note_a": 5}), id="a number for a note"),
        pytest.param(rfc8785.dumps({**MEMBERS, "note_a": ""}), id="an empty note"),
        pytest.param(rfc8785.dumps({**MEMBERS, "note_a": "AAA"}), id="no base64"),
        pytest.param(rfc8785.dumps({**MEMBERS, "log": "x"}), id="no vkey"),
        pytest.param(rfc8785.dumps({**MEMBERS, "log": KEY.vkey + "\u2028"}), id="a vkey and more"),
        pytest.param(rfc8785.dumps({**MEMBERS, "proof": []}), id="an empty proof"),
        pytest.param(rfc8785.dumps({**MEMBERS, "proof": None}), id="no proof but its member"),
        pytest.param(rfc8785.dumps({**MEMBERS, "proof": ["AAAA"]}), id="a short hash"),
        pytest.param(rfc8785.dumps({**MEMBERS, "proof": [b64encode(bytes(32)).decode()] * 65}), id="65 hashes"),
        pytest.param(GOOD.replace(b"epix.example", b"epix.\xff\xfeample", 1), id="no UTF-8"),
        pytest.param(
            rfc8785.dumps({**MEMBERS, "note_b": b64encode(b"\xff" * (MAX_NOTE_BYTES + 1)).decode()}), id="a long note"
        ),
        pytest.param(b"x" * (MAX_CONFLICT_BYTES + 1), id="too long"),
    ],
)
def test_any_other_bytes_are_no_evidence(data):
    """One conflict has one form."""
    with pytest.raises(MalformedDocumentError):
        parse_conflict(data)


def test_the_largest_evidence_is_read():
    """Two notes of the longest kind and 64 hashes."""
    largest = Conflict(
        log=KEY, note_a=b"a" * MAX_NOTE_BYTES, note_b=b"b" * MAX_NOTE_BYTES, proof=tuple([bytes(32)] * 64)
    )
    assert parse_conflict(encode_conflict(largest)) == largest


@pytest.mark.parametrize(
    "members",
    [
        {"note_a": b""},
        {"note_b": b"x" * (MAX_NOTE_BYTES + 1)},
        {"proof": ()},
        {"proof": (bytes(31),)},
        {"proof": (bytes(32),) * 65},
    ],
)
def test_evidence_that_nobody_would_read_is_not_made(members):
    """Our own mistakes show before anything is sent."""
    with pytest.raises(ValueError, match=r"note|proof"):
        Conflict(**{"log": KEY, "note_a": b"a", "note_b": b"b", **members})
