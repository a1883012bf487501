"""What accounts and their coverage cost, however many permits there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from epix_node.permit.number import PermitKey
from epix_node.store import accounts, coverage
from epix_node.store.accounts import Account, Owed
from epix_node.store.columns import table
from epix_node.store.coverage import Direction, Flow
from epix_node.store.database import Database, Session
from epix_node.store.reconcile_tables import AccountRow
from tests.stores import open_store

DAY = date(2026, 3, 1)
FLOW = Flow(issuer="XA", destination="XB", direction=Direction.CONFIRM)
HELD = 5_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_store(tmp_path / "XA.sqlite")
    yield database
    database.close()


def account(number: str = "N1", **members: Any) -> Account:
    given = {"due_on": DAY, "exported_on": DAY - timedelta(days=90), "confirmed_on": None, **members}
    return Account(key=PermitKey(issuer="XA", type="E", number=number, year=2026), destination="XB", **given)


def count(database: Database) -> None:
    """All that changed is in the coverage, each with one report."""

    def work(session: Session) -> None:
        items = []
        for one in accounts.stale(session):
            reports = (Owed(flow=FLOW, due_on=one.account.due_on, came=False),) if one.account is not None else ()
            items.append((one, reports))
        accounts.counted(session, items)

    database.write_now(work)


def test_an_account_that_says_the_same_is_not_counted_again(store: Database) -> None:
    store.write_now(accounts.put, [account()])
    count(store)
    store.write_now(accounts.put, [account()])
    assert store.read_now(accounts.stale) == []
    store.write_now(accounts.put, [account(confirmed_on=DAY)])
    (changed,) = store.read_now(accounts.stale)
    assert changed.account == account(confirmed_on=DAY)
    assert changed.counted == (Owed(flow=FLOW, due_on=DAY, came=False),)


def test_an_account_of_which_nothing_is_expected_any_more_goes_when_it_is_counted(store: Database) -> None:
    both = [account(), account(due_on=DAY + timedelta(days=1))]
    both[1] = replace(both[1], key=replace(both[1].key, type="R"))
    store.write_now(accounts.put, both)
    count(store)
    store.write_now(accounts.drop, "XA", "N1", but=[both[1].key])
    (gone,) = store.read_now(accounts.stale)
    assert (gone.key, gone.account) == (both[0].key, None)
    count(store)
    assert store.read_now(accounts.stale) == []
    assert store.read_now(accounts.lacking, FLOW, [DAY]) == set()
    assert store.read_now(accounts.lacking, FLOW, [DAY + timedelta(days=1)]) == {("XA", "N1")}


def test_which_report_is_lacking_decides_where_a_permit_is_found(store: Database) -> None:
    store.write_now(
        accounts.put,
        [account("left"), account("came", exported_on=None, confirmed_on=DAY), account("both", confirmed_on=DAY)],
    )
    assert store.read_now(accounts.lacking, FLOW, [DAY]) == {("XA", "left")}
    endorse = replace(FLOW, direction=Direction.ENDORSE)
    assert store.read_now(accounts.lacking, endorse, [DAY]) == {("XA", "came")}


def test_counts_are_added_up_by_day(store: Database) -> None:
    later = DAY + timedelta(days=3)
    store.write_now(coverage.add, {(FLOW, DAY): (2, 1), (FLOW, later): (5, 5)})
    store.write_now(coverage.add, {(FLOW, DAY): (-1, -1)})
    store.write_now(coverage.mark, FLOW, {DAY: True})
    days = store.read_now(coverage.days, FLOW, since=DAY, until=later)
    assert [(day.on, day.expected, day.met, day.is_evidence) for day in days] == [
        (DAY, 1, 0, True),
        (later, 5, 5, False),
    ]
    assert store.read_now(coverage.total, FLOW, since=DAY, until=DAY) == (1, 0)
    assert store.read_now(coverage.total, FLOW, since=DAY, until=later) == (6, 5)
    assert store.read_now(coverage.total, replace(FLOW, destination="XC"), since=DAY, until=later) == (0, 0)


def test_every_question_is_answered_from_an_index(store: Database) -> None:
    """No read and no write goes through the accounts: asked of SQLite itself, with thousands of them."""
    if not store.url.startswith("sqlite"):
        pytest.skip("PostgreSQL plans by statistics, and goes through a table that is small")
    store.write_now(_fill)
    plans = explained(
        store,
        lambda: (
            store.write_now(accounts.put, [account("N7", confirmed_on=DAY)]),
            store.write_now(accounts.drop, "XA", "N8", but=[account("N8").key]),
            store.read_now(accounts.stale),
            store.read_now(accounts.lacking, FLOW, [DAY]),
            store.read_now(coverage.days, FLOW, since=DAY, until=DAY),
            store.read_now(coverage.is_evidence, FLOW, DAY),
            store.write_now(coverage.add, {(FLOW, DAY): (1, 0)}),
        ),
    )
    assert plans
    assert [plan for plan in plans if plan.startswith(("SCAN account", "SCAN coverage"))] == []


def _fill(session: Session) -> None:
    rows = [
        {
            **account(f"N{serial}").key.to_json(),
            "destination": "XB",
            "due_on": (DAY + timedelta(days=serial % 300)).isoformat(),
            "exported_on": DAY.isoformat(),
        }
        for serial in range(HELD)
    ]
    session.core.execute(insert(table(AccountRow)), rows)


def explained(database: Database, work: Callable[[], object]) -> list[str]:
    """How SQLite says that it goes about each statement."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)

    def explain(session: Session) -> list[str]:
        return [
            f"{row[3]}: {statement}"
            for statement, parameters in asked
            for row in session.core.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    return database.read_now(explain)
