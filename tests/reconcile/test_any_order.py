"""The same facts give the same cards and findings, in whatever order, pages and rounds they come (contract 5).

A history is made of statements by three Parties about four numbers. It is delivered to stores of the issuer's node: as
it happened, and shuffled into other pages, at other times, partly twice. All of them must end alike, and reconciling
everything again must change nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import Body, ExchangeDocument
from epix_node.permit.event import (
    Basis,
    Confirmation,
    Correction,
    Endorsement,
    EventLine,
    Outcome,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.event_bodies import TIMBER_BASES
from epix_node.permit.extract import extract_of
from epix_node.permit.facts import Match, PermitFact, Source
from epix_node.permit.model import Line, Origin, Permit, Quota, TradeParty
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.quantity import Quantity
from epix_node.permit.status import standing
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.record import record_page
from epix_node.rules.ruleset import load_ruleset
from epix_node.store import cases, extracts, findings, orphans
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database, Session
from epix_node.trust.keyring import Keyring
from tests.acts.conftest import START, make_keys
from tests.reconcile.everything import reconcile_all
from tests.stores import open_store

END = START + timedelta(days=40)
PERMIT, TWIN, NEAR, IMPORT, NOBODYS = "26XA000018", "26XA000018", "26XA000019", "26XB000777", "26XA00OO18"
NUMBERS = [("XA", PERMIT), ("XA", NEAR), ("XA", NOBODYS), ("XB", IMPORT)]
KEYS = {party: make_keys(party) for party in ("XA", "XB", "XC")}
KEYRING = Keyring({party: keys.manifest for party, keys in KEYS.items()})


def made(issuer: str, number: str, type_: str = "E", **members: Any) -> Permit:
    sender, receiver = ("XA", "XB")
    given: dict[str, Any] = {
        "issued_on": date(2026, 3, 2),
        "valid_until": date(2026, 3, 9),
        "exporter": TradeParty(country=sender),
        "importer": TradeParty(country=receiver),
        "lines": (Line(block="A", taxon="Python regius", term="SKI", quantity="10", unit="NAR"),),
        **members,
    }
    return Permit(type=type_, number=number, issuer=issuer, **given)


QUOTA_LINE = Line(
    block="A",
    taxon="Python regius",
    appendix="I",
    sources=("W",),
    term="SKI",
    quantity="10",
    unit="NAR",
    quota=Quota(annual="11", unit="NAR"),
)
"""Used once it is near to its quota, used twice above it (FRD-17)."""
PERMITS = [
    made("XA", PERMIT, lines=(QUOTA_LINE,)),
    made("XA", TWIN, "R", valid_from=date(2026, 3, 6), valid_until=date(2026, 3, 12)),
    made("XA", NEAR, multi_use=True, importer=None),
    made("XB", IMPORT, "I"),
]


def certificate(number: str, parent: str, *, country: str = "XA", issuer: str = "XB") -> Permit:
    """XB sends goods of XA's permit on to XC."""
    line = Line(block="A", taxon="Python regius", term="SKI", quantity="8", unit="NAR")
    came_with = replace(line, origin=Origin(country=country, permit=parent))
    countries = {"exporter": TradeParty(country=issuer), "importer": TradeParty(country="XC")}
    return made(issuer, number, "R", **countries, lines=(came_with,))


TOLD_OF = [certificate("26XB000001", PERMIT), certificate("26XB000002", PERMIT), PERMITS[3]]
"""Permits of XB of which XA is told by extracts; the last one it may receive itself, too."""


