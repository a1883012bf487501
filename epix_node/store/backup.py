"""A copy of a SQLite database in one file, and back (contract 2, ``store backup`` and ``store restore``).

What the register signed last is kept beside the database and is in no copy (C.4 item 8 (b)): a copy is old by nature,
and whoever signs from an old copy signs a second history. So a restored database is marked, in the same file and
before it takes its place, and nothing is signed from it until others were asked how far the register had come.

Here alone SQLite is spoken to by its own driver. Not here: PostgreSQL, which has tools of its own for this.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from epix_node.clock import format_time
from epix_node.errors import ConfigError, InputError
from epix_node.register.standstill import Cause, Standstill, parse_standstill
from epix_node.store import register, schema, trust
from epix_node.store.database import Database, Session
from epix_node.store.sqlite import PREFIX
from epix_node.trust.manifest import parse_manifest
from epix_node.trust.signed_version import SignedVersion

SERVING = "serving"
"""The name under which a node that serves holds its database (``Database.once``)."""

_SIDE_FILES = ("-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A database in one file."""

    path: Path
    size_bytes: int
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A copy took the place of the database; ``kept`` is where the one before it is now, if there was one."""

    path: Path
    kept: Path | None
    revision: str


def backup(database: Path, target: Path, *, force: bool = False) -> Copied:
    """``target`` holds the database as it is at one moment, whole and sound, for its owner's eyes only.

    The node may go on working meanwhile. A crash leaves ``target`` as it was.

    Raises:
        InputError: ``target`` is there and ``force`` is not given (code EXISTS), or it cannot be written.
        ConfigError: the database is not there, or is damaged.
    """
    _require_free(target, force=force)
    if not database.is_file():
        raise ConfigError(f"there is no database {database}")
    temporary = _temporary(target)
    try:
        _copy(database, temporary)
        revision = _require_sound(temporary, database)
        _keep(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return Copied(path=target, size_bytes=target.stat().st_size, revision=revision)


def restore(source: Path, database: Path, *, party: str, now: datetime) -> Restored:
    """The copy took the database's place, and is marked: nothing is signed until other Parties were asked.

    The database that was there is kept beside it. A crash leaves the old one, or the new one, or none and both files
    under other names; never a mixture.

    Raises:
        InputError: the copy cannot be read, is damaged, is another Party's, or is of a newer program.
        ConfigError: a node is serving from the database, or another process is using it.
    """
    if not source.is_file():
        raise InputError(f"there is no file {source}", code="NOT_READABLE")
    with Database(f"{PREFIX}{database}").once(SERVING) as is_ours:
        if not is_ours:
            raise ConfigError(f"a node is serving from {database}: stop it first")
        temporary = _temporary(database)
        try:
            try:
                _copy(source, temporary)
                revision = _require_sound(temporary, source)
            except ConfigError as error:
                raise InputError(str(error), code="NOT_READABLE") from error
            if revision > schema.HEAD:
                raise InputError(f"{source} has schema {revision}, this program knows schemas up to {schema.HEAD}")
            revision = _mark(temporary, source, party=party, now=now)
            kept = _set_aside(database, now=now) if database.exists() else None
            # A crash here leaves no database: the one before is under its new name, and restoring again mends it.
            _keep(temporary, database)
        finally:
            for suffix in ("", *_SIDE_FILES):
                Path(f"{temporary}{suffix}").unlink(missing_ok=True)
    return Restored(path=database, kept=kept, revision=revision)


def mark_restored(session: Session, party: str, origin: str, *, source: str, now: datetime) -> None:
    """Nothing is signed until other Parties were asked how far this register had come; two histories stay two."""
    held = register.state(session, party)
    if held is not None and held.halted and parse_standstill(held.halted).cause is Cause.TWO_HISTORIES:
        return
    seen = f"{source} took the place of the database at {format_time(now.replace(microsecond=0))}"
    register.halt(session, party, origin, Standstill(cause=Cause.RESTORED, seen=seen).text)


def _require_free(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise InputError(f"{target} is there already; --force replaces it", code="EXISTS")
    if target.is_dir():
        raise InputError(f"{target} is a directory", code="NOT_WRITABLE")


def _temporary(beside: Path) -> Path:
    """An empty file in the same directory, so that a rename is all that is left to do."""
    try:
        descriptor, name = tempfile.mkstemp(dir=beside.absolute().parent, prefix=f".{beside.name}.")  # mode 0600
    except OSError as error:
        raise InputError(f"{beside} cannot be written: {error.strerror}", code="NOT_WRITABLE") from error
    os.close(descriptor)
    return Path(name)


def _copy(source: Path, target: Path) -> None:
    """SQLite's own online copy: one moment of the source, whoever writes to it meanwhile."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as read,
            closing(sqlite3.connect(target)) as written,
        ):
            read.backup(written)
            written.execute("PRAGMA journal_mode=DELETE")  # one file, which can be carried about
    except sqlite3.Error as error:
        raise ConfigError(f"{source} cannot be copied: {error}") from error


def _require_sound(copy: Path, source: Path) -> str:
    """The schema of a sound copy of this program's database."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            damage = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
            row = None
            if known.fetchone() is not None:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise ConfigError(f"{source} cannot be read: {error}") from error
    if damage != ["ok"]:
        raise ConfigError(f"{source} is damaged: {damage[0]}")
    if row is None:
        raise ConfigError(f"{source} is no database of this program")
    return str(row[0])


def _mark(copy: Path, source: Path, *, party: str, now: datetime) -> str:
    """The copy has this program's schema, is this Party's, and says that it was restored."""
    opened = Database(f"{PREFIX}{copy}")
    try:
        revision = schema.migrate(opened)
        held = opened.read_now(trust.held).own
        manifest = parse_manifest(SignedVersion.parse(held).manifest_file) if held is not None else None
        if manifest is None or manifest.party != party:
            raise InputError(
                f"{source} is the database of {manifest.party if manifest else 'no Party'}; this node is {party}"
            )
        opened.write_now(mark_restored, party, manifest.log.origin, source=source.name, now=now)
    finally:
        opened.close()
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # what was written just now is in the file itself
    return revision


def _set_aside(database: Path, *, now: datetime) -> Path:
    """The database that was there has another name, with all that was committed to it."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(database)) as connection:  # perhaps it is damaged
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy is not None and busy[0]:
            raise ConfigError(f"another process is using {database}: end it first")
    stem = f"{database.name}.before-restore-{now:%Y%m%dT%H%M%SZ}"
    kept, number = database.with_name(stem), 1
    while kept.exists():
        number += 1
        kept = database.with_name(f"{stem}-{number}")
    # The file first: its log without it is thrown away by SQLite, it without its log would be silently older.
    database.replace(kept)
    for suffix in _SIDE_FILES:
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").replace(f"{kept}{suffix}")
    return kept


def _keep(temporary: Path, target: Path) -> None:
    """The file has its name, and both outlast a power cut."""
    try:
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        directory = os.open(target.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}", code="NOT_WRITABLE") from error
