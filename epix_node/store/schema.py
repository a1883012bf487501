"""Bring a database to this program's schema, and tell whether it is there (``epix-node store migrate``).

A node that starts only compares two revisions; alembic, a quarter of a second to import, is loaded by migrating.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from epix_node.errors import ConfigError
from epix_node.store import reconcile_tables, register_tables, tables  # noqa: F401 # fills the metadata
from epix_node.store.database import Database, Session

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

HEAD = "0007"
"""The revision that this program needs: the newest file of ``migrations/versions`` (a test compares them)."""


def migrate(database: Database) -> str:
    """Run the missing steps in one transaction; returns the revision that the database now has.

    Raises:
        ConfigError: another process is at it.
    """
    from alembic import command

    config = _alembic()

    def work(session: Session) -> None:
        config.attributes["connection"] = session.core
        command.upgrade(config, HEAD)

    with database.once("migrate") as is_ours:
        if not is_ours:
            raise ConfigError("another process brings this database up to date now: try again when it is done")
        database.write_now(work)
    return revision(database) or "empty"


def revision(database: Database) -> str | None:
    """The revision of the database, ``None`` where it was never migrated."""

    def work(session: Session) -> str | None:
        if not inspect(session.core).has_table("alembic_version"):
            return None
        found: str | None = session.core.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found

    return database.read_now(work)


def drift(database: Database) -> list[object]:
    """What the tables of the program have and the database lacks, or the reverse; empty where they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def work(session: Session) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(session.core), SQLModel.metadata))

    return database.read_now(work)


def newest() -> str:
    """The newest revision among the migrations."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic()).get_current_head() or "empty"


def _alembic() -> AlembicConfig:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("epix_node.store") / "migrations"))
    return config
