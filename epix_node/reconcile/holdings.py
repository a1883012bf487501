"""What a country sent on under certificates that draw on a document, against what had come to it (FRD-06, FRD-07).

Every doubt is for the holder, since an honest one cannot prove what others did not write down:

* What had come is the most that can have come: what left under the document, or arrived if that is more; what was
  permitted where nobody counted either. Only where a holder's own border counted less is there something to review.
* Goods that came on under another country's certificate are not new, also where box 12a was left empty and both
  certificates name the same permit of origin. They may have come if that certificate led there, or goods of it
  arrived there, no later than the holder's own certificates were issued: a certificate is for goods that were imported
  (Art. IV.5(a)). What left for a country without a node may have come on from there, for all that is known.
* What went on is what moved: endorsed, or confirmed. Goods that were turned away or came home may leave once more, and
  goods whose certificate was withdrawn may not have left: of these only what was let in somewhere counts. A certificate
  that expired unused counts nothing; one that can still be used is for review.
* Lines of specimens that were confiscated or acquired before the Convention (sources I, O) may be of another stock,
  unless the document says the same of its own.
* A country does not hold what it sent away itself: certificates of the document's own issuer draw on nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from epix_node.permit.event import PermitRef
from epix_node.permit.facts import Case, PermitFact, permits_meant
from epix_node.permit.finding import FindingClass
from epix_node.permit.model import PermitType
from epix_node.reconcile.chains import MAX_DEPTH, Drawn
from epix_node.reconcile.goods import Deficit, Goods, deficits
from epix_node.reconcile.journey import later
from epix_node.reconcile.supply import Supply, amounts, supply_of
from epix_node.reconcile.view import View

_SEVERAL = 2
"""One holder's balance is FRD-06."""
_OTHER_STOCK = frozenset({"I", "O"})
"""Sources of specimens that may be of another stock than the document's (domain-rules.md 2.4, guards of FRD-06)."""


