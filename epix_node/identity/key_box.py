"""The keys of this node where they lie: which there are, opening one, and making a new one beside the others.

``init`` gives ``signing-key.pem`` with ``signing-cert.pem``, and ``transport-key.pem``; those that come after are
``signing-key-2.pem`` with ``signing-cert-2.pem`` and so on. A certificate without a key file may belong to a key in
the token: under the label of the configuration with the same ending, or that label itself. Nothing is ever
overwritten, and the older ones stay.

Not here: which of them the manifest names, and which signs now (``live``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from epix_node.clock import format_time, parse_time
from epix_node.config import Config, KeyFiles
from epix_node.errors import KeyMaterialError
from epix_node.identity.hsm import TokenSettings
from epix_node.identity.opener import Ask, Opener
from epix_node.signing.signer import FileSigner
from epix_node.trust.certificate import country_of, fingerprint, issue_certificate, load_certificate, write_certificate
from epix_node.trust.keys import generate_ed25519_key, generate_permit_key
from epix_node.trust.manifest import TransportKeyEntry

if TYPE_CHECKING:
    from epix_node.trust.pkcs11 import TokenKey

_NUMBERED = re.compile(r"(?:-([2-9]|[1-9]\d{1,3}))?\.pem")
_FIRST_USE = ".first-use"
"""Beside a transport key: the moment from which it is used. Requests have no such member in the manifest (C.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """A certificate of this node; ``ending`` is what its name has after ``signing-cert``."""

    path: Path
    ending: str
    certificate: x509.Certificate

    @property
    def kid(self) -> str:
        """Its id in the manifest."""
        return fingerprint(self.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPair:
    """A certificate with its key, opened. ``place`` says in words where the key is."""

    certificate: OwnCertificate
    signer: FileSigner
    place: str

    @property
    def kid(self) -> str:
        """Its id in the manifest."""
        return self.certificate.kid


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportPair:
    """A transport key, opened, and when its use begins; None: whenever the manifest names it."""

    key: Ed25519PrivateKey = field(repr=False)
    path: Path
    first_use: datetime | None = None

    @property
    def kid(self) -> str:
        """Its id in the manifest."""
        return TransportKeyEntry.kid_of(self.key.public_key())


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """One key for each purpose, opened: those of a node that begins."""

    signing: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    log: Ed25519PrivateKey = field(repr=False)
    witness: Ed25519PrivateKey = field(repr=False)
    transport: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, config: Config) -> Self:
        """The newest keys of this configuration's node. Raises ``KeyMaterialError`` as ``KeyBox`` does."""
        return cls.of(KeyBox.of(config))

    @classmethod
    def of(cls, box: KeyBox) -> Self:
        """The newest keys in this box, which stays open. Raises likewise."""
        signing = box.newest_signing()
        return cls(
            signing=signing.signer.private_key,
            certificate=signing.signer.certificate,
            log=box.log(),
            witness=box.witness(),
            transport=box.transports()[0].key,
        )


class KeyBox:
    """The keys of one Party's node in its directory and token. Close it: then the token is let go of.

    Every method raises ``KeyMaterialError`` where a file is missing, unreadable, open to others or not encrypted,
    holds another kind of key, or cannot be opened with the passphrase or PIN at hand.
    """

    def __init__(self, files: KeyFiles, opener: Opener, *, party: str, token: TokenSettings | None = None) -> None:
        self.files = files
        self.opener = opener
        self.party = party
        self.token = token
        self._opened: list[TokenKey] = []

    @classmethod
    def of(cls, config: Config, *, ask: Ask | None = None) -> Self:
        """That of the node with this configuration."""
        keys = config.keys
        token = None
        if keys.pkcs11_module is not None and keys.pkcs11_token is not None and keys.pkcs11_key is not None:
            token = TokenSettings(module=Path(keys.pkcs11_module), token=keys.pkcs11_token, key=keys.pkcs11_key)
        return cls(config.key_files, Opener.of(config, ask=ask), party=config.party.code, token=token)

    def close(self) -> None:
        """Every key of the token that was opened here is closed."""
        while self._opened:
            self._opened.pop().close()

    def log(self) -> Ed25519PrivateKey:
        """The register's newest key."""
        return self.logs()[0]

    def logs(self) -> tuple[Ed25519PrivateKey, ...]:
        """The keys of the register and of those before it that are here, the newest file first; at least one."""
        found = tuple(self.opener.load_ed25519_key(path) for _, path in _numbered(self.files.log_key))
        return found or (self.opener.load_ed25519_key(self.files.log_key),)  # raises, with its name

    def log_file(self, key: Ed25519PrivateKey) -> Path:
        """Where this key of the register is."""
        paths = [path for _, path in _numbered(self.files.log_key)]
        public = key.public_key()
        return next(path for path, here in zip(paths, self.logs(), strict=True) if here.public_key() == public)

    def make_log(self) -> Ed25519PrivateKey:
        """A new key of the register is beside the others: a register that succeeds another has a key of its own."""
        key = generate_ed25519_key()
        self.opener.write(_with_ending(self.files.log_key, self._free_ending(self.files.log_key)), key)
        return key

    def witness(self) -> Ed25519PrivateKey:
        """The cosigner's key."""
        return self.opener.load_ed25519_key(self.files.witness_key)

    def certificates(self) -> tuple[OwnCertificate, ...]:
        """The certificates that are here, the newest file first; at least one. Needs no secret."""
        found = [
            OwnCertificate(path=path, ending=ending, certificate=load_certificate(path))
            for ending, path in _numbered(self.files.signing_certificate)
        ]
        if not found:
            load_certificate(self.files.signing_certificate)  # raises, with its name
        for one in found:
            if (country := country_of(one.certificate)) != self.party:
                raise KeyMaterialError(f"certificate {one.path} names C={country}, expected C={self.party}")
        return tuple(found)

    def key_file(self, certificate: OwnCertificate) -> Path:
        """Where this certificate's key would be as a file."""
        return _with_ending(self.files.signing_key, certificate.ending)

    def open_signing(self, certificate: OwnCertificate) -> SigningPair | None:
        """The certificate with its key; None where that is neither a file here nor in the token."""
        path = self.key_file(certificate)
        if path.exists():
            key: ec.EllipticCurvePrivateKey = self.opener.load_permit_key(path)
            place = str(path)
        else:
            found = self._in_token(certificate)
            if found is None:
                return None
            key, place = found
        try:
            return SigningPair(certificate=certificate, signer=FileSigner(key, certificate.certificate), place=place)
        except KeyMaterialError as error:
            raise KeyMaterialError(f"certificate {certificate.path} and {place}: {error}") from error

    def place_of(self, certificate: OwnCertificate) -> str | None:
        """Where this certificate's key is, in words; None where it is not here. A key file is not opened for that."""
        path = self.key_file(certificate)
        if path.exists():
            return str(path)
        found = self._in_token(certificate)
        return found[1] if found is not None else None

    def newest_signing(self) -> SigningPair:
        """The newest certificate that is here, with its key."""
        certificate = self.certificates()[0]
        pair = self.open_signing(certificate)
        if pair is None:
            raise self.missing(certificate)
        return pair

    def missing(self, certificate: OwnCertificate) -> KeyMaterialError:
        """What to say where the key of this certificate is not here."""
        also = f", nor is it in token {self.token.token!r}" if self.token is not None else ""
        return KeyMaterialError(f"key file {self.key_file(certificate)} does not exist{also}")

    def transports(self) -> tuple[TransportPair, ...]:
        """The transport keys that are here, the newest file first; at least one."""
        found = tuple(
            TransportPair(key=self.opener.load_ed25519_key(path), path=path, first_use=_first_use(path))
            for _, path in _numbered(self.files.transport_key)
        )
        if not found:
            self.opener.load_ed25519_key(self.files.transport_key)  # raises, with its name
        return found

    def private_files(self) -> tuple[Path, ...]:
        """Every file with a private key that is here, those of the role among them."""
        stems = (self.files.signing_key, self.files.log_key, self.files.witness_key, self.files.transport_key)
        own = [path for stem in stems for _, path in _numbered(stem)]
        return (*own, *sorted(self.files.role_keys.glob("*.pem")))

    def make_signing(
        self, *, not_before: datetime, valid_for: timedelta, organisation: str | None = None, in_token: bool = False
    ) -> SigningPair:
        """A new signing key with its certificate is beside the others, in a file or in the token.

        The name of the authority is that of the newest certificate unless another is given.
        """
        if in_token and self.token is None:
            raise KeyMaterialError(
                "there is no token: set [keys] pkcs11_module, pkcs11_token and pkcs11_key to where the key is to be"
            )
        ending = self._free_ending(self.files.signing_certificate, self.files.signing_key)
        path = _with_ending(self.files.signing_key, ending)
        key: ec.EllipticCurvePrivateKey
        if in_token:
            assert self.token is not None
            key, place = self.token.generate(ending, pin=self.opener.pin())
            self._opened.append(key)
        else:
            key, place = generate_permit_key(), str(path)
        name = organisation or self._organisation()
        certificate = issue_certificate(
            key,
            self.party,
            not_before=not_before,
            valid_for=valid_for,
            **({"organisation": name} if name is not None else {}),
        )
        signer = FileSigner(key, certificate)
        if not in_token:
            self.opener.write(path, key)
        certificate_path = _with_ending(self.files.signing_certificate, ending)
        write_certificate(certificate_path, certificate)
        own = OwnCertificate(path=certificate_path, ending=ending, certificate=certificate)
        return SigningPair(certificate=own, signer=signer, place=place)

    def make_transport(self, *, first_use: datetime | None) -> TransportPair:
        """A new transport key is beside the others, to be used from that moment on."""
        path = _with_ending(self.files.transport_key, self._free_ending(self.files.transport_key))
        key = generate_ed25519_key()
        self.opener.write(path, key)
        pair = TransportPair(key=key, path=path)
        return self.begin(pair, first_use) if first_use is not None else pair

    @staticmethod
    def begin(pair: TransportPair, first_use: datetime) -> TransportPair:
        """The transport key is used from that moment on."""
        path = pair.path.with_suffix(_FIRST_USE)
        try:
            path.write_text(f"{format_time(first_use)}\n", encoding="ascii")
        except OSError as error:
            raise KeyMaterialError(f"{path} cannot be written: {error.strerror}") from error
        return TransportPair(key=pair.key, path=pair.path, first_use=first_use)

    def _organisation(self) -> str | None:
        if not _numbered(self.files.signing_certificate):
            return None
        names = self.certificates()[0].certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(names[0].value) if names else None

    def _in_token(self, certificate: OwnCertificate) -> tuple[TokenKey, str] | None:
        if self.token is None:
            return None
        for place in self.token.places(certificate.ending):
            key = self.token.find(place, pin=self.opener.pin())
            if key is None:
                continue
            self._opened.append(key)
            if key.public_key() == certificate.certificate.public_key():
                return key, str(place)
        return None

    def _free_ending(self, *paths: Path) -> str:
        numbers = [int(ending[1:] or 1) if ending else 1 for path in paths for ending, _ in _numbered(path)]
        return f"-{max(numbers) + 1}" if numbers else ""


def _numbered(first: Path) -> list[tuple[str, Path]]:
    """The file of this name and those numbered after it, the last one first, with what their names have more."""
    found = []
    for path in first.parent.glob(f"{first.stem}*.pem"):
        match = _NUMBERED.fullmatch(path.name.removeprefix(first.stem))
        if match is not None:
            found.append((int(match[1] or 1), f"-{match[1]}" if match[1] else "", path))
    return [(ending, path) for _, ending, path in sorted(found, reverse=True)]


def _with_ending(first: Path, ending: str) -> Path:
    return first.with_name(f"{first.stem}{ending}.pem")


def _first_use(path: Path) -> datetime | None:
    try:
        return parse_time(path.with_suffix(_FIRST_USE).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise KeyMaterialError(f"{path.with_suffix(_FIRST_USE)} holds no time: write one, or remove it") from error
