"""All reference data of a node: one object for the rules, and a way to notice that newer data were loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from epix_node.permit.codes import FICTIONAL_PARTIES
from epix_node.reference.edition import Edition
from epix_node.reference.operations import Operations
from epix_node.reference.ownership import Ownership
from epix_node.reference.pairs import Pairs
from epix_node.reference.quotas import Quotas
from epix_node.reference.reservations import Reservations
from epix_node.reference.shelf import Shelf
from epix_node.reference.species import SpeciesBook
from epix_node.reference.suspensions import Suspensions

FILE_NAME = "reference.sqlite"
"""Of the file in a node's data directory."""


class Catalogue:
    """The reference data that lie in one file, and the built-in ones. Several threads may ask.

    A catalogue keeps the data that it was opened with; whoever needs the newest asks ``following`` for one.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.species = SpeciesBook(shelf)
        self.suspensions = Suspensions(shelf)
        self.quotas = Quotas(shelf)
        self.reservations = Reservations(shelf)
        self.operations = Operations(shelf)
        self.pairs = Pairs(shelf)
        self.ownership = Ownership(shelf)

    @classmethod
    def open(cls, path: Path | None) -> Catalogue:
        """What was loaded into this file; only the built-in data where there is none.

        Raises:
            ConfigError: the file holds no reference data of this release.
        """
        return cls(Shelf.open(path))

    def editions(self) -> tuple[Edition, ...]:
        """Of everything that was loaded, and of the built-in species."""
        loaded = self._shelf.editions()
        return loaded + tuple(edition for edition in self.species.editions() if edition not in loaded)

    def covers(self, country: str) -> bool:
        """Whether rules may conclude something from not finding this country in the data.

        Of a fictional country nobody's species list speaks: then rules about range States, quotas, suspensions and
        registers have not checked anything (contract 5), unless data that name it were loaded.
        """
        return country not in FICTIONAL_PARTIES or self.species.covers(country)


@cache
def builtin() -> Catalogue:
    """The catalogue of a node that loaded nothing; the same object each time."""
    return Catalogue.open(None)


def following(path: Path) -> Callable[[], Catalogue]:
    """A function that gives the catalogue of what is in this file now; a file that was replaced is opened anew.

    A catalogue that was given earlier stays good until nobody uses it any more.

    Raises (each call):
        ConfigError: the file holds no reference data of this release.
    """
    lock = threading.Lock()
    state: tuple[tuple[int, ...] | None, Catalogue] | None = None

    def current() -> Catalogue:
        nonlocal state
        mark = _mark(path)
        with lock:
            if state is None or state[0] != mark:
                state = (mark, builtin() if mark is None else Catalogue.open(path))
            return state[1]

    return current


def _mark(path: Path) -> tuple[int, ...] | None:
    """What changes when the file is replaced; ``None`` while there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)
