"""What opens this node's key files and its token: the passphrase and the PIN, and what is done without them.

Each is looked for in the file that the configuration names, then in the environment, then on the terminal where a
person sits at one (``trust.passphrase``), and only when something is to be opened. What was typed is remembered for
as long as the process runs, since a rotation may bring a key that it has not opened yet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.config import Config
from epix_node.errors import KeyMaterialError
from epix_node.trust.keys import (
    PrivateKey,
    encrypt_private_key,
    is_encrypted,
    load_ed25519_key,
    load_permit_key,
    write_private_key,
)
from epix_node.trust.passphrase import PASSPHRASE_VARIABLE, PIN_VARIABLE, find_secret

Ask = Callable[[str], str]
"""Asks a person for a secret, by this question; nothing is shown of what is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Opens and makes key files. ``takes_plain``: unencrypted ones too, which the sandbox allows and nobody else."""

    passphrase_file: Path | None = None
    pin_file: Path | None = None
    takes_plain: bool = False
    variable: str = PASSPHRASE_VARIABLE
    """Of the environment, with the passphrase."""
    what: str = "this node's keys"
    """What the passphrase opens, for the question."""
    environ: Mapping[str, str] = field(repr=False, default_factory=lambda: os.environ)
    ask: Ask | None = field(repr=False, default=None)
    _typed: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    @classmethod
    def of(cls, config: Config, *, ask: Ask | None = None) -> Self:
        """As the configuration says; ``ask`` is for whoever sits at a terminal."""
        return cls(
            passphrase_file=config.passphrase_file,
            pin_file=config.pin_file,
            takes_plain=config.party.environment == "sandbox",
            ask=ask,
        )

    def passphrase(self) -> bytes | None:
        """The passphrase of the key files; None where nobody has one. Raises ``KeyMaterialError`` for an unfit file."""
        return self._find(self.passphrase_file, self.variable, f"passphrase of {self.what}")

    def pin(self) -> bytes | None:
        """The PIN of the token, likewise."""
        return self._find(self.pin_file, PIN_VARIABLE, "PIN of the token")

    @property
    def advice(self) -> str:
        """What to do where there is no passphrase."""
        setting = "name its file in [keys] passphrase_file, or " if self.variable == PASSPHRASE_VARIABLE else ""
        return f"{setting}give the passphrase in {self.variable}, or on a terminal"

    def load_permit_key(self, path: Path) -> ec.EllipticCurvePrivateKey:
        """The P-256 key in this file. Raises ``KeyMaterialError`` with what to do about it."""
        return load_permit_key(path, passphrase=self._passphrase_of(path))

    def load_ed25519_key(self, path: Path) -> Ed25519PrivateKey:
        """The Ed25519 key in this file, likewise."""
        return load_ed25519_key(path, passphrase=self._passphrase_of(path))

    def write(self, path: Path, key: PrivateKey) -> None:
        """The key is in this new file, encrypted; in the sandbox as it is, where there is no passphrase.

        Raises:
            KeyMaterialError: there is no passphrase, the file exists, or it cannot be written.
        """
        passphrase = self.passphrase()
        if passphrase is None and not self.takes_plain:
            raise KeyMaterialError(f"key file {path} is not written without a passphrase: {self.advice}")
        write_private_key(path, key, passphrase=passphrase)

    def encrypt(self, path: Path) -> bool:
        """The key file is encrypted; false where it was already.

        Raises:
            KeyMaterialError: there is no passphrase, or the file cannot be used.
        """
        if is_encrypted(path):
            return False
        passphrase = self.passphrase()
        if passphrase is None:
            raise KeyMaterialError(f"there is no passphrase to encrypt {path} with: {self.advice}")
        encrypt_private_key(path, passphrase=passphrase)
        return True

    def _passphrase_of(self, path: Path) -> bytes | None:
        """What opens this file; None where it is not encrypted and need not be."""
        if is_encrypted(path):
            passphrase = self.passphrase()
            if passphrase is None:
                raise KeyMaterialError(f"key file {path} is encrypted: {self.advice}")
            return passphrase
        if not self.takes_plain:
            raise KeyMaterialError(
                f"key file {path} is not encrypted, which only a node of the sandbox takes: run "
                "`epix-node keys encrypt`"
            )
        return None

    def _find(self, file: Path | None, variable: str, question: str) -> bytes | None:
        def typed() -> str:
            if question not in self._typed:
                assert self.ask is not None
                self._typed[question] = self.ask(question)
            return self._typed[question]

        return find_secret(
            file=file, environ=self.environ, variable=variable, ask=typed if self.ask is not None else None
        )
