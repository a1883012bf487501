"""How events were matched to permits (``reconcile.matching``), kept beside them for showing."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import and_, bindparam, select, update

from epix_node.permit.facts import EventFact, Match
from epix_node.permit.number import PermitKey
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import DocumentRow, EventRow, PermitRow

_EVENT, _PERMIT = table(EventRow), table(PermitRow)
_TOLD, _ISSUED = table(DocumentRow).alias("told"), table(DocumentRow).alias("issued")

_PUT = (
    update(_EVENT)
    .where(_EVENT.c.party == bindparam("by"), _EVENT.c.document == bindparam("digest"))
    .values(
        rung=bindparam("on_rung"),
        meant_type=bindparam("typed"),
        meant_number=bindparam("numbered"),
        meant_year=bindparam("dated"),
    )
)
_SALTED = (
    select(_EVENT.c.party, _EVENT.c.document, _PERMIT.c.type, _PERMIT.c.year)
    .join(_PERMIT, and_(_PERMIT.c.issuer == _EVENT.c.permit_issuer, _PERMIT.c.number == _EVENT.c.permit_number))
    .join(_TOLD, and_(_TOLD.c.party == _EVENT.c.party, _TOLD.c.sha256 == _EVENT.c.document))
    .join(_ISSUED, and_(_ISSUED.c.party == _PERMIT.c.party, _ISSUED.c.sha256 == _PERMIT.c.document))
    .where(_EVENT.c.permit_issuer == bindparam("of"), _EVENT.c.permit_number == bindparam("numbered"))
    .where(_TOLD.c.permit_salt == _ISSUED.c.permit_salt)
)


def of_the_same_document(session: Session, issuer: str, number: str) -> set[tuple[str, str, PermitKey]]:
    """Party, digest and permit of each event about this number that bears the salt of that permit's document.

    Only who was given the permit knows the salt (protocol decision 4).
    """
    rows = session.core.execute(_SALTED, {"of": issuer, "numbered": number})
    return {
        (row.party, row.document, PermitKey(issuer=issuer, type=row.type, number=number, year=row.year)) for row in rows
    }


def put(session: Session, changed: Iterable[tuple[EventFact, Match | None]]) -> None:
    """These events are matched so now."""
    rows = [
        {
            "by": event.source.party,
            "digest": event.source.document,
            "on_rung": found.rung if found else None,
            "typed": found.permit.type if found else None,
            "numbered": found.permit.number if found else None,
            "dated": found.permit.year if found else None,
        }
        for event, found in changed
    ]
    if rows:
        session.core.execute(_PUT, rows)
