"""Reads UNEP-WCMC's list of reservations, and files in the same form.

Columns: ``start_date``, ``end_date``, ``taxon_name``, ``iso_code2``, ``notes``; others are ignored. A reservation that
the United Kingdom entered for Hong Kong is Hong Kong's.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from epix_node.reference.countries import country_code
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading.harvest import Harvest, gather, put
from epix_node.reference.loading.sheet import NotUnderstood, Row, read_date, read_sheet, read_start
from epix_node.reference.reservations import DATA, TABLES
from epix_node.reference.scope import taxon_key

_HONG_KONG = re.compile(r"on behalf of (hk\b|hong kong)", re.IGNORECASE)
_PARTIAL = re.compile(r"\b(except|stocks?|populations?|not applicable|only)\b", re.IGNORECASE)
_OVER = re.compile(r"not current", re.IGNORECASE)


def load(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The reservations in the file are the node's from now on.

    Raises:
        MalformedDocumentError: it is no such file.
    """
    sheet = read_sheet(path_in)
    sheet.require("reservations", "start_date", "end_date", "taxon_name", "iso_code2")
    return put(
        gather(sheet.rows, _take),
        sheet,
        shelf_path,
        data=DATA,
        tables=TABLES,
        into="reservation",
        as_of=as_of,
        now=now,
    )


def _take(row: Row, harvest: Harvest) -> None:
    start = read_start(row.text("start_date"))
    end = read_date(row.text("end_date"), "end date")
    name = row.text("taxon_name")
    if not taxon_key(name):
        raise NotUnderstood("the taxon is missing")
    party = country_code(row.text("iso_code2"))
    if party is None:
        raise NotUnderstood("the Party is not in the list of countries")
    notes = " ".join(row.text("notes").split())
    if _HONG_KONG.match(notes):
        party = "HK"
    if end is None and _OVER.search(row.text("internal_notes")):
        raise NotUnderstood("it is over, and the day on which it ended is not given")
    harvest.add(
        (
            party,
            taxon_key(name),
            name,
            start.isoformat(),
            end and end.isoformat(),
            int(bool(_PARTIAL.search(notes))),
            notes or None,
        ),
        start,
        end,
    )