class Why(StrEnum):
    """In which respect more went on than had come."""

    MOVED = "moved"
    """More moved than can have come."""
    COUNTED = "counted"
    """More moved than the holder's own border counted."""
    USABLE = "usable"
    """More will have moved, if the certificates that are still valid are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What one certificate takes of a document: what ``moved``, and what ``may`` move or be of it beside that."""

    drawn: Drawn
    moved: tuple[Goods, ...]
    may: tuple[Goods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdraft:
    """More went on from these holders than can have come to them; ``beside`` are certificates that explain less."""

    holders: tuple[str, ...]
    class_: FindingClass
    why: Why
    deficits: tuple[Deficit, ...]
    draws: tuple[Draw, ...]
    beside: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holding:
    """One holder's certificates, and what came to it beside what came under the document."""

    holder: str
    draws: tuple[Draw, ...]
    came: tuple[Goods, ...]
    may_have_come: tuple[Goods, ...]
    by: tuple[Drawn, ...]

    @property
    def moved(self) -> list[Goods]:
        return [goods for draw in self.draws for goods in draw.moved]

    @property
    def may(self) -> list[Goods]:
        return [goods for draw in self.draws for goods in draw.may]


def overdrafts(case: Case, fact: PermitFact, view: View) -> tuple[Overdraft, ...]:
    """Who sent on more than had come under this document: single holders first, then the others together.

    Who alone sent on too much is not counted among the others, and nobody is named in both ways (0.17).
    """
    if fact.permit.multi_use or fact.permit.type == PermitType.IMPORT:
        return ()
    drawn = _draws(case, fact, view)
    supply = supply_of(fact, case.events_of(fact))
    if not drawn or supply is None:
        return ()
    # What moved is judged by itself: a certificate that expires must not change what is said of others.
    movers = _holdings([draw for draw in drawn if draw.moved], case, fact, view)
    everybody = _holdings(drawn, case, fact, view)
    alone = {one.holder: found for one in movers if (found := _alone(one, supply, view)) is not None}
    for one in everybody:
        if one.holder not in alone and (found := _may_be_alone(one, supply, view)) is not None:
            alone[one.holder] = found
    guilty = {holder for holder, found in alone.items() if found.class_ is FindingClass.ALERT}
    together = _together([one for one in movers if one.holder not in guilty], supply, view)
    if together is None:
        together = _may_be_together([one for one in everybody if one.holder not in alone], supply, view)
    named = together.holders if together is not None else ()
    single = tuple(found for holder, found in sorted(alone.items()) if holder not in named)
    return single if together is None else (*single, together)


def _alone(one: _Holding, supply: Supply, view: View) -> Overdraft | None:
    """A holder's balance: by what moved, and by what its own border counted."""
    known, all_of_it = (*supply.most, *one.came), (*supply.most, *one.came, *one.may_have_come)
    if short := deficits(one.moved, known, view.parameters):
        return _moved([one], short, deficits(one.moved, all_of_it, view.parameters), view)
    there = supply.counted_by(one.holder)
    if there is not None:
        short = deficits(one.moved, (*there, *one.came, *one.may_have_come), view.parameters)
        if short:
            return _overdraft([one], FindingClass.REVIEW, Why.COUNTED, short)
    return None


def _may_be_alone(one: _Holding, supply: Supply, view: View) -> Overdraft | None:
    """The same with what may still move."""
    short = deficits((*one.moved, *one.may), (*supply.most, *one.came, *one.may_have_come), view.parameters)
    return _overdraft([one], FindingClass.REVIEW, Why.USABLE, short) if short else None


def _together(movers: list[_Holding], supply: Supply, view: View) -> Overdraft | None:
    """Several holders' balance, by what moved."""
    if len(movers) < _SEVERAL:
        return None
    moved = [goods for one in movers for goods in one.moved]
    known = (*supply.most, *(goods for one in movers for goods in _at_most(one.came, one.moved)))
    short = deficits(moved, known, view.parameters)
    if not short:
        return None
    unseen = [goods for one in movers for goods in _at_most(one.may_have_come, one.moved)]
    return _moved(movers, short, deficits(moved, (*known, *unseen), view.parameters), view)


def _may_be_together(holdings: list[_Holding], supply: Supply, view: View) -> Overdraft | None:
    """The same with what may still move."""
    if len(holdings) < _SEVERAL:
        return None
    wanted = [(one, (*one.moved, *one.may)) for one in holdings]
    known = [goods for one, mine in wanted for goods in _at_most((*one.came, *one.may_have_come), mine)]
    short = deficits((goods for _, mine in wanted for goods in mine), (*supply.most, *known), view.parameters)
    return _overdraft(holdings, FindingClass.REVIEW, Why.USABLE, short) if short else None


def _moved(
    movers: Sequence[_Holding], short: tuple[Deficit, ...], unexplained: tuple[Deficit, ...], view: View
) -> Overdraft:
    """Class A only where no assumption is in it, and nothing that is out of sight can explain it."""
    is_cut = any(drawn.depth == MAX_DEPTH for drawn in view.drawn)
    is_sure = not is_cut and any(one.is_certain for one in unexplained)
    return _overdraft(movers, FindingClass.ALERT if is_sure else FindingClass.REVIEW, Why.MOVED, short)


def _overdraft(
    holdings: Sequence[_Holding],
    class_: FindingClass,
    why: Why,
    short: tuple[Deficit, ...],
) -> Overdraft:
    draws = [draw for one in holdings for draw in one.draws if draw.moved or (why is Why.USABLE and draw.may)]
    mine = {draw.drawn.key for draw in draws}
    beside = {drawn.key: drawn for one in holdings for drawn in one.by if drawn.key not in mine}
    return Overdraft(
        holders=tuple(one.holder for one in holdings),
        class_=class_,
        why=why,
        deficits=short,
        draws=tuple(draws),
        beside=tuple(beside.values()),
    )


def _at_most(came: Iterable[Goods], sent: Iterable[Goods]) -> tuple[Goods, ...]:
    """What came to a holder explains no more than what it sent on, where all of both is of one kind."""
    came, sent = tuple(came), tuple(sent)
    if len({(goods.term, goods.unit_class) for goods in (*came, *sent)}) != 1:
        return came
    left, found = sum(goods.micro for goods in sent), []
    for goods in came:
        if taken := min(left, goods.micro):
            found.append(replace(goods, micro=taken))
            left -= taken
    return tuple(found)


def _draws(case: Case, fact: PermitFact, view: View) -> list[Draw]:
    """What other countries' certificates take of the document: those of which something moved or may move."""
    others = (one for one in view.drawn if one.depth == 1 and one.key.issuer != fact.key.issuer)
    found = (_draw(drawn, case, fact, view) for drawn in others)
    return [draw for draw in found if draw.moved or draw.may]


def _holdings(draws: Iterable[Draw], case: Case, fact: PermitFact, view: View) -> list[_Holding]:
    """The same by holder."""
    of_holder: dict[str, list[Draw]] = {}
    for draw in draws:
        of_holder.setdefault(draw.drawn.key.issuer, []).append(draw)
    return [_holding(holder, tuple(mine), case, fact, view) for holder, mine in sorted(of_holder.items())]


def _draw(drawn: Drawn, case: Case, fact: PermitFact, view: View) -> Draw:
    own = {source for line in fact.permit.lines for source in line.sources}
    moved: list[Goods] = []
    may: list[Goods] = []
    for place, line in enumerate(drawn.permit.lines):
        if not _is_on(drawn.parents[place], case, fact):
            continue
        told = amounts(drawn, place)
        if told.moved is not None and told.moved.micro > 0:
            (may if _OTHER_STOCK & set(line.sources) - own else moved).append(told.moved)
        elif told.permitted is not None and _is_usable(drawn, on=view.now.date()):
            may.append(told.permitted)
    return Draw(drawn=drawn, moved=tuple(moved), may=tuple(may))


def _holding(holder: str, draws: tuple[Draw, ...], case: Case, fact: PermitFact, view: View) -> _Holding:
    latest = max(draw.drawn.issued_on for draw in draws)
    came: list[Goods] = []
    may_have_come: list[Goods] = []
    by: list[Drawn] = []
    for drawn in view.drawn:
        if drawn.key.issuer == holder:
            continue
        is_seen = _came_to(drawn, holder, by=latest, grace=view.parameters.chains.on_arrival)
        if is_seen is None:
            continue
        sent = [_sent(drawn, place, by=latest) for place in _places(drawn, case, fact)]
        goods = [one for one in sent if one is not None and one.micro > 0]
        if goods:
            by.append(drawn)
            (came if is_seen else may_have_come).extend(goods)
    return _Holding(holder=holder, draws=draws, came=tuple(came), may_have_come=tuple(may_have_come), by=tuple(by))


def _came_to(drawn: Drawn, holder: str, *, by: date, grace: timedelta) -> bool | None:
    """Whether goods of the certificate came to the holder by that day; None: no. False: they may have, unseen.

    Where they are confirmed there, that decides; else that they had left for there by then.
    """
    there = [one.on for one in drawn.passages if one.is_arrival and drawn.is_for(one.party, holder)]
    if there:
        return True if min(there) <= later(by, grace) else None
    left = min((one.on for one in drawn.passages if one.is_departure), default=drawn.issued_on)
    if left > by:
        return None
    if holder in drawn.leads_to or holder == drawn.permit.destination:
        return True
    return None if drawn.leads_to else False


def _places(drawn: Drawn, case: Case, fact: PermitFact) -> list[int]:
    """The lines of a certificate that may be goods of the document; of one further away all that draw on anything."""
    parents = enumerate(drawn.parents)
    return [place for place, ref in parents if ref is not None and (drawn.depth > 1 or _is_on(ref, case, fact))]


def _sent(drawn: Drawn, place: int, *, by: date) -> Goods | None:
    """What the line sent on; where nothing is known to have moved, what it permits."""
    told = amounts(drawn, place)
    return told.permitted if _is_usable(drawn, on=by) else told.moved


def _is_usable(drawn: Drawn, *, on: date) -> bool:
    """Whether nothing moved under the certificate and still may."""
    valid_until = drawn.permit.valid_until
    return not drawn.passages and not drawn.is_withdrawn and (valid_until is None or on <= valid_until)


def _is_on(ref: PermitRef | None, case: Case, fact: PermitFact) -> bool:
    """Whether a line draws on this very document; where its number fits several and tells not which, on none."""
    if ref is None or (ref.issuer, ref.number) != (case.issuer, case.number):
        return False
    candidates = [one for one in case.permits if one.permit.type != PermitType.IMPORT]
    if ref.type is None:  # box 12 names what the country of origin gave
        candidates = [one for one in candidates if one.permit.type != PermitType.REEXPORT] or candidates
    meant = permits_meant(candidates, ref)
    return len(meant) == 1 and meant[0] is fact
