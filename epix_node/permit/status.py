"""The status of a permit: what its facts say about it (contract 4, ``domain-rules.md`` 4.1).

The facts are folded once, when one of them changes, into a ``Standing`` that no date alters; the date of the
question then decides between expired, not yet valid and in force. A standing is what the store keeps ready for
answering by key (``status_card``).

Who moves the status: endorsements of the issuer; confirmations of the Party of destination, of any Party for
documents of multiple use, and of another Party with a timber basis. Everybody else's are shown by a flag and may
raise findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from epix_node.permit.balance import Balances
from epix_node.permit.event import Confirmation, Endorsement, Outcome, WithdrawalReason
from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Permit, PermitType
from epix_node.permit.number import PermitKey

IN_TIME_GRACE = timedelta(days=1)
"""An endorsement is in time up to one day after ``valid_until`` (``domain-rules.md`` 0.18)."""


WITHHELD_AFTER = timedelta(minutes=10)
"""A document whose entry is held may come so much later than that (protocol decision 4)."""


def is_withheld(since: datetime | None, *, now: datetime) -> bool:
    """Whether a document that has been missing ``since`` then is overdue."""
    return since is not None and now - since >= WITHHELD_AFTER


class Status(StrEnum):
    """By precedence, strongest first."""

    NOT_ISSUED = "NOT_ISSUED"
    REVOKED = "REVOKED"
    REPLACED = "REPLACED"
    REFUSED = "REFUSED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    EXPORTED = "EXPORTED"
    PARTLY_USED = "PARTLY_USED"
    NOT_YET_VALID = "NOT_YET_VALID"
    VALID = "VALID"
    UNKNOWN = "UNKNOWN"


class Flag(StrEnum):
    """What else is known beside the status (contract 4)."""

    CANCELLED = "CANCELLED"
    LOST = "LOST"
    STOLEN = "STOLEN"
    DESTROYED = "DESTROYED"
    SEIZED = "SEIZED"
    RETURNED = "RETURNED"
    REMAINDER_LAPSED = "REMAINDER_LAPSED"
    EXPORTED_IN_TIME = "EXPORTED_IN_TIME"
    UNUSED = "UNUSED"
    CONFIRMED_ELSEWHERE = "CONFIRMED_ELSEWHERE"
    ENDORSED_ELSEWHERE = "ENDORSED_ELSEWHERE"
    DIGEST_DIFFERS = "DIGEST_DIFFERS"
    RETROSPECTIVE = "RETROSPECTIVE"
    LEGACY = "LEGACY"
    MULTI_USE = "MULTI_USE"
    REGISTER_DISPUTED = "REGISTER_DISPUTED"
    ENTRY_WITHHELD = "ENTRY_WITHHELD"
    COPY = "COPY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The status but for the date: ``settled`` outranks expiry, ``moving`` does not, and both may be absent."""

    key: PermitKey
    valid_from: date | None
    valid_until: date | None
    settled: Status | None
    moving: Status | None
    exported_in_time: bool
    untouched: bool
    flags: tuple[Flag, ...]
    replaced_by: PermitKey | None
    lines: tuple[LineBalance, ...]
    is_void: bool = False
    """Whether the permit's document counts no more; see ``void_standing``."""
    merge_delay: timedelta = timedelta(0)
    """How long after its signature its register took it, at least (``permit.timing``)."""
    withheld_since: datetime | None = None
    """Since when this node holds an entry of the permit's chain whose document did not come with it."""

    def is_withheld(self, now: datetime) -> bool:
        """Whether such a document is overdue (protocol decision 4)."""
        return is_withheld(self.withheld_since, now=now)

    def status_on(self, day: date) -> Status:
        """The status on a calendar day of the node that answers (contract 1)."""
        if self.settled is not None:
            return self.settled
        if self.valid_until is not None and day > self.valid_until:
            return Status.EXPIRED
        if self.moving is not None:
            return self.moving
        if self.valid_from is not None and day < self.valid_from:
            return Status.NOT_YET_VALID
        return Status.VALID

    def flags_on(self, day: date) -> tuple[Flag, ...]:
        """The flags on that day: those of an expired permit appear only once it has expired."""
        if self.valid_until is None or day <= self.valid_until:
            return self.flags
        extra = [Flag.EXPORTED_IN_TIME] if self.exported_in_time else []
        extra += [Flag.UNUSED] if self.untouched else []
        return tuple(f for f in Flag if f in {*self.flags, *extra})


def void_standing(key: PermitKey) -> Standing:
    """Of a permit whose document counts no more: nothing that it says is known to be so (protocol decision 7)."""
    return Standing(
        key=key,
        valid_from=None,
        valid_until=None,
        settled=Status.UNKNOWN,
        moving=None,
        exported_in_time=False,
        untouched=False,
        flags=(),
        replaced_by=None,
        lines=(),
        is_void=True,
    )


