"""The rows of one permit while they are read, until the permit that they make is complete.

An empty cell of a permit's column says "as in the other rows of this permit"; two different values are a fault that
names the column. A fault does not stop the reading of the permit's other rows: all that is wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from epix_node.errors import MalformedDocumentError
from epix_node.permit.csv import cells
from epix_node.permit.csv.cells import CellError
from epix_node.permit.csv.columns import BY_NAME, COLUMNS, LINE_COLUMNS, PERMIT_COLUMNS, Column, Kind
from epix_node.permit.json_fields import permit_number
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.number import normalised
from epix_node.permit.strict_json import MAX_JSON_BYTES
from epix_node.permit.xml.deviation import Deviations

MAX_LINES = 10_000
"""Most rows of one permit: a document holds at most 50,000 elements (C.5), and a line needs more than five."""

MAX_PERMIT_CHARACTERS = MAX_JSON_BYTES
"""Most characters in the lines of one permit, as in JSON."""

MAX_PRINTED_NUMBER_CHARACTERS = 1000
"""What is looked at of a number as printed; a normalised one has at most 70, and a longer one is a fault."""

MAX_FAULTS = 10
"""Most faults of one permit that are told; whoever mends ten reads the file again anyway."""

_READ: Mapping[Kind, Callable[[str], Any]] = {
    Kind.TEXT: cells.text_in,
    Kind.DATE: cells.date_in,
    Kind.SWITCH: cells.switch_in,
    Kind.TEXTS: cells.texts_in,
    Kind.REFERENCES: cells.references_in,
}
_EMPTY = {Kind.TEXT: None, Kind.DATE: None, Kind.SWITCH: False, Kind.TEXTS: (), Kind.REFERENCES: ()}
_EMPTY_PERMIT: dict[str, Any] = {column.name: _EMPTY[column.kind] for column in PERMIT_COLUMNS}
_EMPTY_LINE: dict[str, Any] = {column.name: _EMPTY[column.kind] for column in LINE_COLUMNS}
_OF_PERMIT = tuple(column.name for column in PERMIT_COLUMNS if len(column.path) == 1)
_OF_LINE = tuple(column.name for column in LINE_COLUMNS if len(column.path) == 1)
_MEMBERS = {
    part: tuple((column.path[1], column.name) for column in COLUMNS if column.path[0] == part and len(column.path) == 2)
    for part in {column.path[0] for column in COLUMNS}
}
"""Member of a part → the column that holds it."""

_Part = TypeVar("_Part")
_SPREADSHEET_ERRORS = frozenset({"#NAME?", "#REF!", "#VALUE!", "#N/A", "#DIV/0!", "#NUM!", "#NULL!"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFault:
    """What is wrong in one row; ``column`` is ``None`` where it is not one cell's fault. Quotes no contents."""

    row: int
    column: str | None
    message: str
    code: str = "NOT_UNDERSTOOD"

    def __str__(self) -> str:
        where = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
        return f"{where}: {self.message}"


