"""Whether one document of a bundle is believed, and what proves it: the order of C.6, with nothing at hand but trust.

The signature is judged as of the time at which the register took the document, once the register's proof shows that it
did. Without a proof no time is known but the one asked for, and the document is UNLOGGED: "no proof, no trade" (C.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.errors import EpixError, MalformedDocumentError, TrustError
from epix_node.evidence.bundle import Exhibit
from epix_node.exchange.ingest import ISSUERS_OWN, BeforeRevocation
from epix_node.permit.answer import Grade
from epix_node.permit.facts import Source
from epix_node.permit.reasons import Reason
from epix_node.register.checkpoint import Checkpoint
from epix_node.register.cosignature import valid_cosignatures
from epix_node.register.entry import Leaf, chain_commitment, document_commitment, parse_leaf
from epix_node.register.note import parse_note
from epix_node.register.policy import Group, Witness, WitnessPolicy
from epix_node.register.tlog_proof import ProvenEntry, TlogProof, verify_tlog_proof
from epix_node.signing.verdict import SignatureState, Verdict
from epix_node.signing.verifier import verify
from epix_node.trust.keyring import Keyring
from epix_node.trust.manifest import Manifest

PolicyAbout = Callable[[str, Mapping[str, Manifest]], WitnessPolicy]
"""Whose cosignatures on the register of this Party are enough, with these manifests to choose from."""

DEFAULT_QUORUM = 2
"""Decision 10."""

_LONGEST_CHAIN = 4096
"""Documents of one permit in one register among which a commitment is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """From where a bundle is judged: whose keys count, and whose cosignatures are enough."""

    keyring: Keyring
    environment: str
    policy_about: PolicyAbout
    at: datetime
    """The moment at which a document without a proof is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What is known of one document. ``document`` is there exactly where its signature is VALID."""

    sha256: str
    party: str | None
    signature: SignatureState
    reasons: tuple[Reason, ...] = ()
    document: ExchangeDocument | None = field(default=None, repr=False)
    index: int | None = None
    leaf: Leaf | None = None
    """Its entry; None where nothing proves that it has one."""
    checkpoint: Checkpoint | None = None
    witnesses: tuple[str, ...] = ()
    """Whose cosignatures on the proof's checkpoint are good."""
    signed_at: datetime | None = None
    """When the newest good cosignature on that checkpoint was made, the register's own among them."""
    grade: Grade = Grade.UNLOGGED

    @property
    def is_proven(self) -> bool:
        """Whether the document counts, and its register proves it."""
        return self.document is not None and self.leaf is not None

    @property
    def merge_delay(self) -> timedelta:
        """How long after it was written its register took it (C.4 item 9)."""
        if self.document is None or self.leaf is None:
            return timedelta(0)
        return self.leaf.at - self.document.header.issued

    @property
    def source(self) -> Source:
        """Where the document stands. Only of one that counts."""
        assert self.document is not None
        header = self.document.header
        at = self.leaf.at if self.leaf is not None else header.issued
        return Source(document=self.sha256, type=header.type.value, party=header.party, index=self.index, at=at)


def quorum_of(quorum: int = DEFAULT_QUORUM) -> PolicyAbout:
    """So many Parties of those that the trust list holds, but for the one whose register it is, with any of their keys.

    Keys that rotated are counted: the cosignatures of a bundle are as old as it is.
    """

    def policy(party: str, manifests: Mapping[str, Manifest]) -> WitnessPolicy:
        groups = tuple(_group(one) for one in manifests.values() if one.party != party)
        witnesses = tuple(witness for group in groups for witness in group.members if isinstance(witness, Witness))
        if len(groups) < quorum:
            return WitnessPolicy(witnesses=witnesses, quorum=None)
        return WitnessPolicy(witnesses=witnesses, quorum=Group(name="quorum", threshold=quorum, members=groups))

    return policy


def _group(manifest: Manifest) -> Group:
    keys = manifest.cosigner_keys
    members = tuple(Witness(name=f"{manifest.party}-{number}", key=key) for number, key in enumerate(keys, start=1))
    return Group(name=manifest.party, threshold=1, members=members)  # several keys of one Party are one witness


