"""Whether others hold an extract of an own permit that says less than is true now (protocol decision 3).

The transaction that records an own permit, or anything about one, marks it here; ``acts.extracts`` writes what is due.
So nothing is lost where a process dies between the two.
"""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.exchange import audience
from epix_node.permit.extract import PermitExtract, extract_of
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.passage import passages
from epix_node.permit.status import Standing, standing
from epix_node.reconcile.perspective import Perspective
from epix_node.store import extracts
from epix_node.store.database import Session


def extract_now(fact: PermitFact, folded: Standing, events: Iterable[EventFact] = ()) -> PermitExtract:
    """What is to be told of the permit now; ``folded`` is its standing, made of the ``events`` about it."""
    return extract_of(
        fact.permit,
        permit_sha256=fact.source.document,
        withdrawn=fact.withdrawal.withdrawal.reason if fact.withdrawal is not None else None,
        balances=folded.lines,
        passages=passages((event.party, event.body) for event in events),
    )


def is_told(perspective: Perspective, fact: PermitFact) -> bool:
    """Whether this node tells others of the permit by extracts: its own ones, where they concern other countries."""
    return fact.key.issuer in perspective.codes and bool(audience.of_extract(fact.permit, writer=perspective.codes))


def to_tell(session: Session, perspective: Perspective, case: Case, fact: PermitFact) -> PermitExtract | None:
    """What others are to be told of a permit of the case; None where they know it, or need not know."""
    if not is_told(perspective, fact):
        return None
    events = case.events_of(fact)
    told = extract_now(fact, standing(fact, events, case.uses_of(fact)), events)
    return told if extracts.written(session, perspective.party, fact.key) != told else None


def mark(session: Session, perspective: Perspective, case: Case, fact: PermitFact, folded: Standing) -> None:
    """An extract of the permit is due, where the newest one is not what its standing and its events say."""
    if not is_told(perspective, fact):
        return
    if extracts.written(session, perspective.party, fact.key) != extract_now(fact, folded, case.events_of(fact)):
        extracts.mark_due(session, [fact.key])


def mark_new(session: Session, perspective: Perspective, facts: Iterable[PermitFact]) -> None:
    """Extracts of these new permits are due, where others are told of them; no statement where nobody is."""
    extracts.mark_due(session, [fact.key for fact in facts if not fact.is_void and is_told(perspective, fact)])
