"""A witness cosigns what grew out of what it cosigned before, and says exactly why it does not."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.register.checkpoint import Checkpoint
from epix_node.register.cosignature import Cosigner
from epix_node.register.merkle import EMPTY_ROOT
from epix_node.register.note import MAX_NOTE_BYTES, Note, NoteSigner, format_note, format_signature_line
from epix_node.register.proof import consistency_proof
from epix_node.register.witness import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    SIZE_MEDIA_TYPE,
    AddCheckpoint,
    Refusal,
    claimed_by_its_log,
    decide,
    encode_add_checkpoint,
    monitoring_path,
    parse_add_checkpoint,
    parse_held_size,
    parse_signature_lines,
)
from tests.register.conftest import ORIGIN
from tests.register.trees import Tree

TREE = Tree.of(40)
OTHER = Tree.of(40, kind="other")
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def checkpoint(size: int, tree: Tree = TREE, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin=origin, size=size, root=tree.root(size))


def request_for(old: int, new: int, *, tree: Tree = TREE, proof: tuple[bytes, ...] | None = None) -> AddCheckpoint:
    if proof is None:
        proof = consistency_proof(tree, old_size=old, new_size=new) if 0 < old <= new else ()
    return AddCheckpoint(old_size=old, proof=proof, checkpoint=b"not looked at")


H = bytes(32)


@pytest.mark.parametrize(
    ("held", "request_", "verified", "status"),
    [
        pytest.param(None, request_for(0, 7), checkpoint(7), None, id="the first checkpoint"),
        pytest.param(None, request_for(0, 0), checkpoint(0), None, id="an empty tree first"),
        pytest.param(checkpoint(0), request_for(0, 0), checkpoint(0), None, id="an empty tree again"),
        pytest.param(checkpoint(0), request_for(0, 7), checkpoint(7), None, id="growth from nothing"),
        pytest.param(checkpoint(5), request_for(5, 7), checkpoint(7), None, id="growth"),
        pytest.param(checkpoint(8), request_for(8, 40), checkpoint(40), None, id="growth from a power of two"),
        pytest.param(checkpoint(7), request_for(7, 7), checkpoint(7), None, id="the same again"),
        pytest.param(checkpoint(7), request_for(9, 7), checkpoint(7), 400, id="old is more than new"),
        pytest.param(None, request_for(9, 7), checkpoint(7), 400, id="old is more than new, nothing held"),
        pytest.param(None, request_for(5, 7), checkpoint(7), 409, id="old where nothing is held"),
        pytest.param(checkpoint(5), request_for(0, 7), checkpoint(7), 409, id="the question which size is held"),
        pytest.param(checkpoint(5), request_for(4, 7), checkpoint(7), 409, id="behind"),
        pytest.param(checkpoint(5), request_for(6, 7), checkpoint(7), 409, id="ahead"),
        pytest.param(checkpoint(7), request_for(5, 5), checkpoint(5), 409, id="a smaller tree"),
        pytest.param(checkpoint(7), request_for(0, 0), checkpoint(0), 409, id="an empty tree after entries"),
        pytest.param(None, request_for(0, 7, proof=(H,)), checkpoint(7), 422, id="a proof from nothing"),
        pytest.param(None, request_for(0, 0, proof=(H,)), checkpoint(0), 422, id="a proof from nothing to nothing"),
        pytest.param(checkpoint(0), request_for(0, 7, proof=(H,)), checkpoint(7), 422, id="a proof from size 0"),
        pytest.param(checkpoint(7), request_for(7, 7), checkpoint(7, OTHER), 422, id="two roots for one size"),
        pytest.param(checkpoint(7), request_for(7, 7, proof=(H,)), checkpoint(7), 422, id="a proof between equals"),
        pytest.param(checkpoint(5), request_for(5, 7, proof=()), checkpoint(7), 422, id="no proof"),
        pytest.param(checkpoint(5), request_for(5, 7), checkpoint(7, OTHER), 422, id="another tree"),
        pytest.param(checkpoint(5, OTHER), request_for(5, 7), checkpoint(7), 422, id="out of another tree"),
        pytest.param(checkpoint(5), request_for(5, 7, tree=OTHER), checkpoint(7), 422, id="the proof of another tree"),
    ],
)
def test_a_witness_decides_as_the_specification_says(held, request_, verified, status):
    """C.4 item 7; 409 says what is held, and one root more for a size is told apart as evidence."""
    refusal = decide(request_, held=held, verified=verified)
    assert (None if refusal is None else refusal.status) == status
    if refusal is None:
        return
    assert refusal.detail
    assert refusal.is_two_histories is (
        held is not None and held.size == verified.size == request_.old_size and held.root != verified.root
    )
    held_size = 0 if held is None else held.size
    if status == HTTPStatus.CONFLICT:
        assert (refusal.media_type, refusal.body) == (SIZE_MEDIA_TYPE, f"{held_size}\n".encode())
        assert parse_held_size(refusal.body) == held_size
    else:
        assert refusal.media_type == "text/plain"
        assert refusal.body.endswith(b"\n")


def test_checkpoints_of_two_logs_are_never_compared():
    """That would be a mistake of the caller."""
    with pytest.raises(ValueError, match="compared with"):
        decide(request_for(5, 7), held=checkpoint(5, origin="other"), verified=checkpoint(7))


# Whether the log signed it ------------------------------------------------------------------------------------------


def signed(log: NoteSigner, body: str) -> bytes:
    return format_note(Note(body=body, signatures=(log.sign(body),)))


def asked(note: bytes, old: int = 0) -> AddCheckpoint:
    return AddCheckpoint(old_size=old, proof=(), checkpoint=note)


def test_a_checkpoint_that_its_log_signed_is_believed(log):
    """Lines by others are ignored, and several are no matter."""
    body = checkpoint(7).body()
    stranger = Cosigner("stranger", Ed25519PrivateKey.generate())
    note = format_note(Note(body=body, signatures=(stranger.sign(body, at=NOON), log.sign(body), log.sign(body))))
    keys = {ORIGIN: log.verifier_key}
    assert claimed_by_its_log(asked(note), key_of=keys.get) == checkpoint(7)


def test_each_thing_that_is_wrong_with_a_checkpoint_has_its_status(log):
    """400 malformed or too small, 403 not signed by the log, 404 unknown, 422 an empty tree with a root."""
    body = checkpoint(7).body()
    good = signed(log, body)
    stranger = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    wrong = log.sign("another\n")
    empty = f"{ORIGIN}\n0\n{b64encode(EMPTY_ROOT).decode()}\n"
    table = [
        (asked(b"not a note"), 400),
        (asked(good[:-1]), 400),
        (asked(signed(log, f"{ORIGIN}\n7\n")), 400),
        (asked(signed(log, f"{ORIGIN}\n07\n{b64encode(H).decode()}\n")), 400),
        (asked(signed(log, body + "extension\n")), 400),
        (asked(good, old=8), 400),
        (asked(signed(stranger, body)), 403),
        (asked(format_note(Note(body=body, signatures=(log.sign(body), wrong)))), 403),
        (asked(format_note(Note(body=body, signatures=(wrong,)))), 403),
        (asked(signed(log, checkpoint(7, origin="another.example").body())), 404),
        (asked(signed(stranger, "another.example\n")), 404),
        (asked(signed(log, f"{ORIGIN}\n0\n{b64encode(H).decode()}\n")), 422),
    ]
    keys = {ORIGIN: log.verifier_key}
    for request, status in table:
        answer = claimed_by_its_log(request, key_of=keys.get)
        assert isinstance(answer, Refusal), (request, answer)
        assert answer.status == status, (request, answer)
    assert claimed_by_its_log(asked(signed(log, empty)), key_of=keys.get) == checkpoint(0)


# The words on the wire ----------------------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(min_size=1))
@settings(max_examples=80)
def test_a_request_survives_the_round_trip(old_size, proof, note):
    """parse_add_checkpoint reads what encode_add_checkpoint wrote, and the note is not touched."""
    request = AddCheckpoint(old_size=old_size, proof=tuple(proof), checkpoint=note)
    assert parse_add_checkpoint(encode_add_checkpoint(request)) == request


def test_the_example_of_the_specification_is_read_and_written_again(vectors):
    """C2SP tlog-witness prints a request; the log's key is not published."""
    data = vectors("c2sp-spec-examples/examples.json")["add_checkpoint_request_parse_only"].encode()
    request = parse_add_checkpoint(data)
    assert (request.old_size, len(request.proof)) == (20852014, 4)
    assert encode_add_checkpoint(request) == data
    refusal = claimed_by_its_log(request, key_of={}.get)
    assert isinstance(refusal, Refusal)
    assert refusal.status == HTTPStatus.NOT_FOUND


