"""What the rules say of an own permit before it is issued, and whether it may be published as a legacy document."""

from __future__ import annotations

from datetime import date, datetime

from epix_node.acts.office import Office
from epix_node.errors import UnacceptableError
from epix_node.exchange.examination import kept
from epix_node.permit.model import Permit
from epix_node.rules.check import Judgement, check
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Circumstances
from epix_node.store import permits
from epix_node.store.permit_checks import PermitCheck
from epix_node.trust.coverage import Coverage


def judge(office: Office, permit: Permit, *, now: datetime) -> Judgement:
    """What the rules say of issuing this permit now. Publishing refuses it where one of them blocks."""
    holder = office.database.read_now(permits.stamp_holder, permit.issuer, permit.security_stamp)
    taken = holder is not None and (permit.issued_on is None or holder != permit.key)
    return _judge(office, permit, now=now, stamp_taken=taken)


def unblocked(office: Office, permit: Permit, *, now: datetime) -> PermitCheck:
    """What the rules say of the permit, none of it in the way of its issue.

    Raises:
        RulesBrokenError: a rule of severity BLOCK is broken; carries all findings. A legacy document is refused only
            for what keeps it from being addressed or counted.
        UnacceptableError: it is no legacy document.
    """
    is_new = permit.issued_on is not None and permits.is_new(office.database, permit.key, permit.security_stamp)
    judgement = _judge(office, permit, now=now, stamp_taken=False) if is_new else judge(office, permit, now=now)
    judgement.refuse_blocked(legacy=permit.legacy)
    if permit.legacy:
        _require_old(permit, office.keyring().coverage(office.party))
    return kept(judgement, stage=Stage.ISSUE, at=now)


def legacy_ends(coverage: Coverage, permit_type: str) -> date | None:
    """The first day on which a permit of this type can be no legacy document; ``None`` where nothing was promised.

    A coverage without a beginning leaves no room for legacy documents at all: ``date.min``.
    """
    begins = [item.issued_from or date.min for item in coverage.items if permit_type in item.types]
    return min(begins, default=None)


def _judge(office: Office, permit: Permit, *, now: datetime, stamp_taken: bool) -> Judgement:
    return check(
        permit,
        office.ruleset,
        catalogue=office.catalogue(),
        circumstances=Circumstances(stage=Stage.ISSUE, today=office.today(now), stamp_taken=stamp_taken),
    )


def _require_old(permit: Permit, coverage: Coverage) -> None:
    """A legacy document was issued before the coverage of its type began: the mark is no door for back-dating."""
    ends = legacy_ends(coverage, permit.type)
    if ends is None or permit.issued_on is None or permit.issued_on < ends:
        return
    if ends == date.min:
        raise UnacceptableError(
            f"{permit.number} is no legacy document: this node covers permits of type {permit.type} whenever issued"
        )
    raise UnacceptableError(
        f"{permit.number} is no legacy document: it was issued on {permit.issued_on}, and this node covers permits of "
        f"type {permit.type} issued from {ends} on"
    )
