"""Load a file about species, whichever of the known kinds it is: a list of taxa, or the history of their listings."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from epix_node.errors import MalformedDocumentError
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading.checklist import columns_of, load_checklist
from epix_node.reference.loading.history import history_columns_of, load_history
from epix_node.reference.loading.recorded import load_recorded
from epix_node.reference.loading.stream import Table, open_source, read_line
from epix_node.reference.shelf import shelve


def load_species(shelf: Path, file: Path, *, now: datetime, as_of: date | None = None) -> LoadReport:
    """The file's data are on the shelf, in place of those of the same kind that were there.

    A list of species replaces the list of species (``species``), a history the history (``history``). ``as_of`` is the
    day whose state the file tells, where its name does not say it.

    Raises:
        NotFoundError: there is no such file.
        MalformedDocumentError: it is none of the known kinds, or cannot be read.
        UnacceptableError: nobody says of which day it is.
    """
    with open_source(file, now=now, as_of=as_of) as source:
        first = read_line(source.text)
        if first.lstrip().startswith(("{", "[")):
            return shelve(shelf, lambda connection: load_recorded(connection, source, first))
        table = Table(source.text, first=first)
        if history := history_columns_of(table):
            return shelve(shelf, lambda connection: load_history(connection, source, table, history))
        if checklist := columns_of(table):
            return shelve(shelf, lambda connection: load_checklist(connection, source, table, checklist))
    raise MalformedDocumentError(
        f"{file.name} is no list of species: expected a CSV with FullName, RankName and CurrentListing (Checklist),"
        " Scientific Name, Rank and Listing (Species+), or Appendix, ChangeType and EffectiveAt (listing history),"
        " or an answer of the Species+ API"
    )
