"""Load listings from answers of the Species+ API: as they come, several in an array, or recorded with their requests.

Read are ``cites_legislation`` (the changes of one taxon's listing) and ``taxon_concepts`` (pages of taxa with their
current listings). The first names its taxon by number only: the number must be in the list of species that is loaded,
or among the built-in taxa. A recording of the request shows whether all changes were asked for (``scope=all``) or only
those in force today; then nothing is known of the days before.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from epix_node.errors import MalformedDocumentError
from epix_node.reference.builtin import builtin_shelf
from epix_node.reference.load_report import LoadReport, Tally
from epix_node.reference.loading.changes import ADDITION, DELETION, Change, follow
from epix_node.reference.loading.species_tables import HISTORY, SPECIES, SpeciesTables
from epix_node.reference.loading.stream import Source
from epix_node.reference.population import read_scope

MAX_CHARACTERS = 64 * 1024 * 1024
"""Of a file of answers; one answer about one taxon is under 300 kB."""

_KINDS = {"+": ADDITION, "-": DELETION}


class _Party(BaseModel):
    model_config = ConfigDict(extra="ignore")
    iso_code2: str | None = None


class _HashAnnotation(BaseModel):
    model_config = ConfigDict(extra="ignore")
    symbol: str | None = None


class _Listing(BaseModel):
    """One element of ``cites_listings``."""

    model_config = ConfigDict(extra="ignore")
    taxon_concept_id: int | None = None
    appendix: str
    change_type: str = "+"
    effective_at: date
    is_current: bool | None = None
    annotation: str | None = None
    hash_annotation: _HashAnnotation | None = None
    party: _Party | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """A body, and whether it tells all changes; ``None`` where the request is not known."""

    body: Any
    asked_for_all: bool | None


def load_recorded(connection: sqlite3.Connection, source: Source, first: str) -> LoadReport:
    """The histories that the answers tell are in the tables; ``first`` is what was already read of the file."""
    text = first + source.text.read(MAX_CHARACTERS)
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise MalformedDocumentError(f"{source.name} is no JSON: {error}") from error
    recorded_on = _recorded_on(whole)
    source.edition(HISTORY, rows=0, as_of=recorded_on)
    tables = SpeciesTables(connection, HISTORY)
    tally = Tally()
    names = _Names(connection)
    record = 0
    for answer in _answers(whole):
        by_name: dict[str, list[Change]] = {}
        for name_or_id, listing in _listings(answer.body):
            record += 1
            if listing is None:
                tally.refuse(record, "a taxon whose current listing its listings do not agree with")
                continue
            name = names.of(name_or_id)
            if name is None:
                tally.refuse(record, "a taxon number that is in no list of species here: load a list first")
                continue
            change = _change(listing, record, tally)
            if change is not None:
                by_name.setdefault(name, []).append(change)
                tally.take()
        for name, changes in by_name.items():
            # A page of taxa tells what is in force only; so does a legislation without anything that has ended.
            tells_all = answer.asked_for_all is not False and any(change.is_current is False for change in changes)
            for since in follow(changes, is_complete=tells_all):
                tables.list(name, since.starts, since.entries, is_dated=True)
    if record == 0:
        raise MalformedDocumentError(f"{source.name} holds no cites_listings; expected answers of the Species+ API")
    tables.finish()
    return tally.report(source.edition(HISTORY, rows=tally.taken, as_of=recorded_on))


class _Names:
    """The names of taxa by their numbers, from the list of species that is on the shelf and the built-in taxa."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._has_list = connection.execute("SELECT 1 FROM edition WHERE data = ?", (SPECIES,)).fetchone() is not None

    def of(self, name_or_id: str | int | None) -> str | None:
        """The name itself, or that of the taxon of this number."""
        if name_or_id is None or isinstance(name_or_id, str):
            return name_or_id
        if self._has_list:
            row = self._connection.execute("SELECT name FROM species_taxon WHERE id = ?", (name_or_id,)).fetchone()
            if row:
                return str(row[0])
        row = builtin_shelf().one("SELECT name FROM species_taxon WHERE id = ?", (name_or_id,))
        return str(row[0]) if row else None


def _answers(whole: Any) -> Iterator[_Answer]:
    if isinstance(whole, list):
        for each in whole:
            yield from _answers(each)
    elif isinstance(whole, dict) and isinstance(whole.get("http_interactions"), list):
        for each in whole["http_interactions"]:
            try:
                body = json.loads(each["response"]["body"]["string"])
                asked_for_all = bool(re.search(r"[?&]scope=all\b", each["request"]["uri"]))
            except (KeyError, TypeError, ValueError) as error:
                raise MalformedDocumentError(f"a recorded interaction has no JSON answer: {error!r}") from error
            yield _Answer(body, asked_for_all)
    else:
        yield _Answer(whole, None)


def _listings(body: Any) -> Iterator[tuple[str | int | None, Any]]:
    """Each listing, with the name or else the number of its taxon; ``None`` for one that cannot be the taxon's."""
    if not isinstance(body, dict):
        return
    for listing in body.get("cites_listings") or ():
        yield (listing.get("taxon_concept_id") if isinstance(listing, dict) else None), listing
    for concept in body.get("taxon_concepts") or ():
        if isinstance(concept, dict):
            listings = concept.get("cites_listings") or ()
            # A genus is given the listing of its family, though all its species are in another Appendix.
            told = {listing.get("appendix") for listing in listings if isinstance(listing, dict)}
            agrees = concept.get("cites_listing") is None or told == set(str(concept["cites_listing"]).split("/"))
            for listing in listings:
                yield concept.get("full_name"), listing if agrees else None


def _change(given: Any, record: int, tally: Tally) -> Change | None:
    try:
        listing = _Listing.model_validate(given)
    except ValidationError:
        tally.refuse(record, "a listing that is not understood")
        return None
    if listing.change_type in ("R+", "R-"):
        tally.note(record, "a reservation: not a change of the listing, left to the list of reservations")
        return None
    if listing.change_type not in _KINDS or listing.appendix not in ("I", "II", "III"):
        tally.refuse(record, "an Appendix or a kind of change that is not known")
        return None
    return Change(
        on=listing.effective_at,
        kind=_KINDS[listing.change_type],
        appendix=listing.appendix,
        scope=read_scope(listing.annotation or ""),
        party=listing.party.iso_code2 if listing.party else None,
        annotation=listing.hash_annotation.symbol if listing.hash_annotation else None,
        is_current=listing.is_current,
    )


def _recorded_on(whole: Any) -> date | None:
    """The day of the latest recording, where it says so."""
    if not isinstance(whole, dict):
        return None
    days = [
        date.fromisoformat(each["recorded_at"][:10])
        for each in whole.get("http_interactions") or ()
        if isinstance(each, dict) and re.fullmatch(r"\d{4}-\d\d-\d\d.*", str(each.get("recorded_at")))
    ]
    return max(days, default=None)
