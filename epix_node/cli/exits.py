"""Exit codes (contract 2): what a script may rely on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    """Done, or the answer is positive."""
    NEGATIVE = 1
    """NOT_VALID, BLOCK findings, refused as contradicting what is recorded, or ``--fail-on`` met."""
    USAGE = 2
    """Usage, input that is not understood, or configuration."""
    KEYS = 3
    """Own key material."""
    UNREACHABLE = 4
    """A peer could not be reached."""
    UNEXPECTED = 5
    CANNOT_SAY = 6
    """UNKNOWN, INDETERMINATE."""


_GRAVITY = (
    ExitCode.UNEXPECTED,
    ExitCode.KEYS,
    ExitCode.USAGE,
    ExitCode.NEGATIVE,
    ExitCode.UNREACHABLE,
    ExitCode.CANNOT_SAY,
    ExitCode.OK,
)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """The code of a command that did several things; OK where it did nothing."""
    return min(codes, key=_GRAVITY.index, default=ExitCode.OK)
