"""Evidence that a log signed two histories, as anybody can check it (``register.evidence``).

Evidence that was judged and found to prove it is kept for good: it says nothing that a person could take back. What a
person can end is only that the Party is frozen (``peers.note``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from epix_node.store.database import Session
from epix_node.store.register_tables import ConflictRow

MAX_PER_LOG = 16
"""Most pieces of evidence kept about one log: one convicts it, and a log that lies can sign any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One piece of evidence. ``source`` is the Party that showed what contradicted: perhaps the log's own."""

    id: str
    party: str
    origin: str
    evidence: bytes = field(repr=False)
    source: str
    found_at: datetime
    is_reported: bool = False


def keep(session: Session, found: Dispute) -> bool:
    """The evidence is kept; false where it was held already, or enough other evidence about this log is."""
    if session.get(ConflictRow, found.id) is not None:
        return False
    held = select(func.count()).select_from(ConflictRow).where(col(ConflictRow.origin) == found.origin)
    if session.exec(held).one() >= MAX_PER_LOG:
        return False
    session.add(
        ConflictRow(
            id=found.id,
            party=found.party,
            origin=found.origin,
            evidence=found.evidence,
            source=found.source,
            found_at=found.found_at,
            is_reported=found.is_reported,
        )
    )
    session.flush()
    return True


def find(session: Session, conflict_id: str) -> Dispute | None:
    """The evidence with this id."""
    row = session.get(ConflictRow, conflict_id)
    return None if row is None else _value(row)


def everything(session: Session, party: str | None = None) -> list[Dispute]:
    """All evidence, or that against one Party, in the order in which it was found."""
    query = select(ConflictRow).order_by(col(ConflictRow.found_at), col(ConflictRow.id))
    if party is not None:
        query = query.where(ConflictRow.party == party)
    return [_value(row) for row in session.exec(query)]


def unreported(session: Session) -> list[Dispute]:
    """The evidence that was found here and that not all others have yet."""
    query = select(ConflictRow).where(col(ConflictRow.is_reported).is_(False)).order_by(col(ConflictRow.found_at))
    return [_value(row) for row in session.exec(query)]


def mark_reported(session: Session, conflict_id: str) -> None:
    """Everybody who can be told has been told."""
    row = session.get(ConflictRow, conflict_id)
    if row is not None:
        row.is_reported = True
        session.flush()


def _value(row: ConflictRow) -> Dispute:
    return Dispute(
        id=row.id,
        party=row.party,
        origin=row.origin,
        evidence=row.evidence,
        source=row.source,
        found_at=row.found_at,
        is_reported=row.is_reported,
    )
