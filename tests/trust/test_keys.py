"""Key files: written once, readable by their owner only, refused in any other state."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from epix_node.errors import KeyMaterialError
from epix_node.trust.keys import (
    generate_ed25519_key,
    generate_permit_key,
    load_ed25519_key,
    load_permit_key,
    write_private_key,
)

PKCS8 = PrivateFormat.PKCS8


def raw(key) -> bytes:
    return key.private_bytes(Encoding.DER, PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("generate", "load"), [(generate_permit_key, load_permit_key), (generate_ed25519_key, load_ed25519_key)]
)
def test_a_key_comes_back_as_it_was_written(tmp_path: Path, generate, load):
    """PKCS#8 PEM, mode 0600 whatever the umask, and nothing else is left in the directory."""
    key, path = generate(), tmp_path / "own.key"
    before = os.umask(0)
    try:
        write_private_key(path, key)
    finally:
        os.umask(before)
    assert raw(load(path)) == raw(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_file_is_never_overwritten(tmp_path: Path):
    """The old key stays, and no temporary file is left."""
    path, first = tmp_path / "own.key", generate_ed25519_key()
    write_private_key(path, first)
    with pytest.raises(KeyMaterialError, match="not overwritten"):
        write_private_key(path, generate_ed25519_key())
    assert raw(load_ed25519_key(path)) == raw(first)
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_needs_its_directory(tmp_path: Path):
    """Which the caller makes; the message names the file."""
    with pytest.raises(KeyMaterialError, match=r"absent/own\.key cannot be written"):
        write_private_key(tmp_path / "absent" / "own.key", generate_ed25519_key())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode):
    """Whoever may have read it, may have it."""
    path = tmp_path / "own.key"
    write_private_key(path, generate_ed25519_key())
    path.chmod(mode)
    with pytest.raises(KeyMaterialError, match=f"mode 0{mode:o}, expected 0600"):
        load_ed25519_key(path)


def encrypted(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"secret"))


def plain(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        encrypted(generate_permit_key()),
        plain(rsa.generate_private_key(65537, 2048)),
        plain(ec.generate_private_key(ec.SECP384R1())),
        b"x" * 100_000,
    ],
    ids=["empty", "text", "broken", "encrypted", "RSA", "P-384", "large"],
)
def test_a_file_without_the_right_key_is_refused(tmp_path: Path, content):
    """Of each kind."""
    path = tmp_path / "own.key"
    path.write_bytes(content)
    path.chmod(0o600)
    for load in (load_permit_key, load_ed25519_key):
        with pytest.raises(KeyMaterialError, match=r"own\.key"):
            load(path)


@pytest.mark.parametrize(
    ("generate", "load"), [(generate_permit_key, load_permit_key), (generate_ed25519_key, load_ed25519_key)]
)
def test_an_encrypted_key_opens_with_its_passphrase_only(tmp_path: Path, generate, load):
    """The file shows nothing of the key; a wrong passphrase and a missing one are told apart."""
    key, path = generate(), tmp_path / "own.key"
    write_private_key(path, key, passphrase=b"correct horse")
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert raw(load(path, passphrase=b"correct horse")) == raw(key)
    with pytest.raises(KeyMaterialError, match="damaged, or the passphrase is wrong"):
        load(path, passphrase=b"battery staple")
    with pytest.raises(KeyMaterialError, match="there is no passphrase"):
        load(path)


def test_a_key_that_should_be_encrypted_and_is_not_is_refused(tmp_path: Path):
    """Somebody else may have put it there."""
    path = tmp_path / "own.key"
    write_private_key(path, generate_ed25519_key())
    with pytest.raises(KeyMaterialError, match="is not encrypted"):
        load_ed25519_key(path, passphrase=b"correct horse")


def test_each_kind_of_key_is_for_its_own_purpose(tmp_path: Path):
    """A permit key is no register key, nor the other way round."""
    permit, log = tmp_path / "permit.key", tmp_path / "log.key"
    write_private_key(permit, generate_permit_key())
    write_private_key(log, generate_ed25519_key())
    with pytest.raises(KeyMaterialError, match="no Ed25519 key"):
        load_ed25519_key(permit)
    with pytest.raises(KeyMaterialError, match="no P-256 key"):
        load_permit_key(log)


def test_what_is_no_file_is_refused(tmp_path: Path):
    """Missing, or a directory."""
    with pytest.raises(KeyMaterialError, match="does not exist"):
        load_permit_key(tmp_path / "own.key")
    with pytest.raises(KeyMaterialError, match="cannot be read"):
        load_permit_key(tmp_path)
