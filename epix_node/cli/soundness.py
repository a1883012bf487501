"""Whether a SQLite file is sound, asked without the rest of the program, which would stumble over an unsound one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a database, and what to do about it."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}"


_RESTORE = "restore a backup"
_MIGRATE = "run `epix-node store migrate`"


def problems_of(path: Path) -> tuple[str | None, list[Problem]]:
    """The file's schema revision, and what is wrong with the file, its references, and its schema's age."""
    from epix_node.store.schema import HEAD

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
    if held != HEAD:
        problems.append(Problem(f"the database has schema {held or 'none'}, this program needs {HEAD}", _MIGRATE))
    return held, problems


def _revision(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    if known.fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row is not None else None
