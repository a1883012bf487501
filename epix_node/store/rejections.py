"""Events of the own offices on which something was wrong: what was rejected is among them."""

from __future__ import annotations

from datetime import date

from sqlmodel import col, select

from epix_node.permit.facts import EventFact
from epix_node.store.database import Session
from epix_node.store.event_rows import RECORDABLE, fact_of
from epix_node.store.tables import EventRow


def remarkable(session: Session, party: str, *, since: date | None, until: date | None) -> tuple[EventFact, ...]:
    """Standing events of this Party, of these days, that claim more than dates and amounts; by date.

    One statement, whatever is stored. Not all of them rejected something: the caller looks at each.
    """
    query = select(EventRow).where(
        EventRow.party == party,
        col(EventRow.kind).in_(sorted(RECORDABLE)),
        col(EventRow.superseded_by).is_(None),
        col(EventRow.is_void).is_(False),
        col(EventRow.is_plain).is_(False),
    )
    if since is not None:
        query = query.where(col(EventRow.date) >= since.isoformat())
    if until is not None:
        query = query.where(col(EventRow.date) <= until.isoformat())
    return tuple(fact_of(row) for row in session.exec(query.order_by(col(EventRow.date), col(EventRow.document))))
