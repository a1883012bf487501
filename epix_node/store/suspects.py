"""Numbers that cannot be quiet: a filter in SQL before everything is reconciled again (ADR 34).

Of most permits no detector has anything to say: nothing happened, or one plain endorsement and one plain confirmation,
in time, by those who should, and not more than was permitted. Which those are the database is asked, stretch of numbers
by stretch, and only the others are looked at one by one. There is one definition of a finding, the detectors'; this one
is coarser, and must never leave out a number of which one of them speaks. ``MET_BY`` says for each pattern by which
questions its numbers are met.

Each question is a read of indexes over one stretch, so its cost does not depend on what else is stored. Joins are outer
ones on purpose: SQLite may turn an inner one round, and then walks the stretch once for each of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    type_coerce,
)

from epix_node.permit.finding import FindingState
from epix_node.permit.timing import CLOCKS
from epix_node.store import draws
from epix_node.store.columns import table
from epix_node.store.coverage import Direction
from epix_node.store.database import Session
from epix_node.store.odd_events import (
    CONFIRMED,
    COUNTS,
    ENDORSED,
    PERMIT_OF_EVENT,
    lines_of_event,
    lines_of_permit,
    odd_events,
    odd_uses,
)
from epix_node.store.reconcile_tables import AccountRow, CoverageRow, DrawRow
from epix_node.store.stretches import Number, Stretch, within
from epix_node.store.tables import EventLineRow, EventRow, FindingRow, OrphanRow, PermitLineRow, PermitRow

_PERMIT = table(PermitRow)
_PERMIT_KEY = ("issuer", "type", "number", "year")
_LINE = table(PermitLineRow)
_EVENT = table(EventRow)
_COUNTED = table(EventLineRow)
_FINDING = table(FindingRow)
_ACCOUNT = table(AccountRow)
_DRAW = table(DrawRow)
_COVERAGE = table(CoverageRow)
_ORPHAN = table(OrphanRow)


class Question(Protocol):
    """Makes the statement that asks a stretch for numbers; that of an issuer's last stretch has no end."""

    def __call__(self, *, is_last: bool) -> Select[Any]:
        """Its parameters are ``of``, ``first``, ``before`` and those of the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The parameters of the ruleset by which the questions measure."""

    merge_delay: timedelta
    """FRD-11."""
    today: date
    """FRD-19, END-05: what was due before is overdue."""


def suspects(session: Session, stretch: Stretch, limits: Limits) -> list[Number]:
    """The numbers of the stretch that some detector may speak of, or has spoken of, in order; ``with_parents``."""
    given = {
        "of": stretch.issuer,
        "first": stretch.first,
        "before": stretch.before,
        "merge_delay": limits.merge_delay // timedelta(microseconds=1),
        "today": limits.today.isoformat(),
    }
    is_last = stretch.before is None
    found: set[str] = set()
    for question in _questions(is_last=is_last):
        found.update(session.core.execute(question, given).scalars())
    return with_parents(session, [(stretch.issuer, number) for number in found])


@cache
def _questions(*, is_last: bool) -> tuple[Select[Any], ...]:
    return tuple(ask(is_last=is_last) for ask in QUESTIONS.values())


def _odd_permits(*, is_last: bool) -> Select[Any]:
    """Permits of which the times cannot be right (``permit.timing``)."""
    clocks = CLOCKS // timedelta(microseconds=1)
    at, signed, grown, witnessed = (
        type_coerce(_PERMIT.c[name], BigInteger) for name in ("at", "issued_at", "grown_after", "witnessed_at")
    )
    return (
        select(_PERMIT.c.number)
        .where(*within(_PERMIT.c.issuer, _PERMIT.c.number, is_last=is_last))
        .where(
            or_(
                at - signed > bindparam("merge_delay"),
                grown - signed > bindparam("merge_delay"),
                signed - witnessed > clocks,
                grown - at > clocks,
            )
        )
    )


def _same_number(*, is_last: bool) -> Select[Any]:
    """Several permits under one number."""
    return (
        select(_PERMIT.c.number)
        .where(*within(_PERMIT.c.issuer, _PERMIT.c.number, is_last=is_last))
        .group_by(_PERMIT.c.number)
        .having(func.count() > 1)
    )


def _odd_lines(*, is_last: bool) -> Select[Any]:
    """Permits for goods of Appendix I that are said to be bred, and for less than nothing.

    Of several sources the table has the first alone. Less than nothing may be added to what another line permits.
    """
    says_so = or_(
        _LINE.c.source.in_(["C", "D"]),
        func.length(_LINE.c.source) != 1,
        _PERMIT.c.body.like('%"sources":["_","%'),
    )
    return (
        select(_PERMIT.c.number)
        .select_from(_PERMIT.outerjoin(_LINE, lines_of_permit()))
        .where(*within(_PERMIT.c.issuer, _PERMIT.c.number, is_last=is_last))
        .where(case((_LINE.c.micro < 0, 1), (_LINE.c.appendix.is_distinct_from("I"), 0), (says_so, 1), else_=0) == 1)
    )


