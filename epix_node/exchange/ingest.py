"""Whether a document that another Party's register lists may be believed.

Each document is checked alone, outside any transaction, in the order of C.6: digest, form, signature, key, then
what the signed bytes say against the register that lists them. A refused one keeps its bytes and its reason and
spoils nothing else. Whether it can be *recorded* (its permit key is free, and so on) is decided in the transaction,
and so is whether a document counts whose key was revoked: only there is known since when its entry is held.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from epix_node.document.header import DocumentType
from epix_node.document.reader import read_document
from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import Alert
from epix_node.permit.facts import Source
from epix_node.permit.finding import finding_id
from epix_node.permit.reasons import Reason
from epix_node.register.entry import Leaf, chain_commitment, document_commitment
from epix_node.signing.verdict import SignatureState
from epix_node.signing.verifier import CLOCK_TOLERANCE, KeyFinder, verify
from epix_node.store.arrival import Arrival
from epix_node.trust.keyring import SigningKey

log = structlog.get_logger("epix_node.exchange")

_LONGEST_CHAIN = 4096
"""How many places of a chain are looked at; a permit of many uses has a few hundred documents in one register."""

ISSUERS_OWN = frozenset({DocumentType.PERMIT, DocumentType.WITHDRAWAL, DocumentType.ALERT, DocumentType.EXTRACT})
"""Documents that only the Party that speaks for the permit's issuer may write (protocol decisions 3 and 6)."""


class Trust(KeyFinder, Protocol):
    """Whose keys count, and which Party speaks for an issuer."""

    def speaks_for(self, party: str, code: str) -> bool:
        """Whether this Party's node speaks for the code."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A register entry and the bytes that came for it."""

    sha256: str
    index: int
    leaf: Leaf
    xml: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A document for the quarantine, with a reason code of contract 4."""

    sha256: str
    index: int | None
    reason: str
    xml: bytes

    @property
    def is_replaced(self) -> bool:
        """Whether other bytes came in its place: nothing is known of the document itself, which may still come."""
        return hashlib.sha256(self.xml).hexdigest() != self.sha256


@dataclass(frozen=True, slots=True)
class BeforeRevocation:
    """The same keys as before any of them was revoked."""

    trust: KeyFinder

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        """As ``KeyFinder``."""
        key = self.trust.find(party, certificate_sha256)
        return replace(key, is_revoked=False) if key is not None and key.is_revoked else key

    def owner(self, certificate_sha256: str) -> str | None:
        """As ``KeyFinder``."""
        return self.trust.owner(certificate_sha256)


def check(listed: Listed, *, party: str, environment: str, trust: Trust, now: datetime) -> Arrival | Refused:
    """Believe the document or say why not; raises nothing."""

    def refused(reason: str) -> Refused:
        return Refused(sha256=listed.sha256, index=listed.index, reason=reason, xml=listed.xml)

    if hashlib.sha256(listed.xml).hexdigest() != listed.sha256:
        return refused(Reason.DIGEST_MISMATCH)
    accepted = _accepted_at(listed.leaf, now=now)
    try:
        verdict = verify(listed.xml, BeforeRevocation(trust), at=accepted, environment=environment)
        if verdict.signature is not SignatureState.VALID or verdict.signed is None:
            return refused(verdict.reasons[0] if verdict.reasons else Reason.SIGNATURE_INVALID)
        document = read_document(verdict.signed)
    except MalformedDocumentError as error:
        return refused(error.code)
    header = document.header
    if header.party != party or listed.leaf.party != party or listed.leaf.environment != environment:
        return refused(Reason.KEY_WRONG_PARTY)
    if document_commitment(header.salt, listed.xml) != listed.leaf.d:
        return refused(Reason.DIGEST_MISMATCH)
    if header.type in ISSUERS_OWN and not trust.speaks_for(party, header.permit_issuer or ""):
        return refused(Reason.KEY_WRONG_PARTY)
    alert = document.body
    if isinstance(alert, Alert) and alert.finding_id != finding_id(alert.pattern, alert.subject):
        # The permit in the header must be the one whose key is in the id (protocol decision 3): otherwise anybody
        # could speak about a finding on another issuer's permit under a permit of their own.
        return refused(Reason.KEY_WRONG_PARTY)
    source = Source(document=listed.sha256, type=header.type.value, party=party, index=listed.index, at=accepted)
    if not stands_in_chain(listed.leaf, header.permit_salt):
        # Whoever holds the permit looks for its documents where the chain leads (protocol decision 4), and would not
        # find this one. It is a fact all the same: what it says, perhaps a withdrawal, counts here.
        log.warning("entry stands outside its chain", party=party, index=listed.index, document=listed.sha256)
    return Arrival(
        document=document,
        xml=listed.xml,
        source=source,
        signed_by=verdict.certificate_sha256,
        signed_at=verdict.signed_at,
    )


def stands_in_chain(leaf: Leaf, permit_salt: bytes) -> bool:
    """Whether the entry commits to the chain of its document's PermitSalt, at any of its first places."""
    return any(chain_commitment(permit_salt, leaf.party, i) == leaf.c for i in range(_LONGEST_CHAIN))


def _accepted_at(leaf: Leaf, *, now: datetime) -> datetime:
    """When the register accepted the entry; where it names a time that is still to come, when the entry came here.

    Findings cool off from that time on (``domain-rules.md`` 0.10): an entry of the year 2040 would keep whatever rests
    on it from ever being opened.
    """
    return leaf.at if leaf.at <= now + CLOCK_TOLERANCE else now
