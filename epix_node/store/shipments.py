"""Permits that one Party saw with one shipment, by the transport document of its confirmations.

Each question is one indexed read of what the number's own confirmations name, however much is stored. Few goods are
turned away, so those confirmations have an index of their own: a shipment that many permits cover for concerns nobody
until some of it is turned away.
"""

from __future__ import annotations

from sqlalchemy import bindparam
from sqlalchemy import select as select_rows

from epix_node.store import events
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import EventRow

_EVENT = table(EventRow)
_OTHER = _EVENT.alias("other")
_OF_OTHERS = (
    select_rows(_OTHER.c.permit_issuer, _OTHER.c.permit_number)
    .distinct()
    .where(_EVENT.c.permit_issuer == bindparam("of"), _EVENT.c.permit_number == bindparam("numbered"))
    .where(_OTHER.c.party == _EVENT.c.party)
)
_TURNED_AWAY = _OF_OTHERS.where(_OTHER.c.turned_away == _EVENT.c.transport)
_SHOWN = _OF_OTHERS.where(_OTHER.c.transport == _EVENT.c.turned_away)


def concerned(session: Session, issuer: str, number: str) -> set[tuple[str, str]]:
    """The (issuer, number) of every permit that is judged by what happened under this number, itself included.

    The import permits that its confirmations name (FRD-14), and the permits whose goods the same Party turned away
    under a transport document of its confirmations (FRD-15). What was taken back is asked as well: it is taken back.
    """
    turned_away = session.core.execute(_TURNED_AWAY, {"of": issuer, "numbered": number})
    named = events.import_permits_named(session, issuer, number)
    return {(issuer, number)} | named | {(i, n) for i, n in turned_away}


def shown_for(session: Session, issuer: str, number: str) -> set[tuple[str, str]]:
    """Other permits that a Party saw with a shipment of which it had turned goods of this number away."""
    rows = session.core.execute(_SHOWN, {"of": issuer, "numbered": number})
    return {(i, n) for i, n in rows} - {(issuer, number)}