def _silences(*, is_last: bool) -> Select[Any]:
    """Permits of which one side's report is overdue, where its silence is evidence."""
    lacks = case(
        (_ACCOUNT.c.exported_on.is_(None), Direction.ENDORSE.value),
        (_ACCOUNT.c.confirmed_on.is_(None), Direction.CONFIRM.value),
    )
    is_evidence = exists().where(
        _COVERAGE.c.issuer == _ACCOUNT.c.issuer,
        _COVERAGE.c.destination == _ACCOUNT.c.destination,
        _COVERAGE.c.direction == lacks,
        _COVERAGE.c.day == _ACCOUNT.c.due_on,
        _COVERAGE.c.is_evidence,
    )
    return (
        select(_ACCOUNT.c.number)
        .where(*within(_ACCOUNT.c.issuer, _ACCOUNT.c.number, is_last=is_last))
        .where(_ACCOUNT.c.due_on < bindparam("today"), lacks.is_not(None), is_evidence)
    )


def _spoken_of(*, is_last: bool) -> Select[Any]:
    """Numbers with a finding of this node's own that was not resolved: it may be."""
    return (
        select(_FINDING.c.number)
        .where(*within(_FINDING.c.issuer, _FINDING.c.number, is_last=is_last))
        .where(_FINDING.c.derived, _FINDING.c.state != FindingState.RESOLVED.value)
    )


def _overdrawn(*, is_last: bool) -> Select[Any]:
    """Held documents on which more may be drawn than is certain to have come under them.

    Certain is what a line permits of the same goods in the same class of units, and everybody counted who counted. All
    certificates must be held, and be for the same goods. They are taken for what they permit: of those under which more
    moved ``with_parents`` knows. Sums are floating, since integers might not fit, and a deficit is a tenth.
    """
    drawn = (
        select(
            _DRAW.c.parent_number.label("number"),
            func.sum(cast(_LINE.c.micro, Float)).label("wanted"),
            (func.count() - func.count(_LINE.c.micro)).label("unknown"),
            *(found(_LINE.c[name]).label(f"{label}_{name}") for name in _KIND for label, found in _RANGE.items()),
        )
        .select_from(_DRAW.outerjoin(_LINE, and_(*(_LINE.c[n] == _DRAW.c[n] for n in (*_PERMIT_KEY, "ordinal")))))
        .where(*within(_DRAW.c.parent_issuer, _DRAW.c.parent_number, is_last=is_last))
        .group_by(_DRAW.c.parent_number)
        .cte("drawn")
    )
    is_other = or_(
        drawn.c.unknown > 0,
        *(drawn.c[f"least_{name}"] != drawn.c[f"most_{name}"] for name in _KIND),
        _LINE.c.micro.is_(None),
        _LINE.c.micro < drawn.c.wanted,
        and_(_EVENT.c.party.is_not(None), _COUNTED.c.party.is_(None)),
        _COUNTED.c.micro < drawn.c.wanted,
    )
    return (
        select(drawn.c.number)
        .select_from(
            drawn.outerjoin(_PERMIT, and_(_PERMIT.c.issuer == bindparam("of"), _PERMIT.c.number == drawn.c.number))
            .outerjoin(_LINE, lines_of_permit(*(_LINE.c[name] == drawn.c[f"most_{name}"] for name in _KIND)))
            .outerjoin(_EVENT, and_(PERMIT_OF_EVENT, COUNTS, or_(ENDORSED, CONFIRMED)))
            .outerjoin(_COUNTED, lines_of_event(_COUNTED.c.block == _LINE.c.block))
        )
        .where(case((_PERMIT.c.number.is_(None), 0), (is_other, 1), else_=0) == 1)
        .distinct()
    )


_KIND = ("taxon", "term", "unit_class")
_RANGE: Mapping[str, Callable[[Column[Any]], ColumnElement[Any]]] = {"least": func.min, "most": func.max}


def with_parents(session: Session, numbers: Collection[Number]) -> list[Number]:
    """These numbers, and the documents on which certificates among them draw: what moved there is a sum of theirs."""
    return sorted({*numbers, *draws.parents_of_all(session, set(numbers))})


def _orphans(*, is_last: bool) -> Select[Any]:
    """Numbers that were remembered as nobody's."""
    return select(_ORPHAN.c.number).where(*within(_ORPHAN.c.issuer, _ORPHAN.c.number, is_last=is_last))


QUESTIONS: Mapping[str, Question] = {
    "odd events": odd_events,
    "odd permits": _odd_permits,
    "same number": _same_number,
    "odd lines": _odd_lines,
    "odd uses": odd_uses,
    "silences": _silences,
    "spoken of": _spoken_of,
    "orphans": _orphans,
    "overdrawn": _overdrawn,
}
"""What is asked of every stretch."""

MET_BY: Mapping[str, tuple[str, ...]] = {
    "FRD-01": ("odd events", "odd uses"),
    "FRD-02": ("odd events",),
    "FRD-03": ("odd events",),
    "FRD-04": ("odd events", "odd uses", "odd lines"),
    "FRD-05": ("odd events", "orphans"),
    "FRD-06": ("overdrawn", "with parents"),
    "FRD-07": ("overdrawn", "with parents"),
    "FRD-08": ("odd lines",),
    "FRD-09": ("odd events",),
    "FRD-11": ("odd permits", "odd events"),
    "FRD-12": ("odd events",),
    "FRD-14": ("odd events", "odd uses"),
    "FRD-15": ("odd events",),
    "FRD-18": ("odd events", "odd uses"),
    "FRD-19": ("silences",),
    "VAL-13": ("odd events",),
    "VAL-14": ("odd events",),
    "APP-05": ("odd events",),
    "FLD-01": ("same number",),
    "END-05": ("silences",),
    "END-08": ("odd events",),
    "END-11": ("odd events",),
}
"""By which questions the numbers of each pattern are met; whoever adds a detector says so here."""
