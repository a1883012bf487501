"""Look at a permit: its status by number, and the verdict on a document or on what a paper says.

The status says what the facts say; the verdict says what to make of it, with reasons; freshness and grade say how
sure that is. Nothing here writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from epix_node.acts.office import Office
from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.errors import AmbiguousNumberError, MalformedDocumentError
from epix_node.exchange.ingest import ISSUERS_OWN, BeforeRevocation
from epix_node.exchange.proof import Proof, proof_of
from epix_node.permit.answer import (
    Answer,
    Basis,
    Freshness,
    Grade,
    Policy,
    Purpose,
    VerdictWord,
    Watermark,
    conclude,
)
from epix_node.permit.compare import differences
from epix_node.permit.event import Difference, PermitRef
from epix_node.permit.facts import PermitFact, Source, permits_meant
from epix_node.permit.json import permit_to_json
from epix_node.permit.model import Permit, PermitType
from epix_node.permit.number import PermitKey
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Flag, Standing, Status
from epix_node.permit.timing import Timing
from epix_node.reconcile.observation import is_known_absent
from epix_node.signing.verdict import SignatureState
from epix_node.signing.verifier import verify
from epix_node.store import ages, cases, documents, peers, permits, register
from epix_node.store.database import Session
from epix_node.store.documents import HeldDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What this node can see of a number: the permit that is meant, and how far it sees the issuer's register."""

    fact: PermitFact | None
    standing: Standing | None
    authoritative: bool
    watermark: Watermark
    mirror: Freshness
    trust: Freshness
    """How sure the keys of the issuer's Party are."""
    disputed: bool
    """Whether the issuer's register contradicted itself (``store.peers.is_disputed``)."""
    grade: Grade
    """How well the entry of the permit is proved."""
    absence_is_known: bool
    """Whether the issuer would have published it, had it issued it (contract 4, NOT_ISSUED)."""


def status(
    office: Office, policy: Policy, ref: PermitRef, *, purpose: Purpose | None, customs: bool = False, now: datetime
) -> Answer:
    """The status answer for a number, also for an unknown one.

    ``purpose`` ``None`` takes the caller's natural one: export for customs of the node that speaks for the issuer.

    Raises:
        AmbiguousNumberError: several permits fit.
    """
    seen = office.database.read_now(see, office, policy, ref, now=now)
    stated = _stated_otherwise(seen, ref)
    answer = answer_for(office, policy, ref, seen, purpose=purpose, customs=customs, found=stated, now=now)
    return answer if stated else replace(answer, differences=None)


def verdict_on_claim(
    office: Office,
    policy: Policy,
    ref: PermitRef,
    *,
    presented: Mapping[str, Any] | None,
    document_sha256: str | None,
    purpose: Purpose | None,
    customs: bool = False,
    now: datetime,
) -> Answer:
    """The verdict on what a paper says: ``presented`` holds the fields as read from it.

    Raises:
        AmbiguousNumberError: several permits fit.
    """
    seen = office.database.read_now(see, office, policy, ref, now=now)
    found = _stated_otherwise(seen, ref)
    if seen.fact is not None and presented is not None and not seen.fact.is_void:
        compared = differences(seen.fact.permit, presented)
        named = {difference.field for difference in compared}
        found = (*(d for d in found if d.field not in named), *compared)
    differs = document_sha256 is not None and seen.fact is not None and seen.fact.source.document != document_sha256
    return answer_for(
        office,
        policy,
        ref,
        seen,
        purpose=purpose,
        customs=customs,
        found=found,
        extra_flags=(Flag.DIGEST_DIFFERS,) if differs else (),
        now=now,
    )


