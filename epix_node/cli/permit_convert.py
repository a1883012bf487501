"""``epix-node permits convert`` and ``template``: another format, and a form to fill in. Neither needs a node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.batch import Inputs, labelled, opened
from epix_node.cli.exits import ExitCode, gravest
from epix_node.cli.failures import exit_code, failure_text
from epix_node.cli.invocation import FilesArgument, Invocation, end
from epix_node.cli.permit_files import Draft, permit_files
from epix_node.cli.permit_output import Form, OutOption, sink, write_permits
from epix_node.errors import EpixError, InputError

if TYPE_CHECKING:
    from epix_node.config.settings import LimitsSection
    from epix_node.permit.model import Permit


def convert(
    context: typer.Context,
    files: FilesArgument,
    to: Annotated[Form, typer.Option("--to", help="Toolkit v2 XML, the same in a SOAP response, permit JSON, or CSV.")],
    out: OutOption = None,
) -> None:
    """Write permits in another format: no rule is checked and nothing is published.

    Several permits as XML need a directory as --out. What cannot be read is told, and the others are written: exit 2.
    """
    invocation = Invocation.of(context)
    conversion = _Conversion(invocation, files)
    write_permits(conversion.permits(), to, out, is_list=conversion.is_list)
    end(conversion.code)


def template(
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, the one format that people fill in by hand.")] = False,  # noqa: FBT002 # typer's way
    guide: Annotated[bool, typer.Option("--guide", help="What each column holds, in place of the form.")] = False,  # noqa: FBT002 # as above
    out: OutOption = None,
) -> None:
    """Write a form for permits: the columns and an example to overwrite; with --guide, what each column holds."""
    from epix_node.permit.csv.template import column_guide
    from epix_node.permit.csv.template import template as csv_template

    if not csv:
        raise InputError("say which form: --csv")
    with sink(out) as write:
        write(column_guide().encode() if guide else csv_template())


def limits_here(invocation: Invocation) -> LimitsSection:
    """The limits of the configuration where there is one, else the usual ones."""
    from epix_node.config.settings import LimitsSection

    return invocation.config().limits if invocation.has_config() else LimitsSection()


class _Conversion:
    """Reads the permits of some files one after the other; remembers what could not be read."""

    def __init__(self, invocation: Invocation, files: Sequence[Path]) -> None:
        self._invocation = invocation
        self._files = files
        self._open_file = permit_files(limits_here(invocation))
        self._first = opened(files[0], self._open_file)
        self.is_list = len(files) != 1 or self._first.is_list
        self.code = ExitCode.OK

    def permits(self) -> Iterator[Permit]:
        """The permits that could be read."""
        yield from self._permits(self._files[0], self._first)
        for path in self._files[1:]:
            yield from self._permits(path, opened(path, self._open_file))

    def _permits(self, path: Path, inputs: Inputs[Draft]) -> Iterator[Permit]:
        for label, read in labelled(path, inputs):
            try:
                permit = read().permit
            except EpixError as error:
                self._invocation.terminal.remark(failure_text(error, label=label))
                self.code = gravest((self.code, exit_code(error)))
            else:
                yield permit
