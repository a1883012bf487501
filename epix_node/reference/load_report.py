"""What became of each row of a file of reference data: taken, or refused with a reason.

Nothing that a loader does not understand disappears: it is counted by reason, and the first few are shown with the
number of their row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from epix_node.reference.edition import Edition

MAX_EXAMPLES = 20
"""Refused rows that a report shows; the counts by reason are complete."""
MAX_EXAMPLES_OF_A_REASON = 5
"""So that a frequent reason leaves room for the rare ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One thing in a file that was not understood."""

    row: int
    """Counted from 1, the header row being row 1; in a JSON file the position of the record, from 1."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """A file was loaded.

    A row can be taken although something in it was not understood; then the reason is counted, and ``refused`` is not.
    """

    edition: Edition
    taken: int
    refused: int
    reasons: Mapping[str, int]
    """Reason → how often, most frequent first."""
    examples: tuple[Refusal, ...]
    """The first of each reason, at most ``MAX_EXAMPLES`` in all."""

    def to_json(self, on: date) -> dict[str, Any]:
        """As ``reference load --json`` prints it."""
        return {
            "edition": self.edition.to_json(on),
            "taken": self.taken,
            "refused": self.refused,
            "reasons": dict(self.reasons),
            "examples": [{"row": example.row, "reason": example.reason} for example in self.examples],
        }


class Tally:
    """Counts rows while a file is being loaded; ``report`` closes it."""

    def __init__(self) -> None:
        self.taken = 0
        self.refused = 0
        self._reasons: Counter[str] = Counter()
        self._examples: list[Refusal] = []

    def take(self, rows: int = 1) -> None:
        """So many more rows were taken."""
        self.taken += rows

    def refuse(self, row: int, reason: str) -> None:
        """This row was left out."""
        self.refused += 1
        self.note(row, reason)

    def note(self, row: int, reason: str) -> None:
        """Something in this row was not understood; whether the row was taken is said apart.

        ``reason`` is one of few fixed sentences, without values of the row, so that counting makes sense.
        """
        self._reasons[reason] += 1
        if len(self._examples) < MAX_EXAMPLES and self._reasons[reason] <= MAX_EXAMPLES_OF_A_REASON:
            self._examples.append(Refusal(row=row, reason=reason))

    def report(self, edition: Edition) -> LoadReport:
        """What became of all rows."""
        return LoadReport(
            edition=edition,
            taken=self.taken,
            refused=self.refused,
            reasons=dict(self._reasons.most_common()),
            examples=tuple(self._examples),
        )
