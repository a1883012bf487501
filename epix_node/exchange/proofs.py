"""Proofs that entries are in a register, made of what this node holds of it (C.4 items 6 and 7).

The own register and mirrors alike: whoever mirrors a register can prove every entry of it to anybody.
"""

from __future__ import annotations

from epix_node.register.checkpoint import parse_checkpoint_body
from epix_node.register.cosignature import merged
from epix_node.register.note import format_note, parse_note
from epix_node.register.proof import inclusion_proof
from epix_node.register.tlog_proof import TlogProof
from epix_node.store import register
from epix_node.store.database import Session
from epix_node.store.register import RegisterState
from epix_node.store.subtrees import StoredHashes


def tlog_proof_of(session: Session, party: str, index: int) -> TlogProof | None:
    """The proof of entry ``index`` of this Party's register, with the entry itself as its extra data.

    It leads to the newest checkpoint that a quorum of witnesses signed, where that covers the entry, else to the newest
    that the register itself signed. None for an entry that is under no checkpoint yet.
    """
    held = register.state(session, party)
    entry = register.leaf(session, party, index)
    note = _note_over(held, index) if held is not None else None
    if note is None or entry is None:
        return None
    size = parse_checkpoint_body(parse_note(note).body).size  # verified before it was stored
    if index >= size:
        return None
    hashes = inclusion_proof(StoredHashes(session, party, size), index=index, size=size)
    return TlogProof(index=index, hashes=tuple(hashes), checkpoint=note, extra=entry)


def _note_over(held: RegisterState, index: int) -> bytes | None:
    """The best note held that covers the entry; all lines of both where they are over the same tree.

    A quiet register goes on cosigning its checkpoint (decision 5), its witnesses need not.
    """
    if held.witnessed is None or index >= held.witnessed_size:
        return held.checkpoint
    if held.checkpoint is None:
        return held.witnessed
    witnessed, newest = parse_note(held.witnessed), parse_note(held.checkpoint)
    return format_note(merged(witnessed, newest.signatures)) if witnessed.body == newest.body else held.witnessed
