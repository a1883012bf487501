"""A CSV file to begin with, and what its columns hold.

The template is headings and one permit of two lines, of fictional countries: it is read as it is, so that whoever
changes it step by step always has a file that works. What the columns mean stands beside it, not in it.
"""

from __future__ import annotations

from epix_node.permit.csv.columns import COLUMNS
from epix_node.permit.csv.writer import write_row

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def template() -> bytes:
    """Headings and two example rows; with a byte order mark, by which spreadsheets know UTF-8."""
    return _BYTE_ORDER_MARK + b"".join(
        write_row(row)
        for row in (
            [column.name for column in COLUMNS],
            [column.example for column in COLUMNS],
            [column.second for column in COLUMNS],
        )
    )


def column_guide() -> str:
    """All columns with what they hold and an example, as a Markdown table under a few sentences."""
    rows = [
        f"| `{column.name}`{' (required)' if column.is_required else ''} | {column.holds} | {column.kind} "
        f"| {column.example} |"
        for column in COLUMNS
    ]
    return "\n".join([_INTRODUCTION, "| column | holds | kind | example |", "|---|---|---|---|", *rows]) + "\n"


_INTRODUCTION = """\
One row per line item. UTF-8, with or without a byte order mark; comma, semicolon or tab; headings in any order and
any case. Columns may be left out, but not `type`, `number` and `issuer`; an unknown column is refused.

- The rows of one permit follow one another and repeat its `type`, `number`, `issuer` and `issued_on`. An empty cell in
  another column of the permit means "as in its other rows"; two different values are refused.
- Dates are written `2026-03-01` and in no other way, decimals with a point: `12.5`. Format the columns as text before
  you type, or a spreadsheet changes dates, long numbers and leading zeros. `NA` is Namibia.
- `true`, `yes` and `1` mean yes; `false`, `no`, `0` and an empty cell mean no.
- Lists are separated by `;`. An item that holds a `;` itself is written in a JSON array: `["a;b", "c"]`.
- A text that begins with `=`, `+`, `-` or `@` has an apostrophe before it, so that no spreadsheet runs it as a formula;
  reading takes it away. An apostrophe alone is a cell that is empty on purpose.
"""
