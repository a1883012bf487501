"""Whether a PostgreSQL server keeps this node's transactions and locks apart as the node relies on (C.8).

A pooler between the two may break what the server promises: sessions that are shared lose locks, and settings of one
transaction reach another. So everything is tried, on the node's own connections.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import OperationalError

from epix_node.store.columns import from_micros, table
from epix_node.store.database import Database, Session
from epix_node.store.tables import NonceRow

_NONCE = table(NonceRow)
_NOBODY = "doctor"
"""No Party: codes have two letters."""

_SERIALIZATION_FAILURE = "40001"
_DIRECT = "connect to the server itself, or through a pooler in session mode"

_OTHERWISE_SORTED = text(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
    "AND data_type IN ('character varying', 'text') AND collation_name IS DISTINCT FROM 'C' "
    "AND table_name <> 'alembic_version' ORDER BY table_name, column_name"
)


def problems_of_server(database: Database) -> Iterator[tuple[str, str]]:
    """What is not as it must be, each with what to do about it. The database has this program's schema."""
    for name, column in database.read_now(otherwise_sorted):
        yield (
            f"column {column} of {name} does not sort by code points",
            f'ALTER TABLE "{name}" ALTER COLUMN "{column}" TYPE varchar COLLATE "C"',
        )
    if not _serializes(database):
        yield "two transactions that contradict each other were both accepted", _DIRECT
    with database.once("doctor") as is_ours, database.once("doctor") as is_ours_too:
        if is_ours and is_ours_too:
            yield "an advisory lock was given twice", _DIRECT


def otherwise_sorted(session: Session) -> list[tuple[str, str]]:
    """Tables and columns of text that sort in another way than this program does; all were made by others."""
    return [(row[0], row[1]) for row in session.core.execute(_OTHERWISE_SORTED)]


def _serializes(database: Database) -> bool:
    """Whether of two transactions that each read what the other writes one is refused. Neither leaves anything."""
    with database.engine.connect() as one, database.engine.connect() as other:
        try:
            _count(one)
            _count(other)
            _write(one, "one")
            _write(other, "other")
            one.commit()
            other.commit()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == _SERIALIZATION_FAILURE:
                return True
            raise
        finally:
            one.rollback()
            other.rollback()
    return False


def _count(connection: Connection) -> None:
    connection.execute(select(func.count()).select_from(_NONCE).where(_NONCE.c.party == _NOBODY)).scalar_one()


def _write(connection: Connection, nonce: str) -> None:
    connection.execute(insert(_NONCE), {"party": _NOBODY, "nonce": nonce, "at": from_micros(0)})
    connection.execute(_NONCE.delete().where(_NONCE.c.party == _NOBODY, _NONCE.c.nonce == nonce))