class Teller:
    """Writes what the Parties state into their registers, an hour to a day after one another."""

    def __init__(self) -> None:
        self.told: list[Arrival] = []
        self.at = START
        self.events: list[tuple[Arrival, Endorsement | Confirmation | Presentation]] = []

    def tell(self, party: str, body: Body, type_: DocumentType, subject: NumberRef, **header: Any) -> Arrival:
        index = sum(a.source.party == party for a in self.told)
        digest = hashlib.sha256(f"{party} {index}".encode()).hexdigest()
        self.at += timedelta(hours=1 + 11 * len(self.told) % 31)
        document = ExchangeDocument(
            header=Header(
                environment="sandbox",
                party=party,
                type=type_,
                issued=self.at,
                salt=bytes(16),
                permit_salt=bytes(16),
                permit_issuer=subject.issuer,
                permit_type=subject.type,
                permit_number=subject.number,
                permit_year=subject.year,
                **header,
            ),
            body=body,
        )
        source = Source(document=digest, type=type_.value, party=party, index=index, at=self.at)
        arrival = Arrival(document=document, xml=digest.encode(), source=source)
        self.told.append(arrival)
        return arrival

    def permit(self, permit: Permit) -> None:
        key = permit.key
        subject = NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)
        self.tell(permit.issuer, permit, DocumentType.PERMIT, subject)

    def extract(self, permit: Permit, endorsed: str | None) -> None:
        """With what left so far; None: it was withdrawn."""
        key = permit.key
        source = Source(document="d" * 64, type="permit", party=permit.issuer, index=0, at=START)
        lines = standing(PermitFact(source=source, permit=permit), ()).lines
        told = extract_of(
            permit,
            permit_sha256="d" * 64,
            withdrawn=WithdrawalReason.LOST if endorsed is None else None,
            balances=[replace(line, endorsed=endorsed or "0") for line in lines],
        )
        subject = NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)
        self.tell(permit.issuer, told, DocumentType.EXTRACT, subject)

    def event(self, party: str, body: Endorsement | Confirmation | Presentation, **header: Any) -> None:
        kinds = {
            Endorsement: DocumentType.ENDORSEMENT,
            Confirmation: DocumentType.CONFIRMATION,
            Presentation: DocumentType.PRESENTATION,
        }
        told = self.tell(party, body, kinds[type(body)], body.permit.ref, event_id=body.event_id, **header)
        self.events.append((told, body))

    def withdraw(self, permit: Permit, reason: WithdrawalReason) -> None:
        key = permit.key
        successor = PermitKey(issuer=key.issuer, type=key.type, number=NEAR, year=2026)
        body = Withdrawal(permit=key, reason=reason, replaced_by=successor if reason == "replaced" else None)
        subject = NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)
        self.tell(permit.issuer, body, DocumentType.WITHDRAWAL, subject)

    def correct(self, place: int, other: Endorsement | Confirmation | Presentation | None) -> None:
        """Take an event back that was not taken back before; with ``other`` put that into its place."""
        old, body = self.events.pop(place)
        party, event_id = old.source.party, f"C-{len(self.told)}"
        subject = body.permit.ref
        correction = Correction(event_id=event_id, supersedes=body.event_id, permit=body.permit)
        header = {"event_id": event_id, "supersedes": old.source.document}
        self.tell(party, correction, DocumentType.CORRECTION, subject, **header)
        if other is not None and type(other) is type(body):
            self.event(party, replace(other, event_id=event_id), supersedes=old.source.document)


def refs() -> st.SearchStrategy[PermitRef]:
    return st.builds(
        lambda number, type_, issued: PermitRef(issuer=number[0], number=number[1], type=type_, issued_on=issued),
        st.sampled_from(NUMBERS),
        st.sampled_from([None, "E", "R"]),
        st.sampled_from([None, date(2026, 3, 2)]),
    )


