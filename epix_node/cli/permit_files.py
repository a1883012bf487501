"""Files of permits as commands take them: toolkit XML (v1, v2, bare or in a SOAP response), JSON, and CSV.

What a file is, its first bytes say. XML and JSON are read whole, within the node's limits; CSV is read as it goes, so
that it may hold any number of permits.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from epix_node.cli.batch import Inputs, Reader, json_inputs, refusing
from epix_node.errors import InputError, MalformedDocumentError

if TYPE_CHECKING:
    from epix_node.config.settings import LimitsSection
    from epix_node.permit.model import Permit
    from epix_node.permit.xml.deviation import Deviation

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A permit as read from a file, and how the file deviates from its format.

    ``deviations`` had to be tolerated to read it; ``strict_deviations`` are what the format itself would not allow.
    """

    permit: Permit
    format: str
    deviations: tuple[dict[str, str], ...] = ()
    strict_deviations: tuple[dict[str, str], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()
    rows: tuple[int, int] | None = None
    """The first and the last row of a CSV file that make the permit."""

    def reading_json(self) -> dict[str, Any]:
        """How it was read, for programs."""
        body: dict[str, Any] = {
            "format": self.format,
            "deviations": list(self.deviations),
            "strict_deviations": list(self.strict_deviations),
            "attachments": list(self.attachments),
        }
        return {**body, "rows": list(self.rows)} if self.rows is not None else body


def permit_files(limits: LimitsSection) -> Callable[[Path], Inputs[Draft]]:
    """Opens a file of permits, or standard input for ``-``."""

    def open_file(path: Path) -> Inputs[Draft]:
        try:
            return opened(path)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", code="NOT_READABLE") from error

    def opened(path: Path) -> Inputs[Draft]:
        # Closing standard input must not close the program's own.
        stream: io.BufferedReader[Any] = (
            path.open("rb") if str(path) != "-" else io.BufferedReader(_Borrowed(sys.stdin.buffer))
        )
        head = stream.peek(1).removeprefix(_BOM).lstrip()[:1]
        if head == b"<" or stream.peek(2)[:2] in _UTF16:
            data = _read(stream, path, limits.document_bytes)
            return Inputs([lambda: _from_xml(data, limits)], is_list=False)
        if head in {b"{", b"["}:
            return _from_json(_read(stream, path, limits.json_bytes))
        if not head:
            _read(stream, path, limits.document_bytes)
            raise MalformedDocumentError(f"{path} is empty: expected permits as toolkit XML, JSON or CSV")
        rows = _rows(stream)
        try:
            first = list(islice(rows, 1))
        except MalformedDocumentError as error:  # of the headings: perhaps it was not meant to be CSV at all
            advice = "neither XML nor JSON, so read as CSV, whose columns `epix-node permits template --csv` shows"
            raise MalformedDocumentError(f"{path}: {error}; it is {advice}", code=error.code) from error
        return Inputs(chain(first, rows), is_list=True, fraction=_fraction(stream, path))

    return open_file


class _Borrowed(io.RawIOBase):
    """A stream that belongs to somebody else."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is something."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _read(stream: io.BufferedReader[Any], path: Path, max_bytes: int) -> bytes:
    with stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise MalformedDocumentError(f"{path} has more than {max_bytes} bytes", code="TOO_LARGE")
    return data


def _from_xml(data: bytes, limits: LimitsSection) -> Draft:
    from epix_node.permit.xml.reader import parse_message, read_root
    from epix_node.permit.xml.strict import strict_deviations

    root = parse_message(data, max_bytes=limits.document_bytes)
    reading = read_root(root)
    return Draft(
        permit=reading.permit,
        format=reading.format,
        deviations=_told(reading.deviations),
        strict_deviations=_told(strict_deviations(root)),
        attachments=tuple({"name": one.name, "size": one.size, "sha256": one.sha256} for one in reading.attachments),
    )


def _told(deviations: Iterable[Deviation]) -> tuple[dict[str, str], ...]:
    return tuple({"path": one.path, "message": one.message} for one in deviations)


def _from_json(data: bytes) -> Inputs[Draft]:
    from epix_node.permit.json import permit_from_json
    from epix_node.permit.strict_json import load_json

    return json_inputs(load_json(data), lambda value: Draft(permit=permit_from_json(value), format="json"))


def _rows(stream: io.BufferedReader[Any]) -> Iterator[Reader[Draft]]:
    from epix_node.permit.csv.reader import CsvPermit, read_csv

    try:
        with stream:
            for one in read_csv(stream):
                if isinstance(one, CsvPermit):
                    rows = (one.first_row, one.last_row)
                    draft = Draft(permit=one.permit, format="csv", deviations=_told(one.deviations), rows=rows)
                    yield lambda draft=draft: draft  # type: ignore[misc] # mypy cannot type a lambda with a default
                else:
                    yield refusing(MalformedDocumentError(one.reason, code=one.code))
    except OSError as error:
        raise InputError(f"the file cannot be read on: {error.strerror}", code="NOT_READABLE") from error


def _fraction(stream: io.BufferedReader[Any], path: Path) -> Callable[[], float] | None:
    """How much of a regular file has been read."""
    if str(path) == "-" or not path.is_file():
        return None
    size = os.fstat(stream.fileno()).st_size
    return lambda: 1.0 if stream.closed or not size else min(stream.raw.tell() / size, 1.0)
