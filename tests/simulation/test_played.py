"""An invented year, played by real offices with real signatures: what they find is what was done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from epix_node.simulation.rates import Rates
from epix_node.simulation.year import invent
from tests.acts.conftest import Keys, open_world
from tests.simulation.playing import do

DECIDED = frozenset({"FRD-01", "FRD-02", "FRD-03", "FRD-04", "FRD-05", "FRD-09", "FRD-12", "FRD-14"})
"""Patterns of class A that so small a year decides whatever its seed."""


def test_frauds_are_found_and_nothing_innocent_is_accused(tmp_path: Path, keys_of: Callable[[str], Keys]) -> None:
    """Every fraud that these offices can decide is an open A finding somewhere; no trap and no honest permit is."""
    rates = Rates(fraud=1, trap=1, reexported=0)
    made = invent(permits=45, seed=3, parties=3, start=date(2026, 3, 2), rates=rates)
    world = open_world(tmp_path, map(keys_of, made.parties))
    try:
        met = world.now
        for act in made.acts:
            if act.at - met > timedelta(days=60):
                world.now = met = act.at
                world.meet(rounds=1)
            do(world, act)
        world.wait(days=30)
        world.meet()
        accused = {
            (finding.pattern, finding.subject.issuer, finding.subject.number)
            for party in made.parties
            for finding in world.findings(party).values()
            if finding.class_.value == "A" and finding.state.value == "open"
        }
    finally:
        world.close()
    expected = {(t.kind, t.permit["issuer"], t.permit["number"]) for t in made.truths if t.kind in DECIDED}
    assert len(expected) == len(DECIDED)
    assert expected <= accused
    guilty = {(t.permit["issuer"], t.permit["number"]) for t in made.truths if t.is_fraud}
    assert {one for one in accused if one[1:] not in guilty} == set()