LINES = st.lists(
    st.builds(
        EventLine,
        block=st.sampled_from(["A", "A", "A", "Z", None]),
        quantity=st.sampled_from([Quantity.parse(q, u) for q, u in (("10", "NAR"), ("4", "NAR"), ("1", "KGM"))]),
        outcome=st.sampled_from([None, None, Outcome.REFUSED, Outcome.SEIZED]),
        taxon=st.sampled_from([None, "Python regius", "Boa constrictor", "Python spp.", "a snake"]),
    ),
    max_size=2,
).map(tuple)
DATES = st.integers(1, 14).map(lambda n: date(2026, 3, n))
GOODS: dict[str, st.SearchStrategy[Any]] = {
    "event_id": st.just("later"),
    "permit": refs(),
    "office": st.sampled_from(["P-1", "P-2"]),
    "date": DATES,
    "lines": LINES,
    "transport_document": st.sampled_from([None, None, "AWB 1", "AWB-2"]),
    "import_permit": st.sampled_from([None, PermitRef(issuer="XB", number=IMPORT)]),
    "continues": st.sampled_from([None, None, "E-4", "E-5", "E-6"]),
    "basis": st.sampled_from(
        [None, None, None, *(Basis(kind=k, certified_by="XC", certified_on=START.date()) for k in TIMBER_BASES)]
    ),
}
SHOWN_AGAIN = st.builds(
    Confirmation,
    **{
        **GOODS,
        "outcome": st.sampled_from([Outcome.REFUSED, Outcome.RETURNED, Outcome.RELEASED]),
        "transport_document": st.sampled_from(["AWB 1", "awb-1", "AWB-2"]),
        "continues": st.none(),
    },
)
EVENTS = st.one_of(
    st.builds(Endorsement, **GOODS),
    st.builds(Confirmation, outcome=st.sampled_from([*Outcome, *[Outcome.RELEASED] * 4]), **GOODS),
    st.builds(Confirmation, outcome=st.just(Outcome.RELEASED), **GOODS),
    st.builds(
        Presentation,
        event_id=st.just("later"),
        permit=refs(),
        office=st.just("P-1"),
        date=DATES,
        presented=st.sampled_from([{"type": "R"}, {"lines": [{"block": "A", "quantity": "100", "unit": "NAR"}]}]),
    ),
)
STEPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(["XA", "XB", "XC"]), EVENTS),
    st.tuples(st.just("event"), st.sampled_from(["XA", "XB", "XC"]), EVENTS),
    st.tuples(st.just("correct"), st.integers(0, 9), st.none() | EVENTS),
    st.tuples(st.just("withdraw"), st.integers(0, 3), st.sampled_from(["stolen", "replaced"])),
    st.tuples(st.just("permit"), st.integers(0, 3), st.none()),
    st.tuples(st.just("extract"), st.integers(0, 2), st.sampled_from(["0", "8", "20", None])),
)
SHIPMENT_STEPS = st.one_of(
    st.tuples(st.just("event"), st.just("XB"), SHOWN_AGAIN),
    st.tuples(st.just("event"), st.just("XB"), SHOWN_AGAIN),
    st.tuples(st.just("correct"), st.integers(0, 9), st.none() | SHOWN_AGAIN),
    st.tuples(st.just("withdraw"), st.integers(0, 3), st.just("replaced")),
    st.tuples(st.just("permit"), st.integers(0, 3), st.none()),
)


SKINS = "26XA000031"
CHAIN = [
    made("XA", SKINS, lines=(Line(block="A", taxon="Python regius", term="SKI", quantity="10", unit="NAR"),)),
    certificate("26XB000031", SKINS),
    certificate("26XB000032", SKINS),
    certificate("26XC000031", SKINS, issuer="XC"),
    certificate("26XB000033", "26XC000031", country="XC"),
    certificate("26XC000032", "26XB000033", country="XB", issuer="XC"),
]
"""XA's permit for ten skins, certificates that draw on it, on one another, and in a circle."""


def moved(kind: type[Endorsement | Confirmation]) -> st.SearchStrategy[Any]:
    outcome = {"outcome": st.sampled_from([Outcome.RELEASED, Outcome.RELEASED, Outcome.REFUSED])}
    return st.builds(
        kind,
        event_id=st.just("later"),
        permit=st.sampled_from([PermitRef(issuer=p.issuer, number=p.number) for p in CHAIN]),
        office=st.just("P-1"),
        date=DATES,
        lines=st.sampled_from(["4", "8", "15"]).map(
            lambda q: (EventLine(block="A", quantity=Quantity.parse(q, "NAR"), outcome=None),)
        ),
        **(outcome if kind is Confirmation else {}),
    )


