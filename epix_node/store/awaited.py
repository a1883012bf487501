"""Entries of the chains of held permits whose documents did not come: what a Party logged and shows to others only.

Whoever holds a permit knows its PermitSalt and can compute, for the register of every other holder, which ``c`` the
next entry of the permit's chain will have there (protocol decision 4). Those values are kept (``awaited``). When the
verified part of a mirror grows they are looked for in it, and when a permit is recorded its chain is followed through
the mirrors. An entry that is found and whose document is not held is kept in ``withheld`` until the document comes; the
permit's card says since when, and answers flag it once that is ten minutes ago.

Entries come before their documents in every pull, so most rows of ``withheld`` live for a second. What this costs is
one look-up by index for a new leaf, or for a permit that is awaited, whichever are fewer in number.

The own register needs none of this. Documents in quarantine did not come: nobody knows whether their bytes are what the
entry commits to, except those that were believed and only contradict what is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, func, insert, or_, select, update

from epix_node.permit.number import PermitKey
from epix_node.register.entry import chain_commitment, parse_leaf
from epix_node.store import register
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import AwaitedRow, EntryRow, RegisterRow, WithheldRow
from epix_node.store.tables import DocumentRow, PermitRow, StatusCardRow

_AT_ONCE = 500
"""Values in one statement."""

_AWAITED = table(AwaitedRow)
_WITHHELD = table(WithheldRow)
_ENTRY = table(EntryRow)
_REGISTER = table(RegisterRow)
_DOCUMENT = table(DocumentRow)
_PERMIT = table(PermitRow)
_CARD = table(StatusCardRow)

_ARRIVED = (
    select(_AWAITED, _ENTRY.c.index.label("at"), _ENTRY.c.leaf)
    .join(_ENTRY, and_(_ENTRY.c.party == _AWAITED.c.party, _ENTRY.c.c_head == _AWAITED.c.c_head))
    .where(
        _AWAITED.c.party == bindparam("of"),
        _ENTRY.c.party == bindparam("of"),
        _ENTRY.c.index >= bindparam("start"),
        _ENTRY.c.index < bindparam("end"),
    )
    .order_by(_ENTRY.c.index)
)
_OF_CHAIN = and_(_AWAITED.c.party == bindparam("of"), _AWAITED.c.permit_salt == bindparam("salt"))
_MOVE = update(_AWAITED).where(_OF_CHAIN)
_IS_CARD = and_(
    _CARD.c.issuer == bindparam("of"),
    _CARD.c.number == bindparam("numbered"),
    _CARD.c.type == bindparam("typed"),
    _CARD.c.year == bindparam("dated"),
)
_MARK = (
    update(_CARD)
    .where(_IS_CARD)
    .values(
        withheld_since=select(func.min(_WITHHELD.c.since))
        .where(*(_WITHHELD.c[name] == _CARD.c[name] for name in ("issuer", "number", "type", "year")))
        .scalar_subquery()
    )
)
_OF_PERMIT = and_(*(_WITHHELD.c[name] == bindparam(f"its_{name}") for name in ("issuer", "number", "type", "year")))
_ALL_WATCHED = select(_REGISTER.c.party).where(_REGISTER.c.is_watched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A held permit's chain in one register; ``length`` of its entries were found there."""

    party: str
    permit_salt: bytes
    key: PermitKey
    length: int = 0

    @property
    def next_c(self) -> bytes:
        """The commitment that the next entry will have."""
        return chain_commitment(self.permit_salt, self.party, self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """An entry whose document is missing, and since when."""

    party: str
    index: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    party: str
    index: int
    key: PermitKey


def watch(session: Session, chains: Iterable[Chain], *, now: datetime, is_new: bool = False) -> None:
    """The permits of these chains are held from now on: their next entries are awaited, and those there are found.

    Registers that are not mirrored yet are left out; ``leaves_arrived`` takes them in when they are. With ``is_new``
    the salts were drawn just now, so that nothing can be there yet.
    """
    wanted = {(chain.party, chain.permit_salt): chain for chain in chains}
    watched = _watched(session, {party for party, _ in wanted})
    fresh = [chain for (party, _), chain in wanted.items() if party in watched]
    if not is_new:
        # A salt that a dishonest Party uses for two permits stays the first one's.
        known = {party: _known_salts(session, party, [c.permit_salt for c in fresh]) for party in watched}
        fresh = [chain for chain in fresh if chain.permit_salt not in known[chain.party]]
    _insert(session, *(_followed(session, fresh) if not is_new else (fresh, [])), now=now)


def leaves_arrived(
    session: Session, party: str, *, codes: Collection[str], start: int, end: int, now: datetime
) -> None:
    """The verified part of this Party's mirror has grown from ``start`` to ``end`` entries.

    ``codes`` are those that the Party speaks for: permits addressed to one of them are awaited in its register.
    """
    if not _watched(session, {party}):
        session.core.execute(
            update(_REGISTER).where(_REGISTER.c.party == bindparam("of")), {"of": party, "is_watched": True}
        )
        _insert(session, *_followed(session, _held_chains(session, party, codes)), now=now)
        return
    arrived = session.core.execute(_ARRIVED, {"of": party, "start": start, "end": end}).all()
    found: dict[bytes, tuple[Chain, _Found]] = {}
    for row in arrived:
        if parse_leaf(row.leaf).c == row.c:
            found.setdefault(row.permit_salt, (_chain(row), _Found(party=party, index=row.at, key=_key(row))))
    if not found:
        return
    moved, more = _followed(session, [replace(chain, length=chain.length + 1) for chain, _ in found.values()])
    session.core.execute(_MOVE, [{"of": c.party, "salt": c.permit_salt, **_place(c)} for c in moved])
    _keep(session, [*(first for _, first in found.values()), *more], now=now)


def came(session: Session, party: str, indexes: Iterable[int]) -> set[PermitKey]:
    """The documents of these entries came; cards that said that one was missing say so no more.

    Returns the permits of which one was missing.
    """
    touched: set[PermitKey] = set()
    for chunk in _chunks(sorted(set(indexes))):
        of_them = (_WITHHELD.c.party == party, _WITHHELD.c.index.in_(chunk))
        rows = session.core.execute(select(_WITHHELD).where(*of_them)).all()
        if rows:
            touched |= {_key(row) for row in rows}
            session.core.execute(delete(_WITHHELD).where(*of_them))
    mark(session, touched)
    return touched


def mark(session: Session, keys: Collection[PermitKey]) -> None:
    """The cards of these permits say since when an entry lacks its document, or that none does."""
    rows = [{"of": k.issuer, "numbered": k.number, "typed": k.type, "dated": k.year} for k in keys]
    if rows:
        session.core.execute(_MARK, rows)


def lacking(session: Session, key: PermitKey) -> tuple[Lacking, ...]:
    """The entries of this permit's chains whose documents are missing, by register and index."""
    place = _WITHHELD.c.index.label("place")
    query = select(_WITHHELD.c.party, place, _WITHHELD.c.since).where(_OF_PERMIT).order_by(_WITHHELD.c.party, place)
    rows = session.core.execute(query, {f"its_{name}": value for name, value in key.to_json().items()})
    return tuple(Lacking(party=row.party, index=row.place, since=row.since) for row in rows)


def lacking_in(session: Session, party: str) -> list[PermitKey]:
    """The permits that lack documents of this Party's register."""
    rows = session.core.execute(select(_WITHHELD).where(_WITHHELD.c.party == party).order_by(_WITHHELD.c.index))
    return list(dict.fromkeys(_key(row) for row in rows))


def lacking_entries(session: Session, party: str) -> set[int]:
    """The entries of this Party's register that lack their documents here."""
    return set(session.core.execute(select(_WITHHELD.c.index).where(_WITHHELD.c.party == party)).scalars())


def forget(session: Session, party: str) -> None:
    """Nothing is awaited in this register any more: its Party begins another one, which is looked through anew."""
    touched = {_key(row) for row in session.core.execute(select(_WITHHELD).where(_WITHHELD.c.party == party))}
    session.core.execute(delete(_WITHHELD).where(_WITHHELD.c.party == party))
    session.core.execute(delete(_AWAITED).where(_AWAITED.c.party == party))
    session.core.execute(
        update(_REGISTER).where(_REGISTER.c.party == bindparam("of")), {"of": party, "is_watched": False}
    )
    mark(session, touched)


def _followed(session: Session, chains: Sequence[Chain]) -> tuple[list[Chain], list[_Found]]:
    """The chains moved behind the last of their entries in the verified mirrors, and those entries."""
    sizes = _verified(session, {chain.party for chain in chains})
    done: list[Chain] = []
    found: list[_Found] = []
    going = list(chains)
    while going:
        there = _entries(session, going, sizes)
        done += [chain for chain in going if chain not in there]
        found += [_Found(party=chain.party, index=index, key=chain.key) for chain, index in there.items()]
        going = [replace(chain, length=chain.length + 1) for chain in there]
    return done, found


def _entries(session: Session, chains: Sequence[Chain], sizes: dict[str, int]) -> dict[Chain, int]:
    """The index of each chain's next entry, where the verified part of its register has one; the first counts."""
    there: dict[Chain, int] = {}
    for party in {chain.party for chain in chains}:
        next_of = {chain.next_c: chain for chain in chains if chain.party == party}
        heads = sorted({register.head_of(c) for c in next_of})
        for chunk in _chunks(heads):
            query = select(_ENTRY.c.index, _ENTRY.c.leaf).where(
                _ENTRY.c.party == party, _ENTRY.c.c_head.in_(chunk), _ENTRY.c.index < sizes.get(party, 0)
            )
            for index, leaf in session.core.execute(query.order_by(_ENTRY.c.index)):
                chain = next_of.get(parse_leaf(leaf).c)
                if chain is not None:
                    there.setdefault(chain, index)
    return there


def _held_chains(session: Session, party: str, codes: Collection[str]) -> list[Chain]:
    """The chains of all held permits that this Party issued or received."""
    received = or_(*(_DOCUMENT.c.recipients.contains(f",{code},", autoescape=True) for code in sorted(codes)))
    query = (
        select(_PERMIT.c.issuer, _PERMIT.c.type, _PERMIT.c.number, _PERMIT.c.year, _DOCUMENT.c.permit_salt)
        .join(_DOCUMENT, and_(_DOCUMENT.c.party == _PERMIT.c.party, _DOCUMENT.c.sha256 == _PERMIT.c.document))
        .where(or_(_PERMIT.c.party == party, received) if codes else _PERMIT.c.party == party)
    )
    rows = session.core.execute(query.order_by(_PERMIT.c.at))
    chains = {row.permit_salt: Chain(party=party, permit_salt=row.permit_salt, key=_key(row)) for row in rows}
    return list(chains.values())


def _insert(session: Session, chains: Sequence[Chain], found: Sequence[_Found], *, now: datetime) -> None:
    if chains:
        rows = [
            {"party": chain.party, "permit_salt": chain.permit_salt, **chain.key.to_json(), **_place(chain)}
            for chain in chains
        ]
        session.core.execute(insert(_AWAITED), rows)
    _keep(session, found, now=now)


def _keep(session: Session, found: Sequence[_Found], *, now: datetime) -> None:
    """Those of the entries whose documents are not held are withheld from now on."""
    lacking: list[_Found] = []
    for party in {one.party for one in found}:
        there = {one.index: one for one in found if one.party == party}
        for chunk in _chunks(sorted(there)):
            query = select(_DOCUMENT.c.register_index).where(
                _DOCUMENT.c.party == party, _DOCUMENT.c.register_index.in_(chunk)
            )
            held = set(session.core.execute(query).scalars())
            lacking += [there[index] for index in chunk if index not in held]
    if lacking:
        rows = [{"party": one.party, "index": one.index, "since": now, **one.key.to_json()} for one in lacking]
        session.core.execute(insert(_WITHHELD), rows)
        mark(session, {one.key for one in lacking})


def _watched(session: Session, parties: Collection[str]) -> set[str]:
    # All of them: there are fewer registers than Parties, and every publishing act asks for a few.
    return set(session.core.execute(_ALL_WATCHED).scalars()) & set(parties) if parties else set()


def _known_salts(session: Session, party: str, salts: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for start in range(0, len(salts), _AT_ONCE):
        chunk = salts[start : start + _AT_ONCE]
        query = select(_AWAITED.c.permit_salt).where(_AWAITED.c.party == party, _AWAITED.c.permit_salt.in_(chunk))
        found.update(session.core.execute(query).scalars())
    return found


def _verified(session: Session, parties: Collection[str]) -> dict[str, int]:
    query = select(_REGISTER.c.party, _REGISTER.c.checkpoint_size).where(_REGISTER.c.party.in_(sorted(parties)))
    return {row.party: row.checkpoint_size for row in session.core.execute(query)}


def _place(chain: Chain) -> dict[str, Any]:
    c = chain.next_c
    return {"length": chain.length, "c": c, "c_head": register.head_of(c)}


def _chain(row: Row[Any]) -> Chain:
    return Chain(party=row.party, permit_salt=row.permit_salt, key=_key(row), length=row.length)


def _key(row: Any) -> PermitKey:
    return PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year)


def _chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
