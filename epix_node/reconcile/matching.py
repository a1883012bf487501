"""Which permit an event is about, and how sure that is: the ladder of ``domain-rules.md`` 2.2.

    1  the same permit document: the event's writer held the very bytes, for its document bears the permit's own salt
    2  the same key: issuer, number, type and year
    3  type or year are left out or other, and one permit alone can be meant (contract 1, ``permit_meant``)
    4  nobody issued the number, but a number that is one error away, for the same taxon and the same partner
    5  nor such a number, but a permit for the same route, taxon and term, at about that time, of about that quantity

Rungs 1 to 3 say which permit an event *is* about, and everything else rests on the same answer. Rungs 4 and 5 are a
suggestion for people: where more than one permit may be meant none is, and neither makes a finding nor prevents one.
Whether a near number excuses an unknown one as a typing error is decided in FRD-05, by more than this.

What an event leaves out cannot disagree with a near number. For goods that are merely alike it is not enough: there,
taxon, term and quantity must be said.

Pure functions. Keeping the rung beside the event is ``follow``'s and the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Any

from epix_node.permit.event import Confirmation, Endorsement, Presentation
from epix_node.permit.facts import Case, EventFact, Match, PermitFact, permit_meant
from epix_node.permit.model import Line, PermitType
from epix_node.permit.number import PermitKey, normalised
from epix_node.permit.quantity import NotAQuantityError, Quantity
from epix_node.rules.ruleset import MatchingParameters


class Rung(IntEnum):
    """How an event was matched; the smaller, the surer."""

    SAME_DOCUMENT = 1
    SAME_KEY = 2
    ONLY_CANDIDATE = 3
    NEAR_NUMBER = 4
    ALIKE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The permits that an event about a number that nobody issued may mean."""

    near: tuple[PermitFact, ...] = ()
    alike: tuple[PermitFact, ...] = ()
    confirmed: frozenset[PermitKey] = frozenset()
    """Those of them whose goods arrived already, so that they are meant by nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Goods as an event tells of them, on paper or as found; ``None`` where it says nothing."""

    block: str
    taxon: str | None
    term: str | None
    quantity: Quantity | None


def match(case: Case, event: EventFact, candidates: Candidates, *, parameters: MatchingParameters) -> Match | None:
    """What the event is about by its own words: rung 1 cannot be told from them, and is told as 2."""
    meant = permit_meant(case.permits, event.body.permit, on=event.body.date)
    if meant is not None:
        ref = event.body.permit.ref
        is_exact = (ref.type, ref.year) == (meant.key.type, meant.key.year)
        return Match(rung=Rung.SAME_KEY if is_exact else Rung.ONLY_CANDIDATE, permit=meant.key)
    return None if case.permits or case.void else suggested([event], candidates, parameters=parameters)


def suggested(events: Collection[EventFact], candidates: Candidates, *, parameters: MatchingParameters) -> Match | None:
    """The one permit that all these events may mean, by the highest rung that leads to it; ``None`` for several."""
    ladder: tuple[tuple[Rung, tuple[PermitFact, ...], Callable[[PermitFact, EventFact], bool]], ...] = (
        (Rung.NEAR_NUMBER, candidates.near, may_be_meant),
        (Rung.ALIKE, candidates.alike, lambda fact, event: is_alike(fact, event, parameters)),
    )
    for rung, facts, fits in ladder:
        found = {
            fact.key
            for fact in facts
            if fact.key not in candidates.confirmed and all(fits(fact, event) for event in events)
        }
        if found:
            return Match(rung=rung, permit=found.pop()) if len(found) == 1 else None
    return None


def may_be_meant(fact: PermitFact, event: EventFact) -> bool:
    """Whether a permit with a near number is for the same partner and the same goods, as far as the event says."""
    return (
        not fact.is_void
        and fact.permit.destination is not None  # else nobody knows whether its partner is the same
        and event.body.permit.type in {None, fact.permit.type}
        and is_of_its_countries(fact, event)
        and has_its_goods(fact, event)
    )


