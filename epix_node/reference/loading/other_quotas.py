"""Quotas that do not come from the Secretariat's list: mandatory ones, and a country's own.

Mandatory quotas (UNEP-WCMC, SAPI: lib/data/quotas.csv) are those that a resolution or the annotation of a listing sets:
``start_date``, ``end_date`` or "Present", ``taxon_name``, ``iso_code2`` or "All", ``quota``, ``unit``, ``term``,
``source``, ``purpose``, ``Applies_to_import``, ``notes``.

Indonesia's list of 2018 is the seed of its authority's own system. It names the goods after the species ("Crocodylus
porosus (skin) (import)"), marks its own entries with an asterisk, and holds allowances for imports and re-exports,
which are no export quotas. It is a quota of Indonesia only, and says neither unit nor, mostly, what the specimens are.
"""

from __future__ import annotations

import re
from datetime import date

from epix_node.permit.codes import UNITS, code_lists
from epix_node.reference.loading.harvest import Harvest
from epix_node.reference.loading.quota_row import country, quota, read_amount, read_unit, year_of
from epix_node.reference.loading.sheet import NotUnderstood, Row, known_terms, read_codes, read_date, read_start
from epix_node.reference.scope import Codes

_PART_OF_COUNTRY = re.compile(
    r"restricted to the state|population of the|\[population|black sea population", re.IGNORECASE
)
"""Notes of mandatory quotas that hold for a part of a country or a population of a sea."""

_BRACKET = re.compile(r"[(\[]([^)\]]*)[)\]]")
_NAME = re.compile(r"[A-Z][a-z-]+(?: [a-z-]+){0,2}")
_GENUS = re.compile(r"([A-Z][a-z-]+) (?:spp?\.?)")
_AUTHOR = re.compile(r"[A-Z][A-Z& -]*")
_GOODS = {"skin": "SKI", "meat": "MEA", "oil": "OIL", "genitals": "GEN", "abdomen skin": "SKI"}
_NOT_EXPORT = re.compile(r"import|re-?\s?e[xk]s?por", re.IGNORECASE)
_REMAINDER = re.compile(r"remaining quota|accrued", re.IGNORECASE)


def take_mandatory(row: Row, harvest: Harvest) -> None:
    """A row of UNEP-WCMC's list."""
    lists = code_lists()
    if row.text("Applies_to_import").casefold() not in {"", "no", "f", "false"}:
        raise NotUnderstood("it is a quota for imports")
    start = read_start(row.text("start_date"))
    end = read_date(row.text("end_date"), "end date")
    notes = row.text("notes").replace("\xa0", " ")
    unclear = _PART_OF_COUNTRY.search(notes) is not None and not _whole_country(row.text("iso_code2"), notes)
    place = row.text("iso_code2")
    record = quota(
        country=None if place.casefold() == "all" else country(place),
        taxon=row.text("taxon_name"),
        start=start,
        end=end,
        amount=read_amount(row.text("quota")),
        unit=read_unit(row.text("unit"), UNITS),
        terms=read_codes(row.text("term"), known_terms(), "term"),
        sources=read_codes(row.text("source"), lists.sources, "source"),
        purposes=read_codes(row.text("purpose"), lists.purposes, "purpose"),
        unclear=unclear,
        origin=row.text("quota_type"),
        notes=notes,
    )
    if unclear:
        harvest.tally.note(row.number, "taken as unclear: for one population or a part of the country")
    harvest.add(record, start, end)


def take_indonesian(row: Row, harvest: Harvest) -> None:
    """A row of Indonesia's list of 2018."""
    if row.text("is_appendix") == "0":
        raise NotUnderstood("the list itself says that the species is in no Appendix")
    given = row.text("scientific_name")
    if _NOT_EXPORT.search(given):
        raise NotUnderstood("it is an allowance for imports or re-exports, not an export quota")
    if _REMAINDER.search(given):
        raise NotUnderstood("it is what was left of an earlier year")
    name, terms, doubtful = _goods(given)
    year = year_of(row.text("year"))
    record = quota(
        country="ID",
        taxon=name,
        start=date(year, 1, 1),
        end=date(year, 12, 31),
        amount=read_amount(row.text("quota")),
        unit="NAR",
        terms=terms,
        sources=read_codes(row.text("source"), code_lists().sources, "source"),
        unclear=terms is None or doubtful,
        notes=given,
    )
    if terms is None:
        harvest.tally.note(row.number, "taken as unclear: the list does not say which specimens it means")
    elif doubtful:
        harvest.tally.note(row.number, "taken as unclear: a remark behind the name was not understood")
    harvest.add(record, date(year, 1, 1))


def _whole_country(place: str, notes: str) -> bool:
    """Whether the notes name the country's whole population too, beside a part of another country."""
    return f"population of {code_lists().countries.get(place.upper(), '?')}" in notes


def _goods(given: str) -> tuple[str, Codes, bool]:
    """The taxon, the terms, and whether something was left over."""
    remarks = [remark.strip() for remark in _BRACKET.findall(given)]
    plain = " ".join(_BRACKET.sub(" ", given).replace("*", " ").rstrip(". ").split())
    if genus := _GENUS.fullmatch(plain):
        plain = genus[1]
    if not _NAME.fullmatch(plain):
        raise NotUnderstood("the name is that of a hybrid or a cultivar, or no name of a taxon")
    # An author in capitals says nothing about the goods.
    said = [remark for remark in remarks if not _AUTHOR.fullmatch(remark)]
    terms = frozenset(_GOODS[remark.casefold()] for remark in said if remark.casefold() in _GOODS)
    return plain, terms or None, len(terms) < len(said)
