"""The next root while its signatures are gathered: its keys are in several countries (C.1: Secretariat and 4 Parties).

The draft is a file that travels. Each holder compares its fingerprint over another way, signs it with the key out of
the own safe, and sends it on; the Secretariat installs it once the thresholds of the root before it and of itself are
reached (``Repository.install_root``). Holders first make their keys, and send the public halves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, SSlibKey
from tuf.api.metadata import Metadata, Root

from epix_node.errors import KeyMaterialError, TrustError
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import date_signed, digest_of, read_metadata, refused

Replacements = Mapping[str, tuple[Sequence[Key], int]]
"""For each role that gets other keys: those keys, and how many of them must sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootDraft:
    """The root that is held, and the one that may follow it."""

    held: bytes
    draft: bytes

    @classmethod
    def of(cls, held: bytes, replacements: Replacements, now: datetime) -> RootDraft:
        """The next root, in which these roles have these keys and no others; nobody has signed it yet."""
        root = deepcopy(read_metadata(held, Root, "root").signed)
        replace_keys(root, replacements)
        root.version += 1
        date_signed(root, Root.type, now)
        return cls(held=held, draft=Metadata(root).to_bytes())

    @property
    def root(self) -> Metadata[Root]:
        """The draft, read. Raises ``MalformedDocumentError`` where it is no root."""
        return read_metadata(self.draft, Root, "draft of a root")

    @property
    def missing(self) -> tuple[int, int]:
        """How many signatures are missing, of the held root's keys and of the draft's own.

        Raises:
            TrustError: the draft is not the next version.
        """
        root, held = self.root, read_metadata(self.held, Root, "root").signed
        if root.signed.version != held.version + 1:
            raise TrustError(
                f"draft of a root is version {root.signed.version}, expected {held.version + 1}", code="ROLLBACK"
            )
        with refused("draft of a root"):
            result = root.signed.get_root_verification_result(held, root.signed_bytes, root.signatures)
            return result.first.missing, result.second.missing

    @property
    def fingerprint(self) -> str:
        """What holders read to each other: SHA-256 of what is signed, in groups of four digits."""
        text = digest_of(self.root.signed_bytes)
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))

    def signed(self, keys: RoleKeys) -> RootDraft:
        """The draft with the signatures of those root keys, of the old and of the new ones, that are here.

        Raises:
            KeyMaterialError: none is.
        """
        root, held = self.root, read_metadata(self.held, Root, "root").signed
        wanted = {keyid: one.keys[keyid] for one in (held, root.signed) for keyid in one.roles[Root.type].keyids}
        signers = keys.signers(wanted.values())
        if not signers:
            raise KeyMaterialError(f"{keys.directory} has no root key, neither an old nor a new one")
        for signer in signers:
            root.sign(signer, append=True)
        return RootDraft(held=self.held, draft=root.to_bytes())


def replace_keys(root: Root, replacements: Replacements) -> None:
    """These roles have these keys, and the keys before them are void."""
    for role, (keys, threshold) in replacements.items():
        for keyid in tuple(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        root.roles[role].threshold = threshold
        for key in keys:
            root.add_key(key, role)


def public_key(text: str) -> Key:
    """The Ed25519 key with these 32 bytes in hex. Raises ``ValueError`` where there is none."""
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)))
