"""Reads a register of captive-breeding operations: ``number``, ``taxon``, ``country``, ``since``, ``until``.

One row for each operation and taxon. ``country`` may be left out, because the number names it; ``since`` and ``until``
may be left out where they are not known.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from epix_node.reference.countries import country_code
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading.harvest import Harvest, gather, put
from epix_node.reference.loading.sheet import NotUnderstood, Row, read_date, read_sheet
from epix_node.reference.operations import DATA, TABLES, operation_number
from epix_node.reference.scope import taxon_key

_NUMBER = re.compile(r"[A-Z]-([A-Z]{2})-\d{3,}[A-Z]?", re.ASCII)
"""Such as A-TH-501: the kingdom's letter, the country, a number (Notification 1999/27; domain-rules SRC-07)."""


def load(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The register in the file is the node's from now on.

    Raises:
        MalformedDocumentError: it is no such file.
    """
    sheet = read_sheet(path_in)
    sheet.require("registered operations", "number", "taxon")
    return put(
        gather(sheet.rows, _take),
        sheet,
        shelf_path,
        data=DATA,
        tables=TABLES,
        into="operation",
        as_of=as_of,
        now=now,
    )


def _take(row: Row, harvest: Harvest) -> None:
    number = operation_number(row.text("number"))
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise NotUnderstood("the number is not of the form A-xx-5nn")
    name = row.text("taxon")
    if not taxon_key(name):
        raise NotUnderstood("the taxon is missing")
    country = country_code(row.text("country") or match[1])
    if country is None or country != match[1]:
        raise NotUnderstood("the country is unknown, or not the one in the number")
    since = read_date(row.text("since"), "first day")
    until = read_date(row.text("until"), "last day")
    harvest.add(
        (number, taxon_key(name), name, country, since and since.isoformat(), until and until.isoformat()),
        since,
        until,
    )
