"""Back-off of a peer: longer each time, within an hour, and forgotten at the first success."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.federation.backoff import Backoff, Circuit, after_failure

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DRAWS = st.floats(min_value=0, max_value=1, exclude_max=True)


def failed(times: int, *, draw: float = 1 / 3, retry_after: timedelta | None = None) -> Backoff:
    """The back-off after so many failures in a row, each at NOW; a draw of 1/3 is a jitter of 1."""
    backoff = Backoff()
    for _ in range(times):
        backoff = after_failure(backoff, now=NOW, random=lambda: draw, retry_after=retry_after)
    return backoff


@pytest.mark.parametrize(
    ("failures", "draw", "delay"),
    [
        (1, 0, timedelta(seconds=24)),
        (1, 1 / 3, timedelta(seconds=30)),
        (1, 1, timedelta(seconds=42)),
        (2, 1 / 3, timedelta(seconds=60)),
        (5, 1 / 3, timedelta(seconds=480)),
        (7, 1 / 3, timedelta(seconds=1920)),
        (8, 0, timedelta(seconds=3072)),
        (8, 1 / 3, HOUR),
        (100, 0, HOUR),
    ],
)
def test_the_delay_doubles_from_thirty_seconds_to_an_hour(failures, draw, delay) -> None:
    backoff = failed(failures, draw=draw)
    assert backoff.failures == failures
    assert abs(backoff.until - NOW - delay) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        (timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(days=365), HOUR),
        (timedelta.max, HOUR),
        (timedelta(0), timedelta(seconds=30)),
        (timedelta(seconds=-5), timedelta(seconds=30)),
    ],
)
def test_a_peer_may_ask_for_a_longer_delay_up_to_an_hour(retry_after, delay) -> None:
    assert failed(1, retry_after=retry_after).until == NOW + delay


def test_a_peer_is_due_at_the_end_of_its_delay_and_not_before() -> None:
    backoff = failed(1)
    assert not backoff.is_due(backoff.until - timedelta(microseconds=1))
    assert backoff.is_due(backoff.until)
    assert Backoff().is_due(NOW)


@pytest.mark.parametrize(
    ("failures", "before", "after"),
    [
        (0, Circuit.CLOSED, Circuit.CLOSED),
        (4, Circuit.CLOSED, Circuit.CLOSED),
        (5, Circuit.OPEN, Circuit.HALF_OPEN),
        (50, Circuit.OPEN, Circuit.HALF_OPEN),
    ],
)
def test_the_circuit_opens_after_five_failures_and_lets_one_probe_through(failures, before, after) -> None:
    backoff = failed(failures)
    assert backoff.circuit(NOW) is before
    assert backoff.circuit(NOW + HOUR) is after


def test_a_failed_probe_opens_the_circuit_again() -> None:
    backoff = after_failure(failed(5), now=NOW + HOUR, random=lambda: 0)
    assert backoff.circuit(NOW + HOUR) is Circuit.OPEN


@pytest.mark.parametrize("made", [{"failures": -1}, {"until": NOW.replace(tzinfo=None)}])
def test_a_back_off_that_makes_no_sense_cannot_be_made(made) -> None:
    with pytest.raises(ValueError, match=r"expected|zone"):
        Backoff(**made)


@settings(max_examples=50)
@given(
    draws=st.lists(DRAWS, min_size=1, max_size=40),
    retry_after=st.none() | st.timedeltas(),
    failures=st.integers(0, 10**9),
)
def test_no_delay_exceeds_an_hour_and_no_time_is_naive(draws, retry_after, failures) -> None:
    backoff = Backoff(failures=failures)
    for draw in draws:
        backoff = after_failure(backoff, now=NOW, random=lambda draw=draw: draw, retry_after=retry_after)
        assert timedelta(0) < backoff.until - NOW <= HOUR
        assert backoff.until.tzinfo is not None


@settings(max_examples=50)
@given(draws=st.lists(DRAWS, min_size=2, max_size=20))
def test_delays_grow_until_they_reach_the_cap_whatever_the_jitter(draws) -> None:
    backoff, last = Backoff(), timedelta(0)
    for draw in draws:
        backoff = after_failure(backoff, now=NOW, random=lambda draw=draw: draw)
        delay = backoff.until - NOW
        assert delay > last or delay == HOUR
        last = delay
