"""Registers: the own one, which only this node appends to, and mirrors of every other.

Entries of the own register are committed with the documents that they are about; the checkpoint that covers them is
signed right after (``exchange.sequencer``). A mirror first takes leaves beyond the newest verified checkpoint; only
when the root of the right edge equals the checkpoint's do they count.

Who writes which column of a register's row: a mirror's checkpoint ``put_state``, an accepting transaction ``put_edge``,
the sequencer ``put_checkpoint``; cosignatures ``put_witnessed``, and what stops signing ``halt``. None touches what is
another's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import LargeBinary, and_, bindparam, delete, func, insert, update
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.register.cosignature import merged
from epix_node.register.entry import Leaf, chain_commitment, parse_leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.register.note import format_note, parse_note
from epix_node.store import subtrees
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

_C_OF_LEAF = re.compile(rb'"c":"([0-9a-f]{64})"')
_D_HEX = (106, 64)
"""Where the hex digits of ``d`` begin in a leaf, counted from 1, and how many they are: leaves have one spelling."""

# What stands in a register and in its tree is read through here.
StoredHashes = subtrees.StoredHashes
leaves = subtrees.leaves
tile = subtrees.tile


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterState:
    """How much of a register is held: ``edge`` over all leaves, the newest good checkpoint, and its time.

    ``witnessed_size`` is the size of the newest checkpoint that the quorum of this node's witness policy cosigned,
    ``witnessed`` that note. Of the own register alone: ``is_sealed``, a last-signed record was written for it;
    ``halted``, why nothing may be signed now.
    """

    party: str
    origin: str
    edge: RightEdge
    checkpoint_size: int
    checkpoint: bytes | None
    cosigned_at: datetime | None
    witnessed_size: int = 0
    witnessed: bytes | None = None
    is_sealed: bool = False
    halted: str | None = None


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
        witnessed_size=row.witnessed_size,
        witnessed=row.witnessed,
        is_sealed=row.is_sealed,
        halted=row.halted,
    )


def put_state(session: Session, held: RegisterState) -> None:
    """Write the edge and the checkpoint of a mirror; the caller has verified the checkpoint. Nothing else changes."""
    values = {
        "origin": held.origin,
        "size": held.edge.size,
        "edge": held.edge.to_bytes(),
        "checkpoint_size": held.checkpoint_size,
        "checkpoint": held.checkpoint,
        "cosigned_at": held.cosigned_at,
    }
    _put(session, held.party, values)


def put_edge(session: Session, party: str, origin: str, edge: RightEdge) -> None:
    """The own register grew; no checkpoint covers the new entries yet."""
    _put(session, party, {"origin": origin, "size": edge.size, "edge": edge.to_bytes()})


def put_checkpoint(
    session: Session, party: str, origin: str, note: bytes, *, size: int, cosigned_at: datetime
) -> RegisterState:
    """The own register has this signed checkpoint, which is in the last-signed record; returns its state now.

    A smaller one than is held changes nothing, and none is taken where signing was stopped meanwhile. Cosignatures that
    others gave for the same checkpoint stay.
    """
    held = state(session, party) or RegisterState(
        party=party, origin=origin, edge=RightEdge.empty(), checkpoint_size=0, checkpoint=None, cosigned_at=None
    )
    if size < held.checkpoint_size or held.halted is not None:
        return held
    if held.checkpoint is not None and size == held.checkpoint_size:
        before, signed = parse_note(held.checkpoint), parse_note(note)
        if before.body == signed.body:
            note = format_note(merged(before, signed.signatures))
            cosigned_at = max(cosigned_at, held.cosigned_at or cosigned_at)
    now = replace(held, checkpoint_size=size, checkpoint=note, cosigned_at=cosigned_at, is_sealed=True)
    values: dict[str, object] = {
        "checkpoint_size": size,
        "checkpoint": note,
        "cosigned_at": cosigned_at,
        "is_sealed": True,
    }
    if session.core.execute(_UPDATE_STATE, {"of": party, **values}).rowcount == 0:
        values |= {"origin": origin, "size": 0, "edge": held.edge.to_bytes()}
        session.core.execute(_INSERT_STATE, {"party": party, **values})
    return now


def put_witnessed(session: Session, party: str, note: bytes, size: int) -> None:
    """The quorum cosigned this checkpoint; one that is smaller than what it cosigned before changes nothing."""
    larger = _UPDATE_STATE.where(_REGISTER.c.witnessed_size <= size)
    session.core.execute(larger, {"of": party, "witnessed_size": size, "witnessed": note})


def halt(session: Session, party: str, origin: str, reason: str | None) -> None:
    """Nothing is signed for the own register any more, for this reason; None: signing may go on."""
    if session.core.execute(_UPDATE_STATE, {"of": party, "halted": reason}).rowcount == 0:
        empty = RightEdge.empty()
        _put(session, party, {"origin": origin, "size": 0, "edge": empty.to_bytes(), "halted": reason})


def _put(session: Session, party: str, values: dict[str, object]) -> None:
    if session.core.execute(_UPDATE_STATE, {"of": party, **values}).rowcount == 0:
        session.core.execute(_INSERT_STATE, {"party": party, **values})


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


def append(session: Session, party: str, start: int, added: Sequence[bytes]) -> None:
    """Keep leaves ``start``, ``start + 1``, … of a register, and the roots of the subtrees that they complete.

    The cost of a leaf does not depend on the size of the register.
    """
    if added:
        rows = [
            {"party": party, "index": start + i, "leaf": leaf, "c_head": _head_of_leaf(leaf)}
            for i, leaf in enumerate(added)
        ]
        session.core.execute(_INSERT_ENTRY, rows)
        subtrees.complete(session, party, start, added)


def head_of(c: bytes) -> int:
    """What ``EntryRow.c_head`` has of a chain commitment: its first 8 bytes, as a signed big-endian number."""
    return int.from_bytes(c[:8], "big", signed=True)


def _head_of_leaf(leaf: bytes) -> int | None:
    found = _C_OF_LEAF.search(leaf)
    return head_of(bytes.fromhex(found[1].decode("ascii"))) if found is not None else None


def leaf(session: Session, party: str, index: int) -> bytes | None:
    """One leaf."""
    found: bytes | None = session.core.execute(_LEAF, {"of": party, "at": index}).scalar()
    return found


def prove(session: Session, party: str, size: int, *, at: datetime, witnessed_at: datetime | None = None) -> None:
    """A verified checkpoint over so many entries of another register is kept from this time on; the first counts.

    ``witnessed_at`` is the time by which the quorum had cosigned it, which may become known later.
    """
    row = session.get(ProofRow, (party, size))
    if row is None:
        session.add(ProofRow(party=party, size=size, at=at, witnessed_at=witnessed_at))
    elif row.witnessed_at is None:
        row.witnessed_at = witnessed_at
    session.flush()


def proven_at(session: Session, party: str, index: int) -> datetime | None:
    """When this node first held the entry under a verified checkpoint (protocol decision 7).

    None where that was not noted: of the own register, whose entries are proven as they are made.
    """
    found: datetime | None = session.core.execute(_PROVEN_AT, {"of": party, "index": index}).scalar()
    return found


def drop_from(session: Session, party: str, start: int) -> None:
    """Forget leaves from ``start`` on, and the subtrees that end with them; no verified checkpoint covers them."""
    session.execute(delete(EntryRow).where(col(EntryRow.party) == party, col(EntryRow.index) >= start))
    subtrees.drop_beyond(session, party, start)


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
            # Not parsed one by one: there may be thousands.
            func.substr(col(EntryRow.leaf), *_D_HEX, type_=LargeBinary) == d.hex().encode(),
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
