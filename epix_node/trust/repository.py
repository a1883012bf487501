"""The Secretariat's side of the trust list (C.1, C.8): found it, admit and remove Parties, and keep it fresh.

Two kinds of keys. Root and targets keys are offline: they sign who belongs, by threshold, a few times a year. Snapshot
and timestamp keys are online: they sign which versions are current, every hour, and can neither admit nor remove
anybody. What a Party says of itself it signs with its own role keys; the Secretariat only takes newer versions in.

Every act reads the repository, decides, and writes all of its files or leaves the state before (``repository_files``).
Whoever is removed stays listed in the snapshot with its last version, as TUF demands, and so cannot come back below it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from epix_node.errors import ConflictError, EpixError, NotFoundError, TrustError, UnacceptableError
from epix_node.trust.freshness import PARTY_WARNINGS
from epix_node.trust.keyring import refuse_overlap
from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.party_role import withdraw
from epix_node.trust.repository_files import RepositoryFiles
from epix_node.trust.repository_state import RepositoryState
from epix_node.trust.request import Request
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import LIFETIMES, digest_of, key_fingerprint, metadata_file, read_metadata, role_of
from epix_node.trust.root_draft import RootDraft, replace_keys
from epix_node.trust.signed_version import SignedVersion, read_party_role, verify_version
from epix_node.trust.succession import require_successor

SANDBOX = {Root.type: (1, 1), Targets.type: (1, 1), Snapshot.type: (1, 1), Timestamp.type: (1, 1)}
"""Keys and threshold of each role in the sandbox."""
USUAL = {**SANDBOX, Root.type: (5, 3), Targets.type: (3, 2)}
"""C.1."""
ONLINE = frozenset({Snapshot.type, Timestamp.type})

TIMESTAMP_DUE = timedelta(hours=1)
"""C.1: the timestamp is signed again when it is older."""
SNAPSHOT_DUE = LIFETIMES[Snapshot.type] / 2
RENEWAL_DUE = timedelta(days=30)
"""How long before their expiry root and targets should be signed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What stands in the repository after an act."""

    versions: Mapping[str, int]
    """Of root, targets, snapshot and timestamp."""
    parties: Mapping[str, int]
    """The version of each Party's role, removed ones left out."""
    taken: frozenset[str] = frozenset()
    """Parties of which a newer version was taken in."""
    refused: Mapping[str, EpixError] = field(default_factory=dict)
    """Why a version that was offered was not taken."""
    expiring: Mapping[str, datetime] = field(default_factory=dict)
    """Root and targets that expire within 30 days, Parties within 90; the online keys cannot renew them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A trust list on disk, and the keys that are at hand: offline ones need not always be."""

    files: RepositoryFiles
    keys: RoleKeys

    @classmethod
    def at(cls, directory: Path, *, keys: RoleKeys | None = None) -> Repository:
        """The one in this directory, with ``repository/`` for all to see and ``keys/`` for nobody."""
        return cls(files=RepositoryFiles(directory / "repository"), keys=keys or RoleKeys(directory=directory / "keys"))

    def create(self, environment: str, now: datetime, *, roles: Mapping[str, tuple[int, int]] | None = None) -> bytes:
        """A trust list without Parties is there; returns the root that nodes are to pin.

        ``roles`` gives keys and threshold of each; by default 1 of 1 in the sandbox, else 3 of 5 for root and 2 of 3
        for targets.

        Raises:
            ConflictError: there is one already.
            KeyMaterialError, ConfigError: it cannot be written; what is there then is no trust list yet.
        """
        usual = SANDBOX if environment == "sandbox" else USUAL
        with self.files.locked():
            if self.files.exists:
                raise ConflictError(f"{self.files.directory} has a trust list already; it is not overwritten")
            self.keys.make_directory()
            state = RepositoryState.new(self.files, self.keys, environment, {**usual, **(roles or {})}, now)
            state.write()
            return state.changes[metadata_file(Root.type, 1)]

    def root(self) -> bytes:
        """The newest root, which new nodes pin; those that pinned an older one find it by themselves."""
        return self.files.newest_root()

    def fingerprints(self) -> Mapping[str, str]:
        """For the diplomatic notes: the newest root, and its root keys."""
        newest = self.root()
        text, root = digest_of(newest), read_metadata(newest, Root, "root").signed
        prints = {"root": " ".join(text[start : start + 4] for start in range(0, len(text), 4))}
        for number, keyid in enumerate(root.roles[Root.type].keyids, start=1):
            prints[f"root key {number}"] = key_fingerprint(root.keys[keyid])
        return prints

    def admit(self, request: Request, now: datetime, *, codes: Iterable[str] = ()) -> Published:
        """The Party of this request is in the list, with these codes and its own, or else those of its manifest.

        One that is in it already gets the role keys, the manifest and the codes of the new request.

        Raises:
            TrustError: the manifest is for another environment, or names a code that is not given.
            ConflictError: a code, a key or a name is another Party's.
            UnacceptableError: its version is not above all that the list has had of this Party, or its manifest
                cannot follow the one in the list.
            KeyMaterialError: too few of the targets keys are at hand.
        """
        with self._changing() as state:
            _give(state, request, codes)
            state.sign_targets(now)
            state.sign_online(now)
            return _written(state, now, taken=frozenset({request.manifest.party}))

    def require_admissible(self, request: Request, *, codes: Iterable[str] = ()) -> None:
        """Return where ``admit`` would ask for nothing more than keys; else raises as it does. Nothing is changed."""
        _give(RepositoryState.load(self.files, self.keys), request, codes)

    def remove(self, party: str, now: datetime) -> Published:
        """The Party is not in the list any more, nor are its codes.

        Raises:
            NotFoundError: it was not.
            KeyMaterialError: too few of the targets keys are at hand.
        """
        with self._changing() as state:
            if party not in state.parties:
                raise NotFoundError(f"{party} is not in the trust list")
            withdraw(state.targets.signed, party)
            state.issuers = state.issuers.with_codes(party, frozenset())
            state.sign_targets(now)
            state.sign_online(now)
            return _written(state, now)

    def publish(self, now: datetime, *, offers: Mapping[str, bytes] | None = None) -> Published:
        """Newer versions that Parties offer as ``party.json`` are taken in, and the online roles signed where due.

        Needs the online keys only. Where nothing is new and nothing due, nothing is written.
        """
        with self._changing() as state:
            refused: dict[str, EpixError] = {}
            taken: set[str] = set()
            for party, offer in (offers or {}).items():
                try:
                    if _take(state, party, offer):
                        taken.add(party)
                except EpixError as error:
                    refused[party] = error
            if taken or state.is_due(state.snapshot, now, SNAPSHOT_DUE):
                state.sign_online(now)
            elif state.is_due(state.timestamp, now, TIMESTAMP_DUE):
                state.sign_timestamp(now)
            return _written(state, now, taken=frozenset(taken), refused=refused)

    def renew(self, now: datetime, *, within: timedelta = RENEWAL_DUE) -> Published:
        """Root and targets that expire within this time are signed again, and the online roles with them.

        Raises:
            KeyMaterialError: too few of the offline keys are at hand.
        """
        with self._changing() as state:
            if state.root.signed.expires - now <= within:
                state.sign_root(deepcopy(state.root.signed), now)
            if state.is_due(state.targets, now, LIFETIMES[Targets.type] - within):
                state.sign_targets(now)
            if state.changes:
                state.sign_online(now)
            return _written(state, now)

    def rotate(
        self, roles: Collection[str], now: datetime, *, numbers: Mapping[str, tuple[int, int]] | None = None
    ) -> Published:
        """These top-level roles have new keys, as many as before or as ``numbers`` says, and the old ones are void.

        The new root is signed by the thresholds of the old root and of itself. After a theft of online keys rotate
        ``ONLINE``: every node then forgets the versions that the thief made up (TUF 5.3.11).

        Raises:
            KeyMaterialError: too few of the old root keys, or of the targets keys, are at hand.
        """
        with self._changing() as state:
            root = deepcopy(state.root.signed)
            replacements = {}
            for role in roles:
                before = root.roles[role]
                number, threshold = (numbers or {}).get(role, (len(before.keyids), before.threshold))
                replacements[role] = (self.keys.generate(role, number), threshold)
            replace_keys(root, replacements)
            state.sign_root(root, now)
            if Targets.type in roles:
                state.sign_targets(now)
            state.sign_online(now)
            return _written(state, now)

    def install_root(self, draft: RootDraft, now: datetime) -> Published:
        """The drafted root is the newest, and everything that its keys no longer sign is signed again.

        Raises:
            TrustError: signatures are missing (SIGNATURE_INVALID), or it is not the next version (ROLLBACK).
            UnacceptableError: it has expired while the signatures were gathered.
            KeyMaterialError: the keys that it names for the other roles are not at hand.
        """
        with self._changing() as state:
            drafted = RootDraft(held=self.files.newest_root(), draft=draft.draft)
            old, new = drafted.missing
            if old or new:
                raise TrustError(
                    f"draft of a root lacks {old} signatures of the keys before and {new} of its own",
                    code="SIGNATURE_INVALID",
                )
            if drafted.root.signed.is_expired(now):
                raise UnacceptableError("draft of a root has expired; draft it again")
            state.install_root(drafted.draft)
            if state.is_due(state.targets, now, LIFETIMES[Targets.type]):
                state.sign_targets(now)
            state.sign_online(now)
            return _written(state, now)

    @contextmanager
    def _changing(self) -> Iterator[RepositoryState]:
        with self.files.locked():
            yield RepositoryState.load(self.files, self.keys)


