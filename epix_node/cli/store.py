"""``epix-node store``: the database."""

from __future__ import annotations

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConfigError

app = typer.Typer(help="Bring the database up to date, and check it.", no_args_is_help=True)


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
        terminal.line(config.store_path or config.store_url, done, after)

    invocation.answer({"before": before, "revision": after}, tell)


@app.command()
def check(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Check the database file, its schema and its references: exit 1 where something is wrong."""
    from epix_node.cli.soundness import problems_of
    from epix_node.node import open_database
    from epix_node.store import schema

    invocation = Invocation.of(context)
    config = invocation.config()
    path = config.store_path
    if path is None:
        raise ConfigError("[store] url: only SQLite databases can be checked by this release")
    held, found = problems_of(path)
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
        terminal.line(path, "OK" if not problems else "FAIL")
        for problem in problems:
            terminal.line(" ", problem)

    invocation.answer({"ok": not problems, "revision": held, "problems": problems}, tell)
    end(ExitCode.NEGATIVE if problems else ExitCode.OK)
