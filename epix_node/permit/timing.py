"""When a register took a document, as far as that can be proven, and how long after it was signed (C.4 item 9).

A signer chooses the time of a signature, and a register the ``at`` of an entry. Neither can choose what others saw: the
time until which the register still said that it was smaller, and the time by which a quorum of witnesses had cosigned a
tree with the entry in it. Between the two the entry came. So a document is dated back only where *every* time that
these facts allow is too late; how late this node heard of the entry says nothing, since a link may be down for days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CLOCKS = timedelta(minutes=5)
"""How far two clocks may differ (C.4 item 9, C.5)."""

IMPOSSIBLE = timedelta(days=100 * 365)
"""The delay of a document of which times are stated that cannot be true: longer than any that could be allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What bounds the time at which a register took a document.

    ``signed_at`` and ``accepted_at`` are the signer's and the register's own words. ``grown_after``: the entry was not
    in the register yet, by what the register had signed or accepted before. ``witnessed_at``: it was, by the quorum.
    """

    signed_at: datetime
    accepted_at: datetime
    grown_after: datetime | None = None
    witnessed_at: datetime | None = None

    @property
    def taken_at(self) -> datetime:
        """The earliest time at which the register can have taken the document."""
        return self.accepted_at if self.grown_after is None else max(self.accepted_at, self.grown_after)

    @property
    def is_after_witnesses(self) -> bool:
        """Whether it says that it was signed after the witnesses had cosigned its entry."""
        return self.witnessed_at is not None and self.signed_at > self.witnessed_at + CLOCKS

    @property
    def is_out_of_order(self) -> bool:
        """Whether its register says that it took the document at a time at which it had not."""
        return self.grown_after is not None and self.accepted_at < self.grown_after - CLOCKS

    @property
    def delay(self) -> timedelta:
        """How long after its signature the register took it, at least; ``IMPOSSIBLE`` where the times cannot be."""
        if self.is_after_witnesses or self.is_out_of_order:
            return IMPOSSIBLE
        return max(self.taken_at - self.signed_at, timedelta(0))
