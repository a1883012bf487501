"""Quotas as the Secretariat publishes them: Species+'s export, and the list of O. Morton et al. made from it.

Species+ says what a quota is for in a note ("live, wild-taken"). The list has these notes turned into codes by hand;
``FLAG`` is its word for "not said", ``NA`` (R's) for "nothing here". Where no source is said, wild ones are meant,
as the list assumes too (its ``Assumed Wild``). Quotas for a part of a country, those that overlap with others, and
those whose words were not understood are kept as unclear, so that a rule says "not checked" where they might count.
"""

from __future__ import annotations

import re
from datetime import date

from epix_node.permit.codes import UNITS, code_lists
from epix_node.reference.loading.harvest import Harvest
from epix_node.reference.loading.quota_row import country, quota, read_amount, read_unit, year_of
from epix_node.reference.loading.sheet import NotUnderstood, Row, known_terms, read_codes

_NOT_SAID = frozenset({"", "NA", "FLAG"})
_WILD = frozenset({"W"})
_NOTE = re.compile(r"[,;&]| and ")
_TERMS = {
    "live": "LIV",
    "live specimens": "LIV",
    "skins": "SKI",
    "skin": "SKI",
    "meat": "MEA",
    "trophies": "TRO",
    "hunting trophies": "TRO",
    "shells": "SHE",
    "leather products (small)": "LPS",
    "leather products (large)": "LPL",
}
_SOURCES = {
    "wild-taken": "W",
    "wild": "W",
    "wild-taken specimens": "W",
    "wild specimens": "W",
    "ranched": "R",
    "ranched specimens": "R",
    "captive-bred": "C;D",
    "captive-bred specimens": "C;D",
    "f1 specimens": "F",
}


def take_coded(row: Row, harvest: Harvest) -> None:
    """A row of the list with codes."""
    lists = code_lists()
    if row.text("Taxa_Remove") not in {"0", "NA", ""}:
        raise NotUnderstood("the list itself says that the taxon is to be removed (Taxa_Remove)")
    year = year_of(row.text("year"))
    said = {column: _said(row.text(column)) for column in ("Purpose", "Source", "Term")}
    doubts = [
        reason
        for reason, applies in (
            ("taken as unclear: the specimens are not said (FLAG)", row.text("Term") == "FLAG"),
            ("taken as unclear: it overlaps with another quota", row.text("Overlapping_quotas") == "Yes"),
            ("taken as unclear: for a part of the country, or with a remark (Notes2)", _said(row.text("Notes2")) != ""),
            ("taken as unclear: for a subspecies", _said(row.text("Ssp_specific")) != ""),
            ("taken as unclear: its use is in doubt (Usability_check)", _said(row.text("Usability_check")) != ""),
            ("taken as unclear: the taxon was split or lumped", row.text("Taxa_Review_notes") in {"Split", "Lump"}),
        )
        if applies
    ]
    record = quota(
        country=country(row.text("party")),
        taxon=row.text("FullName"),
        start=date(year, 1, 1),
        end=date(year, 12, 31),
        amount=read_amount(row.text("quota")),
        unit=read_unit(row.text("unit"), UNITS),
        terms=read_codes(said["Term"], known_terms(), "term"),
        sources=read_codes(said["Source"], lists.sources, "source"),
        purposes=read_codes(said["Purpose"], lists.purposes, "purpose"),
        unclear=bool(doubts),
        origin=_said(row.text("url")),
        notes=_said(row.text("notes")),
    )
    for reason in doubts:
        harvest.tally.note(row.number, reason)
    harvest.add(record, date(year, 1, 1))


def take_species_plus(row: Row, harvest: Harvest) -> None:
    """A row of Species+'s export."""
    year = year_of(row.text("year"))
    terms: set[str] = set()
    sources: set[str] = set()
    unclear = False
    for words in _NOTE.split(row.text("notes").casefold()):
        said = words.strip(" .")
        if said in _TERMS:
            terms.add(_TERMS[said])
        elif said in _SOURCES:
            sources.update(_SOURCES[said].split(";"))
        elif said:
            unclear = True
    record = quota(
        country=country(row.text("party")),
        taxon=row.text("Full Name"),
        start=date(year, 1, 1),
        end=date(year, 12, 31),
        amount=read_amount(row.text("quota")),
        unit=read_unit(row.text("unit"), UNITS),
        terms=frozenset(terms) or None,
        sources=frozenset(sources) or _WILD,
        unclear=unclear,
        origin=row.text("url"),
        notes=row.text("notes"),
    )
    if unclear:
        harvest.tally.note(row.number, "taken as unclear: the note has words that were not understood")
    harvest.add(record, date(year, 1, 1))


def _said(text: str) -> str:
    return "" if text in _NOT_SAID else text
