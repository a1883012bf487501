"""When to ask a peer again that failed: exponential back-off with jitter and a circuit (protocol C.5).

Pure values: who pulls stores them with the peer's sync state, so that a restart forgets nothing. After a failure a
peer is asked again at ``until`` and not before, whatever the circuit says; the circuit tells humans and the scheduler
whether that next request is routine or a probe. A peer is never given up.

Not here: what counts as a failure (transport errors, 5xx, 401, 403, 429, but not CLOCK_SKEW), and the short retries
within one pull.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_DELAY = timedelta(seconds=30)
"""Delay after the first failure, before jitter; doubles with each further one (C.5)."""

MAX_DELAY = timedelta(hours=1)
"""Longest delay, whatever the count and whatever the peer asks for; a peer that is back is seen within the hour."""

FAILURES_TO_OPEN = 5
"""Failures in a row after which the circuit opens (C.5)."""

WARN_AFTER = timedelta(minutes=15)
PAGE_AFTER = timedelta(hours=24)
"""How long a peer that fails is silent before people are told, and before they are called (C.5, "Alarm")."""

_MAX_DOUBLINGS = 16
"""Beyond the cap under any jitter (8 doublings reach it), and far from what a timedelta cannot hold."""


class Circuit(StrEnum):
    """How much is expected of the next request to a peer."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Alarm(StrEnum):
    """What people should make of a peer that does not answer."""

    WARN = "WARN"
    PAGE = "PAGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often a peer failed in a row, and the time before which it is left alone (None: at no time)."""

    failures: int = 0
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.failures < 0:
            raise ValueError(f"a peer failed {self.failures} times, expected 0 or more")
        if self.until is not None and self.until.tzinfo is None:
            raise ValueError("the end of a back-off needs a zone")

    def is_due(self, now: datetime) -> bool:
        """Whether the peer may be asked at ``now``."""
        return self.until is None or now >= self.until

    def circuit(self, now: datetime) -> Circuit:
        """Closed up to 4 failures in a row; then open, and half-open once the one probe is due."""
        if self.failures < FAILURES_TO_OPEN:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if self.is_due(now) else Circuit.OPEN


def after_failure(
    backoff: Backoff, *, now: datetime, random: Callable[[], float], retry_after: timedelta | None = None
) -> Backoff:
    """One failure more: 30 s × 2^(n-1) × U(0.8, 1.4) from ``now``, at most 1 h; ``random`` draws from [0, 1).

    The jitter never makes a later delay shorter than an earlier one: 2 × 0.8 is more than 1.4. ``retry_after`` is
    what the peer asked for; it lengthens the delay up to the same cap and never shortens it, so that a peer which
    answers ``Retry-After: 0`` is not asked in a loop.
    """
    failures = backoff.failures + 1
    jitter = 0.8 + 0.6 * random()
    delay = FIRST_DELAY * 2 ** min(failures - 1, _MAX_DOUBLINGS) * jitter
    if retry_after is not None:
        delay = max(delay, retry_after)
    return Backoff(failures=failures, until=now + min(delay, MAX_DELAY))


def alarm_of(silent_since: datetime | None, *, failures: int, now: datetime) -> Alarm | None:
    """The alarm for a peer that failed so often in a row and answered last at this time, or was met then.

    None for one that does not fail, however long ago it was asked: a node that was off is no news about its peers.
    """
    if not failures or silent_since is None:
        return None
    silent = now - silent_since
    if silent >= PAGE_AFTER:
        return Alarm.PAGE
    return Alarm.WARN if silent >= WARN_AFTER else None
