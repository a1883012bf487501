"""Registers: the own one, which only this node appends to, and mirrors of every other.

The own register is sequenced inside the transaction that accepts a document: index, leaf, right edge and signed
checkpoint are committed together with the document or not at all (ADR: sequencing in the accepting transaction).
A mirror first takes leaves beyond the newest verified checkpoint; only when the root of the right edge equals the
checkpoint's do they count (``verified``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, func, insert, update
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.register.entry import Leaf, chain_commitment, parse_leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import ChainRow, EntryRow, ProofRow, RegisterRow
from epix_node.store.tables import DocumentRow

_DISORDER = timedelta(minutes=5)

_REGISTER = table(RegisterRow)
_STATE = select_rows(_REGISTER).where(_REGISTER.c.party == bindparam("party"))
_UPDATE_STATE = update(_REGISTER).where(_REGISTER.c.party == bindparam("of"))
_INSERT_STATE = insert(_REGISTER)
_SIZE = select_rows(_REGISTER.c.size).where(_REGISTER.c.party == bindparam("of"))
_ENTRY = table(EntryRow)
_LEAF = select_rows(_ENTRY.c.leaf).where(_ENTRY.c.party == bindparam("of"), _ENTRY.c.index == bindparam("at"))
_INSERT_ENTRY = insert(_ENTRY)
_PROOF = table(ProofRow)
_PROVEN_AT = (
    select_rows(_PROOF.c.at)
    .where(_PROOF.c.party == bindparam("of"), _PROOF.c.size > bindparam("index"))
    .order_by(_PROOF.c.size)
    .limit(1)
)
_CHAIN_TABLE = table(ChainRow)
_OF_CHAIN = and_(
    _CHAIN_TABLE.c.party == bindparam("chain_party"), _CHAIN_TABLE.c.permit_salt == bindparam("chain_salt")
)
_CHAIN = select_rows(_CHAIN_TABLE.c.length).where(_OF_CHAIN)
_UPDATE_CHAIN = update(_CHAIN_TABLE).where(_OF_CHAIN)
_INSERT_CHAIN = insert(_CHAIN_TABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterState:
    """How much of a register is held: ``edge`` over all leaves, the newest good checkpoint, and its time."""

    party: str
    origin: str
    edge: RightEdge
    checkpoint_size: int
    checkpoint: bytes | None
    cosigned_at: datetime | None


def state(session: Session, party: str) -> RegisterState | None:
    """What is held of this Party's register."""
    row = session.core.execute(_STATE, {"party": party}).first()
    if row is None:
        return None
    return RegisterState(
        party=row.party,
        origin=row.origin,
        edge=RightEdge.from_bytes(row.size, row.edge),
        checkpoint_size=row.checkpoint_size,
        checkpoint=row.checkpoint,
        cosigned_at=row.cosigned_at,
    )


def put_state(session: Session, held: RegisterState) -> None:
    """Write the state; the caller has verified the checkpoint."""
    values = {
        "origin": held.origin,
        "size": held.edge.size,
        "edge": held.edge.to_bytes(),
        "checkpoint_size": held.checkpoint_size,
        "checkpoint": held.checkpoint,
        "cosigned_at": held.cosigned_at,
    }
    changed = session.core.execute(_UPDATE_STATE, {"of": held.party, **values})
    if changed.rowcount == 0:
        session.core.execute(_INSERT_STATE, {"party": held.party, **values})


def next_commitment(session: Session, party: str, permit_salt: bytes, *, is_first: bool = False) -> bytes:
    """The next ``c`` of this PermitSalt in this register; counts the entry (protocol decision 4).

    ``is_first`` spares a look where the salt was drawn just now; 16 random bytes come only once.
    """
    chain = {"chain_party": party, "chain_salt": permit_salt}
    connection = session.core
    position = None if is_first else connection.execute(_CHAIN, chain).scalar()
    if position is None:
        connection.execute(_INSERT_CHAIN, {"party": party, "permit_salt": permit_salt, "length": 1})
    else:
        connection.execute(_UPDATE_CHAIN, {**chain, "length": position + 1})
    return chain_commitment(permit_salt, party, position or 0)


