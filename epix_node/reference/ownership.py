"""Which Parties do not accept certificates of ownership for personally owned live animals (VAL-15)."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib import resources

from epix_node.reference.edition import BUILT_IN, Edition
from epix_node.reference.shelf import Shelf

DATA = "ownership"

TABLES = """
DROP TABLE IF EXISTS ownership_refused;
CREATE TABLE ownership_refused (party TEXT PRIMARY KEY, notes TEXT) WITHOUT ROWID
"""


class Ownership:
    """The table that was loaded, else the one of this release."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def edition(self) -> Edition:
        """Of the loaded table, else of the built-in one, which is of 2021."""
        return self._shelf.edition(DATA) or _built_in()[1]

    def refused_by(self, party: str) -> bool:
        """Whether this Party declared that it does not accept them."""
        if self._shelf.edition(DATA) is None:
            return party in _built_in()[0]
        return self._shelf.one("SELECT 1 FROM ownership_refused WHERE party = ?", (party,)) is not None


@cache
def _built_in() -> tuple[frozenset[str], Edition]:
    content = resources.files("epix_node.reference").joinpath("data", "ownership.toml").read_bytes()
    table = tomllib.loads(content.decode())
    parties = frozenset(table["refused_by"])
    edition = Edition(
        data=DATA,
        as_of=table["as_of"],
        source=BUILT_IN,
        sha256=hashlib.sha256(content).hexdigest(),
        loaded_at=None,
        rows=len(parties),
    )
    return parties, edition
