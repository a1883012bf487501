"""How long another node is waited for, and how soon one that did not answer is asked again (C.5).

Nodes that share a clock are on one machine, where whoever does not answer within seconds is stopped or hangs. A tick
of that clock waits for every one of them (contract 7), so they are given less time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from epix_node.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The waits of one pull."""

    connect: timedelta
    """Longest wait for a connection."""
    first_answer: timedelta
    """Longest wait for the first bytes of the first answer: a sign of life."""
    read: timedelta
    """Longest wait for the next bytes of any later one."""
    step: timedelta
    """A pull that completes no step for so long is given up; one that goes on may take its time."""
    retries: tuple[timedelta, ...]
    """The pauses after which a pull that could not connect, or met 502 to 504, is tried again."""
    between_catch_ups: timedelta
    """The pause after one peer's long register was mirrored, before the next one's."""


PROTOCOL = Patience(
    connect=timedelta(seconds=5),
    first_answer=timedelta(seconds=30),
    read=timedelta(seconds=30),
    step=timedelta(seconds=120),
    retries=(timedelta(seconds=2), timedelta(seconds=5), timedelta(seconds=10)),
    between_catch_ups=timedelta(seconds=5),
)
"""C.5."""

ONE_MACHINE = Patience(
    connect=timedelta(seconds=2),
    first_answer=timedelta(seconds=3),
    read=timedelta(seconds=15),
    step=timedelta(seconds=60),
    retries=(),
    between_catch_ups=timedelta(0),
)
"""For nodes that share a clock."""


def patience_of(config: Config) -> Patience:
    """How long the node of this configuration waits."""
    return PROTOCOL if config.shared_clock is None else ONE_MACHINE
