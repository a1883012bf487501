"""The traps: innocent things that look like frauds (``domain-rules.md`` 2.3). None of them may raise an alert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from epix_node.simulation.trade import Act, Story, Trade, text_of
from epix_node.simulation.truth import Truth

Trap = Callable[[Trade, Story], Truth]


def less_arrives(trade: Trade, story: Story) -> Truth:
    """Some die, dry out or are measured again."""
    short = max(story.goods.step, story.arrived * trade.random.randint(1, 15) // 100)
    quantity = max(0, story.arrived - short)
    _confirmed(story, lambda body: _each_line(body, quantity=text_of(quantity - quantity % story.goods.step)))
    return _trap("less-arrives", story, "less arrived than had left")


def over_new_year(trade: Trade, story: Story) -> Truth:
    """It leaves in December and arrives in January."""
    assert story.exported_on is not None
    december = story.issued_on.replace(month=12, day=trade.random.randint(27, 31))
    if not story.issued_on < december <= story.valid_until:
        return less_arrives(trade, story)
    _forget_events(story)
    trade.export(story, on=december, quantity=story.exported)
    story.arrived_on = december + timedelta(days=8)
    trade.event(story, story.destination, "confirm", on=story.arrived_on, quantity=story.exported)
    return _trap("over-new-year", story, f"left on {december}, arrived on {story.arrived_on}")


def other_source(_trade: Trade, story: Story) -> Truth:
    """The importer writes another source than the exporter."""
    other = {"C": "F", "W": "U", "R": "W", "A": "D"}.get(story.goods.source, "U")
    _confirmed(story, lambda body: _each_line(body, source=other))
    return _trap("other-source", story, f"the importer noted source {other}")


def other_term(_trade: Trade, story: Story) -> Truth:
    """The importer counts the same goods under another term."""
    _confirmed(story, lambda body: _each_line(body, term=story.goods.other_term))
    return _trap("other-term", story, f"the importer noted {story.goods.other_term}")


def other_unit(trade: Trade, story: Story) -> Truth:
    """The importer weighs what the exporter counted."""
    weight = text_of(trade.random.randint(1, 900) * 1_000)
    _confirmed(story, lambda body: _each_line(body, unit=story.goods.other_unit, quantity=weight))
    return _trap("other-unit", story, f"the importer noted {weight} {story.goods.other_unit}")


def genus_only(_trade: Trade, story: Story) -> Truth:
    """The border knows the genus only."""
    _confirmed(story, lambda body: _each_line(body, taxon=story.goods.genus_only))
    return _trap("genus-only", story, f"the importer noted {story.goods.genus_only}")


def sent_twice(_trade: Trade, story: Story) -> Truth:
    """A border office sends the same report again, since it saw no answer."""
    story.acts += [replace(act, at=act.at + timedelta(minutes=20)) for act in story.acts if act.does == "confirm"]
    return _trap("sent-twice", story, "the same report came twice")


def two_flights(trade: Trade, story: Story) -> Truth:
    """One consignment comes on two flights under one waybill."""
    first = _whole(story, story.arrived * 6 // 10)
    rest = story.arrived - first
    if not first or not rest:
        return sent_twice(trade, story)
    _confirmed(story, lambda body: _each_line(body, quantity=text_of(first)))
    assert story.arrived_on is not None
    trade.event(story, story.destination, "confirm", on=story.arrived_on + timedelta(days=1), quantity=rest)
    return _trap("two-flights", story, "one waybill, two flights")


def house_waybill(trade: Trade, story: Story) -> Truth:
    """The importer writes the master waybill where the exporter wrote the house waybill."""
    master = trade.waybill()
    _confirmed(story, lambda body: {**body, "transport_document": master})
    return _trap("house-waybill", story, "the two sides quote different waybills")


def replaced(trade: Trade, story: Story) -> Truth:
    """The permit is replaced before use, and the goods go under its replacement."""
    assert story.exported_on is not None
    old = dict(story.permit)
    events = [act for act in story.acts if act.does != "publish"]
    on = story.issued_on + timedelta(days=2)
    if story.exported_on <= on + timedelta(days=2):
        return house_waybill(trade, story)
    successor = {
        **old,
        "number": f"{old['number']}-R",
        "replaces": old["number"],
        "special_conditions": " ".join(
            part for part in (old["special_conditions"], "Replaces a permit that was spoilt in print.") if part
        ),
    }
    _forget_events(story)
    trade.act(story, story.issuer, "replace", {"number": old["number"], "permit": successor}, on=on)
    for act in events:
        body = {**act.body, "permit": {**act.body["permit"], "number": successor["number"]}}
        story.acts.append(replace(act, body=body))
    return _trap("replaced", story, f"replaced by {successor['number']}, which was used")


def seized(_trade: Trade, story: Story) -> Truth:
    """The importer seizes the goods, for reasons of its own."""
    _confirmed(story, lambda body: {**body, "outcome": "seized"})
    return _trap("seized", story, "seized on arrival")


def returned(_trade: Trade, story: Story) -> Truth:
    """The goods are sent back."""
    _confirmed(story, lambda body: {**body, "outcome": "returned"})
    return _trap("returned", story, "returned to the exporter")


def typing_error(trade: Trade, story: Story) -> Truth:
    """An officer writes one zero too many and mends it the same day."""
    wrong = text_of(story.arrived * 10)
    right = text_of(story.arrived)
    _confirmed(story, lambda body: _each_line(body, quantity=wrong))
    confirmed = next(act for act in story.acts if act.does == "confirm")
    event_id = trade.event_id(story.destination)
    correction = {
        "event_id": event_id,
        "supersedes": confirmed.body["event_id"],
        "event": {**_each_line(confirmed.body, quantity=right), "event_id": event_id},
    }
    story.acts.append(Act(at=confirmed.at + timedelta(hours=3), party=confirmed.party, does="correct", body=correction))
    return _trap("typing-error", story, f"{wrong} was written and mended to {right} after three hours")


def silent_partner(trade: Trade, story: Story) -> Truth:
    """The goods go to a country that has no node: nobody will ever confirm them."""
    quantity, goods = story.permitted, story.goods
    onward = trade.permit_for(story.issuer, trade.silent, goods, quantity, issued_on=story.issued_on)
    onward.is_told = True
    trade.export(onward, quantity=quantity)
    return _trap("silent-partner", onward, f"{trade.silent} has no node")


def several_journeys(trade: Trade, story: Story) -> Truth:
    """A certificate for many journeys is used for three."""
    journeys = trade.permit_for(
        story.issuer,
        story.destination,
        story.goods,
        story.permitted,
        issued_on=story.issued_on,
        type="O",
        subtype="travelling-exhibition",
        multi_use=True,
        purpose="Q",
        special_conditions=" ".join(
            part for part in (story.permit["special_conditions"], "Travelling exhibition.") if part
        ),
    )
    journeys.is_told = True
    for days in (10, 40, 80):
        on = story.issued_on + timedelta(days=days)
        trade.event(
            journeys, story.destination, "confirm", on=on, quantity=story.permitted, transport_document=trade.waybill()
        )
    return _trap("several-journeys", journeys, "a certificate for many journeys, used for three")


def sold_on(trade: Trade, story: Story) -> Truth:
    """The importer sells on less than what came in, in two parts."""
    assert story.arrived_on is not None
    for share, days in ((5, 20), (3, 50)):
        part = _whole(story, story.arrived * share // 10)
        if part:
            trade.travel_on(story, story.destination, part, on=story.arrived_on + timedelta(days=days))
    return _trap("sold-on", story, "eight tenths were sold on in two parts")


def _trap(name: str, story: Story, said: str) -> Truth:
    return Truth(is_fraud=False, kind=name, permit=story.key, said=said)


def _confirmed(story: Story, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """What the importer wrote, written otherwise."""
    story.acts = [replace(act, body=change(act.body)) if act.does == "confirm" else act for act in story.acts]


def _each_line(body: dict[str, object], **members: object) -> dict[str, object]:
    lines = body["lines"]
    assert isinstance(lines, list)
    return {**body, "lines": [{**line, **members} for line in lines]}


def _whole(story: Story, quantity: int) -> int:
    return quantity - quantity % story.goods.step


def _forget_events(story: Story) -> None:
    story.acts = [act for act in story.acts if act.does == "publish"]


TRAPS: tuple[Trap, ...] = (
    less_arrives,
    over_new_year,
    other_source,
    other_term,
    other_unit,
    genus_only,
    sent_twice,
    two_flights,
    house_waybill,
    replaced,
    seized,
    returned,
    typing_error,
    silent_partner,
    several_journeys,
    sold_on,
)
"""Played in turn. That permits are unused, partly used or confirmed late is in the honest year already."""
