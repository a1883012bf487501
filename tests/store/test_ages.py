"""How old an entry of a mirror is, as far as this node can prove."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from epix_node.register.entry import Leaf
from epix_node.register.merkle import RightEdge
from epix_node.store import ages, register, schema
from epix_node.store.ages import Age
from epix_node.store.database import Database, Session
from epix_node.store.register import RegisterState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/node.sqlite")
    schema.migrate(opened)
    yield opened
    opened.close()


def grow(session: Session, *ats: datetime, pulled: datetime, witnessed_at: datetime | None = None) -> None:
    """XB's register shows entries of these times, and cosigned its checkpoint when it was pulled."""
    held = register.state(session, "XB")
    start = held.checkpoint_size if held is not None else 0
    leaves = [
        Leaf(at=at, c=secrets.token_bytes(32), d=secrets.token_bytes(32), environment="sandbox", party="XB").to_bytes()
        for at in ats
    ]
    register.append(session, "XB", start, leaves)
    end = start + len(ats)
    edge = RightEdge.empty()
    state = RegisterState(party="XB", origin="xb", edge=edge, checkpoint_size=end, checkpoint=b"", cosigned_at=pulled)
    register.put_state(session, state)
    register.prove(session, "XB", end, at=pulled, witnessed_at=witnessed_at)
    before = held.cosigned_at if held is not None else None
    ages.grown(session, "XB", start=start, end=end, still_smaller_at=before, now=pulled)


def ages_of(database: Database, *indexes: int) -> list[Age | None]:
    one_by_one = [database.read_now(ages.of_entry, "XB", index) for index in indexes]
    together = database.read_now(ages.of_entries, "XB", indexes)
    assert [together.get(index) for index in indexes] == one_by_one
    return one_by_one


def test_an_entry_is_younger_than_the_smaller_register_and_older_than_its_witnesses(database: Database):
    """Each growth bounds the entries that it brought; the first has no bound below."""
    database.write_now(grow, NOON, pulled=later(hours=1))
    database.write_now(grow, later(hours=2), pulled=later(hours=3), witnessed_at=later(hours=3, seconds=2))
    first, second = ages_of(database, 0, 1)
    assert first == Age(held_at=later(hours=1), grown_after=None, witnessed_at=later(hours=3, seconds=2))
    assert second == Age(held_at=later(hours=3), grown_after=later(hours=1), witnessed_at=later(hours=3, seconds=2))
    assert ages_of(database, 2) == [None]


def test_an_entry_before_its_predecessor_is_bound_by_that(database: Database):
    """By more than five minutes; and whatever comes between, or in a later pull."""
    minutes = (0, 10, 5, 4, 11, 3)
    database.write_now(grow, *(later(minutes=m) for m in minutes), pulled=later(hours=1))
    database.write_now(grow, later(minutes=5), later(minutes=6), pulled=later(hours=2))
    bounds = [age.grown_after for age in ages_of(database, *range(8)) if age is not None]
    assert bounds[:6] == [None, None, None, later(minutes=10), None, later(minutes=11)]
    assert bounds[6:] == [later(hours=1)] * 2  # the later pull proves more than the order does


def test_a_time_that_is_still_to_come_orders_nothing(database: Database):
    """Nor does it once it has come."""
    database.write_now(grow, later(days=2), NOON, pulled=NOON)
    database.write_now(grow, later(hours=1), pulled=later(hours=2))
    first, second, third = ages_of(database, 0, 1, 2)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.grown_after, second.grown_after, third.grown_after) == (None, None, NOON)
