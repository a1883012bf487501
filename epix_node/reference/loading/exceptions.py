"""Reads UNEP-WCMC's list of exceptions to suspensions (SAPI: lib/data/exemptions.csv).

Columns: ``start_date``, ``end_date``, ``taxon_name``, ``taxon_concept_id``, ``rank``, ``iso_code2``, ``unit``,
``term``, ``source``, ``purpose``, ``Applies_to_import``, ``notes``, ``internal notes``, then padding. Lists of codes in
it are not quoted: "Z, G, Q, S" fills four cells and pushes what follows to the right. A cell that begins with a blank
continues the list before it; where two lists run into each other, the row is refused.
"""

from __future__ import annotations

import re
from typing import Any

from epix_node.permit.codes import code_lists
from epix_node.reference.countries import country_code
from epix_node.reference.loading.harvest import Harvest
from epix_node.reference.loading.sheet import NotUnderstood, Row, Sheet, known_terms, read_codes, read_date, read_start
from epix_node.reference.scope import Codes, pack, taxon_key
from epix_node.reference.suspensions import CITES

_TERM = 7
"""Position of the first list."""
_TAGS = re.compile(r"<[^>]*>")

_PRODUCT_LISTS = frozenset({"DFN", "FFN"})
"""Codes of an older list that stand in the file beside the others: dried and fresh fins, today ``FIN``."""


def is_list_of_exceptions(sheet: Sheet) -> bool:
    """Whether the file has that form."""
    return sheet.has("taxon_concept_id", "unit", "Applies_to_import", "internal notes") and not sheet.has("quota")


def take(row: Row, harvest: Harvest) -> None:
    """The row is an exception, or refused."""
    start = read_start(row.text("start_date"))
    end = read_date(row.text("end_date"), "end date")
    lists = code_lists()
    position = _TERM
    terms, position = _list(row, position, known_terms() | _PRODUCT_LISTS, "term")
    sources, position = _list(row, position, lists.sources, "source")
    purposes, position = _list(row, position, lists.purposes, "purpose")
    if terms is not None:
        terms = frozenset("FIN" if term in _PRODUCT_LISTS else term for term in terms)
    country = None
    if row.text("iso_code2").casefold() != "all":
        country = country_code(row.text("iso_code2"))
        if country is None:
            raise NotUnderstood("the country is not in the list of countries")
    name = row.text("taxon_name")
    is_all = name.casefold() == "all"
    if is_all and country is None:
        raise NotUnderstood("it names neither a country nor a taxon")
    record: tuple[Any, ...] = (
        country,
        None if is_all else taxon_key(name),
        None if is_all else name,
        start.isoformat(),
        end and end.isoformat(),
        pack(terms),
        pack(sources),
        pack(purposes),
        0,
        CITES,
        None,
        _notes(row, position),
        0,
    )
    harvest.add(record, start, end)


def _list(row: Row, position: int, known: Any, what: str) -> tuple[Codes, int]:
    """The codes of the list that begins here, and where the next one begins."""
    if position >= len(row.cells):
        raise NotUnderstood("the lists of codes run into each other")
    cells = [row.cells[position]]
    position += 1
    while position < len(row.cells) and row.cells[position].startswith(" ") and row.cells[position].strip():
        cells.append(row.cells[position])
        position += 1
    text = ";".join(cells)
    if not text.strip():
        # The list that should be here was swallowed by the one before it.
        raise NotUnderstood("the lists of codes run into each other")
    return read_codes(text, known, what), position


def _notes(row: Row, position: int) -> str | None:
    """The first long text after the lists."""
    notes = next((cell for cell in row.cells[position:] if len(cell.strip()) > 3), "")
    return " ".join(_TAGS.sub("", notes).split()) or None
