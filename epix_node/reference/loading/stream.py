"""A large file of species data, read row by row: plain or gzip, CSV or JSON, with its digest and its day.

The day whose state a list describes is in no column of these exports. It is taken from the file's name, where the
portals write it, or from the caller; a list without one is refused, because every answer from it shows its age.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

from epix_node.errors import MalformedDocumentError, NotFoundError, UnacceptableError
from epix_node.reference.edition import Edition

_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.](\d\d)(?:[-_.](\d\d))?(?!\d)")
_GZIP = b"\x1f\x8b"

MAX_LINE_CHARACTERS = 16 * 1024 * 1024
"""Longest line: a few kilobytes of gzip can unpack into one of gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open file of reference data."""

    name: str
    sha256: str
    as_of: date | None
    """``None`` where neither the file's name nor the caller said it; a recording may still say it itself."""
    text: IO[str]
    now: datetime

    def edition(self, data: str, *, rows: int, as_of: date | None = None) -> Edition:
        """The edition that loading it made.

        Raises:
            UnacceptableError: nobody said of which day the data are, or they are of a day to come.
        """
        day = self.as_of or as_of
        if day is None:
            raise UnacceptableError(
                f"{self.name} does not say of which day it is: say it with --as-of, or put it into the file's name,"
                " such as …_2017-04-21.csv"
            )
        if day > self.now.astimezone(UTC).date():
            raise UnacceptableError(f"{self.name} is said to be as of {day}, a day that has not come yet")
        return Edition(data=data, as_of=day, source=self.name, sha256=self.sha256, loaded_at=self.now, rows=rows)


@contextmanager
def open_source(path: Path, *, now: datetime, as_of: date | None = None) -> Iterator[Source]:
    """The file is open, and what goes wrong while it is read is an error that names it.

    Raises:
        NotFoundError: there is no such file.
        MalformedDocumentError: it is not UTF-8, a broken archive, or no CSV.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}") from error
    with raw:
        sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
        raw.seek(0)
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        text: IO[str]
        if packed:
            text = io.TextIOWrapper(gzip.GzipFile(fileobj=raw), encoding="utf-8-sig", newline="")
        else:
            text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        try:
            yield Source(name=path.name, sha256=sha256, as_of=as_of or day_in(path.name), text=text, now=now)
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error, csv.Error) as error:
            raise MalformedDocumentError(f"{path.name} cannot be read: {error}") from error


def day_in(name: str) -> date | None:
    """The day that a file's name tells, the first of the month where it tells only the month; ``None`` without."""
    found = _DAY.search(name)
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        return date(int(year), int(month), int(day or 1))
    except ValueError:
        return None


def read_line(text: IO[str]) -> str:
    """The next line with its end; empty at the end of the text.

    Raises:
        MalformedDocumentError: LIMIT_EXCEEDED, it is longer than ``MAX_LINE_CHARACTERS``.
    """
    line = text.readline(MAX_LINE_CHARACTERS + 1)
    if len(line) > MAX_LINE_CHARACTERS:
        raise MalformedDocumentError(
            f"a line of more than {MAX_LINE_CHARACTERS} characters: this is no table", code="LIMIT_EXCEEDED"
        )
    return line


class Table:
    """The rows of a CSV, one at a time, as cells by column name. The header was read."""

    def __init__(self, text: IO[str], *, first: str = "") -> None:
        """``first`` is what was already read of the text."""
        header = first or read_line(text)
        self._separator = max(",;\t", key=header.count)
        self.columns = [name.strip() for name in next(csv.reader([header], delimiter=self._separator), [])]
        self._text = text

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number, counted from 1 with the header as row 1, and cells of each row that is not blank."""
        lines = iter(lambda: read_line(self._text), "")
        for number, cells in enumerate(csv.reader(lines, delimiter=self._separator), start=2):
            if cells:
                yield number, cells

    def column(self, *names: str) -> int | None:
        """Where the first of these names stands; ``None`` where none does."""
        return next((self.columns.index(name) for name in names if name in self.columns), None)
