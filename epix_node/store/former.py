"""Registers that a Party wrote before the one that it writes now: kept as they are, under a key of their own.

Everything that is held of a register is under its Party in the database. When the Party begins another one (C.4 item 8
(c)), what is held of the register before moves to ``key_of``, untouched, and its documents remember their first entry:
that proves their age, whatever became of the register. They get another number when the new register lists them again,
which is known by what the entry commits to, and needs nobody's word.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select, update

from epix_node.register.entry import document_commitment, parse_leaf
from epix_node.store import awaited, documents, pending, register, revocations
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import ExtractRow
from epix_node.store.register_tables import (
    ChainRow,
    DisorderRow,
    EntryRow,
    LostRow,
    ProofRow,
    RegisterRow,
    ScrubRow,
    SubtreeRow,
)
from epix_node.store.tables import DocumentRow, EventRow, PermitRow, QuarantineRow, StatusCardRow, WantedRow

_DOCUMENT = table(DocumentRow)
_REGISTER = table(RegisterRow)
_KEPT = (_REGISTER, table(EntryRow), table(SubtreeRow), table(ProofRow), table(DisorderRow), table(LostRow))
_COUNTED_AGAIN = (table(ChainRow), table(ScrubRow))
_INDEXES = (EventRow, PermitRow, StatusCardRow, QuarantineRow, ExtractRow)
_NUMBERED = (_DOCUMENT, *(table(row) for row in _INDEXES))
_NO_NUMBER = (
    _DOCUMENT.c.party == bindparam("of"),
    _DOCUMENT.c.register_index.is_(None),
    _DOCUMENT.c.former_index.is_not(None),
)


def key_of(party: str, origin: str) -> str:
    """What stands in the place of the Party in the tables of this former register."""
    return f"{party} {origin}"


def writer_of(key: str) -> str:
    """The Party whose register is under this key, be it the present one or a former one."""
    return key.partition(" ")[0]


def registers(session: Session, party: str) -> tuple[str, ...]:
    """The keys of the former registers of this Party that something is held of."""
    query = select(_REGISTER.c.party).where(_REGISTER.c.party.startswith(f"{party} ", autoescape=True))
    return tuple(session.core.execute(query.order_by(_REGISTER.c.party)).scalars())


def set_aside(session: Session, party: str) -> None:
    """Nothing is held of the register that this Party writes now; what was held is that of a former one.

    No document has a number any more. The cases of all of them are remembered to be looked at again.
    """
    held = register.state(session, party)
    if held is None:
        raise LookupError(f"nothing is held of the register of {party}")
    key = key_of(party, held.origin)
    awaited.forget(session, party)
    core = session.core
    revocations.remember(session, _numbers(session, _DOCUMENT.c.party == party))
    is_first = (
        _DOCUMENT.c.party == party,
        _DOCUMENT.c.register_index.is_not(None),
        _DOCUMENT.c.former_index.is_(None),
    )
    core.execute(
        update(_DOCUMENT).where(*is_first).values(former_register=key, former_index=_DOCUMENT.c.register_index)
    )
    for rows in _NUMBERED:
        core.execute(
            update(rows).where(rows.c.party == party, rows.c.register_index.is_not(None)).values(register_index=None)
        )
    for rows in _KEPT:
        core.execute(update(rows).where(rows.c.party == party).values(party=key))
    # A row of a former register is of no use to them: they are counted, and asked for, by the new one.
    for rows in (*_COUNTED_AGAIN, table(WantedRow)):
        core.execute(delete(rows).where(rows.c.party == party))


def number_again(session: Session, party: str, *, start: int, end: int) -> int:
    """Documents of former registers that the entries ``[start, end)`` commit to have those numbers; returns how many.

    They keep what is known of their age. An own one that waited for a number waits no more.
    """
    query = (
        select(_DOCUMENT.c.sha256, _DOCUMENT.c.salt, _DOCUMENT.c.xml)
        .where(*_NO_NUMBER)
        .execution_options(yield_per=500)
    )
    of_commitment = {
        document_commitment(row.salt, row.xml): row.sha256 for row in session.core.execute(query, {"of": party})
    }
    if not of_commitment:
        return 0
    found: list[str] = []
    for index, data in enumerate(register.leaves(session, party, start, end), start=start):
        sha256 = of_commitment.pop(parse_leaf(data).d, None)
        if sha256 is not None:
            pending.number_again(session, party, sha256, index=index)
            found.append(sha256)
    for sha256 in found:
        revocations.remember(session, _numbers(session, _DOCUMENT.c.party == party, _DOCUMENT.c.sha256 == sha256))
    documents.no_longer_wanted(session, party, found)
    return len(found)


def _numbers(session: Session, *of: object) -> Iterable[tuple[str, str]]:
    query = select(_DOCUMENT.c.permit_issuer, _DOCUMENT.c.permit_number).where(*of).distinct()  # type: ignore[arg-type]
    return [(row.permit_issuer, row.permit_number) for row in session.core.execute(query)]
