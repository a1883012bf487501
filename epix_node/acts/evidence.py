"""The evidence bundle of a permit (C.7): everything that this node holds to prove what it says, in one file.

Any node can make it for any permit that it holds, from its mirror of the issuer's register. Nothing in it depends on
the moment of asking: as long as nothing new comes in, the same permit gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from epix_node.acts import look
from epix_node.acts.office import Office
from epix_node.errors import AmbiguousNumberError, ConflictError, NotFoundError
from epix_node.evidence.bundle import Bundle, Exhibit
from epix_node.evidence.judgement import Reader, judge
from epix_node.exchange.proofs import tlog_proof_of
from epix_node.permit.answer import Answer, Policy
from epix_node.permit.event import PermitRef
from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.number import NumberRef
from epix_node.register.note import parse_note
from epix_node.store import cases, documents, register
from epix_node.store import trust as trust_store
from epix_node.store.database import Session
from epix_node.trust.excerpt import TrustExcerpt
from epix_node.trust.signed_version import SignedVersion

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A bundle as a file."""

    data: bytes = field(repr=False)
    sha256: str
    """Hex, of the data."""
    file_name: str
    answer: Answer
    """What this node says of the permit, as of the newest time that anybody signed in the bundle."""


def gather(office: Office, policy: Policy, ref: NumberRef) -> Evidence:
    """The bundle of the permit that the number names.

    Raises:
        NotFoundError: this node holds no such permit.
        AmbiguousNumberError: it holds several; type and year choose.
        ConflictError: code TOO_LARGE, more happened to the permit than a bundle holds.
    """
    return office.database.read_now(_gather, office, policy, ref)


def _gather(session: Session, office: Office, policy: Policy, ref: NumberRef) -> Evidence:
    case = cases.load(session, ref.issuer, ref.number)
    fact = _meant((*case.permits, *case.void), ref)
    sources = {event.source.document: event.source for event in (*case.events_of(fact), *case.uses_of(fact))}
    if fact.withdrawal is not None:
        sources[fact.withdrawal.source.document] = fact.withdrawal.source
    events = sorted(sources.values(), key=lambda one: (one.at, one.party, one.index or 0, one.document))
    exhibits = [_exhibit(session, source) for source in (fact.source, *events)]
    parties = {source.party for source in (fact.source, *events)} | _witnesses(office, exhibits)
    trust_list = office.trust_list()
    bundle = Bundle(
        permit=exhibits[0],
        events=tuple(exhibits[1:]),
        trust=TrustExcerpt.of(trust_list, parties, own=_own(session, office)),
    )
    root = trust_list.roots[0] if trust_list is not None and trust_list.roots else None
    judged = judge(bundle, Reader(root=root, policy_about=office.witnesses.policy_about))
    as_of = judged.made_at or _cosigned_at(session, fact.source)
    exact = PermitRef(
        issuer=fact.key.issuer, number=fact.key.number, type=fact.key.type, issued_on=fact.permit.issued_on
    )
    seen = look.see(session, office, policy, exact, now=as_of, key=fact.key)
    answer = look.answer_for(office, policy, exact, seen, purpose=None, customs=False, now=as_of)
    said = {name: value for name, value in answer.to_json(request_id="").items() if name != "request_id"}
    verdict = {"spec": "epix-evidence/1", "party": office.party, "document": fact.source.document, **said}
    try:
        data = replace(bundle, verdict=verdict).to_bytes()
    except ValueError as error:
        raise ConflictError(
            f"{fact.key.number} has too long a story for a bundle: {error}", code="TOO_LARGE"
        ) from error
    name = _UNSAFE.sub("-", f"{fact.key.issuer}-{fact.key.number}").strip("-.")
    return Evidence(data=data, sha256=hashlib.sha256(data).hexdigest(), file_name=f"{name}.epix", answer=answer)


def _meant(held: tuple[PermitFact, ...], ref: NumberRef) -> PermitFact:
    meant = [fact for fact in held if ref.type in {None, fact.key.type} and ref.year in {None, fact.key.year}]
    if not meant:
        raise NotFoundError(f"this node holds no permit {ref.number} of {ref.issuer}")
    if len(meant) > 1:
        raise AmbiguousNumberError(
            f"{len(meant)} permits of {ref.issuer} are numbered {ref.number}: say which type and year",
            candidates=tuple(fact.key.to_json() for fact in meant),
        )
    return meant[0]


def _exhibit(session: Session, source: Source) -> Exhibit:
    held = documents.find(session, source.document, party=source.party)
    assert held is not None  # a fact is an index over its document
    proof = tlog_proof_of(session, source.party, source.index) if source.index is not None else None
    return Exhibit(xml=held.xml, proof=proof)


def _cosigned_at(session: Session, source: Source) -> datetime:
    """When the register of the permit was last known to be complete, for a node that no trust list vouches for."""
    held = register.state(session, source.party)
    return held.cosigned_at if held is not None and held.cosigned_at is not None else source.at


def _witnesses(office: Office, exhibits: Iterable[Exhibit]) -> set[str]:
    """The Parties that say to have cosigned one of the checkpoints; whether they did is the reader's to see."""
    lines = {
        (line.name, line.key_id)
        for exhibit in exhibits
        if exhibit.proof is not None
        for line in parse_note(exhibit.proof.checkpoint).signatures
    }
    return {
        party
        for party, manifest in office.keyring().manifests.items()
        if any((key.name, key.key_id) in lines for key in manifest.cosigner_keys)
    }


def _own(session: Session, office: Office) -> dict[str, SignedVersion]:
    """What this node knows of its own role before the trust list does."""
    held = trust_store.held(session).own
    return {office.party: SignedVersion.parse(held)} if held is not None else {}
