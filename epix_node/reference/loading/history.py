"""Load the history of listings that Species+ and the Checklist export as CSV: one row for each change.

The columns are those of the export's source code (``Appendix``, ``ChangeType``, ``EffectiveAt``, …); the days are
written ``DD/MM/YYYY``, ISO dates are taken too. Rows of one taxon need not stand together.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from epix_node.reference.load_report import LoadReport, Tally
from epix_node.reference.loading.changes import ADDITION, DELETION, Change, follow
from epix_node.reference.loading.checklist import RANKS
from epix_node.reference.loading.species_tables import HISTORY, SpeciesTables
from epix_node.reference.loading.stream import Source, Table
from epix_node.reference.population import read_scope
from epix_node.reference.taxon import KINGDOMS, Taxon

_KINDS = {"ADDITION": ADDITION, "DELETION": DELETION, "+": ADDITION, "-": DELETION}
_NO_CHANGE = frozenset({"RESERVATION", "RESERVATION_WITHDRAWAL", "R+", "R-"})
"""Reservations, which the reservations' own list has."""

_TRUE, _FALSE = frozenset({"t", "true", "1", "yes"}), frozenset({"f", "false", "0", "no"})
_SYMBOL = re.compile(r"#\d{1,2}")


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Where the file has what."""

    taxon: dict[str, int | None]
    name: int
    appendix: int
    kind: int
    on: int
    party: int | None
    is_current: int | None
    symbol: int | None
    annotation: int | None


def history_columns_of(table: Table) -> HistoryColumns | None:
    """Where the history has what; ``None`` if it is none."""
    name = table.column("FullName", "Scientific Name")
    appendix = table.column("Appendix", "SpeciesListingName")
    kind = table.column("ChangeType", "ChangeTypeName")
    on = table.column("EffectiveAt", "Effective At")
    if name is None or appendix is None or kind is None or on is None:
        return None
    taxon = ("TaxonId", "Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "RankName")
    return HistoryColumns(
        taxon={column: table.column(column) for column in taxon},
        name=name,
        appendix=appendix,
        kind=kind,
        on=on,
        party=table.column("PartyIsoCode", "Party"),
        is_current=table.column("IsCurrent"),
        symbol=table.column("#AnnotationSymbol", "HashAnnSymbol"),
        annotation=table.column("FullAnnotationEnglish", "FullNoteEn"),
    )


def load_history(connection: sqlite3.Connection, source: Source, table: Table, columns: HistoryColumns) -> LoadReport:
    """The history of every taxon in the file is in the tables, from its first listing on."""
    edition = source.edition(HISTORY, rows=0)
    tables = SpeciesTables(connection, HISTORY)
    tally = Tally()
    changes: dict[str, list[Change]] = {}
    for number, cells in table.rows():
        name = " ".join(_cell(cells, columns.name).split())
        kind = _cell(cells, columns.kind).upper().replace(" ", "_")
        if not name:
            tally.refuse(number, "no name")
        elif kind in _NO_CHANGE:
            tally.note(number, "a reservation: not a change of the listing, left to the list of reservations")
        else:
            change = _change(columns, cells, kind, number, tally)
            if change is not None:
                if name not in changes:
                    _add_taxon(tables, columns, cells, name, number, tally)
                changes.setdefault(name, []).append(change)
                tally.take()
    for name, of_taxon in changes.items():
        for since in follow(of_taxon, is_complete=True):
            tables.list(name, since.starts, since.entries, is_dated=True)
    tables.finish()
    return tally.report(source.edition(HISTORY, rows=tally.taken, as_of=edition.as_of))


def read_day(text: str) -> date | None:
    """A day as the exports write it; ``None`` for anything else."""
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text, re.ASCII)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text[:10])
    except ValueError:
        return None


def _cell(cells: Sequence[str], column: int | None) -> str:
    return cells[column].strip() if column is not None and column < len(cells) else ""


def _change(columns: HistoryColumns, cells: Sequence[str], kind: str, number: int, tally: Tally) -> Change | None:
    appendix = _cell(cells, columns.appendix).upper()
    on = read_day(_cell(cells, columns.on))
    if kind not in _KINDS:
        tally.refuse(number, "a kind of change that is not known")
        return None
    if appendix not in ("I", "II", "III"):
        tally.refuse(number, "an Appendix that is not known")
        return None
    if on is None:
        tally.refuse(number, "a day that is not understood")
        return None
    current = _cell(cells, columns.is_current).lower()
    symbol = _SYMBOL.search(_cell(cells, columns.symbol))
    return Change(
        on=on,
        kind=_KINDS[kind],
        appendix=appendix,
        scope=read_scope(_cell(cells, columns.annotation)),
        party=_cell(cells, columns.party).upper() or None,
        annotation=symbol[0] if symbol else None,
        is_current=True if current in _TRUE else False if current in _FALSE else None,
    )


def _add_taxon(
    tables: SpeciesTables, columns: HistoryColumns, cells: Sequence[str], name: str, number: int, tally: Tally
) -> None:
    """The taxon can be found even where no list of species is loaded, if the row says enough of it."""
    said = {column: _cell(cells, place) or None for column, place in columns.taxon.items()}
    rank = (said["RankName"] or "").upper()
    kingdom = said["Kingdom"]
    if kingdom not in KINGDOMS or rank not in RANKS:
        tally.note(number, "rank or kingdom not known: found only through a list of species")
        return
    given_id = said["TaxonId"] or ""
    tables.add(
        Taxon(
            id=int(given_id) if given_id.isdecimal() and len(given_id) < 16 else tables.new_id(),
            name=name,
            rank=rank,
            kingdom=kingdom,
            phylum=said["Phylum"],
            class_name=said["Class"],
            order=said["Order"],
            family=said["Family"],
            genus=said["Genus"],
            annotation=None,
            range_states=None,
        )
    )
