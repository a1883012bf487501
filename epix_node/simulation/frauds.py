"""The frauds: each takes one honest story and does one wrong thing with it (``domain-rules.md`` 2.4).

A fraud happens in papers and at borders, not in computers: what is written down here is what honest officers record
about dishonest goods. Not here: FRD-18, which needs a stolen key, and animals with a false operation number (FRD-08),
whose permit the authority's own node would refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from epix_node.permit.quantity import UNIT_LIST
from epix_node.permit.sums import QUOTA, SumKey
from epix_node.simulation.goods import AROWANA
from epix_node.simulation.trade import Story, Trade, text_of
from epix_node.simulation.truth import Truth

Fraud = Callable[[Trade, Story], Truth]


def second_load(trade: Trade, story: Story) -> Truth:
    """Weeks later another load arrives under the same permit, at the same country or at another one."""
    assert story.arrived_on is not None
    party = trade.another(story.issuer) if trade.random.randrange(2) else story.destination
    on = story.arrived_on + timedelta(days=trade.random.randint(10, 40))
    # Sometimes a small one, so that nothing but the second waybill tells.
    share = trade.random.choice((10, 10, 3))
    quantity = _in_steps(story, story.arrived * share // 10)
    trade.event(story, party, "confirm", on=on, quantity=quantity, transport_document=trade.waybill())
    return _fraud("FRD-01", story, f"a second load came to {party} on {on}", "FRD-04", "FRD-12", "FRD-14")


def altered_copy(trade: Trade, story: Story) -> Truth:
    """At the border a copy is shown on which a box of the form is another one: most often ten times the quantity."""
    assert story.arrived_on is not None
    line = {"block": "A", "quantity": text_of(story.permitted), "unit": story.goods.unit}
    what, shown = trade.random.choice(
        (
            ("ten times the quantity", {"lines": [{**line, "quantity": text_of(story.permitted * 10)}]}),
            ("another unit", {"lines": [{**line, "unit": story.goods.other_unit}]}),
            ("another species", {"lines": [{"block": "A", "taxon": story.goods.look_alike}]}),
            ("a later last day", {"valid_until": str(story.valid_until + timedelta(days=90))}),
            ("another country", {"importer": {"country": trade.another(story.destination)}}),
        )
    )
    body = {
        "issuer": story.issuer,
        "number": story.number,
        "type": story.permit["type"],
        "issued_on": str(story.issued_on),
        "event_id": trade.event_id(story.destination),
        "office": f"{story.destination}-1",
        "date": str(story.arrived_on),
        "presented": shown,
        "record": True,
    }
    trade.act(story, story.destination, "verify", body, on=story.arrived_on)
    return _fraud("FRD-02", story, f"a copy with {what} was shown")


def stolen(trade: Trade, story: Story) -> Truth:
    """The permit was reported stolen, and goods come with it all the same; nothing ever left with it honestly."""
    assert story.exported_on is not None
    assert story.arrived_on is not None
    reason = trade.random.choice(("stolen", "lost", "cancelled"))
    on = story.issued_on + timedelta(days=1)
    later = max(story.exported_on, on + timedelta(days=4))
    _forget_events(story)
    trade.act(story, story.issuer, "withdraw", {"number": story.number, "reason": reason}, on=on)
    trade.event(story, story.destination, "confirm", on=later, quantity=story.arrived)
    return _fraud("FRD-03", story, f"{reason} on {on}, used on {later}")


def inflated(trade: Trade, story: Story) -> Truth:
    """More arrives, or leaves, than was permitted: one piece, a fifth, or ten times as much."""
    least = story.goods.step if story.goods.unit == "NAR" else story.permitted // 5
    more = trade.random.choice((least, story.permitted * trade.random.randint(20, 300) // 100, story.permitted * 9))
    more = max(story.goods.step, _in_steps(story, more))
    _change_arrival(story, story.permitted + more)
    if trade.random.randrange(3) == 0:  # the exporter's border was in it, or looked away
        _change_line(story, "endorse", quantity=text_of(story.permitted + more))
    return _fraud("FRD-04", story, f"{text_of(more)} {story.goods.unit} beyond what was permitted")


def forged(trade: Trade, story: Story) -> Truth:
    """Goods arrive with a paper that nobody issued; the honest permit of the story stays unused.

    Its number is far from all others, or looks like that of the honest permit: a typing error that nobody mends.
    """
    assert story.arrived_on is not None
    number = trade.forged_number(story.issuer, story.issued_on.year)
    if trade.random.randrange(3) == 0:
        number = f"{story.number}0"
    _forget_events(story)
    ref = {**story.ref, "number": number}
    trade.event(story, story.destination, "confirm", on=story.arrived_on, quantity=story.arrived, permit=ref)
    key = {"issuer": story.issuer, "type": None, "number": number, "year": None}
    return Truth(is_fraud=True, kind="FRD-05", permit=key, said=f"{story.issuer} never issued {number}")


def laundered_stock(trade: Trade, story: Story) -> Truth:
    """The importer sells on half as much again as ever came in, under certificates that name this permit.

    Now and then its own border never endorses them: only the buyers' countries see what arrives.
    """
    assert story.arrived_on is not None
    is_endorsed = trade.random.randrange(4) > 0
    surplus = story.arrived * 3 // 2
    parts = (story.arrived * 9 // 10, surplus - story.arrived * 9 // 10)
    for part, days in zip(parts, (20, 45), strict=True):
        on = story.arrived_on + timedelta(days=days)
        certificate = trade.travel_on(story, story.destination, _in_steps(story, part), on=on)
        if not is_endorsed:
            certificate.acts = [act for act in certificate.acts if act.does != "endorse"]
    return _fraud("FRD-06", story, f"{story.destination} sold on half as much again as it had imported")


def shared_origin(trade: Trade, story: Story) -> Truth:
    """Two countries sell on goods under the same origin permit; together far more than ever left under it."""
    assert story.arrived_on is not None
    other = trade.another(story.destination, story.issuer)
    # Not to one another: then it might be the same goods.
    buyers = [party for party in trade.parties if party not in {story.destination, other}]
    for holder, days in ((story.destination, 20), (other, 30)):
        on = story.arrived_on + timedelta(days=days)
        quantity = _in_steps(story, story.arrived * 9 // 10)
        trade.travel_on(story, holder, quantity, on=on, to=trade.random.choice(buyers))
    return _fraud("FRD-07", story, f"{story.destination} and {other} both sold on what came under it", "FRD-06")


def other_species(trade: Trade, story: Story) -> Truth:
    """A border finds another species than the permit names: that of the importer, or already that of the exporter."""
    _change_line(story, trade.random.choice(("confirm", "confirm", "endorse")), taxon=story.goods.look_alike)
    return _fraud("FRD-09", story, f"{story.goods.look_alike} was found")


def permit_after_the_fact(_trade: Trade, story: Story) -> Truth:
    """The goods had left six days before the permit was issued, and it does not say so."""
    left = story.issued_on - timedelta(days=6)
    for act in story.acts:
        if act.does == "endorse":
            act.body["date"] = str(left)
    return _fraud("FRD-11", story, f"issued on {story.issued_on} for goods that left on {left}")


def diverted(trade: Trade, story: Story) -> Truth:
    """The goods never reach their destination: a third country confirms them."""
    third = trade.another(story.issuer, story.destination)
    for number, act in enumerate(story.acts):
        if act.does == "confirm":
            body = {**act.body, "event_id": trade.event_id(third), "office": f"{third}-1"}
            body.pop("import_permit", None)
            story.acts[number] = type(act)(at=act.at, party=third, does=act.does, body=body)
    return _fraud("FRD-12", story, f"meant for {story.destination}, arrived in {third}")


def expired(trade: Trade, story: Story) -> Truth:
    """Goods leave and arrive weeks after the last day of the permit."""
    left = story.valid_until + timedelta(days=trade.random.randint(10, 40))
    _forget_events(story)
    trade.export(story, on=left, quantity=story.exported)
    trade.arrive(story)
    if trade.random.randrange(3) == 0:  # nobody endorses what leaves too late
        story.acts = [act for act in story.acts if act.does != "endorse"]
    return _fraud("FRD-14", story, f"left on {left}, the permit ended on {story.valid_until}")


def shopped(trade: Trade, story: Story) -> Truth:
    """The load is refused under this permit, and comes back under another one that its owner found."""
    assert story.arrived_on is not None
    assert story.exported_on is not None
    _change_outcome(story, "refused")
    second = trade.permit_for(
        story.issuer, story.destination, story.goods, story.permitted, issued_on=story.issued_on + timedelta(days=1)
    )
    second.is_told = True
    trade.event(
        second,
        story.destination,
        "confirm",
        on=story.arrived_on + timedelta(days=2),
        quantity=story.arrived,
        transport_document=story.waybill,
    )
    return _fraud("FRD-15", story, f"refused, then shown again under {second.number}")


def never_arrived(_trade: Trade, story: Story) -> Truth:
    """The goods left and no country ever confirms them, though this one always does."""
    story.acts = [act for act in story.acts if act.does != "confirm"]
    return _fraud("FRD-19", story, f"left on {story.exported_on}, never confirmed")


def over_quota(trade: Trade, story: Story) -> Truth:
    """The authority writes the year's quota on two permits, and a quarter more than that leaves under them."""
    assert story.exported_on is not None
    second = trade.permit_for(story.issuer, story.destination, story.goods, story.permitted, issued_on=story.issued_on)
    second.is_told = True
    trade.export(second, on=story.exported_on, quantity=story.permitted)
    trade.arrive(second)
    quota = (story.exported + second.exported) * 4 // 5
    for permit in (story.permit, second.permit):
        permit["lines"][0]["quota"] = {"used": None, "annual": text_of(quota), "unit": story.goods.unit}
    said = f"{story.issuer} let more out than the annual quota of {text_of(quota)} {story.goods.unit}"
    return Truth(is_fraud=True, kind=QUOTA, permit=_quota_of(story).subject.to_json(), said=said)


