"""A key that lives in a token: SoftHSM2 stands for the HSM."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from epix_node.errors import KeyMaterialError
from epix_node.signing.signer import FileSigner
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.pkcs11 import TokenKey, TokenPlace
from tests.softhsm import PIN, TOKEN, UNOPENED, module

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="session")
def place() -> TokenPlace:
    """A place in the token."""
    return TokenPlace(module=module(), token=TOKEN, key="signing")


@pytest.fixture(scope="session")
def key(place: TokenPlace) -> TokenKey:
    """A key that was made in the token."""
    return TokenKey.generate(place, pin=PIN)


def test_a_key_in_a_token_signs_as_one_in_memory_does(key: TokenKey):
    """The signature verifies under the public half that the token gives out."""
    signature = key.sign(b"a document", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(signature, b"a document", ec.ECDSA(hashes.SHA256()))


def test_the_private_half_cannot_be_read(key: TokenKey):
    """Neither by this program nor by one that asks the token itself."""
    with pytest.raises(KeyMaterialError, match="never leaves"):
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyMaterialError, match="never leaves"):
        key.private_numbers()


def test_a_document_is_signed_in_the_token(key: TokenKey, unsigned: Callable, libxmlsec_accepts: Callable):
    """The signer cannot tell it from a key file, and libxmlsec accepts what comes out."""
    certificate = issue_certificate(key, "XA", not_before=AT, valid_for=timedelta(days=365))
    signed = FileSigner(key, certificate).sign(unsigned(), at=AT)
    assert libxmlsec_accepts(signed, certificate)


def test_the_key_is_found_again_after_the_session_was_closed(place: TokenPlace, key: TokenKey):
    """It is the same key, from another session."""
    again = TokenKey.open(place, pin=PIN)
    assert again.public_key().public_numbers() == key.public_key().public_numbers()


def test_several_threads_may_sign_at_once(key: TokenKey):
    """Sessions are not for several threads; signatures wait for each other."""
    with ThreadPoolExecutor(4) as pool:
        signatures = list(pool.map(lambda n: key.sign(b"%d" % n, ec.ECDSA(hashes.SHA256())), range(40)))
    for n, signature in enumerate(signatures):
        key.public_key().verify(signature, b"%d" % n, ec.ECDSA(hashes.SHA256()))


def test_a_label_that_is_taken_is_not_overwritten(place: TokenPlace, key: TokenKey):
    """A key in a token is made once, like one in a file."""
    assert key.key_size == 256
    with pytest.raises(KeyMaterialError, match="not overwritten"):
        TokenKey.generate(place, pin=PIN)


@pytest.mark.parametrize(
    ("change", "pin", "problem"),
    [
        ({"token": UNOPENED}, b"0000", "the PIN is wrong"),
        ({}, None, "needs the token's PIN"),
        ({"token": "absent"}, PIN, "there is no token"),
        ({"key": "absent"}, PIN, "no such key"),
        ({"module": Path("/nonexistent/library.so")}, PIN, "cannot be loaded"),
    ],
)
def test_what_stands_in_the_way_is_said_in_words(place: TokenPlace, key: TokenKey, change, pin, problem):
    """An operator reads the message at night; the PIN is never in it."""
    assert key.curve.name == "secp256r1"
    with pytest.raises(KeyMaterialError, match=problem) as refused:
        TokenKey.open(replace(place, **change), pin=pin)
    assert "0000" not in str(refused.value)
