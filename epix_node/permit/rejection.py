"""What the report of rejected permits is made of (``acts.rejected``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from epix_node.clock import format_time
from epix_node.permit.event import Outcome
from epix_node.permit.facts import Source
from epix_node.permit.number import NumberRef

REJECTED = (Outcome.REFUSED, Outcome.SEIZED, Outcome.RETURNED)
"""What became of goods that were let nowhere; of a consignment in parts, the parts are told apart."""

DIFFERS = "differs"
"""In place of an outcome: the paper said something else than the register."""

FOUND = "finding"
"""In place of an outcome: nobody turned anything away, and a finding of class A stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A pattern or a rule that names the permit, with its class or severity and its sentence."""

    rule: str
    weight: str
    sentence: str
    finding: str | None = None
    """The finding's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One line: as counted by the office where something was, else as permitted."""

    block: str | None
    taxon: str | None
    term: str | None
    quantity: str | None
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One entry of the report."""

    what: str
    permit: NumberRef
    issued_on: date | None
    office: str | None
    day: date
    sentence: str
    goods: tuple[Goods, ...]
    reasons: tuple[Reason, ...]
    evidence: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedReport:
    """The report, as of ``made_at``."""

    party: str
    since: date | None
    until: date | None
    made_at: datetime
    entries: tuple[Rejection, ...]
    origins: Mapping[str, str]
    """By Party, the origin line of its register."""

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "party": self.party,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "made_at": format_time(self.made_at),
            "rejected": [self._entry(entry) for entry in self.entries],
        }

    def _entry(self, entry: Rejection) -> dict[str, Any]:
        return {
            "what": entry.what,
            "permit": entry.permit.to_json(),
            "issued_on": entry.issued_on.isoformat() if entry.issued_on else None,
            "office": entry.office,
            "date": entry.day.isoformat(),
            "sentence": entry.sentence,
            "goods": [
                {"block": one.block, "taxon": one.taxon, "term": one.term, "quantity": one.quantity, "unit": one.unit}
                for one in entry.goods
            ],
            "reasons": [
                {"rule": one.rule, "class": one.weight, "sentence": one.sentence, "finding": one.finding}
                for one in entry.reasons
            ],
            "evidence": [
                {
                    "kind": source.type,
                    "document": source.document,
                    "register": {"origin": self.origins[source.party], "index": source.index},
                }
                for source in entry.evidence
            ],
        }
