"""All that happened under a permit, for another node that holds it (``POST status``, C.2).

Who asks proves that it holds the permit: by the token that is printed on it, or by its PermitSalt. A wrong proof and an
unknown number run the same statement, compare in constant time and get the same answer (C.7: no oracle). Documents of
multiple use are in no feed, so their bytes are given here, and those of their events; of any other permit the asking
node has the documents, or is not meant to have them, and gets what they say, without names, and their proofs.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from epix_node.acts import look
from epix_node.acts.office import Office
from epix_node.document.salts import new_salt, token_digest
from epix_node.exchange.proofs import tlog_proof_of
from epix_node.permit.answer import Answer, Policy, Purpose
from epix_node.permit.event import PermitRef
from epix_node.register.tlog_proof import format_tlog_proof
from epix_node.store import stories
from epix_node.store.database import Session
from epix_node.store.stories import Claimable, Told

MAX_BYTES = 2 * 1024 * 1024
"""Most bytes of documents in one story; as base64 and with their proofs they fit into the 4 MiB of C.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which permit is meant, and how the asking node knows it: by ``token`` or ``salt``."""

    issuer: str
    number: str
    type: str | None = None
    year: int | None = None
    token: str | None = None
    salt: bytes | None = None
    held: frozenset[str] = frozenset()
    """Digests of documents whose bytes the asking node has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One document: what it is, its proof as a tlog-proof, and its bytes where they are given."""

    told: Told
    proof: bytes | None
    xml: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The status answer, and the documents, the permit's first; none where the answer is NO_MATCH."""

    answer: Answer
    pieces: tuple[Piece, ...]


def tell(office: Office, policy: Policy, claim: Claim, *, now: datetime) -> Story | None:
    """The story of an own permit that the claim proves to hold; None where it proves none."""
    found = office.database.read_now(_claimed, claim)
    if found is None or found.key.issuer not in office.codes or found.is_void:
        return None
    ref = PermitRef(issuer=found.key.issuer, number=found.key.number, type=found.key.type, issued_on=found.issued_on)
    answer = look.status(office, policy, ref, purpose=Purpose.IMPORT, now=now)
    return Story(answer=answer, pieces=office.database.read_now(_pieces, found, claim))


def no_story(office: Office, policy: Policy, claim: Claim, *, now: datetime) -> Story:
    """The one answer for a wrong proof and for an unknown number."""
    ref = PermitRef(issuer=claim.issuer, number=claim.number, type=claim.type)
    return Story(answer=look.no_match(office, policy, ref, now=now, as_verdict=False), pieces=())


def _claimed(session: Session, claim: Claim) -> Claimable | None:
    held = stories.claimable(session, claim.issuer, claim.number)
    digest = token_digest(claim.token) if claim.token is not None else ""
    salt = claim.salt if claim.salt is not None else new_salt()  # nobody's
    fitting = [one for one in held if _fits(one, digest, salt)]
    if not held:  # as long as if there had been one
        hmac.compare_digest(digest, token_digest(""))
        hmac.compare_digest(salt, new_salt())
    if len(fitting) > 1:
        fitting = [one for one in fitting if (claim.type or one.key.type, claim.year or one.key.year) == _kind(one)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(one: Claimable, digest: str, salt: bytes) -> bool:
    by_token = hmac.compare_digest(digest, one.token_digest or "-")
    by_salt = hmac.compare_digest(salt, one.permit_salt)
    return by_token or by_salt


def _kind(one: Claimable) -> tuple[str, int]:
    return one.key.type, one.key.year


def _pieces(session: Session, permit: Claimable, claim: Claim) -> tuple[Piece, ...]:
    is_alone = len(stories.claimable(session, permit.key.issuer, permit.key.number)) == 1
    told = stories.documents_of(session, permit, is_alone=is_alone)
    given = _given(told, claim) if permit.multi_use else frozenset[str]()
    return tuple(
        Piece(told=one, proof=_proof(session, one), xml=one.xml if one.document in given else None) for one in told
    )


def _given(told: Sequence[Told], claim: Claim) -> frozenset[str]:
    """The digests of what is given: in order, up to the limit; who names what it has gets the rest next time."""
    given: set[str] = set()
    left = MAX_BYTES
    for one in told:
        if one.document in claim.held:
            continue
        left -= len(one.xml)
        if left < 0:
            break
        given.add(one.document)
    return frozenset(given)


def _proof(session: Session, told: Told) -> bytes | None:
    proof = tlog_proof_of(session, told.party, told.index) if told.index is not None else None
    return format_tlog_proof(proof) if proof is not None else None
