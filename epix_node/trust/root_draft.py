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
from typing import Literal

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict
from securesystemslib.signer import Key, SSlibKey
from tuf.api.metadata import Metadata, Root

from epix_node.errors import KeyMaterialError, MalformedDocumentError, TrustError
from epix_node.trust.manifest import read_json
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import (
    MAX_BYTES,
    date_signed,
    digest_of,
    key_fingerprint,
    read_metadata,
    refused,
)
from epix_node.trust.signed_version import decoded, encoded

Replacements = Mapping[str, tuple[Sequence[Key], int]]
"""For each role that gets other keys: those keys, and how many of them must sign."""


MAX_DRAFT_BYTES = 4 * MAX_BYTES[Root.type]
"""Of the file, in which both roots are base64."""


class _DraftFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: Literal["epix-root-draft/1"]
    held: str
    draft: str


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

    @classmethod
    def parse(cls, data: bytes) -> RootDraft:
        """The draft in this file, whose signatures nobody has looked at.

        Raises:
            MalformedDocumentError: there is none.
            TrustError: it is not the next version.
        """
        try:
            file = _DraftFile.model_validate(read_json(data, "draft of a root", max_bytes=MAX_DRAFT_BYTES))
            draft = cls(held=decoded(file.held), draft=decoded(file.draft))
        except ValueError as error:  # pydantic's ValidationError is one
            raise MalformedDocumentError("draft of a root is not what epix-root-draft/1 says") from error
        draft.require_next()
        return draft

    def to_json(self) -> bytes:
        """The file that travels; it has no secret in it, and ``parse`` gives this draft back."""
        members = {"spec": "epix-root-draft/1", "held": encoded(self.held), "draft": encoded(self.draft)}
        return rfc8785.dumps(members) + b"\n"

    @property
    def version(self) -> int:
        """That of the root which it may become."""
        return int(self.root.signed.version)

    @property
    def threshold(self) -> int:
        """How many of its own root keys must sign."""
        return int(self.root.signed.roles[Root.type].threshold)

    @property
    def key_fingerprints(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the root keys before, and of its own, in groups of four digits."""
        held, root = read_metadata(self.held, Root, "root").signed, self.root.signed
        before, after = (
            tuple(key_fingerprint(one.keys[keyid]) for keyid in one.roles[Root.type].keyids) for one in (held, root)
        )
        return before, after

    @property
    def root(self) -> Metadata[Root]:
        """The draft, read. Raises ``MalformedDocumentError`` where it is no root."""
        return read_metadata(self.draft, Root, "draft of a root")

    def require_next(self) -> None:
        """Return where the draft may follow the root that is held, signatures apart.

        Raises:
            TrustError: code ROLLBACK, it is not the next version.
        """
        root, held = self.root.signed, read_metadata(self.held, Root, "root").signed
        if root.version != held.version + 1:
            raise TrustError(f"draft of a root is version {root.version}, expected {held.version + 1}", code="ROLLBACK")

    @property
    def missing(self) -> tuple[int, int]:
        """How many signatures are missing, of the held root's keys and of the draft's own.

        Raises:
            TrustError: the draft is not the next version.
        """
        self.require_next()
        root, held = self.root, read_metadata(self.held, Root, "root").signed
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


def key_text(key: Key) -> tuple[str, str]:
    """The 32 bytes of a public key in hex, as ``public_key`` reads them, and its fingerprint in groups of four."""
    return key.keyval["public"], key_fingerprint(key)
