"""Bring the trust list up to date, from the Secretariat's repository and from the Parties' own nodes.

A refresh walks down to the list of Parties (``chain``) and then looks at those only whose version in the snapshot has
changed: an unchanged Party costs no request and no signature check (decision 12). The other path takes a newer version
directly from its Party's node, where it verifies under the keys of the last trusted delegation (C.1), so that a
revocation needs nobody's help. On either path versions never go down.

Whatever goes wrong, what was verified stays. A Party whose newest version cannot be had or is refused keeps the one
before, and is known to be behind; only who is no longer delegated to, or names what is not its own any more, is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tuf.api.metadata import Signed, Snapshot, TargetFile, Targets

from epix_node.errors import EpixError, TrustError
from epix_node.trust.chain import Chain, Fetch, Wanted, fetch_one
from epix_node.trust.delegations import delegated_parties, have_same_keys
from epix_node.trust.issuers import Issuers
from epix_node.trust.manifest import MAX_MANIFEST_BYTES
from epix_node.trust.role_metadata import (
    ISSUERS_TARGET,
    MAX_ISSUERS_BYTES,
    MAX_PARTY_ROLE_BYTES,
    digest_of,
    manifest_target,
    metadata_file,
    read_metadata,
    refused,
    role_of,
    signed_at,
    target_file,
    verify_signatures,
)
from epix_node.trust.signed_version import SignedVersion, read_party_role, verify_version
from epix_node.trust.succession import require_successor
from epix_node.trust.trust_list import PartyTrust, TrustList, overlap

CLOCK_TOLERANCE = timedelta(minutes=5)
"""C.5: how far ahead of the clock a signed time may be; no signer moves the clock floor further."""

AT_A_TIME = 32
"""Parties whose files are asked for together; what ``fetch`` may get side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """A list, as far as it could be brought up to date."""

    trust_list: TrustList
    changed: frozenset[str] = frozenset()
    """Parties that were added or removed, or whose manifest is another one."""
    problems: Mapping[str, EpixError] = field(default_factory=dict)
    """What was refused or could not be had, by Party."""
    failure: EpixError | None = None
    """Why the walk ended before the list of Parties, or before all of them were fetched; None for a whole refresh."""


def refresh(stored: TrustList, fetch: Fetch, now: datetime) -> Refreshed:
    """The list as the repository has it at this moment; never an exception for anything that was fetched or not."""
    moment = stored.time(now)
    chain = Chain(roots=stored.roots, timestamp=stored.timestamp, snapshot=stored.snapshot, targets=stored.targets)
    try:
        chain.walk(fetch, moment)
        issuers_file = _issuers_file(stored, chain.trusted.targets, fetch)
    except EpixError as error:
        # The targets are kept only together with the Parties that they name, so that no removal goes unnoticed.
        kept = replace(stored, roots=chain.roots, timestamp=chain.timestamp, snapshot=chain.snapshot)
        return Refreshed(trust_list=replace(kept, floors={}) if chain.has_forgotten else kept, failure=error)
    return _Parties(stored, chain, issuers_file, fetch).refreshed(moment, clock=now)


def take_party(stored: TrustList, party: str, file: bytes, now: datetime) -> Refreshed:
    """The list with the version in this ``party.json``, where it is newer than what is held; else the same list.

    Raises:
        TrustError: the Party is not in the list, its keys did not sign this, it is older than what was seen before,
            or it names what is not the Party's.
        UnacceptableError: it cannot follow the manifest that is held.
        MalformedDocumentError: it is no ``party.json``.
    """
    version = SignedVersion.parse(file)
    if stored.targets is None:
        raise TrustError(f"{party} is not in the trust list, which was never refreshed", code="KEY_UNKNOWN")
    held = stored.parties.get(party)
    if held is not None and version.number == held.version:
        return Refreshed(trust_list=stored)
    targets = read_metadata(stored.targets, Targets, "stored targets").signed
    order = delegated_parties(targets)
    if party not in order:
        raise TrustError(f"{party} is not in the trust list", code="KEY_UNKNOWN")
    # After new online keys the floors may be forgotten; what is held is not.
    lowest = max(stored.floors.get(party, 1), held.version + 1 if held is not None else 1)
    entry, signed = _verified(targets, party, version, at_least=lowest)
    _require_place(entry, party, held, stored.issuers, stored.parties.items())
    behind = {other: until for other, until in stored.behind.items() if other != party}
    if _listed_version(stored, party) > entry.version:
        # Of a Party that was not held nothing was ever current.
        current = stored.expires if held is not None else stored.refreshed_at
        behind[party] = stored.behind.get(party, current or now)
    parties = {**stored.parties, party: entry}
    return Refreshed(
        trust_list=replace(
            stored,
            parties={other: parties[other] for other in order if other in parties},
            floors={**stored.floors, party: entry.version},
            behind=behind,
            clock_floor=_floor(stored.clock_floor, [signed], now),
        ),
        changed=frozenset({party}),
    )


