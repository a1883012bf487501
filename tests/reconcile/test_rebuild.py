"""Everything again through the filter in SQL says what following every number says, and what was recorded bit by bit.

Two kinds of histories: the wild ones of ``test_any_order``, and tame ones, of which most of a year of trade is made:
plain endorsements and confirmations of what permits allow, or a little more or later or elsewhere. The filter must let
the tame ones pass and no finding with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from epix_node.permit.event import Confirmation, Endorsement, EventLine, Outcome, PermitRef
from epix_node.permit.model import Line, Origin, Permit, TradeParty
from epix_node.permit.quantity import Quantity
from epix_node.reconcile import detect
from epix_node.reconcile.detectors import end08
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.rebuild import Progress, rebuild
from epix_node.reconcile.surroundings import load_case, load_cases, surroundings
from epix_node.store import findings, stretches, suspects
from epix_node.store.columns import table
from epix_node.store.database import Database, Session
from epix_node.store.suspects import Limits
from epix_node.store.tables import FindingRow
from tests.reconcile.test_any_order import (
    END,
    NUMBERS,
    PERSPECTIVE,
    SHIPMENT_STEPS,
    START,
    STEPS,
    Teller,
    _everything,
    deliver,
    history,
    made,
    store,
)

LIMITS = Limits(merge_delay=PERSPECTIVE.ruleset.patterns.merge_delay, today=END.date())


def test_whoever_adds_a_detector_says_how_its_numbers_are_met() -> None:
    """A pattern that is missing in the table would be found when facts come in, and lost when all is done again."""
    patterns = {*detect.DETECTORS, end08.PATTERN}
    assert patterns == set(suspects.MET_BY)
    asked = {question for questions in suspects.MET_BY.values() for question in questions}
    assert asked <= {*suspects.QUESTIONS, "with parents"}


def sold_on(number: str, quantity: str, *parents: str, taxon: str = "Python regius") -> Permit:
    """XB's certificate for goods of XA's permits, each on a line of its own."""
    lines = tuple(
        Line(
            block=block,
            taxon=taxon,
            term="SKI",
            quantity=quantity,
            unit="NAR",
            origin=Origin(country="XA", permit=parent),
        )
        for block, parent in zip("AB", parents, strict=False)
    )
    countries = {"exporter": TradeParty(country="XB"), "importer": TradeParty(country="XC")}
    return made("XB", number, "R", **countries, lines=lines)


def skins(block: str | None = "A", quantity: str | None = "10", unit: str = "NAR", **members: Any) -> Line:
    given = {"taxon": "Python regius", "term": "SKI", **members}
    return Line(block=block, quantity=quantity, unit=unit, **given)


PERMITS = (
    made("XA", "26XA000001", lines=(skins(),)),
    made("XA", "26XA000002", lines=(skins(), skins("B", "5"), skins("C", "2", "KGM"))),
    made("XA", "26XA000003", lines=(skins(), skins(quantity="5"), skins("a"), skins("D", None))),
    made("XA", "26XA000004", lines=(skins(appendix="I", sources=("W",)),), purpose="P"),
    made(
        "XA",
        "26XA000005",
        lines=(skins(appendix="I", sources=("W", "D"), taxon="Scleropages formosus"),),
        purpose="T",
    ),
    made("XA", "26XA000006", lines=(skins(),), multi_use=True),
    made("XA", "26XA000007", lines=(skins(),), transit=("XC",), valid_until=None),
    made("XA", "26XA000001", "R", lines=(skins(),)),
    made("XB", "26XB000001", "I", lines=(skins(),)),
    made("XB", "26XB000002", "I", lines=(skins(), skins("B", "5", "KGM"))),
    sold_on("26XB000003", "4", "26XA000001"),
    sold_on("26XB000004", "6", "26XA000001", "26XA000002"),
    sold_on("26XB000005", "9", "26XA000001", taxon="Python sebae"),
    sold_on("26XB000006", "9", "26XB000003"),
    sold_on("26XB000007", "8", "26XA000001"),
    sold_on("26XB000008", "8", "26XA000001"),
    made("XA", "26XA000008", lines=(skins(), skins("a", "-8"))),
)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Six times in ten what is usual, so that of an event one thing is odd, and not all of them."""
    return st.integers(0, 9).flatmap(lambda n: st.just(usual) if n < 6 else st.sampled_from(others))


def counted(quantity: str, unit: str = "NAR") -> Quantity:
    return Quantity.parse(quantity, unit)


