"""Whether the database is sound.

A SQLite file is asked without the rest of the program, which would stumble over an unsound one; a PostgreSQL server
keeps its own files, and is asked whether it does what this program relies on.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from epix_node.config import Config
from epix_node.errors import ConfigError, StoreError


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a database, and what to do about it."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}"


_RESTORE = "restore a backup"
_MIGRATE = "run `epix-node store migrate`"
_REACH = (
    "see that the server runs, that [store] url names its host, port and an existing database (`createdb NAME`), and "
    "that the user may connect and create tables there (`GRANT CREATE ON SCHEMA public TO USER`)"
)


def problems_of(config: Config) -> tuple[str | None, list[Problem]]:
    """The database's schema revision, and what is wrong with it."""
    return _of_file(config.store_path) if config.store_path is not None else _of_server(config.store_url)


def _of_server(url: str) -> tuple[str | None, list[Problem]]:
    """Whether the server can be reached, has this schema, and keeps transactions and locks apart as they must be."""
    from epix_node.store import schema
    from epix_node.store.database import Database

    try:
        with closing(Database(url)) as database:
            held = schema.revision(database)
            problems = _of_age(held)
            if not problems:
                from epix_node.store.server_check import problems_of_server

                problems = [Problem(*found) for found in problems_of_server(database)]
    except StoreError as error:
        return None, [Problem(str(error), _REACH)]
    except ConfigError as error:  # no driver, a server that is too old, another encoding: the message says what to do
        return None, [Problem(str(error), "do what it says")]
    return held, problems


def _of_age(held: str | None) -> list[Problem]:
    from epix_node.store.schema import HEAD

    if held == HEAD:
        return []
    return [Problem(f"the database has schema {held or 'none'}, this program needs {HEAD}", _MIGRATE)]


def _of_file(path: Path) -> tuple[str | None, list[Problem]]:
    """The file's schema revision, and what is wrong with the file, its references, and its schema's age."""
    if not path.is_file():
        return None, [Problem(f"there is no database {path}", f"{_RESTORE}, or {_MIGRATE} to begin with an empty one")]
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            damage = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            if damage != ["ok"]:
                return None, [Problem(f"the file is damaged: {line}", _RESTORE) for line in damage]
            orphans = len(connection.execute("PRAGMA foreign_key_check").fetchall())
            held = _revision(connection)
    except sqlite3.Error as error:
        return None, [Problem(f"{path} cannot be read: {error}", _RESTORE)]
    problems = [Problem(f"{orphans} rows refer to rows that are not there", _RESTORE)] if orphans else []
    return held, problems + _of_age(held)


def _revision(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    if known.fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row is not None else None
