"""Reads suspensions of trade: our own CSV, the export of Species+, and UNEP-WCMC's list of exceptions.

Our own: ``start_date``, ``end_date``, ``taxon_name``, ``rank``, ``iso_code2``, ``term``, ``source``, ``purpose``,
``applies_to_import``, ``kind``, ``notification``, ``notes``. Several codes are separated by semicolons, ``ALL`` or
nothing stands for all, ``kind`` is one of ``cites``, ``national``, ``information``, ``annual-report``.

Species+: ``Full Name``, ``start_date``, ``start_notification``, ``end_date``, ``end_notification``, ``party``,
``notes`` (SAPI: app/models/cites_suspension.rb, trade_restriction.rb). It has no columns for sources, purposes and
terms; they are in the notes. Few fixed sentences are understood, all others make the row unclear.

UNEP-WCMC's ``exemptions.csv`` looks like a list of suspensions and is the opposite: what its compliance check takes out
of them (SAPI: trade_shipments_cites_suspensions_view). It is loaded as exceptions, beside the suspensions.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import code_lists
from epix_node.reference.countries import country_code
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading import exceptions
from epix_node.reference.loading.harvest import Harvest, gather, put
from epix_node.reference.loading.sheet import (
    NotUnderstood,
    Row,
    Sheet,
    known_terms,
    read_codes,
    read_date,
    read_flag,
    read_sheet,
    read_start,
)
from epix_node.reference.scope import Codes, pack, taxon_key
from epix_node.reference.suspensions import CITES, DATA, EXCEPTION_TABLES, EXCEPTIONS, KINDS, TABLES

_TAGS = re.compile(r"<[^>]*>")
_GOODS = r"cites-listed species|(the )?((species|genus) )?(of )?(the )?[a-z]+( [a-z]+)?( spp\.?)?"
_ALL_COMMERCIAL = re.compile(
    rf"(suspension of |all )?commercial trade( in specimens( of ({_GOODS}))?)?( from [a-z ]+)?"
    r"( until further notice)?\.?"
    r"|the export of cites-listed species for commercial purposes\.?"
)
_ALL_TRADE = re.compile(r"all (exports|trade)( in specimens of cites-listed species)?\.?")
_RESTRICTED = re.compile(r"except|only|finished|wild|captive|ranch|stock|population|live|unless|without|including")


def load(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The suspensions in the file, or the exceptions if it lists those, are the node's from now on.

    Raises:
        MalformedDocumentError: it is no such file.
    """
    sheet = read_sheet(path_in)
    if exceptions.is_list_of_exceptions(sheet):
        return put(
            gather(sheet.rows, exceptions.take),
            sheet,
            shelf_path,
            data=EXCEPTIONS,
            tables=EXCEPTION_TABLES,
            into="suspension_exception",
            as_of=as_of,
            now=now,
        )
    take = _take_species_plus if _is_species_plus(sheet) else _take
    if take is _take and not sheet.has("start_date", "taxon_name", "iso_code2", "kind"):
        raise MalformedDocumentError(
            f"{sheet.name} is no file of suspensions: expected the columns start_date, end_date, taxon_name, iso_code2,"
            " term, source, purpose, applies_to_import, kind, notification, notes, or an export of Species+"
        )
    return put(
        gather(sheet.rows, take),
        sheet,
        shelf_path,
        data=DATA,
        tables=TABLES,
        into="suspension",
        as_of=as_of,
        now=now,
    )


def _is_species_plus(sheet: Sheet) -> bool:
    return sheet.has("Full Name", "start_date", "start_notification", "party")


def _take(row: Row, harvest: Harvest) -> None:
    lists = code_lists()
    start = read_start(row.text("start_date"))
    end = read_date(row.text("end_date"), "end date")
    kind = row.text("kind").casefold() or CITES
    if kind not in KINDS:
        raise NotUnderstood(f"the kind is none of {', '.join(KINDS)}")
    harvest.add(
        _record(
            country=_country(row.text("iso_code2")),
            taxon=row.text("taxon_name"),
            start=start,
            end=end,
            terms=read_codes(row.text("term"), known_terms(), "term"),
            sources=read_codes(row.text("source"), lists.sources, "source"),
            purposes=read_codes(row.text("purpose"), lists.purposes, "purpose"),
            imports=read_flag(row.text("applies_to_import"), "applies_to_import"),
            kind=kind,
            notification=row.text("notification"),
            notes=row.text("notes"),
            unclear=False,
        ),
        start,
        end,
    )


def _take_species_plus(row: Row, harvest: Harvest) -> None:
    start = read_start(row.text("start_date"))
    end = read_date(row.text("end_date"), "end date")
    notes = " ".join(_TAGS.sub("", row.text("notes")).split())
    purposes, unclear = _scope_of_notes(notes)
    if unclear:
        harvest.tally.note(row.number, "taken, but the notes restrict it in words that were not understood")
    harvest.add(
        _record(
            country=_country(row.text("party")),
            taxon=row.text("Full Name"),
            start=start,
            end=end,
            terms=None,
            sources=None,
            purposes=purposes,
            imports=False,
            kind=CITES,
            notification=row.text("start_notification"),
            notes=notes,
            unclear=unclear,
        ),
        start,
        end,
    )


def _scope_of_notes(notes: str) -> tuple[Codes, bool]:
    """The purposes that the notes speak of, and whether something in them was not understood."""
    said = notes.casefold()
    if _RESTRICTED.search(said):
        return None, True
    if _ALL_COMMERCIAL.fullmatch(said):
        return frozenset({"T"}), False
    return None, not _ALL_TRADE.fullmatch(said)


def _country(text: str) -> str | None:
    if text.casefold() in {"", "all"}:
        return None
    country = country_code(text)
    if country is None:
        raise NotUnderstood("the country is not in the list of countries")
    return country


def _record(
    *,
    country: str | None,
    taxon: str,
    start: date,
    end: date | None,
    terms: Codes,
    sources: Codes,
    purposes: Codes,
    imports: bool,
    kind: str,
    notification: str,
    notes: str,
    unclear: bool,
) -> tuple[Any, ...]:
    """As ``suspensions.COLUMNS``."""
    is_all = taxon.casefold() in {"", "all"}
    if end is not None and end < start:
        raise NotUnderstood("it ends before it starts")
    if is_all and country is None:
        raise NotUnderstood("it names neither a country nor a taxon")
    return (
        country,
        None if is_all else taxon_key(taxon),
        None if is_all else taxon,
        start.isoformat(),
        end and end.isoformat(),
        pack(terms),
        pack(sources),
        pack(purposes),
        int(imports),
        kind,
        notification or None,
        notes or None,
        int(unclear),
    )
