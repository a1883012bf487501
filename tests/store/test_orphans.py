"""Unknown numbers come up in turns, so that many of them keep nobody else from writing."""

from __future__ import annotations

from pathlib import Path

from epix_node.store import orphans
from epix_node.store.database import Session
from tests.stores import open_store


def test_every_number_comes_up_in_turns(tmp_path: Path) -> None:
    """Seven numbers, three at once: three turns show them all, and the fourth begins again."""
    database = open_store(tmp_path / "node.sqlite")
    numbers = [("XA", f"26XA{serial}") for serial in range(7)]

    def work(session: Session) -> None:
        for issuer, number in numbers:
            orphans.mark(session, issuer, number, orphan=True)
        turns = [orphans.in_turn(session, turn, at_once=3) for turn in range(4)]
        assert [number for turn in turns[:3] for number in turn] == numbers
        assert turns[3] == turns[0]
        assert orphans.in_turn(session, 5, at_once=7) == numbers

    database.write_now(work)
    database.close()
