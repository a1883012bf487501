"""What this node verified of the trust list, as one value: who may sign, how sure that is, and what it must not forget.

A ``TrustList`` is made by ``bootstrap`` from the pinned root, and then only by ``refresh`` and ``take_party``, each of
which gives a new one. It is kept as one run of bytes, written in one transaction; whoever can write there is trusted,
so reading it back verifies nothing.

What it must not forget: the newest timestamp and snapshot (TUF's protection against rollback), the highest version of
every Party ever verified, removed ones too, and the newest signed time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tuf.api.metadata import Root

from epix_node.clock import format_time, parse_time
from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.trust.freshness import LIST_GRACE, PARTY_GRACE, Freshness
from epix_node.trust.issuers import Issuers
from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.role_metadata import ENVIRONMENT, digest_of, read_metadata, verify_signatures
from epix_node.trust.signed_version import SignedVersion

_SPEC = "epix-trust-list/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyTrust:
    """One Party's role as verified, and its manifest, which the role's signatures cover."""

    version: int
    expires: datetime
    """Of the role; later the Party is STALE (decision 6)."""
    role: bytes = field(repr=False)
    manifest_file: bytes = field(repr=False)
    manifest: Manifest = field(repr=False)
    claims: frozenset[str] = field(repr=False)
    """What nobody else may have: codes, keys, key ids, names."""

    @classmethod
    def of(cls, version: SignedVersion, manifest: Manifest, *, expires: datetime) -> PartyTrust:
        """The entry of these files, whose manifest was read from the second."""
        assert manifest.seq is not None  # the version of the role that lists it
        return cls(
            version=manifest.seq,
            expires=expires,
            role=version.role,
            manifest_file=version.manifest_file,
            manifest=manifest,
            claims=manifest.key_identities() | {f"code {code}" for code in manifest.issues_for},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """The verified set. Metadata are the exact bytes that were verified; None before there were any."""

    environment: str
    roots: tuple[bytes, ...] = field(repr=False)
    """From the pinned one to the newest, each signed by the one before it."""
    timestamp: bytes | None = field(default=None, repr=False)
    snapshot: bytes | None = field(default=None, repr=False)
    targets: bytes | None = field(default=None, repr=False)
    issuers_file: bytes | None = field(default=None, repr=False)
    parties: Mapping[str, PartyTrust] = field(default_factory=dict)
    """In the order of the delegations, which is that of their admission."""
    floors: Mapping[str, int] = field(default_factory=dict)
    """The highest version of each Party's role ever verified; nothing lower is taken (C.1)."""
    behind: Mapping[str, datetime] = field(default_factory=dict)
    """Parties of which the snapshot lists a newer version than could be taken: until when what is held was current."""
    refreshed_at: datetime | None = None
    """When everything was last verified down to the list of Parties."""
    expires: datetime | None = None
    """When the first of the metadata of that refresh expires: nearly always the timestamp."""
    clock_floor: datetime | None = None
    """The newest verified signed time; the clock is never taken to be before it (C.1)."""

    @property
    def issuers(self) -> Issuers:
        """The Secretariat's list of codes; empty before the first refresh."""
        if self.issuers_file is None:
            return Issuers(environment=self.environment, parties={})
        return Issuers.parse(self.issuers_file)

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """The manifests that count, by Party."""
        return {party: entry.manifest for party, entry in self.parties.items()}

    @property
    def versions(self) -> Mapping[str, int]:
        """The version of each Party's role that counts."""
        return {party: entry.version for party, entry in self.parties.items()}

    def time(self, clock: datetime) -> datetime:
        """The time as this node may take it: its clock's, or the clock floor where the clock is behind that."""
        return clock if self.clock_floor is None else max(clock, self.clock_floor)

    def freshness(self, at: datetime) -> Freshness:
        """How sure the list as a whole is at this moment."""
        return Freshness.of(self.expires, self.time(at))

    def party_freshness(self, party: str, at: datetime) -> Freshness:
        """How sure this Party's keys are: the list, the Party's own role, and whether its newest version is here.

        EXPIRED for a Party that is not in the list.
        """
        ends = self.party_ends(party)
        if ends is None:
            return Freshness.EXPIRED
        moment = self.time(at)
        return Freshness.of(ends[0], moment, grace=ends[1] - ends[0])

    def party_ends(self, party: str) -> tuple[datetime, datetime] | None:
        """Before the first moment this Party is FRESH, before the second STALE; None where it never is either."""
        entry = self.parties.get(party)
        if entry is None or self.expires is None:
            return None
        ends = [(self.expires, LIST_GRACE), (entry.expires, PARTY_GRACE)]
        if party in self.behind:
            ends.append((self.behind[party], LIST_GRACE))
        return min(expires for expires, _ in ends), min(expires + grace for expires, grace in ends)

    def fingerprint(self) -> str:
        """Hex SHA-256 of the pinned root, to be compared with the printed one."""
        return digest_of(self.roots[0])

    def to_bytes(self) -> bytes:
        """Everything; ``from_bytes`` gives an equal list back."""
        value = {
            "spec": _SPEC,
            "environment": self.environment,
            "roots": [_text(root) for root in self.roots],
            "timestamp": _text(self.timestamp),
            "snapshot": _text(self.snapshot),
            "targets": _text(self.targets),
            "issuers": _text(self.issuers_file),
            "parties": {
                party: {
                    "expires": format_time(entry.expires),
                    "role": _text(entry.role),
                    "manifest": _text(entry.manifest_file),
                }
                for party, entry in self.parties.items()
            },
            "floors": dict(self.floors),
            "behind": {party: format_time(until) for party, until in self.behind.items()},
            "refreshed_at": _time_text(self.refreshed_at),
            "expires": _time_text(self.expires),
            "clock_floor": _time_text(self.clock_floor),
        }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> TrustList:
        """The list that ``to_bytes`` wrote.

        Raises:
            MalformedDocumentError: something else wrote this.
        """
        try:
            value = json.loads(data)
            if value["spec"] != _SPEC:
                raise MalformedDocumentError(f"stored trust list is {value['spec']!r}, expected {_SPEC!r}")
            return cls(
                environment=value["environment"],
                roots=tuple(root.encode() for root in value["roots"]),
                timestamp=_bytes(value["timestamp"]),
                snapshot=_bytes(value["snapshot"]),
                targets=_bytes(value["targets"]),
                issuers_file=_bytes(value["issuers"]),
                parties={party: _party(entry) for party, entry in value["parties"].items()},
                floors=value["floors"],
                behind={party: parse_time(until) for party, until in value["behind"].items()},
                refreshed_at=_time(value["refreshed_at"]),
                expires=_time(value["expires"]),
                clock_floor=_time(value["clock_floor"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise MalformedDocumentError("stored trust list cannot be read") from error


def bootstrap(root: bytes, environment: str) -> TrustList:
    """A list that knows nothing but this root, which people compared with the printed fingerprint.

    An expired root will do: a newer one is looked for at the first refresh.

    Raises:
        MalformedDocumentError: the bytes are no root metadata.
        TrustError: code SIGNATURE_INVALID, not signed by its own keys; or another environment's.
    """
    metadata = read_metadata(root, Root, "the pinned root")
    verify_signatures(metadata.signed, Root.type, metadata)
    said = metadata.signed.unrecognized_fields.get(ENVIRONMENT, environment)
    if said != environment:
        raise TrustError(f"it is the root of {str(said)[:20]!r}, expected that of {environment}")
    return TrustList(environment=environment, roots=(root,))


def overlap(claims: frozenset[str], others: Iterable[tuple[str, PartyTrust]]) -> tuple[str, str] | None:
    """The first other Party that has one of these claims, and the claim; None where nobody has (decision 6, C.1)."""
    for party, entry in others:
        shared = claims & entry.claims
        if shared:
            return party, min(shared)
    return None


def _party(entry: Mapping[str, Any]) -> PartyTrust:
    version = SignedVersion(role=entry["role"].encode(), manifest_file=entry["manifest"].encode())
    return PartyTrust.of(version, parse_manifest(version.manifest_file), expires=parse_time(entry["expires"]))


def _text(data: bytes | None) -> str | None:
    # Verified metadata and manifests are JSON, and so are UTF-8.
    return data.decode() if data is not None else None


def _bytes(text: str | None) -> bytes | None:
    return text.encode() if text is not None else None


def _time_text(moment: datetime | None) -> str | None:
    return format_time(moment) if moment is not None else None


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text is not None else None
