"""How much of one block of a permit is used, as a status answer prints it (contract 4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBalance:
    """One block: decimal texts in ``unit``; ``None`` where the permit states no readable quantity."""

    block: str | None
    taxon: str | None
    term: str | None
    unit: str | None
    permitted: str | None
    endorsed: str
    confirmed: str
    remaining: str | None

    def to_json(self) -> dict[str, str | None]:
        """As in a status answer."""
        return {
            "block": self.block,
            "taxon": self.taxon,
            "term": self.term,
            "unit": self.unit,
            "permitted": self.permitted,
            "endorsed": self.endorsed,
            "confirmed": self.confirmed,
            "remaining": self.remaining,
        }
