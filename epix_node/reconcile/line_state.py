"""How a line of a permit may stand (``domain-rules.md`` 2.2). Which state holds is decided in ``ledger``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from epix_node.rules.finding import Severity


class State(StrEnum):
    """The states, the gravest first."""

    DOUBLE = "DOUBLE"
    OVER_IMPORT = "OVER_IMPORT"
    OVER_EXPORT = "OVER_EXPORT"
    INCOMPARABLE = "INCOMPARABLE"
    UNENDORSED_IMPORT = "UNENDORSED_IMPORT"
    SHORT = "SHORT"
    MATCHED = "MATCHED"
    TURNED_AWAY = "TURNED_AWAY"
    """What left was refused or sent back: the other side has spoken, and nothing arrived."""
    NOT_CONFIRMED = "NOT_CONFIRMED"
    NOT_OBSERVABLE = "NOT_OBSERVABLE"
    EXPORTED_AWAITING = "EXPORTED_AWAITING"
    EXPIRED_UNUSED = "EXPIRED_UNUSED"
    """Nothing moved, and nothing can any more: it expired, was withdrawn, or left without this line."""
    OPEN = "OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """How one line stands. Amounts are decimal texts in ``unit``; ``None`` where nothing was told, or cannot be added.

    ``also`` are further states that hold. ``tolerance`` is the share by which amounts may differ, and ``conversions``
    the assumptions about the goods that the amounts rest on.
    """

    block: str | None
    state: State
    severity: Severity
    also: tuple[State, ...]
    permitted: str | None
    endorsed: str | None
    imported: str | None
    unit: str | None
    tolerance: str
    conversions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As a member of ``reconciliation``."""
        return {
            "block": self.block,
            "state": self.state.value,
            "severity": self.severity.value,
            "also": [state.value for state in self.also],
            "permitted": self.permitted,
            "endorsed": self.endorsed,
            "imported": self.imported,
            "unit": self.unit,
            "tolerance": self.tolerance,
            "conversions": list(self.conversions),
        }
