"""Checkpoints of a log that others say they hold, signed by the log, and larger than the mirror held here.

Each waits until the mirror has grown past its size and can be compared with it. One is kept for each log and source,
the smallest: it can be compared first, and a log that showed two histories cannot make it go away by growing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col, select

from epix_node.register.checkpoint import Checkpoint
from epix_node.store.database import Session
from epix_node.store.register_tables import SightingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A checkpoint that its log signed, and the Party that showed it."""

    checkpoint: Checkpoint
    source: str
    note: bytes
    at: datetime


def keep(session: Session, seen: Sighting) -> None:
    """The sighting waits, unless a smaller one of the same log and source does."""
    checkpoint = seen.checkpoint
    row = session.get(SightingRow, (checkpoint.origin, seen.source))
    if row is not None and row.size <= checkpoint.size:
        return
    if row is None:
        row = SightingRow(origin=checkpoint.origin, source=seen.source, size=0, root=b"", note=b"", at=seen.at)
        session.add(row)
    row.size, row.root, row.note, row.at = checkpoint.size, checkpoint.root, seen.note, seen.at
    session.flush()


def waiting(session: Session, origin: str, *, up_to: int) -> list[Sighting]:
    """The sightings of this log that a tree of so many entries can be compared with."""
    query = (
        select(SightingRow)
        .where(SightingRow.origin == origin, col(SightingRow.size) <= up_to)
        .order_by(col(SightingRow.source))
    )
    return [_value(row) for row in session.exec(query)]


def largest(session: Session) -> dict[str, Sighting]:
    """The largest sighting of each log."""
    found: dict[str, Sighting] = {}
    for row in session.exec(select(SightingRow).order_by(col(SightingRow.size))):
        found[row.origin] = _value(row)
    return found


def settle(session: Session, origin: str, *, up_to: int) -> None:
    """The sightings up to this size were compared, and wait no more."""
    session.execute(delete(SightingRow).where(col(SightingRow.origin) == origin, col(SightingRow.size) <= up_to))


def _value(row: SightingRow) -> Sighting:
    checkpoint = Checkpoint(origin=row.origin, size=row.size, root=row.root)
    return Sighting(checkpoint=checkpoint, source=row.source, note=row.note, at=row.at)