def append(session: Session, party: str, start: int, leaves: Sequence[bytes]) -> None:
    """Keep leaves ``start``, ``start + 1``, … of a register."""
    if leaves:
        rows = [{"party": party, "index": start + i, "leaf": leaf} for i, leaf in enumerate(leaves)]
        session.core.execute(_INSERT_ENTRY, rows)


def leaves(session: Session, party: str, start: int, end: int) -> list[bytes]:
    """The leaves ``[start, end)`` that are held, in order."""
    query = (
        select(EntryRow.leaf)
        .where(EntryRow.party == party, col(EntryRow.index) >= start, col(EntryRow.index) < end)
        .order_by(col(EntryRow.index))
    )
    return list(session.exec(query))


def leaf(session: Session, party: str, index: int) -> bytes | None:
    """One leaf."""
    found: bytes | None = session.core.execute(_LEAF, {"of": party, "at": index}).scalar()
    return found


def prove(session: Session, party: str, size: int, *, at: datetime) -> None:
    """A verified checkpoint over so many entries of another register is kept from this time on; the first counts."""
    if session.get(ProofRow, (party, size)) is None:
        session.add(ProofRow(party=party, size=size, at=at))
        session.flush()


def proven_at(session: Session, party: str, index: int) -> datetime | None:
    """When this node first held the entry under a verified checkpoint (protocol decision 7).

    None where that was not noted: of the own register, whose entries are proven as they are made.
    """
    found: datetime | None = session.core.execute(_PROVEN_AT, {"of": party, "index": index}).scalar()
    return found


def drop_from(session: Session, party: str, start: int) -> None:
    """Forget leaves from ``start`` on: they never were under a verified checkpoint."""
    session.execute(delete(EntryRow).where(col(EntryRow.party) == party, col(EntryRow.index) >= start))


def edge_of(session: Session, party: str, size: int) -> RightEdge:
    """The right edge over the first ``size`` leaves, derived again from the leaves themselves."""
    edge = RightEdge.empty()
    for start in range(0, size, 4096):
        edge = edge.extended(leaf_hash(entry) for entry in leaves(session, party, start, min(size, start + 4096)))
    return edge


def holds_unread(session: Session, party: str, *, since: datetime | None, until: datetime | None) -> bool:
    """Whether an entry that this register accepted in this time is held without its document.

    ``None`` leaves a side open. Entries stand in the order of their times but for five minutes (protocol C.4.9), so
    the first and the last that matter are found by bisection.
    """
    size = session.core.execute(_SIZE, {"of": party}).scalar() or 0
    first = 0 if since is None else _first_at(session, party, size, since - 2 * _DISORDER)
    last = size if until is None else _first_at(session, party, size, until + 2 * _DISORDER)
    unread = select(EntryRow.index).where(
        EntryRow.party == party,
        col(EntryRow.index) >= first,
        col(EntryRow.index) < last,
        ~select(DocumentRow.sha256)
        .where(DocumentRow.party == EntryRow.party, DocumentRow.register_index == EntryRow.index)
        .exists(),
    )
    return session.exec(unread.limit(1)).first() is not None


def committing(session: Session, party: str, d: bytes, *, since: datetime, until: datetime) -> tuple[int, Leaf] | None:
    """The entry of a verified part of this register with this document commitment, accepted in this time."""
    held = state(session, party)
    size = held.checkpoint_size if held is not None else 0
    first = _first_at(session, party, size, since - 2 * _DISORDER)
    last = _first_at(session, party, size, until + 2 * _DISORDER)
    query = (
        select(EntryRow.index, EntryRow.leaf)
        .where(
            EntryRow.party == party,
            col(EntryRow.index) >= first,
            col(EntryRow.index) < last,
            func.instr(col(EntryRow.leaf), d.hex().encode()) > 0,  # not parsed one by one: there may be thousands
        )
        .order_by(col(EntryRow.index))
    )
    for index, data in session.exec(query):
        if (found := parse_leaf(data)).d == d:
            return index, found
    return None


def _first_at(session: Session, party: str, size: int, moment: datetime) -> int:
    """The index of the first entry that was accepted at this time or later."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        entry = leaf(session, party, middle)
        if entry is not None and parse_leaf(entry).at < moment:
            low = middle + 1
        else:
            high = middle
    return low
