"""What this node cosigned as the witness of other logs: for each its newest checkpoint, and nothing older.

The row is read, compared and written in one write transaction (``federation.cosigning``). Losing it would let this node
cosign a second history, so it is never deleted, also not where a Party is removed from the trust list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlmodel import col, select

from epix_node.register.checkpoint import Checkpoint
from epix_node.store.database import Session
from epix_node.store.register_tables import CosignedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """The newest checkpoint of a log that this node cosigned, with the log's line and this node's own."""

    checkpoint: Checkpoint
    note: bytes
    at: datetime


def cosigned(session: Session, origin: str) -> Cosigned | None:
    """What was cosigned last of this log."""
    row = session.get(CosignedRow, origin)
    return None if row is None else _value(row)


def keep(session: Session, newest: Cosigned) -> None:
    """This is what was cosigned last of its log; the caller has compared it with what was before."""
    checkpoint = newest.checkpoint
    row = session.get(CosignedRow, checkpoint.origin)
    if row is None:
        row = CosignedRow(origin=checkpoint.origin, size=0, root=b"", note=b"", at=newest.at)
        session.add(row)
    row.size, row.root, row.note, row.at = checkpoint.size, checkpoint.root, newest.note, newest.at
    session.flush()


def note_of_hash(session: Session, digest: str) -> bytes | None:
    """The note cosigned last of the log whose origin line has this hex SHA-256."""
    for origin in session.exec(select(CosignedRow.origin)):
        if sha256(origin.encode()).hexdigest() == digest:
            row = session.get(CosignedRow, origin)
            return row.note if row is not None else None
    return None


def everything(session: Session, origins: Iterable[str]) -> list[Cosigned]:
    """What was cosigned last of these logs."""
    rows = session.exec(select(CosignedRow).where(col(CosignedRow.origin).in_(list(origins))))
    return [_value(row) for row in rows]


def _value(row: CosignedRow) -> Cosigned:
    checkpoint = Checkpoint(origin=row.origin, size=row.size, root=row.root)
    return Cosigned(checkpoint=checkpoint, note=row.note, at=row.at)
