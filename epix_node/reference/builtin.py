"""The species that come with this release, so that a first trial and the demo work without loading anything.

Some of the best-known taxa, each with its lineage, its range as far as it is known, and those of its listings that are
certain. They are facts of ``data/species.toml``, compiled once for each process into tables like those of a loaded
list. What is loaded wins over them.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from epix_node.reference.edition import BUILT_IN, Edition
from epix_node.reference.load_report import LoadReport, Tally
from epix_node.reference.loading.species_tables import SPECIES, SpeciesTables, range_states
from epix_node.reference.population import UNCLEAR, WHOLE, Extent, Scope
from epix_node.reference.shelf import Shelf
from epix_node.reference.taxon import Taxon
from epix_node.reference.timeline import BEFORE_ALL, NOT_LISTED, Entry


@cache
def builtin_shelf() -> Shelf:
    """The built-in species; the same shelf each time."""
    return Shelf.in_memory(_fill)


@cache
def builtin_names(taxon: Taxon) -> frozenset[str]:
    """The keys of all names of this built-in taxon, its accepted one among them."""
    rows = builtin_shelf().all("SELECT key FROM species_name WHERE taxon = ?", (taxon.id,))
    return frozenset(key for (key,) in rows)


def _fill(connection: sqlite3.Connection) -> list[LoadReport]:
    data = resources.files("epix_node.reference").joinpath("data", "species.toml").read_bytes()
    content = tomllib.loads(data.decode("utf-8"))
    as_of: date = content["as_of"]
    tables = SpeciesTables(connection, SPECIES)
    tally = Tally()
    for given in content["taxa"]:
        group = content["groups"][given["group"]]
        taxon = _taxon(given, group, tables)
        tables.add(taxon, synonyms=given.get("synonyms", ()))
        for starts, entries in _listings(given):
            tables.list(taxon.name, starts, entries, is_dated=True)
        tables.mention(taxon, ())
        tally.take()
    # They can be found, but their listing is not known: not every taxon below them is here.
    tables.add_higher_taxa(None)
    tables.finish()
    edition = Edition(
        data=SPECIES,
        as_of=as_of,
        source=BUILT_IN,
        sha256=hashlib.sha256(data).hexdigest(),
        loaded_at=None,
        rows=tally.taken,
    )
    return [tally.report(edition)]


def _taxon(given: Mapping[str, Any], group: Mapping[str, str], tables: SpeciesTables) -> Taxon:
    latest = list(given["since"].values())[-1]
    symbol = _SYMBOL.search(latest)
    return Taxon(
        id=given.get("id") or tables.new_id(),
        name=given["name"],
        rank="SPECIES",
        kingdom=group["kingdom"],
        phylum=group.get("phylum"),
        class_name=group.get("class"),
        order=group["order"],
        family=group["family"],
        genus=given["name"].split(" ")[0],
        annotation=symbol[0] if symbol else None,
        range_states=range_states(given.get("range", "").split()),
    )


def _listings(given: Mapping[str, Any]) -> Iterator[tuple[date, list[Entry]]]:
    """First day and listing, from "not listed" on, unless it is unknown what was before the first that is given."""
    if not given.get("earlier_unknown", False):
        yield BEFORE_ALL, [_UNLISTED]
    for day, listing in given["since"].items():
        yield date.fromisoformat(day), [_entry(piece) for piece in listing.split("; ")]


def _entry(piece: str) -> Entry:
    """What a piece of a listing says, in the words that the head of the file explains."""
    words = [word for word in piece.split(" ") if not word.startswith("#")]
    symbol = _SYMBOL.search(piece)
    code, kind, countries = words[0], "".join(words[1:2]), words[2:]
    match code, kind:
        case "none", "":
            return _UNLISTED
        case "rest", "":
            return Entry(appendix=NOT_LISTED, scope=UNCLEAR)
        case _, "":
            scope = WHOLE
        case _, "by":
            return Entry(appendix=code, scope=WHOLE, party=countries[0])
        case _, "part":
            scope = UNCLEAR
        case _, "only" | "not" | "some":
            scope = Scope(
                extent=Extent.EXCEPT if kind == "not" else Extent.ONLY,
                is_conditional=kind == "some",
                countries=frozenset(country.rstrip("?") for country in countries),
                parts=frozenset(country.rstrip("?") for country in countries if country.endswith("?")),
            )
        case _:
            raise RuntimeError(f"built-in listing {piece!r} is not understood")
    return Entry(appendix=code, scope=scope, annotation=symbol[0] if symbol else None)


_UNLISTED = Entry(appendix=NOT_LISTED, scope=WHOLE)
_SYMBOL = re.compile(r"#\d{1,2}")
