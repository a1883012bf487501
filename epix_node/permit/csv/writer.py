"""Write permits as CSV, one row per line item; ``reader`` reads the same permits back.

Lines end as in RFC 4180. What belongs to the permit is repeated on each of its rows; only a text so long that
repeating it would make a file of gigabytes stands on the first row alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from epix_node.errors import UnacceptableError
from epix_node.permit.csv import cells
from epix_node.permit.csv.columns import COLUMNS, LINE_COLUMNS, PATHS, PERMIT_COLUMNS, Column, Kind
from epix_node.permit.model import Line, Permit
from epix_node.permit.normal import normal_form
from epix_node.permit.number import normalised

MAX_REPEATED_CHARACTERS = 200
"""Longest cell of the permit that is repeated on each row; what tells which permit it is, however long, always is."""

_MUST_BE_QUOTED = frozenset(',;\t"\r\n')


def write_csv(permits: Iterable[Permit]) -> Iterator[bytes]:
    """The headings, then the rows of each permit, as UTF-8 without a byte order mark.

    Whether a permit is marked LEGACY is said when it is published, not in the file.

    Raises:
        UnacceptableError: two permits with the same key follow one another: they would be read as one.
        MalformedDocumentError: text that XML cannot hold.
    """
    yield write_row(column.name for column in COLUMNS)
    key_before: tuple[str, ...] | None = None
    for given in permits:
        permit = normal_form(given)
        year = permit.issued_on.isoformat()[:4] if permit.issued_on else ""
        key = (permit.issuer, permit.type, normalised(permit.number), year)
        if key == key_before or (key_before and key[:3] == key_before[:3] and "" in {key[3], key_before[3]}):
            raise UnacceptableError("two permits with the same issuer, type, number and year follow one another")
        key_before = key
        yield from _rows(permit)


def write_row(row: Iterable[str]) -> bytes:
    """One row of CSV; its cells are defused already."""
    return (",".join(map(_quoted, row)) + "\r\n").encode("utf-8")


def _rows(permit: Permit) -> Iterator[bytes]:
    first = [_cell(column, permit) for column in PERMIT_COLUMNS]
    repeated = [
        cell if len(cell) <= MAX_REPEATED_CHARACTERS or column.is_required else ""
        for cell, column in zip(first, PERMIT_COLUMNS, strict=True)
    ]
    for position, line in enumerate(permit.lines):
        of_line = [_cell(column, line) for column in LINE_COLUMNS]
        if line.block is None:
            of_line[0] = cells.NOTHING  # an empty cell would be read as a letter
        yield write_row([*(repeated if position else first), *of_line])


def _cell(column: Column, whole: Permit | Line) -> str:
    value = _member(column, whole)
    if not value and column.kind is not Kind.SWITCH:
        return ""
    match column.kind:
        case Kind.TEXT:
            return cells.guarded(value)
        case Kind.DATE:
            return str(value.isoformat())
        case Kind.SWITCH:
            return "true" if value else "false"
        case Kind.TEXTS:
            return cells.guarded(cells.texts_cell(value))
        case Kind.REFERENCES:
            return cells.guarded(cells.references_cell(value))


def _member(column: Column, whole: Permit | Line) -> Any:
    """The member of the column; ``None`` where the part that it belongs to is absent."""
    value: Any = whole
    for step in PATHS[column.name]:
        value = getattr(value, step, None)
    return value


def _quoted(cell: str) -> str:
    """Quoted too where another delimiter than ours would split it."""
    if _MUST_BE_QUOTED.isdisjoint(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'
