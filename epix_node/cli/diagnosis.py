"""One line of what ``epix-node doctor`` says: OK, WARN (it works, but look), FAIL (it does not work)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the diagnosis; ``advice`` says what to do where there is something to do."""

    name: str
    state: State
    message: str
    advice: str | None = None


def ok(name: str, message: str) -> Check:
    """It is as it should be."""
    return Check(name=name, state=State.OK, message=message)


def warn(name: str, message: str, advice: str) -> Check:
    """It works, and somebody should look: ``advice`` says at what."""
    return Check(name=name, state=State.WARN, message=message, advice=advice)


def fail(name: str, message: str, advice: str) -> Check:
    """The node cannot work like this: ``advice`` says what to do."""
    return Check(name=name, state=State.FAIL, message=message, advice=advice)


def because(problem: str | None) -> str:
    """What is known of the cause, to be put behind a sentence."""
    return f"; {problem}" if problem is not None else ""
