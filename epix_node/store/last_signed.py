"""The last checkpoint that this node signed, outside of what is backed up and restored (C.4 item 8 (b)).

A database that is restored from a backup forgets entries that were published, and a node that signs on from there
signs two histories. So the newest signed checkpoint is kept where no routine restore reaches: with SQLite in a file of
its own beside the database, on PostgreSQL in a schema of its own, which ``store backup`` and ``store restore`` leave
alone. It is written before a signature leaves this node, by comparing and swapping: of two who sign at once one is
told that it lost.

It is no secret. Whoever deletes it makes the node ask its witnesses before it signs again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateSchema

from epix_node.errors import StoreError
from epix_node.store.database import Database, Session

SUFFIX = ".last-signed"
"""What the name of the file beside a SQLite database ends with."""

SCHEMA = "last_signed"
"""The schema on PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checkpoint that this node signed; ``note`` are the bytes that it published, or was about to."""

    origin: str
    size: int
    root: bytes
    note: bytes


class LastSigned:
    """The record beside this database, for as many origins as the node ever wrote. Open until ``close``."""

    def __init__(self, database: Database) -> None:
        self._lock = threading.Lock()
        self._is_there = False
        self.path: Final = record_path(database.path) if database.path is not None else None
        """The file; None where it is in the database's server."""
        self._own = Database(f"sqlite:///{self.path}") if self.path is not None else None
        self._database = self._own or database
        self._table = _table(None if self.path is not None else SCHEMA)
        columns = self._table.c
        self._newest = select(self._table).where(columns.origin == bindparam("of"))
        self._replace = update(self._table).where(
            columns.origin == bindparam("of"),
            columns.size == bindparam("old_size"),
            columns.root == bindparam("old_root"),
            columns.note == bindparam("old_note"),
        )

    @property
    def database(self) -> Database:
        """Where the record is: with SQLite not the database beside which it is kept."""
        return self._database

    def read(self, origin: str) -> Signed | None:
        """The last checkpoint that was signed under this origin; None where there is no record of one.

        Raises:
            StoreError: it cannot be read, which is not the same.
        """
        if self.path is not None and not self.path.exists():
            return None
        try:
            return self._database.read_now(self._read, origin)
        except StoreError as error:
            if self.path is None:
                raise
            raise StoreError(
                f"{error}; where the file is damaged, move it away: the node asks other Parties then before it signs"
            ) from error

    def swap(self, before: Signed | None, after: Signed) -> bool:
        """``after`` is the record if ``before`` was; False, and nothing is changed, where it was something else.

        Raises:
            StoreError: it cannot be written. Whether it was, the next ``read`` tells.
            ValueError: the record would go back, or change its history.
        """
        if before is not None and (before.origin != after.origin or before.size > after.size):
            raise ValueError(f"last signed record of {before.origin} {before.size}: it never goes back")
        if before is not None and before.size == after.size and before.root != after.root:
            raise ValueError(f"last signed record of {before.origin} {before.size}: two roots for one size")
        with self._lock:
            if not self._is_there:
                self._database.write_now(self._make)
                self._is_there = True
        try:
            return self._database.write_now(self._swap, before, after)
        except IntegrityError:  # another process wrote the first record
            return False

    def close(self) -> None:
        """Let go of the file."""
        if self._own is not None:
            self._own.close()

    def _make(self, session: Session) -> None:
        if self._table.schema is not None:
            session.core.execute(CreateSchema(self._table.schema, if_not_exists=True))
        self._table.create(session.core, checkfirst=True)

    def _read(self, session: Session, origin: str) -> Signed | None:
        if not self._is_there:
            if not inspect(session.core).has_table(self._table.name, schema=self._table.schema):
                return None
            self._is_there = True
        row = session.core.execute(self._newest, {"of": origin}).first()
        return None if row is None else Signed(origin=row.origin, size=row.size, root=row.root, note=row.note)

    def _swap(self, session: Session, before: Signed | None, after: Signed) -> bool:
        values = {"size": after.size, "root": after.root, "note": after.note}
        if before is None:
            if session.core.execute(self._newest, {"of": after.origin}).first() is not None:
                return False
            session.core.execute(insert(self._table).values(origin=after.origin, **values))
            return True
        same = {"of": before.origin, "old_size": before.size, "old_root": before.root, "old_note": before.note}
        return session.core.execute(self._replace, {**same, **values}).rowcount == 1


def record_path(database: Path) -> Path:
    """The file of the record beside a SQLite database."""
    return database.with_name(database.name + SUFFIX)


def _table(schema: str | None) -> Table:
    return Table(
        "last_signed",
        MetaData(),
        Column("origin", String, primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("note", LargeBinary, nullable=False),
        schema=schema,
    )
