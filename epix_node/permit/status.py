"""The status of a permit: what its facts say about it (contract 4, ``domain-rules.md`` 4.1).

The facts are folded once, when one of them changes, into a ``Standing`` that no date alters; the date of the
question then decides between expired, not yet valid and in force. A standing is what the store keeps ready for
answering by key (``status_card``).

Who moves the status: endorsements of the issuer; confirmations of the Party of destination, of any Party for
documents of multiple use, and of another Party with a timber basis. Everybody else's are shown by a flag and may
raise findings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from epix_node.permit.event import Confirmation, Endorsement, EventLine, Outcome, WithdrawalReason
from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.model import Line, Permit, PermitType
from epix_node.permit.number import PermitKey
from epix_node.permit.quantity import in_unit

IN_TIME_GRACE = timedelta(days=1)
"""An endorsement is in time up to one day after ``valid_until`` (``domain-rules.md`` 0.18)."""


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
class LineBalance:
    """One block: decimal texts in ``unit``; ``None`` where the permit states no readable quantity."""

    block: str | None
    taxon: str | None
    term: str | None
    unit: str | None
    permitted: str | None
    endorsed: str
    confirmed: str
    remaining: str | None

    def to_json(self) -> dict[str, str | None]:
        """As in a status answer."""
        return {
            "block": self.block,
            "taxon": self.taxon,
            "term": self.term,
            "unit": self.unit,
            "permitted": self.permitted,
            "endorsed": self.endorsed,
            "confirmed": self.confirmed,
            "remaining": self.remaining,
        }


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


def standing(
    fact: PermitFact, events: Iterable[EventFact], uses: Iterable[EventFact] = (), *, union: Collection[str] = ()
) -> Standing:
    """Fold what is known of one permit.

    ``events`` are those about this permit, ``uses`` the confirmations that name it as import permit, ``union`` the
    issuers whose permits this node's customs union endorses (``[party] customs_union``).
    """
    permit = fact.permit
    endorsements = [e for e in events if isinstance(e.body, Endorsement)]
    confirmations = [e for e in events if isinstance(e.body, Confirmation)]
    confirmations += [u for u in uses if u.source.document not in {c.source.document for c in confirmations}]
    counted = [e for e in endorsements if e.party == fact.source.party or permit.issuer in union]
    deciding = [c for c in confirmations if _moves_status(fact, c)]
    flags = set(_flags_of_permit(permit))
    if len(counted) < len(endorsements):
        flags.add(Flag.ENDORSED_ELSEWHERE)
    if len(deciding) < len(confirmations):
        flags.add(Flag.CONFIRMED_ELSEWHERE)
    flags |= {Flag.SEIZED for c in deciding if Outcome.SEIZED in _outcomes(c)}
    flags |= {Flag.RETURNED for c in deciding if Outcome.RETURNED in _outcomes(c)}

    lines = _Balances(permit, counted, deciding)
    if lines.lapsed:
        flags.add(Flag.REMAINDER_LAPSED)
    settled, moving = _settled_and_moving(permit, counted, deciding, lines)
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
        exported_in_time=any(_in_time(permit, e.body.date) for e in counted),
        untouched=not endorsements and not confirmations,
        flags=tuple(f for f in Flag if f in flags),
        replaced_by=replaced_by,
        lines=lines.balances(used=settled is Status.USED),
    )


def _moves_status(fact: PermitFact, confirmation: EventFact) -> bool:
    permit = fact.permit
    body = confirmation.body
    timber = isinstance(body, Confirmation) and body.basis is not None
    return permit.multi_use or timber or permit.destination is None or confirmation.party == permit.destination


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
    permit: Permit, counted: list[EventFact], deciding: list[EventFact], lines: _Balances
) -> tuple[Status | None, Status | None]:
    if permit.multi_use:
        if permit.type == PermitType.IMPORT and lines.exhausted:
            return Status.USED, None
        return None, Status.PARTLY_USED if counted or deciding else None
    outcomes = [c.body.outcome for c in deciding if isinstance(c.body, Confirmation)]
    if any(not outcome.is_arrival for outcome in outcomes):
        return Status.REFUSED, None
    if outcomes:
        return Status.USED, None
    return None, Status.EXPORTED if counted else None


class _Balances:
    """Sums per block, in the micro-units of the block's class; other classes cannot be added and are left out."""

    def __init__(self, permit: Permit, counted: list[EventFact], deciding: list[EventFact]) -> None:
        self._permit = permit
        self._key = permit.key
        self._endorsed_at_all = bool(counted)
        self._endorsed = self._sum(counted)
        self._confirmed = self._sum(deciding)

    def _sum(self, events: list[EventFact]) -> dict[int, int]:
        sums: dict[int, int] = defaultdict(int)
        for event in events:
            assert isinstance(event.body, Endorsement | Confirmation)
            event_outcome = event.body.outcome if isinstance(event.body, Confirmation) else None
            for counted in event.body.lines:
                outcome = counted.outcome or event_outcome
                if outcome is not None and not outcome.is_arrival:
                    continue
                at = self._position(event, counted)
                if at is not None:
                    sums[at] += counted.quantity.micro
        return sums

    def _position(self, event: EventFact, counted: EventLine) -> int | None:
        """The line that the goods belong to: by block, or by taxon and term where another permit's block is meant."""
        own = (event.body.permit.issuer, event.body.permit.number) == (self._key.issuer, self._key.number)
        for position, line in enumerate(self._permit.lines):
            permitted = line.permitted()
            if permitted is None or permitted.unit_class is not counted.quantity.unit_class:
                continue
            if (own and line.block == counted.block and counted.block is not None) or (
                not own and _same_goods(line, counted)
            ):
                return position
        return None

    @property
    def exhausted(self) -> bool:
        """Whether nothing remains on any line whose quantity can be read."""
        readable = [(i, q.micro) for i, line in enumerate(self._permit.lines) if (q := line.permitted()) is not None]
        return bool(readable) and all(self._confirmed[i] >= micro for i, micro in readable)

    @property
    def lapsed(self) -> bool:
        """Whether a single-use document left with less than was permitted: the rest lapses (END-12)."""
        if self._permit.multi_use or not self._endorsed_at_all or self._permit.type == PermitType.IMPORT:
            return False
        return any(self._endorsed[i] < q.micro for i, line in enumerate(self._permit.lines) if (q := line.permitted()))

    def balances(self, *, used: bool) -> tuple[LineBalance, ...]:
        return tuple(self._balance(i, line, used=used) for i, line in enumerate(self._permit.lines))

    def _balance(self, position: int, line: Line, *, used: bool) -> LineBalance:
        permitted = line.permitted()
        unit = line.unit if permitted is not None else None
        return LineBalance(
            block=line.block,
            taxon=line.taxon,
            term=line.term,
            unit=line.unit,
            permitted=line.quantity,
            endorsed=in_unit(self._endorsed[position], unit) if unit else "0",
            confirmed=in_unit(self._confirmed[position], unit) if unit else "0",
            remaining=None if permitted is None or unit is None else self._remaining(position, unit, used=used),
        )

    def _remaining(self, position: int, unit: str, *, used: bool) -> str:
        permitted = self._permit.lines[position].permitted()
        assert permitted is not None
        if self._permit.type == PermitType.IMPORT:
            left = 0 if used else max(0, permitted.micro - self._confirmed[position])
        elif self._permit.multi_use:
            left = permitted.micro
        else:
            left = 0 if used or self._endorsed_at_all else permitted.micro
        return in_unit(left, unit)


def _same_goods(line: Line, counted: EventLine) -> bool:
    if counted.taxon is not None:
        return line.taxon == counted.taxon and (counted.term is None or line.term == counted.term)
    return counted.block is not None and line.block == counted.block
