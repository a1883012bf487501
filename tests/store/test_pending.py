"""Own documents that wait for their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from epix_node.store import pending, revocations, schema
from epix_node.store.columns import table
from epix_node.store.database import Database, Session
from epix_node.store.revocations import RevokedKey
from epix_node.store.tables import DocumentRow
from tests.stores import url_for

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(url_for(tmp_path / "node.sqlite"))) as made:
        schema.migrate(made)
        yield made


def keep(session: Session, *digests: str) -> None:
    rows = [
        {
            "party": "XA",
            "sha256": digest,
            "type": "note",
            "xml": digest.encode(),
            "salt": b"s" * 16,
            "permit_salt": b"p" * 16,
            "permit_issuer": "XA",
            "permit_number": "1",
            "recipients": "",
            "at": AT,
            "received_at": AT,
            "signed_by": f"key of {digest}",
            "proven_at": AT,
            "is_void": False,
        }
        for digest in digests
    ]
    session.core.execute(insert(table(DocumentRow)), rows)


def order(database: Database) -> list[str]:
    return [one.sha256 for one in database.read_now(pending.first, "XA", limit=9)]


def test_documents_wait_in_the_order_in_which_they_came(database: Database) -> None:
    """Those that lost their numbers come before, in the order that these had."""
    database.write_now(keep, "a", "b", "c", "d")
    for digest in ("c", "d"):
        database.write_now(pending.add, "XA", digest)
    database.write_now(pending.put_first, "XA", ["a", "b"])
    assert order(database) == ["a", "b", "c", "d"]
    database.write_now(pending.number, "XA", "a", index=7, at=AT)
    database.write_now(pending.put_first, "XA", ["a"])
    assert order(database) == ["a", "b", "c", "d"]
    assert database.read_now(pending.count, "XA") == 4


def test_a_key_that_was_revoked_meanwhile_is_looked_at_again(database: Database) -> None:
    """Its proof of age begins with the number: accepted before the theft, it may be numbered after (decision 7)."""
    database.write_now(keep, "a", "b")
    for digest in ("a", "b"):
        database.write_now(pending.add, "XA", digest)
    key = RevokedKey(kid="key of a", party="XA", invalid_since=AT + timedelta(minutes=30))
    database.write_now(revocations.note, [key])
    database.write_now(revocations.swept, key.kid, invalid_since=key.invalid_since)
    database.write_now(pending.number, "XA", "b", index=0, at=AT + timedelta(hours=1))
    assert database.read_now(revocations.unswept) == []
    database.write_now(pending.number, "XA", "a", index=1, at=AT + timedelta(hours=1))
    assert database.read_now(revocations.unswept) == [key]
    assert [one.sha256 for one in database.write_now(revocations.void, key, limit=9)] == ["a"]
