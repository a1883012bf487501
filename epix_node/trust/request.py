"""``epix-request/1``: what a Party gives to the Secretariat to be admitted (C.8).

It shows the whole manifest, for people, and the role keys with a version of the role over that very manifest: proof
that the Party has the keys. Its fingerprints go into the diplomatic note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import rfc8785
from pydantic import ValidationError

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.trust.manifest import Manifest, manifest_of, parse_manifest, read_json
from epix_node.trust.party_role import PartyRole, RoleMembers
from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES, SignedVersion, decoded, encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A role, and the version of it that is offered; whoever parsed one knows that they belong together."""

    role: PartyRole
    version: SignedVersion
    manifest: Manifest

    @classmethod
    def of(cls, role: PartyRole, version: SignedVersion) -> Request:
        """The request with which this version is offered."""
        return cls(role=role, version=version, manifest=parse_manifest(version.manifest_file))

    def to_json(self) -> bytes:
        """The file; it has no secret in it."""
        role = {**self.role.members.model_dump(mode="json"), "metadata": encoded(self.version.role)}
        return rfc8785.dumps({**self.manifest.members(), "spec": "epix-request/1", "role": role}) + b"\n"

    def fingerprints(self) -> Mapping[str, str]:
        """For the diplomatic note: the role's keys, the manifest, and all keys in it."""
        return {**self.role.fingerprints(), **self.manifest.key_fingerprints()}

    @classmethod
    def parse(cls, data: bytes) -> Request:
        """The request in these bytes, whose role is signed by its own keys over the manifest shown.

        Raises:
            MalformedDocumentError: there is none.
            TrustError: the signatures do not verify, or are over another manifest; or one key serves two purposes.
        """
        members = read_json(data, "request", max_bytes=MAX_PARTY_FILE_BYTES)
        if not isinstance(members, dict) or members.get("spec") != "epix-request/1":
            raise MalformedDocumentError("request: spec is not epix-request/1")
        shown = members.pop("role", None)
        if not isinstance(shown, dict):
            raise MalformedDocumentError("request: role is missing; `epix-node federation request` writes it")
        metadata = shown.pop("metadata", None)
        manifest = manifest_of({**members, "spec": "epix-manifest/1"})
        try:
            role = PartyRole.of(manifest.party, RoleMembers.model_validate(shown))
            signed = decoded(metadata) if isinstance(metadata, str) else b""
        except ValidationError as error:
            raise MalformedDocumentError("request: role has no keys and threshold that make sense") from error
        except ValueError as error:
            raise MalformedDocumentError("request: role.metadata is not base64") from error
        version = SignedVersion(role=signed, manifest_file=manifest.to_json())
        role.verify(version)
        if role.key_identities() & manifest.key_identities():
            raise TrustError(f"request of {manifest.party}: a role key is also a key of the node; each is for one use")
        return cls(role=role, version=version, manifest=manifest)
