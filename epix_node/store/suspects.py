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

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    FromClause,
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
    union,
)

from epix_node.document.header import DocumentType
from epix_node.permit.finding import FindingState
from epix_node.permit.model import PermitType
from epix_node.permit.timing import CLOCKS
from epix_node.store import draws
from epix_node.store.columns import table
from epix_node.store.coverage import Direction
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import AccountRow, CoverageRow, DrawRow
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

_ENDORSED = _EVENT.c.kind == DocumentType.ENDORSEMENT.value
_CONFIRMED = _EVENT.c.kind == DocumentType.CONFIRMATION.value

NUMBERS_AT_ONCE = 4_000
"""Permits, or pairs of events, of one stretch: some tenths of a second, some megabytes at most."""

Number = tuple[str, str]
"""(issuer, normalised number)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The numbers of one issuer from ``first`` on, and before ``before`` where that is not None."""

    issuer: str
    first: str
    before: str | None


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


def stretches(session: Session) -> Iterator[Stretch]:
    """All numbers that permits, events and findings are about, in stretches; each issuer begins with the first."""
    for issuer in _issuers(session):
        first: str | None = ""
        while first is not None:
            following = _following(session, issuer, first)
            yield Stretch(issuer=issuer, first=first, before=following)
            first = following


def _issuers(session: Session) -> list[str]:
    """Without walking the tables: from one issuer to the next."""
    found: set[str] = set()
    for column in _ISSUERS:
        following = select(func.min(column)).where(column > bindparam("after"))
        issuer: str | None = ""
        while issuer is not None:
            found.add(issuer)
            issuer = session.core.execute(following, {"after": issuer}).scalar()
    return sorted(found - {""})


_ISSUERS = (_PERMIT.c.issuer, _EVENT.c.permit_issuer, _FINDING.c.issuer, _ORPHAN.c.issuer)


def _following(session: Session, issuer: str, first: str) -> str | None:
    """Where the next stretch begins; None where this is the last. The database compares, by its own order of texts."""
    before: str | None = None
    for of, numbered, size in (
        (_PERMIT.c.issuer, _PERMIT.c.number, NUMBERS_AT_ONCE),
        (_EVENT.c.permit_issuer, _EVENT.c.permit_number, 2 * NUMBERS_AT_ONCE),
    ):
        query = select(numbered).where(*_within(of, numbered, is_last=before is None)).where(numbered > first)
        given = {"of": issuer, "first": first, "before": before}
        found = session.core.execute(query.order_by(numbered).offset(size - 1).limit(1), given).scalar()
        before = found if found is not None else before
    return before


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
    unclear: list[str] = []
    for number, is_odd in session.core.execute(_events(is_last=is_last), given):
        if is_odd:
            found.add(number)
        else:
            unclear.append(number)
    for start in range(0, len(unclear), _NAMED_AT_ONCE):
        some = {"of": stretch.issuer, "numbers": unclear[start : start + _NAMED_AT_ONCE]}
        found.update(session.core.execute(_SEVERAL_EVENTS, some).scalars())
        found.update(session.core.execute(_BLOCK_BY_BLOCK, some).scalars())
    return with_parents(session, [(stretch.issuer, number) for number in found])


def numbers(session: Session, stretch: Stretch) -> list[Number]:
    """Every number of the stretch that a permit, an event or a finding is about, in order."""
    given = {"of": stretch.issuer, "first": stretch.first, "before": stretch.before}
    columns = (
        (_PERMIT.c.issuer, _PERMIT.c.number),
        (_EVENT.c.permit_issuer, _EVENT.c.permit_number),
        (_FINDING.c.issuer, _FINDING.c.number),
        (_ORPHAN.c.issuer, _ORPHAN.c.number),
    )
    each = (select(n).where(*_within(of, n, is_last=stretch.before is None)) for of, n in columns)
    return [(stretch.issuer, number) for number in sorted(session.core.execute(union(*each), given).scalars())]


_NAMED_AT_ONCE = 400
"""Numbers in one statement."""


def _within(of: Column[Any], numbered: Column[Any], *, is_last: bool) -> list[ColumnElement[bool]]:
    bounds = [of == bindparam("of"), numbered >= bindparam("first")]
    return bounds if is_last else [*bounds, numbered < bindparam("before")]


@cache
def _questions(*, is_last: bool) -> tuple[Select[Any], ...]:
    return tuple(ask(is_last=is_last) for ask in QUESTIONS.values())


