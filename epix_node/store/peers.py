"""The other nodes: their pinned manifests, and how pulling from each goes (cursor, back-off, last success)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from epix_node.store.database import Session
from epix_node.store.tables import NonceRow, PeerRow


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


def pin(session: Session, party: str, manifest: bytes, *, now: datetime) -> None:
    """Keep the manifest's exact bytes; a newer one replaces the older and leaves the cursor where it is."""
    row = session.get(PeerRow, party)
    if row is None:
        session.add(PeerRow(party=party, manifest=manifest, added_at=now))
    elif row.manifest != manifest:
        row.manifest = manifest
        row.revision += 1
    session.flush()


def pins(reader: sqlite3.Connection) -> tuple[int, int]:
    """Changes with every pin, in whatever process: how many peers there are, and the sum of their revisions."""
    count, revisions = reader.execute("SELECT count(*), coalesce(sum(revision), 0) FROM peer").fetchone()
    return count, revisions


def manifests(session: Session) -> dict[str, bytes]:
    """Every pinned manifest by Party."""
    return {row.party: row.manifest for row in session.exec(select(PeerRow).order_by(col(PeerRow.party)))}


def states(session: Session) -> tuple[PeerState, ...]:
    """Every peer, by Party code."""
    return tuple(_state(row) for row in session.exec(select(PeerRow).order_by(col(PeerRow.party))))


def state(session: Session, party: str) -> PeerState | None:
    """One peer."""
    row = session.get(PeerRow, party)
    return None if row is None else _state(row)


def advance(session: Session, party: str, *, next_index: int) -> None:
    """Move the feed cursor, in the transaction that stored what came before it."""
    row = _row(session, party)
    row.next_index = next_index
    session.flush()


def note(session: Session, party: str, **changes: Any) -> None:
    """Change what is remembered of pulling: etag, failures, backoff_until, last_success, last_error, frozen."""
    row = _row(session, party)
    for name, value in changes.items():
        if name not in PeerState.__slots__ or name in {"party", "next_index"}:
            raise RuntimeError(f"{name} is not part of a peer's pulling state")
        setattr(row, name, value)
    session.flush()


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
    )
