"""Proofs compared with what is held: pure, without HTTP."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.document.salts import token_digest
from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import PermitRef
from epix_node.permit.number import PermitKey
from epix_node.store.answers import Holding
from epix_node.web.proofs import fits, proof_from_header, proof_from_json, proven
from tests.web.conftest import proof_header

HELD = Holding(
    key=PermitKey(issuer="XA", type="E", number="26XA1", year=2026),
    issued_on=date(2026, 3, 1),
    document="ab" * 32,
    token_digest=token_digest("a token"),
    stamp="XA0012345",
    is_free=False,
    quantities=frozenset({("NAR", 12_000_000), ("GRM", 12_500_000_000)}),
)
ASKED = PermitRef(issuer="XA", number="26XA1")

RIGHT = (
    {"token": "a token"},
    {"document_sha256": "AB" * 32},
    {"security_stamp": "xa 0012345", "issued_on": "2026-03-01"},
    {"issued_on": "2026-03-01", "quantity": "12.000", "unit": "NAR"},
    {"issued_on": "2026-03-01", "quantity": "12", "unit": "pcs"},
    {"issued_on": "2026-03-01", "quantity": "12500", "unit": "GRM"},
    {"token": "a token", "quantity": None},
)

WRONG = (
    {"token": "another token"},
    {"document_sha256": "ac" * 32},
    {"security_stamp": "XA0012346", "issued_on": "2026-03-01"},
    {"security_stamp": "XA0012345", "issued_on": "2026-03-02"},
    {"issued_on": "2026-03-01", "quantity": "12", "unit": "KGM"},
    {"issued_on": "2026-03-02", "quantity": "12", "unit": "NAR"},
)

NO_PROOF = (
    {},
    {"token": ""},
    {"token": 5},
    {"token": "a", "document_sha256": "ab" * 32},
    {"document_sha256": "ab"},
    {"issued_on": "2026-03-01"},
    {"security_stamp": "XA"},
    {"security_stamp": "XA", "issued_on": "2026-03-01", "quantity": "1", "unit": "NAR"},
    {"issued_on": "2026-03-01", "quantity": "twelve", "unit": "NAR"},
    {"issued_on": "2026-03-01", "quantity": "-12", "unit": "NAR"},
    {"issued_on": "2026-03-01", "quantity": "12", "unit": "XXX"},
    {"issued_on": "1 March", "quantity": "12", "unit": "NAR"},
    {"password": "x"},
    [],
    "token",
    None,
)


@pytest.mark.parametrize("proof", RIGHT)
def test_a_right_proof_fits(proof):
    """Each of the four kinds, by value and not by spelling."""
    assert fits(proof_from_json(proof), HELD)


@pytest.mark.parametrize("proof", WRONG)
def test_a_wrong_proof_does_not_fit(proof):
    """One wrong part is enough."""
    assert not fits(proof_from_json(proof), HELD)


@pytest.mark.parametrize("proof", NO_PROOF)
def test_what_is_no_proof_is_not_understood(proof):
    """A proof is of exactly one kind, whole."""
    with pytest.raises(MalformedDocumentError):
        proof_from_json(proof)


def test_a_proof_travels_in_a_header():
    """base64url of the JSON, padded or not; anything else is not understood."""
    header = proof_header({"token": "a token"})["EPIX-Proof"]
    for text in (header, header + "=" * (-len(header) % 4)):
        assert fits(proof_from_header(text), HELD)
    for text in ("!", "e30", "ü", "A" * 5000, "bm8"):
        with pytest.raises(MalformedDocumentError):
            proof_from_header(text)


def test_a_permit_without_token_and_stamp_is_proved_in_another_way():
    """Nothing matches what is not there."""
    bare = replace(HELD, token_digest=None, stamp=None)
    assert not fits(proof_from_json(RIGHT[0]), bare)
    assert not fits(proof_from_json(RIGHT[2]), bare)
    assert fits(proof_from_json(RIGHT[3]), bare)


def test_only_what_is_proved_is_seen():
    """Type and date choose only between permits that the caller may see."""
    other = replace(HELD, key=replace(HELD.key, type="R"), token_digest=None, document="cd" * 32, stamp=None)
    proof = proof_from_json({"token": "a token"})
    both = proof_from_json({"issued_on": "2026-03-01", "quantity": "12", "unit": "NAR"})
    assert proven(proof, (HELD, other), replace(ASKED, type="R")) == (HELD,)
    assert proven(both, (HELD, other), ASKED) == (HELD, other)
    assert proven(both, (HELD, other), replace(ASKED, type="R", issued_on=date(2020, 1, 1))) == (other,)
    assert proven(None, (HELD, replace(other, is_free=True)), ASKED) == (replace(other, is_free=True),)
    assert proven(None, (HELD, other), ASKED) == ()


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["token", "document_sha256", "issued_on", "quantity", "unit", "x"]), inner
            )
        ),
    )
)
def test_whatever_comes_is_a_proof_or_refused(value):
    """No JSON value does anything else."""
    with contextlib.suppress(MalformedDocumentError):
        proof_from_json(value)
