"""Who imported, and what arrived (``domain-rules.md`` 0.16)."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.event import Confirmation, Endorsement, EventLine
from epix_node.permit.facts import EventFact
from epix_node.permit.model import Permit


def is_import(permit: Permit, confirmation: EventFact) -> bool:
    """Whether a confirmation is an import: every Party's is, but a declared transit country's.

    A transit country that is also the country of destination imports: box 3a says where the goods stay, and an
    issuer's slip in the transit list must not hide a second use.
    """
    if confirmation.acts_for(permit.destination):
        return True
    return not any(confirmation.acts_for(code) for code in permit.transit)


def has_arrived(line: EventLine, confirmation: Confirmation) -> bool:
    """Whether the goods of this line came in: the line's own outcome decides, else the confirmation's."""
    return (line.outcome or confirmation.outcome).is_arrival


def is_arrival(confirmation: Confirmation) -> bool:
    """Whether anything came in; where nothing was counted, the confirmation's outcome says so."""
    if not confirmation.lines:
        return confirmation.outcome.is_arrival
    return any(has_arrived(line, confirmation) for line in confirmation.lines)


def moved_goods(event: EventFact) -> bool:
    """Whether goods left or came in by this event, whoever reports it; where it counts none, it says so itself."""
    body = event.body
    if isinstance(body, Endorsement):
        return not body.lines or any(line.quantity.micro > 0 for line in body.lines)
    return isinstance(body, Confirmation) and is_arrival(body)


def is_homecoming(permit: Permit, confirmation: EventFact) -> bool:
    """Whether goods came back to the country that they had left, as returned ones do."""
    return confirmation.acts_for(permit.issuer) or confirmation.acts_for(permit.origin_country)


def arrivals(permit: Permit, events: Iterable[EventFact]) -> tuple[EventFact, ...]:
    """The confirmations among ``events`` by which goods arrived where they were going."""
    return tuple(
        event
        for event in events
        if isinstance(event.body, Confirmation) and is_arrival(event.body) and is_import(permit, event)
    )
