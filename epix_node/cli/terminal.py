"""What a command says: one JSON value, or text for people, on standard output; remarks on standard error.

On a terminal texts have colour and tables have lines; otherwise they are plain columns that `grep` and `awk` can
read, cut nowhere. Control characters of foreign texts never reach a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import typer

_COLOURS = {
    **dict.fromkeys(("VALID", "OK", "PARTLY_USED", "EXPORTED", "FRESH"), "green"),
    **dict.fromkeys(("NOT_VALID", "BLOCK", "FAIL", "REVOKED", "INVALID", "A", "FROZEN", "FAILING"), "red"),
    **dict.fromkeys(("WARN", "REFER", "UNKNOWN", "INDETERMINATE", "STALE", "EXPIRED", "R"), "yellow"),
}
"""Colours of words that matter at a glance."""


def plain(value: object) -> str:
    """The value as one line of text: nothing for ``None``, no control character of whoever wrote it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return ", ".join(plain(item) for item in value)
    return "".join(" " if one.isspace() else one if one.isprintable() else "\ufffd" for one in str(value))


def _json_text(value: Any) -> str:
    # A terminal of another encoding gets escapes; the value is the same.
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    return json.dumps(value, indent=2, ensure_ascii=ascii_only)


def secret_asker() -> Callable[[str], str] | None:
    """Asks whoever sits at the terminal for a secret, on standard error; None where nobody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str) -> str:
        typed: str = typer.prompt(question, hide_input=True, err=True)
        return typed

    return ask


class Terminal:
    """The two streams of a command."""

    def answer(self, value: Any) -> None:
        """The one JSON value of a command with ``--json``."""
        typer.echo(_json_text(value))

    def list_item(self, value: Any, *, is_first: bool) -> None:
        """The next item of that one value where it is a list that is told as it grows; ``list_end`` ends it."""
        typer.echo(("[\n  " if is_first else ",\n  ") + _json_text(value).replace("\n", "\n  "), nl=False)

    def list_end(self, *, is_empty: bool) -> None:
        """There are no more items."""
        typer.echo("[]" if is_empty else "\n]")

    def lines(self, lines: Iterable[Sequence[object]]) -> None:
        """Several lines."""
        for words in lines:
            self.line(*words)

    def line(self, *words: object) -> None:
        """One line, the words separated by spaces."""
        typer.echo(" ".join(self._word(word) for word in words))

    def remark(self, text: str) -> None:
        """Something beside the answer, on standard error; each line stands for itself."""
        for line in text.splitlines():
            typer.echo(plain(line), err=True)

    def facts(self, facts: Iterable[tuple[str, object]]) -> None:
        """Names and values, the values below each other; facts without a value are left out."""
        told = [(name, value) for name, value in facts if value not in (None, (), [])]
        width = max((len(name) for name, _ in told), default=0)
        for name, value in told:
            typer.echo(f"{name:<{width}}  {self._word(value)}")

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
        """The rows under their headings; the sentence ``empty`` where there are none."""
        texts = [[plain(cell) for cell in row] for row in rows]
        if not texts:
            self.remark(empty)
        elif sys.stdout.isatty():
            self._rich_table(headings, texts)
        else:
            widths = [max(len(text) for text in column) for column in zip(headings, *texts, strict=True)]
            for cells in [list(headings), *texts]:
                typer.echo("  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip())

    @staticmethod
    def _rich_table(headings: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for cells in texts:
            # Text, not str: square brackets in a permit number are no markup.
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in cells))
        Console(file=sys.stdout, highlight=False).print(table)

    @staticmethod
    def _word(word: object) -> str:
        text = plain(word)
        colour = _COLOURS.get(text)
        return typer.style(text, fg=colour) if colour is not None and sys.stdout.isatty() else text
