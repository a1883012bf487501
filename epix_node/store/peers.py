"""How pulling from each of the other nodes goes: cursor, back-off, last success, and how its clock stands to ours.

A row is made when a peer is first pulled from and stays, also when its Party is removed from the trust list: whoever
comes back goes on where it was left. Who is to be trusted is not here (``trust``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from epix_node.store.database import Session
from epix_node.store.register_tables import ConflictRow
from epix_node.store.tables import NonceRow, PeerRow

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerState:
    """How pulling from one peer stands. ``next_index`` is the register index that its feed is asked from next."""

    party: str
    next_index: int
    etag: str | None
    failures: int
    backoff_until: datetime | None
    last_success: datetime | None
    last_error: str | None
    frozen: str | None
    clock_ahead: timedelta | None = None
    """How far the peer's clock was ahead of this machine's when it answered last, by its ``Date``."""
    added_at: datetime | None = None
    """When it was first pulled from."""

    @property
    def silent_since(self) -> datetime | None:
        """When it was last pulled from with success; of one with which it never was, when that was first tried."""
        return self.last_success or self.added_at

    @classmethod
    def new(cls, party: str) -> PeerState:
        """The state of a peer that was never pulled from."""
        return cls(
            party=party,
            next_index=0,
            etag=None,
            failures=0,
            backoff_until=None,
            last_success=None,
            last_error=None,
            frozen=None,
        )


def meet(session: Session, party: str, *, now: datetime) -> PeerState:
    """The peer has a row, which is made where this is the first time; returns it."""
    row = session.get(PeerRow, party)
    if row is None:
        row = PeerRow(party=party, added_at=now)
        session.add(row)
        session.flush()
    return _state(row)


def states(session: Session) -> tuple[PeerState, ...]:
    """Every peer, by Party code."""
    return tuple(_state(row) for row in session.exec(select(PeerRow).order_by(col(PeerRow.party))))


def state(session: Session, party: str) -> PeerState | None:
    """One peer."""
    row = session.get(PeerRow, party)
    return None if row is None else _state(row)


def is_disputed(session: Session, party: str, *, origin: str | None) -> bool:
    """Whether this Party's register contradicted itself: its mirror is frozen, or there is evidence.

    Evidence speaks of one log; a Party that began another one (``origin``) is not disputed for that.
    """
    row = session.get(PeerRow, party)
    if row is not None and row.frozen is not None:
        return True
    evidence = select(ConflictRow.id).where(ConflictRow.party == party, ConflictRow.origin == origin)
    return session.exec(evidence.limit(1)).first() is not None


def advance(session: Session, party: str, *, next_index: int) -> None:
    """Move the feed cursor, in the transaction that stored what came before it."""
    row = _row(session, party)
    row.next_index = next_index
    session.flush()


def note(session: Session, party: str, **changes: Any) -> None:
    """Change what is remembered of pulling: any member of ``PeerState`` but party and cursor."""
    row = _row(session, party)
    for name, value in changes.items():
        if name not in PeerState.__slots__ or name in {"party", "next_index", "added_at"}:
            raise RuntimeError(f"{name} is not part of a peer's pulling state")
        if name == "clock_ahead":
            row.clock_ahead_micros = value // _MICROSECOND if value is not None else None
        else:
            setattr(row, name, value)
    session.flush()


def unfreeze(session: Session, party: str) -> str | None:
    """The peer is pulled from again; returns why it was frozen, None where it was not."""
    before = state(session, party)
    if before is None or before.frozen is None:
        return None
    note(session, party, frozen=None, etag=None, last_error=None)
    return before.frozen


def use_nonce(session: Session, party: str, nonce: str, *, now: datetime, forget_before: datetime) -> bool:
    """Remember the nonce; false where this peer used it already. Older ones than ``forget_before`` are forgotten."""
    session.execute(delete(NonceRow).where(col(NonceRow.at) < forget_before))
    if session.get(NonceRow, (party, nonce)) is not None:
        return False
    session.add(NonceRow(party=party, nonce=nonce, at=now))
    session.flush()
    return True


def _row(session: Session, party: str) -> PeerRow:
    row = session.get(PeerRow, party)
    if row is None:
        raise RuntimeError(f"{party} is no peer")
    return row


def _state(row: PeerRow) -> PeerState:
    return PeerState(
        party=row.party,
        next_index=row.next_index,
        etag=row.etag,
        failures=row.failures,
        backoff_until=row.backoff_until,
        last_success=row.last_success,
        last_error=row.last_error,
        frozen=row.frozen,
        clock_ahead=row.clock_ahead_micros * _MICROSECOND if row.clock_ahead_micros is not None else None,
        added_at=row.added_at,
    )
