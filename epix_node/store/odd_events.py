"""What is odd of the events under a number: the largest of the questions of ``suspects``, asked in one pass."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from epix_node.document.header import DocumentType
from epix_node.permit.model import PermitType
from epix_node.store.columns import table
from epix_node.store.stretches import within
from epix_node.store.tables import EventLineRow, EventRow, PermitLineRow, PermitRow

_PERMIT, _LINE = table(PermitRow), table(PermitLineRow)
_EVENT, _COUNTED = table(EventRow), table(EventLineRow)
_PERMIT_KEY = ("issuer", "type", "number", "year")

ENDORSED = _EVENT.c.kind == DocumentType.ENDORSEMENT.value
CONFIRMED = _EVENT.c.kind == DocumentType.CONFIRMATION.value


def _is(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def lines_of_permit(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """How a permit's lines are joined to it, or those of them for which the conditions hold."""
    return and_(*(_LINE.c[name] == _PERMIT.c[name] for name in _PERMIT_KEY), *conditions)


def lines_of_event(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Likewise what an event counted."""
    return and_(_COUNTED.c.party == _EVENT.c.party, _COUNTED.c.document == _EVENT.c.document, *conditions)


PERMIT_OF_EVENT = and_(_PERMIT.c.issuer == _EVENT.c.permit_issuer, _PERMIT.c.number == _EVENT.c.permit_number)
_LINE_COUNTED = lines_of_permit(_LINE.c.block == _COUNTED.c.block)
_EVENTS_AND_LINES = (
    _EVENT.outerjoin(_PERMIT, PERMIT_OF_EVENT).outerjoin(_COUNTED, lines_of_event()).outerjoin(_LINE, _LINE_COUNTED)
)
COUNTS = and_(~_EVENT.c.is_void, _EVENT.c.superseded_by.is_(None))


_ODD_EVENT = or_(
    _EVENT.c.superseded_by.is_not(None),
    ~_EVENT.c.is_plain,
    _PERMIT.c.number.is_(None),
    _PERMIT.c.is_void,
    _PERMIT.c.multi_use,
    _PERMIT.c.type == PermitType.IMPORT.value,
    _EVENT.c.date > _PERMIT.c.valid_until,
    _EVENT.c.date < _PERMIT.c.issued_on,
    and_(ENDORSED, _EVENT.c.party != _PERMIT.c.party),
    and_(CONFIRMED, _EVENT.c.party.is_distinct_from(_PERMIT.c.importer_country)),
)
_SAYS_LITTLE = or_(func.length(_COUNTED.c.taxon) < 8, func.lower(_COUNTED.c.taxon).like("%sp%.%"))
"""Names such as ``spp.``, of which it cannot be told even whether they are the same."""
_ODD_LINE = or_(
    _LINE.c.micro.is_(None),
    _LINE.c.unit_class != _COUNTED.c.unit_class,
    _COUNTED.c.micro > _LINE.c.micro,
    and_(_COUNTED.c.taxon.is_not(None), or_(_COUNTED.c.taxon.is_distinct_from(_LINE.c.taxon), _SAYS_LITTLE)),
    and_(CONFIRMED, _EVENT.c.import_number.is_(None), _LINE.c.appendix == "I"),
)
_ODD = case(
    (_EVENT.c.kind.in_([DocumentType.WITHDRAWAL.value, DocumentType.PRESENTATION.value]), 1),
    (~or_(ENDORSED, CONFIRMED), 0),  # corrections end something, and alerts are somebody's word
    (_ODD_EVENT, 1),
    (_COUNTED.c.party.is_(None), _is(and_(CONFIRMED, _EVENT.c.import_number.is_(None)))),
    (_ODD_LINE, 1),
    else_=0,
)


def odd_events(*, is_last: bool) -> Select[Any]:
    """Numbers with anything but one endorsement and one confirmation at most, both plain.

    That is in time, by who should state it, of goods of the permit's lines and not more than they say, each line once,
    and nothing came that had not left where anything left at all.
    """
    left, came = case((ENDORSED, _COUNTED.c.micro)), case((CONFIRMED, _COUNTED.c.micro))
    leaving, coming = case((ENDORSED, _EVENT.c.document)), case((CONFIRMED, _EVENT.c.document))
    of_block = (
        select(
            _EVENT.c.permit_number.label("number"),
            func.max(_ODD).label("is_odd"),
            func.count(leaving).label("departures"),
            func.count(coming).label("arrivals"),
            func.max(left).label("left"),
            func.max(came).label("came"),
            func.min(leaving).label("one_departure"),
            func.max(leaving).label("other_departure"),
            func.min(coming).label("one_arrival"),
            func.max(coming).label("other_arrival"),
        )
        .select_from(_EVENTS_AND_LINES)
        .where(*within(_EVENT.c.permit_issuer, _EVENT.c.permit_number, is_last=is_last))
        .where(~_EVENT.c.is_void)
        .group_by(_EVENT.c.permit_number, _COUNTED.c.block)
        .subquery()
    )
    of = of_block.c
    return (
        select(of.number)
        .group_by(of.number)
        .having(
            or_(
                func.max(of.is_odd) == 1,
                func.max(of.departures) > 1,
                func.max(of.arrivals) > 1,
                func.min(of.one_departure) != func.max(of.other_departure),
                func.min(of.one_arrival) != func.max(of.other_arrival),
                func.max(_is(of.came > of.left)) == 1,
                and_(
                    func.max(of.one_departure).is_not(None),
                    func.max(_is(and_(of.came.is_not(None), of.left.is_(None)))) == 1,
                ),
            )
        )
    )


_PERMIT_OF_USE = and_(_PERMIT.c.issuer == _EVENT.c.import_issuer, _PERMIT.c.number == _EVENT.c.import_number)


def odd_uses(*, is_last: bool) -> Select[Any]:
    """Import permits that were used by anything but one plain confirmation in time, of one line within theirs."""
    odd = or_(
        ~_EVENT.c.is_plain,
        _PERMIT.c.is_void,
        _PERMIT.c.multi_use,
        _EVENT.c.date > _PERMIT.c.valid_until,
        _LINE.c.micro.is_(None),
        _LINE.c.unit_class != _COUNTED.c.unit_class,
        _COUNTED.c.micro > _LINE.c.micro,
    )
    return (
        select(_EVENT.c.import_number)
        .select_from(
            _EVENT.outerjoin(_PERMIT, _PERMIT_OF_USE)
            .outerjoin(_COUNTED, lines_of_event())
            .outerjoin(_LINE, lines_of_permit())
        )
        .where(*within(_EVENT.c.import_issuer, _EVENT.c.import_number, is_last=is_last))
        .where(COUNTS)
        .group_by(_EVENT.c.import_number)
        .having(func.max(_PERMIT.c.type) == PermitType.IMPORT.value)  # of another kind it has no uses
        .having(or_(func.count() > 1, func.max(_is(odd)) == 1))
    )