TAME_LINES = st.lists(
    st.builds(
        EventLine,
        block=mostly("A", "B", "a"),
        quantity=mostly(counted("5"), counted("4"), counted("10"), counted("11"), counted("11"), counted("2", "KGM")),
        taxon=mostly(None, "Python regius", "Python spp.", "Boa constrictor"),
    ),
    min_size=1,
    max_size=2,
).map(tuple)
TAME: dict[str, st.SearchStrategy[Any]] = {
    "event_id": st.just("later"),
    "office": st.just("P-1"),
    "date": mostly(date(2026, 3, 5), *(date(2026, 3, day) for day in (1, 2, 9, 10, 11, 20))),
    "lines": st.one_of(TAME_LINES, TAME_LINES, TAME_LINES.map(lambda lines: lines[:1]), st.just(())),
    "import_permit": mostly(
        None, PermitRef(issuer="XB", number="26XB000001"), PermitRef(issuer="XB", number="26XB000002")
    ),
}
TAME_STEPS = st.one_of(
    st.tuples(st.just("left"), st.integers(0, len(PERMITS) - 1), st.builds(Endorsement, permit=st.none(), **TAME)),
    st.tuples(
        st.just("came"),
        st.integers(0, len(PERMITS) - 1),
        st.builds(Confirmation, permit=st.none(), outcome=st.just(Outcome.RELEASED), **TAME),
    ),
    st.tuples(st.just("elsewhere"), st.integers(0, len(PERMITS) - 1), st.sampled_from(["XA", "XB", "XC"])),
)


def tame(issued: Sequence[int], steps: Sequence[tuple[str, int, Any]]) -> list[Any]:
    """The permits are issued; goods leave by their issuer's word and arrive by their destination's, mostly."""
    teller = Teller()
    for which in issued:
        teller.permit(PERMITS[which])
    for what, which, more in steps:
        permit = PERMITS[which]
        ref = PermitRef(issuer=permit.issuer, number=permit.key.number)
        if what == "elsewhere":
            goods = {"office": "P-1", "date": date(2026, 3, 5), "lines": (EventLine(block="A", quantity=counted("1")),)}
            body = Confirmation(event_id="later", permit=ref, outcome=Outcome.RELEASED, **goods)
            party = more
        else:
            body = replace(more, permit=ref)
            party = {"left": permit.issuer, "left by XB": "XB"}.get(what, permit.destination or "XB")
        teller.event(party, replace(body, event_id=f"E-{len(teller.told)}"))
    return teller.told


def record(database: Database, told: Sequence[Any]) -> None:
    for arrival in told:
        deliver(database, [arrival], arrival.source.at)
    database.write_now(revisit, PERSPECTIVE, now=END)


def forget_findings(session: Session) -> None:
    session.core.execute(delete(table(FindingRow)))


def all_suspects(session: Session) -> set[tuple[str, str]]:
    return {n for stretch in stretches.stretches(session) for n in suspects.suspects(session, stretch, LIMITS)}


def all_numbers(session: Session) -> list[tuple[str, str]]:
    return [n for stretch in stretches.stretches(session) for n in stretches.numbers(session, stretch)]


def speaking(session: Session) -> dict[tuple[str, str], set[str]]:
    """The numbers of which a detector speaks, and which."""
    found = {}
    for issuer, number in all_numbers(session):
        case = load_case(session, PERSPECTIVE, issuer, number)
        drafts = detect.detect(case, surroundings(session, PERSPECTIVE, case, now=END))
        if drafts:
            found[issuer, number] = {draft.pattern for draft in drafts}
    return found


def live(database: Database) -> list[Any]:
    """The findings but for when this node saw them first."""

    def read(session: Session) -> list[Any]:
        shown, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
        return sorted((replace(f, first_seen=START, opened=None) for f in shown if f.state != "resolved"), key=str)

    return database.read_now(read)


def assert_rebuilt(told: Sequence[Any]) -> None:
    with store() as database:
        record(database, told)
        found, before = live(database), database.read_now(_everything)
        rebuild(database, PERSPECTIVE, now=END)
        assert database.read_now(_everything) == before, "it changed what was right"
        database.write_now(forget_findings)
        missed = set(database.read_now(speaking)) - database.read_now(all_suspects)
        assert missed == set()
        rebuild(database, PERSPECTIVE, now=END)
        assert live(database) == found
        database.write_now(forget_findings)
        rebuild(database, PERSPECTIVE, now=END, rewrite=True)
        assert live(database) == found


