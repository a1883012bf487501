"""Coverage: when silence means that a permit was never issued (contract 4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from epix_node.trust.coverage import PERMIT_TYPES, Coverage, CoverageItem


def item(types: str, issued_from: date | None = None, hours: int = 24) -> CoverageItem:
    return CoverageItem(types=frozenset(types), issued_from=issued_from, published_within=timedelta(hours=hours))


NEW_YEAR = date(2026, 1, 1)
EXPORTS = item("ER", NEW_YEAR)
IMPORTS = item("I", NEW_YEAR, hours=48)
OTHERS = item("O")
ALL = item("ERIO", NEW_YEAR)
ALWAYS = item("ERIO", hours=72)


@pytest.mark.parametrize(
    ("items", "permit_type", "issued_on", "expected"),
    [
        ([], "E", NEW_YEAR, None),
        ([EXPORTS], "E", NEW_YEAR, EXPORTS),
        ([EXPORTS], "E", date(2025, 12, 31), None),
        ([EXPORTS], "I", NEW_YEAR, None),
        ([EXPORTS], "?", NEW_YEAR, None),
        ([EXPORTS], "E", None, None),
        ([OTHERS], "O", None, OTHERS),
        ([EXPORTS], None, NEW_YEAR, None),
        ([ALL], None, NEW_YEAR, ALL),
        ([EXPORTS, IMPORTS, OTHERS], None, NEW_YEAR, IMPORTS),
        ([EXPORTS, IMPORTS], None, NEW_YEAR, None),
        ([EXPORTS, IMPORTS, OTHERS], None, None, None),
        ([ALWAYS], None, None, ALWAYS),
        ([ALL, ALWAYS], "E", NEW_YEAR, ALL),
        ([ALL, ALWAYS], "E", date(2020, 1, 1), ALWAYS),
    ],
)
def test_a_permit_is_covered_where_a_promise_fits_its_type_and_date(items, permit_type, issued_on, expected):
    """Without a type all must be covered; without a date only a coverage without a beginning will do."""
    assert Coverage(items=tuple(items)).covers(permit_type, issued_on) == expected


@pytest.mark.parametrize(
    ("issued_on", "hours", "expected"),
    [
        (date(2026, 3, 1), 24, datetime(2026, 3, 3, tzinfo=UTC)),
        (date(2026, 3, 1), 0, datetime(2026, 3, 2, tzinfo=UTC)),
        (date(2026, 2, 28), 36, datetime(2026, 3, 2, 12, tzinfo=UTC)),
        (date(9999, 12, 31), 24, datetime.max.replace(tzinfo=UTC)),
        (date(9999, 12, 30), 48, datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_day_is_complete_after_its_end_and_the_time_promised(issued_on, hours, expected):
    """The end of the day in UTC; a date at the end of the calendar is never complete."""
    assert item("E", hours=hours).complete_at(issued_on) == expected


def test_the_types_are_those_of_the_contract():
    """Contract 1."""
    assert {"E", "R", "I", "O"} == PERMIT_TYPES
