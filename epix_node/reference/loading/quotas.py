"""Reads export quotas; which list a file is, its columns tell.

Our own CSV: ``party``, ``taxon``, ``year``, ``amount``, ``unit``, ``term``, ``source``, ``notes``, and ``purpose``
where a quota is for one. Species+'s export of quotas, and lists made from it (``published_quotas``). UNEP-WCMC's list
of mandatory quotas and Indonesia's national one (``other_quotas``). Each load replaces the quotas of its own set only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import UNITS, code_lists
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading import other_quotas, published_quotas
from epix_node.reference.loading.harvest import Harvest, gather, put
from epix_node.reference.loading.quota_row import country, quota, read_amount, read_unit, year_of
from epix_node.reference.loading.sheet import Row, Sheet, known_terms, read_codes, read_sheet
from epix_node.reference.quotas import MANDATORY, NATIONAL, PUBLISHED, table, tables


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    columns: tuple[str, ...]
    """A file that has all of these is of this kind."""
    data: str
    take: Callable[[Row, Harvest], None]


def _take_own(row: Row, harvest: Harvest) -> None:
    lists = code_lists()
    year = year_of(row.text("year"))
    harvest.add(
        quota(
            country=country(row.text("party")),
            taxon=row.text("taxon"),
            start=date(year, 1, 1),
            end=date(year, 12, 31),
            amount=read_amount(row.text("amount")),
            unit=read_unit(row.text("unit"), UNITS),
            terms=read_codes(row.text("term"), known_terms(), "term"),
            sources=read_codes(row.text("source"), lists.sources, "source"),
            purposes=read_codes(row.text("purpose"), lists.purposes, "purpose"),
            notes=row.text("notes"),
        ),
        date(year, 1, 1),
    )


_KINDS = (
    _Kind(columns=("party", "taxon", "year", "amount"), data=PUBLISHED, take=_take_own),
    _Kind(
        columns=("FullName", "year", "party", "quota", "Quota_type", "Source_orig"),
        data=PUBLISHED,
        take=published_quotas.take_coded,
    ),
    _Kind(columns=("Full Name", "year", "party", "quota"), data=PUBLISHED, take=published_quotas.take_species_plus),
    _Kind(
        columns=("quota_type", "start_date", "taxon_name", "iso_code2", "quota"),
        data=MANDATORY,
        take=other_quotas.take_mandatory,
    ),
    _Kind(
        columns=("sp_code", "scientific_name", "is_appendix", "source", "year", "quota"),
        data=NATIONAL,
        take=other_quotas.take_indonesian,
    ),
)


def load(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The quotas in the file are the node's from now on, in place of those of the same set.

    Raises:
        MalformedDocumentError: it is no such file.
    """
    sheet = read_sheet(path_in)
    kind = _kind_of(sheet)
    return put(
        gather(sheet.rows, kind.take),
        sheet,
        shelf_path,
        data=kind.data,
        tables=tables(kind.data),
        into=table(kind.data),
        as_of=as_of,
        now=now,
    )


def _kind_of(sheet: Sheet) -> _Kind:
    for kind in _KINDS:
        if sheet.has(*kind.columns):
            return kind
    raise MalformedDocumentError(
        f"{sheet.name} is no file of quotas: expected the columns party, taxon, year, amount, unit, term, source,"
        " notes, or one of the lists that docs/reference-data.md names"
    )
