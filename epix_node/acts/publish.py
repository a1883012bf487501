"""Publish, withdraw and replace own permits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from epix_node.acts.judging import judge, unblocked
from epix_node.acts.office import Office
from epix_node.document.header import DocumentType
from epix_node.document.salts import new_token
from epix_node.errors import (
    AmbiguousNumberError,
    DifferentContentError,
    NotFoundError,
    NotOursError,
    TransitionError,
    UnacceptableError,
)
from epix_node.exchange import audience
from epix_node.exchange.examination import kept
from epix_node.exchange.own import Prepared, prepare
from epix_node.permit.event import Withdrawal, WithdrawalReason
from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.json import same_content
from epix_node.permit.model import Permit
from epix_node.permit.number import NumberRef, PermitKey, normalised
from epix_node.reconcile.record import record_own
from epix_node.rules.ruleset import Stage
from epix_node.store import cases, documents, permit_checks, permits
from epix_node.store.database import Session
from epix_node.store.permit_checks import PermitCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A permit that is in the own register; ``created`` is false where it was there before."""

    key: PermitKey
    source: Source
    token: str | None
    check: PermitCheck
    """What the rules said of it when it was published."""
    created: bool

    def to_json(self) -> dict[str, Any]:
        """The answer of ``POST /permits`` (contract 4)."""
        return {
            "permit": self.key.to_json(),
            "document": self.source.document,
            "register_index": self.source.index,
            "token": self.token,
            "findings": [dict(finding) for finding in self.check.findings],
            "reference": [dict(edition) for edition in self.check.reference],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A withdrawal that is in the own register; ``created`` is false where it was there before."""

    key: PermitKey
    source: Source
    created: bool


def publish(office: Office, permit: Permit, *, now: datetime) -> Published:
    """Sign the permit and enter it into the register; the same content again changes nothing.

    But where the document that holds its key counts no more, since the key that signed it was revoked, the same
    content is signed again, with the token that is printed on the paper.

    Raises:
        NotOursError: this node does not speak for the issuer.
        RulesBrokenError: a rule of severity BLOCK is broken; carries all findings.
        UnacceptableError: it is marked as a legacy document, and was issued after this node's coverage began.
        DifferentContentError: the permit key is taken by other content.
    """
    _require_ours(office, permit)
    if (earlier := _published_before(office, permit, now=now)) is not None:
        return earlier
    check = unblocked(office, permit, now=now)
    prepared = _prepare(office, permit, now=now)
    try:
        return office.write(now, _enter_permit, office, permit, prepared, check, now)
    except DifferentContentError:
        # Another writer published under this key since we looked: perhaps the same content.
        earlier = _published_before(office, permit, now=now)
        if earlier is None:
            raise
        return earlier


def withdraw(office: Office, ref: NumberRef, reason: WithdrawalReason, text: str | None, *, now: datetime) -> Withdrawn:
    """Take an own permit back; the same reason again changes nothing.

    Raises:
        NotFoundError, AmbiguousNumberError: the number names no own permit, or several.
        UnacceptableError: ``replaced`` needs a replacement.
        TransitionError: it was withdrawn for another reason.
    """
    if reason is WithdrawalReason.REPLACED:
        raise UnacceptableError("a permit is withdrawn as replaced only through its replacement")
    fact = office.database.read_now(own_permit, office, ref)
    if (earlier := _withdrawn_before(fact, reason)) is not None:
        office.covered(earlier.source, now=now)
        return earlier
    prepared = _prepare_withdrawal(office, fact, reason, text, replaced_by=None, now=now)
    return office.write(now, _enter_withdrawal, office, fact, prepared, reason, now)


def replace_permit(office: Office, ref: NumberRef, permit: Permit, *, now: datetime) -> Published:
    """Publish the successor of an own permit and withdraw the old one as replaced, in one transaction.

    Raises:
        UnacceptableError: the new permit says that it replaces another one, or is the old one itself.
        TransitionError: the old permit was withdrawn for another reason, or replaced by another permit.
        Otherwise as ``publish`` and ``withdraw``.
    """
    fact = office.database.read_now(own_permit, office, ref)
    if permit.replaces is not None and normalised(permit.replaces) != fact.key.number:
        raise UnacceptableError(f"the permit says that it replaces {permit.replaces}, not {fact.permit.number}")
    successor = replace(permit, replaces=permit.replaces or fact.permit.number)
    _require_ours(office, successor)
    earlier = _published_before(office, successor, now=now)
    if successor.key == fact.key:
        raise UnacceptableError("a permit cannot replace itself: the replacement needs a number of its own")
    if fact.withdrawal is not None and fact.withdrawal.withdrawal.replaced_by != successor.key:
        raise TransitionError(f"{fact.key.issuer} {fact.permit.number} was withdrawn before")
    if fact.withdrawal is not None and earlier is not None:
        return earlier
    if earlier is not None:
        raise TransitionError(f"{successor.issuer} {successor.number} was published before, and not as a replacement")
    check = unblocked(office, successor, now=now)
    prepared = _prepare(office, successor, now=now)
    withdrawal = _prepare_withdrawal(office, fact, WithdrawalReason.REPLACED, None, replaced_by=successor.key, now=now)

    def both(session: Session) -> Published:
        published = _enter_permit(session, office, successor, prepared, check, now)
        _enter_withdrawal(session, office, fact, withdrawal, WithdrawalReason.REPLACED, now)
        return published

    return office.write(now, both)


def own_permit(session: Session, office: Office, ref: NumberRef) -> PermitFact:
    """The one permit of this node's own issuers that the number names, with its withdrawal if there is one.

    Raises:
        NotOursError, NotFoundError, AmbiguousNumberError.
    """
    if ref.issuer not in office.codes:
        raise NotOursError(f"this node does not speak for {ref.issuer}")
    case = cases.load(session, ref.issuer, normalised(ref.number))
    meant = [
        fact
        for fact in case.permits
        if (ref.type is None or fact.key.type == ref.type) and (ref.year is None or fact.key.year == ref.year)
    ]
    if not meant and any(fact.key.type == (ref.type or fact.key.type) for fact in case.void):
        raise TransitionError(
            f"{ref.issuer} {ref.number} was signed with a key that was revoked and counts no more; issue it again first"
        )
    if not meant:
        raise NotFoundError(f"{ref.issuer} has no permit {ref.number}")
    if len(meant) > 1:
        raise AmbiguousNumberError(
            f"{ref.issuer} has {len(meant)} permits numbered {ref.number}: say which type and year",
            candidates=tuple(fact.key.to_json() for fact in meant),
        )
    return meant[0]


def _require_ours(office: Office, permit: Permit) -> None:
    if permit.issuer not in office.codes:
        ours = ", ".join(sorted(office.codes))
        raise NotOursError(f"the issuer is {permit.issuer}; this node speaks for {ours}")


def _published_before(office: Office, permit: Permit, *, now: datetime) -> Published | None:
    """The permit as it was published before, with what the rules said of it then.

    Raises:
        DifferentContentError: the permit key is taken by other content.
    """
    if permit.issued_on is None or permits.is_new(office.database, permit.key, None):
        return None
    found = office.database.read_now(_held, permit.key)
    if found is None:
        return None
    earlier, token, check = found
    if not same_content(earlier.permit, permit):
        marks = {True: "as a legacy document", False: "not as a legacy document"}
        is_mark_alone = same_content(earlier.permit, replace(permit, legacy=earlier.permit.legacy))
        how = marks[earlier.permit.legacy] if is_mark_alone else "with other content"
        raise DifferentContentError(f"{permit.issuer} {permit.number} of {permit.key.year} was published {how}")
    if earlier.is_void:
        return None
    office.covered(earlier.source, now=now)
    if check is None:  # published before checks were kept: what the rules say of it now
        check = kept(judge(office, permit, now=now), stage=Stage.ISSUE, at=now)
    return Published(key=permit.key, source=earlier.source, token=token, check=check, created=False)


def _held(session: Session, key: PermitKey) -> tuple[PermitFact, str | None, PermitCheck | None] | None:
    fact = permits.find(session, key)
    return None if fact is None else (fact, permits.token(session, key), permit_checks.find(session, key))


def _prepare(office: Office, permit: Permit, *, now: datetime) -> Prepared:
    key = permit.key
    is_new = permits.is_new(office.database, key, None)
    # The token on the paper, where the permit's document counts no more and this one takes its place.
    printed = None if is_new else office.database.read_now(permits.token, key)
    return prepare(
        office.own,
        permit,
        type_=DocumentType.PERMIT,
        subject=NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year),
        recipients=audience.of_permit(permit, writer=office.codes),
        now=now,
        token=printed or new_token(),
    )


def _enter_permit(
    session: Session,
    office: Office,
    permit: Permit,
    prepared: Prepared,
    check: PermitCheck,
    now: datetime,
) -> Published:
    if permits.stamp_holder(session, permit.issuer, permit.security_stamp) is not None:
        check = unblocked(office, permit, now=now)  # used by another writer since we looked
    source = record_own(session, office.perspective(), office.own, prepared, now=now, check=check)
    return Published(key=permit.key, source=source, token=prepared.token, check=check, created=True)


def _withdrawn_before(fact: PermitFact, reason: WithdrawalReason) -> Withdrawn | None:
    if fact.withdrawal is None:
        return None
    earlier = fact.withdrawal.withdrawal.reason
    if earlier is not reason:
        raise TransitionError(f"{fact.key.issuer} {fact.permit.number} was withdrawn as {earlier.value} before")
    return Withdrawn(key=fact.key, source=fact.withdrawal.source, created=False)


def _prepare_withdrawal(
    office: Office,
    fact: PermitFact,
    reason: WithdrawalReason,
    text: str | None,
    *,
    replaced_by: PermitKey | None,
    now: datetime,
) -> Prepared:
    held = office.database.read_now(documents.find, fact.source.document, party=office.party)
    assert held is not None
    key = fact.key
    return prepare(
        office.own,
        Withdrawal(permit=key, reason=reason, text=text, replaced_by=replaced_by),
        type_=DocumentType.WITHDRAWAL,
        subject=NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year),
        recipients=audience.of_withdrawal(held.recipients, writer=office.codes),
        now=now,
        permit_salt=held.permit_salt,
    )


def _enter_withdrawal(
    session: Session,
    office: Office,
    fact: PermitFact,
    prepared: Prepared,
    reason: WithdrawalReason,
    now: datetime,
) -> Withdrawn:
    current = own_permit(
        session,
        office,
        NumberRef(issuer=fact.key.issuer, number=fact.key.number, type=fact.key.type, year=fact.key.year),
    )
    if (earlier := _withdrawn_before(current, reason)) is not None:
        return earlier
    source = record_own(session, office.perspective(), office.own, prepared, now=now)
    return Withdrawn(key=fact.key, source=source, created=True)