def test_a_request_can_be_made_from_a_tree():
    """From size 0 without a proof, from another with one."""
    for old in (0, 5, 7):
        request = AddCheckpoint.of(TREE, old_size=old, new_size=7, checkpoint=b"note")
        held = checkpoint(old) if old else None
        assert decide(request, held=held, verified=checkpoint(7)) is None


LINE = b64encode(H) + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"old 0\n", id="no checkpoint"),
        pytest.param(b"old 0\n\n", id="an empty checkpoint"),
        pytest.param(b"old 0\nnote", id="no empty line"),
        pytest.param(b"\n\nnote", id="no first line"),
        pytest.param(b"0\n\nnote", id="no word"),
        pytest.param(b"new 0\n\nnote", id="another word"),
        pytest.param(b"old0\n\nnote", id="no space"),
        pytest.param(b"old  0\n\nnote", id="two spaces"),
        pytest.param(b"old\t0\n\nnote", id="a tab"),
        pytest.param(b"old \n\nnote", id="no size"),
        pytest.param(b"old 00\n\nnote", id="a leading zero"),
        pytest.param(b"old +1\n\nnote", id="a sign"),
        pytest.param(b"old -1\n\nnote", id="less than nothing"),
        pytest.param("old １\n\nnote".encode(), id="a wide digit"),
        pytest.param(b"old 9223372036854775808\n\nnote", id="more than any tree"),
        pytest.param(b"old 1 \n\nnote", id="a space behind"),
        pytest.param(b"old 1\r\n\r\nnote", id="carriage returns"),
        pytest.param(b"old 1\nAAAA\n\nnote", id="a short hash"),
        pytest.param(b"old 1\n" + LINE.strip(b"=\n") + b"\n\nnote", id="no padding"),
        pytest.param(b"old 1\n " + LINE + b"\nnote", id="a space before a hash"),
        pytest.param(b"old 1\n!" + LINE[1:] + b"\nnote", id="no base64"),
        pytest.param(b"old 1\n\xff\n\nnote", id="no ASCII"),
        pytest.param(b"old 1\n" + LINE * 64 + b"\nnote", id="64 hashes"),
        pytest.param(b"old 1\n\n" + b"x" * (MAX_NOTE_BYTES + 1), id="a note that is too long"),
        pytest.param(b"old 1\n\n" + b"x" * MAX_REQUEST_BYTES, id="a request that is too long"),
    ],
)
def test_any_other_request_is_malformed(data):
    """Answer 400."""
    with pytest.raises(MalformedDocumentError):
        parse_add_checkpoint(data)


