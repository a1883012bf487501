"""How each line of a permit stands: permitted, endorsed and imported, against one another and against time.

The states of ``domain-rules.md`` 2.2, for people; nothing is stored, and no finding follows from a state. A state and a
finding that speak of the same are one definition: OVER_EXPORT and OVER_IMPORT are ``excess`` (FRD-04), DOUBLE is
``frd01.reuse_of`` (FRD-01), and NOT_CONFIRMED and UNENDORSED_IMPORT need the observability of FRD-19 and END-05.

A line here is what the detectors count against, an allowance: a block, or the goods of an import permit. Of several
states that hold, the gravest is told, and the others beside it.

Amounts are compared within a class of units. Where an office counted otherwise, a conversion that rests on an
assumption about the goods may still tell that two amounts agree: its id is told, the tolerance is wide, and it never
says that there was too much. Otherwise the line is INCOMPARABLE, which is no mismatch (``domain-rules.md`` 2.3).

What is not compared: documents of multiple use, whose endorsements and arrivals belong to no common journey, are OPEN
while they may be used, and then MATCHED unless something was exceeded. An import permit is endorsed by nobody: its
arrivals are compared with what it permits. Less than permitted is normal (END-04).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from epix_node.permit.allowance import Allowance, Counted, allowances
from epix_node.permit.event import Confirmation, Endorsement, Presentation
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.model import PermitType
from epix_node.permit.quantity import in_unit
from epix_node.reconcile.arrivals import arrivals, is_import
from epix_node.reconcile.converted import Converted, Measure, converted
from epix_node.reconcile.detectors.frd01 import reuse_of
from epix_node.reconcile.excess import counts_of, excesses, imported, most_endorsed, of_allowance
from epix_node.reconcile.journey import later, longest_journey
from epix_node.reconcile.line_state import LineState, State
from epix_node.rules.finding import Severity
from epix_node.rules.ruleset import PatternParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    """Micro-units of the line's class, and the assumptions in them; ``micro`` is ``None`` for what cannot be added."""

    micro: Fraction | None
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What is the same for all lines of a permit."""

    fact: PermitFact
    events: tuple[EventFact, ...]
    today: date
    parameters: PatternParameters
    confirm_observable: bool | None
    endorse_observable: bool | None

    @property
    def is_compared(self) -> bool:
        """Whether what left and what arrived belong to one journey."""
        return not self.fact.permit.multi_use and self.fact.permit.type != PermitType.IMPORT

    @property
    def left(self) -> tuple[EventFact, ...]:
        """The endorsements."""
        return tuple(event for event in self.events if isinstance(event.body, Endorsement))

    @property
    def is_over(self) -> bool:
        """Whether nothing can move any more."""
        ends = self.fact.permit.valid_until
        if self.fact.withdrawal is not None:
            return True
        return ends is not None and self.today > later(ends, self.parameters.observability.grace)

    @property
    def is_overdue(self) -> bool:
        """Whether the confirmation of what left should have come."""
        expected = [later(event.body.date, longest_journey(event, self.parameters)) for event in self.left]
        if self.fact.permit.valid_until is not None:
            expected.append(self.fact.permit.valid_until)
        return self.today > later(max(expected), self.parameters.observability.grace)

    @property
    def is_endorsement_overdue(self) -> bool:
        """Whether an endorsement of what arrived should have come, too."""
        came = [event.body.date for event in self.events if isinstance(event.body, Confirmation)]
        return bool(came) and self.today > later(min(came), self.parameters.observability.grace)

    @property
    def was_turned_away(self) -> bool:
        """Whether the importing side refused goods or sent them back."""
        return any(
            isinstance(event.body, Confirmation) and event.body.turned_away and is_import(self.fact.permit, event)
            for event in self.events
        )


def line_states(
    case: Case,
    fact: PermitFact,
    *,
    parameters: PatternParameters,
    now: datetime,
    confirm_observable: bool | None = None,
    endorse_observable: bool | None = None,
) -> tuple[LineState, ...]:
    """How every line of a permit of the case stands; none of one whose document counts no more.

    ``confirm_observable``: whether the destination's silence is evidence; ``endorse_observable``: the issuer's. Not
    known is no evidence.
    """
    if fact.is_void:
        return ()
    counts = counts_of(case, fact)
    course = _Course(
        fact=fact,
        events=tuple({e.source.document: e for e in (*case.events_of(fact), *case.uses_of(fact))}.values()),
        today=now.astimezone(UTC).date(),
        parameters=parameters,
        confirm_observable=confirm_observable,
        endorse_observable=endorse_observable,
    )
    reuse = reuse_of(case, fact, parameters=parameters)
    found: dict[int, list[State]] = {}
    for excess in excesses(fact, counts, parameters=parameters):
        state = State.OVER_EXPORT if excess.is_export else State.OVER_IMPORT
        found.setdefault(excess.allowance.position, []).append(state)
    return tuple(
        _line(
            allowance,
            of_allowance(allowance, counts),
            [*([State.DOUBLE] if reuse is not None else ()), *found.get(allowance.position, ())],
            may_be_one=reuse is not None and reuse.may_be_one,
            course=course,
        )
        for allowance in allowances(fact.permit)
    )


def _line(
    allowance: Allowance, mine: list[Counted], alarming: list[State], *, may_be_one: bool, course: _Course
) -> LineState:
    endorsed, arrived = _sums(allowance, mine, course)
    by = frozenset[str]().union(*(one.by for one in (endorsed, arrived) if one is not None))
    tolerance = _tolerance(allowance, by, course.parameters)
    state = _state(allowance, endorsed, arrived, tolerance, course)
    if state is State.INCOMPARABLE and {State.OVER_IMPORT, State.OVER_EXPORT}.intersection(alarming):
        state = alarming[-1]  # it could be compared, and was too much
    states = sorted({state, *alarming}, key=list(State).index)
    gravest = states[0]
    severity = _severity(gravest, allowance, endorsed, arrived, is_converted=bool(by), course=course)
    if gravest is State.DOUBLE and may_be_one:
        severity = Severity.REFER
    unit = allowance.unit if allowance.permitted is not None else None
    return LineState(
        block=" ".join(line.block for line in allowance.lines if line.block) or None,
        state=gravest,
        severity=severity,
        also=tuple(states[1:]),
        permitted=in_unit(allowance.permitted, unit) if allowance.permitted is not None and unit else None,
        endorsed=_text(endorsed, unit),
        imported=_text(arrived, unit),
        unit=unit,
        tolerance=_share(tolerance),
        conversions=tuple(sorted(by)),
    )


def _sums(allowance: Allowance, mine: list[Counted], course: _Course) -> tuple[_Sum | None, _Sum | None]:
    """What left and what arrived; ``None`` where nothing was told of it."""
    left = [count for count in mine if isinstance(count.event.body, Endorsement)]
    if allowance.total(left) is not None:
        left = most_endorsed(allowance, left)
    came = arrivals(course.fact.permit, course.events)
    return (
        _sum(allowance, left, is_told=_are_uncounted(course.left)),
        _sum(allowance, imported(course.fact, mine), is_told=_are_uncounted(came)),
    )


def _are_uncounted(events: Iterable[EventFact]) -> bool:
    """Whether goods moved of which nobody says how many."""
    return any(not isinstance(event.body, Presentation) and not event.body.lines for event in events)


def _sum(allowance: Allowance, counts: Iterable[Counted], *, is_told: bool) -> _Sum | None:
    amounts = [_amount(allowance, count) for count in counts]
    if not amounts:
        return _Sum(micro=None) if is_told else None
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return _Sum(micro=None)
    return _Sum(
        micro=sum((amount.micro for amount in known), Fraction(0)),
        by=frozenset(amount.by for amount in known if amount.by is not None),
    )


def _amount(allowance: Allowance, count: Counted) -> Converted | None:
    if allowance.permitted is None:
        return None
    first = allowance.lines[0]
    into = Measure(taxon=first.taxon, term=first.term, unit=allowance.unit)
    return converted(count.line.quantity, term=count.line.term, into=into)


def _tolerance(allowance: Allowance, by: frozenset[str], parameters: PatternParameters) -> Fraction:
    usual = Fraction(parameters.tolerance_of(allowance.unit_class)) if allowance.unit_class else Fraction(0)
    return max(usual, parameters.ledger.converted_tolerance) if by else usual


def _state(
    allowance: Allowance, endorsed: _Sum | None, arrived: _Sum | None, tolerance: Fraction, course: _Course
) -> State:
    """The state, where nothing was found to be exceeded."""
    if endorsed is not None and endorsed.micro == 0:
        endorsed = None  # nothing was shipped of it
    if endorsed is None and arrived is not None and arrived.micro == 0:
        arrived = None
    if not course.is_compared:
        return _state_alone(endorsed, arrived, course)
    if endorsed is None and arrived is None:
        return State.EXPIRED_UNUSED if course.is_over or course.left else State.OPEN
    if endorsed is None:
        return State.UNENDORSED_IMPORT
    if arrived is None:
        return _state_under_way(course)
    if endorsed.micro is None or arrived.micro is None:
        return State.INCOMPARABLE
    if arrived.micro < (1 - tolerance) * endorsed.micro:
        return State.SHORT
    if arrived.micro > (1 + tolerance) * endorsed.micro:
        return State.INCOMPARABLE  # by an assumption about the goods only: else it would have been found exceeded
    permitted = allowance.permitted
    is_too_much = permitted is not None and endorsed.micro > (1 + tolerance) * permitted
    return State.INCOMPARABLE if endorsed.by and is_too_much else State.MATCHED


def _state_alone(endorsed: _Sum | None, arrived: _Sum | None, course: _Course) -> State:
    if course.fact.permit.multi_use and not course.is_over:
        return State.OPEN
    if endorsed is None and arrived is None:
        return State.EXPIRED_UNUSED if course.is_over else State.OPEN
    is_unclear = any(one is not None and one.micro is None for one in (endorsed, arrived))
    return State.INCOMPARABLE if is_unclear else State.MATCHED


def _state_under_way(course: _Course) -> State:
    if course.was_turned_away:
        return State.TURNED_AWAY
    if not course.is_overdue:
        return State.EXPORTED_AWAITING
    return State.NOT_CONFIRMED if course.confirm_observable else State.NOT_OBSERVABLE


def _severity(
    state: State,
    allowance: Allowance,
    endorsed: _Sum | None,
    arrived: _Sum | None,
    *,
    is_converted: bool,
    course: _Course,
) -> Severity:
    match state:
        case State.DOUBLE | State.OVER_IMPORT | State.OVER_EXPORT:
            return Severity.BLOCK
        case State.NOT_CONFIRMED:
            return Severity.REFER
        case State.UNENDORSED_IMPORT:
            is_told = course.endorse_observable and course.is_endorsement_overdue
            return Severity.REFER if is_told else Severity.INFO
        case State.SHORT:
            return _severity_of_shortfall(allowance, endorsed, arrived, is_converted=is_converted, course=course)
        case _:
            return Severity.INFO


def _severity_of_shortfall(
    allowance: Allowance, endorsed: _Sum | None, arrived: _Sum | None, *, is_converted: bool, course: _Course
) -> Severity:
    assert endorsed is not None
    assert arrived is not None
    assert endorsed.micro is not None
    assert arrived.micro is not None
    share, limits = arrived.micro / endorsed.micro, course.parameters.ledger
    is_appendix_one = any(line.appendix == "I" for line in allowance.lines)
    if share < limits.short_refer and is_appendix_one and not is_converted:
        return Severity.REFER
    return Severity.WARN if share < limits.short_warn else Severity.INFO


def _text(amount: _Sum | None, unit: str | None) -> str | None:
    """Rounded to whole micro-units, which is what a conversion is worth."""
    return in_unit(round(amount.micro), unit) if amount is not None and amount.micro is not None and unit else None


def _share(share: Fraction) -> str:
    """As a decimal text: rulesets write shares so."""
    return str(Decimal(share.numerator) / Decimal(share.denominator))
