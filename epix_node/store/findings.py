"""Findings with what the facts alone do not give: first-seen times, decisions, and the issuer's alerts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, literal, select, tuple_, update

from epix_node.clock import parse_time
from epix_node.permit.facts import Source
from epix_node.permit.finding import AlertNotice, Decision, Finding, FindingClass, FindingState
from epix_node.permit.number import NumberRef
from epix_node.store import cursors
from epix_node.store.columns import UtcTime, from_micros, table, to_micros
from epix_node.store.database import Session
from epix_node.store.tables import AlertRow, DecisionRow, FindingRow

_FINDING = table(FindingRow)
_ALERT = table(AlertRow)
_DECISION = table(DecisionRow)
_WITH_ID = select(_FINDING).where(_FINDING.c.id == bindparam("known_as"))
_ABOUT = (
    select(_FINDING)
    .where(_FINDING.c.issuer == bindparam("of"), _FINDING.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(_FINDING.c.id)
)
_INSERT = insert(_FINDING)
_UPDATE = update(_FINDING).where(_FINDING.c.id == bindparam("known_as"))
_DUE = (
    select(_FINDING)
    .where(_FINDING.c.state == FindingState.PENDING.value, _FINDING.c.latest_at <= bindparam("before"))
    .order_by(_FINDING.c.id)
)
_DECIDED = (
    select(_DECISION)
    .where(_DECISION.c.finding_id == bindparam("known_as"))
    .order_by(_DECISION.c.ordinal.desc())
    .limit(1)
)
_DECIDED_OF = (
    select(_DECISION).where(_DECISION.c.finding_id.in_(bindparam("ids", expanding=True))).order_by(_DECISION.c.ordinal)
)
_IDS_AT_ONCE = 400
"""Findings in one statement."""
_ALERTED = select(_ALERT).where(_ALERT.c.finding_id == bindparam("known_as"))


def find(session: Session, finding_id: str) -> Finding | None:
    """The finding with this id."""
    row = session.core.execute(_WITH_ID, {"known_as": finding_id}).first()
    return None if row is None else _finding(row)


def about(session: Session, issuer: str, number: str) -> tuple[Finding, ...]:
    """The findings whose sentence is about this number."""
    return about_all(session, issuer, [number]).get(number, ())


def about_all(session: Session, issuer: str, numbers: Collection[str]) -> dict[str, tuple[Finding, ...]]:
    """Likewise for each of some hundred numbers of an issuer; those without a finding are left out."""
    found: dict[str, list[Finding]] = {}
    for row in session.core.execute(_ABOUT, {"of": issuer, "numbers": list(numbers)}):
        found.setdefault(row.number, []).append(_finding(row))
    return {number: tuple(of_number) for number, of_number in found.items()}


def put(session: Session, finding: Finding) -> None:
    """Write the finding as it is now; the first-seen time of one that is known does not change."""
    values: dict[str, Any] = {
        "pattern": finding.pattern,
        "issuer": finding.subject.issuer,
        "type": finding.subject.type,
        "number": finding.subject.number,
        "year": finding.subject.year,
        "finding_class": finding.class_.value,
        "state": finding.state.value,
        "latest_at": finding.latest_at,
        "opened": finding.opened,
        "summary": finding.summary,
        "permits": _dumps([permit.to_json() for permit in finding.permits]),
        "parties": _dumps(list(finding.parties)),
        "evidence": _dumps([_evidence(source) for source in finding.evidence]),
        "facts": _dumps(finding.values),
        "ruleset": finding.ruleset,
        "derived": finding.derived,
    }
    if session.core.execute(_UPDATE, {"known_as": finding.id, **values}).rowcount == 0:
        session.core.execute(_INSERT, {"id": finding.id, "first_seen": finding.first_seen, **values})


def due_to_open(session: Session, *, before: datetime) -> tuple[Finding, ...]:
    """Pending findings whose latest evidence is at least as old as ``before``."""
    return tuple(_finding(row) for row in session.core.execute(_DUE, {"before": before}))


def of_issuers(session: Session, issuers: Iterable[str]) -> tuple[Finding, ...]:
    """The derived findings about permits of these issuers that are, or were, of class A and open."""
    query = (
        select(_FINDING)
        .outerjoin(_ALERT, _ALERT.c.finding_id == _FINDING.c.id)
        .where(
            _FINDING.c.issuer.in_(sorted(issuers)),
            _FINDING.c.derived,
            ((_FINDING.c.finding_class == FindingClass.ALERT.value) & (_FINDING.c.state != FindingState.PENDING.value))
            | _ALERT.c.finding_id.is_not(None),
        )
    )
    return tuple(_finding(row) for row in session.core.execute(query.order_by(_FINDING.c.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """What ``GET /findings`` may ask for; ``None`` asks nothing."""

    pattern: str | None = None
    class_: str | None = None
    state: str | None = None
    issuer: str | None = None
    number: str | None = None
    since: datetime | None = None


def page(
    session: Session, wanted: FindingFilter, *, cursor: str | None, limit: int
) -> tuple[list[Finding], str | None]:
    """Findings by ``first_seen`` and id, ``limit`` at a time, and the cursor of the next page."""
    query = select(_FINDING)
    for column, value in (
        (_FINDING.c.pattern, wanted.pattern),
        (_FINDING.c.finding_class, wanted.class_),
        (_FINDING.c.state, wanted.state),
        (_FINDING.c.issuer, wanted.issuer),
        (_FINDING.c.number, wanted.number),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(_FINDING.c.first_seen >= wanted.since)
    order = (_FINDING.c.first_seen, _FINDING.c.id)
    if cursor is not None:
        seen, last_id = cursors.decode(cursor, parts=2)
        # With its type, or the time would be compared as a text, which is greater than every number.
        after = tuple_(literal(from_micros(int(seen)), UtcTime()), last_id)
        query = query.where(tuple_(*order) > after)
    rows = session.core.execute(query.order_by(*order).limit(limit + 1)).all()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.encode((str(to_micros(last.first_seen)), last.id))
    return [_finding(row) for row in rows[:limit]], following


def counts(session: Session) -> dict[str, int]:
    """Open findings by class, and all pending ones."""
    result = {"A": 0, "R": 0, "S": 0, "pending": 0}
    query = select(_FINDING.c.state, _FINDING.c.finding_class, func.count()).group_by(
        _FINDING.c.state, _FINDING.c.finding_class
    )
    for state, class_, number in session.core.execute(query):
        if state == FindingState.OPEN.value:
            result[class_] += number
        elif state == FindingState.PENDING.value:
            result["pending"] += number
    return result


def decision(session: Session, finding_id: str) -> Decision | None:
    """The newest decision made here about this finding."""
    row = session.core.execute(_DECIDED, {"known_as": finding_id}).first()
    return None if row is None else _decision(row)


def decisions(session: Session, ids: Sequence[str]) -> dict[str, Decision]:
    """Likewise of each of these findings that was decided."""
    newest: dict[str, Decision] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        for row in session.core.execute(_DECIDED_OF, {"ids": ids[start : start + _IDS_AT_ONCE]}):
            newest[row.finding_id] = _decision(row)
    return newest


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        decision=FindingState(row.decision),
        reason=row.reason,
        client=row.client,
        at=row.at,
        class_=FindingClass(row.finding_class),
        seen=frozenset(json.loads(row.seen)),
    )


def was_dismissed_for_review(session: Session, finding_id: str) -> bool:
    """Whether the finding was ever dismissed while its class was R."""
    query = select(_DECISION.c.ordinal).where(
        _DECISION.c.finding_id == finding_id,
        _DECISION.c.finding_class == FindingClass.REVIEW.value,
        _DECISION.c.decision == FindingState.DISMISSED.value,
    )
    return session.core.execute(query).first() is not None


def decide(session: Session, finding_id: str, made: Decision) -> None:
    """Keep one more decision about this finding."""
    earlier = select(func.count()).select_from(_DECISION).where(_DECISION.c.finding_id == finding_id)
    session.add(
        DecisionRow(
            finding_id=finding_id,
            ordinal=session.core.execute(earlier).scalar_one(),
            finding_class=made.class_.value,
            decision=made.decision.value,
            reason=made.reason,
            client=made.client,
            at=made.at,
            seen=_dumps(sorted(made.seen)),
        )
    )
    session.flush()


def alert(session: Session, finding_id: str) -> AlertNotice | None:
    """The newest alert about this finding."""
    row = session.core.execute(_ALERTED, {"known_as": finding_id}).first()
    if row is None:
        return None
    return AlertNotice(
        party=row.party,
        document=row.document,
        class_=FindingClass(row.finding_class),
        state=FindingState(row.state),
        at=row.at,
    )


def put_alert(session: Session, finding_id: str, notice: AlertNotice) -> None:
    """Keep the alert as the newest one about this finding."""
    values: dict[str, Any] = {
        "party": notice.party,
        "document": notice.document,
        "finding_class": notice.class_.value,
        "state": notice.state.value,
        "at": notice.at,
    }
    row = session.get(AlertRow, finding_id)
    if row is None:
        session.add(AlertRow(finding_id=finding_id, **values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()


def forget_alert(session: Session, finding_id: str, document: str) -> bool:
    """This alert counts no more: whether it was the newest one about the finding, which has none now."""
    row = session.get(AlertRow, finding_id)
    if row is None or row.document != document:
        return False
    session.delete(row)
    session.flush()
    return True


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _evidence(source: Source) -> dict[str, Any]:
    return {
        "document": source.document,
        "type": source.type,
        "party": source.party,
        "index": source.index,
        "at": source.at.isoformat(),
    }


def _finding(row: Row[Any]) -> Finding:
    return Finding(
        id=row.id,
        pattern=row.pattern,
        subject=NumberRef(issuer=row.issuer, number=row.number, type=row.type, year=row.year),
        class_=FindingClass(row.finding_class),
        state=FindingState(row.state),
        permits=tuple(NumberRef(**permit) for permit in json.loads(row.permits)),
        parties=tuple(json.loads(row.parties)),
        first_seen=row.first_seen,
        latest_at=row.latest_at,
        opened=row.opened,
        summary=row.summary,
        evidence=tuple(Source(**{**e, "at": parse_time(e["at"])}) for e in json.loads(row.evidence)),
        values=json.loads(row.facts),
        ruleset=row.ruleset,
        derived=row.derived,
    )
