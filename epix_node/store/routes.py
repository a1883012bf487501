"""Permits by route, time and goods: what an event about a number that nobody issued may have meant.

``ix_permit_route`` leads to the permits of one pair of countries within some weeks, so a question reads no more of a
large store than was issued there and then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, exists, select

from epix_node.document.header import DocumentType
from epix_node.permit.model import PermitType
from epix_node.permit.number import PermitKey
from epix_node.permit.quantity import UnitClass
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import EventRow, PermitLineRow, PermitRow

_PERMIT, _LINE, _EVENT = table(PermitRow), table(PermitLineRow), table(EventRow)
_KEY = ("issuer", "type", "number", "year")

_ALIKE = (
    select(*(_PERMIT.c[name] for name in _KEY))
    .where(
        _PERMIT.c.issuer == bindparam("of"),
        _PERMIT.c.importer_country.in_(bindparam("destinations", expanding=True)),
        _PERMIT.c.issued_on.between(bindparam("first"), bindparam("last")),
        _PERMIT.c.type != PermitType.IMPORT.value,
        ~_PERMIT.c.multi_use,
        ~_PERMIT.c.is_void,
        exists().where(
            *(_LINE.c[name] == _PERMIT.c[name] for name in _KEY),
            _LINE.c.taxon == bindparam("named"),
            _LINE.c.term == bindparam("termed"),
            _LINE.c.unit_class == bindparam("counted_in"),
            _LINE.c.micro.between(bindparam("least"), bindparam("most")),
        ),
        ~exists().where(
            _EVENT.c.permit_issuer == _PERMIT.c.issuer,
            _EVENT.c.permit_number == _PERMIT.c.number,
            _EVENT.c.kind == DocumentType.CONFIRMATION.value,
            _EVENT.c.superseded_by.is_(None),
            ~_EVENT.c.is_void,
        ),
    )
    .limit(bindparam("at_once"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Goods that came on a route: permits for them were issued ``first`` to ``last`` for ``least`` to ``most``."""

    issuer: str
    destinations: Collection[str]
    first: date
    last: date
    taxon: str
    term: str
    unit_class: UnitClass
    least: int
    most: int


def permits_for(session: Session, shipment: Shipment, *, most: int) -> list[PermitKey]:
    """The keys of the single-use permits for such goods that nobody confirmed; none where there are more than ``most``.

    Then nobody can tell which was meant, and the question reads no further.
    """
    rows = session.core.execute(
        _ALIKE,
        {
            "at_once": most + 1,
            "of": shipment.issuer,
            "destinations": sorted(shipment.destinations),
            "first": shipment.first.isoformat(),
            "last": shipment.last.isoformat(),
            "named": shipment.taxon,
            "termed": shipment.term,
            "counted_in": shipment.unit_class.value,
            "least": shipment.least,
            "most": shipment.most,
        },
    )
    keys = sorted(PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year) for row in rows)
    return keys if len(keys) <= most else []
