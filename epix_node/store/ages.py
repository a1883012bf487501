"""How old the entries of mirrored registers are, as far as this node can prove (C.4 item 9, protocol decision 7).

Each verified checkpoint says of the entries that it was the first to cover: they came after the time at which the
register still said that it was smaller, and a node that keeps it can prove that they were there. An entry whose own
``at`` lies before that of an earlier one by more than the clocks allow came after that one, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, insert, update
from sqlalchemy import select as select_rows

from epix_node.clock import format_time, parse_time
from epix_node.permit.timing import CLOCKS
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import DisorderRow, EntryRow, ProofRow, RegisterRow

_PROOF = table(ProofRow)
_DISORDER = table(DisorderRow)
_REGISTER = table(RegisterRow)
_ENTRY = table(EntryRow)
_FIRST_OVER = (
    select_rows(_PROOF.c.at, _PROOF.c.witnessed_at, _PROOF.c.grown_after)
    .where(_PROOF.c.party == bindparam("of"), _PROOF.c.size > bindparam("at"))
    .order_by(_PROOF.c.size)
    .limit(1)
)
_WITNESSED = (
    select_rows(_PROOF.c.witnessed_at)
    .where(_PROOF.c.party == bindparam("of"), _PROOF.c.size > bindparam("at"), _PROOF.c.witnessed_at.is_not(None))
    .order_by(_PROOF.c.size)
    .limit(1)
)
_LAST_OF_SPAN = select_rows(func.min(_PROOF.c.size)).where(
    _PROOF.c.party == bindparam("of"), _PROOF.c.size > bindparam("at")
)
_OVER_SPAN = (
    select_rows(_PROOF.c.size, _PROOF.c.at, _PROOF.c.witnessed_at, _PROOF.c.grown_after)
    .where(_PROOF.c.party == bindparam("of"), _PROOF.c.size > bindparam("low"), _PROOF.c.size <= bindparam("last"))
    .order_by(_PROOF.c.size)
)
_LATER_IN_SPAN = select_rows(_DISORDER.c.index, _DISORDER.c.later_at).where(
    _DISORDER.c.party == bindparam("of"), _DISORDER.c.index >= bindparam("low"), _DISORDER.c.index <= bindparam("high")
)
_LATER = select_rows(_DISORDER.c.later_at).where(
    _DISORDER.c.party == bindparam("of"), _DISORDER.c.index == bindparam("at")
)
_LATEST_AT = select_rows(_REGISTER.c.latest_at).where(_REGISTER.c.party == bindparam("of"))
_PUT_LATEST_AT = update(_REGISTER).where(_REGISTER.c.party == bindparam("of"))
_LEAVES = (
    select_rows(_ENTRY.c.index, _ENTRY.c.leaf)
    .where(_ENTRY.c.party == bindparam("of"), _ENTRY.c.index >= bindparam("start"), _ENTRY.c.index < bindparam("end"))
    .order_by(_ENTRY.c.index)
)
_INSERT_DISORDER = insert(_DISORDER)
_PUT_GROWN_AFTER = update(_PROOF).where(
    _PROOF.c.party == bindparam("of"), _PROOF.c.size == bindparam("up_to"), _PROOF.c.grown_after.is_(None)
)

_AT = slice(7, 27)
"""Where a leaf says when it was accepted: leaves have one spelling."""

_LEAVES_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """What bounds the time at which a register took an entry; see ``permit.timing``."""

    held_at: datetime
    """When this node first held it under a verified checkpoint."""
    grown_after: datetime | None
    witnessed_at: datetime | None


def of_entry(session: Session, party: str, index: int) -> Age | None:
    """The age of a verified entry; None for one that no kept checkpoint covers, and for those of the own register."""
    entry = {"of": party, "at": index}
    first = session.core.execute(_FIRST_OVER, entry).first()
    if first is None:
        return None
    witnessed_at = first.witnessed_at
    if witnessed_at is None:
        witnessed_at = session.core.execute(_WITNESSED, entry).scalar()
    bounds = [bound for bound in (first.grown_after, session.core.execute(_LATER, entry).scalar()) if bound is not None]
    return Age(held_at=first.at, grown_after=max(bounds, default=None), witnessed_at=witnessed_at)


def of_entries(session: Session, party: str, indexes: Collection[int]) -> dict[int, Age]:
    """As ``of_entry`` for many of one register, in four statements: a page of documents has hundreds."""
    if not indexes:
        return {}
    low, high = min(indexes), max(indexes)
    last = session.core.execute(_LAST_OF_SPAN, {"of": party, "at": high}).scalar()
    span = {"of": party, "low": low, "last": last if last is not None else high}
    proofs = session.core.execute(_OVER_SPAN, span).all()
    disorder = session.core.execute(_LATER_IN_SPAN, {"of": party, "low": low, "high": high})
    later: dict[int, datetime] = {row[0]: row[1] for row in disorder}
    # For each proof, the first one from it on that the quorum cosigned; beyond the span there may be one, too.
    witnessed: datetime | None = session.core.execute(_WITNESSED, {"of": party, "at": high}).scalar()
    first_witnessed: list[datetime | None] = []
    for proof in reversed(proofs):
        witnessed = proof.witnessed_at or witnessed
        first_witnessed.append(witnessed)
    first_witnessed.reverse()
    sizes = [proof.size for proof in proofs]
    found: dict[int, Age] = {}
    for index in indexes:
        position = bisect_right(sizes, index)
        if position < len(proofs):
            proof = proofs[position]
            bounds = [bound for bound in (proof.grown_after, later.get(index)) if bound is not None]
            found[index] = Age(
                held_at=proof.at,
                grown_after=max(bounds, default=None),
                witnessed_at=first_witnessed[position],
            )
    return found


def grown(
    session: Session, party: str, *, start: int, end: int, still_smaller_at: datetime | None, now: datetime
) -> None:
    """The verified part of a mirror has grown from ``start`` to ``end`` entries; its proof is kept already.

    ``still_smaller_at`` is the newest time at which the register itself said that it had ``start`` entries. An ``at``
    that is still to come counts for nothing, or everything after that entry would seem to be dated back.
    """
    if end <= start:
        return
    if still_smaller_at is not None:
        session.core.execute(_PUT_GROWN_AFTER, {"of": party, "up_to": end, "grown_after": still_smaller_at})
    held: datetime | None = session.core.execute(_LATEST_AT, {"of": party}).scalar()
    latest, until = _text(held) if held is not None else b"", _text(now + CLOCKS)
    found: list[dict[str, object]] = []
    for index, at in _times(session, party, start, end):
        if at >= latest:  # as in almost every entry; texts of one form sort as the times do
            latest = at if at <= until else latest
        elif _time(at) < _time(latest) - CLOCKS:
            found.append({"party": party, "index": index, "later_at": _time(latest)})
    if found:
        session.core.execute(_INSERT_DISORDER, found)
    if latest:
        session.core.execute(_PUT_LATEST_AT, {"of": party, "latest_at": _time(latest)})


def _times(session: Session, party: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The index of each entry, and the text of its ``at``."""
    for position in range(start, end, _LEAVES_AT_ONCE):
        span = {"of": party, "start": position, "end": min(end, position + _LEAVES_AT_ONCE)}
        for index, leaf in session.core.execute(_LEAVES, span):
            yield index, leaf[_AT]


def _text(moment: datetime) -> bytes:
    return format_time(moment.replace(microsecond=0)).encode("ascii")


def _time(text: bytes) -> datetime:
    return parse_time(text.decode("ascii"))
