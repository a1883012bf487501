"""How many of the reports came that one country owed another, by the day on which they were due.

Goods flow from an issuer to a destination. The destination owes confirmations of what was exported, the issuer
endorsements of what was imported. The counts are kept by difference (``reconcile.observability``), so that asking for
half a year reads a row for each day, however many permits there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, select, update

from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import CoverageRow, ObservedRow

_COVERAGE = table(CoverageRow)
_OBSERVED = table(ObservedRow)


class Direction(StrEnum):
    """What is owed."""

    CONFIRM = "confirm"
    """The destination owes confirmations of what left for it."""
    ENDORSE = "endorse"
    """The issuer owes endorsements of what arrived from it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Flow:
    """Goods of one issuer for one destination, both as permits name them, and one kind of report about them."""

    issuer: str
    destination: str
    direction: Direction

    @property
    def witness(self) -> str:
        """The country that owes the reports."""
        return self.destination if self.direction is Direction.CONFIRM else self.issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The reports of a flow that were due on a day, how many of them came, and what was made of the others' lack."""

    on: date
    expected: int
    met: int
    is_evidence: bool


_FLOW = ("issuer", "destination", "direction")
_OF_FLOW = and_(*(_COVERAGE.c[name] == bindparam(f"of_{name}") for name in _FLOW))
_OF_DAY = and_(_OF_FLOW, _COVERAGE.c.day == bindparam("on"))
_ADD = (
    update(_COVERAGE)
    .where(_OF_DAY)
    .values(expected=_COVERAGE.c.expected + bindparam("more"), met=_COVERAGE.c.met + bindparam("came"))
)
_MARK = update(_COVERAGE).where(_OF_DAY).values(is_evidence=bindparam("evident"))
_IS_EVIDENCE = select(_COVERAGE.c.is_evidence).where(_OF_DAY)
_DAYS = select(_COVERAGE).where(_OF_FLOW, _COVERAGE.c.day >= bindparam("since"), _COVERAGE.c.day <= bindparam("until"))
_SUM = select(func.sum(_COVERAGE.c.expected).label("expected"), func.sum(_COVERAGE.c.met).label("met")).where(
    _OF_FLOW, _COVERAGE.c.day >= bindparam("since"), _COVERAGE.c.day <= bindparam("until")
)
_SEEN = update(_OBSERVED).where(*(_OBSERVED.c[name] == bindparam(f"of_{name}") for name in _FLOW))


def add(session: Session, differences: Mapping[tuple[Flow, date], tuple[int, int]]) -> None:
    """So many more reports are expected, and came, of this flow and day; less where the numbers are negative."""
    for (flow, day), (expected, met) in sorted(differences.items()):
        values = {**_key(flow), "on": day.isoformat(), "more": expected, "came": met}
        if session.core.execute(_ADD, values).rowcount == 0:
            row = {"day": day.isoformat(), "expected": expected, "met": met, "is_evidence": False}
            session.core.execute(insert(_COVERAGE), {**_named(flow), **row})


def days(session: Session, flow: Flow, *, since: date, until: date) -> list[Day]:
    """The days of the flow from ``since`` to ``until``, both included, on which a report was ever due, in order."""
    rows = session.core.execute(_DAYS.order_by(_COVERAGE.c.day), _between(flow, since, until))
    return [
        Day(on=date.fromisoformat(row.day), expected=row.expected, met=row.met, is_evidence=row.is_evidence)
        for row in rows
    ]


def total(session: Session, flow: Flow, *, since: date, until: date) -> tuple[int, int]:
    """How many reports were expected from ``since`` to ``until``, both included, and how many came."""
    row = session.core.execute(_SUM, _between(flow, since, until)).one()
    return int(row.expected or 0), int(row.met or 0)


def is_evidence(session: Session, flow: Flow, day: date) -> bool:
    """Whether the lack of a report that was due on this day was evidence when that was last asked."""
    return bool(session.core.execute(_IS_EVIDENCE, {**_key(flow), "on": day.isoformat()}).scalar())


def mark(session: Session, flow: Flow, evidence: Mapping[date, bool]) -> None:
    """What the lack of a report that was due on these days is."""
    rows = [{**_key(flow), "on": on.isoformat(), "evident": evident} for on, evident in sorted(evidence.items())]
    if rows:
        session.core.execute(_MARK, rows)


def observed(session: Session) -> dict[Flow, date | None]:
    """The flows that were looked at, and each up to which due day; None: its register was not known then."""
    return {
        Flow(issuer=row.issuer, destination=row.destination, direction=Direction(row.direction)): (
            date.fromisoformat(row.acted_until) if row.acted_until else None
        )
        for row in session.core.execute(select(_OBSERVED))
    }


def observe(session: Session, looked: Iterable[tuple[Flow, date | None]]) -> None:
    """These flows were looked at, up to this due day."""
    for flow, until in looked:
        values: dict[str, Any] = {"acted_until": until.isoformat() if until else None}
        if session.core.execute(_SEEN, {**_key(flow), **values}).rowcount == 0:
            session.core.execute(insert(_OBSERVED), {**_named(flow), **values})


def _named(flow: Flow) -> dict[str, Any]:
    return {"issuer": flow.issuer, "destination": flow.destination, "direction": flow.direction.value}


def _key(flow: Flow) -> dict[str, Any]:
    return {f"of_{name}": value for name, value in _named(flow).items()}


def _between(flow: Flow, since: date, until: date) -> dict[str, Any]:
    return {**_key(flow), "since": since.isoformat(), "until": until.isoformat()}
