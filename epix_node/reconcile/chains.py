"""Re-export certificates that draw on a document, as far as this node knows them, and what a fact about one touches.

Goods that came under one document go on under certificates that name it (``permit.chain``), and those of others draw on
these in turn. A certificate is known from its documents where this node receives them, and elsewhere from the newest
extract that its issuer wrote: both tell amounts, days and outcomes in the same terms, so that the country of origin and
the country that sold on see the same balance (FRD-06, FRD-07).

Chains may be wrong, long or circular: whoever is asked is asked once, and no further than ``MAX_DEPTH`` certificates
away. What lies behind that may explain what is seen here, so nobody is accused where a chain was cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from epix_node.exchange.recording import Number
from epix_node.permit.chain import parents_of
from epix_node.permit.event import PermitRef
from epix_node.permit.facts import Case, EventFact, ExtractFact, PermitFact, Source
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Permit, PermitType
from epix_node.permit.number import PermitKey
from epix_node.permit.passage import Passage, passages
from epix_node.permit.status import standing
from epix_node.reconcile.perspective import Perspective, with_codes
from epix_node.store import case_pages, draws, extracts
from epix_node.store.database import Session

MAX_DEPTH = 6
"""So many certificates away from a document goods are followed; of real chains hardly one has three."""

_AT_ONCE = 200
"""Certificates read together."""

PATTERNS = frozenset({"FRD-06", "FRD-07"})
"""The patterns that rest on chains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A certificate that draws on a document directly (``depth`` 1), or through others."""

    permit: Permit
    parents: tuple[PermitRef | None, ...]
    """On what each of its lines draws."""
    lines: tuple[LineBalance, ...]
    passages: tuple[Passage, ...]
    is_withdrawn: bool
    depth: int
    source: Source
    """Its own document, or the extract that tells of it."""
    held: PermitFact | None = None
    """None where it is known from an extract only."""
    events: tuple[EventFact, ...] = ()
    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For which codes the Parties act that tell of its goods (contract 1, ``issues_for``)."""
    leads_to: frozenset[str] = frozenset()
    """The codes of the Party of destination; none where that has no node, and nobody tells what goes on from there."""

    @property
    def key(self) -> PermitKey:
        """The certificate's key; its issuer is who holds the goods and sends them on."""
        return self.permit.key

    @property
    def issued_on(self) -> date:
        """The day from which it may be used."""
        assert self.permit.issued_on is not None
        return self.permit.issued_on

    def is_for(self, party: str, code: str) -> bool:
        """Whether what this Party tells of the goods is told for the country or territory."""
        return code == party or code in self.codes.get(party, frozenset())

    @property
    def came_back(self) -> bool:
        """Whether goods of it were turned away, or came home: they may leave once more."""
        return any(
            one.is_turned_away or (one.is_arrival and self.is_for(one.party, self.key.issuer)) for one in self.passages
        )

    def as_of(self, moment: datetime) -> Drawn | None:
        """The certificate by what had been accepted before ``moment``; None where it was not known then."""
        if self.source.at >= moment:
            return None
        if self.held is None:
            return self
        withdrawn = self.held.withdrawal
        is_later = withdrawn is not None and withdrawn.source.at >= moment
        held = replace(self.held, withdrawal=None) if is_later else self.held
        before = of_document(held, (e for e in self.events if e.source.at < moment), depth=self.depth)
        return replace(before, codes=self.codes, leads_to=self.leads_to)


def of_document(fact: PermitFact, events: Iterable[EventFact], *, depth: int = 1) -> Drawn:
    """A certificate that this node receives, with the events about it."""
    told = tuple(events)
    return Drawn(
        permit=fact.permit,
        parents=parents_of(fact.permit),
        lines=standing(fact, told).lines,
        passages=passages((event.party, event.body) for event in told),
        is_withdrawn=fact.withdrawal is not None,
        depth=depth,
        source=fact.source,
        held=fact,
        events=told,
    )


