"""Reads the Parties that do not accept certificates of ownership: ``party``, a code or a name, and ``notes``."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from epix_node.reference.countries import country_code
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading.harvest import Harvest, gather, put
from epix_node.reference.loading.sheet import NotUnderstood, Row, read_sheet
from epix_node.reference.ownership import DATA, TABLES


def load(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The Parties in the file are the table from now on, in place of the built-in one.

    Raises:
        MalformedDocumentError: it is no such file.
        UnacceptableError: it does not say of which day it is.
    """
    sheet = read_sheet(path_in)
    sheet.require("Parties that do not accept certificates of ownership", "party")
    seen: set[str] = set()

    def take(row: Row, harvest: Harvest) -> None:
        party = country_code(row.text("party"))
        if party is None:
            raise NotUnderstood("the Party is not in the list of countries")
        if party in seen:
            raise NotUnderstood("the Party was named before")
        seen.add(party)
        harvest.add((party, row.text("notes") or None))

    return put(
        gather(sheet.rows, take),
        sheet,
        shelf_path,
        data=DATA,
        tables=TABLES,
        into="ownership_refused",
        as_of=as_of,
        now=now,
    )
