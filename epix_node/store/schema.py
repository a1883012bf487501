"""Bring a database to this program's schema, and tell whether it is there (``epix-node store migrate``)."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from epix_node.store import tables  # noqa: F401 # fills the metadata
from epix_node.store.database import Database


def migrate(database: Database) -> str:
    """Run the missing steps in one transaction; returns the revision that the database now has."""
    config = _alembic()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return MigrationContext.configure(connection).get_current_revision() or "empty"


def revision(database: Database) -> str | None:
    """The revision of the database, ``None`` where it was never migrated."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision that this program needs."""
    return ScriptDirectory.from_config(_alembic()).get_current_head() or "empty"


def drift(database: Database) -> list[object]:
    """What the tables of the program have and the database lacks, or the reverse; empty where they agree."""
    with database.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(files("epix_node.store") / "migrations"))
    return config
