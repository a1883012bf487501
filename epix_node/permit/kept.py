"""Permits and events as this program wrote them into its database, read back.

What was read from outside was checked and cleaned then, by pydantic; doing so again for each row would be most of the
work of reconciling. So this takes the JSON of ``permit_to_json`` and ``event_to_json``, and nothing else, at its word.
Members that an older release did not write have their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from epix_node.permit.event import Basis, Confirmation, Endorsement, EventLine, Outcome, PermitRef
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.quantity import Quantity

_Part = TypeVar("_Part")
_Value = Mapping[str, Any]


def kept_permit(value: _Value) -> Permit:
    """The permit of which this is the JSON."""
    members = dict(value)
    for name in ("issued_on", "valid_from", "valid_until"):
        members[name] = _date(members.get(name))
    for name in ("exporter", "importer"):
        members[name] = _part(TradeParty, members.get(name))
    members["authority"] = _part(Authority, members.get("authority")) or Authority()
    members["transit"] = tuple(members.get("transit") or ())
    members["references"] = tuple(_dated(Reference, reference) for reference in members.get("references") or ())
    members["lines"] = tuple(_line(line) for line in members["lines"])
    return Permit(**members)


def kept_endorsement(value: _Value) -> Endorsement:
    """The endorsement of which this is the JSON."""
    members = _goods(value)
    del members["outcome"]
    return Endorsement(**members)


def kept_confirmation(value: _Value) -> Confirmation:
    """The confirmation of which this is the JSON."""
    members = _goods(value)
    members["outcome"] = Outcome(members["outcome"])
    return Confirmation(**members)


def kept_ref(value: _Value) -> PermitRef:
    """How an event names its permit."""
    return PermitRef(**{**value, "issued_on": _date(value["issued_on"])})


def _line(value: _Value) -> Line:
    members = dict(value)
    members["sources"] = tuple(members.get("sources") or ())
    members["marks"] = tuple(members.get("marks") or ())
    for name in ("origin", "last_reexport"):
        given = members.get(name)
        members[name] = _dated(Origin, given) if given is not None else None
    members["acquired_on"] = _date(members.get("acquired_on"))
    members["quota"] = _part(Quota, members.get("quota"))
    return Line(**members)


def _goods(value: _Value) -> dict[str, Any]:
    members = dict(value)
    members["permit"] = kept_ref(members["permit"])
    members["date"] = date.fromisoformat(members["date"])
    imported, basis = members.get("import_permit"), members.get("basis")
    members["import_permit"] = kept_ref(imported) if imported is not None else None
    members["basis"] = _basis(basis) if basis is not None else None
    members["lines"] = tuple(_counted(line) for line in members["lines"])
    return members


def _counted(value: _Value) -> EventLine:
    members = dict(value)
    members["quantity"] = Quantity.parse(members["quantity"], members.pop("unit"))
    outcome = members.get("outcome")
    members["outcome"] = Outcome(outcome) if outcome is not None else None
    return EventLine(**members)


def _basis(value: _Value) -> Basis:
    members = dict(value)
    members["certified_on"] = date.fromisoformat(members["certified_on"])
    members["new_valid_until"] = _date(members.get("new_valid_until"))
    return Basis(**members)


def _part(part: Callable[..., _Part], value: _Value | None) -> _Part | None:
    return part(**value) if value is not None else None


def _dated(part: Callable[..., _Part], value: _Value) -> _Part:
    return part(**{**value, "date": _date(value.get("date"))})


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
