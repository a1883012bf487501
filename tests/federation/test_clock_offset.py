"""The machine's clock against the median of its peers'."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from epix_node.federation.clock_offset import Severity, measured
from epix_node.store.peers import PeerState


def states(*ahead: float, failures: int = 0) -> list[PeerState]:
    new = [PeerState.new(f"X{chr(65 + number)}") for number in range(len(ahead))]
    return [
        dataclasses.replace(state, clock_ahead=timedelta(seconds=seconds), failures=failures)
        for state, seconds in zip(new, ahead, strict=True)
    ]


@pytest.mark.parametrize(
    ("ahead", "offset", "severity"),
    [
        ((0, 0, 0), 0, Severity.FINE),
        ((1.9, 1.9, 1.9), -1.9, Severity.FINE),
        ((2, 2, 2), -2, Severity.WARN),
        ((-29.9, -29.9, -29.9), 29.9, Severity.WARN),
        ((-30, -30, -30), 30, Severity.GRAVE),
        ((0, 1, 86400), -1, Severity.FINE),
        ((-86400, 0, 0, 0), 0, Severity.FINE),
    ],
)
def test_one_peer_that_lies_moves_nothing(ahead, offset, severity):
    """The median of three or more; warned of from 2 s on, grave from 30 s (C.5)."""
    found = measured(states(*ahead))
    assert found is not None
    assert (found.ahead, found.severity, found.peers) == (timedelta(seconds=offset), severity, len(ahead))


def test_two_peers_are_not_enough_and_silent_ones_do_not_count():
    """None: not known."""
    assert measured(states(0, 0)) is None
    assert measured([*states(0, 0), *states(0, failures=1)]) is None
    assert measured([*states(0, 0), PeerState.new("XZ")]) is None
