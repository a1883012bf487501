"""A small year with many frauds and traps, through every Party's node: the bars of the large one hold in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from epix_node.simulation.frauds import FRAUDS
from epix_node.simulation.rates import Rates
from epix_node.simulation.traps import TRAPS
from epix_node.simulation.year import invent
from tests.simulation.score import Score, play
from tests.simulation.unsigned import unsigned_world


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Score]:
    """Three countries, so that each partner confirms enough to be believed; one month from round to round."""
    rates = Rates(fraud=1_000, trap=2_000)
    year = invent(permits=300, seed=6, parties=3, start=date(2026, 3, 2), rates=rates)
    with unsigned_world(tmp_path_factory.mktemp("year"), year.parties) as world:
        play(world, year, every=timedelta(days=30))
        yield Score.of(world, year)


def test_frauds_are_found_and_nothing_innocent_is_accused(score: Score) -> None:
    """Recall of each pattern, precision of class A, and no alert from any trap."""
    assert {truth.kind for truth in score.year.truths if truth.is_fraud} >= {"FRD-01", "FRD-05", "FRD-06", "FRD-14"}
    assert sum(truth.is_fraud for truth in score.year.truths) >= len(FRAUDS)
    assert sum(not truth.is_fraud for truth in score.year.truths) >= len(TRAPS)
    assert list(score.failures()) == []


def test_nobody_shows_an_alert_about_a_permit_that_its_issuer_does_not_show(score: Score) -> None:
    """The issuer holds whatever the others hold about its permits (``domain-rules.md`` 0.20)."""
    assert score.said_by_mirrors_alone == []
