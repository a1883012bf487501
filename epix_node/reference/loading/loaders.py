"""The data sets that a node can load, by the name that the command takes (``reference load NAME FILE``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from epix_node.errors import NotFoundError
from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading import operations, ownership, pairs, quotas, reservations, suspensions
from epix_node.reference.loading.species import load_species


class Load(Protocol):
    """Puts a file's data on the shelf, in place of those of the same data set."""

    def __call__(self, path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
        """``as_of`` is the day whose state the file describes, where neither its name nor its rows tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """One name of the command."""

    what: str
    """For the command's help."""
    load: Load


def _load_species(path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    return load_species(shelf_path, path_in, now=now, as_of=as_of)


LOADERS: Mapping[str, Loader] = MappingProxyType(
    {
        "species": Loader(what="species, their listings and the history of these", load=_load_species),
        "quotas": Loader(what="export quotas: published, mandatory or national ones", load=quotas.load),
        "suspensions": Loader(what="suspensions of trade, or exceptions to them", load=suspensions.load),
        "reservations": Loader(what="reservations of Parties", load=reservations.load),
        "operations": Loader(what="registered captive-breeding operations", load=operations.load),
        "term-units": Loader(what="units that go with a term", load=pairs.load_units),
        "term-purposes": Loader(what="purposes that go with a term", load=pairs.load_purposes),
        "taxon-terms": Loader(what="taxa that can have a term", load=pairs.load_taxa),
        "ownership": Loader(what="Parties that refuse certificates of ownership", load=ownership.load),
    }
)


def load(name: str, path_in: Path, shelf_path: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The file's data are the data set of this name from now on.

    Raises:
        NotFoundError: there is no data set of this name, or no such file.
        MalformedDocumentError: the file is none of the kinds that the data set takes.
        UnacceptableError: nothing says of which day it is.
    """
    loader = LOADERS.get(name)
    if loader is None:
        raise NotFoundError(f"there is no data set {name!r}; known are {', '.join(LOADERS)}")
    return loader.load(path_in, shelf_path, as_of=as_of, now=now)
