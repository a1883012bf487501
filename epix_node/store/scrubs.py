"""What came of deriving the registers again, each day or by hand (C.4 item 8 (e)): what the operator is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.register_tables import ScrubRow

_SCRUB = table(ScrubRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub:
    """One register, when it was looked at last, and what was wrong with it: sentences, none where it is clean."""

    party: str
    at: datetime
    entries: int
    problems: tuple[str, ...]


def keep(session: Session, scrubs: Iterable[Scrub]) -> None:
    """These are the newest results; of what is not held any more there is none."""
    rows = [
        {"party": one.party, "at": one.at, "entries": one.entries, "problems": "\n".join(one.problems)}
        for one in scrubs
    ]
    session.core.execute(delete(_SCRUB))
    if rows:
        session.core.execute(insert(_SCRUB), rows)


def newest(session: Session) -> tuple[Scrub, ...]:
    """The newest result for each register, by Party; none before the first time."""
    rows = session.core.execute(select(_SCRUB).order_by(_SCRUB.c.party))
    return tuple(
        Scrub(party=row.party, at=row.at, entries=row.entries, problems=tuple(row.problems.splitlines()))
        for row in rows
    )
