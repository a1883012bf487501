"""Why a register signs nothing now, and what it takes to sign again (C.4 item 8 (c)).

A register that signs a second history cannot be believed any more, ever. So before it signs after a restore, and
whenever somebody shows it a checkpoint of its own that it does not know, it asks others what it has signed already.
``decide`` says what follows from what is known; it knows no database and no network.

Not here: asking (``federation.recovery``), and what is changed then (``acts.recovery``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """The first word of the reason why nothing is signed."""

    RESTORED = "RESTORED"
    """The database came from a copy, or was empty: what was signed since is not known here."""
    RECOVERY = "RECOVERY"
    """Others, or the last-signed record, show more than the database has: what is missing is fetched."""
    TWO_HISTORIES = "TWO_HISTORIES"
    """The log key signed what contradicts the entries held: no fetching mends that."""
    SUCCESSION = "SUCCESSION"
    """The register begins in the place of another, and its first entries are being made."""


_ADVICE = {
    Cause.RESTORED: "leave the node running and see that it reaches the other Parties: it asks them every 10 s how far "
    "the register had come, fetches what is missing, and goes on by itself",
    Cause.RECOVERY: "leave the node running and see that it reaches the other Parties: it fetches from their mirrors "
    "what is missing, every 10 s as far as it can, and goes on by itself",
    Cause.TWO_HISTORIES: "make sure that no second copy of this node is running anywhere, and tell the Secretariat: "
    "the register has signed two histories and cannot go on under its name; `epix-node register succeed` "
    "begins another",
    Cause.SUCCESSION: "start the node again: it goes on where it stopped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """Why nothing is signed: a cause, and what was seen, in words for people."""

    cause: Cause
    seen: str

    @property
    def text(self) -> str:
        """As it is stored with the register."""
        return f"{self.cause.value}: {self.seen}"

    @property
    def advice(self) -> str:
        """What whoever runs the node can do."""
        return _ADVICE[self.cause]

    @property
    def told(self) -> str:
        """What happens to documents meanwhile, and why, in one sentence."""
        return (
            f"{self.seen}; documents are accepted and kept, and get their register numbers when the register signs "
            "again"
        )


def parse_standstill(text: str) -> Standstill:
    """The reason that ``text`` wrote; what another program wrote there is something to recover from, too."""
    word, separator, seen = text.partition(": ")
    if separator and word in set(Cause):
        return Standstill(cause=Cause(word), seen=seen)
    return Standstill(cause=Cause.RECOVERY, seen=text)


class Step(StrEnum):
    """What to do now."""

    SIGN = "SIGN"
    WAIT = "WAIT"
    REBUILD = "REBUILD"
    STOP = "STOP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the database has of the own register.

    ``entries``: how many; ``signed``: how many of them a checkpoint in the database covers. ``is_in_doubt``: the
    database was restored, or its last-signed record is gone, so that silence of others means nothing.
    """

    entries: int
    signed: int
    is_in_doubt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A checkpoint of the own register that verified under the own log key.

    ``source``: a Party, or the last-signed record. ``agrees``: whether the entries held have its root at its size;
    None where it is larger than they are.
    """

    source: str
    size: int
    agrees: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and which checkpoint says so."""

    step: Step
    because: Shown | None = None


def decide(held: Held, shown: Sequence[Shown], *, is_quorum: bool) -> Decision:
    """What follows from these checkpoints; ``is_quorum``: enough other Parties answered, whatever they answered.

    1. One that contradicts what we signed ourselves: STOP. The two prove two histories, and nothing mends that.
    2. One that contradicts entries which nobody signed, or is larger than what is held: REBUILD up to the largest.
       What nobody signed yields, and gets another number.
    3. In doubt, with too few answers: WAIT.
    4. Otherwise SIGN. Without doubt silence is no reason to wait: an outage of others never blocks issuing (C.4.7).
    """
    for one in shown:
        if one.agrees is False and one.size <= held.signed:
            return Decision(step=Step.STOP, because=one)
    ahead = [one for one in shown if not one.agrees]
    if ahead:
        return Decision(step=Step.REBUILD, because=max(ahead, key=lambda one: one.size))
    if held.is_in_doubt and not is_quorum:
        return Decision(step=Step.WAIT)
    return Decision(step=Step.SIGN)
