"""What crosses the wire: exactly the form of C.2 and decision 9, and nothing else."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.federation.messages import (
    FRAME_BYTES,
    BatchRequest,
    FeedEntry,
    FeedPage,
    decode_batch,
    encode_frame,
    parse_batch_request,
    parse_feed,
    parse_hint,
)

SALT = "AAAAAAAAAAAAAAAAAAAAAA"


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def entry(index: int, document: str | None = None, **members: Any) -> dict[str, Any]:
    return {
        "index": index,
        "document": document or digest_of(str(index)),
        "type": "permit",
        "salt": SALT,
        "permit_salt": SALT,
        "length": 5000,
        **members,
    }


def page(**members: Any) -> bytes:
    body = {"party": "XA", "env": "sandbox", "from": 2, "to": 9, "size": 12, "entries": [entry(2), entry(8)], **members}
    return json.dumps(body).encode()


def test_a_page_is_read_as_it_is_written() -> None:
    """The wire says `from`, which is no name in Python."""
    read = parse_feed(page())
    assert (read.start, read.to, read.size) == (2, 9, 12)
    assert [one.index for one in read.entries] == [2, 8]
    assert parse_feed(read.to_bytes()) == read
    assert list(json.loads(read.to_bytes())) == ["party", "env", "from", "to", "size", "entries"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"entries": [entry(8), entry(2)]},
        {"entries": [entry(2), entry(2, digest_of("other"))]},
        {"entries": [entry(1)]},
        {"entries": [entry(9)]},
        {"entries": [entry(2, digest_of("same")), entry(3, digest_of("same"))]},
        {"to": 13},
        {"to": 1, "entries": []},
        {"from": -1},
        {"from": "2"},
        {"from": True},
        {"size": 12.0},
        {"size": 2**63},
        {"party": "xa"},
        {"env": "test"},
        {"entries": [entry(2, "0" * 63)]},
        {"entries": [entry(2, digest_of("x").upper())]},
        {"entries": [entry(2, salt="AAAA")]},
        {"entries": [entry(2, length=-1)]},
        {"entries": [entry(2, more=1)]},
        {"entries": None},
        {"more": 1},
        {"from": 0, "to": 600, "size": 600, "entries": [entry(i) for i in range(501)]},
    ],
    ids=repr,
)
def test_a_page_that_contradicts_itself_is_no_page(wrong: dict[str, Any]) -> None:
    """Indexes grow within the range, no document twice, nothing unknown, no number that is none."""
    with pytest.raises(MalformedDocumentError):
        parse_feed(page(**wrong))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000], ids=lambda data: repr(data[:9]))
def test_what_is_no_json_is_refused_quietly(data: bytes) -> None:
    """No parser error leaves this module, and the message holds nothing of the content."""
    for parse in (parse_feed, parse_batch_request, parse_hint):
        with pytest.raises(MalformedDocumentError):
            parse(data)


@pytest.mark.parametrize(
    "body", [{"sha256": []}, {"sha256": ["0" * 64] * 257}, {"sha256": ["x" * 64]}, {"sha256": "0" * 64}, {}]
)
def test_a_request_asks_for_one_to_256_digests(body: dict[str, Any]) -> None:
    """Decision 9."""
    with pytest.raises(MalformedDocumentError):
        parse_batch_request(json.dumps(body).encode())
    assert parse_batch_request(BatchRequest(sha256=("0" * 64,) * 256).to_bytes()).sha256 == ("0" * 64,) * 256


def test_a_frame_is_digest_length_and_bytes() -> None:
    """Decision 9: 32-byte digest, be32 length, exact bytes."""
    assert encode_frame("ab" * 32, b"<x/>") == bytes.fromhex("ab" * 32) + b"\x00\x00\x00\x04<x/>"
    assert encode_frame("ab" * 32, None) == bytes.fromhex("ab" * 32) + b"\x00\x00\x00\x00"


@settings(max_examples=50)
@given(documents=st.lists(st.none() | st.binary(min_size=1, max_size=40), max_size=8), kept=st.integers(0, 8))
def test_what_was_framed_is_taken_apart_again_also_if_it_ended_early(documents: list[bytes | None], kept: int) -> None:
    """An answer may end after any document; the rest is asked for again."""
    asked = [digest_of(str(number)) for number in range(len(documents))]
    frames = [encode_frame(sha256, document) for sha256, document in zip(asked, documents, strict=True)]
    given_back = decode_batch(b"".join(frames[:kept]), asked)
    assert list(given_back.items()) == list(zip(asked, documents, strict=True))[:kept]


def test_an_answer_that_is_cut_anywhere_else_is_refused() -> None:
    """A connection that broke is not taken for an answer that ended early."""
    asked = [digest_of("a"), digest_of("b")]
    whole = encode_frame(asked[0], b"one") + encode_frame(asked[1], b"two")
    ends = {0, FRAME_BYTES + 3, len(whole)}
    for length in range(len(whole) + 1):
        if length in ends:
            decode_batch(whole[:length], asked)
        else:
            with pytest.raises(MalformedDocumentError):
                decode_batch(whole[:length], asked)


@pytest.mark.parametrize(
    "wrong",
    [
        encode_frame(digest_of("b"), b"two") + encode_frame(digest_of("a"), b"one"),
        encode_frame(digest_of("a"), b"one") * 2,
        encode_frame(digest_of("a"), b"one") + encode_frame(digest_of("b"), b"two") + b"\x00",
        encode_frame(digest_of("c"), None),
    ],
    ids=["out of order", "the same twice", "bytes left over", "not asked for"],
)
def test_an_answer_to_another_question_is_refused(wrong: bytes) -> None:
    """The order is the order asked (decision 9)."""
    with pytest.raises(MalformedDocumentError):
        decode_batch(wrong, [digest_of("a"), digest_of("b")])


def test_an_entry_can_be_built_by_the_server_side() -> None:
    """The same model writes and reads."""
    built = FeedPage(
        party="XA",
        env="sandbox",
        start=0,
        to=1,
        size=1,
        entries=(FeedEntry(index=0, document="0" * 64, type="alert", salt=SALT, permit_salt=SALT, length=1),),
    )
    assert parse_feed(built.to_bytes()) == built
