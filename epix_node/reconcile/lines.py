"""How the lines of a held permit stand (``ledger``), read from the store."""

from __future__ import annotations

from datetime import datetime

from epix_node.permit.number import PermitKey
from epix_node.reconcile.ledger import line_states
from epix_node.reconcile.line_state import LineState
from epix_node.reconcile.observability import observed_of
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.surroundings import load_case
from epix_node.store import awaited
from epix_node.store.database import Session


def lines_of(session: Session, perspective: Perspective, key: PermitKey, *, now: datetime) -> tuple[LineState, ...]:
    """How every line of this permit stands now; none of one that is not held or counts no more."""
    case = load_case(session, perspective, key.issuer, key.number)
    fact = next((fact for fact in case.permits if fact.key == key), None)
    if fact is None:
        return ()
    seen = observed_of(session, perspective, case, fact, now=now)
    # Where a document of the permit is known to be held back, silence is no evidence.
    is_whole = seen is not None and not awaited.lacking(session, key)
    return line_states(
        case,
        fact,
        parameters=perspective.ruleset.patterns,
        now=now,
        confirm_observable=is_whole and seen is not None and seen.confirm,
        endorse_observable=is_whole and seen is not None and seen.endorse,
    )
