"""A proof that is carried away says that an entry is in the log, and who has seen it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, ProofError, TrustError
from epix_node.register.checkpoint import Checkpoint
from epix_node.register.cosignature import Cosigner
from epix_node.register.note import MAX_NOTE_BYTES, Note, NoteSigner, format_note
from epix_node.register.policy import WitnessPolicy, parse_policy
from epix_node.register.proof import inclusion_proof
from epix_node.register.tlog_proof import (
    MAX_EXTRA_BYTES,
    MAX_TLOG_PROOF_BYTES,
    TlogProof,
    format_tlog_proof,
    parse_tlog_proof,
    verify_tlog_proof,
)
from tests.register.conftest import ORIGIN
from tests.register.trees import Tree

TREE = Tree.of(300)
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
WITNESSES = [
    Cosigner(f"epix.example.w{n}/witness/1", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2, 3)
]
POLICY = WitnessPolicy.any_of({cosigner.name: cosigner.verifier_key for cosigner in WITNESSES}, 2)


def proof_of(log: NoteSigner, index: int, *, size: int = 300, witnesses: int = 0, origin: str = ORIGIN) -> TlogProof:
    """The proof of one entry, cosigned by so many witnesses at 12:00, 12:01, 12:02."""
    body = Checkpoint(origin=origin, size=size, root=TREE.root(size)).body()
    lines = [WITNESSES[n].sign(body, at=NOON + timedelta(minutes=n)) for n in range(witnesses)]
    note = format_note(Note(body=body, signatures=(log.sign(body), *lines)))
    return TlogProof(index=index, hashes=inclusion_proof(TREE, index=index, size=size), checkpoint=note)


def check(log: NoteSigner, proof: TlogProof, *, entry: bytes = b"entry 7", policy: WitnessPolicy | None = POLICY):
    return verify_tlog_proof(proof, entry=entry, origin=ORIGIN, log_key=log.verifier_key, policy=policy)


def test_the_public_vectors_are_read_as_they_say(vectors):
    """Of transparency-dev/formats; what is valid is written again byte for byte."""
    for case in vectors("transparency-dev-formats/checkpoint_and_proof_vectors.json")["tlog_proof"]:
        data = case["text"].encode()
        if case["valid"]:
            proof = parse_tlog_proof(data)
            assert proof.index == case["index"], case["desc"]
            assert proof.hashes == tuple(b64decode(entry) for entry in case["hashes"]), case["desc"]
            assert format_tlog_proof(proof) == data, case["desc"]
        else:
            with pytest.raises(MalformedDocumentError):
                parse_tlog_proof(data)


def test_a_proof_without_witnesses_is_logged(log):
    """The log alone says so."""
    proven = check(log, proof_of(log, 7))
    assert (proven.index, proven.checkpoint.size) == (7, 300)
    assert (proven.cosignatures, proven.is_witnessed, proven.cosigned_at) == ((), False, None)
    assert not check(log, proof_of(log, 7), policy=None).is_witnessed


def test_a_proof_with_a_quorum_is_witnessed_since_its_second_witness(log):
    """Two of three; the third adds nothing."""
    assert not check(log, proof_of(log, 7, witnesses=1)).is_witnessed
    for count in (2, 3):
        proven = check(log, proof_of(log, 7, witnesses=count))
        assert proven.is_witnessed
        assert proven.cosigned_at == NOON + timedelta(minutes=1)
        assert [cosignature.name for cosignature in proven.cosignatures] == [each.name for each in WITNESSES[:count]]


def test_a_quorum_of_none_witnesses_nothing(log):
    """Whoever runs without witnesses gets LOGGED."""
    assert not check(log, proof_of(log, 7, witnesses=3), policy=parse_policy("quorum none\n")).is_witnessed


@given(st.integers(1, 300), st.data())
@settings(max_examples=40)
def test_every_entry_of_every_tree_can_be_proven(size, data):
    """And survives being written down."""
    log = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    index = data.draw(st.integers(0, size - 1))
    proof = parse_tlog_proof(format_tlog_proof(proof_of(log, index, size=size)))
    assert check(log, proof, entry=f"entry {index}".encode()).index == index


def test_each_lie_in_a_proof_is_caught(log):
    """Another entry, another place, another log, a signature that is not the log's, a wrong cosignature."""
    good = proof_of(log, 7, witnesses=2)

    def variant(**members) -> TlogProof:
        return TlogProof(**{"index": 7, "hashes": good.hashes, "checkpoint": good.checkpoint, **members})

    stranger = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    body = Checkpoint(origin=ORIGIN, size=300, root=TREE.root(300)).body()
    wrong = WITNESSES[2].sign("another\n", at=NOON)
    table = [
        ({"index": 8}, ProofError),
        ({"index": 300}, ProofError),
        ({"hashes": good.hashes[:-1]}, ProofError),
        ({"hashes": good.hashes[::-1]}, ProofError),
        ({"checkpoint": proof_of(log, 7, size=299).checkpoint}, ProofError),
        ({"checkpoint": proof_of(stranger, 7).checkpoint}, TrustError),
        ({"checkpoint": proof_of(log, 7, origin="another").checkpoint}, TrustError),
        ({"checkpoint": good.checkpoint.replace(b"\n300\n", b"\n301\n")}, TrustError),
        ({"checkpoint": format_note(Note(body=body, signatures=(log.sign(body), wrong)))}, TrustError),
        ({"checkpoint": b"test checkpoint\n"}, MalformedDocumentError),
    ]
    check(log, good)
    for members, error in table:
        with pytest.raises(error):
            check(log, variant(**members))
    with pytest.raises(ProofError):
        check(log, good, entry=b"entry 8")


