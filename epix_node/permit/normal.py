"""The normal form of a permit: equal permits are equal values, whatever they were read from.

Text is cleaned (``text.clean``), empty members of lists are dropped, and a part that holds nothing at all is absent:
a trade party without name, address and country says no more than no trade party. A line that holds nothing stays a
line, because the rules must see that it is empty. Numbers, codes and quantities stay as they were given.
"""

from __future__ import annotations

from dataclasses import replace

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, Relation, TradeParty
from epix_node.permit.text import clean


def normal_form(permit: Permit) -> Permit:
    """The permit in normal form; doing it twice changes nothing.

    Raises:
        MalformedDocumentError: text that XML cannot hold, or no issuer, type or number is left (contract 5).
    """
    return replace(
        permit,
        type=_required("type", permit.type),
        number=_required("number", permit.number),
        issuer=_required("issuer", permit.issuer),
        lines=tuple(_line(line) for line in permit.lines),
        subtype=clean(permit.subtype),
        purpose=clean(permit.purpose),
        replaces=clean(permit.replaces),
        exporter=_trade_party(permit.exporter),
        importer=_trade_party(permit.importer),
        transit=_texts(permit.transit),
        authority=Authority(
            name=clean(permit.authority.name),
            place=clean(permit.authority.place),
            signatory=clean(permit.authority.signatory),
        ),
        security_stamp=clean(permit.security_stamp),
        special_conditions=clean(permit.special_conditions),
        transport_document=clean(permit.transport_document),
        references=tuple(reference for given in permit.references if (reference := _reference(given))),
    )


def _required(member: str, text: str) -> str:
    cleaned = clean(text)
    if cleaned is None:
        raise MalformedDocumentError(f"the permit has no {member}")
    return cleaned


def _texts(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cleaned for text in texts if (cleaned := clean(text)))


def _line(line: Line) -> Line:
    return Line(
        block=clean(line.block),
        taxon=clean(line.taxon),
        common_name=clean(line.common_name),
        appendix=clean(line.appendix),
        sources=_texts(line.sources),
        term=clean(line.term),
        description=clean(line.description),
        quantity=clean(line.quantity),
        unit=clean(line.unit),
        marks=_texts(line.marks),
        origin=_origin(line.origin),
        last_reexport=_origin(line.last_reexport),
        acquired_on=line.acquired_on,
        operation_number=clean(line.operation_number),
        quota=_quota(line.quota),
    )


def _trade_party(party: TradeParty | None) -> TradeParty | None:
    if party is None:
        return None
    cleaned = TradeParty(name=clean(party.name), address=clean(party.address), country=clean(party.country))
    return None if cleaned == TradeParty() else cleaned


def _origin(origin: Origin | None) -> Origin | None:
    if origin is None:
        return None
    cleaned = Origin(country=clean(origin.country), permit=clean(origin.permit), date=origin.date)
    return None if cleaned == Origin() else cleaned


def _quota(quota: Quota | None) -> Quota | None:
    if quota is None:
        return None
    cleaned = Quota(used=clean(quota.used), annual=clean(quota.annual), unit=clean(quota.unit))
    # A unit without an amount says nothing, and toolkit XML has no way to say it.
    return None if cleaned.used is None and cleaned.annual is None else cleaned


def _reference(reference: Reference) -> Reference | None:
    relation, issuer, number = clean(reference.relation), clean(reference.issuer), clean(reference.number)
    if relation is None and issuer is None and number is None and reference.date is None:
        return None
    # A document that is named without saying why belongs to the permit as an annex does.
    return Reference(relation=relation or Relation.ANNEX, issuer=issuer, number=number, date=reference.date)
