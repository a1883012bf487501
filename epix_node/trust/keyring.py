"""Who may sign for whom, from the manifests that this node trusts, its own among them: those of the trust list.

A keyring is made once for each change of trust and then only read. It knows what the manifests say and nothing else:
an empty keyring finds no key, and so every document is refused.

Not here: where manifests are kept (``store``), and what a bad signature means (``signing``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from epix_node.errors import ConflictError
from epix_node.register.note import VerifierKey
from epix_node.trust.coverage import Coverage
from epix_node.trust.manifest import Manifest, PermitKeyEntry, TransportKeyEntry
from epix_node.trust.trust_list import TrustList


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A certificate with what its Party allows it to sign (``uses``: document types), and when."""

    party: str
    certificate: x509.Certificate
    certificate_sha256: str
    uses: frozenset[str]
    not_before: datetime
    not_after: datetime
    is_revoked: bool
    invalid_since: datetime | None
    """Of a revoked key: what was proven to exist earlier stays good (decision 7). None: nothing does."""

    @classmethod
    def of(cls, party: str, entry: PermitKeyEntry) -> SigningKey:
        """The key of this manifest entry."""
        return cls(
            party=party,
            certificate=entry.certificate,
            certificate_sha256=entry.kid,
            uses=frozenset(entry.uses),
            not_before=entry.not_before,
            not_after=entry.not_after,
            is_revoked=entry.status == "revoked",
            invalid_since=entry.invalid_since,
        )


@dataclass(frozen=True, slots=True)
class Keyring:
    """The manifests by Party, and what can be looked up in them.

    Raises ``ConflictError`` where two of them claim the same code, key or name, or are of different environments.
    """

    manifests: Mapping[str, Manifest]
    _signing_keys: dict[str, SigningKey] = field(init=False, repr=False, compare=False, default_factory=dict)
    _transport_keys: dict[str, tuple[str, TransportKeyEntry]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _speakers: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)
    _revoked: list[SigningKey] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        _refuse_shared(self.manifests.values())
        for party, manifest in self.manifests.items():
            if party != manifest.party:
                raise ValueError(f"the manifest kept for {party} is that of {manifest.party}")
            self._speakers.update(dict.fromkeys(manifest.issues_for, party))
            for entry in manifest.permit_keys:
                key = self._signing_keys[entry.kid] = SigningKey.of(party, entry)
                if key.is_revoked:
                    self._revoked.append(key)
            for transport in manifest.transport_keys:
                self._transport_keys[transport.kid] = (party, transport)

    @classmethod
    def of(cls, trust_list: TrustList, own: Manifest | None) -> Keyring:
        """The keyring of the verified Parties, and of this node's own manifest in place of the listed one.

        A node knows its own keys before the list does. A listed Party that claims what is this node's own is left
        out: nobody else's manifest may stop this node.
        """
        listed = dict(trust_list.manifests)
        if own is None:
            return cls(listed)
        claims = own.key_identities() | {f"code {code}" for code in own.issues_for}
        others = {
            party: manifest
            for party, manifest in listed.items()
            if party != own.party and manifest.env == own.env and not claims & trust_list.parties[party].claims
        }
        return cls({**others, own.party: own})

    @property
    def parties(self) -> tuple[str, ...]:
        """All Parties known, in alphabetical order."""
        return tuple(sorted(self.manifests))

    @property
    def signing_keys(self) -> tuple[SigningKey, ...]:
        """The signing keys of all Parties, revoked and expired ones included."""
        return tuple(self._signing_keys.values())

    @property
    def speakers(self) -> Mapping[str, str]:
        """The Party whose node speaks for each issuer."""
        return self._speakers

    @property
    def revoked(self) -> tuple[SigningKey, ...]:
        """The signing keys that are revoked, of all Parties."""
        return tuple(self._revoked)

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        """The key of this Party whose certificate has this fingerprint, revoked and expired ones included."""
        key = self._signing_keys.get(certificate_sha256)
        return key if key is not None and key.party == party else None

    def owner(self, certificate_sha256: str) -> str | None:
        """The Party whose manifest lists this certificate."""
        key = self._signing_keys.get(certificate_sha256)
        return key.party if key is not None else None

    def speaker_for(self, code: str) -> str | None:
        """The Party whose node speaks for this issuer; None for a non-Party and for a Party without a node."""
        return self._speakers.get(code)

    def speaks_for(self, party: str, code: str) -> bool:
        """Whether this Party's node speaks for this issuer."""
        return self._speakers.get(code) == party

    def codes_of(self, party: str) -> frozenset[str]:
        """The issuer codes that this Party's node speaks for."""
        manifest = self.manifests.get(party)
        return frozenset(manifest.issues_for) if manifest is not None else frozenset()

    def coverage(self, party: str) -> Coverage:
        """What this Party promises to publish: nothing, where it is unknown."""
        manifest = self.manifests.get(party)
        return manifest.promised_coverage() if manifest is not None else Coverage()

    def transport_key(self, kid: str, *, at: datetime | None = None) -> tuple[str, Ed25519PublicKey] | None:
        """The Party that signs requests with this key id, and the key.

        With ``at``, None for a key whose ``not_after`` has passed by then.
        """
        party, entry = self._transport_keys.get(kid, (None, None))
        if party is None or entry is None or (at is not None and at > entry.not_after):
            return None
        return party, entry.public_key

    def log_key(self, party: str) -> VerifierKey | None:
        """The key that signs this Party's checkpoints."""
        manifest = self.manifests.get(party)
        return manifest.log_keys[0] if manifest is not None else None

    def cosigner_key(self, party: str) -> VerifierKey | None:
        """The key that time-stamps checkpoints for this Party, its own ones among them (decision 5)."""
        manifest = self.manifests.get(party)
        return manifest.cosigner_keys[0] if manifest is not None else None

    def origin(self, party: str) -> str | None:
        """The origin line of this Party's register."""
        manifest = self.manifests.get(party)
        return manifest.log.origin if manifest is not None else None

    def base_urls(self, party: str) -> tuple[str, ...]:
        """Where this Party's node answers, in the order to be tried; none where it is unknown."""
        manifest = self.manifests.get(party)
        return manifest.base if manifest is not None else ()