def bred_for_trade(trade: Trade, story: Story) -> Truth:
    """Beside the honest goods fish of Appendix I are sold, as bred by somebody who is in no register."""
    assert story.exported_on is not None
    fish = trade.permit_for(story.issuer, story.destination, AROWANA, 20_000, issued_on=story.issued_on)
    fish.is_told = True
    trade.export(fish, on=story.exported_on, quantity=20_000)
    trade.arrive(fish)
    return _fraud("FRD-08", fish, f"{AROWANA.taxon} of Appendix I were sold as bred by nobody in the register")


def _quota_of(story: Story) -> SumKey:
    goods = story.goods
    base_unit = UNIT_LIST[goods.unit].unit_class.value
    return SumKey.of_quota(story.issuer, goods.taxon, goods.term, goods.source, base_unit, story.issued_on.year)


def _fraud(pattern: str, story: Story, said: str, *may_also: str) -> Truth:
    return Truth(is_fraud=True, kind=pattern, permit=story.key, said=said, may_also=may_also)


def _in_steps(story: Story, quantity: int) -> int:
    return max(story.goods.step, quantity - quantity % story.goods.step)


def _forget_events(story: Story) -> None:
    """Nothing happened at any border."""
    story.acts = [act for act in story.acts if act.does == "publish"]


def _change_arrival(story: Story, quantity: int) -> None:
    story.arrived = quantity
    _change_line(story, "confirm", quantity=text_of(quantity))


def _change_line(story: Story, deed: str, **members: object) -> None:
    """What a border wrote of the story's goods, written otherwise."""
    for act in story.acts:
        if act.does == deed:
            first, *others = act.body["lines"]
            act.body["lines"] = [{**first, **members}, *others]


def _change_outcome(story: Story, outcome: str) -> None:
    for act in story.acts:
        if act.does == "confirm":
            act.body["outcome"] = outcome


FRAUDS: tuple[Fraud, ...] = (
    second_load,
    altered_copy,
    stolen,
    inflated,
    forged,
    laundered_stock,
    shared_origin,
    other_species,
    permit_after_the_fact,
    diverted,
    expired,
    shopped,
    never_arrived,
    over_quota,
    bred_for_trade,
)
"""Played in turn, so that every kind comes as often as every other."""

NEEDS_RESALE = frozenset({laundered_stock, shared_origin})
"""Only with goods that are bought to be sold on, and enough of them to sell in parts."""

NEEDS_SILENCE = frozenset({never_arrived})
"""Only with a country whose silence says something."""
