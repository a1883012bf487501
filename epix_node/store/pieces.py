"""Registers read piece by piece, as they are stored, for what derives them again (``exchange.audit``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select

from epix_node.register.tiles import TILE_HEIGHT
from epix_node.store import register
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register import RegisterState
from epix_node.store.register_tables import ChainRow, EntryRow, PendingRow, RegisterRow, SubtreeRow
from epix_node.store.subtrees import MAX_LEVEL
from epix_node.store.tables import DocumentRow

_ENTRY = table(EntryRow)
_DOCUMENT = table(DocumentRow)
_SUBTREE = table(SubtreeRow)
_CHAIN = table(ChainRow)
_PENDING = table(PendingRow)
_REGISTER = table(RegisterRow)

_ENTRIES = (
    select(
        _ENTRY.c.index.label("number"),  # a row of the database has an ``index`` of its own
        _ENTRY.c.leaf,
        _ENTRY.c.c_head,
        _DOCUMENT.c.sha256,
        _DOCUMENT.c.xml,
        _DOCUMENT.c.salt,
        _DOCUMENT.c.permit_salt,
    )
    .outerjoin(_DOCUMENT, (_DOCUMENT.c.party == _ENTRY.c.party) & (_DOCUMENT.c.register_index == _ENTRY.c.index))
    .where(_ENTRY.c.party == bindparam("of"), _ENTRY.c.index >= bindparam("start"), _ENTRY.c.index < bindparam("end"))
    .order_by(_ENTRY.c.index)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDocument:
    """The document that an entry is said to be about."""

    sha256: str
    xml: bytes
    salt: bytes
    permit_salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEntry:
    """An entry as it is stored."""

    index: int
    leaf: bytes
    c_head: int | None
    document: EntryDocument | None


def registers(session: Session) -> list[RegisterState]:
    """Every register that something is held of."""
    parties = list(session.core.execute(select(_REGISTER.c.party).order_by(_REGISTER.c.party)).scalars())
    found = [register.state(session, party) for party in parties]
    return [state for state in found if state is not None]


def entries(session: Session, party: str, start: int, end: int) -> list[HeldEntry]:
    """The entries ``[start, end)`` that are held, each with its document, in order."""
    rows = session.core.execute(_ENTRIES, {"of": party, "start": start, "end": end})
    return [
        HeldEntry(
            index=row.number,
            leaf=row.leaf,
            c_head=row.c_head,
            document=None
            if row.sha256 is None
            else EntryDocument(sha256=row.sha256, xml=row.xml, salt=row.salt, permit_salt=row.permit_salt),
        )
        for row in rows
    ]


def subtrees_ending(session: Session, party: str, size: int) -> Mapping[int, tuple[int, bytes]]:
    """By level: number and hash of the stored subtree whose last leaf is the last of so many."""
    ends = [
        (_SUBTREE.c.level == level) & (_SUBTREE.c.index == (size >> TILE_HEIGHT * level) - 1)
        for level in range(1, MAX_LEVEL + 1)
        if size >= 1 << TILE_HEIGHT * level and size % (1 << TILE_HEIGHT * level) == 0
    ]
    if not ends:
        return {}
    found = select(_SUBTREE.c.level, _SUBTREE.c.index, _SUBTREE.c.hash).where(_SUBTREE.c.party == party, or_(*ends))
    return {level: (number, root) for level, number, root in session.core.execute(found)}


def subtrees_beyond(session: Session, party: str, size: int) -> list[tuple[int, int]]:
    """Level and number of the stored subtrees that so many leaves do not complete; at most a hundred."""
    beyond = [
        (_SUBTREE.c.level == level) & (_SUBTREE.c.index >= size >> TILE_HEIGHT * level)
        for level in range(1, MAX_LEVEL + 1)
    ]
    rows = select(_SUBTREE.c.level, _SUBTREE.c.index).where(_SUBTREE.c.party == party, or_(*beyond)).limit(100)
    return [(level, number) for level, number in session.core.execute(rows)]


def documents_outside(session: Session, party: str, size: int) -> list[str]:
    """Digests of this Party's documents that are in no entry below ``size`` and wait for none; at most a hundred."""
    waiting = select(_PENDING.c.sha256).where(_PENDING.c.party == party)
    rows = (
        select(_DOCUMENT.c.sha256)
        .where(
            _DOCUMENT.c.party == party,
            or_(_DOCUMENT.c.register_index.is_(None), _DOCUMENT.c.register_index >= size),
            _DOCUMENT.c.sha256.not_in(waiting),
        )
        .order_by(_DOCUMENT.c.sha256)
        .limit(100)
    )
    return list(session.core.execute(rows).scalars())


def chains(session: Session, party: str) -> dict[bytes, int]:
    """By PermitSalt: how many entries the own register is said to have under it."""
    rows = session.core.execute(select(_CHAIN.c.permit_salt, _CHAIN.c.length).where(_CHAIN.c.party == party))
    return {row.permit_salt: row.length for row in rows}
