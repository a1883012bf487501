"""What happened to a permit: withdrawals, endorsements, confirmations, presentations, corrections, alerts.

An event states a fact. It is never refused because it breaks a rule, and it may be about a permit that this
node does not hold. Numbers are normalised when an event is read; quantities say what was counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.quantity import Quantity


class WithdrawalReason(StrEnum):
    """Why an issuer withdrew a permit (contract 1)."""

    CANCELLED = "cancelled"
    LOST = "lost"
    STOLEN = "stolen"
    DESTROYED = "destroyed"
    REPLACED = "replaced"


class Outcome(StrEnum):
    """What became of the goods at import (contract 1)."""

    RELEASED = "released"
    PARTLY_RELEASED = "partly-released"
    REFUSED = "refused"
    SEIZED = "seized"
    RETURNED = "returned"
    DESTROYED = "destroyed"

    @property
    def is_arrival(self) -> bool:
        """Refused and returned goods did not arrive (``domain-rules.md`` 0.16)."""
        return self not in {Outcome.REFUSED, Outcome.RETURNED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitRef:
    """How an event names its permit: issuer, normalised number, and what else the sender knew."""

    issuer: str
    number: str
    type: str | None = None
    issued_on: date | None = None

    @property
    def ref(self) -> NumberRef:
        """The same as findings speak of it: the year instead of the date."""
        return NumberRef(
            issuer=self.issuer,
            number=self.number,
            type=self.type,
            year=self.issued_on.year if self.issued_on else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """What was counted of one block; ``block`` ``None`` = goods that are not on the permit."""

    block: str | None
    quantity: Quantity
    outcome: Outcome | None = None
    taxon: str | None = None
    term: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A timber exception that the officer invokes (``domain-rules.md`` VAL-13, VAL-14)."""

    kind: str
    certified_by: str
    certified_on: date
    new_valid_until: date | None = None
    bill_of_lading: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """Goods left under a permit (box 14)."""

    event_id: str
    permit: PermitRef
    office: str
    date: date
    lines: tuple[EventLine, ...]
    transport_document: str | None = None
    import_permit: PermitRef | None = None
    declaration: str | None = None
    officer: str | None = None
    continues: str | None = None
    basis: Basis | None = None
    presented: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Goods arrived under a permit, and what became of them."""

    event_id: str
    permit: PermitRef
    office: str
    date: date
    outcome: Outcome
    lines: tuple[EventLine, ...]
    transport_document: str | None = None
    import_permit: PermitRef | None = None
    declaration: str | None = None
    officer: str | None = None
    continues: str | None = None
    basis: Basis | None = None
    presented: dict[str, Any] | None = None

    @property
    def turned_away(self) -> bool:
        """Whether goods of it were refused or returned, all or some."""
        return any(not (line.outcome or self.outcome).is_arrival for line in self.lines) or not self.outcome.is_arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field where the paper differs from the register. ``class_`` is A or R (``domain-rules.md`` 0.3)."""

    field: str
    presented: Any
    registered: Any
    class_: str

    def to_json(self) -> dict[str, Any]:
        """As contract 4 prints it."""
        return {
            "field": self.field,
            "presented": self.presented,
            "registered": self.registered,
            "class": self.class_,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """A paper was shown whose contents differ from the register; it moves no status."""

    event_id: str
    permit: PermitRef
    office: str
    date: date
    presented: dict[str, Any]
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """The issuer withdraws one of its permits; ``replaced`` names the successor."""

    permit: PermitKey
    reason: WithdrawalReason
    text: str | None = None
    replaced_by: PermitKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The writer takes an event back; a new event, where there is one, is a document of its own.

    ``supersedes`` is the event id of the event taken back, or of its latest correction.
    """

    event_id: str
    supersedes: str
    permit: PermitRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvidence:
    """A document that a finding rests on, and where its register lists it."""

    document: str
    type: str
    party: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The issuer's word on a class-A finding, for every Party whose event is evidence. No names of persons."""

    finding_id: str
    pattern: str
    class_: str
    state: str
    ruleset: str
    opened: datetime
    summary: str
    permits: tuple[NumberRef, ...]
    values: tuple[tuple[str, str], ...]
    evidence: tuple[AlertEvidence, ...]
    subject: NumberRef
    """The permit whose key is in the finding's id."""
