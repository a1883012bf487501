"""What this node's trust rests on, in one row: its own signed role, and the trust list that it verified.

Both are kept as the bytes that ``trust.signed_version`` and ``trust.trust_list`` give, and are written whole, so that
no crash leaves metadata of two moments. Whoever can write here is trusted: nothing is verified on the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from epix_node.store.database import Session
from epix_node.store.points import Points
from epix_node.store.tables import TrustRow

_ROW = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustState:
    """The row; all None in a database where nothing was written yet."""

    own: bytes | None = None
    """``party.json`` with the newest version of the own role."""
    trust_list: bytes | None = None
    problem: str | None = None
    """Why the newest refresh did not reach its end; None where it did."""
    revision: int = 0


def held(session: Session) -> TrustState:
    """What is kept."""
    row = session.get(TrustRow, _ROW)
    if row is None:
        return TrustState()
    return TrustState(own=row.own, trust_list=row.trust_list, problem=row.problem, revision=row.revision)


def revision(points: Points) -> int:
    """Changes whenever the own role or the trust list does, in whatever process."""
    row = points.first("SELECT revision FROM trust")
    return int(row[0]) if row is not None else 0


def keep_own(session: Session, party_file: bytes, *, now: datetime) -> None:
    """The newest version of the own role is this one."""
    row = _row(session, now)
    if row.own != party_file:
        row.own = party_file
        _touch(session, row, now)


def keep_list(session: Session, trust_list: bytes, *, now: datetime) -> None:
    """The verified trust list is this one."""
    row = _row(session, now)
    if row.trust_list != trust_list:
        row.trust_list = trust_list
        _touch(session, row, now)


def note_problem(session: Session, problem: str | None, *, now: datetime) -> str | None:
    """What became of the newest refresh is remembered; returns what was before."""
    row = _row(session, now)
    before = row.problem
    row.problem = problem
    session.flush()
    return before


def _row(session: Session, now: datetime) -> TrustRow:
    row = session.get(TrustRow, _ROW)
    if row is None:
        row = TrustRow(id=_ROW, revision=0, changed_at=now)
        session.add(row)
    return row


def _touch(session: Session, row: TrustRow, now: datetime) -> None:
    row.revision += 1
    row.changed_at = now
    session.flush()
