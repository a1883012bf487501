"""Whether a SQLite file is sound, asked without the rest of the program, which would stumble over an unsound one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def problems_of(path: Path) -> tuple[str | None, list[str]]:
    """The file's schema revision, and what is wrong with it: with the file, its references, its schema's age."""
    from epix_node.store.schema import head

    if not path.is_file():
        return None, [f"there is no database {path}; `epix-node store migrate` makes an empty one"]
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            damage = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            if damage != ["ok"]:
                return None, [f"the file is damaged: {line}; restore a backup" for line in damage]
            orphans = len(connection.execute("PRAGMA foreign_key_check").fetchall())
            held = _revision(connection)
    except sqlite3.Error as error:
        return None, [f"{path} cannot be read: {error}"]
    problems = [f"{orphans} rows refer to rows that are not there; restore a backup"] if orphans else []
    if held != head():
        problems.append(
            f"the database has schema {held or 'none'}, this program needs {head()}: run `epix-node store migrate`"
        )
    return held, problems


def _revision(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    if known.fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row is not None else None
