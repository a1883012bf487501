"""A CSV file of reference data as its rows, with the little that all loaders ask of a row.

UTF-8 with or without a byte order mark, comma or semicolon. Names of columns are compared without regard to case, white
space and underscores; columns without a name (padding) are kept by position only.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from epix_node.errors import MalformedDocumentError, NotFoundError, UnacceptableError
from epix_node.permit.codes import code_lists
from epix_node.reference.loading.stream import day_in
from epix_node.reference.scope import Codes

MAX_BYTES = 256 * 1024 * 1024
"""Largest file read at once; the whole list of quotas that was ever published is under 10 MB."""

_MISSING = frozenset({"", "present", "n/a"})
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: \d{1,2}:\d{2}(?::\d{2})?)?", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?", re.ASCII)
_SEPARATORS = re.compile(r"[;,/|]")


@dataclass(frozen=True, slots=True)
class Row:
    """One record; ``number`` counts from 1, the header being 1, whatever line breaks its texts have."""

    number: int
    cells: tuple[str, ...]
    columns: dict[str, int]

    def text(self, *columns: str) -> str:
        """What the first of these columns that the file has says, without surrounding white space; else empty."""
        for column in columns:
            index = self.columns.get(column_key(column))
            if index is not None:
                return self.cells[index].strip() if index < len(self.cells) else ""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file that was read."""

    name: str
    sha256: str
    columns: dict[str, int]
    content: bytes = field(repr=False)
    delimiter: str

    @property
    def rows(self) -> Iterator[Row]:
        """The rows under the header, empty ones left out, one at a time: all at once take ten times the file's size.

        Raises:
            MalformedDocumentError: no UTF-8 or no CSV from some row on.
        """
        records = _records(self.name, self.content, self.delimiter)
        next(records, None)
        for number, cells in enumerate(records, start=2):
            if any(cell.strip() for cell in cells):
                yield Row(number=number, cells=tuple(cells), columns=self.columns)

    def has(self, *columns: str) -> bool:
        """Whether it has all these columns."""
        return all(column_key(column) in self.columns for column in columns)

    def require(self, what: str, *columns: str) -> None:
        """Nothing, or the reason why this is no such file.

        Raises:
            MalformedDocumentError: a column is missing.
        """
        missing = [column for column in columns if not self.has(column)]
        if missing:
            raise MalformedDocumentError(
                f"{self.name} is no file of {what}: column {', '.join(missing)} is missing;"
                f" expected {', '.join(columns)}"
            )


def column_key(name: str) -> str:
    """The same for each way to write a column's name."""
    return re.sub(r"[\s_]+", "_", name.strip().casefold()).strip("_")


def read_sheet(path: Path) -> Sheet:
    """The file with its header read; its rows are read when they are asked for.

    Raises:
        MalformedDocumentError: no UTF-8 or no CSV at its beginning, too large, or nothing in it.
        NotFoundError: there is no such file, or it cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MalformedDocumentError(f"{path.name} is larger than {MAX_BYTES} bytes", code="LIMIT_EXCEEDED")
        content = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}") from error
    header_line = content.partition(b"\n")[0]
    delimiter = ";" if header_line.count(b";") > header_line.count(b",") else ","
    header = next(_records(path.name, content, delimiter), None)
    if header is None:
        raise MalformedDocumentError(f"{path.name} is empty")
    columns: dict[str, int] = {}
    for index, name in enumerate(header):
        if column_key(name):
            columns.setdefault(column_key(name), index)
    return Sheet(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        columns=columns,
        content=content,
        delimiter=delimiter,
    )


def _records(name: str, content: bytes, delimiter: str) -> Iterator[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    try:
        yield from csv.reader(text, delimiter=delimiter)
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(f"{name} is not UTF-8; save it as CSV UTF-8", code="NOT_UTF8") from error
    except csv.Error as error:
        raise MalformedDocumentError(f"{name} is not CSV: {error}") from error


class NotUnderstood(ValueError):
    """Something in a row; the message is one of few fixed sentences, to be counted."""


def read_date(text: str, what: str) -> date | None:
    """A date as dd/mm/yyyy or yyyy-mm-dd, a time of day after it ignored; ``None`` for "Present" and for nothing.

    Raises:
        NotUnderstood: anything else.
    """
    given = text.strip()
    if given.casefold() in _MISSING:
        return None
    try:
        if match := _DAY_FIRST.fullmatch(given):
            day, month, year = match.groups()
            return date(int(year), int(month), int(day))
        if match := _YEAR_FIRST.fullmatch(given):
            return date.fromisoformat(match[1])
    except ValueError as error:
        raise NotUnderstood(f"the {what} is no date of the calendar") from error
    raise NotUnderstood(f"the {what} is no date (dd/mm/yyyy or yyyy-mm-dd)")


def read_start(text: str) -> date:
    """A date that must be there.

    Raises:
        NotUnderstood: it is absent or no date.
    """
    start = read_date(text, "start date")
    if start is None:
        raise NotUnderstood("the start date is missing")
    return start


def read_codes(text: str, known: Container[str], what: str) -> Codes:
    """Codes separated by comma, semicolon, slash or bar; ``None`` for "All" and for nothing.

    Raises:
        NotUnderstood: one of them is in no list.
    """
    if text.strip().casefold() in {"", "all"}:
        return None
    codes = frozenset(part.strip().upper() for part in _SEPARATORS.split(text) if part.strip())
    if not codes or not all(code in known for code in codes):
        raise NotUnderstood(f"a {what} is not in the code list")
    return codes


def known_terms() -> frozenset[str]:
    """Every term of the lists, historical ones included."""
    lists = code_lists()
    return frozenset(lists.terms) | frozenset(lists.historical_terms)


def read_flag(text: str, what: str) -> bool:
    """Yes or no; nothing means no.

    Raises:
        NotUnderstood: neither.
    """
    given = text.strip().casefold()
    if given in {"", "no", "n", "false", "f", "0"}:
        return False
    if given in {"yes", "y", "true", "t", "1"}:
        return True
    raise NotUnderstood(f"{what} is neither yes nor no")


def state_of(given: date | None, sheet: Sheet, dates: Iterable[date], today: date) -> date:
    """The day whose state a file describes: as given, else as its name says, else the newest date in it.

    Of the dates in the rows only those up to today count: the data seem rather older than they are.

    Raises:
        UnacceptableError: nothing says of which day the file is, or it is said to be of a day to come.
    """
    day = given or day_in(sheet.name) or max((day for day in dates if day <= today), default=None)
    if day is None:
        raise UnacceptableError(
            f"{sheet.name} does not say of which day it is: say it with --as-of, or put it into the file's name,"
            " such as …_2026-04-21.csv"
        )
    if day > today:
        raise UnacceptableError(f"{sheet.name} is said to be as of {day}, a day that has not come yet")
    return day
