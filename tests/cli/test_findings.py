"""`reconcile` and `findings`."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.fixture
def arrived_twice(xa, permit, event):
    """More than was permitted arrived under one permit, in two places: something to be found."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    xa.run("permits", "withdraw", "26XA000123", "--reason", "stolen")
    xa.clock.set(xa.clock() + timedelta(days=7))
    xa.run("confirm", xa.file("c.json", event(outcome="released", date="2026-03-08")))
    return xa


def test_a_finding_is_pending_until_it_has_cooled_off(arrived_twice):
    """`reconcile` opens what is due, and tells how many there are."""
    assert arrived_twice.json("reconcile")["findings"] == {"A": 0, "R": 0, "S": 0, "pending": 1}
    arrived_twice.clock.set(arrived_twice.clock() + timedelta(days=2))
    body = arrived_twice.json("reconcile")
    assert body["findings"]["pending"] == 0
    assert sum(body["findings"][class_] for class_ in "ARS") == 1


def test_reconciling_everything_again_gives_the_same(arrived_twice):
    """It says how many permit numbers it looked at."""
    before = arrived_twice.json("findings")
    assert arrived_twice.json("reconcile", "--full")["numbers"] == 1
    assert arrived_twice.json("findings") == before
    assert "permit numbers looked at" in arrived_twice.run("reconcile", "--full").stdout
    assert arrived_twice.json("reconcile", "--full", "--rewrite")["numbers"] == 1
    assert arrived_twice.json("findings") == before


def test_rewriting_goes_with_full(arrived_twice):
    """Alone it says nothing."""
    assert "--rewrite" in arrived_twice.run("reconcile", "--rewrite", code=2).stderr


def test_findings_are_filtered(arrived_twice):
    """By pattern, class, state, time, issuer and number."""
    (found,) = arrived_twice.json("findings")["findings"]
    assert found["pattern"] == "FRD-03"
    yes = [
        ("--pattern", "frd-03"),
        ("--class", found["class"]),
        ("--state", "pending"),
        ("--since", "2026-03-09T00:00:00Z"),
        ("--issuer", "xa"),
        ("--number", "26xa000123"),
    ]
    no = [
        ("--pattern", "FRD-01"),
        ("--class", "S"),
        ("--state", "resolved"),
        ("--since", "2026-04-01T00:00:00Z"),
        ("--issuer", "XB"),
        ("--number", "1"),
    ]
    for arguments in yes:
        assert arrived_twice.json("findings", *arguments)["findings"] == [found], arguments
    for arguments in no:
        assert arrived_twice.json("findings", *arguments)["findings"] == [], arguments
    assert "FRD-03" in arrived_twice.run("findings").stdout
    assert arrived_twice.run("findings", "--class", "S").stderr == "nothing was found\n"


def test_fail_on_is_met_by_this_class_and_graver_ones(arrived_twice):
    """Exit 1, with the answer all the same; among what is listed."""
    (found,) = arrived_twice.json("findings")["findings"]
    assert found["class"] == "A"
    for class_ in "ARS":
        assert arrived_twice.json("findings", "--fail-on", class_, code=1)["findings"] == [found]
    arrived_twice.run("findings", "--pattern", "FRD-01", "--fail-on", "A")
    arrived_twice.run("findings", "--fail-on", "B", code=2)


def test_fail_on_is_not_met_where_nothing_was_found(xa):
    """Exit 0."""
    assert xa.json("findings", "--fail-on", "A") == {"findings": [], "next": None}