@settings(max_examples=50, deadline=None)
@given(
    issued=st.lists(st.integers(0, len(PERMITS) - 1), min_size=2, max_size=8, unique=True),
    steps=st.lists(TAME_STEPS, max_size=5),
)
def test_no_finding_of_ordinary_trade_is_lost(issued: list[int], steps: list[tuple[str, int, Any]]) -> None:
    """Amounts, days, Parties and goods at the very edge of what is plain."""
    assert_rebuilt(tame(issued, steps))


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.one_of(STEPS, SHIPMENT_STEPS), min_size=2, max_size=12))
def test_no_finding_of_a_wild_history_is_lost(steps: list[tuple[str, Any, Any]]) -> None:
    """Withdrawals, corrections, refusals, extracts, several permits of one number, numbers that nobody issued."""
    assert_rebuilt(history([("permit", 0, None), *steps]))


def ordinary(quantity: str = "10", **members: Any) -> list[Any]:
    """Left and arrived as permitted, and went on in part."""
    counted = (EventLine(block="A", quantity=Quantity.parse(quantity, "NAR")),)
    given: dict[str, Any] = {"event_id": "later", "permit": None, "office": "P-1", "date": date(2026, 3, 5), **members}
    left = Endorsement(lines=counted, **given)
    came = Confirmation(lines=counted, outcome=Outcome.RELEASED, **given)
    part = replace(left, lines=(EventLine(block="A", quantity=Quantity.parse("4", "NAR")),))
    return tame((0, 10), [("left", 0, left), ("came", 0, came), ("left", 10, part)])


def test_ordinary_trade_is_quiet() -> None:
    """Otherwise the filter would be right and of no use."""
    with store() as database:
        record(database, ordinary())
        assert database.read_now(all_suspects) == set()
        assert rebuild(database, PERSPECTIVE, now=END) == 0
        assert rebuild(database, PERSPECTIVE, now=END, rewrite=True) == 2


def left(which: int, *lines: EventLine, **members: Any) -> tuple[str, int, Endorsement]:
    """Goods of a permit left."""
    given = {"event_id": "later", "permit": None, "office": "P-1", "date": date(2026, 3, 5), **members}
    return "left", which, Endorsement(lines=lines, **given)


def came(which: int, *lines: EventLine, **members: Any) -> tuple[str, int, Confirmation]:
    """Goods of a permit came."""
    given = {"event_id": "later", "permit": None, "office": "P-1", "date": date(2026, 3, 5), **members}
    return "came", which, Confirmation(lines=lines, outcome=Outcome.RELEASED, **given)


def a(quantity: str, unit: str = "NAR", *, block: str = "A", **members: Any) -> EventLine:
    """So much of a block."""
    return EventLine(block=block, quantity=counted(quantity, unit), **members)


IMPORTED = {"import_permit": PermitRef(issuer="XB", number="26XB000001")}
IMPORTED_TWO_KINDS = {"import_permit": PermitRef(issuer="XB", number="26XB000002")}
ODD: dict[str, tuple[str, tuple[Any, ...], tuple[int, ...]]] = {
    "more left than was permitted": ("FRD-04", (left(0, a("11")),), (0,)),
    "more left of the second block": ("FRD-04", (left(1, a("1"), a("6", block="B")),), (1,)),
    "more left on two lines of one block": ("FRD-04", (left(0, a("6"), a("6")),), (0,)),
    "more came than was permitted": ("FRD-04", (came(0, a("11")),), (0,)),
    "more came than left": ("FRD-04", (left(0, a("4")), came(0, a("5"))), (0,)),
    "more came of a block than left": (
        "FRD-04",
        (left(1, a("5"), a("4", block="B")), came(1, a("5"), a("5", block="B"))),
        (1,),
    ),
    "more left than two lines of one block permit": ("FRD-04", (left(16, a("5")),), (16,)),
    "goods of no line": ("FRD-04", (left(0, a("1", block="Z")),), (0,)),
    "another species": ("FRD-09", (came(0, a("1", taxon="Boa constrictor")),), (0,)),
    "a genus": ("FRD-09", (came(10, a("1", taxon="a snake")),), (0, 10)),
    "twice": ("FRD-01", (left(0, a("1"), transport_document="1"), left(0, a("1"), transport_document="2")), (0,)),
    "left too late": ("FRD-14", (left(0, a("1"), date=date(2026, 3, 11)),), (0,)),
    "came too late": ("FRD-14", (came(0, a("1"), date=date(2026, 3, 10)),), (0,)),
    "elsewhere": ("FRD-12", (("elsewhere", 0, "XC"),), (0,)),
    "endorsed by another": ("END-11", (("left by XB", *left(0, a("1"))[1:]),), (0,)),
    "without an import permit": ("APP-05", (came(3, a("1")),), (3,)),
    "without an import permit, and nothing counted": ("APP-05", (came(3),), (3,)),
    "bred and registered nowhere": ("FRD-08", (), (4,)),
    "for a number of two permits": ("FLD-01", (came(0, a("1")),), (0, 7)),
    "for a number of two permits, and nothing counted": ("FLD-01", (left(0),), (0, 7)),
    "sold on more than was permitted, and nothing came": ("FRD-06", (left(14, a("8")), left(15, a("8"))), (0, 14, 15)),
    "more than the import permit": ("FRD-04", (came(6, a("9"), **IMPORTED), came(0, a("9"), **IMPORTED)), (0, 6, 8)),
    "import permit too late": (
        "FRD-14",
        (left(6, date=date(2026, 3, 20)), came(6, a("1"), date=date(2026, 3, 20), **IMPORTED)),
        (6, 8),
    ),
    "sold on more than came": ("FRD-06", (left(0, a("4")), left(14, a("8"))), (0, 14)),
    "sold on more than was permitted": ("FRD-06", (left(0, a("10")), left(14, a("8")), left(15, a("8"))), (0, 14, 15)),
    "sold on more than the certificate": ("FRD-06", (left(0, a("10")), left(10, a("20"))), (0, 10)),
}
"""What was odd, as which pattern it is found, what happened, and which permits were there."""