def of_extract(fact: ExtractFact, *, depth: int = 1) -> Drawn:
    """A certificate of which its issuer tells."""
    extract = fact.extract
    return Drawn(
        permit=extract.permit,
        parents=parents_of(extract.permit),
        lines=extract.lines,
        passages=extract.passages,
        is_withdrawn=extract.withdrawn is not None,
        depth=depth,
        source=fact.source,
    )


def drawn_from(session: Session, perspective: Perspective, case: Case) -> tuple[Drawn, ...]:
    """The certificates that draw on permits of the case, by depth and key; one statement where there are none."""
    if all(fact.permit.type == PermitType.IMPORT for fact in case.permits):
        return ()
    level: set[Number] = {(case.issuer, case.number)}
    seen = set(level)
    found: list[Drawn] = []
    for depth in range(1, MAX_DEPTH + 1):
        keys = [key for key in draws.certificates_of(session, level) if (key.issuer, key.number) not in seen]
        if not keys:
            break
        found += _load(session, perspective, keys, depth)
        level = {(key.issuer, key.number) for key in keys}
        seen |= level
    return tuple(found)


def above(session: Session, case: Case) -> set[Number]:
    """The held documents that are judged by what the certificates of the case say, and by what happens under them."""
    if not case.permits and not case.void:  # there may be extracts
        return _above(session, {(case.issuer, case.number)})
    return touched_by(session, [fact.permit for fact in (*case.permits, *case.void)])


def touched_by(session: Session, permits: Iterable[Permit]) -> set[Number]:
    """The held documents that are judged by what these say; no statement where none draws on anything."""
    drawing = {(key.issuer, key.number) for permit in permits if any(parents_of(permit)) for key in (permit.key,)}
    return _above(session, drawing) if drawing else set()


def _above(session: Session, numbers: set[Number]) -> set[Number]:
    """The held documents on which these draw, directly or through others."""
    level, seen = numbers, set(numbers)
    for _ in range(MAX_DEPTH):
        level = draws.parents_of_all(session, level) - seen
        if not level:
            break
        seen |= level
    parents = seen - numbers
    return draws.held(session, parents) if parents else set()


def _load(session: Session, perspective: Perspective, keys: Collection[PermitKey], depth: int) -> list[Drawn]:
    found: list[Drawn] = []
    for issuer in sorted({key.issuer for key in keys}):
        mine = [key for key in keys if key.issuer == issuer]
        numbers = sorted({key.number for key in mine})
        for start in range(0, len(numbers), _AT_ONCE):
            cases = case_pages.load(session, issuer, numbers[start : start + _AT_ONCE])
            for key in mine:
                if key.number in cases:
                    found += _known(session, with_codes(perspective.keyring, cases[key.number]), key, depth)
    return [_placed(perspective, drawn) for drawn in found if not drawn.permit.multi_use]


def _known(session: Session, case: Case, key: PermitKey, depth: int) -> list[Drawn]:
    """The certificate as it is known; nothing where its document counts no more."""
    held = [of_document(fact, case.events_of(fact), depth=depth) for fact in case.permits if fact.key == key]
    if held or any(fact.key == key for fact in case.void):
        return held
    told = extracts.about(session, key.issuer, key.number)
    return [of_extract(fact, depth=depth) for fact in told if fact.key == key]


def _placed(perspective: Perspective, drawn: Drawn) -> Drawn:
    keyring, destination = perspective.keyring, drawn.permit.destination
    manifests, speaker = keyring.manifests, keyring.speaker_for(destination) if destination is not None else None
    return replace(
        drawn,
        codes={
            party: frozenset(manifests[party].issues_for)
            for party in {one.party for one in drawn.passages}
            if party in manifests
        },
        leads_to=frozenset(manifests[speaker].issues_for) if speaker is not None else frozenset(),
    )