def testify(exhibit: Exhibit, standpoint: Standpoint) -> Testimony:
    """What is known of this document.

    Raises:
        MalformedDocumentError: it is no exchange document at all.
    """
    digest = sha256(exhibit.xml).hexdigest()
    keyring, environment = standpoint.keyring, standpoint.environment
    claimed = _claimed_leaf(exhibit.proof)
    moment = claimed.at if claimed is not None else standpoint.at
    verdict = verify(exhibit.xml, BeforeRevocation(keyring), at=moment, environment=environment)
    if verdict.signed is None:
        return _refused(digest, verdict)
    try:
        document = read_document(verdict.signed)
    except MalformedDocumentError as error:
        if error.code != Reason.CONTENT_MISMATCH:
            raise
        return _not_believed(digest, verdict, SignatureState.INVALID, Reason.CONTENT_MISMATCH)
    header = document.header
    if header.type in ISSUERS_OWN and not keyring.speaks_for(header.party, header.permit_issuer or ""):
        return _not_believed(digest, verdict, SignatureState.UNTRUSTED, Reason.KEY_WRONG_PARTY)
    proven, reason = _proven(exhibit, claimed, document, standpoint)
    leaf = claimed if proven is not None else None
    # Once more, at a time that is known, and with what is known of revoked keys (decision 7).
    verdict = verify(
        exhibit.xml,
        keyring,
        at=leaf.at if leaf is not None else standpoint.at,
        environment=environment,
        proven_before=proven.cosigned_at if proven is not None and proven.is_witnessed else None,
    )
    if verdict.signed is None:
        return _refused(digest, verdict)
    times = [one.at for one in proven.cosignatures] if proven is not None else []
    if proven is not None and exhibit.proof is not None:
        times += _own_times(exhibit.proof, keyring.manifests[header.party])
    return Testimony(
        sha256=digest,
        party=header.party,
        signature=SignatureState.VALID,
        reasons=(reason,) if reason is not None else (),
        document=document,
        index=proven.index if proven is not None else None,
        leaf=leaf,
        checkpoint=proven.checkpoint if proven is not None else None,
        witnesses=_names(proven, keyring) if proven is not None else (),
        signed_at=max(times, default=None),
        grade=_grade(proven),
    )


def _refused(digest: str, verdict: Verdict) -> Testimony:
    return Testimony(sha256=digest, party=verdict.party, signature=verdict.signature, reasons=verdict.reasons)


def _not_believed(digest: str, verdict: Verdict, signature: SignatureState, reason: Reason) -> Testimony:
    return Testimony(sha256=digest, party=verdict.party, signature=signature, reasons=(reason,))


def _claimed_leaf(proof: TlogProof | None) -> Leaf | None:
    """The entry that the proof carries with it, of which nothing is proven yet."""
    if proof is None or proof.extra is None:
        return None
    try:
        return parse_leaf(proof.extra)
    except MalformedDocumentError:
        return None


def _proven(
    exhibit: Exhibit, leaf: Leaf | None, document: ExchangeDocument, standpoint: Standpoint
) -> tuple[ProvenEntry | None, Reason | None]:
    """The entry of this very document in its writer's register; or why there is none."""
    proof, header = exhibit.proof, document.header
    if proof is None or proof.extra is None or leaf is None:
        return None, Reason.NOT_IN_REGISTER
    if (leaf.party, leaf.environment) != (header.party, header.environment):
        return None, Reason.DIGEST_MISMATCH
    if leaf.d != document_commitment(header.salt, exhibit.xml) or not _is_in_chain(leaf, header.permit_salt):
        return None, Reason.DIGEST_MISMATCH
    manifest = standpoint.keyring.manifests[header.party]
    policy = standpoint.policy_about(header.party, standpoint.keyring.manifests)
    refused: EpixError | None = None
    for key in manifest.log_keys:
        try:
            entry = verify_tlog_proof(proof, entry=proof.extra, origin=manifest.log.origin, log_key=key, policy=policy)
        except (TrustError, MalformedDocumentError) as error:
            refused = error
        else:
            return entry, None
    return None, Reason.SIGNATURE_INVALID if refused is not None and _is_forged(refused) else Reason.NOT_IN_REGISTER


def _is_forged(error: EpixError) -> bool:
    return error.code == Reason.SIGNATURE_INVALID


def _is_in_chain(leaf: Leaf, permit_salt: bytes) -> bool:
    """Whether ``c`` is one of the permit's chain in this register (decision 4)."""
    return any(chain_commitment(permit_salt, leaf.party, i) == leaf.c for i in range(_LONGEST_CHAIN))


def _own_times(proof: TlogProof, manifest: Manifest) -> list[datetime]:
    """When the register itself cosigned the checkpoint (decision 5). One that is wrong says nothing."""
    try:
        return [one.at for one in valid_cosignatures(parse_note(proof.checkpoint), manifest.cosigner_keys)]
    except (TrustError, MalformedDocumentError):
        return []


def _names(proven: ProvenEntry, keyring: Keyring) -> tuple[str, ...]:
    """The Parties whose cosignatures are good; the key's own name where a policy file brought it."""
    owners = {key.public: party for party, manifest in keyring.manifests.items() for key in manifest.cosigner_keys}
    return tuple(sorted({owners.get(one.key.public, one.name) for one in proven.cosignatures}))


def _grade(proven: ProvenEntry | None) -> Grade:
    if proven is None:
        return Grade.UNLOGGED
    return Grade.WITNESSED if proven.is_witnessed else Grade.LOGGED
