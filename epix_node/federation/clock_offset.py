"""How far this machine's clock is off, by what the peers' clocks showed when they answered (C.5, "Clock").

No one peer's clock is believed: it takes three, and the median of them. A peer says the time in its ``Date`` field,
in whole seconds, and is asked at every pull. What follows is for people: requests are refused beyond 60 s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import median_low

from epix_node.store.peers import PeerState

ENOUGH_PEERS = 3
"""Fewer are no majority against one that lies."""

WARN_FROM = timedelta(seconds=2)
GRAVE_FROM = timedelta(seconds=30)
"""C.5. Beyond 60 s other nodes refuse the requests of this one."""


class Severity(StrEnum):
    """What to make of it."""

    FINE = "FINE"
    WARN = "WARN"
    GRAVE = "GRAVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """How far this machine's clock is ahead of the peers'; negative: behind."""

    ahead: timedelta
    peers: int

    @property
    def severity(self) -> Severity:
        """What to make of it."""
        size = abs(self.ahead)
        if size >= GRAVE_FROM:
            return Severity.GRAVE
        return Severity.WARN if size >= WARN_FROM else Severity.FINE


def measured(states: Iterable[PeerState]) -> ClockOffset | None:
    """The offset as of the last answers of the peers that do answer; None of fewer than three."""
    found = [state.clock_ahead for state in states if state.clock_ahead is not None and not state.failures]
    if len(found) < ENOUGH_PEERS:
        return None
    return ClockOffset(ahead=-median_low(found), peers=len(found))