def _give(state: RepositoryState, request: Request, codes: Iterable[str]) -> None:
    """The Party of this request is in the state, with these codes or those of its manifest; nothing is signed."""
    party, manifest = request.manifest.party, request.manifest
    given = (frozenset(codes) or frozenset(manifest.issues_for)) | {party}
    taken = sorted(code for code in given if state.issuers.parties.get(code, party) != party)
    if taken:
        speakers = {state.issuers.parties[code] for code in taken}
        raise ConflictError(f"{party} cannot have {', '.join(taken)}: {', '.join(sorted(speakers))} speaks for it")
    state.issuers = state.issuers.with_codes(party, given)
    state.issuers.require(manifest)
    _refuse_shared(state, request)
    _refuse_old(state, party, request.version)
    if party in state.parties and request.version.number != state.known_version(party):
        # What no node would take after the manifest that it has is not signed either.
        require_successor(parse_manifest(state.version(party).manifest_file), manifest)
    request.role.delegate(state.targets.signed)
    state.list_version(party, request.version)


def _refuse_shared(state: RepositoryState, request: Request) -> None:
    """Decision 6 and C.1: no code, name or key of the request is another's."""
    party = request.manifest.party
    owners = state.role_key_owners(without=party)
    for key in request.role.keys:
        owner = owners.get(key.keyval["public"])
        if owner is not None:
            raise ConflictError(f"a role key of {party} is also a role key of {owner}")
    others: list[Manifest] = list(state.manifests(without=party))
    refuse_overlap(request.manifest, others)
    for other in others:
        if request.role.key_identities() & other.key_identities():
            raise ConflictError(f"a role key of {party} is also a key of {other.party}")


