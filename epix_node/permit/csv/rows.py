"""The rows of a CSV file, as they come from somebody we do not trust, one at a time.

UTF-8 with or without a byte order mark; comma, semicolon (European spreadsheets) or tab; quoting as in RFC 4180. The
memory used does not depend on the length of the file. After something that is no CSV nobody can say where the next
row begins, so reading stops there; what stands before it has been read.

Rows are numbered as a spreadsheet shows them: the headings are row 1, a row with line breaks in its cells is one row.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from epix_node.errors import MalformedDocumentError
from epix_node.permit.csv.columns import BY_NAME, column_name
from epix_node.permit.strict_json import MAX_JSON_BYTES

MAX_ROW_BYTES = MAX_JSON_BYTES
"""Longest row: a permit that cannot come as JSON need not come as one row of CSV."""

DELIMITERS = (",", ";", "\t")

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Rows:
    """The rows of one file; ``number`` is that of the row given last. The stream is read line by line, never closed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._row_bytes = 0
        self.number = 0
        # The module's limit belongs to the process; ours, counted in _read_line, is never above it.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES))
        first = self._read_line().removeprefix(codecs.BOM_UTF8.decode("utf-8"))
        # What some spreadsheets write, and hide, above the headings.
        if first[:4].casefold() == "sep=" and len(first.rstrip("\r\n")) == 5:
            first = self._read_line()
        self._reader = csv.reader(self._lines(first), delimiter=_delimiter(first), strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        """The cells of the next row.

        Raises:
            MalformedDocumentError: ``NOT_UTF8``, ``LIMIT_EXCEEDED`` for an endless row, ``NOT_UNDERSTOOD`` for NUL
                bytes and for quotation marks that stand where none may stand.
        """
        self._row_bytes = 0
        try:
            row = next(self._reader)
        except csv.Error as error:
            raise MalformedDocumentError(
                f"row {self.number + 1} is no CSV: a quotation mark is missing, or stands where none may"
            ) from error
        self.number += 1
        return row

    def _lines(self, line: str) -> Iterator[str]:
        while line:
            # Line breaks are kept as they are: inside a cell they are content. Some programs write "\r" alone.
            if "\r" in line.rstrip("\r\n"):
                yield from _LINE.findall(line)
            else:
                yield line
            line = self._read_line()

    def _read_line(self) -> str:
        """The text up to and with the next line feed, which is never a part of another character in UTF-8."""
        # One more than is allowed, so that a longer line is seen to be longer.
        line = self._stream.readline(MAX_ROW_BYTES + 1)
        self._row_bytes += len(line)
        row = self.number + 1
        if self._row_bytes > MAX_ROW_BYTES:
            raise MalformedDocumentError(
                f"row {row} has more than {MAX_ROW_BYTES} bytes: perhaps a quotation mark is not closed",
                code="LIMIT_EXCEEDED",
            )
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedDocumentError(
                f"row {row} is not UTF-8: save the file as CSV UTF-8", code="NOT_UTF8"
            ) from error
        if "\0" in text:
            raise MalformedDocumentError(f"row {row} holds NUL bytes: save the file as CSV UTF-8")
        return text


def _delimiter(headings: str) -> str:
    """The delimiter that makes most known columns of the headings."""
    return max(DELIMITERS, key=lambda delimiter: _known(headings, delimiter))


def _known(headings: str, delimiter: str) -> int:
    return sum(column_name(heading.strip(' "\r\n')) in BY_NAME for heading in headings.split(delimiter))
