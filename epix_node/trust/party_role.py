"""A Party's side of the trust list: its role keys, and a signed version of its role over each new manifest.

Role keys are not the node's keys: they sign manifests and nothing else, and may lie in a safe (C.1: 2 of 3; decision 6:
1 of 2 for small Parties and the sandbox). The Secretariat names them when it admits the Party and is not needed again
until they change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Literal, Self

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator
from securesystemslib.signer import Key, SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, TargetFile, Targets

from epix_node.errors import MalformedDocumentError
from epix_node.trust.manifest import Code, Manifest, parse_manifest, read_json
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import (
    MAX_PARTY_ROLE_BYTES,
    date_signed,
    key_fingerprint,
    manifest_target,
    paths_of,
    read_metadata,
    role_of,
)
from epix_node.trust.signed_version import SignedVersion, VerifiedVersion, verify_version
from epix_node.trust.succession import require_successor

SMALL = (2, 1)
"""Keys and threshold of a small Party and in the sandbox (decision 6)."""
USUAL = (3, 2)
"""Keys and threshold otherwise (C.1)."""
MAX_ROLE_KEYS = 10

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRole:
    """The public keys of a Party's role, and how many of them must sign."""

    party: str
    keys: tuple[Key, ...]
    threshold: int

    @classmethod
    def generate(cls, party: str, keys: RoleKeys, *, number: int, threshold: int) -> PartyRole:
        """A role with new keys, whose private halves are in that directory.

        Raises ``KeyMaterialError`` where they cannot be written.
        """
        if not 1 <= threshold <= number <= MAX_ROLE_KEYS:
            raise ValueError(f"no role needs {threshold} of {number} keys")
        return cls(party=party, keys=keys.generate(role_of(party), number), threshold=threshold)

    @classmethod
    def of(cls, party: str, members: RoleMembers) -> PartyRole:
        """The role with these members."""
        keys = (Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for key in members.keys)
        return cls(party=party, keys=tuple(SSlibKey.from_crypto(key) for key in keys), threshold=members.threshold)

    @property
    def members(self) -> RoleMembers:
        """The role without its Party."""
        return RoleMembers(keys=tuple(key.keyval["public"] for key in self.keys), threshold=self.threshold)

    @classmethod
    def parse(cls, data: bytes) -> PartyRole:
        """The role in this file. Raises ``MalformedDocumentError`` where there is none."""
        try:
            file = _RoleFile.model_validate(read_json(data, "role", max_bytes=MAX_PARTY_ROLE_BYTES))
        except ValidationError as error:
            raise MalformedDocumentError("role is not what epix-role/1 says") from error
        return cls.of(file.party, file.role)

    def to_json(self) -> bytes:
        """The file; it has no secret in it, and ``parse`` gives this role back."""
        return rfc8785.dumps(_RoleFile(party=self.party, role=self.members).model_dump(mode="json")) + b"\n"

    def fingerprints(self) -> dict[str, str]:
        """For the diplomatic note: a name for each key, and its SHA-256 in groups of four digits."""
        return {f"role key {number}": key_fingerprint(key) for number, key in enumerate(self.keys, start=1)}

    def key_identities(self) -> frozenset[str]:
        """The keys as ``Manifest.key_identities`` names keys."""
        return frozenset(f"key {sha256(bytes.fromhex(key.keyval['public'])).hexdigest()}" for key in self.keys)

    def delegate(self, targets: Targets) -> None:
        """The Secretariat's targets name these keys for the Party, and no earlier ones."""
        assert targets.delegations is not None
        assert targets.delegations.roles is not None
        withdraw(targets, self.party)
        targets.delegations.roles[role_of(self.party)] = DelegatedRole(
            name=role_of(self.party), keyids=[], threshold=self.threshold, terminating=True, paths=paths_of(self.party)
        )
        for key in self.keys:
            targets.add_key(key, role_of(self.party))

    def verify(self, version: SignedVersion) -> VerifiedVersion:
        """The version, where enough of these keys signed it; raises as ``verify_version`` does."""
        delegator = Targets(expires=_NEVER, delegations=Delegations(keys={}, roles={}))
        self.delegate(delegator)
        return verify_version(delegator, self.party, version)


def withdraw(targets: Targets, party: str) -> None:
    """The Secretariat's targets name no keys for this Party."""
    assert targets.delegations is not None
    assert targets.delegations.roles is not None
    role = targets.delegations.roles.get(role_of(party))
    if role is not None:
        for keyid in tuple(role.keyids):
            targets.revoke_key(keyid, role_of(party))
        del targets.delegations.roles[role_of(party)]


def sign_version(
    role: PartyRole,
    manifest: Manifest,
    keys: RoleKeys,
    *,
    now: datetime,
    previous: Manifest | None = None,
    above: int = 0,
    partial: bool = False,
) -> SignedVersion:
    """The next version of the role, over this manifest, signed by as many of its keys as are there.

    Its number is one above the previous manifest's; ``above`` lifts it further, where the trust list has seen higher
    ones. It is good for 400 days from ``now``. With ``partial`` it may lack signatures until ``countersign``.

    Raises:
        UnacceptableError: the manifest cannot follow the previous one (``succession``).
        MalformedDocumentError: the manifest is not consistent in itself.
        KeyMaterialError: too few of the role's keys are there.
    """
    number = max(previous.seq or 0 if previous is not None else 0, above) + 1
    data = manifest.numbered(number).to_json()
    numbered = parse_manifest(data)  # what nobody would take is not signed
    if previous is not None:
        require_successor(previous, numbered)
    target = manifest_target(role.party)
    signed = Targets(version=number, expires=_NEVER, targets={target: TargetFile.from_data(target, data, ["sha256"])})
    date_signed(signed, role_of(role.party), now)
    metadata = Metadata(signed)
    keys.sign(metadata, role.keys, threshold=0 if partial else role.threshold, role=role_of(role.party))
    return SignedVersion(role=metadata.to_bytes(), manifest_file=data)


def countersign(role: PartyRole, version: SignedVersion, keys: RoleKeys, *, partial: bool = False) -> SignedVersion:
    """The same version with the signatures of the keys in this directory added, for thresholds over several safes.

    Raises:
        KeyMaterialError: even so, too few keys have signed.
    """
    metadata = read_metadata(version.role, Targets, role_of(role.party), max_bytes=MAX_PARTY_ROLE_BYTES)
    keys.sign(metadata, role.keys, threshold=0 if partial else role.threshold, role=role_of(role.party))
    return SignedVersion(role=metadata.to_bytes(), manifest_file=version.manifest_file)


def signatures_on(role: PartyRole, version: SignedVersion) -> int:
    """How many of the role's keys have signed this version, unverified.

    Raises ``MalformedDocumentError`` where that is no role.
    """
    metadata = read_metadata(version.role, Targets, role_of(role.party), max_bytes=MAX_PARTY_ROLE_BYTES)
    return sum(bool(metadata.signatures.get(key.keyid)) for key in role.keys)


class RoleMembers(BaseModel):
    """Ed25519 public keys, 32 bytes in hex each, and the threshold, as a role file and a request have them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(min_length=1, max_length=MAX_ROLE_KEYS)
    ]
    threshold: Annotated[StrictInt, Field(ge=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # One key under two names would count twice towards the threshold.
        if len(set(self.keys)) != len(self.keys) or self.threshold > len(self.keys):
            raise ValueError("the same key twice, or a threshold above the number of keys")
        return self


class _RoleFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: Literal["epix-role/1"] = "epix-role/1"
    party: Code
    role: RoleMembers
