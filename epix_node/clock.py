"""The time as this node takes it.

A clock is a function that returns an aware time in UTC. It is read once per use case and the result passed down
as ``now``, so that one decision never sees two times. Transport freshness (HTTP signatures, TLS) uses
``utc_now`` whatever clock the node runs on (contract 7).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; whole seconds where there are no fractions.

    Raises ``ValueError`` for a naive time.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written")
    text = moment.astimezone(UTC).isoformat()
    return text.removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """An aware UTC time from RFC 3339 text. Raises ``ValueError`` for anything else, a missing offset included."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        # The first and the last hours of the calendar, in a place where it is another year than in UTC.
        raise ValueError(f"time {text!r} is out of range in UTC") from error