class _Parties:
    """The Parties that verified targets delegate to, from what is held and what the snapshot lists."""

    def __init__(self, stored: TrustList, chain: Chain, issuers_file: bytes, fetch: Fetch) -> None:
        self._stored = stored
        self._chain = chain
        self._targets = chain.trusted.targets
        self._issuers_file = issuers_file
        self._issuers = Issuers.parse(issuers_file)
        self._fetch = fetch
        self._floors = {} if chain.has_forgotten else dict(stored.floors)
        self._signed: list[Signed] = []
        self._problems: dict[str, EpixError] = {}
        self._failure: EpixError | None = None

    def refreshed(self, now: datetime, *, clock: datetime) -> Refreshed:
        """The list at this moment; ``clock`` is that of this machine, which may be behind."""
        listed = self._listed()
        parties = self._still_good(listed)
        for party, entry in parties.items():
            self._floors[party] = max(self._floors.get(party, 1), entry.version)
        missing = [p for p, version in listed.items() if p not in parties or parties[p].version < version]
        for party, version in self._fetched_in_turn({party: listed[party] for party in missing}):
            try:
                # What is not the version that the snapshot lists is of another moment (mix and match).
                if version.number != listed[party]:
                    raise TrustError(
                        f"role of {party} is version {version.number}, the snapshot lists {listed[party]}",
                        code="ROLLBACK",
                    )
                entry, signed = _verified(self._targets, party, version, at_least=self._floors.get(party, 1))
                _require_place(entry, party, parties.get(party), self._issuers, parties.items())
            except EpixError as error:
                self._problems[party] = error
            else:
                parties[party] = entry
                self._problems.pop(party, None)  # what ended the version before it is over
                self._floors[party] = entry.version
                self._signed.append(signed)
        return self._result(listed, parties, now, clock)

    def _listed(self) -> dict[str, int]:
        """The version that the snapshot lists of each Party delegated to, in the order of the delegations."""
        listed: dict[str, int] = {}
        for party in delegated_parties(self._targets):
            meta = self._chain.trusted.snapshot.meta.get(f"{role_of(party)}.json")
            if meta is not None:
                listed[party] = meta.version
            else:
                self._problems[party] = TrustError(
                    f"the snapshot does not list {role_of(party)}", code="TRUST_LIST_INCOMPLETE"
                )
        return listed

    def _still_good(self, listed: Mapping[str, int]) -> dict[str, PartyTrust]:
        """What is held of the Parties listed, without what new targets or a new list of codes have ended."""
        held = {party: self._stored.parties[party] for party in listed if party in self._stored.parties}
        if self._chain.targets == self._stored.targets:
            return held
        kept: dict[str, PartyTrust] = {}
        before = (
            read_metadata(self._stored.targets, Targets, "stored targets").signed
            if self._stored.targets is not None
            else None
        )
        for party, entry in held.items():
            try:
                if before is None or not have_same_keys(before, self._targets, party):
                    metadata = read_metadata(entry.role, Targets, role_of(party), max_bytes=MAX_PARTY_ROLE_BYTES)
                    verify_signatures(self._targets, role_of(party), metadata)
                self._issuers.require(entry.manifest)
            except EpixError as error:
                self._problems[party] = error
            else:
                kept[party] = entry
        return kept

    def _fetched_in_turn(self, wanted: Mapping[str, int]) -> Iterator[tuple[str, SignedVersion]]:
        """A few Parties at a time, so that a line that dies again and again still brings a new node its list."""
        parties = list(wanted)
        for start in range(0, len(parties), AT_A_TIME):
            yield from self._fetched({party: wanted[party] for party in parties[start : start + AT_A_TIME]})

    def _fetched(self, wanted: Mapping[str, int]) -> Iterator[tuple[str, SignedVersion]]:
        """The versions wanted, as far as both of their files could be had."""
        roles = [
            Wanted(path=metadata_file(role_of(party), version), max_bytes=MAX_PARTY_ROLE_BYTES)
            for party, version in wanted.items()
        ]
        found: dict[str, tuple[bytes, TargetFile]] = {}
        for party, role in self._each(list(wanted), roles):
            try:
                found[party] = (role, read_party_role(role, party)[1])
            except EpixError as error:
                self._problems[party] = error
        files = [
            Wanted(path=target_file(manifest_target(party), target.hashes["sha256"]), max_bytes=MAX_MANIFEST_BYTES)
            for party, (_, target) in found.items()
        ]
        for party, manifest in self._each(list(found), files):
            yield party, SignedVersion(role=found[party][0], manifest_file=manifest)

    def _each(self, parties: Sequence[str], wanted: Sequence[Wanted]) -> Iterator[tuple[str, bytes]]:
        answers = _lazily(self._fetch, wanted)
        for party, file in zip(parties, wanted, strict=True):
            try:
                data = next(answers, None) if self._failure is None else None
            except EpixError as error:
                self._failure = error  # the others would hardly fare better; they are asked for at the next refresh
                data = None
            if data is not None:
                yield party, data
            else:
                self._problems[party] = self._failure or TrustError(
                    f"the trust list's repository has no {file.path}", code="TRUST_LIST_INCOMPLETE"
                )

    def _result(
        self, listed: Mapping[str, int], parties: Mapping[str, PartyTrust], now: datetime, clock: datetime
    ) -> Refreshed:
        stored, trusted = self._stored, self._chain.trusted
        ordered = {party: parties[party] for party in listed if party in parties}
        top = (trusted.root, trusted.timestamp, trusted.snapshot, trusted.targets)
        behind = {
            party: stored.behind.get(party, stored.expires or now)
            for party, entry in ordered.items()
            if entry.version < listed[party]
        }
        return Refreshed(
            trust_list=replace(
                stored,
                roots=self._chain.roots,
                timestamp=self._chain.timestamp,
                snapshot=self._chain.snapshot,
                targets=self._chain.targets,
                issuers_file=self._issuers_file,
                parties=ordered,
                floors=self._floors,
                behind=behind,
                refreshed_at=now,
                expires=min(signed.expires for signed in top),
                clock_floor=_floor(stored.clock_floor, [*top, *self._signed], clock),
            ),
            changed=frozenset(
                party
                for party in {*ordered, *stored.parties}
                if _manifest_file(ordered.get(party)) != _manifest_file(stored.parties.get(party))
            ),
            problems=self._problems,
            failure=self._failure,
        )


