"""The own register: how a statement of this Party becomes a signed document and a numbered entry.

``prepare`` is the expensive part (writing, signing, verifying what was signed) and runs outside any transaction.
``enter`` runs inside the transaction that records the statement: index, leaf and hashes are committed together with it
or not at all, so that an index is never used twice, whatever crashes when. The signed checkpoint that covers the entry
comes right after, before anybody is told (``sequencer``, ADR 25).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import Body, ExchangeDocument
from epix_node.document.salts import new_salt, token_digest
from epix_node.document.writer import write_document
from epix_node.errors import StoreError
from epix_node.permit.facts import Source
from epix_node.permit.number import NumberRef
from epix_node.register.cosignature import Cosigner
from epix_node.register.entry import Leaf, document_commitment
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.register.note import NoteSigner, VerifierKey
from epix_node.signing.signer import Signer
from epix_node.signing.verdict import SignatureState
from epix_node.signing.verifier import KeyFinder, verify
from epix_node.store import pending, register
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session
from epix_node.store.register import RegisterState


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRegister:
    """Who writes the own register, and with which keys."""

    party: str
    codes: frozenset[str]
    environment: str
    signer: Signer
    log: NoteSigner
    cosigner: Cosigner
    keys: KeyFinder
    """The own manifest's keys: what this node signs must verify under them before it is published."""
    log_key: VerifierKey
    """That of the own manifest, for the same reason."""
    cosigner_key: VerifierKey
    """As ``log_key``."""

    @property
    def origin(self) -> str:
        """The name of the log (C2SP tlog-checkpoint)."""
        return self.log.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signed document that is in no register yet."""

    document: ExchangeDocument
    xml: bytes
    sha256: str
    opens_chain: bool
    """Whether its PermitSalt was drawn for it, so that it is the first entry under it."""
    token: str | None = None
    """The secret to print with a permit; the header carries its digest."""
    signed_by: str | None = None
    """Hex SHA-256 of the certificate whose key signed it."""


def prepare(
    own: OwnRegister,
    body: Body,
    *,
    type_: DocumentType,
    subject: NumberRef,
    recipients: Sequence[str],
    now: datetime,
    permit_salt: bytes | None = None,
    token: str | None = None,
    event_id: str | None = None,
    supersedes: str | None = None,
) -> Prepared:
    """Write and sign a document, and verify it as its readers will.

    ``permit_salt`` is the permit's where the writer holds it and the document belongs to the permit's chain; otherwise
    the document draws its own (protocol decision 4).

    Raises:
        RuntimeError: our own signature does not verify; such a document must never be published.
    """
    header = Header(
        environment=own.environment,
        party=own.party,
        type=type_,
        issued=now.replace(microsecond=0),
        salt=new_salt(),
        permit_salt=permit_salt or new_salt(),
        token_digest=token_digest(token) if token is not None else None,
        recipients=tuple(sorted(set(recipients))),
        permit_issuer=subject.issuer,
        permit_type=subject.type,
        permit_number=subject.number,
        permit_year=subject.year,
        event_id=event_id,
        supersedes=supersedes,
    )
    document = ExchangeDocument(header=header, body=body)
    xml = own.signer.sign(write_document(document), at=header.issued)
    verdict = verify(xml, own.keys, at=header.issued, environment=own.environment)
    if verdict.signature is not SignatureState.VALID:
        raise RuntimeError(f"this node cannot verify what it just signed: {', '.join(verdict.reasons)}")
    return Prepared(
        document=document,
        xml=xml,
        sha256=hashlib.sha256(xml).hexdigest(),
        opens_chain=permit_salt is None,
        token=token,
        signed_by=verdict.certificate_sha256,
    )


def enter(session: Session, own: OwnRegister, prepared: Prepared, *, now: datetime) -> Arrival:
    """Give the document the next index of the own register; no checkpoint covers it yet.

    Where nothing may be signed now, it gets no index: it waits in the order of acceptance, and is UNLOGGED until then.
    """
    held = register.state(session, own.party)
    require_same(own, held)
    header = prepared.document.header
    if held is not None and held.halted is not None:
        pending.add(session, own.party, prepared.sha256)
        return _arrival(own, prepared, index=None, at=now.replace(microsecond=0))
    edge = held.edge if held is not None else RightEdge.empty()
    leaf = Leaf(
        at=now,
        c=register.next_commitment(session, own.party, header.permit_salt, is_first=prepared.opens_chain),
        d=document_commitment(header.salt, prepared.xml),
        environment=own.environment,
        party=own.party,
    )
    entry = leaf.to_bytes()
    register.append(session, own.party, edge.size, [entry])
    register.put_edge(session, own.party, own.origin, edge.extended([leaf_hash(entry)]))
    return _arrival(own, prepared, index=edge.size, at=leaf.at)


def require_same(own: OwnRegister, held: RegisterState | None) -> None:
    """Return where the register in the database is the one that this process writes.

    Raises:
        StoreError: the Party began another one since this process started.
    """
    if held is not None and held.origin != own.origin:
        raise StoreError(f"the register is {held.origin} now, and this process writes {own.origin}: restart it")


def _arrival(own: OwnRegister, prepared: Prepared, *, index: int | None, at: datetime) -> Arrival:
    type_ = prepared.document.header.type.value
    return Arrival(
        document=prepared.document,
        xml=prepared.xml,
        source=Source(document=prepared.sha256, type=type_, party=own.party, index=index, at=at),
        token=prepared.token,
        signed_by=prepared.signed_by,
        proven_at=at,
    )
