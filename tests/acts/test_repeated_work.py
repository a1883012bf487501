"""PostgreSQL may refuse a unit of work and have it run again: then it must come out as if it had run once (ADR 24)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from epix_node.acts.publish import replace_permit, withdraw
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.number import NumberRef
from epix_node.store import register
from epix_node.store.database import Database, Session

from .conftest import World, permit_of

NUMBERS = [f"26XA00000{n}" for n in range(1, 5)]


class _Refused(Exception):
    """The server refuses what was written."""


@pytest.fixture
def refused_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every unit of work is undone at its end the first time, and then run again; returns which were."""
    real = Database.write_now
    undone: list[str] = []

    def write_now(self: Database, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def in_vain(session: Session) -> None:
            work(session, *args, **kwargs)
            session.flush()
            undone.append(work.__qualname__)
            raise _Refused

        with pytest.raises(_Refused):
            real(self, in_vain)
        return real(self, work, *args, **kwargs)

    monkeypatch.setattr(Database, "write_now", write_now)
    return undone


def test_whatever_is_done_twice_over_is_done_once(world: World, refused_once: list[str]) -> None:
    """A permit that is used, one that is withdrawn, one that is replaced, and more than was permitted."""
    for number in NUMBERS[:3]:
        world.publish("XA", number=number)
    world.meet()
    world.endorse("XA", NUMBERS[0], quantity="8")
    world.confirm("XB", NUMBERS[0], quantity="8")
    world.confirm("XB", NUMBERS[0], quantity="99", event_id="E-2")
    ref = NumberRef(issuer="XA", number=NUMBERS[1])
    withdraw(world["XA"], ref, WithdrawalReason.CANCELLED, None, now=world.now)
    ref = NumberRef(issuer="XA", number=NUMBERS[2])
    replace_permit(world["XA"], ref, permit_of("XA", number=NUMBERS[3]), now=world.now)
    world.meet()
    world.wait(hours=25)
    world.meet()
    answers = {number: world.status("XB", number).status.value for number in NUMBERS}
    assert answers == dict(zip(NUMBERS, ("USED", "REVOKED", "REPLACED", "VALID"), strict=True))
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-04", "A", "open")]
    for party in ("XA", "XB"):
        held = world[party].database.read_now(register.state, party)
        assert held is not None
        assert held.edge == world[party].database.read_now(register.edge_of, party, held.edge.size)
        assert not world[party].database.read_now(register.holds_unread, party, since=None, until=None)
    assert len(set(refused_once)) > 5
