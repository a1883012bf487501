"""The columns of a permit's CSV: the one table from which reader, writer, template and guide come.

Columns of the permit are repeated on each row of one permit; columns of a line are about that row's goods. The names
are those of the permit JSON (contract 5), joined by ``_`` where a member has members.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

KEY_COLUMNS = ("type", "number", "issuer")
"""Columns that every file has: without them there is no telling where one permit ends and the next begins."""

_PARTS = ("exporter", "importer", "authority", "origin", "last_reexport", "quota")
"""Members of a permit or a line that have members."""

_SEPARATORS = re.compile(r"[\s._/-]+")


class Kind(StrEnum):
    """How a cell is read; the value says it to people."""

    TEXT = "text"
    DATE = "date, YYYY-MM-DD"
    SWITCH = "true or false"
    TEXTS = "list, separated by ;"
    REFERENCES = "list of documents, separated by ;"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; the examples are of two rows."""

    name: str
    holds: str
    example: str = ""
    second: str = ""
    kind: Kind = Kind.TEXT
    of_line: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Where its member stands in a permit or a line: ``("quota", "used")``."""
        part = next((part for part in _PARTS if self.name.startswith(f"{part}_")), None)
        return (part, self.name.removeprefix(f"{part}_")) if part else (self.name,)

    @property
    def is_required(self) -> bool:
        """Whether a file without the column is refused."""
        return self.name in KEY_COLUMNS


def _permit(name: str, holds: str, example: str = "", kind: Kind = Kind.TEXT) -> Column:
    return Column(name=name, holds=holds, example=example, second=example, kind=kind)


def _line(name: str, holds: str, example: str = "", second: str = "", kind: Kind = Kind.TEXT) -> Column:
    return Column(name=name, holds=holds, example=example, second=second, kind=kind, of_line=True)


PERMIT_COLUMNS = (
    _permit("type", "box 1: E export permit, R re-export certificate, I import permit, O other", "E"),
    _permit("subtype", "what an O is: origin, pre-convention, captive-bred, ifs, …"),
    _permit("number", "box 1: the number as printed", "26XA000123"),
    _permit("issuer", "box 6: two-letter code of the country whose authority issues it", "XA"),
    _permit("issued_on", "box 13: date of issue", "2026-03-01", Kind.DATE),
    _permit("valid_from", "box 2: first day; empty = the day of issue", "2026-03-01", Kind.DATE),
    _permit("valid_until", "box 2: last day", "2026-08-31", Kind.DATE),
    _permit("purpose", "box 5a: code of the purpose", "T"),
    _permit("multi_use", "for several consignments", "false", Kind.SWITCH),
    _permit("copy", "a copy of the original", "false", Kind.SWITCH),
    _permit("retrospective", "issued after the goods had left", "false", Kind.SWITCH),
    _permit("paper_original", "the paper is the original", "false", Kind.SWITCH),
    _permit("replaces", "number of the permit that this one replaces"),
    _permit("exporter_name", "box 4: exporter or re-exporter", "Hook Reptiles Ltd"),
    _permit("exporter_address", "box 4: address; lines may be separated by line breaks", "7 Jetty Street, Northport"),
    _permit("exporter_country", "box 4: two-letter code", "XA"),
    _permit("importer_name", "box 3: importer", "Liddell Pets SA"),
    _permit("importer_address", "box 3: address", "12 Mirror Lane, Westport"),
    _permit("importer_country", "box 3a: two-letter code", "XB"),
    _permit("transit", "codes of the countries that the goods pass through", "XC", Kind.TEXTS),
    _permit("authority_name", "box 6: Management Authority", "CITES Management Authority of Neverland"),
    _permit("authority_place", "box 13: place of issue", "Northport"),
    _permit("authority_signatory", "box 13: who signed", "J. Darling"),
    _permit("security_stamp", "box 5b: number of the security stamp", "XA0012345"),
    _permit(
        "special_conditions",
        "box 5: special conditions",
        "Valid only if transport conditions conform to the IATA Live Animals Regulations",
    ),
    _permit("transport_document", "box 15: bill of lading or air waybill number"),
    _permit(
        "references",
        "other documents: import-permit, export-permit or annex, country, number and, if known, date",
        "import-permit XB 26XB000777 2026-02-20",
        Kind.REFERENCES,
    ),
)

LINE_COLUMNS = (
    _line("block", "block letter; empty in all rows of a permit = A, B, C, … in their order", "A", "B"),
    _line("taxon", "box 7: scientific name", "Python regius", "Furcifer pardalis"),
    _line("common_name", "box 8: common name", "ball python", "panther chameleon"),
    _line("appendix", "box 10: I, II or III", "II", "II"),
    _line("sources", "box 10: source codes", "C", "C", Kind.TEXTS),
    _line("term", "box 9: code of the kind of goods", "LIV", "LIV"),
    _line("description", "box 9: the goods in words", "live animals, 2025", "live animals, 2025"),
    _line("quantity", "box 11: decimal number with a point, at most 6 decimals", "12", "2"),
    _line("unit", "box 11: code of the unit, NAR = number of specimens", "NAR", "NAR"),
    _line("marks", "box 9: rings, tags, microchips", "XA-001; XA-002", "", Kind.TEXTS),
    _line("origin_country", "box 12: country of origin", "XA", "XA"),
    _line("origin_permit", "box 12: number of the permit of the country of origin"),
    _line("origin_date", "box 12: its date", kind=Kind.DATE),
    _line("last_reexport_country", "box 12a: country of last re-export"),
    _line("last_reexport_permit", "box 12a: number of its certificate"),
    _line("last_reexport_date", "box 12a: its date", kind=Kind.DATE),
    _line("acquired_on", "box 12b: date of acquisition", kind=Kind.DATE),
    _line("operation_number", "box 12b: number of the registered operation"),
    _line("quota_used", "box 11a: total exported this year", "120", ""),
    _line("quota_annual", "box 11a: quota of the year", "5000", ""),
    _line("quota_unit", "box 11a: unit of both", "NAR", ""),
)

COLUMNS = PERMIT_COLUMNS + LINE_COLUMNS
BY_NAME = {column.name: column for column in COLUMNS}
PATHS = {column.name: column.path for column in COLUMNS}


def column_name(heading: str) -> str:
    """The name that a heading writes: ``Issued on``, ``ISSUED_ON`` and ``exporter.name`` are as good as ours."""
    return _SEPARATORS.sub("_", heading.strip().casefold()).strip("_")


def nearest_column(name: str) -> str | None:
    """The known column that the name resembles most, if it resembles one."""
    close = difflib.get_close_matches(name[:60], BY_NAME, n=1, cutoff=0.5)
    return close[0] if close else None
