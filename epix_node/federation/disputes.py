"""Two histories of one register: evidence is kept, and the Party is frozen until people have looked (C.4 item 10).

Nobody's word is needed: what is recorded here was judged by ``register.evidence`` under the log's own key, so that
whoever brings it can lie about anything but this.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from epix_node.register.evidence import Conflict, encode_conflict, judge
from epix_node.store import conflicts, peers
from epix_node.store.conflicts import Dispute
from epix_node.store.database import Session

log = structlog.get_logger("epix_node.federation")


def dispute_of(conflict: Conflict, *, party: str, source: str, now: datetime, is_reported: bool = False) -> Dispute:
    """What is kept of this conflict, which was judged to convict the log of ``party``."""
    return Dispute(
        id=conflict.id,
        party=party,
        origin=conflict.log.name,
        evidence=encode_conflict(conflict),
        source=source,
        found_at=now,
        is_reported=is_reported,
    )


def record(session: Session, found: Dispute, *, reason: str) -> bool:
    """The Party is frozen, and the evidence is kept, unless enough is; true where it is new here and kept.

    A Party that people took up again (``peers unfreeze``) is frozen anew by new evidence only.
    """
    if conflicts.find(session, found.id) is not None:
        return False
    state = peers.meet(session, found.party, now=found.found_at)
    if state.frozen is None:
        peers.note(session, found.party, frozen=reason, etag=None)
    return conflicts.keep(session, found)


def convict(
    session: Session, conflict: Conflict, *, party: str, source: str, now: datetime, is_reported: bool = False
) -> Dispute | None:
    """As ``record``, where the evidence convicts the log; None where it does not, or is held already."""
    judgement = judge(conflict, log_key=conflict.log)
    if not judgement.is_guilty:
        return None
    found = dispute_of(conflict, party=party, source=source, now=now, is_reported=is_reported)
    return found if record(session, found, reason=judgement.reason) else None


def tell(found: Dispute) -> None:
    """One line in the log, for people: who, and what to do."""
    log.error(
        "a register has two histories",
        party=found.party,
        origin=found.origin,
        shown_by=found.source,
        evidence=found.id,
        advice=f"nothing is taken from it; see `epix-node peers show {found.party}`",
    )
