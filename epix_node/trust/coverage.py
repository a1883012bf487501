"""What a Party promises to publish, and so what its silence means (contract 4, ``NOT_ISSUED``).

A number that is missing in a register says "never issued" only where the Party covers permits of this type and date,
and only after it has had the time that it promised to need. Coverage speaks of documents that a node does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

PERMIT_TYPES = frozenset({"E", "R", "I", "O"})
"""Contract 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageItem:
    """Permits of these types, issued on or after ``issued_from`` (None: ever), are published within this time."""

    types: frozenset[str]
    issued_from: date | None
    published_within: timedelta

    def complete_at(self, issued_on: date) -> datetime:
        """When everything issued on that day must have been published: end of the day in UTC, and the time promised.

        A register whose watermark is *later* than this holds all of that day.
        """
        try:
            end_of_day = datetime.combine(issued_on + timedelta(days=1), time.min, tzinfo=UTC)
            return end_of_day + self.published_within
        except OverflowError:  # a date at the end of the calendar is never complete
            return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """All that one Party promises; without items it promises nothing."""

    items: tuple[CoverageItem, ...] = ()

    def covers(self, permit_type: str | None, issued_on: date | None) -> CoverageItem | None:
        """The promise that covers such a permit, or None.

        Without a type every type must be covered, and the slowest promise counts. Without a date only a coverage
        without a beginning will do.
        """
        wanted = sorted(PERMIT_TYPES) if permit_type is None else [permit_type]
        promises: list[CoverageItem] = []
        for one in wanted:
            fitting = [
                item
                for item in self.items
                if one in item.types
                and (item.issued_from is None or (issued_on is not None and issued_on >= item.issued_from))
            ]
            if not fitting:
                return None
            promises.append(min(fitting, key=_promised))
        return max(promises, key=_promised)


def _promised(item: CoverageItem) -> timedelta:
    return item.published_within
