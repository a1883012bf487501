"""The traps in which several papers play (``domain-rules.md`` 2.3): replacements, multiple use, and what is sold on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from epix_node.simulation.changes import confirmed, forget_events, trap, whole
from epix_node.simulation.trade import Story, Trade, text_of
from epix_node.simulation.truth import Truth


def replaced(trade: Trade, story: Story) -> Truth:
    """The permit is replaced before use, and the goods go under its replacement."""
    assert story.exported_on is not None
    old = dict(story.permit)
    events = [act for act in story.acts if act.does != "publish"]
    on = story.issued_on + timedelta(days=2)
    if story.exported_on <= on + timedelta(days=2):
        return cancelled_under_way(trade, story)
    successor = {
        **old,
        "number": f"{old['number']}-R",
        "replaces": old["number"],
        "special_conditions": " ".join(
            part for part in (old["special_conditions"], "Replaces a permit that was spoilt in print.") if part
        ),
    }
    forget_events(story)
    trade.act(story, story.issuer, "replace", {"number": old["number"], "permit": successor}, on=on)
    for act in events:
        body = {**act.body, "permit": {**act.body["permit"], "number": successor["number"]}}
        story.acts.append(replace(act, body=body))
    return trap("replaced", story, f"replaced by {successor['number']}, which was used")


def cancelled_under_way(trade: Trade, story: Story) -> Truth:
    """The issuer takes the permit back when the goods have left."""
    assert story.exported_on is not None
    on = story.exported_on + timedelta(days=1)
    trade.act(story, story.issuer, "withdraw", {"number": story.number, "reason": "cancelled"}, on=on)
    return trap("cancelled-under-way", story, f"cancelled on {on}, left on {story.exported_on}")


def sent_again(trade: Trade, story: Story) -> Truth:
    """The goods are refused and sent back, and come once more under a permit of their own."""
    assert story.arrived_on is not None
    confirmed(story, lambda body: {**body, "outcome": "returned"})
    on = story.arrived_on + timedelta(days=10)
    again = trade.permit_for(story.issuer, story.destination, story.goods, story.arrived, issued_on=on)
    again.is_told = True
    trade.export(again, quantity=story.arrived)
    trade.arrive(again)
    return trap("sent-again", again, f"what {story.number} had brought was sent back, and came again under this one")


def silent_partner(trade: Trade, story: Story) -> Truth:
    """The goods go to a country that has no node: nobody will ever confirm them."""
    quantity, goods = story.permitted, story.goods
    onward = trade.permit_for(story.issuer, trade.silent, goods, quantity, issued_on=story.issued_on)
    onward.is_told = True
    trade.export(onward, quantity=quantity)
    return trap("silent-partner", onward, f"{trade.silent} has no node")


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
    return trap("several-journeys", journeys, "a certificate for many journeys, used for three")


def reusable_import_permit(trade: Trade, story: Story) -> Truth:
    """One import permit of multiple use serves three consignments, each under an export permit of its own."""
    paper = trade.reusable_import_permit(story)
    confirmed(story, lambda body: {**body, "import_permit": paper})
    for days in (20, 50):
        on = story.issued_on + timedelta(days=days)
        more = trade.permit_for(story.issuer, story.destination, story.goods, story.permitted, issued_on=on)
        more.is_told = True
        more.import_permit = paper
        trade.export(more)
        trade.arrive(more)
    return trap("reusable-import-permit", story, f"{paper['issuer']} {paper['number']} is good for several imports")


def sold_on(trade: Trade, story: Story) -> Truth:
    """The importer sells on less than what came in, in two parts."""
    assert story.arrived_on is not None
    for share, days in ((5, 20), (3, 50)):
        part = whole(story, story.arrived * share // 10)
        if part:
            trade.travel_on(story, story.destination, part, on=story.arrived_on + timedelta(days=days))
    return trap("sold-on", story, "eight tenths were sold on in two parts")


def sold_on_twice(trade: Trade, story: Story) -> Truth:
    """What the importer sells on is sold on again, under certificates that name one another."""
    assert story.arrived_on is not None
    part = whole(story, story.arrived * 7 // 10)
    first = trade.travel_on(story, story.destination, part, on=story.arrived_on + timedelta(days=15))
    assert first.arrived_on is not None
    rest = whole(story, part * 9 // 10)
    trade.travel_on(first, first.destination, rest, on=first.arrived_on + timedelta(days=15))
    return trap("sold-on-twice", story, "it was sold on, and nine tenths of that again")


def worked_up(trade: Trade, story: Story) -> Truth:
    """The importer makes many small things of what came in, and sells them."""
    product = story.goods.product
    if product is None:
        return sold_on(trade, story)
    assert story.arrived_on is not None
    made = story.arrived * product.of_one // 1_000 * trade.random.randint(5, 9) // 10
    made -= made % (1_000 if product.unit == "NAR" else 1)
    goods = replace(story.goods, term=product.term, unit=product.unit)
    trade.travel_on(story, story.destination, made, on=story.arrived_on + timedelta(days=40), goods=goods)
    return trap("worked-up", story, f"{text_of(made)} {product.unit} of {product.term} were made of it and sold")


def earlier_stock(trade: Trade, story: Story) -> Truth:
    """The importer sells stock that it has had for years, under a permit of a time without registers."""
    assert story.arrived_on is not None
    year = story.issued_on.year - 7
    old = {"country": story.issuer, "permit": f"{year % 100}{story.issuer}{trade.random.randint(1, 9_999):06}"}
    line = {**story.permit["lines"][0], "origin": {**old, "date": f"{year}-05-04"}}
    certificate = trade.permit_for(
        story.destination,
        trade.another(story.destination, story.issuer),
        story.goods,
        story.permitted,
        issued_on=story.arrived_on + timedelta(days=9),
        type="R",
        lines=[line],
    )
    certificate.is_told = True
    trade.export(certificate, quantity=story.permitted)
    trade.arrive(certificate)
    return trap("earlier-stock", certificate, f"stock of {year}, which {old['permit']} covered")
