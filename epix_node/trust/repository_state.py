"""A trust list as the Secretariat has it on disk and as it is about to be: read, changed and signed for `repository`.

Whatever is signed here is dated by the caller's clock and gets the next version. Nothing is written before ``write``,
and then the timestamp last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from epix_node.trust.issuers import Issuers
from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.repository_files import RepositoryFiles
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import (
    ENVIRONMENT,
    ISSUERS_TARGET,
    S,
    date_signed,
    digest_of,
    is_signed,
    manifest_target,
    metadata_file,
    party_of,
    read_metadata,
    refused,
    role_of,
    signed_at,
    target_file,
)
from epix_node.trust.signed_version import SignedVersion, read_party_role


@dataclass(slots=True, kw_only=True)
class RepositoryState:
    """The four top-level roles and the list of codes. ``changes`` are the files that are to be written."""

    files: RepositoryFiles
    keys: RoleKeys
    root: Metadata[Root]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]
    issuers: Issuers
    changes: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def load(cls, files: RepositoryFiles, keys: RoleKeys) -> RepositoryState:
        """The state that the timestamp points at.

        Raises:
            ConfigError: there is none, or a file of it is not there.
            MalformedDocumentError: a file is not what it should be.
        """
        with refused("the trust list on disk"):
            timestamp = read_metadata(files.require(metadata_file(Timestamp.type)), Timestamp, "timestamp")
            snapshot_file = metadata_file(Snapshot.type, timestamp.signed.snapshot_meta.version)
            snapshot = read_metadata(files.require(snapshot_file), Snapshot, "snapshot")
            targets_file = metadata_file(Targets.type, snapshot.signed.meta["targets.json"].version)
            targets = read_metadata(files.require(targets_file), Targets, "targets")
            digest = targets.signed.targets[ISSUERS_TARGET].hashes["sha256"]
            return cls(
                files=files,
                keys=keys,
                root=read_metadata(files.newest_root(), Root, "root"),
                targets=targets,
                snapshot=snapshot,
                timestamp=timestamp,
                issuers=Issuers.parse(files.require(target_file(ISSUERS_TARGET, digest))),
            )

    @classmethod
    def new(
        cls,
        files: RepositoryFiles,
        keys: RoleKeys,
        environment: str,
        roles: Mapping[str, tuple[int, int]],
        now: datetime,
    ) -> RepositoryState:
        """A trust list without Parties, with new keys, all of it signed and nothing written."""
        root = Root(version=1, expires=now, unrecognized_fields={ENVIRONMENT: environment})
        for role, (number, threshold) in roles.items():
            root.roles[role] = Role([], threshold)
            for key in keys.generate(role, number):
                root.add_key(key, role)
        date_signed(root, Root.type, now)
        state = cls(
            files=files,
            keys=keys,
            root=Metadata(root),
            targets=Metadata(Targets(expires=now, delegations=Delegations(keys={}, roles={}))),
            snapshot=Metadata(Snapshot(expires=now)),
            timestamp=Metadata(Timestamp(expires=now)),
            issuers=Issuers(environment=environment, parties={}),
        )
        state._sign(state.root, Root.type, root)
        state.changes[metadata_file(Root.type, 1)] = state.root.to_bytes()
        for unsigned in (state.targets, state.snapshot, state.timestamp):
            unsigned.signed.version = 0  # the first signature gives it 1
        state.sign_targets(now)
        state.sign_online(now)
        return state

    @property
    def delegations(self) -> Mapping[str, DelegatedRole]:
        """The roles of the Parties, by name, in the order of their admission."""
        delegations = self.targets.signed.delegations
        assert delegations is not None
        assert delegations.roles is not None
        return delegations.roles

    @property
    def parties(self) -> tuple[str, ...]:
        """The Parties in the list, in the order of their admission."""
        return tuple(party for role in self.delegations if (party := party_of(role)) is not None)

    def known_version(self, party: str) -> int | None:
        """The version that the snapshot lists, of a removed Party too; None of one that was never admitted."""
        meta = self.snapshot.signed.meta.get(f"{role_of(party)}.json")
        return meta.version if meta is not None else None

    def version(self, party: str) -> SignedVersion:
        """The version of this Party's role that the snapshot lists."""
        role = self._file(metadata_file(role_of(party), self.known_version(party)))
        digest = read_party_role(role, party)[1].hashes["sha256"]
        return SignedVersion(role=role, manifest_file=self._file(target_file(manifest_target(party), digest)))

    def manifests(self, *, without: str) -> Iterator[Manifest]:
        """The manifests of all Parties but this one."""
        return (parse_manifest(self.version(party).manifest_file) for party in self.parties if party != without)

    def role_key_owners(self, *, without: str) -> dict[str, str]:
        """Whose each public key of a role is, by its hex; those of this Party left out."""
        owners = {key.keyval["public"]: "the Secretariat" for key in self.root.signed.keys.values()}
        for name, role in self.delegations.items():
            if name != role_of(without):
                owners.update((self.targets.signed.get_key(keyid).keyval["public"], name) for keyid in role.keyids)
        return owners

    def list_version(self, party: str, version: SignedVersion) -> None:
        """The snapshot lists this version of the Party's role, whose files are to be written."""
        self.snapshot.signed.meta[f"{role_of(party)}.json"] = MetaFile(version.number)
        self.changes[metadata_file(role_of(party), version.number)] = version.role
        self.changes[target_file(manifest_target(party), digest_of(version.manifest_file))] = version.manifest_file

    def sign_root(self, root: Root, now: datetime) -> None:
        """This is the next root, signed by the thresholds of the root before it and of itself."""
        before = self.root.signed
        root.version = before.version + 1
        date_signed(root, Root.type, now)
        self.root = Metadata(root)
        self._sign(self.root, Root.type, before)
        self._sign(self.root, Root.type, root)
        self.changes[metadata_file(Root.type, root.version)] = self.root.to_bytes()

    def install_root(self, data: bytes) -> None:
        """This is the next root, signed elsewhere."""
        self.root = read_metadata(data, Root, "root")
        self.changes[metadata_file(Root.type, self.root.signed.version)] = data

    def sign_targets(self, now: datetime) -> None:
        """The next targets list the codes and delegations as they are now; the snapshot lists those targets."""
        targets, issuers = self.targets.signed, self.issuers.to_json()
        targets.targets[ISSUERS_TARGET] = TargetFile.from_data(ISSUERS_TARGET, issuers, ["sha256"])
        self.changes[target_file(ISSUERS_TARGET, digest_of(issuers))] = issuers
        self.targets = self._next(targets, Targets.type, now)
        self.changes[metadata_file(Targets.type, targets.version)] = self.targets.to_bytes()
        self.snapshot.signed.meta["targets.json"] = MetaFile(targets.version)

    def sign_online(self, now: datetime) -> None:
        """The next snapshot and the next timestamp are signed."""
        snapshot = self.snapshot.signed
        self.snapshot = self._next(snapshot, Snapshot.type, now)
        self.changes[metadata_file(Snapshot.type, snapshot.version)] = self.snapshot.to_bytes()
        self.sign_timestamp(now)

    def sign_timestamp(self, now: datetime) -> None:
        """The next timestamp is signed, over the snapshot as it is."""
        timestamp = self.timestamp.signed
        timestamp.snapshot_meta = MetaFile(self.snapshot.signed.version)
        self.timestamp = self._next(timestamp, Timestamp.type, now)
        self.changes[metadata_file(Timestamp.type)] = self.timestamp.to_bytes()

    def is_due(self, metadata: Metadata[S], now: datetime, age: timedelta) -> bool:
        """Whether these top-level metadata are older than this, have expired, or are not signed by today's keys."""
        at = signed_at(metadata.signed)
        return (
            at is None
            or now - at >= age
            or metadata.signed.is_expired(now)
            or not is_signed(self.root.signed, metadata.signed.type, metadata)
        )

    def write(self) -> None:
        """The changes are on disk. Raises ``ConfigError`` where they cannot be written."""
        self.files.write(self.changes)

    def _next(self, signed: S, role: str, now: datetime) -> Metadata[S]:
        signed.version += 1
        date_signed(signed, role, now)
        metadata = Metadata(signed)
        self._sign(metadata, role, self.root.signed)
        return metadata

    def _sign(self, metadata: Metadata[S], role: str, root: Root) -> None:
        keys = [root.keys[keyid] for keyid in root.roles[role].keyids]
        self.keys.sign(metadata, keys, threshold=root.roles[role].threshold, role=role)

    def _file(self, path: str) -> bytes:
        return self.changes.get(path) or self.files.require(path)
