"""What looking for withheld entries costs, with ten thousand held permits."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from epix_node.permit.number import PermitKey
from epix_node.register.entry import Leaf, chain_commitment
from epix_node.register.merkle import RightEdge
from epix_node.store import awaited, register, schema
from epix_node.store.awaited import Chain
from epix_node.store.database import Database, Session
from epix_node.store.register import RegisterState

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PERMITS = 10_000


def leaf(c: bytes) -> bytes:
    return Leaf(at=NOW, c=c, d=secrets.token_bytes(32), environment="sandbox", party="XA").to_bytes()


def chain(number: int) -> Chain:
    salt = number.to_bytes(16, "big")
    return Chain(party="XA", permit_salt=salt, key=PermitKey(issuer="XA", type="E", number=f"{number}", year=2026))


def grow(session: Session, commitments: list[bytes]) -> tuple[int, int]:
    """XA's mirror has entries with these `c` more, all of them verified; returns from where to where."""
    held = register.state(session, "XA")
    start = held.checkpoint_size if held is not None else 0
    register.append(session, "XA", start, [leaf(c) for c in commitments])
    end = start + len(commitments)
    edge = RightEdge.empty().extended(bytes(32) for _ in range(end)) if end < 1000 else RightEdge.empty()
    register.put_state(
        session,
        RegisterState(party="XA", origin="xa", edge=edge, checkpoint_size=end, checkpoint=b"", cosigned_at=NOW),
    )
    return start, end


def arrive(session: Session, commitments: list[bytes]) -> None:
    start, end = grow(session, commitments)
    awaited.leaves_arrived(session, "XA", codes={"XA"}, start=start, end=end, now=NOW)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Ten thousand permits of XA, each with its first entry in the mirror."""
    path: Path = tmp_path_factory.mktemp("awaited") / "node.sqlite"
    opened = Database(f"sqlite:///{path}")
    schema.migrate(opened)

    def fill(session: Session) -> None:
        arrive(session, [secrets.token_bytes(32)])
        arrive(session, [chain_commitment(chain(n).permit_salt, "XA", 0) for n in range(PERMITS)])
        awaited.watch(session, map(chain, range(PERMITS)), now=NOW)
        awaited.came(session, "XA", range(PERMITS + 1))

    opened.write_now(fill)
    yield opened
    opened.close()


def test_an_entry_is_found_by_a_handful_of_statements_whatever_is_held(database: Database):
    """Ten thousand chains and as many entries: none of them is read."""
    hidden = chain_commitment(chain(4711).permit_salt, "XA", 1)
    with statements(database) as seen:
        database.write_now(arrive, [secrets.token_bytes(32), hidden, secrets.token_bytes(32)])
    assert len([one for one in seen if "awaited" in one or "withheld" in one]) <= 4
    missing = database.read_now(awaited.lacking, chain(4711).key)
    assert [(one.party, one.index) for one in missing] == [("XA", PERMITS + 2)]
    assert database.read_now(awaited.lacking_in, "XA") == [chain(4711).key]
    database.write_now(awaited.came, "XA", [PERMITS + 2])
    assert database.read_now(awaited.lacking_in, "XA") == []


def test_the_search_uses_the_indexes_of_both_tables(database: Database):
    """One look-up for each new leaf, or for each awaited chain."""
    with statements(database) as seen:
        database.write_now(arrive, [secrets.token_bytes(32)])
    (search,) = [one for one in seen if "JOIN entry" in one]
    with database.engine.connect() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + search, ("XA", "XA", 0, 1)).fetchall()
    steps = [row[-1] for row in plan]
    assert any("SEARCH" in step and "entry" in step for step in steps), steps
    assert any("SEARCH" in step and "awaited" in step for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps


def test_many_entries_of_one_chain_are_followed_to_the_last(database: Database):
    """Also those that stand in the wrong order, or came with the same pull."""
    salt = chain(99).permit_salt
    later = [chain_commitment(salt, "XA", i) for i in (3, 1, 2)]
    database.write_now(arrive, later)
    assert len(database.read_now(awaited.lacking, chain(99).key)) == 3


def test_a_salt_that_was_used_for_two_permits_breaks_nothing(database: Database):
    """A dishonest Party's; the chain stays the first one's."""
    other = Chain(
        party="XA",
        permit_salt=chain(7).permit_salt,
        key=PermitKey(issuer="XA", type="R", number="other", year=2026),
    )
    database.write_now(awaited.watch, [other, other], now=NOW)
    database.write_now(arrive, [chain_commitment(chain(7).permit_salt, "XA", 1)])
    assert len(database.read_now(awaited.lacking, chain(7).key)) == 1
    assert database.read_now(awaited.lacking, other.key) == ()