def _is(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _lines_of_permit(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(*(_LINE.c[name] == _PERMIT.c[name] for name in _PERMIT_KEY), *conditions)


def _lines_of(event: FromClause, lines: FromClause) -> ColumnElement[bool]:
    return and_(lines.c.party == event.c.party, lines.c.document == event.c.document)


_PERMIT_OF_EVENT = and_(_PERMIT.c.issuer == _EVENT.c.permit_issuer, _PERMIT.c.number == _EVENT.c.permit_number)
_LINE_COUNTED = _lines_of_permit(_LINE.c.block == _COUNTED.c.block)
_EVENTS_AND_LINES = (
    _EVENT.outerjoin(_PERMIT, _PERMIT_OF_EVENT)
    .outerjoin(_COUNTED, _lines_of(_EVENT, _COUNTED))
    .outerjoin(_LINE, _LINE_COUNTED)
)
_COUNTS = and_(~_EVENT.c.is_void, _EVENT.c.superseded_by.is_(None))


def _odd_permits(*, is_last: bool) -> Select[Any]:
    """Permits of which the times cannot be right (``permit.timing``)."""
    clocks = CLOCKS // timedelta(microseconds=1)
    at, signed, grown, witnessed = (
        type_coerce(_PERMIT.c[name], BigInteger) for name in ("at", "issued_at", "grown_after", "witnessed_at")
    )
    return (
        select(_PERMIT.c.number)
        .where(*_within(_PERMIT.c.issuer, _PERMIT.c.number, is_last=is_last))
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
        .where(*_within(_PERMIT.c.issuer, _PERMIT.c.number, is_last=is_last))
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
        .select_from(_PERMIT.outerjoin(_LINE, _lines_of_permit()))
        .where(*_within(_PERMIT.c.issuer, _PERMIT.c.number, is_last=is_last))
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
        .where(*_within(_ACCOUNT.c.issuer, _ACCOUNT.c.number, is_last=is_last))
        .where(_ACCOUNT.c.due_on < bindparam("today"), lacks.is_not(None), is_evidence)
    )


_ODD_EVENT = or_(
    _EVENT.c.superseded_by.is_not(None),
    ~_EVENT.c.is_plain,
    _PERMIT.c.number.is_(None),
    _PERMIT.c.is_void,
    _PERMIT.c.multi_use,
    _PERMIT.c.type == PermitType.IMPORT.value,
    _EVENT.c.date > _PERMIT.c.valid_until,
    _EVENT.c.date < _PERMIT.c.issued_on,
    and_(_ENDORSED, _EVENT.c.party != _PERMIT.c.party),
    and_(_CONFIRMED, _EVENT.c.party.is_distinct_from(_PERMIT.c.importer_country)),
)
_ODD_LINE = or_(
    _LINE.c.micro.is_(None),
    _LINE.c.unit_class != _COUNTED.c.unit_class,
    _COUNTED.c.micro > _LINE.c.micro,
    and_(_COUNTED.c.taxon.is_not(None), _COUNTED.c.taxon.is_distinct_from(_LINE.c.taxon)),
    and_(_CONFIRMED, _EVENT.c.import_number.is_(None), _LINE.c.appendix == "I"),
)
_ODD = case(
    (_EVENT.c.kind.in_([DocumentType.WITHDRAWAL.value, DocumentType.PRESENTATION.value]), 1),
    (~or_(_ENDORSED, _CONFIRMED), 0),  # corrections end something, and alerts are somebody's word
    (_ODD_EVENT, 1),
    (_COUNTED.c.party.is_(None), _is(and_(_CONFIRMED, _EVENT.c.import_number.is_(None)))),
    (_ODD_LINE, 1),
    else_=0,
)


_LEFT = case((_ENDORSED, _COUNTED.c.micro))
_CAME = case((_CONFIRMED, _COUNTED.c.micro))


@cache
def _events(*, is_last: bool) -> Select[Any]:
    """Numbers with 1 where an event is odd, with 0 where more is to be asked.

    Odd is anything but a plain event in time, by who should state it, of goods of the permit's lines and not more than
    they say. More is to be asked where several events are of a kind, or count several lines, or more arrived than left.
    """
    is_odd = func.max(_ODD)
    return (
        select(_EVENT.c.permit_number, is_odd)
        .select_from(_EVENTS_AND_LINES)
        .where(*_within(_EVENT.c.permit_issuer, _EVENT.c.permit_number, is_last=is_last))
        .where(~_EVENT.c.is_void)
        .group_by(_EVENT.c.permit_number)
        .having(
            or_(
                is_odd == 1,
                func.sum(_is(_ENDORSED)) > 1,
                func.sum(_is(_CONFIRMED)) > 1,
                func.min(_COUNTED.c.block) != func.max(_COUNTED.c.block),
                func.max(_CAME) > func.min(_LEFT),
                and_(func.max(_is(_ENDORSED)) == 1, func.max(_CAME).is_not(None), func.max(_LEFT).is_(None)),
            )
        )
    )


_NAMED = (_EVENT.c.permit_issuer == bindparam("of"), _EVENT.c.permit_number.in_(bindparam("numbers", expanding=True)))
_SEVERAL_EVENTS = (
    select(_EVENT.c.permit_number)
    .where(*_NAMED, _COUNTS, or_(_ENDORSED, _CONFIRMED))
    .group_by(_EVENT.c.permit_number, _EVENT.c.kind)
    .having(func.count() > 1)
)
_ANY = _EVENT.alias("any_event")
_LEFT_AT_ALL = exists().where(
    _ANY.c.permit_issuer == _EVENT.c.permit_issuer,
    _ANY.c.permit_number == _EVENT.c.permit_number,
    _ANY.c.kind == DocumentType.ENDORSEMENT.value,
    ~_ANY.c.is_void,
)
_BLOCK_BY_BLOCK = (
    select(_EVENT.c.permit_number)
    .select_from(_EVENTS_AND_LINES)
    .where(*_NAMED, _COUNTS, _COUNTED.c.party.is_not(None))
    .group_by(_EVENT.c.permit_issuer, _EVENT.c.permit_number, _COUNTED.c.block)
    .having(
        or_(
            func.sum(_is(_ENDORSED)) > 1,
            func.sum(_is(_CONFIRMED)) > 1,
            func.max(_CAME) > func.max(_LEFT),
            and_(func.max(_CAME).is_not(None), func.max(_LEFT).is_(None), _LEFT_AT_ALL),
        )
    )
)
"""More of a block arrived than left, or a block stands on several lines of the permit or of one event."""

_PERMIT_OF_USE = and_(_PERMIT.c.issuer == _EVENT.c.import_issuer, _PERMIT.c.number == _EVENT.c.import_number)


def _odd_uses(*, is_last: bool) -> Select[Any]:
    """Import permits that were used by anything but one plain confirmation in time, of one line within theirs."""
    odd = or_(
        ~_EVENT.c.is_plain,
        _PERMIT.c.is_void,
        _PERMIT.c.multi_use,
        _EVENT.c.date > _PERMIT.c.valid_until,
        _LINE.c.micro.is_(None),
        _LINE.c.unit_class != _COUNTED.c.unit_class,
        _COUNTED.c.micro > _LINE.c.micro,
    )
    return (
        select(_EVENT.c.import_number)
        .select_from(
            _EVENT.outerjoin(_PERMIT, _PERMIT_OF_USE)
            .outerjoin(_COUNTED, _lines_of(_EVENT, _COUNTED))
            .outerjoin(_LINE, _lines_of_permit())
        )
        .where(*_within(_EVENT.c.import_issuer, _EVENT.c.import_number, is_last=is_last))
        .where(_COUNTS)
        .group_by(_EVENT.c.import_number)
        .having(func.max(_PERMIT.c.type) == PermitType.IMPORT.value)  # of another kind it has no uses
        .having(or_(func.count() > 1, func.max(_is(odd)) == 1))
    )


def _spoken_of(*, is_last: bool) -> Select[Any]:
    """Numbers with a finding of this node's own that was not resolved: it may be."""
    return (
        select(_FINDING.c.number)
        .where(*_within(_FINDING.c.issuer, _FINDING.c.number, is_last=is_last))
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
        .where(*_within(_DRAW.c.parent_issuer, _DRAW.c.parent_number, is_last=is_last))
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
            .outerjoin(_LINE, _lines_of_permit(*(_LINE.c[name] == drawn.c[f"most_{name}"] for name in _KIND)))
            .outerjoin(_EVENT, and_(_PERMIT_OF_EVENT, _COUNTS, or_(_ENDORSED, _CONFIRMED)))
            .outerjoin(_COUNTED, and_(_lines_of(_EVENT, _COUNTED), _COUNTED.c.block == _LINE.c.block))
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
    return select(_ORPHAN.c.number).where(*_within(_ORPHAN.c.issuer, _ORPHAN.c.number, is_last=is_last))


QUESTIONS: Mapping[str, Question] = {
    "odd permits": _odd_permits,
    "same number": _same_number,
    "odd lines": _odd_lines,
    "odd uses": _odd_uses,
    "silences": _silences,
    "spoken of": _spoken_of,
    "orphans": _orphans,
    "overdrawn": _overdrawn,
}
"""What is asked of every stretch beside ``odd events``."""

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