def verdict_on_document(
    office: Office,
    policy: Policy,
    document: bytes,
    *,
    purpose: Purpose | None,
    customs: bool = False,
    now: datetime,
    trust_at: datetime | None = None,
) -> Answer:
    """The verdict on a signed exchange document. Only what the signature covers is read.

    Raises:
        MalformedDocumentError: it is no exchange document at all; ``code`` says why.
    """
    sha256 = hashlib.sha256(document).hexdigest()
    held = office.database.read_now(documents.find, sha256)
    keyring = office.keyring()
    at = trust_at or (held.at if held is not None else now)
    proven = held.proven_at if held is not None and held.first_place is not None else None
    signature = verify(document, keyring, at=at, environment=office.own.environment, proven_before=proven)
    proof = None
    if held is None and signature.signature is SignatureState.REVOKED_KEY:
        proof = _proof_of(office, document, at=at)
    if proof is not None and proof.proven_at is not None:
        signature = verify(
            document,
            keyring,
            at=trust_at or proof.accepted_at,
            environment=office.own.environment,
            proven_before=proof.proven_at,
        )
    if held is not None and held.is_void and signature.signature is SignatureState.VALID:
        # What ceased to count never counts again, whatever a manifest says later (decision 7).
        reasons = (Reason.REVOKED_KEY,)
        return _unread(SignatureState.REVOKED_KEY.value, reasons, trust=Freshness.FRESH, policy=policy, now=now)
    if signature.signed is None:
        trust = office.trust_freshness(signature.party, now)
        return _unread(signature.signature.value, signature.reasons, trust=trust, policy=policy, now=now)
    try:
        read = read_document(signature.signed)
    except MalformedDocumentError as error:
        if error.code != Reason.CONTENT_MISMATCH:
            raise
        # It is a document, and signed, but header and body speak of different things: a verdict, not a 400.
        return _unread(
            SignatureState.INVALID.value,
            (Reason.CONTENT_MISMATCH,),
            trust=Freshness.FRESH,
            policy=policy,
            now=now,
        )
    writer = office.trust_freshness(read.header.party, now)
    if not _may_write(office, read):
        reasons = (Reason.KEY_WRONG_PARTY,)
        return _unread(SignatureState.UNTRUSTED.value, reasons, trust=writer, policy=policy, now=now)
    ref = _ref(read)
    if held is None and proof is None:  # a mirror has the entry also of a document that it was not given
        proof = office.database.read_now(proof_of, read.header, document)
    seen = office.database.read_now(see, office, policy, ref, now=now, key=_key(read))
    seen = replace(seen, trust=Freshness.worst(seen.trust, writer))
    signed_at = signature.signed_at or read.header.issued
    shown = office.database.read_now(_shown, held or proof, signed_at=signed_at)
    found: tuple[Difference, ...] = ()
    flags: tuple[Flag, ...] = ()
    if isinstance(read.body, Permit) and seen.fact is not None and seen.fact.source.document != sha256:
        flags = (Flag.DIGEST_DIFFERS,)
        found = differences(seen.fact.permit, permit_to_json(read.body))
    return answer_for(
        office,
        policy,
        ref,
        seen,
        purpose=purpose,
        customs=customs,
        found=found,
        extra_flags=flags,
        signature=SignatureState.VALID.value,
        shown=shown,
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A document that was shown: how well its entry is proved, and how late its register took it."""

    grade: Grade
    delay: timedelta


def _shown(session: Session, found: HeldDocument | Proof | None, *, signed_at: datetime) -> _Shown:
    first: tuple[str, int] | None
    if isinstance(found, HeldDocument):
        first, place, accepted_at = found.first_place, found.place, found.at
    elif found is not None:
        first = place = (found.register, found.index)
        accepted_at = found.accepted_at
    else:
        return _Shown(grade=Grade.UNLOGGED, delay=timedelta(0))
    age = ages.of_entry(session, *first) if first is not None else None
    timing = Timing(
        signed_at=signed_at,
        accepted_at=accepted_at,
        grown_after=age.grown_after if age is not None else None,
        witnessed_at=age.witnessed_at if age is not None else None,
    )
    return _Shown(grade=_grade_at(session, place), delay=timing.delay)


def _proof_of(office: Office, document: bytes, *, at: datetime) -> Proof | None:
    """Since when the entry of a document is held that is not, where all but the revocation of its key is good."""
    verdict = verify(document, BeforeRevocation(office.keyring()), at=at, environment=office.own.environment)
    if verdict.signed is None:
        return None
    try:
        header = read_document(verdict.signed).header
    except MalformedDocumentError:
        return None
    return office.database.read_now(proof_of, header, document)


def see(
    session: Session,
    office: Office,
    policy: Policy,
    ref: PermitRef,
    *,
    now: datetime,
    key: PermitKey | None = None,
) -> Sight:
    """What this node can see of the number; ``key`` narrows to exactly one permit."""
    case_permits = permits.numbered(session, ref.issuer, ref.number)
    meant = permits_meant(case_permits, ref) if key is None else tuple(f for f in case_permits if f.key == key)
    if len(meant) > 1:  # one that counts no more stands in nobody's way
        meant = tuple(fact for fact in meant if not fact.is_void) or meant
    if len(meant) > 1:
        raise AmbiguousNumberError(
            f"{len(meant)} permits of {ref.issuer} are numbered {ref.number}: give type and issued_on",
            candidates=tuple(fact.key.to_json() for fact in meant),
        )
    fact = meant[0] if meant else None
    standing = None
    if fact is not None:
        standing = next(s for s in cases.cards(session, ref.issuer, ref.number) if s.key == fact.key)
    authoritative, watermark = watermark_of(session, office, ref.issuer, now=now)
    known = False
    if fact is None:
        known = is_known_absent(session, office.keyring(), office.party, ref, now=now)
    is_known = authoritative or watermark.origin is None
    return Sight(
        fact=fact,
        standing=standing,
        authoritative=authoritative,
        watermark=watermark,
        mirror=Freshness.FRESH if is_known else policy.freshness(watermark.time, now=now),
        trust=trust_in(office, ref.issuer, is_held=fact is not None, now=now),
        disputed=is_disputed(session, office, ref.issuer),
        grade=_grade_of(session, fact.source) if fact is not None else Grade.UNLOGGED,
        absence_is_known=known,
    )


def is_disputed(session: Session, office: Office, issuer: str) -> bool:
    """Whether the register of the Party that speaks for the issuer contradicted itself."""
    keyring = office.keyring()
    party = keyring.speaker_for(issuer)
    return party is not None and peers.is_disputed(session, party, origin=keyring.origin(party))


def _grade_of(session: Session, source: Source) -> Grade:
    """Where its Party began another register that does not list it yet, the entry is that of the former one."""
    if source.index is not None:
        return grade_of(session, source.party, source.index)
    held = documents.find(session, source.document, party=source.party)
    return _grade_at(session, held.place if held is not None else None)


def _grade_at(session: Session, place: tuple[str, int] | None) -> Grade:
    return grade_of(session, *place) if place is not None else Grade.UNLOGGED


def grade_of(session: Session, party: str, index: int | None) -> Grade:
    """How well the entry of this Party's register is proved (decision 10)."""
    held = register.state(session, party)
    if held is None:
        return Grade.UNLOGGED
    return Grade.of(index, witnessed=held.witnessed_size, logged=held.checkpoint_size)


def trust_in(office: Office, issuer: str, *, is_held: bool, now: datetime) -> Freshness:
    """How sure the keys of the Party are that speaks for the issuer; of the own ones always.

    A permit that is held and whose issuer nobody speaks for any more was of a Party that has been removed: EXPIRED.
    """
    party = office.keyring().speaker_for(issuer)
    if party is None:
        return Freshness.EXPIRED if is_held else Freshness.FRESH
    return office.trust_freshness(party, now)


def watermark_of(session: Session, office: Office, issuer: str, *, now: datetime) -> tuple[bool, Watermark]:
    """Whether this node speaks for the issuer, and up to where it knows the issuer's register.

    The own register is known to its last entry at every moment; a mirror up to its newest verified cosignature.
    """
    keyring = office.keyring()
    party = keyring.speaker_for(issuer)
    if party is None:
        return False, Watermark(origin=None, size=None, time=None)
    held = register.state(session, party)
    if party == office.party:
        return True, Watermark(origin=office.own.origin, size=held.edge.size if held else 0, time=now)
    if held is None:
        return False, Watermark(origin=keyring.origin(party), size=0, time=None)
    return False, Watermark(origin=held.origin, size=held.checkpoint_size, time=held.cosigned_at)


def answer_for(
    office: Office,
    policy: Policy,
    ref: PermitRef,
    seen: Sight,
    *,
    purpose: Purpose | None,
    customs: bool,
    now: datetime,
    found: tuple[Difference, ...] = (),
    extra_flags: tuple[Flag, ...] = (),
    signature: str | None = None,
    shown: _Shown | None = None,
) -> Answer:
    """Put the answer together from what was seen; ``shown`` is a document that is itself what the question is about."""
    day = office.today(now)
    standing, fact = seen.standing, seen.fact
    if seen.disputed:
        extra_flags = (*extra_flags, Flag.REGISTER_DISPUTED)
    grade = seen.grade if shown is None else shown.grade
    delay = shown.delay if shown is not None else standing.merge_delay if standing is not None else timedelta(0)
    if standing is not None and standing.is_withheld(now):
        extra_flags = (*extra_flags, Flag.ENTRY_WITHHELD)
    if standing is not None and fact is not None:
        status_, flags = standing.status_on(day), {*standing.flags_on(day), *extra_flags}
        signature = signature or SignatureState.VALID.value
    else:
        status_, flags = (Status.NOT_ISSUED if seen.absence_is_known else Status.UNKNOWN), set(extra_flags)
        signature = signature or SignatureState.NONE.value
    signature_reasons: tuple[Reason, ...] = ()
    if fact is not None and fact.is_void:
        signature, signature_reasons = SignatureState.REVOKED_KEY.value, (Reason.REVOKED_KEY,)
    ordered = tuple(flag for flag in Flag if flag in flags)
    type_ = standing.key.type if standing else ref.type
    basis = Basis(
        status=status_,
        flags=ordered,
        signature=signature,
        signature_reasons=signature_reasons,
        mirror=seen.mirror,
        trust=seen.trust,
        grade=grade,
        differences=found,
        covered=seen.absence_is_known or standing is not None,
        backdated=delay > policy.max_merge_delay,
        wants_witnesses=shown is not None,
    )
    asked = purpose or natural_purpose(office, ref.issuer, type_, customs=customs)
    verdict, reasons = conclude(basis, purpose=asked, policy=policy)
    return Answer(
        status=status_,
        flags=ordered,
        issuer=ref.issuer,
        type=type_,
        number=standing.key.number if standing else ref.number,
        year=standing.key.year if standing else (ref.issued_on.year if ref.issued_on else None),
        valid_from=standing.valid_from if standing else None,
        valid_until=standing.valid_until if standing else None,
        replaced_by=standing.replaced_by if standing else None,
        lines=tuple(line.to_json() for line in standing.lines) if standing else (),
        authoritative=seen.authoritative,
        as_of=now,
        watermark=seen.watermark,
        freshness=basis.freshness,
        grade=grade,
        signature=signature,
        verdict=verdict,
        reasons=reasons,
        differences=found,
    )


def natural_purpose(office: Office, issuer: str, type_: str | None, *, customs: bool) -> Purpose:
    """Import, but for customs of the node that speaks for the issuer of an export permit or re-export certificate."""
    leaving = customs and issuer in office.codes and type_ in {PermitType.EXPORT, PermitType.REEXPORT}
    return Purpose.EXPORT if leaving else Purpose.IMPORT


def no_match(office: Office, policy: Policy, ref: PermitRef, *, now: datetime, as_verdict: bool) -> Answer:
    """The one answer for a wrong proof and for an unknown number (contract 4): it depends on the question alone."""
    authoritative, watermark = office.database.read_now(watermark_of, office, ref.issuer, now=now)
    is_known = authoritative or watermark.origin is None
    mirror = Freshness.FRESH if is_known else policy.freshness(watermark.time, now=now)
    return Answer(
        status=Status.UNKNOWN,
        flags=(),
        issuer=ref.issuer,
        type=ref.type,
        number=ref.number,
        year=ref.issued_on.year if ref.issued_on else None,
        valid_from=None,
        valid_until=None,
        replaced_by=None,
        lines=(),
        authoritative=authoritative,
        as_of=now,
        watermark=watermark,
        freshness=Freshness.worst(mirror, trust_in(office, ref.issuer, is_held=False, now=now)),
        grade=Grade.UNLOGGED,
        signature=SignatureState.NONE.value,
        verdict=VerdictWord.UNKNOWN,
        reasons=(Reason.NO_MATCH,),
        differences=() if as_verdict else None,
    )


def _unread(signature: str, reasons: tuple[Reason, ...], *, trust: Freshness, policy: Policy, now: datetime) -> Answer:
    """A document whose signature is not good: nothing of it was read, so nothing is said about any permit.

    ``trust`` is how sure the keys of its Party are; it matters only where the key is not trusted.
    """
    basis = Basis(
        status=Status.UNKNOWN,
        flags=(),
        signature=signature,
        signature_reasons=reasons,
        mirror=Freshness.FRESH,
        trust=trust if signature == SignatureState.UNTRUSTED.value else Freshness.FRESH,
        grade=Grade.UNLOGGED,
    )
    # Without a signature nothing speaks against the document, and nothing for it (contract 4).
    verdict, concluded = conclude(basis, purpose=Purpose.IMPORT, policy=policy)
    return Answer(
        status=Status.UNKNOWN,
        flags=(),
        issuer=None,
        type=None,
        number=None,
        year=None,
        valid_from=None,
        valid_until=None,
        replaced_by=None,
        lines=(),
        authoritative=False,
        as_of=now,
        watermark=Watermark(origin=None, size=None, time=None),
        freshness=basis.freshness,
        grade=Grade.UNLOGGED,
        signature=signature,
        verdict=verdict,
        reasons=concluded,
        differences=(),
    )


def _may_write(office: Office, read: ExchangeDocument) -> bool:
    """Whether the writer of an issuer's own document speaks for that issuer."""
    header = read.header
    if header.type not in ISSUERS_OWN:
        return True
    return office.keyring().speaks_for(header.party, header.permit_issuer or "")


def _stated_otherwise(seen: Sight, ref: PermitRef) -> tuple[Difference, ...]:
    """Type and date of issue only choose between permits; where they differ, that is said, as class R (contract 1)."""
    if seen.fact is None or seen.fact.is_void:
        return ()
    permit = seen.fact.permit
    found = []
    if ref.type is not None and ref.type != permit.type:
        found.append(Difference(field="type", presented=ref.type, registered=permit.type, class_="R"))
    if ref.issued_on is not None and ref.issued_on != permit.issued_on:
        registered = permit.issued_on.isoformat() if permit.issued_on else None
        found.append(
            Difference(field="issued_on", presented=ref.issued_on.isoformat(), registered=registered, class_="R")
        )
    return tuple(found)


def _ref(read: ExchangeDocument) -> PermitRef:
    header = read.header
    issued_on = read.body.issued_on if isinstance(read.body, Permit) else None
    return PermitRef(
        issuer=header.permit_issuer or "",
        number=header.permit_number or "",
        type=header.permit_type,
        issued_on=issued_on,
    )


def _key(read: ExchangeDocument) -> PermitKey | None:
    return read.body.key if isinstance(read.body, Permit) else None