def refuse_overlap(manifest: Manifest, others: Iterable[Manifest]) -> None:
    """Return if this manifest can stand beside the others; an older manifest of the same Party is left out of account.

    Decision 6: no code that another Party speaks for. C.1: no key, key id or name that is another Party's. And one
    environment, so that nothing of the sandbox ever counts elsewhere.

    Raises:
        ConflictError: the message names the other Party and what both claim.
    """
    for other in others:
        if other.party == manifest.party:
            continue
        if other.env != manifest.env:
            raise ConflictError(
                f"manifest of {manifest.party} is for {manifest.env}, that of {other.party} {other.env}"
            )
        codes = sorted(set(manifest.issues_for) & set(other.issues_for))
        if codes:
            raise ConflictError(f"manifest of {manifest.party} names {', '.join(codes)}: {other.party} speaks for it")
        shared = manifest.key_identities() & other.key_identities()
        if shared:
            raise ConflictError(f"manifest of {manifest.party} has what {other.party} has: {min(shared)}")


def _refuse_shared(manifests: Collection[Manifest]) -> None:
    """As ``refuse_overlap`` for each against those before it, in one pass over all keys."""
    claimed: dict[str, str] = {}
    for manifest in manifests:
        claims = {f"code {code}" for code in manifest.issues_for} | manifest.key_identities()
        for claim in sorted(claims):
            other = claimed.setdefault(claim, manifest.party)
            if other != manifest.party:
                raise ConflictError(f"manifests of {other} and {manifest.party} both have {claim}")
    if len({manifest.env for manifest in manifests}) > 1:
        raise ConflictError("manifests of several environments")