class Group:
    """The rows of one permit. Cells come in by column name, as they stand in the file."""

    def __init__(self, row: int) -> None:
        self.first_row = self.last_row = row
        self.faults: list[CellFault] = []
        self.deviations = Deviations()
        self._cells: dict[str, str] = {}
        self._rows: dict[str, int] = {}
        """Where each of the cells was read."""
        self._values: dict[str, Any] = {}
        """What the cells say, each read once however often it is compared."""
        self._lines: list[Line] = []
        self._has_block = False
        self._characters = 0

    def text(self, name: str) -> str:
        """The text of a permit's column as it is known so far."""
        return self._cells.get(name, "")

    def fault(self, row: int, column: str | None, message: str, code: str = "NOT_UNDERSTOOD") -> None:
        """Note that the permit cannot be taken."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(CellFault(row=row, column=column, message=message, code=code))

    def deviates(self, row: int, column: str | None, message: str) -> None:
        """Note something that was tolerated."""
        self.deviations.add(f"row {row}, column {column}" if column else f"row {row}", message)

    def add_permit_cells(self, row: int, permit_cells: Mapping[str, str]) -> None:
        """Take what the row says of the permit."""
        for name, cell in permit_cells.items():
            text = cells.unguarded(cell)
            if not text:
                continue
            known = self._cells.setdefault(name, text)
            self._rows.setdefault(name, row)
            if text in _SPREADSHEET_ERRORS and known is text:
                self.deviates(row, name, "holds what a spreadsheet shows for an error")
            if known != text and not self._is_same(name, known, text):
                self.fault(row, name, f"differs from row {self._rows[name]} of the same permit")

    def add_line(self, row: int, line_cells: Mapping[str, str]) -> None:
        """Take the line that the row describes, unless there are too many."""
        self.last_row = row
        self._characters += sum(map(len, line_cells.values()))
        if len(self._lines) >= MAX_LINES or self._characters > MAX_PERMIT_CHARACTERS:
            if not any(fault.code == "LIMIT_EXCEEDED" and fault.column is None for fault in self.faults):
                self.faults.insert(0, _too_large(row))
            self._lines = self._lines[:1]  # nothing more is made of it
            self._characters = MAX_PERMIT_CHARACTERS
            return
        self._has_block = self._has_block or bool(line_cells.get("block", "").strip())
        values = _EMPTY_LINE.copy()
        for name, cell in line_cells.items():
            text = cells.unguarded(cell)
            if text in _SPREADSHEET_ERRORS:
                self.deviates(row, name, "holds what a spreadsheet shows for an error")
            values[name] = self._read(row, BY_NAME[name], text)
        self._lines.append(_line(values))

    def permit(self) -> Permit | None:
        """The permit in normal form; ``None`` if there are faults, which are then complete."""
        values = _EMPTY_PERMIT | {name: self._value(name) for name in self._cells}
        for name in ("type", "number", "issuer"):
            if values[name] is None and not any(fault.column == name for fault in self.faults):
                self.fault(self.first_row, name, "must not be empty")
        if values["number"] is not None:
            try:
                _require_number(values["number"])
            except ValueError as error:
                self.fault(self._rows["number"], "number", str(error))
        if self.faults:
            return None
        try:
            return normal_form(_permit(values, self._lettered()))
        except MalformedDocumentError as error:
            self.fault(self.first_row, None, str(error), error.code)
            return None

    def _lettered(self) -> tuple[Line, ...]:
        """The lines; where no row of the permit names a block, by the letters of their order."""
        if self._has_block:
            return tuple(self._lines)
        return tuple(replace(line, block=block_letters(position)) for position, line in enumerate(self._lines))

    def _value(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = self._read(self._rows[name], BY_NAME[name], self._cells[name])
        return self._values[name]

    def _read(self, row: int, column: Column, text: str) -> Any:
        try:
            return _READ[column.kind](text)
        except CellError as error:
            self.fault(row, column.name, str(error), error.code)
            return _EMPTY[column.kind]

    def _is_same(self, name: str, known: str, text: str) -> bool:
        """Whether two texts of one column say the same: spelled differently is tolerated, and told, for numbers."""
        kind = BY_NAME[name].kind
        if name == "number" and compared_number(known) == compared_number(text):
            self.deviates(self.last_row, name, "is spelled differently than in the row before; the first is read")
            return True
        if kind in {Kind.TEXT, Kind.DATE}:
            return False
        try:
            return bool(self._value(name) == _READ[kind](text))
        except CellError:
            return False


def compared_number(text: str) -> str:
    """The number as it is compared. Of what is much too long for one, the beginning is enough to tell it apart."""
    return normalised(text[:MAX_PRINTED_NUMBER_CHARACTERS])


def _require_number(text: str) -> None:
    if len(text) > MAX_PRINTED_NUMBER_CHARACTERS:
        raise ValueError(f"has more than {MAX_PRINTED_NUMBER_CHARACTERS} characters")
    permit_number(text)


def block_letters(position: int) -> str:
    """A to Z, then AA, AB, … as spreadsheets count columns; the first position is 0."""
    letters = ""
    position += 1
    while position:
        position, digit = divmod(position - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _too_large(row: int) -> CellFault:
    return CellFault(
        row=row,
        column=None,
        message=f"the permit has more than {MAX_LINES} rows, or more than {MAX_PERMIT_CHARACTERS} characters in them",
        code="LIMIT_EXCEEDED",
    )


def _line(values: Mapping[str, Any]) -> Line:
    return Line(
        **{name: values[name] for name in _OF_LINE},
        origin=_part(Origin, "origin", values),
        last_reexport=_part(Origin, "last_reexport", values),
        quota=_part(Quota, "quota", values),
    )


def _permit(values: Mapping[str, Any], lines: tuple[Line, ...]) -> Permit:
    return Permit(
        **{name: values[name] for name in _OF_PERMIT},
        exporter=_part(TradeParty, "exporter", values),
        importer=_part(TradeParty, "importer", values),
        authority=_part(Authority, "authority", values) or Authority(),
        lines=lines,
    )


def _part(part: Callable[..., _Part], name: str, values: Mapping[str, Any]) -> _Part | None:
    members = {member: values[column] for member, column in _MEMBERS[name]}
    return part(**members) if any(members.values()) else None
