"""Which edition of which reference data an answer rests on, and how old it is.

Every answer that used reference data shows its edition, so that a person can judge a finding that old data made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

BUILT_IN = "built in"
"""The source of data that come with this release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One set of reference data as it was loaded."""

    data: str
    """The data set: ``species``, ``suspensions``, ``quotas``, ``reservations``, ``operations`` or ``pairs``."""
    as_of: date
    """The day whose state the data describe, as their source says; not the day on which they were loaded."""
    source: str
    """The file's name without its directory, or ``built in``."""
    sha256: str
    """Of the file as it was read, in hexadecimal; of the package's own data for built-in ones."""
    loaded_at: datetime | None
    """When they were loaded, aware, in UTC; ``None`` for built-in data."""
    rows: int
    """How many rows were taken."""

    def __hash__(self) -> int:
        """Of the digest alone, which hardly ever agrees for two editions."""
        return hash(self.sha256)

    def age(self, on: date) -> timedelta:
        """How old the data are on this day; nothing where they speak of a later day."""
        return max(on - self.as_of, timedelta(0))

    def to_json(self, on: date) -> dict[str, Any]:
        """As a finding's ``reference`` and every answer that used the data show it."""
        return {
            "data": self.data,
            "as_of": self.as_of.isoformat(),
            "age_days": self.age(on).days,
            "source": self.source,
        }
