"""The part of a trust list that somebody needs who has nothing but a document: signed bytes, for use without a network.

It holds the chain of the Secretariat's metadata and the roles and manifests of a few Parties. It proves itself against
a root that its reader trusts for other reasons, by the same walk that brings a node's own list up to date. What has
expired is no worse for that: how old it is, is asked of the list that comes out (C.1, "Freshness rule").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

from tuf.api.metadata import Root, Snapshot, Timestamp

from epix_node.errors import EpixError, TrustError
from epix_node.trust.chain import Wanted
from epix_node.trust.issuers import Issuers
from epix_node.trust.refresh import refresh, take_party
from epix_node.trust.role_metadata import (
    ENVIRONMENT,
    ISSUERS_TARGET,
    digest_of,
    manifest_target,
    metadata_file,
    read_metadata,
    role_of,
    signed_at,
    target_file,
    verify_signatures,
)
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import TrustList, bootstrap

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing had expired then: python-tuf judges signatures, thresholds and versions, and we the time."""

_VERSIONED = re.compile(r"metadata/[1-9][0-9]*\.(snapshot|targets|party-[A-Z]{2})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustExcerpt:
    """Exact bytes, of which nothing is verified. Without ``chain`` there was no list to take anything from."""

    roots: tuple[bytes, ...] = field(default=(), repr=False)
    """One after the other, each signed by the one before it."""
    chain: TopRoles | None = field(default=None, repr=False)
    parties: Mapping[str, SignedVersion] = field(default_factory=dict)

    @classmethod
    def of(
        cls, trust_list: TrustList | None, parties: Iterable[str], *, own: Mapping[str, SignedVersion]
    ) -> TrustExcerpt:
        """What the list holds of these Parties.

        ``own`` is what a node knows of itself before the list does; the newer version of the two is taken.
        """
        listed = trust_list.parties if trust_list is not None else {}
        taken: dict[str, SignedVersion] = {}
        for party in sorted(set(parties)):
            entry, known = listed.get(party), own.get(party)
            if known is not None and (entry is None or known.number > entry.version):
                taken[party] = known
            elif entry is not None:
                taken[party] = SignedVersion(role=entry.role, manifest_file=entry.manifest_file)
        return cls(
            roots=trust_list.roots if trust_list is not None else (),
            chain=TopRoles.of(trust_list) if trust_list is not None else None,
            parties=taken,
        )

    def fingerprint(self) -> str | None:
        """Hex SHA-256 of the first root, to be compared with the printed one; None where there is none."""
        return digest_of(self.roots[0]) if self.roots else None

    def verified(self, root: bytes) -> TrustList:
        """The list that this proves to whoever trusts this root; a Party that does not verify is not in it.

        Raises:
            TrustError: the metadata are not signed by the keys that this root leads to, or contradict one another.
            MalformedDocumentError: the root or the metadata are no such thing.
        """
        if self.chain is None:
            raise TrustError("there is no trust list", code="TRUST_LIST_INCOMPLETE")
        chain = self.chain
        self._require_chain_over(root)
        refreshed = refresh(bootstrap(root, self._environment(root)), _Shelf(self).fetch, _LONG_AGO)
        if refreshed.failure is not None:
            raise refreshed.failure
        issued = signed_at(read_metadata(chain.timestamp, Timestamp, Timestamp.type).signed)
        found = replace(refreshed.trust_list, refreshed_at=issued, clock_floor=issued)
        for party, version in self.parties.items():
            if party not in found.parties:
                found = _with_later(found, party, version)
        return found

    def _require_chain_over(self, root: bytes) -> None:
        """Each root signed the next, and where this one is among them, it says what the reader's says.

        What is newer than the reader's root is verified from there on by the walk, as if nothing were before it.
        """
        pinned = read_metadata(root, Root, "the pinned root")
        links = [read_metadata(one, Root, Root.type) for one in self.roots]
        for before, after in pairwise(links):
            verify_signatures(before.signed, Root.type, after)
        for link in links:
            verify_signatures(link.signed, Root.type, link)
            if link.signed.version == pinned.signed.version and link.signed_bytes != pinned.signed_bytes:
                raise TrustError("its root is another one than the pinned root", code="KEY_UNKNOWN")

    def _environment(self, root: bytes) -> str:
        """That which the root names; what the signed list of issuers says where it names none."""
        assert self.chain is not None
        return _named_environment(root) or Issuers.parse(self.chain.issuers_file).environment


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRoles:
    """The Secretariat's metadata below the root, and the list of issuers that its targets name."""

    timestamp: bytes
    snapshot: bytes
    targets: bytes
    issuers_file: bytes

    @classmethod
    def of(cls, trust_list: TrustList) -> TopRoles | None:
        """What the list rests on; None for one that was never refreshed to its end."""
        held = (trust_list.timestamp, trust_list.snapshot, trust_list.targets, trust_list.issuers_file)
        timestamp, snapshot, targets, issuers_file = held
        if timestamp is None or snapshot is None or targets is None or issuers_file is None:
            return None
        return cls(timestamp=timestamp, snapshot=snapshot, targets=targets, issuers_file=issuers_file)

    def signed_at(self) -> datetime | None:
        """When the newest of it was signed, by its own word. Raises ``MalformedDocumentError``."""
        return signed_at(read_metadata(self.timestamp, Timestamp, Timestamp.type).signed)


class _Shelf:
    """Gives the excerpt's files as the repository would; versions are compared by who asked for them."""

    def __init__(self, excerpt: TrustExcerpt) -> None:
        assert excerpt.chain is not None
        chain = excerpt.chain
        self._files = {metadata_file(Timestamp.type): chain.timestamp}
        self._roles = {Snapshot.type: chain.snapshot, "targets": chain.targets}
        for root in excerpt.roots:
            number = read_metadata(root, Root, Root.type).signed.version
            self._files[metadata_file(Root.type, number)] = root
        self._files[target_file(ISSUERS_TARGET, digest_of(chain.issuers_file))] = chain.issuers_file
        for party, version in excerpt.parties.items():
            self._roles[role_of(party)] = version.role
            digest = digest_of(version.manifest_file)
            self._files[target_file(manifest_target(party), digest)] = version.manifest_file

    def fetch(self, wanted: Sequence[Wanted]) -> Iterable[bytes | None]:
        """As ``chain.Fetch``."""
        return [self._file(one.path) for one in wanted]

    def _file(self, path: str) -> bytes | None:
        found = _VERSIONED.fullmatch(path)
        return self._files.get(path) if found is None else self._roles.get(found.group(1))


def require_root(root: bytes) -> None:
    """Return where these bytes are a root, signed by its own keys; whose, is for people to compare.

    Raises:
        TrustError: its own keys did not sign it.
        MalformedDocumentError: it is no root.
    """
    bootstrap(root, _named_environment(root) or "sandbox")


def _named_environment(root: bytes) -> str | None:
    named = read_metadata(root, Root, "the pinned root").signed.unrecognized_fields.get(ENVIRONMENT)
    return named if isinstance(named, str) else None


def newest_of(one: TrustList, other: TrustList | None) -> TrustList:
    """What two lists under one root say together: of each Party the newest version, by the newer list's delegations.

    So a revocation that only one of them knows counts, and so does a removal that the newer one knows.
    """
    if other is None:
        return one
    if (other.refreshed_at or _LONG_AGO) > (one.refreshed_at or _LONG_AGO):
        one, other = other, one
    later = {
        party: entry
        for party, entry in other.parties.items()
        if party in one.parties and entry.version > one.parties[party].version
    }
    return replace(one, parties={**one.parties, **later})


def _with_later(trust_list: TrustList, party: str, version: SignedVersion) -> TrustList:
    """The list with a version that came from the Party itself, later than the snapshot, where it verifies (C.1)."""
    try:
        taken = take_party(trust_list, party, version.party_file(), _LONG_AGO).trust_list
    except EpixError:
        return trust_list  # not vouched for: the Party is not in the list
    # Versions never go down: an older one than the snapshot lists may be from before a revocation.
    return trust_list if party in taken.behind else taken
