"""How sure a node may be of what it verified earlier (C.1, "Freshness rule").

Expired metadata are refused for updating, which is python-tuf's rule. For verifying documents the stored set goes on
being used and says how old it is: FRESH, STALE, EXPIRED. It never becomes "invalid" and never stops issuing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

LIST_GRACE = timedelta(days=7)
"""C.1: a list is STALE for so long after its expiry."""
PARTY_GRACE = timedelta(days=90)
"""Decision 6: an expired Party role lowers that Party to STALE for so long."""
PARTY_WARNINGS = (timedelta(days=90), timedelta(days=30), timedelta(days=7))
"""Decision 6: how long before a Party role's expiry its operator is told."""


class Freshness(StrEnum):
    """Contract 4."""

    FRESH = "FRESH"
    STALE = "STALE"
    EXPIRED = "EXPIRED"

    @classmethod
    def of(cls, expires: datetime | None, at: datetime, *, grace: timedelta = LIST_GRACE) -> Freshness:
        """FRESH before the expiry, STALE for the grace from then on, EXPIRED after; EXPIRED where nothing was verified.

        The very second of the expiry is after it, as in TUF.
        """
        if expires is None:
            return cls.EXPIRED
        if at < expires:
            return cls.FRESH
        return cls.STALE if at - expires < grace else cls.EXPIRED

    @classmethod
    def worst(cls, *states: Freshness) -> Freshness:
        """The least sure of these; FRESH of none."""
        order = list(cls)
        return max(states, key=order.index, default=cls.FRESH)


def due_warning(expires: datetime, at: datetime) -> timedelta | None:
    """The shortest of the warning times that has begun before this expiry, or None while it is far away."""
    begun = [before for before in PARTY_WARNINGS if expires - at <= before]
    return min(begun, default=None)