def _refuse_old(state: RepositoryState, party: str, version: SignedVersion) -> None:
    known = state.known_version(party)
    # A file with a version in its name never changes; the very same one may come back with its Party.
    if known is None or version.number > known or (version.number == known and version == state.version(party)):
        return
    raise UnacceptableError(
        f"the request of {party} has version {version.number}; the trust list has had {known}, expected more"
    )


def _take(state: RepositoryState, party: str, offer: bytes) -> bool:
    """Whether this ``party.json`` was newer than what is there, and is now in its place."""
    if party not in state.parties:
        raise TrustError(f"{party} is not in the trust list", code="KEY_UNKNOWN")
    version = SignedVersion.parse(offer)
    if version.number <= (state.known_version(party) or 0):
        return False
    verified = verify_version(state.targets.signed, party, version)
    state.issuers.require(verified.manifest)
    require_successor(parse_manifest(state.version(party).manifest_file), verified.manifest)
    refuse_overlap(verified.manifest, state.manifests(without=party))
    state.list_version(party, version)
    return True


def _written(
    state: RepositoryState,
    now: datetime,
    *,
    taken: frozenset[str] = frozenset(),
    refused: Mapping[str, EpixError] | None = None,
) -> Published:
    state.write()
    expiring = {
        top.signed.type: top.signed.expires
        for top in (state.root, state.targets)
        if top.signed.expires - now <= RENEWAL_DUE
    }
    for party in state.parties:
        expires = read_party_role(state.version(party).role, party)[0].signed.expires
        if expires - now <= max(PARTY_WARNINGS):
            expiring[role_of(party)] = expires
    tops = (state.root, state.targets, state.snapshot, state.timestamp)
    return Published(
        versions={top.signed.type: top.signed.version for top in tops},
        parties={party: state.known_version(party) or 0 for party in state.parties},
        taken=taken,
        refused=refused or {},
        expiring=expiring,
    )