CHAIN_STEPS = st.one_of(
    st.tuples(st.just("chain"), st.integers(1, 5), st.none()),
    st.tuples(st.just("event"), st.sampled_from(["XA", "XB", "XC"]), moved(Endorsement) | moved(Confirmation)),
    st.tuples(st.just("event"), st.sampled_from(["XB", "XC"]), moved(Endorsement)),
    st.tuples(st.just("correct"), st.integers(0, 9), st.none() | moved(Endorsement)),
    st.tuples(st.just("extract"), st.integers(3, 5), st.sampled_from(["0", "8", "20", None])),
    st.tuples(st.just("take back"), st.integers(0, 5), st.just("lost")),
)


def history(steps: Sequence[tuple[str, Any, Any]]) -> list[Arrival]:
    teller, issued = Teller(), set()
    for what, which, more in steps:
        if what == "permit" and which not in issued:
            issued.add(which)
            teller.permit(PERMITS[which])
        elif what == "event":
            teller.event(which, replace(more, event_id=f"E-{len(teller.told)}"))
        elif what == "correct" and teller.events:
            teller.correct(which % len(teller.events), more)
        elif what == "extract":
            teller.extract([*TOLD_OF, *CHAIN[3:]][which], more)
        elif what == "chain" and which + 100 not in issued:
            issued.add(which + 100)
            teller.permit(CHAIN[which])
        elif what == "take back" and which + 100 in issued:
            teller.withdraw(CHAIN[which], WithdrawalReason(more))
        elif what == "withdraw" and which in issued:
            teller.withdraw(PERMITS[which], WithdrawalReason(more))
    return teller.told


PERSPECTIVE = Perspective(
    party="XA",
    codes=frozenset({"XA"}),
    ruleset=load_ruleset(),
    keyring=KEYRING,
)


@contextmanager
def store() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as directory:
        database = open_store(Path(directory) / "XA.sqlite")
        yield database
        database.close()


def deliver(database: Database, page: Sequence[Arrival], now: datetime) -> None:
    """One page, which is of one Party."""
    party = page[0].source.party
    database.write_now(record_page, PERSPECTIVE, party, page, now=now)


def seen(database: Database) -> tuple[Any, ...]:
    """All that a caller could see of it but when this node saw it first."""

    def read(session: Session) -> tuple[Any, ...]:
        shown, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
        live = [replace(f, first_seen=START, opened=None) for f in shown if f.state != "resolved"]
        cards = [card for number in NUMBERS for card in cases.cards(session, *number)]
        told = [extracts.about(session, "XB", permit.key.number) for permit in TOLD_OF]
        return sorted(live, key=lambda f: f.id), cards, told, _rungs(session)

    return database.read_now(read)


def _rungs(session: Session) -> dict[str, Match | None]:
    """How each event was matched."""
    return {e.source.document: e.match for number in NUMBERS for e in cases.load(session, *number).events}


def shuffled(told: list[Arrival], random: Random) -> list[list[Arrival]]:
    """Pages of one Party each, in any order; some come twice."""
    left = random.sample(told, len(told))
    pages = []
    while left:
        party = left[0].source.party
        mine = [a for a in left if a.source.party == party][: random.randint(1, 5)]
        pages.append(mine)
        left = [a for a in left if a not in mine]
    return pages + random.sample(pages, min(2, len(pages)))


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEPS, min_size=4, max_size=16), random=st.randoms(use_true_random=False))
def test_the_same_facts_in_any_order_are_the_same_findings(steps: list[tuple[str, Any, Any]], random: Random) -> None:
    """As it happened; shuffled, with rounds between the pages; and everything once more."""
    assert_order_decides_nothing(steps, random)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(SHIPMENT_STEPS, min_size=4, max_size=12), random=st.randoms(use_true_random=False))
