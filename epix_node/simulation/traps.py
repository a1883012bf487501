"""The traps: innocent things that look like frauds (``domain-rules.md`` 2.3). None of them may raise an alert.

Here are those at a border, where somebody counts, names or reports in another way; ``papers`` has those in which
several papers play.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from epix_node.simulation.changes import confirmed, first_line, forget_events, trap, whole
from epix_node.simulation.papers import (
    cancelled_under_way,
    earlier_stock,
    replaced,
    reusable_import_permit,
    sent_again,
    several_journeys,
    silent_partner,
    sold_on,
    sold_on_twice,
    worked_up,
)
from epix_node.simulation.trade import Act, Story, Trade, text_of
from epix_node.simulation.truth import Truth

Trap = Callable[[Trade, Story], Truth]


def less_arrives(trade: Trade, story: Story) -> Truth:
    """Some die, dry out or are measured again."""
    short = max(story.goods.step, story.arrived * trade.random.randint(1, 15) // 100)
    quantity = max(0, story.arrived - short)
    confirmed(story, lambda body: first_line(body, quantity=text_of(quantity - quantity % story.goods.step)))
    return trap("less-arrives", story, "less arrived than had left")


def over_new_year(trade: Trade, story: Story) -> Truth:
    """It leaves in December and arrives in January."""
    assert story.exported_on is not None
    december = story.issued_on.replace(month=12, day=trade.random.randint(27, 31))
    if not story.issued_on < december <= story.valid_until:
        return less_arrives(trade, story)
    forget_events(story)
    trade.export(story, on=december, quantity=story.exported)
    story.arrived_on = december + timedelta(days=8)
    trade.event(story, story.destination, "confirm", on=story.arrived_on, quantity=story.exported)
    return trap("over-new-year", story, f"left on {december}, arrived on {story.arrived_on}")


def measured_again(trade: Trade, story: Story) -> Truth:
    """Logs are measured and goods are weighed again, and come out a little heavier than they left."""
    percent = {"MTQ": 9, "KGM": 1}.get(story.goods.unit)
    if percent is None:
        return less_arrives(trade, story)
    more = story.arrived * trade.random.randint(1, percent * 10) // 1_000
    confirmed(story, lambda body: first_line(body, quantity=text_of(story.arrived + more)))
    return trap("measured-again", story, f"{text_of(more)} {story.goods.unit} more were measured")


def arrived_after_expiry(trade: Trade, story: Story) -> Truth:
    """It leaves on one of the last days of the permit, and arrives when that is over."""
    forget_events(story)
    trade.export(story, on=story.valid_until - timedelta(days=trade.random.randint(0, 2)), quantity=story.exported)
    assert story.exported_on is not None
    story.arrived_on = story.exported_on + timedelta(days=trade.random.randint(4, 28))
    trade.event(story, story.destination, "confirm", on=story.arrived_on, quantity=story.exported)
    return trap("arrived-after-expiry", story, f"left on {story.exported_on}, in time")


def other_source(_trade: Trade, story: Story) -> Truth:
    """The importer writes another source than the exporter."""
    other = {"C": "F", "W": "U", "R": "W", "A": "D"}.get(story.goods.source, "U")
    confirmed(story, lambda body: first_line(body, source=other))
    return trap("other-source", story, f"the importer noted source {other}")


def other_term(_trade: Trade, story: Story) -> Truth:
    """The importer counts the same goods under another term."""
    confirmed(story, lambda body: first_line(body, term=story.goods.other_term))
    return trap("other-term", story, f"the importer noted {story.goods.other_term}")


def other_unit(trade: Trade, story: Story) -> Truth:
    """The importer weighs what the exporter counted."""
    weight = text_of(trade.random.randint(1, 900) * 1_000)
    confirmed(story, lambda body: first_line(body, unit=story.goods.other_unit, quantity=weight))
    return trap("other-unit", story, f"the importer noted {weight} {story.goods.other_unit}")


def genus_only(_trade: Trade, story: Story) -> Truth:
    """The border knows the genus only."""
    confirmed(story, lambda body: first_line(body, taxon=story.goods.genus_only))
    return trap("genus-only", story, f"the importer noted {story.goods.genus_only}")


def other_name(_trade: Trade, story: Story) -> Truth:
    """The border goes by another book of names."""
    confirmed(story, lambda body: first_line(body, taxon=story.goods.synonym))
    return trap("other-name", story, f"the importer noted {story.goods.synonym}")


def sent_twice(_trade: Trade, story: Story) -> Truth:
    """A border office sends the same report again, since it saw no answer."""
    story.acts += [replace(act, at=act.at + timedelta(minutes=20)) for act in story.acts if act.does == "confirm"]
    return trap("sent-twice", story, "the same report came twice")


def two_flights(trade: Trade, story: Story) -> Truth:
    """One consignment comes on two flights under one waybill."""
    first = whole(story, story.arrived * 6 // 10)
    rest = story.arrived - first
    if not first or not rest:
        return sent_twice(trade, story)
    confirmed(story, lambda body: first_line(body, quantity=text_of(first)))
    assert story.arrived_on is not None
    # Now and then days later, and through another office.
    days = trade.random.choice((1, 1, 6))
    office = f"{story.destination}-{trade.random.choice((1, 1, 2))}"
    on = story.arrived_on + timedelta(days=days)
    trade.event(story, story.destination, "confirm", on=on, quantity=rest, office=office)
    return trap("two-flights", story, f"one waybill, two flights, {days} days apart")


def other_flight(trade: Trade, story: Story) -> Truth:
    """Part of a consignment was taken off and booked on another flight; the border says that it continues the first."""
    first = whole(story, story.arrived * 6 // 10)
    rest = story.arrived - first
    if not first or not rest:
        return sent_twice(trade, story)
    confirmed(story, lambda body: first_line(body, quantity=text_of(first)))
    assert story.arrived_on is not None
    earlier = next(act.body["event_id"] for act in story.acts if act.does == "confirm")
    trade.event(
        story,
        story.destination,
        "confirm",
        on=story.arrived_on + timedelta(days=4),
        quantity=rest,
        transport_document=trade.waybill(),
        continues=earlier,
    )
    return trap("other-flight", story, "the rest came on another flight, which continues the first")


def through_transit(trade: Trade, story: Story) -> Truth:
    """A declared transit country records what passes through it."""
    assert story.exported_on is not None
    third = trade.another(story.issuer, story.destination)
    if third in {story.issuer, story.destination}:
        return house_waybill(trade, story)
    story.permit["transit"] = [third]
    trade.event(story, third, "confirm", on=story.exported_on + timedelta(days=1), quantity=story.exported)
    return trap("through-transit", story, f"{third}, where it passed through, recorded it, too")


def house_waybill(trade: Trade, story: Story) -> Truth:
    """The importer writes the master waybill where the exporter wrote the house waybill."""
    master = trade.waybill()
    confirmed(story, lambda body: {**body, "transport_document": master})
    return trap("house-waybill", story, "the two sides quote different waybills")


def seized(_trade: Trade, story: Story) -> Truth:
    """The importer seizes the goods, for reasons of its own."""
    confirmed(story, lambda body: {**body, "outcome": "seized"})
    return trap("seized", story, "seized on arrival")


def returned(_trade: Trade, story: Story) -> Truth:
    """The goods are sent back."""
    confirmed(story, lambda body: {**body, "outcome": "returned"})
    return trap("returned", story, "returned to the exporter")


def typing_error(trade: Trade, story: Story) -> Truth:
    """An officer writes one zero too many and mends it within a week."""
    wrong = text_of(story.arrived * 10)
    right = text_of(story.arrived)
    confirmed(story, lambda body: first_line(body, quantity=wrong))
    arrival = next(act for act in story.acts if act.does == "confirm")
    event_id = trade.event_id(story.destination)
    correction = {
        "event_id": event_id,
        "supersedes": arrival.body["event_id"],
        "event": {**first_line(arrival.body, quantity=right), "event_id": event_id},
    }
    hours = trade.random.choice((1, 3, 8, 70, 150))
    later = arrival.at + timedelta(hours=hours)
    story.acts.append(Act(at=later, party=arrival.party, does="correct", body=correction))
    return trap("typing-error", story, f"{wrong} was written and mended to {right} after {hours} hours")


def mistyped_number(trade: Trade, story: Story) -> Truth:
    """An officer mistypes the number of the permit and mends it on the next day."""
    arrival = next(act for act in story.acts if act.does == "confirm")
    digits = story.number
    place = max(i for i, character in enumerate(digits) if character.isdigit())
    wrong = f"{digits[:place]}{(int(digits[place]) + trade.random.randint(1, 9)) % 10}{digits[place + 1 :]}"
    # In a bare serial the last digit is the year's: a number of another year, which nobody gave.
    event_id = trade.event_id(story.destination)
    correction = {
        "event_id": event_id,
        "supersedes": arrival.body["event_id"],
        "event": {**arrival.body, "event_id": event_id},
    }
    confirmed(story, lambda body: {**body, "permit": {**story.ref, "number": wrong}})
    later = arrival.at + timedelta(hours=trade.random.choice((2, 20)))
    story.acts.append(Act(at=later, party=arrival.party, does="correct", body=correction))
    return trap("mistyped-number", story, f"{wrong} was written and mended to {story.number}")


TRAPS: tuple[Trap, ...] = (
    less_arrives,
    measured_again,
    over_new_year,
    arrived_after_expiry,
    other_source,
    other_term,
    other_unit,
    genus_only,
    other_name,
    sent_twice,
    two_flights,
    other_flight,
    house_waybill,
    through_transit,
    replaced,
    cancelled_under_way,
    seized,
    returned,
    sent_again,
    typing_error,
    mistyped_number,
    silent_partner,
    several_journeys,
    reusable_import_permit,
    sold_on,
    sold_on_twice,
    worked_up,
    earlier_stock,
)
"""Played in turn. That permits are unused, partly used or confirmed late, or that a country seldom tells what arrived,
is in the honest year already."""

NEEDS_RESALE = frozenset({sold_on, sold_on_twice, worked_up})
"""Only with goods that are bought to be sold on, and enough of them to sell in parts."""
