"""What a node holds about one permit number: the permits, and what happened under them, each with its register entry.

Status and findings are functions of these facts and of now, of nothing else (contract 5). A fact names the
document that states it and the register that lists the document, so that everybody can check it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from epix_node.permit.event import Confirmation, Endorsement, PermitRef, Presentation, Withdrawal
from epix_node.permit.extract import PermitExtract
from epix_node.permit.model import Permit, PermitType
from epix_node.permit.number import PermitKey
from epix_node.permit.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document, the Party whose register lists it, the entry's index, and when that register accepted it.

    ``index`` is ``None`` for a document that is not in a verified part of the register (grade UNLOGGED).
    """

    document: str
    type: str
    party: str
    index: int | None
    at: datetime


MAX_MERGE_DELAY = timedelta(hours=24)
"""A document is in a register at most so long after it was issued (C.4 item 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFact:
    """The issuer took the permit back; ``issued`` is the document's time of issue."""

    source: Source
    withdrawal: Withdrawal
    issued: datetime

    @property
    def day(self) -> date:
        """The day of the withdrawal for FRD-03: the UTC date of ``Issued`` (``domain-rules.md`` 0.15).

        But no earlier than a day before its register took it: an issuer who dates a withdrawal back (C.4 item 9)
        would make an honest use of the permit look like fraud.
        """
        is_dated_back = self.source.at - self.issued > MAX_MERGE_DELAY
        taken = self.source.at - MAX_MERGE_DELAY if is_dated_back else self.issued
        return taken.astimezone(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitFact:
    """A permit that this node holds, and its withdrawal where there is one."""

    source: Source
    permit: Permit
    withdrawal: WithdrawalFact | None = None
    is_void: bool = False
    """Whether its document counts no more, since its key was revoked (protocol decision 7)."""
    timing: Timing | None = None
    """When its register took it; None where that was not kept."""

    @property
    def key(self) -> PermitKey:
        """The permit's key."""
        return self.permit.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The permit that an event is taken to be about, and the rung of the ladder that leads there.

    Rungs (``domain-rules.md`` 2.2): 1 the same permit document, 2 the same key, 3 the only candidate; 4 a near number
    and 5 goods that are alike are suggestions for people, from which nothing else follows.
    """

    rung: int
    permit: PermitKey

    def to_json(self) -> dict[str, Any]:
        """As answers print it."""
        return {"rung": self.rung, "permit": self.permit.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFact:
    """Something that happened, as its writer last stated it: superseded events are no facts any more."""

    source: Source
    body: Endorsement | Confirmation | Presentation
    codes: frozenset[str] = frozenset()
    """The codes that its Party speaks for, territories among them; without any, the Party's own alone."""
    match: Match | None = field(default=None, compare=False)
    """How it was matched when its number was last looked at: kept for showing, no fact, and nothing rests on it."""

    @property
    def party(self) -> str:
        """The Party that states it."""
        return self.source.party

    def acts_for(self, code: str | None) -> bool:
        """Whether the Party that states it acts for this country or territory (contract 1, ``issues_for``)."""
        return code is not None and (code == self.party or code in self.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractFact:
    """How a permit that this node does not hold stood, in its issuer's words (protocol decision 3).

    It proves that the number was issued. It moves no status: what happened is told by those to whom it happened.
    """

    source: Source
    extract: PermitExtract

    @property
    def key(self) -> PermitKey:
        """The key of the permit that it tells of."""
        return self.extract.key


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionFact:
    """A Party took ``event``, one of its own, back: ``by`` is the document that ended it."""

    event: EventFact
    by: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All facts that speak of one (issuer, normalised number), whatever type or year.

    ``uses`` are confirmations that name one of these permits as their import permit; they may themselves be
    about a permit with another number.
    """

    issuer: str
    number: str
    permits: tuple[PermitFact, ...]
    events: tuple[EventFact, ...]
    uses: tuple[EventFact, ...] = ()
    corrections: tuple[CorrectionFact, ...] = ()
    void: tuple[PermitFact, ...] = ()
    """Permits whose documents count no more. Nothing follows from them, and nothing happened under them."""

    def events_of(self, permit: PermitFact) -> tuple[EventFact, ...]:
        """The events about this very permit; see ``permit_meant``."""
        return tuple(e for e in self.events if permit_meant(self.permits, e.body.permit, on=e.body.date) is permit)

    def uses_of(self, permit: PermitFact) -> tuple[EventFact, ...]:
        """The confirmations that name this very permit as their import permit: of type I, nothing else (contract 4)."""
        if permit.permit.type != PermitType.IMPORT:
            return ()
        imports = tuple(fact for fact in self.permits if fact.permit.type == PermitType.IMPORT)
        return tuple(
            use
            for use in self.uses
            if isinstance(use.body, Confirmation)
            and use.body.import_permit is not None
            and permit_meant(imports, use.body.import_permit, on=use.body.date) is permit
        )

    def events_without_permit(self) -> tuple[EventFact, ...]:
        """Events that fit no held permit, or several without telling which."""
        return tuple(e for e in self.events if permit_meant(self.permits, e.body.permit, on=e.body.date) is None)


def permits_meant(permits: Iterable[PermitFact], ref: PermitRef) -> tuple[PermitFact, ...]:
    """The permits that a reference may mean: type and date of issue only choose between several (contract 1)."""
    candidates = tuple(permits)
    if len(candidates) > 1 and ref.type is not None:
        candidates = tuple(p for p in candidates if p.permit.type == ref.type) or candidates
    if len(candidates) > 1 and ref.issued_on is not None:
        candidates = tuple(p for p in candidates if p.key.year == ref.issued_on.year) or candidates
    if len(candidates) > 1 and ref.issued_on is not None:
        candidates = tuple(p for p in candidates if p.permit.issued_on == ref.issued_on) or candidates
    return candidates


def permit_meant(permits: Iterable[PermitFact], ref: PermitRef, *, on: date) -> PermitFact | None:
    """The one permit that a recorded event belongs to.

    An event that became ambiguous later belongs to the permit in force on its date (contract 1); ``None`` where
    that decides nothing either.
    """
    candidates = permits_meant(permits, ref)
    if len(candidates) > 1:
        candidates = tuple(p for p in candidates if _in_force(p.permit, on))
    return candidates[0] if len(candidates) == 1 else None


def _in_force(permit: Permit, on: date) -> bool:
    begins, ends = permit.in_force_from, permit.valid_until
    return (begins is None or begins <= on) and (ends is None or on <= ends)
