"""Own documents that were accepted while nothing could be signed get their numbers (C.4 item 8 (c)).

A register accepts a document when it gives it an index, so that is the time of its leaf, however long the document
waited (C.4 item 9). Whoever calls this lets what rests on those times follow, in the same transaction.

One call is one transaction over a part of what waits: a crash leaves every document either waiting in its place or
numbered, never both.
"""

from __future__ import annotations

from datetime import datetime

from epix_node.exchange.own import OwnRegister, require_same
from epix_node.exchange.recording import Number
from epix_node.register.entry import Leaf, document_commitment
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.store import pending, register
from epix_node.store.database import Session

NUMBERED_AT_ONCE = 64
"""Documents numbered in one transaction, each with what follows from it: some hundred milliseconds."""


def number_pending(
    session: Session, own: OwnRegister, *, now: datetime, limit: int = NUMBERED_AT_ONCE
) -> dict[str, Number]:
    """The documents that wait longest have the next indexes; returns their digests and what they are about.

    Empty where nothing waits. Nothing is signed here: the next checkpoint covers them.
    """
    waiting = pending.first(session, own.party, limit=limit)
    if not waiting:
        return {}
    held = register.state(session, own.party)
    require_same(own, held)
    edge = held.edge if held is not None else RightEdge.empty()
    at = now.replace(microsecond=0)
    leaves: list[bytes] = []
    for index, document in enumerate(waiting, start=edge.size):
        leaf = Leaf(
            at=at,
            c=register.next_commitment(session, own.party, document.permit_salt),
            d=document_commitment(document.salt, document.xml),
            environment=own.environment,
            party=own.party,
        )
        leaves.append(leaf.to_bytes())
        if document.had_number:
            pending.number_again(session, own.party, document.sha256, index=index)
        else:
            pending.number(session, own.party, document.sha256, index=index, at=at)
    register.append(session, own.party, edge.size, leaves)
    register.put_edge(session, own.party, own.origin, edge.extended(leaf_hash(leaf) for leaf in leaves))
    return {document.sha256: (document.permit_issuer, document.permit_number) for document in waiting}