def is_alike(fact: PermitFact, event: EventFact, parameters: MatchingParameters) -> bool:
    """Whether the event is for all it says about the goods, the route and the time of this permit.

    Events of the importing side only: others do not say where the goods went.
    """
    permit = fact.permit
    if fact.is_void or permit.multi_use or permit.type == PermitType.IMPORT or isinstance(event.body, Endorsement):
        return False
    if event.body.permit.type not in {None, permit.type} or not event.acts_for(permit.destination):
        return False
    if permit.issued_on is None or abs(event.body.date - permit.issued_on) > parameters.alike:
        return False
    seen = tuple(goods_counted(event))
    return bool(seen) and all(any(_is_as_much(line, goods, parameters) for line in permit.lines) for goods in seen)


def is_of_its_countries(fact: PermitFact, event: EventFact) -> bool:
    """Whether the event's Party is on the side of it: the exporting one endorses, the importing one confirms."""
    permit = fact.permit
    is_exporter = event.acts_for(permit.issuer) or event.acts_for(permit.origin_country)
    is_importer = permit.destination is None or event.acts_for(permit.destination)
    if isinstance(event.body, Endorsement):
        return is_exporter
    return is_importer if isinstance(event.body, Confirmation) else is_exporter or is_importer


def has_its_goods(fact: PermitFact, event: EventFact) -> bool:
    """Whether all that the event says of goods is so on a line of the permit: block, taxon and class of units."""
    return all(
        any(_may_be_of(line, goods) for line in fact.permit.lines if goods.block in {"", _block(line.block)})
        for goods in goods_told(event)
    )


def goods_told(event: EventFact) -> Iterator[Goods]:
    """All goods that the event speaks of, those that were counted and those on the paper."""
    if not isinstance(event.body, Presentation):
        for line in event.body.lines:
            yield Goods(block=_block(line.block), taxon=line.taxon, term=line.term, quantity=line.quantity)
    yield from _on_paper(event)


def goods_counted(event: EventFact) -> Iterator[Goods]:
    """What was counted, with what the paper says where the event does not; of a presentation, what the paper says."""
    paper = {goods.block: goods for goods in _on_paper(event)}
    if isinstance(event.body, Presentation):
        yield from paper.values()
        return
    for line in event.body.lines:
        shown = paper.get(_block(line.block))
        yield Goods(
            block=_block(line.block),
            taxon=line.taxon or (shown.taxon if shown else None),
            term=line.term or (shown.term if shown else None),
            quantity=line.quantity,
        )


def _on_paper(event: EventFact) -> Iterator[Goods]:
    for shown in (event.body.presented or {}).get("lines") or ():
        yield Goods(
            block=_block(shown.get("block")),
            taxon=shown.get("taxon"),
            term=shown.get("term"),
            quantity=_quantity(shown),
        )


def _quantity(shown: Mapping[str, Any]) -> Quantity | None:
    """An amount of which the paper may say the unit alone."""
    if not shown.get("unit"):
        return None
    for amount in (shown.get("quantity"), "0"):
        try:
            return Quantity.parse(str(amount), str(shown["unit"]).upper())
        except NotAQuantityError:
            continue
    return None


def _may_be_of(line: Line, goods: Goods) -> bool:
    permitted = line.permitted()
    return _plain(goods.taxon) in {"", _plain(line.taxon)} and (
        goods.quantity is None or permitted is None or permitted.unit_class is goods.quantity.unit_class
    )


def _is_as_much(line: Line, goods: Goods, parameters: MatchingParameters) -> bool:
    permitted = line.permitted()
    if not goods.taxon or not goods.term or goods.quantity is None or permitted is None or permitted.micro <= 0:
        return False
    if (_plain(goods.taxon), _plain(goods.term)) != (_plain(line.taxon), _plain(line.term)):
        return False
    if permitted.unit_class is not goods.quantity.unit_class:
        return False
    return parameters.least_ratio <= Fraction(goods.quantity.micro, permitted.micro) <= parameters.most_ratio


def _block(letter: str | None) -> str:
    return normalised(letter or "")


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
