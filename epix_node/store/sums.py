"""Sums over many permits, added up by the database: which lines belong to them, and which of them changed.

``sum_line`` says which lines of permits belong to a sum; what moved is read from the events. Each question is one
statement: of one sum, through the sum's own rows, or of all. Both databases give the same, to the last micro-unit: the
sum of many quantities is larger than a 64-bit integer, so whole units and the rest are summed apart.

An event counts for a permit if it means that permit (``domain-rules.md`` 2.2), names a block of a line in the line's
class of units, and is neither void nor taken back. Of a permit that another one replaces nothing counts once the other
was used: the goods would count twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, func, insert, or_, select

from epix_node.document.header import DocumentType
from epix_node.permit.facts import Source
from epix_node.permit.finding import FindingState
from epix_node.permit.model import Permit
from epix_node.permit.number import NumberRef, PermitKey, normalised
from epix_node.permit.sums import CAPTIVE, QUOTA, Part, SumKey, Total, Weight
from epix_node.rules.shares import shares
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import StaleSumRow, SumLineRow
from epix_node.store.tables import EventLineRow, EventRow, FindingRow, PermitRow

_LINE = table(SumLineRow)
_STALE = table(StaleSumRow)
_PERMIT = table(PermitRow)
_EVENT = table(EventRow)
_COUNT = table(EventLineRow)
_FINDING = table(FindingRow)

_ONE = 1_000_000
"""Micro-units of a base unit."""

_SUM = (_LINE.c.pattern, _LINE.c.sum_issuer, _LINE.c.sum_number, _LINE.c.sum_year)
_OF = (_LINE.c.issuer, _LINE.c.type, _LINE.c.number, _LINE.c.year)
_SUM_NAMES = tuple(column.name for column in _SUM)
_OF_NAMES = tuple(column.name for column in _OF)
_MOVEMENTS = {
    QUOTA: (DocumentType.ENDORSEMENT,),
    CAPTIVE: (DocumentType.ENDORSEMENT, DocumentType.CONFIRMATION),
}
"""What shows that goods moved, by pattern: quotas are measured by what left, and arrivals are the same goods again."""

PATTERNS = tuple(sorted(_MOVEMENTS))


def rows_of(permit: Permit) -> list[dict[str, Any]]:
    """The rows of a permit's lines that belong to sums."""
    rows = []
    for share in shares(permit):
        line, of = permit.lines[share.ordinal], share.of
        permitted = line.permitted()
        replaced = normalised(permit.replaces) if permit.replaces else None
        rows.append(
            {
                "pattern": of.pattern,
                "sum_issuer": of.issuer,
                "sum_number": of.number,
                "sum_year": of.year,
                **permit.key.to_json(),
                "ordinal": share.ordinal,
                "part": share.part.value,
                "block": normalised(line.block or ""),
                "unit": line.unit,
                "unit_class": permitted.unit_class.value if permitted is not None else None,
                "quota_micro": share.quota,
                "replaces": replaced if replaced != permit.key.number else None,
            }
        )
    return rows


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what lines of permits are to sums; no statement where there is nothing to keep."""
    if rows:
        session.core.execute(insert(_LINE), rows)


def forget(session: Session, key: PermitKey) -> None:
    """A permit is removed: its sums are added up again without it."""
    mark(session, key.issuer, key.number)
    session.core.execute(delete(_LINE).where(*(_LINE.c[name] == value for name, value in key.to_json().items())))


_MARK = insert(_STALE).from_select(
    ["pattern", "issuer", "number", "year"],
    select(*_SUM)
    .distinct()
    .where(_LINE.c.issuer == bindparam("of"), _LINE.c.number == bindparam("numbered"))
    .where(
        ~exists().where(
            _STALE.c.pattern == _LINE.c.pattern,
            _STALE.c.issuer == _LINE.c.sum_issuer,
            _STALE.c.number == _LINE.c.sum_number,
            _STALE.c.year == _LINE.c.sum_year,
        )
    ),
)


def mark(session: Session, issuer: str, number: str) -> None:
    """The sums to which permits with this number belong are to be added up again; one statement."""
    session.core.execute(_MARK, {"of": issuer, "numbered": number})


def marked(session: Session) -> list[SumKey]:
    """The sums that are to be added up again, in order."""
    rows = session.core.execute(select(_STALE))
    return sorted(SumKey(pattern=r.pattern, issuer=r.issuer, number=r.number, year=r.year) for r in rows)


def unmark(session: Session) -> None:
    """All sums are added up."""
    session.core.execute(delete(_STALE))


def found(session: Session) -> list[SumKey]:
    """The sums about which there is a finding that is not resolved."""
    query = (
        select(_FINDING.c.pattern, _FINDING.c.issuer, _FINDING.c.number, _FINDING.c.year)
        .where(_FINDING.c.pattern.in_(sorted(_MOVEMENTS)), _FINDING.c.type.is_(None))
        .where(_FINDING.c.state != FindingState.RESOLVED.value)
    )
    subjects = [
        (r.pattern, NumberRef(issuer=r.issuer, number=r.number, type=None, year=r.year))
        for r in session.core.execute(query)
    ]
    return sorted(key for pattern, subject in subjects if (key := SumKey.of_finding(pattern, subject)) is not None)


def quota_totals(session: Session, *, percent: int, key: SumKey | None = None) -> list[Total]:
    """What left under permits that state an annual quota, where it is about ``percent`` of the quota at least.

    Of all sums, or of one. The largest figure that one of the used permits states is the quota.
    """
    rows = session.core.execute(_quota(is_one=key is not None), {"percent": percent, **_parameters(key)})
    totals = [_total(row, micro=int(row.whole) * _ONE + int(row.rest), quota=row.quota) for row in rows]
    return sorted(
        (t for t in totals if t.quota is not None and t.micro * 100 >= t.quota * percent), key=lambda t: t.key
    )


def captive_totals(session: Session, *, at_least: int, key: SumKey | None = None) -> list[Total]:
    """How many permits with captive sources were used, where there are ``at_least`` and no founder stock ever came.

    Of all sums, or of one.
    """
    rows = session.core.execute(_captive(is_one=key is not None), {"at_least": at_least, **_parameters(key)})
    return sorted((_total(row, micro=0, quota=None) for row in rows), key=lambda t: t.key)


def heaviest(session: Session, key: SumKey, *, limit: int) -> list[Weight]:
    """The movements that count most in a sum, at most so many, the largest first; in one order on every node."""
    rows = session.core.execute(_heaviest(key.pattern), {"most": limit, **_parameters(key)})
    return [
        Weight(
            permit=NumberRef(issuer=row.issuer, number=row.number, type=row.type, year=row.year),
            issued=Source(
                document=row.document,
                type=DocumentType.PERMIT.value,
                party=row.party,
                index=row.register_index,
                at=row.at,
            ),
            moved=Source(
                document=row.digest, type=row.its_kind, party=row.writer, index=row.its_register_index, at=row.its_at
            ),
        )
        for row in rows
    ]


@cache
def _quota(*, is_one: bool) -> Select[Any]:
    moved = _moved(QUOTA, Part.MOVED, is_one=is_one).cte("moved")
    whole, rest, quota = func.sum(moved.c.whole), func.sum(moved.c.rest), func.max(moved.c.quota)
    total = _unreplaced(moved, whole.label("whole"), rest.label("rest"), quota.label("quota"))
    # Whole units are near enough to leave most sums behind; the caller looks at the rest.
    return total.having(whole + rest // _ONE + 1 >= quota // _ONE // 100 * bindparam("percent"))


@cache
def _captive(*, is_one: bool) -> Select[Any]:
    moved = _moved(CAPTIVE, Part.MOVED, is_one=is_one).cte("moved")
    total = _unreplaced(moved).having(func.count() >= bindparam("at_least")).subquery("total")
    brought = _moved(CAPTIVE, Part.FOUNDERS, is_one=is_one).cte("brought")
    return select(total).where(~exists().where(*(brought.c[name] == total.c[name] for name in _SUM_NAMES)))


@cache
def _heaviest(pattern: str) -> Select[Any]:
    movement = (_EVENT.c.party.label("writer"), _EVENT.c.document.label("digest"))
    moved = _moved(pattern, Part.MOVED, *movement, is_one=True).cte("moved")
    gone = _replaced(moved)
    return (
        select(moved, _PERMIT.c.party, _PERMIT.c.document, _PERMIT.c.register_index, _PERMIT.c.at)
        .add_columns(*(_EVENT.c[name].label(f"its_{name}") for name in ("kind", "register_index", "at")))
        .join(_PERMIT, and_(*(_PERMIT.c[name] == moved.c[name] for name in _OF_NAMES)))
        .join(_EVENT, and_(_EVENT.c.party == moved.c.writer, _EVENT.c.document == moved.c.digest))
        .outerjoin(gone, _is_gone(moved, gone))
        .where(gone.c.replaces.is_(None))
        .order_by(moved.c.whole.desc(), moved.c.rest.desc())
        .order_by(*(moved.c[name] for name in _OF_NAMES), moved.c.writer, moved.c.digest)
        .limit(bindparam("most"))
    )


def _total(row: Any, *, micro: int, quota: int | None) -> Total:
    key = SumKey(pattern=row.pattern, issuer=row.sum_issuer, number=row.sum_number, year=row.sum_year)
    return Total(key=key, permits=row.permits, micro=micro, quota=quota, unit=row.unit)


def _parameters(key: SumKey | None) -> dict[str, Any]:
    if key is None:
        return {}
    return {"s_pattern": key.pattern, "s_issuer": key.issuer, "s_number": key.number, "s_year": key.year}


def _moved(pattern: str, part: Part, *by: Any, is_one: bool) -> Select[Any]:
    """What moved of the lines of a sum, or of all sums: one row for each permit, and ``by`` these columns."""
    query = (
        select(
            *_SUM,
            *_OF,
            *by,
            func.max(_LINE.c.replaces).label("replaces"),
            func.min(_LINE.c.unit).label("unit"),
            func.max(_LINE.c.quota_micro).label("quota"),
            func.sum(_COUNT.c.micro // _ONE).label("whole"),
            func.sum(_COUNT.c.micro % _ONE).label("rest"),
        )
        .select_from(_LINE)
        .join(_PERMIT, and_(*(_PERMIT.c[name] == _LINE.c[name] for name in _OF_NAMES)))
        .join(_EVENT, and_(_EVENT.c.permit_issuer == _LINE.c.issuer, _EVENT.c.permit_number == _LINE.c.number))
        .join(_COUNT, and_(_COUNT.c.party == _EVENT.c.party, _COUNT.c.document == _EVENT.c.document))
        .where(_LINE.c.pattern == pattern, _LINE.c.part == part.value, ~_PERMIT.c.is_void)
        .where(_EVENT.c.kind.in_([kind.value for kind in _MOVEMENTS[pattern]]))
        .where(_EVENT.c.superseded_by.is_(None), ~_EVENT.c.is_void, _is_meant())
        .where(_COUNT.c.is_arrival, _COUNT.c.micro > 0)
        .where(func.upper(func.trim(func.coalesce(_COUNT.c.block, ""))) == _LINE.c.block)
        .group_by(*_SUM, *_OF, *by)  # as the key of sum_line is ordered, so that nothing has to be sorted
    )
    if pattern == QUOTA:
        # Two Parties may endorse the same goods, and what is counted in other units cannot be added. The empty text
        # keeps SQLite from reading all lines of the Party's events because of it.
        is_own = _EVENT.c.party.concat("") == _PERMIT.c.party
        query = query.where(is_own, _COUNT.c.unit_class == _LINE.c.unit_class)
    if not is_one:
        return query
    names = ("s_pattern", "s_issuer", "s_number", "s_year")
    return query.where(*(column == bindparam(name) for column, name in zip(_SUM, names, strict=True)))


def _is_meant() -> ColumnElement[bool]:
    """Whether the event means the permit of the line: as it was matched, or as the only one with its number."""
    other = _PERMIT.alias("other")
    is_another = or_(other.c.type != _LINE.c.type, other.c.year != _LINE.c.year)
    has_another = exists().where(
        other.c.issuer == _LINE.c.issuer, other.c.number == _LINE.c.number, is_another, ~other.c.is_void
    )
    matched = and_(
        _EVENT.c.meant_number == _LINE.c.number,
        _EVENT.c.meant_type == _LINE.c.type,
        _EVENT.c.meant_year == _LINE.c.year,
    )
    return or_(matched, and_(_EVENT.c.meant_number.is_(None), ~has_another))


def _replaced(moved: Any) -> Any:
    """The permits of the same sum that a used one replaces."""
    sums = [moved.c[name] for name in _SUM_NAMES]
    return select(*sums, moved.c.replaces).where(moved.c.replaces.is_not(None)).distinct().subquery("gone")


def _is_gone(moved: Any, gone: Any) -> ColumnElement[bool]:
    same = [moved.c[name] == gone.c[name] for name in _SUM_NAMES]
    return and_(*same, moved.c.number == gone.c.replaces)


def _unreplaced(moved: Any, *columns: Any) -> Select[Any]:
    gone = _replaced(moved)
    sums = [moved.c[name] for name in _SUM_NAMES]
    return (
        select(*sums, func.count().label("permits"), func.min(moved.c.unit).label("unit"), *columns)
        .select_from(moved)
        .outerjoin(gone, _is_gone(moved, gone))
        .where(gone.c.replaces.is_(None))
        .group_by(*sums)
    )
