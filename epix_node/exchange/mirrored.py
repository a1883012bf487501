"""What follows when the verified part of another Party's register has grown: how old the new entries are, and whose.

Called in the transaction that moved the checkpoint, after the new checkpoint and its proof of age were written. Costs
one look at each new entry.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from epix_node.store import ages, awaited, former
from epix_node.store.database import Session


def grown(
    session: Session,
    party: str,
    *,
    codes: Collection[str],
    start: int,
    end: int,
    still_smaller_at: datetime | None,
    now: datetime,
) -> None:
    """The mirror has ``end`` verified entries, and had ``start``; entries of held permits' chains are noticed.

    ``codes`` are those that the Party speaks for. ``still_smaller_at`` is the newest time at which the register itself
    said that it had only ``start`` entries.
    """
    ages.grown(session, party, start=start, end=end, still_smaller_at=still_smaller_at, now=now)
    former.number_again(session, party, start=start, end=end)
    awaited.leaves_arrived(session, party, codes=codes, start=start, end=end, now=now)
