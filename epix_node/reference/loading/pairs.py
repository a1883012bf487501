"""Reads tables of pairs: term and unit, term and purpose, taxon and term.

Columns: ``term`` and ``unit``; ``term`` and ``purpose``; ``taxon`` and ``term``. The names in UNEP-WCMC's files
(``TERM_CODE``, ``UNIT_CODE``, ``PURPOSE_CODE``, ``TAXON_FAMILY``) are understood too. An empty unit stands for a number
of specimens. A table takes the place of the built-in one as a whole: in one of taxa and terms, a term that occurs may
stand with the taxa of its rows only, so it must be complete for each term in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path

from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import UNITS as KNOWN_UNITS
from epix_node.permit.codes import code_lists
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading.harvest import Harvest, gather, put
from epix_node.reference.loading.quota_row import read_unit
from epix_node.reference.loading.sheet import NotUnderstood, Row, known_terms, read_sheet
from epix_node.reference.pairs import PURPOSES, TABLES, TAXA, UNITS
from epix_node.reference.scope import taxon_key

_TERM = ("term", "term_code")
_UNIT = ("unit", "unit_code")
_PURPOSE = ("purpose", "purpose_code")
_TAXON = ("taxon", "taxon_family", "taxon_name")
_INTO = {UNITS: "term_unit", PURPOSES: "term_purpose", TAXA: "taxon_term"}


def _load(
    path_in: Path,
    shelf_path: Path,
    *,
    as_of: date | None,
    now: datetime,
    data: str,
    columns: tuple[str, ...],
    take: Callable[[Row, Harvest], None],
) -> LoadReport:
    sheet = read_sheet(path_in)
    if not sheet.has(_TERM[1]):
        sheet.require(data, _TERM[0])
    if not any(sheet.has(column) for column in columns):
        sheet.require(data, columns[0])
    return put(
        gather(sheet.rows, take),
        sheet,
        shelf_path,
        data=data,
        tables=TABLES[data],
        into=_INTO[data],
        as_of=as_of,
        now=now,
    )


def _term(row: Row) -> str:
    term = row.text(*_TERM).upper()
    if term not in known_terms():
        raise NotUnderstood("the term is not in the code list")
    return term


def _take_unit(row: Row, harvest: Harvest) -> None:
    harvest.add((_term(row), read_unit(row.text(*_UNIT), KNOWN_UNITS)))


def _take_purpose(row: Row, harvest: Harvest) -> None:
    purpose = row.text(*_PURPOSE).upper()
    term = _term(row)
    if purpose not in code_lists().purposes:
        raise NotUnderstood("the purpose is not in the code list")
    harvest.add((term, purpose))


def _take_taxon(row: Row, harvest: Harvest) -> None:
    name = row.text(*_TAXON)
    term = _term(row)
    if not taxon_key(name):
        raise NotUnderstood("the taxon is missing")
    harvest.add((term, taxon_key(name), name))


def load(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The file is the table that its columns say, in place of the one there was.

    Raises:
        MalformedDocumentError: it is none of the three.
        UnacceptableError: it does not say of which day it is.
    """
    sheet = read_sheet(path_in)
    for columns, load_table in ((_UNIT, load_units), (_PURPOSE, load_purposes), (_TAXON, load_taxa)):
        if any(sheet.has(column) for column in columns):
            return load_table(path_in, shelf_path, as_of=as_of, now=now)
    raise MalformedDocumentError(
        f"{sheet.name} is no table of pairs: expected the columns term and unit, term and purpose, or taxon and term"
    )


load_units = partial(_load, data=UNITS, columns=_UNIT, take=_take_unit)
load_purposes = partial(_load, data=PURPOSES, columns=_PURPOSE, take=_take_purpose)
load_taxa = partial(_load, data=TAXA, columns=_TAXON, take=_take_taxon)
