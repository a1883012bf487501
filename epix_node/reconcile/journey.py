"""How long goods may be under way between two countries (``domain-rules.md`` 2.2, transit_max).

By air 30 days, which a transport document of the endorsement tells that is written like an air waybill (020-12345675);
by sea 120, and so where nothing tells.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from epix_node.permit.facts import EventFact
from epix_node.reconcile.clusters import transport_document
from epix_node.rules.ruleset import PatternParameters

_AIR_WAYBILL = re.compile(r"[0-9]{11}", re.ASCII)
"""Airline prefix and serial number, once dashes and spaces are gone."""


def longest_journey(endorsement: EventFact, parameters: PatternParameters) -> timedelta:
    """The time in which goods that were endorsed so must have arrived."""
    is_by_air = _AIR_WAYBILL.fullmatch(transport_document(endorsement) or "")
    return parameters.transit_max_air if is_by_air else parameters.transit_max_sea


def later(day: date, span: timedelta) -> date:
    """The day so much later, or the last day of the calendar: an event may claim any date."""
    try:
        return day + span
    except OverflowError:
        return date.max


def earlier(day: date, span: timedelta) -> date:
    """The day so much earlier, or the first day of the calendar."""
    try:
        return day - span
    except OverflowError:
        return date.min
