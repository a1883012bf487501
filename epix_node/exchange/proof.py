"""When this node first held the register entry of a document that it does not hold itself (protocol decision 7).

A mirror has the entries of all documents, and the documents that concern this node. Who shows another one can have it
proven all the same: the entry commits to its exact bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from epix_node.document.header import Header
from epix_node.permit.facts import MAX_MERGE_DELAY
from epix_node.register.entry import document_commitment
from epix_node.store import former, register
from epix_node.store.database import Session

_CLOCKS = timedelta(minutes=5)
"""How far the writer's clock and its register's may differ (C.4.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The entry that commits to a document, when its register took it, and since when this node can prove that."""

    register: str
    """The Party, or the key of a register that it wrote before (``store.former``)."""
    index: int
    accepted_at: datetime
    proven_at: datetime | None


def proof_of(session: Session, header: Header, xml: bytes) -> Proof | None:
    """The entry of this document, looked for among those of the day after it was issued; None: there is none."""
    try:
        since, until = header.issued - _CLOCKS, header.issued + MAX_MERGE_DELAY + _CLOCKS
    except OverflowError:
        # The writer chooses the time, also that of the first or the last day of the calendar: no register has those.
        return None
    d = document_commitment(header.salt, xml)
    for key in (*former.registers(session, header.party), header.party):
        found = register.committing(session, key, d, since=since, until=until)
        if found is not None:
            index, leaf = found
            proven_at = register.proven_at(session, key, index)
            return Proof(register=key, index=index, accepted_at=leaf.at, proven_at=proven_at)
    return None
