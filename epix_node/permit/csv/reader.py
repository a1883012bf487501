"""Read permits from CSV, one row per line item, and say what had to be tolerated.

Rows of one permit stand together: they repeat its type, number and issuer (and, where it is given, the year of
``issued_on``, which belongs to the permit key). A permit that cannot be understood is a ``CsvFault`` and does not stop
the rest; a file of which nobody can say what is in it ends with ``MalformedDocumentError``. Codes and quantities stay
as they are given: the rules judge them. ``NA`` is Namibia.

The memory used does not grow with the file, but for some 32 bytes a permit, by which one that comes back is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from epix_node.errors import MalformedDocumentError
from epix_node.permit.csv.cells import unguarded
from epix_node.permit.csv.columns import BY_NAME, KEY_COLUMNS, column_name, nearest_column
from epix_node.permit.csv.group import CellFault, Group, compared_number
from epix_node.permit.csv.rows import Rows
from epix_node.permit.csv.seen import MAX_PERMITS, SeenPermits
from epix_node.permit.model import Permit
from epix_node.permit.xml.deviation import Deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvPermit:
    """A permit in normal form, the rows in which it stands, and what had to be tolerated to read it."""

    permit: Permit
    first_row: int
    last_row: int
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFault:
    """Rows of which no permit could be made, and why; ``faults`` holds at most ten, in the order of the rows."""

    first_row: int
    last_row: int
    faults: tuple[CellFault, ...]

    @property
    def code(self) -> str:
        """The word for programs: ``LIMIT_EXCEEDED`` or ``NOT_UNDERSTOOD``."""
        return max((fault.code for fault in self.faults), key=lambda code: code == "LIMIT_EXCEEDED")

    @property
    def reason(self) -> str:
        """What is wrong, for people; quotes no contents."""
        return "; ".join(map(str, self.faults))


def read_csv(stream: BinaryIO) -> Iterator[CsvPermit | CsvFault]:
    """The permits of the file in their order, each as soon as its last row was read. The stream stays open.

    Raises:
        MalformedDocumentError: while iterating, after the permits before the place: ``NOT_UTF8``; ``LIMIT_EXCEEDED``
            for an endless row or too many permits; ``NOT_UNDERSTOOD`` for a file without headings, with an unknown or
            repeated column, without one of ``KEY_COLUMNS``, or that is no CSV.
    """
    yield from _permits(Rows(stream))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headings:
    """Which columns the file has, and at which position each stands."""

    of_permit: tuple[tuple[str, int], ...]
    of_line: tuple[tuple[str, int], ...]
    unnamed: tuple[int, ...]
    """Positions of columns whose heading is empty, as spreadsheets write them; nothing may stand there."""
    width: int


def _permits(rows: Rows) -> Iterator[CsvPermit | CsvFault]:
    headings = _headings(rows)
    seen = SeenPermits()
    group: Group | None = None
    permit_cells_before: list[str] | None = None
    for cells in rows:
        if not any(cells):
            continue
        permit_cells = [cells[position] if position < len(cells) else "" for _, position in headings.of_permit]
        if group is None or permit_cells != permit_cells_before:
            given = {name: cell for (name, _), cell in zip(headings.of_permit, permit_cells, strict=True)}
            if group is None or not _belongs(group, given, rows.number):
                if group is not None:
                    yield _finished(group, seen)
                group = Group(rows.number)
            group.last_row = rows.number
            group.add_permit_cells(rows.number, given)
            permit_cells_before = permit_cells
        _add_line(group, cells, headings, rows.number)
    if group is not None:
        yield _finished(group, seen)


def _headings(rows: Rows) -> _Headings:
    cells = next((row for row in rows if any(cell.strip() for cell in row)), None)
    if cells is None:
        raise MalformedDocumentError("the file is empty: its first row must name the columns")
    positions: dict[str, int] = {}
    for position, cell in enumerate(cells):
        name = column_name(unguarded(cell))
        if not name:
            continue
        if name not in BY_NAME:
            nearest = nearest_column(name)
            hint = f"; did you mean {nearest}?" if nearest else ""
            raise MalformedDocumentError(f"there is no column {name[:60]!r}{hint}")
        if name in positions:
            raise MalformedDocumentError(f"the column {name} stands there twice")
        positions[name] = position
    missing = [name for name in KEY_COLUMNS if name not in positions]
    if missing:
        raise MalformedDocumentError(f"the file has no column {', '.join(missing)}")
    return _Headings(
        of_permit=tuple((name, position) for name, position in positions.items() if not BY_NAME[name].of_line),
        of_line=tuple((name, position) for name, position in positions.items() if BY_NAME[name].of_line),
        unnamed=tuple(sorted({*range(len(cells))} - {*positions.values()})),
        width=len(cells),
    )


def _belongs(group: Group, given: Mapping[str, str], row: int) -> bool:
    """Whether the row is about the permit of the rows before it."""
    type_, number, issuer, issued_on = (
        unguarded(given.get(name, "")) for name in ("type", "number", "issuer", "issued_on")
    )
    if not number:
        if type_ or issuer:
            # Either a line of the permit above, which would be incomplete without it, or a permit of its own.
            group.fault(row, "number", "is empty, so that it is not clear to which permit the row belongs")
        else:
            group.deviates(row, None, "names no permit; read as a line of the permit above")
        return True
    known = group.text("issued_on")
    return (
        (type_ or group.text("type")) == group.text("type")
        and (issuer or group.text("issuer")) == group.text("issuer")
        and compared_number(number) == compared_number(group.text("number"))
        and (not issued_on or not known or issued_on[:4] == known[:4])
    )


def _add_line(group: Group, cells: list[str], headings: _Headings, row: int) -> None:
    if len(cells) != headings.width:
        if len(cells) > headings.width:
            # Also where the last are empty: an unquoted comma has moved the others, and 12,5 is a quantity of 12.
            group.fault(row, None, f"has {len(cells)} cells, but there are {headings.width} headings")
        else:
            group.deviates(row, None, f"has {len(cells)} cells of {headings.width}; the others are read as empty")
    if any(position < len(cells) and cells[position].strip() for position in headings.unnamed):
        group.fault(row, None, "has a cell under an empty heading")
    group.add_line(
        row, {name: cells[position] for name, position in headings.of_line if position < len(cells) and cells[position]}
    )


def _finished(group: Group, seen: SeenPermits) -> CsvPermit | CsvFault:
    if group.text("number"):
        if len(seen) >= MAX_PERMITS:
            raise MalformedDocumentError(
                f"the file has more than {MAX_PERMITS} permits: send several files", code="LIMIT_EXCEEDED"
            )
        key = (
            group.text("issuer"),
            group.text("type"),
            compared_number(group.text("number")),
            group.text("issued_on")[:4],
        )
        before = seen.note(key, group.first_row)
        if before is not None:
            group.fault(
                group.first_row,
                None,
                f"this permit stands at row {before} already: the rows of one permit must follow one another",
            )
    permit = group.permit()
    if permit is None:
        faults = tuple(sorted(group.faults, key=lambda fault: fault.row))
        return CsvFault(first_row=group.first_row, last_row=group.last_row, faults=faults)
    return CsvPermit(
        permit=permit,
        first_row=group.first_row,
        last_row=group.last_row,
        deviations=group.deviations.listed,
    )
