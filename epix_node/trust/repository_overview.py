"""What stands in a trust list on disk, for people: roles, Parties, codes, and until when all that is good.

Reads the repository and signs nothing. Whether a private key is at hand is told from the names of the key files, which
are not opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Root

from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.party_role import PartyRole, RoleMembers
from epix_node.trust.repository import Repository
from epix_node.trust.repository_state import RepositoryState
from epix_node.trust.role_metadata import key_fingerprint, metadata_file, party_of
from epix_node.trust.signed_version import read_party_role


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """One of root, targets, snapshot and timestamp."""

    name: str
    version: int
    expires: datetime
    threshold: int
    fingerprints: tuple[str, ...]
    """Of its keys, in groups of four digits."""
    at_hand: int
    """How many of the private halves have a file here."""
    files: tuple[Path, ...] = field(repr=False)
    """Those files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyEntry:
    """One Party in the list."""

    party: str
    version: int
    expires: datetime
    codes: tuple[str, ...]
    """Those that the Secretariat gives to it; its manifest may name fewer."""
    role: PartyRole = field(repr=False)
    manifest: Manifest = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A trust list at one moment."""

    environment: str
    fingerprint: str
    """Of the newest root, which new nodes pin, in groups of four digits."""
    root_file: Path
    """That root."""
    roles: tuple[RoleEntry, ...]
    parties: Mapping[str, PartyEntry]
    """In the order of their admission."""
    removed: Mapping[str, int]
    """Parties that were in the list, and the version above which they may come back."""

    @classmethod
    def of(cls, repository: Repository) -> Overview:
        """Of this repository.

        Raises:
            ConfigError: there is none, or a file of it is not there.
            MalformedDocumentError: a file is not what it should be.
        """
        state = RepositoryState.load(repository.files, repository.keys)
        listed = (party_of(name.removesuffix(".json")) for name in state.snapshot.signed.meta)
        gone = {party: state.known_version(party) or 0 for party in listed if party and party not in state.parties}
        return cls(
            environment=state.issuers.environment,
            fingerprint=repository.fingerprints()["root"],
            root_file=repository.files.directory / metadata_file(Root.type, state.root.signed.version),
            roles=tuple(_roles(state)),
            parties={party: _party(state, party) for party in state.parties},
            removed=gone,
        )


def environment_of(repository: Repository) -> str:
    """That of every manifest in the list; raises as ``Overview.of``."""
    return RepositoryState.load(repository.files, repository.keys).issuers.environment


def _roles(state: RepositoryState) -> list[RoleEntry]:
    root = state.root.signed
    entries = []
    for signed in (root, state.targets.signed, state.snapshot.signed, state.timestamp.signed):
        role = root.roles[signed.type]
        keys = [root.keys[keyid] for keyid in role.keyids]
        entries.append(
            RoleEntry(
                name=signed.type,
                version=signed.version,
                expires=signed.expires,
                threshold=role.threshold,
                fingerprints=tuple(key_fingerprint(key) for key in keys),
                at_hand=sum(bool(state.keys.files(key)) for key in keys),
                files=tuple(path for key in keys for path in state.keys.files(key)),
            )
        )
    return entries


def _party(state: RepositoryState, party: str) -> PartyEntry:
    held = state.version(party)
    metadata, _ = read_party_role(held.role, party)
    role = next(role for name, role in state.delegations.items() if party_of(name) == party)
    keys = tuple(state.targets.signed.get_key(keyid).keyval["public"] for keyid in role.keyids)
    return PartyEntry(
        party=party,
        version=metadata.signed.version,
        expires=metadata.signed.expires,
        codes=tuple(sorted(state.issuers.codes(party))),
        role=PartyRole.of(party, RoleMembers(keys=keys, threshold=role.threshold)),
        manifest=parse_manifest(held.manifest_file),
    )
