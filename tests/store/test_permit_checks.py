"""What the rules said is kept as it was told, and old databases get the place for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command

from epix_node.permit.number import PermitKey
from epix_node.rules.ruleset import Stage
from epix_node.store import orphans, permit_checks, schema
from epix_node.store.database import Database
from epix_node.store.permit_checks import PermitCheck
from tests.stores import bare_url_for

KEY = PermitKey(issuer="XA", type="E", number="26XA1", year=2026)
CHECK = PermitCheck(
    ruleset="conf-12.3-revCoP19",
    stage=Stage.RECEIPT,
    checked_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    reference=({"data": "species", "as_of": "2017-04-21", "age_days": 3237, "source": "built in"},),
    findings=({"rule": "FLD-10", "severity": "WARN", "value": "«café»", "box": None},),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(bare_url_for(tmp_path / "node.sqlite"))
    yield opened
    opened.close()


def test_a_check_is_read_as_it_was_kept(database: Database) -> None:
    """Findings, editions, stage and time; of another year's permit there is none."""
    schema.migrate(database)
    database.write_now(permit_checks.add, [(KEY, "ab" * 32, CHECK)])
    assert database.read_now(permit_checks.find, KEY) == CHECK
    other = PermitKey(issuer="XA", type="E", number="26XA1", year=2025)
    assert database.read_now(permit_checks.find, other) is None


def test_its_json_is_that_of_the_api(database: Database) -> None:
    """The members of `checks`."""
    told = CHECK.to_json()
    assert list(told) == ["ruleset", "stage", "checked_at", "reference", "findings"]
    assert (told["stage"], told["checked_at"]) == ("receipt", "2026-03-02T08:00:00Z")


def test_a_database_of_the_first_release_is_brought_up_to_date(database: Database) -> None:
    """What was in it stays, and the checks have their table; twice is once."""
    with database.engine.begin() as connection:
        config = schema._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO orphan VALUES ('XA', '26XA9')")
    assert schema.revision(database) == "0001"
    assert schema.drift(database) != []
    assert schema.migrate(database) == schema.migrate(database) == schema.HEAD
    assert schema.drift(database) == []
    database.write_now(permit_checks.add, [(KEY, "ab" * 32, CHECK)])
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM orphan").scalar_one() == "26XA9"
    assert database.read_now(orphans.near, "XA", ["26XA8"]) == {("XA", "26XA9")}
