"""Nobody who sells what he has is ever accused, however sloppily it is written down.

Lots of goods are split and sent from country to country, each under a certificate that was issued when they were
there. Borders forget to endorse or to confirm, buyers refuse, boxes 12a stay empty. Whoever balances a document of the
chain, by documents or by extracts, finds nothing of class A.

One thing is left out: goods that went to a country without a node and come back from there to who had sold them, with
an empty box 12a. Nothing that any node holds tells them from a second load (ADR 36).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.model import Origin
from epix_node.reconcile.chains import MAX_DEPTH, Drawn
from epix_node.reconcile.detectors import frd06, frd07
from tests.reconcile.builders import NUMBER, case, confirmed, day, endorsed, goods, line, noon, permit, view
from tests.reconcile.chains import ORIGIN, Certificate, sold

COUNTRIES = ("XB", "XC", "XD", "XE", "XN")
FIRST = day("03-20")


@dataclass(frozen=True)
class Lot:
    """Goods in a country since a day, and the certificate by which they came; None: under XA's permit."""

    where: str
    amount: int
    since: date
    by: Certificate | None = None
    sold_by: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sale:
    """How a part of some lot is sold, and what is written down of it."""

    lot: int
    share: int
    to: int
    waits: int
    is_endorsed: bool
    is_confirmed: bool
    is_refused: bool
    names_last: bool
    is_unused: bool


SALES = st.lists(
    st.builds(
        Sale,
        lot=st.integers(0, 9),
        share=st.integers(1, 4),
        to=st.integers(0, 4),
        waits=st.integers(0, 40),
        is_endorsed=st.sampled_from([True, True, True, False]),
        is_confirmed=st.sampled_from([True, True, False]),
        is_refused=st.sampled_from([False, False, False, True]),
        names_last=st.booleans(),
        is_unused=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=9,
)


def traded(sales: list[Sale]) -> list[Certificate]:
    """The certificates of these sales, one after another."""
    lots = [Lot(where="XB", amount=1_000, since=FIRST)]
    made: list[Certificate] = []
    on = FIRST
    for number, sale in enumerate(sales):
        place = sale.lot % len(lots)
        lot = lots[place]
        to = COUNTRIES[sale.to] if COUNTRIES[sale.to] != lot.where else "XB" if lot.where != "XB" else "XC"
        amount = lot.amount * sale.share // 4
        if not amount or ("XN" in {*lot.sold_by, lot.where} and to in lot.sold_by):
            continue
        on = max(on, lot.since) + timedelta(days=sale.waits)
        certificate = replace(_issued(lot, amount, to, on, number, names_last=sale.names_last), depth=_depth(lot, sale))
        if sale.is_unused:
            made.append(certificate)
            continue
        left, came = on + timedelta(days=2), on + timedelta(days=6)
        if sale.is_endorsed:
            certificate = certificate.left(str(left), goods(str(amount)))
        if sale.is_refused:
            certificate = certificate.came(str(came), goods(str(amount)), outcome="refused")
            lots[place] = replace(lot, since=came + timedelta(days=3))  # and it went home
        else:
            if sale.is_confirmed and to != "XN":
                certificate = certificate.came(str(came), goods(str(amount)))
            lots[place] = replace(lot, amount=lot.amount - amount)
            lots.append(Lot(where=to, amount=amount, since=came, by=certificate, sold_by=lot.sold_by | {lot.where}))
        made.append(certificate)
    return [one for one in made if one.fact.permit.issuer != "XN"]  # nobody tells of those


def _depth(lot: Lot, sale: Sale) -> int:
    return lot.by.depth + 1 if sale.names_last and lot.by is not None else 1


def _issued(lot: Lot, amount: int, to: str, on: date, number: int, *, names_last: bool) -> Certificate:
    last = None
    if names_last and lot.by is not None:
        last = Origin(country=lot.by.fact.permit.issuer, permit=lot.by.number, date=lot.by.fact.permit.issued_on)
    return sold(
        str(amount),
        by=lot.where,
        to=to,
        on=str(on),
        until=str(on + timedelta(days=180)),
        number=f"26{lot.where}{number:06}",
        moved=False,
        last=last,
    )


def below(number: tuple[str, str], made: list[Certificate]) -> list[Certificate]:
    """What draws on this document, directly or through others, with its depth."""
    found: list[Certificate] = []
    level, seen = {number}, {number}
    for depth in range(1, MAX_DEPTH + 1):
        more = []
        for one in made:
            drawn = one.as_held()
            key = (drawn.key.issuer, drawn.key.number)
            parents = {(ref.issuer, ref.number) for ref in drawn.parents if ref is not None}
            if key not in seen and parents & level:
                more.append(replace(one, depth=depth))
        level = {(one.fact.key.issuer, one.fact.key.number) for one in more}
        seen |= level
        found += more
    return found


def accused(facts: list[PermitFact | EventFact], drawn: list[Drawn]) -> list[str]:
    fact = facts[0]
    assert isinstance(fact, PermitFact)
    about = case(*facts, number=fact.key.number, issuer=fact.key.issuer)
    seen = view(now=noon(day("2027-03-01")), drawn=tuple(drawn))
    return [
        draft.summary for detector in (frd06, frd07) for draft in detector.detect(about, seen) if draft.class_ == "A"
    ]


@settings(max_examples=100, deadline=None)
@given(SALES, st.booleans(), st.booleans())
def test_whoever_sells_what_he_has_is_never_accused(
    sales: list[Sale],
    is_endorsed: bool,  # noqa: FBT001  # drawn
    is_confirmed: bool,  # noqa: FBT001  # drawn
) -> None:
    """Also where XA's border, or XB's, forgot to write down what passed."""
    original: list[PermitFact | EventFact] = [permit(line(quantity="1000", term="SKI"), number=NUMBER)]
    original += [endorsed("03-10", goods("1000"))] if is_endorsed else []
    original += [confirmed("03-12", goods("1000"))] if is_confirmed else []
    made = traded(sales)
    documents: list[list[PermitFact | EventFact]] = [original, *([one.fact, *one.events] for one in made)]
    for facts in documents:
        fact = facts[0]
        assert isinstance(fact, PermitFact)
        drawing = below((fact.key.issuer, fact.key.number), made)
        assert accused(facts, [one.as_held() for one in drawing]) == []
        assert accused(facts, [one.as_told() for one in drawing]) == []


def test_the_same_goods_sold_twice_are_found_among_them() -> None:
    """The law above would hold of detectors that never say anything."""
    twice = [
        sold("900", by=by, to=to, number=f"26{by}000001", on="04-01", moved=False).left("04-03", goods("900"))
        for by, to in (("XB", "XC"), ("XD", "XE"))
    ]
    original = [permit(line(quantity="1000", term="SKI")), endorsed("03-10", goods("1000"))]
    assert ORIGIN.permit == NUMBER
    assert len(accused(original, [one.as_told() for one in twice])) == 1
