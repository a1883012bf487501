"""One version of a Party's role and the manifest that it lists: two files that belong together.

They come from the Secretariat's repository or from the Party's own node (C.1) and are verified in the same way, by
python-tuf's ``verify_delegate`` under the keys of the last trusted delegation. That the role has expired is no reason
to refuse it: its Party is STALE then (decision 6), and a revocation must get through.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Literal

import rfc8785
from pydantic import BaseModel, ConfigDict
from tuf.api.metadata import Metadata, TargetFile, Targets

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.trust.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest, read_json
from epix_node.trust.role_metadata import (
    MAX_PARTY_ROLE_BYTES,
    manifest_target,
    read_metadata,
    refused,
    role_of,
    verify_signatures,
)

MAX_PARTY_FILE_BYTES = 2 * (MAX_MANIFEST_BYTES + MAX_PARTY_ROLE_BYTES)
"""Of a request and of ``party.json``, in which both files are base64."""


class _PartyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: Literal["epix-party/1"]
    role: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedVersion:
    """One version of a Party's role and the manifest that it lists: two files that belong together."""

    role: bytes
    manifest_file: bytes

    def party_file(self) -> bytes:
        """``party.json``, which the Party's own node serves (C.1)."""
        members = {"spec": "epix-party/1", "role": encoded(self.role), "manifest": encoded(self.manifest_file)}
        return rfc8785.dumps(members) + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> SignedVersion:
        """The two files in a ``party.json``, not verified. Raises ``MalformedDocumentError`` where there are none."""
        try:
            file = _PartyFile.model_validate(read_json(data, "party.json", max_bytes=MAX_PARTY_FILE_BYTES))
            return cls(role=decoded(file.role), manifest_file=decoded(file.manifest))
        except ValueError as error:  # pydantic's ValidationError is one
            raise MalformedDocumentError("party.json is not what epix-party/1 says") from error

    @property
    def number(self) -> int:
        """The version that it says it is, unverified. Raises ``MalformedDocumentError`` where it says none."""
        return read_metadata(self.role, Targets, "Party role", max_bytes=MAX_PARTY_ROLE_BYTES).signed.version


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedVersion:
    """A version that the Party's keys signed, over a manifest that is consistent in itself."""

    version: int
    metadata: Targets
    manifest: Manifest


def encoded(data: bytes) -> str:
    """Base64."""
    return b64encode(data).decode("ascii")


def decoded(text: str) -> bytes:
    """What ``encoded`` gave for it. Raises ``ValueError`` for any other text."""
    data = b64decode(text, validate=True)
    if encoded(data) != text:
        raise ValueError("not in canonical base64")
    return data


def read_party_role(data: bytes, party: str) -> tuple[Metadata[Targets], TargetFile]:
    """The Party's role in these bytes and the manifest that it lists; who signed it is not looked at.

    Raises:
        MalformedDocumentError: there is none.
        TrustError: code TRUST_LIST_REFUSED, it lists something else.
    """
    metadata = read_metadata(data, Targets, f"role of {party}", max_bytes=MAX_PARTY_ROLE_BYTES)
    target = metadata.signed.targets.get(manifest_target(party))
    if target is None or len(metadata.signed.targets) != 1 or metadata.signed.delegations is not None:
        raise TrustError(f"role of {party} does not list its manifest and nothing else", code="TRUST_LIST_REFUSED")
    if set(target.hashes) != {"sha256"} or target.length > MAX_MANIFEST_BYTES:
        raise TrustError(
            f"role of {party} lists a manifest without its SHA-256, or too long", code="TRUST_LIST_REFUSED"
        )
    return metadata, target


def verify_version(delegator: Targets, party: str, version: SignedVersion) -> VerifiedVersion:
    """The version, where this delegator's keys for the Party signed it; its expiry is not looked at.

    Raises:
        TrustError: codes SIGNATURE_INVALID, DIGEST_MISMATCH, KEY_WRONG_PARTY, TRUST_LIST_REFUSED.
        MalformedDocumentError: one of the files is no such thing.
    """
    what = f"role of {party}"
    metadata, target = read_party_role(version.role, party)
    verify_signatures(delegator, role_of(party), metadata)
    with refused(what):
        target.verify_length_and_hashes(version.manifest_file)
    manifest = parse_manifest(version.manifest_file)
    if manifest.party != party:
        raise TrustError(f"{what} lists the manifest of {manifest.party}", code="KEY_WRONG_PARTY")
    if manifest.seq != metadata.signed.version:
        raise TrustError(
            f"{what} is version {metadata.signed.version}, its manifest seq {manifest.seq}", code="TRUST_LIST_REFUSED"
        )
    return VerifiedVersion(version=metadata.signed.version, metadata=metadata.signed, manifest=manifest)
