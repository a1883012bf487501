"""How many entries the own register has under each PermitSalt, counted again from the entries themselves.

``chain`` is an index over what is in the register (protocol decision 4): who holds a salt can find every ``c`` made
with it, also those of entries whose documents are lost.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select

from epix_node.register.entry import chain_commitment, parse_leaf
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register import head_of
from epix_node.store.register_tables import ChainRow, EntryRow
from epix_node.store.tables import DocumentRow

_CHAIN = table(ChainRow)
_ENTRY = table(EntryRow)
_DOCUMENT = table(DocumentRow)
_LIKE = select(_ENTRY.c.leaf).where(_ENTRY.c.party == bindparam("of"), _ENTRY.c.c_head == bindparam("head"))
_DROP = delete(_CHAIN).where(_CHAIN.c.party == bindparam("of"), _CHAIN.c.permit_salt == bindparam("salt"))
_INSERT = insert(_CHAIN)


def recount(session: Session, party: str, *, after: bytes, limit: int) -> bytes | None:
    """The chains of the next ``limit`` PermitSalts after this one, of all documents held, have their true lengths.

    Returns the last of these salts, from which to go on; None when there is none left.
    """
    salts = (
        select(_DOCUMENT.c.permit_salt)
        .where(_DOCUMENT.c.permit_salt > after)
        .distinct()
        .order_by(_DOCUMENT.c.permit_salt)
        .limit(limit)
    )
    last: bytes | None = None
    for salt in list(session.core.execute(salts).scalars()):
        length = 0
        while _is_in_register(session, party, chain_commitment(salt, party, length)):
            length += 1
        session.core.execute(_DROP, {"of": party, "salt": salt})
        if length:
            session.core.execute(_INSERT, {"party": party, "permit_salt": salt, "length": length})
        last = salt
    return last


def _is_in_register(session: Session, party: str, c: bytes) -> bool:
    return any(
        parse_leaf(leaf).c == c for leaf in session.core.execute(_LIKE, {"of": party, "head": head_of(c)}).scalars()
    )
