"""What was really done: the answers that go beside the files, for whoever wants to know how much was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One fraud or one trap: the permit that it is about, and what was done to it."""

    is_fraud: bool
    kind: str
    """The pattern of a fraud (``domain-rules.md`` 2.4), the name of a trap (2.3)."""
    permit: dict[str, Any]
    said: str
    """What was done, in a sentence."""
    may_also: tuple[str, ...] = ()
    """Patterns that the same deed may show under as well, and rightly."""

    def to_json(self) -> dict[str, Any]:
        """One line of the file."""
        return {
            "fraud": self.kind if self.is_fraud else None,
            "trap": None if self.is_fraud else self.kind,
            "permit": self.permit,
            "said": self.said,
            "may_also": list(self.may_also),
        }
