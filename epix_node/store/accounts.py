"""How far the single-use permits under which goods moved have come: left, reported by the destination, overdue when.

Whoever follows a permit writes its account, in one statement that changes nothing where the account is the same. What
that does to the coverage is counted later, for all accounts that changed since (``stale``): a permit's own facts
decide its account, and no fact waits for a count that many permits share.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, bindparam, select, text, tuple_, update

from epix_node.permit.finding import FindingState
from epix_node.permit.number import PermitKey
from epix_node.store.columns import table
from epix_node.store.coverage import Direction, Flow
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import AccountRow
from epix_node.store.register_tables import WithheldRow
from epix_node.store.tables import FindingRow

_AT_ONCE = 400
"""Values in one statement."""

_ACCOUNT = table(AccountRow)
_FINDING = table(FindingRow)
_WITHHELD = table(WithheldRow)

_PUT = text(
    """
    INSERT INTO account (issuer, number, type, year, destination, due_on, exported_on, confirmed_on, stale)
    VALUES (:issuer, :number, :type, :year, :destination, :due_on, :exported_on, :confirmed_on, true)
    ON CONFLICT (issuer, number, type, year) DO UPDATE SET
      destination = excluded.destination, due_on = excluded.due_on, exported_on = excluded.exported_on,
      confirmed_on = excluded.confirmed_on, stale = true
    WHERE account.destination <> excluded.destination
      OR COALESCE(account.due_on, '') <> COALESCE(excluded.due_on, '')
      OR COALESCE(account.exported_on, '') <> COALESCE(excluded.exported_on, '')
      OR COALESCE(account.confirmed_on, '') <> COALESCE(excluded.confirmed_on, '')
    """
)
_DROP = (
    update(_ACCOUNT)
    .where(
        _ACCOUNT.c.issuer == bindparam("of"),
        _ACCOUNT.c.number == bindparam("numbered"),
        _ACCOUNT.c.due_on.is_not(None),
    )
    .values(due_on=None, exported_on=None, confirmed_on=None, stale=True)
)
_STALE = select(_ACCOUNT).where(_ACCOUNT.c.stale.is_not(None))
"""Without an order, for which the planner would go through all accounts: those that are stale are few."""
_OF_KEY = and_(*(_ACCOUNT.c[name] == bindparam(f"of_{name}") for name in ("issuer", "number", "type", "year")))
_COUNTED = update(_ACCOUNT).where(_OF_KEY).values(counted=bindparam("is_counted"), stale=None)
_FORGET = _ACCOUNT.delete().where(_OF_KEY)
_LACKING = select(_ACCOUNT.c.issuer, _ACCOUNT.c.number).where(
    _ACCOUNT.c.issuer == bindparam("of"),
    _ACCOUNT.c.destination == bindparam("into"),
    _ACCOUNT.c.due_on.in_(bindparam("days", expanding=True)),
)
_LACKS = {
    Direction.CONFIRM: and_(_ACCOUNT.c.exported_on.is_not(None), _ACCOUNT.c.confirmed_on.is_(None)),
    Direction.ENDORSE: _ACCOUNT.c.exported_on.is_(None),
}
_WITHHELD_OF = select(_WITHHELD.c.issuer, _WITHHELD.c.number).distinct()
_TOLD = select(_FINDING.c.id).where(
    _FINDING.c.issuer == bindparam("of"),
    _FINDING.c.number == bindparam("numbered"),
    _FINDING.c.pattern.in_(bindparam("patterns", expanding=True)),
    _FINDING.c.state != FindingState.RESOLVED.value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One permit: when its goods left and when the destination first reported them, as far as they did.

    ``due_on`` is the day after which what is lacking is overdue: the confirmation, or, where no goods left as far as
    the issuer says, its endorsement.
    """

    key: PermitKey
    destination: str
    due_on: date
    exported_on: date | None
    confirmed_on: date | None

    @property
    def lacks(self) -> Direction | None:
        """Which report is lacking; None where both sides spoke."""
        if self.exported_on is None:
            return Direction.ENDORSE
        return Direction.CONFIRM if self.confirmed_on is None else None

    def flow(self, direction: Direction) -> Flow:
        """The flow to which the permit belongs."""
        return Flow(issuer=self.key.issuer, destination=self.destination, direction=direction)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Owed:
    """One report: of this flow, due on this day, and whether it came."""

    flow: Flow
    due_on: date
    came: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """An account that changed since it was counted: what it is now, and what was counted.

    ``account`` is None where nothing is expected any more.
    """

    key: PermitKey
    account: Account | None
    counted: tuple[Owed, ...]


