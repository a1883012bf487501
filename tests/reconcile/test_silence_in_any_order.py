"""Findings that rest on silence depend on many permits, and still not on the order in which anything became known.

A history is made of permits of XA for XB, of what left and what was reported, in time, late, twice or never, and taken
back. It comes to stores of the issuer's node in any order, with rounds between the pages in which time passes and XB's
register becomes known further. The last round settles everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from epix_node.permit.event import Outcome, WithdrawalReason
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.record import record_page
from epix_node.store import coverage, findings
from epix_node.store.arrival import Arrival
from epix_node.store.columns import table
from epix_node.store.database import Database, Session
from epix_node.store.reconcile_tables import AccountRow
from tests.reconcile import test_any_order as any_order
from tests.reconcile.everything import reconcile_all
from tests.reconcile.test_observability import LEFT, Exports, known, noon

PERMITS = 14
END = LEFT + timedelta(days=75)

_PATTERNS = any_order.PERSPECTIVE.ruleset.patterns
SMALL = replace(
    _PATTERNS,
    transit_max_air=timedelta(days=4),
    transit_max_sea=timedelta(days=9),
    observability=replace(
        _PATTERNS.observability,
        grace=timedelta(days=5),
        window=timedelta(days=12),
        least_share=Fraction(2, 5),
        z=Fraction(1),
    ),
)
"""A few permits and weeks instead of hundreds and years, so that answers change often."""
PERSPECTIVE = replace(any_order.PERSPECTIVE, ruleset=replace(any_order.PERSPECTIVE.ruleset, patterns=SMALL))

DAYS = st.integers(0, 40)
SERIALS = st.integers(0, PERMITS - 1)
STEPS = st.one_of(
    st.tuples(st.just("trade"), SERIALS, DAYS),
    st.tuples(st.just("trade"), SERIALS, DAYS),
    st.tuples(st.just("trade"), SERIALS, DAYS),
    st.tuples(st.just("leave"), SERIALS, DAYS),
    st.tuples(st.just("leave"), SERIALS, DAYS),
    st.tuples(st.just("arrive"), SERIALS, DAYS),
    st.tuples(st.just("refuse"), SERIALS, DAYS),
    st.tuples(st.just("elsewhere"), SERIALS, DAYS),
    st.tuples(st.just("correct"), st.integers(0, 99), DAYS),
    st.tuples(st.just("withdraw"), SERIALS, DAYS),
)


def history(steps: Sequence[tuple[str, int, int]]) -> list[Arrival]:
    exports, issued = Exports(), {}
    for what, which, days in steps:
        on = LEFT + timedelta(days=days)
        if what != "correct" and which not in issued:
            issued[which] = exports.issue(which)
        match what:
            case "trade":
                exports.leave(which, on)
                exports.arrive(which, on + timedelta(days=1))
            case "leave":
                exports.leave(which, on)
            case "arrive":
                exports.arrive(which, on)
            case "refuse":
                exports.arrive(which, on, outcome=Outcome.REFUSED)
            case "elsewhere":
                exports.arrive(which, on, by="XC")
            case "withdraw":
                exports.withdraw(issued[which], WithdrawalReason.STOLEN)
            case "correct" if exports.events:
                exports.correct(which % len(exports.events), None)
    return exports.told


def deliver(database: Database, page: Sequence[Arrival], now: date) -> None:
    database.write_now(record_page, PERSPECTIVE, page[0].source.party, page, now=noon(now))


def seen(database: Database) -> tuple[Any, ...]:
    """Findings but for when this node saw them first, the accounts, and what was made of each day."""

    def read(session: Session) -> tuple[Any, ...]:
        shown, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
        live = [replace(f, first_seen=any_order.START, opened=None) for f in shown if f.state != "resolved"]
        rows = session.core.execute(select(table(AccountRow)).order_by(table(AccountRow).c.number)).all()
        days = {
            flow: [day for day in coverage.days(session, flow, since=date.min, until=date.max) if day.expected]
            for flow in coverage.observed(session)
        }
        counted = {flow: there for flow, there in days.items() if there}
        return sorted(live, key=lambda f: f.id), [tuple(row) for row in rows], counted

    return database.read_now(read)


def everything(session: Session) -> tuple[Any, ...]:
    return findings.page(session, findings.FindingFilter(), cursor=None, limit=500)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(STEPS, min_size=6, max_size=30), random=st.randoms(use_true_random=False))
def test_silence_says_the_same_in_any_order(steps: list[tuple[str, int, int]], random: Random) -> None:
    told = history(steps)
    with any_order.store() as first, any_order.store() as second:
        for party in ("XA", "XB", "XC"):
            if page := [arrival for arrival in told if arrival.source.party == party]:
                deliver(first, page, END)
        known(first, END)
        first.write_now(revisit, PERSPECTIVE, now=noon(END))
        expected = seen(first)

        now, read = LEFT, LEFT
        for page in any_order.shuffled(told, random):
            now = min(END, now + timedelta(days=random.randint(0, 9)))
            deliver(second, page, now)
            if random.random() < 0.4:
                read = read + (now - read) * random.randint(0, 2) / 2
                known(second, read)
            if random.random() < 0.5:
                second.write_now(revisit, PERSPECTIVE, now=noon(now))
        known(second, END)
        second.write_now(revisit, PERSPECTIVE, now=noon(END))
        assert seen(second) == expected

        before = second.read_now(everything)
        second.write_now(revisit, PERSPECTIVE, now=noon(END))
        assert second.read_now(everything) == before
        second.write_now(reconcile_all, PERSPECTIVE, now=noon(END))
        assert second.read_now(everything) == before


def test_the_histories_speak_of_silence() -> None:
    """Some of them, or the law above would say little."""
    steps = [("trade", serial, serial) for serial in range(PERMITS - 2)]
    steps += [("leave", PERMITS - 2, 8), ("arrive", PERMITS - 1, 9)]
    told = history(steps)
    with any_order.store() as database:
        for party in ("XA", "XB"):
            deliver(database, [arrival for arrival in told if arrival.source.party == party], END)
        known(database, END)
        database.write_now(revisit, PERSPECTIVE, now=noon(END))
        patterns = {finding.pattern for finding in seen(database)[0]}
    assert {"FRD-19", "END-05"} <= patterns
