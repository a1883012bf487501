"""Own entries that came back from a mirror without their documents: published, and lost with a disk.

An entry is noted when it comes back and forgotten when its document does. What nobody brings stays noted, so that it
is told from an entry whose document was taken away.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, exists, func, insert, select

from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import LostRow
from epix_node.store.tables import DocumentRow

_LOST = table(LostRow)
_DOCUMENT = table(DocumentRow)
_OF = _LOST.c.party == bindparam("of")
_INDEXES = select(_LOST.c.index).where(_OF).order_by(_LOST.c.index)
_AMONG = select(_LOST.c.index).where(_OF, _LOST.c.index >= bindparam("start"), _LOST.c.index < bindparam("end"))
_COUNT = select(func.count()).select_from(_LOST).where(_OF)
_INSERT = insert(_LOST)
_FOUND = delete(_LOST).where(
    _OF, exists().where(_DOCUMENT.c.party == _LOST.c.party, _DOCUMENT.c.register_index == _LOST.c.index)
)
_DROP = delete(_LOST).where(_OF, _LOST.c.index >= bindparam("start"))


def note(session: Session, party: str, start: int, end: int) -> None:
    """The entries ``[start, end)`` are here again, and their documents are not."""
    if start < end:
        session.core.execute(_INSERT, [{"party": party, "index": index} for index in range(start, end)])


def forget_found(session: Session, party: str) -> None:
    """Entries whose documents are held are no longer noted."""
    session.core.execute(_FOUND, {"of": party})


def drop_from(session: Session, party: str, start: int) -> None:
    """Entries from ``start`` on are not there any more."""
    session.core.execute(_DROP, {"of": party, "start": start})


def first(session: Session, party: str) -> int | None:
    """The lowest index without its document."""
    found: int | None = session.core.execute(_INDEXES.limit(1), {"of": party}).scalar()
    return found


def indexes(session: Session, party: str, *, limit: int) -> tuple[int, ...]:
    """The lowest indexes without their documents, at most so many."""
    return tuple(session.core.execute(_INDEXES.limit(limit), {"of": party}).scalars())


def among(session: Session, party: str, start: int, end: int) -> frozenset[int]:
    """Those of the indexes ``[start, end)`` that are noted."""
    return frozenset(session.core.execute(_AMONG, {"of": party, "start": start, "end": end}).scalars())


def count(session: Session, party: str) -> int:
    """How many entries are without their documents."""
    return int(session.core.execute(_COUNT, {"of": party}).scalar() or 0)
