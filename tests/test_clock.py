"""Times as text: RFC 3339 with an offset, read as UTC; everything else is a ValueError and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from epix_node.clock import parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00+14:00", datetime(2026, 2, 28, 20, tzinfo=UTC)),
        ("0001-01-01T14:00:00+14:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text: str, expected: datetime):
    """Whatever its offset."""
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-01T10:00:00",
        "2026-03-01",
        "2026-02-30T10:00:00Z",
        "12026-03-01T10:00:00Z",
        "noon",
        "",
    ],
)
def test_what_is_no_time_is_a_value_error(text: str):
    """Also at the ends of the calendar, where the day in UTC does not exist."""
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)