def test_extra_data_is_carried_and_believed_by_nobody(log):
    """The proof is as good with it as without."""
    plain = proof_of(log, 7)
    proof = TlogProof(index=7, hashes=plain.hashes, checkpoint=plain.checkpoint, extra=b"anything \x00")
    assert parse_tlog_proof(format_tlog_proof(proof)) == proof
    assert check(log, proof) == check(log, plain)


HASH = b64encode(bytes(32)) + b"\n"
START = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(START, id="a header"),
        pytest.param(START + b"index 0\n", id="no checkpoint"),
        pytest.param(START + b"index 0\n\n", id="an empty checkpoint"),
        pytest.param(b"c2sp.org/tlog-proof@v2\nindex 0\n\nnote", id="another version"),
        pytest.param(b" " + START + b"index 0\n\nnote", id="a space before"),
        pytest.param(START.replace(b"\n", b"\r\n") + b"index 0\r\n\r\nnote", id="carriage returns"),
        pytest.param(START + b"index 0\nextra AAAA\n\nnote", id="extra data after the index"),
        pytest.param(START + b"extra AAAA\nextra AAAA\nindex 0\n\nnote", id="extra data twice"),
        pytest.param(START + b"extra \nindex 0\n\nnote", id="no extra data"),
        pytest.param(START + b"extra\nindex 0\n\nnote", id="extra without a space"),
        pytest.param(START + b"extra AAA\nindex 0\n\nnote", id="extra data that is not base64"),
        pytest.param(START + b"index 00\n\nnote", id="a leading zero"),
        pytest.param(START + b"index +1\n\nnote", id="a sign"),
        pytest.param(START + "index １\n\nnote".encode(), id="a wide digit"),
        pytest.param(START + b"index 9223372036854775807\n\nnote", id="an index that no tree has"),
        pytest.param(START + b"index 0 \n\nnote", id="a space behind"),
        pytest.param(START + b"index 0\nindex 0\n\nnote", id="the index twice"),
        pytest.param(START + b"index 0\nAAAA\n\nnote", id="a short hash"),
        pytest.param(START + b"index 0\n" + HASH * 64 + b"\nnote", id="64 hashes"),
        pytest.param(START + b"index 0\n\xff\n\nnote", id="no ASCII"),
        pytest.param(START + b"index 0\n\n" + b"x" * (MAX_NOTE_BYTES + 1), id="a checkpoint that is too long"),
        pytest.param(START + b"x" * MAX_TLOG_PROOF_BYTES, id="too long"),
        pytest.param(
            START + b"extra " + b64encode(bytes(MAX_EXTRA_BYTES + 1)) + b"\nindex 0\n\nnote", id="too much extra data"
        ),
    ],
)
def test_any_other_text_is_no_proof(data):
    """One proof has one form."""
    with pytest.raises(MalformedDocumentError):
        parse_tlog_proof(data)


@pytest.mark.parametrize(
    "members",
    [{"index": -1}, {"index": 2**63 - 1}, {"hashes": (bytes(31),)}, {"hashes": (bytes(32),) * 64}, {"extra": b""}],
)
def test_a_proof_that_nobody_would_read_is_not_made(members):
    """Our own mistakes show before anything is written."""
    with pytest.raises(ValueError, match=r"index|proof|extra"):
        TlogProof(**{"index": 0, "hashes": (), "checkpoint": b"x", **members})
