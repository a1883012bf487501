"""The private keys of TUF roles, one Ed25519 key a file, in a directory that may be a medium taken out of a safe.

A file is named after its role and the beginning of its key id, so that the keys that a role asks for are found without
opening others. A directory may hold some of a role's keys and not the rest: thresholds are reached by signing again
elsewhere. Roles whose keys are kept apart, on one medium for each custodian, have ``homes`` of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Key, SSlibKey
from tuf.api.metadata import Metadata

from epix_node.errors import KeyMaterialError
from epix_node.trust.keys import generate_ed25519_key, load_ed25519_key, write_private_key
from epix_node.trust.role_metadata import S

_ID_CHARACTERS = 16
"""Of the key id in a file's name: enough to tell any two keys apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleKeys:
    """The keys in one directory, into which new ones go, and in those ``also`` there, such as media from safes.

    ``load`` and ``write`` open and make a key file.
    """

    directory: Path
    also: tuple[Path, ...] = ()
    homes: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Where the new keys of a role go, one after another in turn; those of other roles go into ``directory``."""
    load: Callable[[Path], Ed25519PrivateKey] = load_ed25519_key
    write: Callable[[Path, Ed25519PrivateKey], None] = write_private_key

    @property
    def directories(self) -> tuple[Path, ...]:
        """All of them, each once."""
        homes = (home for directories in self.homes.values() for home in directories)
        return tuple(dict.fromkeys((self.directory, *homes, *self.also)))

    def make_directory(self) -> None:
        """Where new keys go is there, closed to others. Raises ``KeyMaterialError`` where it cannot be made."""
        for directory in self.directories:
            if directory in self.also:
                continue
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise KeyMaterialError(f"key directory {directory} cannot be made: {error.strerror}") from error

    def generate(self, role: str, number: int) -> tuple[Key, ...]:
        """So many new keys of this role are in its directories; returns their public halves."""
        homes = self.homes.get(role) or (self.directory,)
        made: list[Key] = []
        for index in range(number):
            private = generate_ed25519_key()
            public = SSlibKey.from_crypto(private.public_key())
            self.write(homes[index % len(homes)] / f"{role}-{public.keyid[:_ID_CHARACTERS]}.pem", private)
            made.append(public)
        return tuple(made)

    def files(self, key: Key) -> tuple[Path, ...]:
        """The files that bear this key's id in their name; they are not opened."""
        name = f"*-{key.keyid[:_ID_CHARACTERS]}.pem"
        return tuple(path for directory in self.directories for path in sorted(directory.glob(name)))

    def signers(self, keys: Iterable[Key]) -> tuple[CryptoSigner, ...]:
        """The signers of those of these keys that are here.

        Raises:
            KeyMaterialError: a key file cannot be used, or holds another key than its name says.
        """
        signers: list[CryptoSigner] = []
        for key in keys:
            found = self.files(key)
            if not found:
                continue
            private = self.load(found[0])
            if private.public_key().public_bytes_raw().hex() != key.keyval["public"]:
                raise KeyMaterialError(f"key file {found[0]} holds another key than its name says")
            assert isinstance(key, SSlibKey)
            signers.append(CryptoSigner(private, key))
        return tuple(signers)

    def sign(self, metadata: Metadata[S], keys: Iterable[Key], *, threshold: int, role: str) -> None:
        """The metadata bear the signatures of all of these keys that are here, and earlier ones by keys that are not.

        Raises:
            KeyMaterialError: fewer than the threshold have signed then.
        """
        wanted = tuple(keys)
        for signer in self.signers(wanted):
            metadata.sign(signer, append=True)
        signed = sum(key.keyid in metadata.signatures for key in wanted)
        if signed < threshold:
            places = ", ".join(str(directory) for directory in self.directories)
            raise KeyMaterialError(
                f"{role} needs {threshold} of its {len(wanted)} keys to sign; {signed} did, with those in {places}"
            )