def test_the_largest_request_is_read():
    """63 hashes and the longest note."""
    data = b"old 9223372036854775807\n" + LINE * 63 + b"\n" + b"x" * MAX_NOTE_BYTES
    assert len(data) <= MAX_REQUEST_BYTES
    assert len(parse_add_checkpoint(data).proof) == 63


@pytest.mark.parametrize(
    "members",
    [{"old_size": -1}, {"old_size": 2**63}, {"proof": (H,) * 64}, {"proof": (H[1:],)}, {"checkpoint": b""}],
)
def test_a_request_that_nobody_would_read_is_not_made(members):
    """Our own mistakes show before anything is sent."""
    with pytest.raises(ValueError, match=r"old size|proof|checkpoint"):
        AddCheckpoint(**{"old_size": 0, "proof": (), "checkpoint": b"x", **members})


def test_the_lines_of_an_answer_are_read():
    """One or more, as they stand in a note."""
    lines = tuple(
        Cosigner(f"w{n}.example", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)).sign("x\n", at=NOON)
        for n in range(1, 4)
    )
    for count in (1, 3):
        data = "".join(map(format_signature_line, lines[:count])).encode()
        assert parse_signature_lines(data) == lines[:count]
    with pytest.raises(MalformedDocumentError):
        parse_signature_lines(format_signature_line(lines[0]).encode() * 65)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        "— w.example AAAAAAE=".encode(),
        "— w.example AAAAAAE=\n\n".encode(),
        "\n— w.example AAAAAAE=\n".encode(),
        b"- w.example AAAAAAE=\n",
        "— w.example AAAAAA==\n".encode(),
        "— w+example AAAAAAE=\n".encode(),
        "— w.example AAAAAAE\n".encode(),
        b"\xff\n",
        b"x" * (MAX_ANSWER_BYTES + 1),
    ],
)
def test_any_other_answer_is_malformed(data):
    """The other node breaks the protocol."""
    with pytest.raises(MalformedDocumentError):
        parse_signature_lines(data)


@pytest.mark.parametrize(
    ("data", "size"),
    [(b"0\n", 0), (b"50\n", 50), (b"50", None), (b"", None), (b"050\n", None), (b"5 \n", None), (b"\xff\n", None)],
)
def test_the_size_that_a_witness_holds_is_read_strictly(data, size):
    """As sigsum-go reads it."""
    if size is not None:
        assert parse_held_size(data) == size
        return
    with pytest.raises(MalformedDocumentError):
        parse_held_size(data)


def test_the_monitoring_path_is_a_known_answer():
    """Made with sha256sum."""
    assert (
        monitoring_path("example.com/behind-the-sofa")
        == "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4/checkpoint"
    )
