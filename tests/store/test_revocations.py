"""What the store knows of revoked keys, and old databases, whose documents get to know who signed them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from epix_node.store import documents, register, revocations, schema
from epix_node.store.columns import to_micros
from epix_node.store.database import Database
from epix_node.store.revocations import RevokedKey
from tests.stores import bare_url_for

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DER = b"a certificate, as far as the store knows"
XML = b"<d><ds:Signature><ds:X509Certificate>%s</ds:X509Certificate></ds:Signature></d>" % base64.b64encode(DER)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(bare_url_for(tmp_path / "node.sqlite"))
    yield opened
    opened.close()


def _key(since: datetime | None) -> RevokedKey:
    return RevokedKey(kid="k", party="XA", invalid_since=since)


def test_documents_of_before_get_their_key_and_an_upper_bound_of_their_age(database: Database) -> None:
    """The key from the bytes, the proof from the time of arrival; a revocation then finds them."""
    with database.engine.begin() as connection:
        config = schema._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(
            text(
                "INSERT INTO document (party, sha256, type, xml, salt, permit_salt, permit_issuer, permit_number, "
                "recipients, register_index, at, received_at) VALUES ('XA', 'ab', 'permit', :xml, :none, :none, 'XA', "
                "'N1', '', 0, :at, :received)"
            ),
            {"xml": XML, "none": b"", "at": to_micros(NOON), "received": to_micros(NOON + HOUR)},
        )
    schema.migrate(database)
    assert schema.drift(database) == []
    held = database.read_now(documents.find, "ab")
    assert held is not None
    assert (held.proven_at, held.is_void) == (NOON + HOUR, False)
    key = RevokedKey(kid=hashlib.sha256(DER).hexdigest(), party="XA", invalid_since=NOON + HOUR)
    (marked,) = database.write_now(revocations.void, key, limit=5)
    assert (marked.sha256, marked.number) == ("ab", "N1")
    assert database.write_now(revocations.void, key, limit=5) == []


def test_a_revocation_only_moves_earlier(database: Database) -> None:
    """And where nothing counts any more, nothing is earlier than that."""
    schema.migrate(database)
    for since, is_news in ((NOON, True), (NOON, False), (NOON + HOUR, False), (NOON - HOUR, True), (None, True)):
        assert database.write_now(revocations.note, [_key(since)]) is is_news
    assert database.write_now(revocations.note, [_key(NOON)]) is False
    assert database.read_now(revocations.known) == {"k": _key(None)}


def test_a_time_that_moved_meanwhile_is_swept_again(database: Database) -> None:
    """A sweep that began before the time moved does not say that all is done."""
    schema.migrate(database)
    database.write_now(revocations.note, [_key(NOON)])
    database.write_now(revocations.note, [_key(NOON - HOUR)])
    database.write_now(revocations.swept, "k", invalid_since=NOON)
    assert database.read_now(revocations.unswept) == [_key(NOON - HOUR)]
    database.write_now(revocations.swept, "k", invalid_since=NOON - HOUR)
    assert database.read_now(revocations.unswept) == []
    assert not database.read_now(revocations.is_news, [_key(NOON)])
    assert database.read_now(revocations.is_news, [_key(None)])


def test_the_first_checkpoint_over_an_entry_proves_its_age(database: Database) -> None:
    """Each entry that of the smallest checkpoint that covers it, noted once."""
    schema.migrate(database)
    for size, at in ((2, NOON), (5, NOON + HOUR), (5, NOON + 9 * HOUR)):
        database.write_now(register.prove, "XA", size, at=at)
    proven = [database.read_now(register.proven_at, "XA", index) for index in range(6)]
    assert proven == [NOON, NOON, *[NOON + HOUR] * 3, None]
    assert database.read_now(register.proven_at, "XB", 0) is None
