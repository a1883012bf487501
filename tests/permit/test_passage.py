"""When goods passed a border, and what that says."""

from __future__ import annotations

from epix_node.permit.passage import MAX_PASSAGES, Passage, passages
from tests.reconcile.builders import confirmed, day, endorsed, goods, presented


def of(*events):
    return passages((event.party, event.body) for event in events)


def test_days_and_outcomes_are_told_in_any_order_and_once():
    events = [endorsed("03-10"), confirmed("03-12"), confirmed("03-12"), presented("03-11")]
    expected = (
        Passage(on=day("03-10"), party="XA"),
        Passage(on=day("03-12"), party="XB", outcome="released"),
    )
    assert of(*events) == of(*reversed(events)) == expected
    assert [one.is_departure for one in expected] == [True, False]
    assert [one.is_arrival for one in expected] == [False, True]


def test_what_was_turned_away_is_told_line_by_line():
    found = of(confirmed("03-12", goods("6"), goods("4", outcome="returned")))
    assert [(one.outcome, one.is_turned_away) for one in found] == [("released", False), ("returned", True)]


def test_a_confirmation_without_lines_tells_its_outcome():
    empty = confirmed("03-12", outcome="refused")
    assert [one.outcome for one in passages([("XB", empty.body)])] == ["refused"]


def test_no_more_is_told_than_a_document_should_hold():
    assert len(of(*(confirmed("03-12", by=f"{n:02}") for n in range(90)))) == MAX_PASSAGES


def test_who_tells_of_many_days_hides_nobody_elses() -> None:
    """A third country floods a certificate with arrivals of long ago: what its border and its destination say is told.

    Otherwise goods that came back would count as sold twice.
    """
    flood = [confirmed(f"{1000 + n}-01-01", by="XZ") for n in range(MAX_PASSAGES * 2)]
    honest = of(endorsed("03-10"), confirmed("03-20", outcome="refused"))
    told = of(*flood, endorsed("03-10"), confirmed("03-20", outcome="refused"))
    assert len(told) == MAX_PASSAGES
    assert set(honest) <= set(told)
    assert list(told) == sorted(told)
