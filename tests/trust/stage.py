"""A Secretariat, Parties and a node on one stage, under a clock that only the test moves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, SSlibKey
from tuf.api.metadata import Metadata

from epix_node.errors import PeerUnreachableError
from epix_node.register.note import KeyKind, VerifierKey
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.chain import Wanted
from epix_node.trust.keys import generate_ed25519_key, generate_permit_key
from epix_node.trust.manifest import (
    CoverageEntry,
    LogEntry,
    Manifest,
    PermitKeyEntry,
    TransportKeyEntry,
    WitnessEntry,
    parse_manifest,
)
from epix_node.trust.party_role import PartyRole, sign_version
from epix_node.trust.refresh import Refreshed, refresh, take_party
from epix_node.trust.repository import Published, Repository
from epix_node.trust.request import Request
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import metadata_file
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import TrustList, bootstrap

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_manifest(party: str = "XA", **members: Any) -> Manifest:
    """A consistent manifest with new keys; members given by name replace its own."""
    origin, witness = f"{party.lower()}.example/sandbox/register/1", f"{party.lower()}.example/witness/1"
    log_key = VerifierKey.of(origin, KeyKind.NOTE, generate_ed25519_key().public_key())
    cosigner = VerifierKey.of(witness, KeyKind.COSIGNATURE, generate_ed25519_key().public_key())
    own: dict[str, Any] = {
        "env": "sandbox",
        "party": party,
        "issues_for": (party,),
        "base": (f"http://{party.lower()}.example/",),
        "coverage": (CoverageEntry(types=("E", "R", "I", "O"), issued_from="2026-01-01", published_within_h=24),),
        "log": LogEntry(origin=origin, vkeys=(log_key.vkey,)),
        "witness": WitnessEntry(name=witness, vkeys=(cosigner.vkey,)),
        "permit_keys": (permit_key(party),),
        "transport_keys": (TransportKeyEntry.of(generate_ed25519_key().public_key(), not_after=BEGIN + YEAR / 4),),
    }
    return Manifest(**{**own, **members})


def permit_key(party: str, *, country: str | None = None) -> PermitKeyEntry:
    """The entry of a new permit key, good from January to June."""
    certificate = issue_certificate(generate_permit_key(), country or party, not_before=BEGIN, valid_for=YEAR)
    return PermitKeyEntry.of(certificate, uses=("permit", "withdrawal"), not_before=BEGIN, not_after=BEGIN + YEAR / 2)


@dataclass
class Party:
    """A Party with role keys on disk, and what it signed last."""

    role: PartyRole
    keys: RoleKeys
    version: SignedVersion
    manifest: Manifest

    @property
    def code(self) -> str:
        return self.role.party

    def sign(
        self,
        manifest: Manifest,
        now: datetime,
        *,
        role: PartyRole | None = None,
        keys: RoleKeys | None = None,
        **rest: Any,
    ) -> SignedVersion:
        """The Party's next version, over this manifest; by default it becomes its current one."""
        version = sign_version(role or self.role, manifest, keys or self.keys, now=now, previous=self.manifest, **rest)
        self.become(version)
        return version

    def become(self, version: SignedVersion) -> None:
        self.version, self.manifest = version, parse_manifest(version.manifest_file)

    def request(self) -> Request:
        return Request.parse(Request.of(self.role, self.version).to_json())


class Wire:
    """What stands between a node and the repository: it counts, and a test may put other files in its way."""

    def __init__(self, repository: Repository) -> None:
        self.files: dict[str, bytes | None] = {}
        """What is answered instead; None: not found."""
        self.asked: list[str] = []
        self.cut_after: int | None = None
        """So many files come through, then the line is dead."""
        self._repository = repository

    def fetch(self, wanted: Sequence[Wanted]) -> Iterator[bytes | None]:
        for one in wanted:
            if self.cut_after is not None and len(self.asked) >= self.cut_after:
                raise PeerUnreachableError("the line is dead", party="XZ")
            self.asked.append(one.path)
            yield self.files[one.path] if one.path in self.files else self._repository.files.read(one.path)


