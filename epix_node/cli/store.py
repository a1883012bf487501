"""``epix-node store``: the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConfigError

if TYPE_CHECKING:
    from epix_node.config import Config

app = typer.Typer(help="Bring the database up to date, check it, back it up, and restore it.", no_args_is_help=True)


@app.command()
def migrate(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Bring the database to this release's schema; makes an empty one where there is none.

    Stop the node first. Doing it twice changes nothing.
    """
    from epix_node.node import open_database
    from epix_node.store import schema

    invocation = Invocation.of(context)
    config = invocation.config()
    database = open_database(config, create=True)
    try:
        before = schema.revision(database)
        after = schema.migrate(database)
    finally:
        database.close()

    def tell(terminal: Terminal) -> None:
        done = "has schema" if before == after else f"was brought from schema {before or 'none'} to"
        terminal.line(config.store_place, done, after)

    invocation.answer({"before": before, "revision": after}, tell)


@app.command()
def check(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Check the database, its schema and its references: exit 1 where something is wrong."""
    from epix_node.cli.soundness import problems_of
    from epix_node.node import open_database
    from epix_node.store import schema

    invocation = Invocation.of(context)
    config = invocation.config()
    held, found = problems_of(config)
    problems = [str(problem) for problem in found]
    if not problems:
        database = open_database(config)
        try:
            problems = [
                f"the schema differs from this program's: {difference}" for difference in schema.drift(database)
            ]
        finally:
            database.close()

    def tell(terminal: Terminal) -> None:
        terminal.line(config.store_place, "OK" if not problems else "FAIL")
        for problem in problems:
            terminal.line(" ", problem)

    invocation.answer({"ok": not problems, "revision": held, "problems": problems}, tell)
    end(ExitCode.NEGATIVE if problems else ExitCode.OK)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy is to be.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it is there already.")] = False,
    _json: JsonOption = False,
) -> None:
    """Copy the database into FILE, whole and checked, while the node goes on working.

    The keys are not in it, nor is the record of what was signed last: back up the keys by themselves.
    """
    from epix_node.store import backup as backups

    invocation = Invocation.of(context)
    config = invocation.config()
    copied = backups.backup(_file(config, _DUMP), file, force=force)

    def tell(terminal: Terminal) -> None:
        terminal.line(f"copied {config.store_place} to {copied.path}: {copied.size_bytes} bytes, checked")
        terminal.remark("it holds names and addresses: keep it as safe as the node, and not on the same disk")

    invocation.answer(
        {"file": str(copied.path), "bytes": copied.size_bytes, "revision": copied.revision, "checked": True}, tell
    )


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `store backup` made.")],
    *,
    _json: JsonOption = False,
) -> None:
    """Put FILE in the place of the database, which is kept beside it. Stop the node first.

    Nothing is signed afterwards until other Parties have told how far the register had come.
    """
    from epix_node.node import clock_of
    from epix_node.store import backup as backups

    invocation = Invocation.of(context)
    config = invocation.config()
    done = backups.restore(file, _file(config, _RESTORE), party=config.party.code, now=clock_of(config)())

    def tell(terminal: Terminal) -> None:
        terminal.line(f"restored {done.path} from {file}")
        if done.kept is not None:
            terminal.line(f"the database that was there is now {done.kept}")
        terminal.line(_NEXT)

    invocation.answer(
        {"database": str(done.path), "kept": str(done.kept) if done.kept else None, "revision": done.revision}, tell
    )


@app.command()
def restored(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Say that the database was restored by other means, such as pg_restore or a copied machine. Stop the node first.

    Nothing is signed afterwards until other Parties have told how far the register had come. Saying it twice, or
    without need, does no harm.
    """
    from epix_node.store.backup import SERVING, mark_restored

    invocation = Invocation.of(context)
    with invocation.node() as node, node.database.once(SERVING) as is_ours:
        if not is_ours:
            raise ConfigError("a node is serving from this database: stop it first")
        node.database.write_now(mark_restored, node.party, node.office.own.origin, source="a copy", now=node.clock())

    def tell(terminal: Terminal) -> None:
        terminal.line(_NEXT)

    invocation.answer({"restored": True}, tell)


_NEXT = (
    "start the node now: it asks the other Parties how far its register had come, fetches what is missing, and signs "
    "again after that; `epix-node doctor` says how far it is"
)

_DUMP = (
    "[store] url names a PostgreSQL server, which makes its own copies: pg_dump --format=custom "
    "--exclude-schema=last_signed --file=FILE URL"
)

_RESTORE = (
    "[store] url names a PostgreSQL server, which restores its own copies: stop the node, pg_restore --clean "
    "--if-exists --exclude-schema=last_signed --dbname=URL FILE, then `epix-node store restored`, and start the node"
)


def _file(config: Config, otherwise: str) -> Path:
    """The file of a SQLite database. Raises ``ConfigError`` for another, with what to do instead."""
    if config.store_path is None:
        raise ConfigError(otherwise)
    return config.store_path
