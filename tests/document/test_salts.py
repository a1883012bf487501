"""Salts have one text, tokens travel only as digests."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.document.salts import decode_salt, encode_salt, new_salt, new_token, token_digest


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=16, max_size=16))
def test_a_salt_reads_back_equal(salt: bytes) -> None:
    """22 characters, no padding."""
    text = encode_salt(salt)
    assert len(text) == 22
    assert decode_salt(text) == salt


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAB",  # spare bits that no encoder writes
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "+AAAAAAAAAAAAAAAAAAAAA",
        "/AAAAAAAAAAAAAAAAAAAAA",
        " AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA\n",
        "éAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_a_text_that_is_not_the_one_of_a_salt_is_refused(text: str) -> None:
    """Padding, the other alphabet, spare bits, white space."""
    with pytest.raises(ValueError, match="salt"):
        decode_salt(text)


def test_a_salt_of_another_length_is_not_written() -> None:
    """16 bytes (decision 1)."""
    with pytest.raises(ValueError, match="16 bytes"):
        encode_salt(b"short")


def test_salts_and_tokens_are_never_drawn_twice() -> None:
    """16 random bytes each."""
    assert len({new_salt() for _ in range(100)} | {decode_salt(new_token()) for _ in range(100)}) == 200


def test_the_digest_of_a_token_is_that_of_its_text() -> None:
    """Lower-case hex SHA-256."""
    token = new_token()
    assert token_digest(token) == hashlib.sha256(token.encode()).hexdigest()
