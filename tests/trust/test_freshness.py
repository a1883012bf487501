"""How sure a node may be: FRESH, STALE, EXPIRED, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from epix_node.trust.freshness import PARTY_GRACE, Freshness, due_warning

EXPIRY = datetime(2026, 3, 2, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("late", "grace", "expected"),
    [
        (-400 * DAY, 7 * DAY, "FRESH"),
        (-SECOND, 7 * DAY, "FRESH"),
        (timedelta(0), 7 * DAY, "STALE"),
        (SECOND, 7 * DAY, "STALE"),
        (7 * DAY - SECOND, 7 * DAY, "STALE"),
        (7 * DAY, 7 * DAY, "EXPIRED"),
        (7 * DAY + SECOND, 7 * DAY, "EXPIRED"),
        (90 * DAY - SECOND, PARTY_GRACE, "STALE"),
        (90 * DAY, PARTY_GRACE, "EXPIRED"),
        (90 * DAY + SECOND, PARTY_GRACE, "EXPIRED"),
    ],
)
def test_so_late_after_the_expiry_it_is(late, grace, expected):
    assert Freshness.of(EXPIRY, EXPIRY + late, grace=grace) == expected


def test_nothing_verified_is_expired():
    assert Freshness.of(None, EXPIRY) is Freshness.EXPIRED


@pytest.mark.parametrize("year", [1, 9999])
def test_an_expiry_at_the_edge_of_the_calendar_is_an_expiry(year):
    """Whoever signs metadata may write any year."""
    expiry = datetime(year, 1, 1, tzinfo=UTC)
    assert Freshness.of(expiry, EXPIRY) == ("EXPIRED" if year == 1 else "FRESH")
    assert due_warning(expiry, EXPIRY) == (7 * DAY if year == 1 else None)


def test_the_worst_counts():
    assert Freshness.worst(Freshness.FRESH, Freshness.EXPIRED, Freshness.STALE) is Freshness.EXPIRED
    assert Freshness.worst(Freshness.STALE, Freshness.FRESH) is Freshness.STALE
    assert Freshness.worst() is Freshness.FRESH


@pytest.mark.parametrize(
    ("before", "warning"),
    [(91 * DAY, None), (90 * DAY, 90 * DAY), (31 * DAY, 90 * DAY), (30 * DAY, 30 * DAY), (7 * DAY, 7 * DAY)],
)
def test_an_operator_is_told_90_30_and_7_days_before(before, warning):
    """Decision 6, of a Party's role."""
    assert due_warning(EXPIRY, EXPIRY - before) == warning
