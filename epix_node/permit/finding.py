"""A finding: one plain sentence about a permit, with the pattern it fits and the evidence that both sides can check.

Its identity depends only on the pattern and on the permit that the sentence is about, so that every node that holds
the facts, in whatever order they came, shows the same finding under the same id (contract 5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import rfc8785

from epix_node.clock import format_time
from epix_node.permit.facts import Source
from epix_node.permit.number import NumberRef


class FindingClass(StrEnum):
    """What a finding asks for (contract 1)."""

    ALERT = "A"
    REVIEW = "R"
    STATISTICS = "S"


class FindingState(StrEnum):
    """Where a finding stands (contract 5)."""

    PENDING = "pending"
    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    DUPLICATE = "duplicate"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingDraft:
    """What a detector says of the facts; it knows neither first-seen times nor decisions.

    ``subject`` is the permit whose key is in the id; ``values`` are the figures of the sentence, as texts.
    """

    pattern: str
    subject: NumberRef
    class_: FindingClass
    summary: str
    permits: tuple[NumberRef, ...]
    evidence: tuple[Source, ...]
    values: dict[str, str]
    ruleset: str

    @property
    def id(self) -> str:
        """The finding's identity."""
        return finding_id(self.pattern, self.subject)

    @property
    def parties(self) -> tuple[str, ...]:
        """The issuer and every Party whose document is evidence, in alphabetical order."""
        return tuple(sorted({self.subject.issuer, *(e.party for e in self.evidence)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding as this node shows it. ``derived`` is false where only the issuer's alert tells of it."""

    id: str
    pattern: str
    subject: NumberRef
    class_: FindingClass
    state: FindingState
    permits: tuple[NumberRef, ...]
    parties: tuple[str, ...]
    first_seen: datetime
    latest_at: datetime
    opened: datetime | None
    summary: str
    evidence: tuple[Source, ...]
    values: dict[str, str]
    ruleset: str
    derived: bool = True

    def to_json(self, *, origin_of: Callable[[str], str]) -> dict[str, Any]:
        """As contract 5 prints it; ``origin_of`` gives the origin line of a Party's register."""
        return {
            "id": self.id,
            "pattern": self.pattern,
            "class": self.class_.value,
            "state": self.state.value,
            "permits": [p.to_json() for p in self.permits],
            "parties": list(self.parties),
            "first_seen": format_time(self.first_seen),
            "opened": format_time(self.opened) if self.opened else None,
            "summary": self.summary,
            "evidence": [
                {"kind": e.type, "document": e.document, "register": {"origin": origin_of(e.party), "index": e.index}}
                for e in self.evidence
            ],
            "values": dict(self.values),
            "ruleset": self.ruleset,
        }


def finding_id(pattern: str, subject: NumberRef) -> str:
    """Hex SHA-256 of RFC 8785 ``[pattern, issuer, type, number, year]`` (contract 5)."""
    parts = [pattern, subject.issuer, subject.type, subject.number, subject.year]
    return hashlib.sha256(rfc8785.dumps(parts)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an authority decided; it binds only while the class and the evidence are those that it saw."""

    decision: FindingState
    reason: str
    client: str
    at: datetime
    class_: FindingClass
    seen: frozenset[str]
    """Digests of the documents that were evidence then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotice:
    """The issuer's newest alert about a finding, as far as this node's own view depends on it."""

    party: str
    document: str
    class_: FindingClass
    state: FindingState
    at: datetime
