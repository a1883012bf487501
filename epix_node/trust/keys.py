"""This node's private keys, as encrypted PKCS#8 PEM files that only their owner can read.

Permit keys are ECDSA P-256; log, witness and transport keys are Ed25519 (C.1). A key file is written once, whole or
not at all, and never replaced: rotation makes a new file.

Not here: certificates (``certificate``) and public halves in the manifest (``manifest``).
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from epix_node.errors import KeyMaterialError

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey

_MAX_KEY_FILE_BYTES = 16 * 1024
"""A P-256 key takes 241 bytes; what is much longer is another file."""
_ENCRYPTED = b"ENCRYPTED PRIVATE KEY"
_OWNER_ONLY = 0o600
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def generate_permit_key() -> ec.EllipticCurvePrivateKey:
    """A new P-256 key, for signing documents."""
    return ec.generate_private_key(ec.SECP256R1())


def generate_ed25519_key() -> Ed25519PrivateKey:
    """A new Ed25519 key, for one of log, witness and transport; never for two of them (C.1)."""
    return Ed25519PrivateKey.generate()


def write_private_key(path: Path, key: PrivateKey, *, passphrase: bytes | None = None) -> None:
    """The key is in this file, encrypted, mode 0600, on disk; a file of this name is never overwritten.

    Without a passphrase the file is readable to whoever can read it: for the sandbox only.

    A crash leaves no file, or the whole one; at worst a temporary file, mode 0600, beside it.

    Raises:
        KeyMaterialError: the file exists, or the directory cannot be written.
    """
    encryption = BestAvailableEncryption(passphrase) if passphrase is not None else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        # mkstemp creates with O_EXCL and 0600, whatever the umask.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            # Unlike a rename, a link fails where the name is taken.
            os.link(temporary, path)
        finally:
            Path(temporary).unlink()
        _sync_directory(path.parent)
    except FileExistsError:
        raise KeyMaterialError(f"key file {path} exists; it is not overwritten") from None
    except OSError as error:
        raise KeyMaterialError(f"key file {path} cannot be written: {error.strerror}") from error


def load_permit_key(path: Path, *, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in this file. Raises ``KeyMaterialError`` as ``load_ed25519_key`` does."""
    key = _load(path, passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyMaterialError(f"key file {path} holds no P-256 key")
    return key


def load_ed25519_key(path: Path, *, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """The Ed25519 key in this file.

    Raises:
        KeyMaterialError: the file is missing, unreadable, open to its group or to others, or holds another key; it
            is encrypted and the passphrase is missing or wrong; or there is a passphrase and it is not encrypted.
    """
    key = _load(path, passphrase)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyMaterialError(f"key file {path} holds no Ed25519 key")
    return key


def is_encrypted(path: Path) -> bool:
    """Whether the key in this file is encrypted. Raises ``KeyMaterialError`` where the file cannot be used."""
    return _ENCRYPTED in _read(path)


def encrypt_private_key(path: Path, *, passphrase: bytes) -> None:
    """The key in this unencrypted file is encrypted there, and its owner's alone as before.

    The one case in which a key file is replaced: by itself. A crash leaves the old file or the new one, whole; what
    the disk and its backups had of the old one is not wiped.

    Raises:
        KeyMaterialError: the file cannot be used or written, or is encrypted already.
    """
    key = _load(path, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise KeyMaterialError(f"key file {path} holds no key of this program")
    made = path.with_name(f".{path.name}.encrypted")
    made.unlink(missing_ok=True)
    write_private_key(made, key, passphrase=passphrase)
    try:
        made.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise KeyMaterialError(f"key file {path} cannot be replaced: {error.strerror}") from error


def _read(path: Path) -> bytes:
    """What is in a file that only its owner can read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())  # of the file that is read, not of whatever has its name by then
            if not stat.S_ISREG(status.st_mode):
                raise KeyMaterialError(f"key file {path} is not a file")
            if status.st_mode & _FOR_OTHERS:
                mode = stat.S_IMODE(status.st_mode)
                raise KeyMaterialError(
                    f"key file {path} has mode {mode:04o}, expected {_OWNER_ONLY:04o}: run `chmod 600 {path}`, and see "
                    "who may have read it"
                )
            return file.read(_MAX_KEY_FILE_BYTES)
    except FileNotFoundError:
        raise KeyMaterialError(f"key file {path} does not exist: restore it from your backup") from None
    except OSError as error:
        raise KeyMaterialError(f"key file {path} cannot be read: {error.strerror}") from error


def _load(path: Path, passphrase: bytes | None) -> object:
    pem = _read(path)
    try:
        return load_pem_private_key(pem, password=passphrase)
    except TypeError as error:
        # cryptography says so where a key is encrypted and no passphrase was given, and the other way round.
        if passphrase is None:
            raise KeyMaterialError(f"key file {path} is encrypted, and there is no passphrase") from error
        raise KeyMaterialError(f"key file {path} is not encrypted, although there is a passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if _ENCRYPTED in pem:
            raise KeyMaterialError(
                f"key file {path} is damaged, or the passphrase is wrong: give the right one, or restore the file from "
                "your backup"
            ) from error
        raise KeyMaterialError(f"key file {path} is no PEM private key: restore it from your backup") from error


def _sync_directory(directory: Path) -> None:
    """The names in this directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
