"""One run of the command: its configuration, its node, its output; and the options that many commands share."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.terminal import Terminal, secret_asker
from epix_node.errors import InputError, MalformedDocumentError

if TYPE_CHECKING:
    from epix_node.clock import Clock
    from epix_node.config import Config
    from epix_node.node import Node
    from epix_node.permit.answer import Policy
    from epix_node.store.database import Database


class PermitLetter(StrEnum):
    """Permit types (contract 1); the letters of ``permit.model.PermitType``, here so that ``--help`` is quick."""

    EXPORT = "E"
    REEXPORT = "R"
    IMPORT = "I"
    OTHER = "O"


class Border(StrEnum):
    """For which border a question is asked (``permit.answer.Purpose``)."""

    EXPORT = "export"
    IMPORT = "import"


@dataclass(slots=True)
class Invocation:
    """What every command of this run shares. ``json``: the answer is one JSON value; ``answered``: it was given."""

    config_path: Path | None = None
    json: bool = False
    answered: bool = False
    terminal: Terminal = field(default_factory=Terminal)

    @classmethod
    def of(cls, context: typer.Context) -> Invocation:
        """That of the whole run, from the context of any command."""
        found = context.find_root().obj
        assert isinstance(found, Invocation)
        return found

    def has_config(self) -> bool:
        """Whether a configuration was named, or is where it is looked for last."""
        from epix_node.config import find_config
        from epix_node.config.settings import DEFAULT_PATH

        path = find_config(self.config_path, os.environ)
        return path != DEFAULT_PATH or path.exists()

    def config(self) -> Config:
        """The settings. Raises ``ConfigError``."""
        from epix_node.config import find_config, load_config

        return load_config(find_config(self.config_path, os.environ), os.environ)

    @contextmanager
    def node(self) -> Iterator[Node]:
        """The node, open until the block ends. Raises as ``open_node``."""
        from epix_node.node import open_node

        with open_node(self.config(), ask=secret_asker()) as node:
            yield node

    @contextmanager
    def database(self) -> Iterator[tuple[Database, Clock]]:
        """The database and the node's clock, for what needs no keys. Raises ``ConfigError``."""
        from epix_node.node import clock_of, open_database, require_schema

        config = self.config()
        database = open_database(config)
        try:
            require_schema(database)
            yield database, clock_of(config)
        finally:
            database.close()

    def answer(self, value: Any, tell: Callable[[Terminal], None]) -> None:
        """Give the answer as JSON, or let ``tell`` tell it to people."""
        if self.json:
            self.terminal.answer(value)
        else:
            tell(self.terminal)


def policy_of(config: Config) -> Policy:
    """The settings that verdicts depend on."""
    from epix_node.permit.answer import ImportAfterExpiry, Policy

    return Policy(
        import_after_expiry=ImportAfterExpiry(config.party.import_after_expiry),
        mirror_fresh=config.freshness.mirror_fresh,
        mirror_stale=config.freshness.mirror_stale,
        max_merge_delay=config.freshness.max_merge_delay,
    )


def new_request_id() -> str:
    """An id for one answer, as the HTTP interfaces give one to each request."""
    return str(uuid4())


def end(code: ExitCode) -> None:
    """The command ends with this code; with OK it goes on to its end."""
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def read_input(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of a file, or of standard input for ``-``.

    Raises:
        MalformedDocumentError: there are more; code TOO_LARGE.
        InputError: it cannot be read; code NOT_READABLE.
    """
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with path.open("rb") as file:
                data = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", code="NOT_READABLE") from error
    if len(data) > max_bytes:
        raise MalformedDocumentError(f"{path} has more than {max_bytes} bytes", code="TOO_LARGE")
    return data


def write_output(path: Path, data: bytes) -> None:
    """The file holds the data, whole; an older one of the name is replaced."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).chmod(0o644)  # mkstemp closes it to others, who are to read it
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", code="NOT_WRITABLE") from error


def _remember_json(context: typer.Context, *, value: bool) -> bool:
    Invocation.of(context).json = value
    return value


def read_code(value: str) -> str:
    """The code that an argument gives, in capitals."""
    code = value.upper()
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise typer.BadParameter(f"{value!r} is no code of two letters, such as XA")
    return code


def read_number(value: str | None) -> str | None:
    """The permit number that an argument gives, normalised (contract 1)."""
    from epix_node.permit.json_fields import permit_number

    if value is None:
        return None
    try:
        return permit_number(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _optional_code(value: str | None) -> str | None:
    return read_code(value) if value is not None else None


def read_time(value: str) -> datetime:
    """The time that an option gives, aware, in UTC."""
    from epix_node.clock import parse_time

    try:
        return parse_time(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is no time such as 2026-03-01T10:00:00Z") from error


def read_day(value: str) -> date:
    """The calendar date that an option gives."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is no date such as 2026-03-01") from error


JsonOption = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON value.", callback=_remember_json, show_default=False)
]
IssuerArgument = Annotated[str, typer.Argument(metavar="ISSUER", help="Code of the issuer.", callback=read_code)]
IssuerOption = Annotated[
    str | None, typer.Option("--issuer", metavar="CODE", help="Code of the issuer.", callback=_optional_code)
]
PartyArgument = Annotated[str, typer.Argument(metavar="PARTY", help="Code of the Party.", callback=read_code)]
NumberArgument = Annotated[
    str, typer.Argument(metavar="NUMBER", help="Permit number, as printed.", callback=read_number)
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A file, or - for standard input.")]
FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE", help="Files, or - for standard input.")]
TypeOption = Annotated[
    PermitLetter | None, typer.Option("--type", help="Type of permit, where several carry the number.")
]
BorderOption = Annotated[
    Border | None,
    typer.Option("--for", help="For leaving the issuer's country, or for entering another (the default)."),
]
YearOption = Annotated[
    int | None, typer.Option("--year", help="Year of issue, where several permits carry the number.", min=1900)
]
