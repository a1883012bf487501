"""Stretches of permit numbers, so that all of them can be gone through without being held together.

A stretch is some thousand numbers of one issuer, in the order of the database's own texts. They are found by reading
indexes onward, and what is asked of one is a range read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, func, select, union

from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import EventRow, FindingRow, OrphanRow, PermitRow

_PERMIT, _EVENT = table(PermitRow), table(EventRow)
_FINDING, _ORPHAN = table(FindingRow), table(OrphanRow)

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


_ISSUERS = (_PERMIT.c.issuer, _EVENT.c.permit_issuer, _FINDING.c.issuer, _ORPHAN.c.issuer)


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


def _following(session: Session, issuer: str, first: str) -> str | None:
    """Where the next stretch begins; None where this is the last. The database compares, by its own order of texts."""
    before: str | None = None
    for of, numbered, size in (
        (_PERMIT.c.issuer, _PERMIT.c.number, NUMBERS_AT_ONCE),
        (_EVENT.c.permit_issuer, _EVENT.c.permit_number, 2 * NUMBERS_AT_ONCE),
    ):
        query = select(numbered).where(*within(of, numbered, is_last=before is None)).where(numbered > first)
        given = {"of": issuer, "first": first, "before": before}
        found = session.core.execute(query.order_by(numbered).offset(size - 1).limit(1), given).scalar()
        before = found if found is not None else before
    return before


def numbers(session: Session, stretch: Stretch) -> list[Number]:
    """Every number of the stretch that a permit, an event or a finding is about, in order."""
    given = {"of": stretch.issuer, "first": stretch.first, "before": stretch.before}
    columns = (
        (_PERMIT.c.issuer, _PERMIT.c.number),
        (_EVENT.c.permit_issuer, _EVENT.c.permit_number),
        (_FINDING.c.issuer, _FINDING.c.number),
        (_ORPHAN.c.issuer, _ORPHAN.c.number),
    )
    each = (select(n).where(*within(of, n, is_last=stretch.before is None)) for of, n in columns)
    return [(stretch.issuer, number) for number in sorted(session.core.execute(union(*each), given).scalars())]


def within(of: Column[Any], numbered: Column[Any], *, is_last: bool) -> list[ColumnElement[bool]]:
    """That a row is in a stretch, by its parameters ``of``, ``first`` and ``before``; the last one has no end."""
    bounds = [of == bindparam("of"), numbered >= bindparam("first")]
    return bounds if is_last else [*bounds, numbered < bindparam("before")]
