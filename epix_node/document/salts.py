"""Salts and tokens: 16 random bytes each, written in base64url without padding (decision 1).

A salt makes a commitment in the public register meaningless to everybody who lacks the document. A token is printed
on the permit's sheet and proves possession; only its digest travels.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

SALT_BYTES = 16


def new_salt() -> bytes:
    """A fresh salt from the system's random source."""
    return secrets.token_bytes(SALT_BYTES)


def encode_salt(salt: bytes) -> str:
    """The salt as 22 characters of base64url. Raises ``ValueError`` unless it has 16 bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return base64.urlsafe_b64encode(salt).decode("ascii").rstrip("=")


def decode_salt(text: str) -> bytes:
    """The salt that the text writes. Raises ``ValueError`` for every text that ``encode_salt`` does not write."""
    try:
        salt = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a salt is written in base64url") from error
    # One salt has one text: spare bits, padding and the other alphabet are refused here.
    if len(salt) != SALT_BYTES or encode_salt(salt) != text:
        raise ValueError(f"a salt is {SALT_BYTES} bytes in base64url without padding")
    return salt


def new_token() -> str:
    """A fresh token: 22 characters of base64url."""
    return encode_salt(secrets.token_bytes(SALT_BYTES))


def token_digest(token: str) -> str:
    """Hex SHA-256 of the token's text, as the header carries it."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()
