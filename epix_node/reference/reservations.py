"""Which Parties entered a reservation to which listing, and from when until when.

A Party that entered a reservation is treated as a State that is not a Party with respect to trade in that species
(Art. XV.3, XVI.2, XXIII.3), which is why an Appendix-I finding asks here first (APP-02).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from epix_node.reference.edition import Edition
from epix_node.reference.scope import day, taxon_keys
from epix_node.reference.shelf import Shelf

DATA = "reservations"

TABLES = """
DROP TABLE IF EXISTS reservation;
CREATE TABLE reservation (
    party TEXT NOT NULL, taxon TEXT NOT NULL, name TEXT NOT NULL, starts TEXT NOT NULL, ends TEXT,
    partial INTEGER NOT NULL, notes TEXT
);
CREATE INDEX reservation_taxon ON reservation (party, taxon);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One Party's reservation to one taxon."""

    party: str
    taxon: str
    start: date
    end: date | None
    """The last day; ``None`` while it lasts."""
    partial: bool
    """Whether it is for some populations or stocks only, which ``notes`` name."""
    notes: str | None


class Reservations:
    """The reservations that were loaded. Several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def edition(self) -> Edition | None:
        """``None`` where none were loaded."""
        return self._shelf.edition(DATA)

    def covers(self, party: str) -> bool:
        """Whether the list names this Party at all."""
        return self.edition is not None and (
            self._shelf.one("SELECT 1 FROM reservation WHERE party = ? LIMIT 1", (party,)) is not None
        )

    def of(self, party: str, lineage: Sequence[str], on: date) -> bool:
        """Whether this Party had a reservation to the taxon, or to one above it, on this day.

        One that is for some populations only counts: a permit does not name the population, and a finding that the
        reservation would have taken away is a false alarm.
        """
        return self.find(party, lineage, on) is not None

    def find(self, party: str, lineage: Sequence[str], on: date) -> Reservation | None:
        """The reservation that ``of`` speaks of, the closest to the taxon first."""
        if self.edition is None or not lineage:
            return None
        keys = taxon_keys(lineage)
        rows = self._shelf.all(
            "SELECT taxon, name, starts, ends, partial, notes FROM reservation WHERE party = ?"
            " AND taxon IN (SELECT value FROM json_each(?)) AND starts <= ? AND (ends IS NULL OR ends >= ?)",
            (party, json.dumps(keys), on.isoformat(), on.isoformat()),
        )
        if not rows:
            return None
        _, name, starts, ends, partial, notes = min(rows, key=lambda row: (keys.index(row[0]), row[4]))
        return Reservation(
            party=party,
            taxon=name,
            start=date.fromisoformat(starts),
            end=day(ends),
            partial=bool(partial),
            notes=notes,
        )