@dataclass
class Stage:
    """Everybody. ``now`` is the one clock."""

    directory: Path
    now: datetime = NOON
    numbers: dict[str, tuple[int, int]] | None = None
    parties: dict[str, Party] = field(default_factory=dict)
    last: Refreshed | None = None

    def __post_init__(self) -> None:
        self.secretariat = Repository.at(self.directory / "secretariat")
        self.first_root = self.secretariat.create("sandbox", self.now, roles=self.numbers)
        self.wire = Wire(self.secretariat)
        self.node: TrustList = bootstrap(self.first_root, "sandbox")

    # Acts

    def later(self, **time: int) -> Stage:
        self.now += timedelta(**time)
        return self

    def party(self, code: str, *, number: int = 2, threshold: int = 1, **members: Any) -> Party:
        """A new Party with keys, not yet admitted."""
        keys = RoleKeys(directory=self.directory / f"{code}-{len(list(self.directory.iterdir()))}")
        keys.make_directory()
        role = PartyRole.generate(code, keys, number=number, threshold=threshold)
        version = sign_version(role, make_manifest(code, **members), keys, now=self.now)
        party = Party(role=role, keys=keys, version=version, manifest=parse_manifest(version.manifest_file))
        self.parties[code] = party
        return party

    def admit(self, code: str, **rest: Any) -> Party:
        party = self.party(code, **rest)
        self.secretariat.admit(party.request(), self.now)
        return party

    def publish(self, *parties: Party) -> Published:
        return self.secretariat.publish(self.now, offers={p.code: p.version.party_file() for p in parties})

    def refresh(self) -> Refreshed:
        """The node refreshes, and keeps what it gets by way of its bytes."""
        self.wire.asked.clear()
        self.last = refresh(self.node, self.wire.fetch, self.now)
        self.node = TrustList.from_bytes(self.last.trust_list.to_bytes())
        assert self.node == self.last.trust_list
        return self.last

    def take(self, party: Party, version: SignedVersion | None = None) -> Refreshed:
        """The node takes what the Party's own node serves."""
        taken = take_party(self.node, party.code, (version or party.version).party_file(), self.now)
        self.node = taken.trust_list
        return taken

    # What an attacker or an old mirror serves

    def copy(self) -> dict[str, bytes]:
        """The repository as it is now, to be served later."""
        root = self.secretariat.files.directory
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.name != ".lock"
        }

    def serve(self, files: dict[str, bytes]) -> None:
        """The wire carries these files and no others."""
        self.wire.files = _Instead(files)

    def stop_serving(self) -> None:
        """The wire carries what the Secretariat has."""
        self.wire.files = {}

    def path(self, role: str) -> str:
        """Where the repository's current metadata of this role are."""
        if role == "timestamp":
            return metadata_file(role)
        files = self.secretariat.files
        if role == "root":
            return metadata_file(role, json.loads(files.newest_root())["signed"]["version"])
        timestamp = json.loads(files.require("metadata/timestamp.json"))
        snapshot = metadata_file("snapshot", timestamp["signed"]["meta"]["snapshot.json"]["version"])
        if role == "snapshot":
            return snapshot
        return metadata_file(role, json.loads(files.require(snapshot))["signed"]["meta"][f"{role}.json"]["version"])

    def forge(self, role: str, change: Callable[[dict[str, Any]], None], *, signatures: int = 1) -> None:
        """The wire carries this top-level role changed, and signed by so many of its genuine keys."""
        path = self.path(role)
        value = json.loads(self.wire.files.get(path) or self.secretariat.files.require(path))
        change(value["signed"])
        root = Metadata.from_bytes(self.secretariat.files.newest_root()).signed
        keys = [root.keys[keyid] for keyid in root.roles[role].keyids][:signatures]
        self.wire.files[path] = signed_json(value["signed"], self.secretariat.keys, keys)


class _Instead(dict[str, "bytes | None"]):
    """Has an answer for every path: what is not in it is not there."""

    def __contains__(self, path: object) -> bool:
        return True

    def __missing__(self, path: str) -> None:
        return None


def signed_json(signed: dict[str, Any], keys: RoleKeys, public: Iterable[Key]) -> bytes:
    """Metadata over whatever these members are, signed by these keys: python-tuf itself would refuse to write some."""
    canonical = encode_canonical(signed)
    assert canonical is not None
    signatures = [signer.sign(canonical.encode()).to_dict() for signer in keys.signers(public)]
    return json.dumps({"signatures": signatures, "signed": signed}).encode()


@contextmanager
def counted_signature_checks() -> Iterator[Counter[str]]:
    """Counts the signatures that python-tuf verifies, by key id."""
    checks: Counter[str] = Counter()
    genuine = SSlibKey.verify_signature

    def verify_signature(self: SSlibKey, signature: Any, data: bytes) -> None:
        checks[self.keyid] += 1
        genuine(self, signature, data)

    SSlibKey.verify_signature = verify_signature  # type: ignore[method-assign] # counts, and does the same
    try:
        yield checks
    finally:
        SSlibKey.verify_signature = genuine  # type: ignore[method-assign] # as it was