def test_permits_shown_with_one_shipment_are_found_in_any_order(
    steps: list[tuple[str, Any, Any]], random: Random
) -> None:
    """FRD-15 looks at several numbers: whichever of them hears last, all of them know."""
    assert_order_decides_nothing(steps, random)


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_another_permit_for_refused_goods_is_found_whatever_comes_last(order: tuple[int, ...]) -> None:
    """Two permits of XA, refused under the one and let in under the other; then that is corrected."""
    goods = {"office": "P-1", "lines": (), "transport_document": "AWB 1"}
    shown = [
        Confirmation(
            event_id="later",
            permit=PermitRef(issuer="XA", number=number),
            date=date(2026, 3, day),
            outcome=outcome,
            **goods,
        )
        for number, day, outcome in ((PERMIT, 3, Outcome.REFUSED), (NEAR, 4, Outcome.RELEASED))
    ]
    steps = [("permit", 0, None), ("permit", 2, None), *(("event", "XB", body) for body in shown)]
    told = history([*steps, ("correct", 1, None)])
    with store() as database:
        for place in order:
            deliver(database, [told[place]], END)
        assert "FRD-15" in {finding.pattern for finding in seen(database)[0]}
        deliver(database, [told[4]], END)
        assert "FRD-15" not in {finding.pattern for finding in seen(database)[0]}


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(CHAIN_STEPS, min_size=5, max_size=16), random=st.randoms(use_true_random=False))
def test_what_goes_on_under_certificates_is_found_in_any_order(
    steps: list[tuple[str, Any, Any]], random: Random
) -> None:
    """FRD-06 and FRD-07 look at certificates of other Parties, by documents and by extracts, in circles too."""
    assert_order_decides_nothing([("chain", 0, None), *steps], random)


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_more_that_went_on_is_found_whatever_comes_last(order: tuple[int, ...]) -> None:
    """XA's permit for ten skins, two certificates for eight that were both used; then one endorsement is corrected."""
    left = {"office": "P-1", "date": date(2026, 3, 5), "event_id": "later"}
    skins = (EventLine(block="A", quantity=Quantity.parse("8", "NAR")),)
    gone = [Endorsement(permit=PermitRef(issuer="XB", number=f"26XB00003{n}"), lines=skins, **left) for n in (1, 2)]
    chain = [("chain", which, None) for which in range(3)]
    told = history([*chain, *(("event", "XB", one) for one in gone), ("correct", 1, None)])
    with store() as database:
        for place in (*order, 4):
            deliver(database, [told[place]], END)
        assert "FRD-06" in {finding.pattern for finding in seen(database)[0]}
        deliver(database, [told[5]], END)
        assert "FRD-06" not in {finding.pattern for finding in seen(database)[0]}


def assert_order_decides_nothing(steps: list[tuple[str, Any, Any]], random: Random) -> None:
    told = history([("permit", 0, None), ("permit", 3, None), *steps])
    with store() as first, store() as second:
        for arrival in told:
            deliver(first, [arrival], arrival.source.at)
        first.write_now(revisit, PERSPECTIVE, now=END)
        expected = seen(first)

        now = START
        for page in shuffled(told, random):
            now += timedelta(hours=random.randint(0, 60))
            deliver(second, page, min(now, END))
            if random.random() < 0.3:
                second.write_now(revisit, PERSPECTIVE, now=min(now, END))
        second.write_now(revisit, PERSPECTIVE, now=END)
        assert seen(second) == expected

        before = second.read_now(_everything)
        second.write_now(reconcile_all, PERSPECTIVE, now=END)
        assert second.read_now(_everything) == before
        for arrival in told:
            deliver(second, [arrival], END)
        assert second.read_now(_everything) == before


def _everything(session: Session) -> tuple[Any, ...]:
    shown, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
    cards = [card for number in NUMBERS for card in cases.cards(session, *number)]
    return shown, cards, orphans.every(session), _rungs(session)