def put(session: Session, accounts: Iterable[Account]) -> None:
    """Write these accounts; those that say the same as before stay as they are."""
    for account in accounts:
        values = {
            **account.key.to_json(),
            "destination": account.destination,
            "due_on": account.due_on.isoformat(),
            "exported_on": _text(account.exported_on),
            "confirmed_on": _text(account.confirmed_on),
        }
        session.core.execute(_PUT, values)


def drop(session: Session, issuer: str, number: str, *, but: Collection[PermitKey]) -> None:
    """Nothing is expected any more under the permits with this number, except these."""
    kept = [(key.type, key.year) for key in but]
    query = _DROP.where(tuple_(_ACCOUNT.c.type, _ACCOUNT.c.year).not_in(kept)) if kept else _DROP
    session.core.execute(query, {"of": issuer, "numbered": number})


def stale(session: Session) -> list[Stale]:
    """The accounts that changed since they were counted."""
    return [_stale(row) for row in session.core.execute(_STALE)]


def counted(session: Session, items: Sequence[tuple[Stale, Collection[Owed]]]) -> None:
    """These accounts are in the coverage with these reports."""
    gone = [_key(one.key) for one, _ in items if one.account is None]
    kept = [
        {**_key(one.key), "is_counted": json.dumps([_to_json(owed) for owed in sorted(reports)])}
        for one, reports in items
        if one.account is not None
    ]
    if kept:
        session.core.execute(_COUNTED, kept)
    if gone:
        session.core.execute(_FORGET, gone)


def lacking(session: Session, flow: Flow, days: Sequence[date]) -> set[tuple[str, str]]:
    """The (issuer, number) of the permits of this flow whose report was due on one of these days and did not come."""
    query = _LACKING.where(_LACKS[flow.direction])
    return {
        (issuer, number)
        for start in range(0, len(days), _AT_ONCE)
        for issuer, number in session.core.execute(
            query,
            {
                "of": flow.issuer,
                "into": flow.destination,
                "days": [day.isoformat() for day in days[start : start + _AT_ONCE]],
            },
        )
    }


def doubted(session: Session, patterns: Collection[str]) -> set[tuple[str, str]]:
    """The (issuer, number) with a finding of these patterns, and with an entry whose document did not come."""
    # Step by step, so that no planner begins with the findings: hardly ever is anything withheld.
    lacking_documents = session.core.execute(_WITHHELD_OF).all()
    named = sorted(patterns)
    return {
        (issuer, number)
        for issuer, number in lacking_documents
        if session.core.execute(_TOLD, {"of": issuer, "numbered": number, "patterns": named}).first() is not None
    }


def _stale(row: Any) -> Stale:
    key = PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year)
    account = None
    if row.due_on is not None:
        account = Account(
            key=key,
            destination=row.destination,
            due_on=date.fromisoformat(row.due_on),
            exported_on=_date(row.exported_on),
            confirmed_on=_date(row.confirmed_on),
        )
    return Stale(key=key, account=account, counted=tuple(_owed(key, one) for one in json.loads(row.counted or "[]")))


def _to_json(owed: Owed) -> list[Any]:
    return [owed.flow.destination, owed.flow.direction.value, owed.due_on.isoformat(), owed.came]


def _owed(key: PermitKey, given: list[Any]) -> Owed:
    destination, direction, due_on, came = given
    flow = Flow(issuer=key.issuer, destination=destination, direction=Direction(direction))
    return Owed(flow=flow, due_on=date.fromisoformat(due_on), came=came)


def _key(key: PermitKey) -> dict[str, Any]:
    return {f"of_{name}": value for name, value in key.to_json().items()}


def _text(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _date(day: str | None) -> date | None:
    return date.fromisoformat(day) if day is not None else None
