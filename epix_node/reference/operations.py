"""The Secretariat's register of operations that breed Appendix-I animals in captivity for commercial purposes.

An operation has a number such as ``A-TH-501`` and is registered for certain species (Resolution Conf. 12.10). Source D
of an animal is right only with such a number (SRC-07). The register changes at any time, so the rule asks for its age.
"""

from __future__ import annotations

import re
from datetime import date

from epix_node.reference.edition import Edition
from epix_node.reference.scope import day, in_force, taxon_key
from epix_node.reference.shelf import Shelf

DATA = "operations"

TABLES = """
DROP TABLE IF EXISTS operation;
CREATE TABLE operation (
    number TEXT NOT NULL, taxon TEXT NOT NULL, name TEXT NOT NULL, country TEXT NOT NULL, starts TEXT, ends TEXT
);
CREATE INDEX operation_number ON operation (number);
"""

_BLANKS = re.compile(r"\s+")
_DASHES = str.maketrans("‐‑‒–—−", "------")


def operation_number(text: str) -> str:
    """The number as the register writes it: capitals, no white space, plain dashes."""
    return _BLANKS.sub("", text.translate(_DASHES)).upper()


class Operations:
    """The register as it was loaded. Several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def edition(self) -> Edition | None:
        """``None`` where no register was loaded."""
        return self._shelf.edition(DATA)

    def covers(self, country: str) -> bool:
        """Whether the register names an operation in this country."""
        return self.edition is not None and (
            self._shelf.one("SELECT 1 FROM operation WHERE country = ? LIMIT 1", (country,)) is not None
        )

    def registered(self, number: str, taxon_name: str, on: date | None = None) -> bool | None:
        """Whether the operation was in the register for this taxon, on this day if one is given.

        An operation that is registered for a genus is registered for its species. ``None``: no register was loaded.
        """
        if self.edition is None:
            return None
        wanted = taxon_key(taxon_name)
        rows = self._shelf.all(
            "SELECT taxon, starts, ends FROM operation WHERE number = ?", (operation_number(number),)
        )
        return any(
            (wanted == taxon or wanted.startswith(f"{taxon} ")) and (on is None or in_force(on, day(starts), day(ends)))
            for taxon, starts, ends in rows
        )
