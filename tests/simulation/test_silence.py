"""An invented year between countries that report what they receive, as real offices play it (FRD-19)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.simulation.frauds import never_arrived
from epix_node.simulation.rates import Rates
from epix_node.simulation.trade import Story, Trade
from epix_node.simulation.traps import silent_partner
from tests.simulation.playing import do
from tests.simulation.unsigned import unsigned_world

START = date(2026, 3, 2)


def used_late_in_the_year(trade: Trade) -> list[Story]:
    """Stories that ended well, with half a year of others before them."""
    return [s for s in trade.stories if s.arrived_on is not None and s.issued_on > START + timedelta(days=250)]


def test_what_never_arrived_is_found_and_late_or_hopeless_silence_is_not(tmp_path: Path) -> None:
    """Every office of the pair asks for the one load that vanished, and for no other; nobody is accused."""
    trade = Trade(seed=11, parties=2, start=START, rates=Rates(fraud=0, trap=0, reexported=0))
    for _ in range(260):
        trade.story()
    vanished, told_late, elsewhere = used_late_in_the_year(trade)[:3]
    truth = never_arrived(trade, vanished)
    silent_partner(trade, elsewhere)
    slow = next(act for act in told_late.acts if act.does == "confirm")
    told_late.acts.remove(slow)
    trade.act(told_late, slow.party, "confirm", slow.body, on=slow.at.date() + timedelta(days=75))

    with unsigned_world(tmp_path, trade.parties) as world:
        met = world.now
        for act in sorted((act for story in trade.stories for act in story.acts), key=lambda act: act.at):
            if act.at - met > timedelta(days=30):
                world.now = met = act.at
                world.meet()
            do(world, act)
        world.meet()
        before = {party: asked(world.findings(party)) for party in trade.parties}
        world.wait(days=250)
        world.meet()
        world.wait(days=2)
        world.meet()
        found = {party: asked(world.findings(party)) for party in trade.parties}
        accused = [f.summary for party in trade.parties for f in world.findings(party).values() if f.class_ == "A"]
    assert before == {party: set() for party in trade.parties}
    missing = {("FRD-19", vanished.issuer, vanished.number)}
    assert found == dict.fromkeys(trade.parties, missing)
    assert truth.kind == "FRD-19"
    assert accused == []


def asked(found: dict[str, Finding]) -> set[tuple[str, str, str]]:
    return {
        (f.pattern, f.subject.issuer, f.subject.number)
        for f in found.values()
        if f.pattern in {"FRD-19", "END-05"}
        and f.class_ is FindingClass.REVIEW
        and f.state is not FindingState.RESOLVED
    }