def _listed_version(stored: TrustList, party: str) -> int:
    """What the stored snapshot lists of this Party; 0 where it was forgotten or does not list it."""
    if stored.snapshot is None:
        return 0
    meta = read_metadata(stored.snapshot, Snapshot, "stored snapshot").signed.meta.get(f"{role_of(party)}.json")
    return meta.version if meta is not None else 0


def _lazily(fetch: Fetch, wanted: Sequence[Wanted]) -> Iterator[bytes | None]:
    if wanted:
        yield from fetch(wanted)


def _manifest_file(entry: PartyTrust | None) -> bytes | None:
    return entry.manifest_file if entry is not None else None


def _issuers_file(stored: TrustList, targets: Targets, fetch: Fetch) -> bytes:
    """``issuers.json`` as these targets list it, of the list's own environment."""
    target = targets.targets.get(ISSUERS_TARGET)
    if target is None or "sha256" not in target.hashes:
        raise TrustError(f"targets do not list {ISSUERS_TARGET} with its SHA-256", code="TRUST_LIST_INCOMPLETE")
    digest = target.hashes["sha256"]
    data = stored.issuers_file
    if data is None or digest_of(data) != digest:
        data = fetch_one(fetch, target_file(ISSUERS_TARGET, digest), MAX_ISSUERS_BYTES)
        if data is None:
            raise TrustError(f"the trust list's repository has no {ISSUERS_TARGET}", code="TRUST_LIST_INCOMPLETE")
    with refused(ISSUERS_TARGET):
        target.verify_length_and_hashes(data)
    environment = Issuers.parse(data).environment
    if environment != stored.environment:
        raise TrustError(f"the trust list is for {environment}, this node for {stored.environment}")
    return data


def _verified(targets: Targets, party: str, version: SignedVersion, *, at_least: int) -> tuple[PartyTrust, Signed]:
    """The entry of this version, where it verifies and is not below what was seen before."""
    verified = verify_version(targets, party, version)
    if verified.version < at_least:
        raise TrustError(f"role of {party} is version {verified.version}, {at_least} was seen before", code="ROLLBACK")
    return PartyTrust.of(version, verified.manifest, expires=verified.metadata.expires), verified.metadata


def _require_place(
    entry: PartyTrust,
    party: str,
    held: PartyTrust | None,
    issuers: Issuers,
    others: Iterable[tuple[str, PartyTrust]],
) -> None:
    """Return where this manifest may stand beside the others and after the one that is held (decision 6).

    Raises ``TrustError`` or ``UnacceptableError``: the manifest is refused whole.
    """
    issuers.require(entry.manifest)
    if held is not None:
        require_successor(held.manifest, entry.manifest)
    shared = overlap(entry.claims, ((other, that) for other, that in others if other != party))
    if shared is not None:
        raise TrustError(f"manifest of {party} has what {shared[0]} has: {shared[1]}", code="KEY_WRONG_PARTY")


def _floor(floor: datetime | None, signed: Iterable[Signed], clock: datetime) -> datetime | None:
    """The newest of these signed times and the floor before; a time ahead of the clock counts 5 minutes of that."""
    limit = clock + CLOCK_TOLERANCE
    times = [min(at, limit) for one in signed if (at := signed_at(one)) is not None]
    return max([*times, *([floor] if floor is not None else [])], default=None)