def standing(fact: PermitFact, events: Iterable[EventFact], uses: Iterable[EventFact] = ()) -> Standing:
    """Fold what is known of one permit: ``events`` about it, and ``uses`` that name it as their import permit.

    Every node that holds the same documents folds them alike; no national setting comes in (``domain-rules.md`` 0.9).
    """
    permit = fact.permit
    endorsements = [e for e in events if isinstance(e.body, Endorsement)]
    confirmations = [e for e in events if isinstance(e.body, Confirmation)]
    known = {c.source.document for c in confirmations}
    confirmations += [u for u in uses if u.source.document not in known]
    at_home = [e for e in endorsements if e.party == fact.source.party]
    deciding = [c for c in confirmations if _moves_status(fact, c)]
    flags = set(_flags_of_permit(permit))
    if len(at_home) < len(endorsements):
        flags.add(Flag.ENDORSED_ELSEWHERE)
    if len(deciding) < len(confirmations):
        flags.add(Flag.CONFIRMED_ELSEWHERE)
    flags |= {Flag.SEIZED for c in deciding if Outcome.SEIZED in _outcomes(c)}
    flags |= {Flag.RETURNED for c in deciding if Outcome.RETURNED in _outcomes(c)}

    # A document of multiple use is endorsed wherever its goods leave again (contract 4, ``multi_use``).
    counted = endorsements if permit.multi_use else at_home
    balances = Balances(permit, counted, deciding)
    if balances.has_lapsed:
        flags.add(Flag.REMAINDER_LAPSED)
    settled, moving = _settled_and_moving(permit, counted, deciding, balances)
    # What was used stays used, also where the issuer takes the permit back after that, or part of it was refused.
    used = settled is Status.USED or (not permit.multi_use and any(_has_arrived(c) for c in deciding))
    replaced_by = None
    if fact.withdrawal is not None:
        reason = fact.withdrawal.withdrawal.reason
        replaced_by = fact.withdrawal.withdrawal.replaced_by
        settled = Status.REPLACED if reason is WithdrawalReason.REPLACED else Status.REVOKED
        if reason is not WithdrawalReason.REPLACED:
            flags.add(Flag[reason.name])
    return Standing(
        key=fact.key,
        valid_from=permit.in_force_from,
        valid_until=permit.valid_until,
        settled=settled,
        moving=moving,
        exported_in_time=any(_in_time(permit, e.body.date) for e in at_home),
        untouched=not endorsements and not confirmations,
        flags=tuple(f for f in Flag if f in flags),
        replaced_by=replaced_by,
        lines=balances.lines(used=used),
        merge_delay=fact.timing.delay if fact.timing is not None else timedelta(0),
    )


def _moves_status(fact: PermitFact, confirmation: EventFact) -> bool:
    """The Party of destination does, and others by the exceptions of contract 4."""
    permit = fact.permit
    body = confirmation.body
    timber = isinstance(body, Confirmation) and body.basis is not None
    return permit.multi_use or timber or permit.destination is None or confirmation.acts_for(permit.destination)


def _has_arrived(confirmation: EventFact) -> bool:
    return isinstance(confirmation.body, Confirmation) and confirmation.body.outcome.is_arrival


def _flags_of_permit(permit: Permit) -> Iterable[Flag]:
    if permit.multi_use:
        yield Flag.MULTI_USE
    if permit.copy:
        yield Flag.COPY
    if permit.retrospective:
        yield Flag.RETROSPECTIVE
    if permit.legacy:
        yield Flag.LEGACY


def _outcomes(event: EventFact) -> set[Outcome]:
    assert isinstance(event.body, Confirmation)
    return {event.body.outcome} | {line.outcome for line in event.body.lines if line.outcome is not None}


def _in_time(permit: Permit, day: date) -> bool:
    return permit.valid_until is None or day <= permit.valid_until or day - permit.valid_until <= IN_TIME_GRACE


def _settled_and_moving(
    permit: Permit, counted: list[EventFact], deciding: list[EventFact], balances: Balances
) -> tuple[Status | None, Status | None]:
    if permit.multi_use:
        if permit.type == PermitType.IMPORT and balances.is_exhausted:
            return Status.USED, None
        return None, Status.PARTLY_USED if counted or deciding else None
    # The confirmation's own outcome decides, whatever single lines say: REFUSED outranks USED (contract 4).
    if any(not _has_arrived(confirmation) for confirmation in deciding):
        return Status.REFUSED, None
    if deciding:
        return Status.USED, None
    return None, Status.EXPORTED if counted else None
