"""Numbers that events speak of and no held permit has: judged again whenever time or a watermark moves.

Each is kept with its shapes (``permit.neighbours``), so that a permit finds the orphans by which it may have been meant
with one question, however many there are.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, delete, func, insert, select

from epix_node.permit.neighbours import is_near, shapes_of_meant, shapes_of_mistyped
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import OrphanShapeRow
from epix_node.store.tables import OrphanRow

_ORPHAN = table(OrphanRow)
_SHAPE = table(OrphanShapeRow)
_ALL = select(_ORPHAN.c.issuer, _ORPHAN.c.number).order_by(_ORPHAN.c.issuer, _ORPHAN.c.number)
_COUNT = select(func.count()).select_from(_ORPHAN)
_IS_ONE = (_ORPHAN.c.issuer == bindparam("of")) & (_ORPHAN.c.number == bindparam("numbered"))
_HELD = select(_ORPHAN.c.number).where(_IS_ONE)
_AMONG = select(_ORPHAN.c.number).where(
    _ORPHAN.c.issuer == bindparam("of"), _ORPHAN.c.number.in_(bindparam("numbers", expanding=True))
)
_ANY = select(_ORPHAN.c.number).where(_ORPHAN.c.issuer == bindparam("of")).limit(1)
_INSERT = insert(_ORPHAN)
_DELETE = delete(_ORPHAN).where(_IS_ONE)
_INSERT_SHAPES = insert(_SHAPE)
_SHAPED = (_SHAPE.c.issuer == bindparam("of")) & _SHAPE.c.shape.in_(bindparam("shapes", expanding=True))
_DELETE_SHAPES = delete(_SHAPE).where(_SHAPED, _SHAPE.c.number == bindparam("numbered"))
_SHARING = select(_SHAPE.c.number).distinct().where(_SHAPED)
_SHAPES_AT_ONCE = 500
"""Shapes in one statement: of some forty permits; SQLite allows as many thousands."""


def mark(session: Session, issuer: str, number: str, *, orphan: bool) -> None:
    """Remember, or forget, that events speak of a number which no held permit has."""
    one = {"of": issuer, "numbered": number}
    is_known = session.core.execute(_HELD, one).first() is not None
    if orphan == is_known:
        return
    shapes = sorted(shapes_of_mistyped(number))
    if orphan:
        session.core.execute(_INSERT, {"issuer": issuer, "number": number})
        session.core.execute(_INSERT_SHAPES, [{"issuer": issuer, "shape": s, "number": number} for s in shapes])
    else:
        session.core.execute(_DELETE, one)
        session.core.execute(_DELETE_SHAPES, {**one, "shapes": shapes})


def among(session: Session, issuer: str, numbers: Collection[str]) -> set[str]:
    """Those of some hundred numbers of an issuer that are remembered as orphans."""
    return set(session.core.execute(_AMONG, {"of": issuer, "numbers": list(numbers)}).scalars())


def every(session: Session) -> list[tuple[str, str]]:
    """Every (issuer, number) that events speak of and no held permit has, in order."""
    return [(row.issuer, row.number) for row in session.core.execute(_ALL)]


def in_turn(session: Session, turn: int, *, at_once: int) -> list[tuple[str, str]]:
    """At most so many of them: in successive turns every one comes up, again and again."""
    number: int = session.core.execute(_COUNT).scalar_one()
    if number <= at_once:
        return every(session)
    turns = -(-number // at_once)
    rows = session.core.execute(_ALL.limit(at_once).offset(turn % turns * at_once))
    return [(row.issuer, row.number) for row in rows]


def near(session: Session, issuer: str, numbers: Collection[str]) -> set[tuple[str, str]]:
    """The orphans (issuer, number) of this issuer by which one of these normalised numbers may have been meant."""
    if not numbers or session.core.execute(_ANY, {"of": issuer}).first() is None:
        return set()
    by_shape: dict[str, list[str]] = {}
    for number in numbers:
        for shape in shapes_of_meant(number):
            by_shape.setdefault(shape, []).append(number)
    ordered = sorted(by_shape)
    sharing: set[str] = set()
    for start in range(0, len(ordered), _SHAPES_AT_ONCE):
        some = {"of": issuer, "shapes": ordered[start : start + _SHAPES_AT_ONCE]}
        sharing.update(session.core.execute(_SHARING, some).scalars())
    return {
        (issuer, orphan)
        for orphan in sharing
        if any(
            is_near(orphan, number)
            for number in {n for shape in shapes_of_mistyped(orphan) for n in by_shape.get(shape, ())}
        )
    }