@pytest.mark.parametrize("odd", ODD)
def test_each_oddity_is_found_when_everything_is_done_again(odd: str) -> None:
    """One thing alone is odd, so that no other question leads there."""
    pattern, steps, issued = ODD[odd]
    with store() as database:
        record(database, tame(issued, steps))
        found = live(database)
        assert pattern in {finding.pattern for finding in found}
        database.write_now(forget_findings)
        rebuild(database, PERSPECTIVE, now=END)
        assert live(database) == found


def test_a_finding_that_nothing_speaks_for_is_resolved() -> None:
    """An older release may have found something that this one does not."""
    with store() as database:
        record(database, ordinary("11"))
        (odd, *_) = live(database)

        def plant(session: Session) -> None:
            forget_findings(session)
            subject = replace(odd.subject, number="26XA000002", issuer="XA")
            findings.put(session, replace(odd, id="f" * 64, subject=subject))

        database.write_now(plant)
        rebuild(database, PERSPECTIVE, now=END)
        shown = database.read_now(findings.find, "f" * 64)
        assert shown is not None
        assert shown.state == "resolved"


class KilledError(Exception):
    """The process ended here."""


def test_a_rebuild_that_is_killed_is_done_again() -> None:
    """After any stretch of numbers: what was done stays done, and the rest is done the next time."""
    told = history([("permit", 0, None), ("permit", 3, None)])
    told += [replace(a, source=replace(a.source, index=100 + a.source.index)) for a in ordinary("11")]
    with store() as database:
        record(database, told)
        found = live(database)
        database.write_now(forget_findings)

        def killed(progress: Progress) -> None:
            raise KilledError

        with pytest.raises(KilledError):
            rebuild(database, PERSPECTIVE, now=END, tell=killed)
        rebuild(database, PERSPECTIVE, now=END)
        assert live(database) == found


@settings(max_examples=5, deadline=None)
@given(steps=st.lists(STEPS, min_size=2, max_size=12))
def test_many_cases_are_read_as_one_is(steps: list[tuple[str, Any, Any]]) -> None:
    """A page of them in few statements, and each alone."""
    with store() as database:
        record(database, history([("permit", 0, None), *steps]))

        def both(session: Session) -> None:
            for issuer in ("XA", "XB"):
                numbers = [number for of, number in NUMBERS if of == issuer]
                alone = {number: load_case(session, PERSPECTIVE, issuer, number) for number in numbers}
                assert load_cases(session, PERSPECTIVE, issuer, numbers) == alone

        database.read_now(both)


def test_small_stretches_say_the_same_as_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number is in one of them, whichever table it is in."""
    told = tame(range(len(PERMITS)), [])
    with store() as database:
        record(database, told)
        expected = database.read_now(all_numbers)
        for size in (1, 2, 3):
            monkeypatch.setattr(stretches, "NUMBERS_AT_ONCE", size)
            assert database.read_now(all_numbers) == expected
    assert set(expected) == {(permit.issuer, permit.key.number) for permit in PERMITS}
