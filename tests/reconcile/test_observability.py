"""When the silence of a partner is evidence, in a store: XA exports to XB, permit after permit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import delete, event, insert, select

from epix_node.permit.event import Confirmation, Endorsement, EventLine, Outcome, PermitRef, WithdrawalReason
from epix_node.permit.model import Line, Permit, TradeParty
from epix_node.permit.quantity import Quantity
from epix_node.reconcile.accounting import keep_accounts
from epix_node.reconcile.follow import follow, revisit
from epix_node.reconcile.observability import Observed, observed, observed_of, settle
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.record import record_page
from epix_node.reconcile.surroundings import load_case
from epix_node.register.merkle import RightEdge
from epix_node.store import findings, peers, register
from epix_node.store.accounts import stale
from epix_node.store.arrival import Arrival
from epix_node.store.columns import table
from epix_node.store.database import Database, Session
from epix_node.store.reconcile_tables import AccountRow
from epix_node.store.register import RegisterState
from epix_node.store.register_tables import WithheldRow
from tests.reconcile import test_any_order as any_order
from tests.reconcile.everything import reconcile_all
from tests.reconcile.test_any_order import Teller
from tests.stores import open_store

_RULESET = any_order.PERSPECTIVE.ruleset
HALF = replace(_RULESET.patterns.observability, least_share=Fraction(1, 2))
PERSPECTIVE = replace(
    any_order.PERSPECTIVE,
    ruleset=replace(_RULESET, patterns=replace(_RULESET.patterns, observability=HALF)),
)
"""Half of the reports are enough, so that eight permits show something; `test_share` has the real share."""

AIR = "020-12345675"
LEFT = date(2026, 3, 10)
DUE = LEFT + timedelta(days=30 + 60)
"""By air within thirty days, and sixty more."""
LATER = DUE + timedelta(days=10)
GOODS = (EventLine(block="A", quantity=Quantity.parse("5", "NAR")),)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def number(serial: int) -> str:
    return f"26XA9{serial:05}"


class Exports(Teller):
    """Permits of XA for XB, and what becomes of them."""

    def issue(self, serial: int, **members: object) -> Permit:
        """One that ends before the goods' longest journey does."""
        given: dict[str, object] = {
            "issued_on": date(2026, 3, 2),
            "valid_until": LEFT,
            "importer": TradeParty(country="XB"),
            **members,
        }
        made = Permit(
            type="E",
            number=number(serial),
            issuer="XA",
            lines=(Line(block="A", taxon="Python regius", quantity="5", unit="NAR", appendix="II"),),
            exporter=TradeParty(country="XA"),
            **given,  # type: ignore[arg-type] # members of Permit by name
        )
        self.permit(made)
        return made

    def leave(self, serial: int, on: date = LEFT) -> None:
        body = Endorsement(
            event_id=f"L-{len(self.told)}",
            permit=PermitRef(issuer="XA", number=number(serial), type="E"),
            office="P-1",
            date=on,
            lines=GOODS,
            transport_document=AIR,
        )
        self.event("XA", body)

    def arrive(
        self, serial: int, on: date | None = None, *, by: str = "XB", outcome: Outcome = Outcome.RELEASED
    ) -> None:
        body = Confirmation(
            event_id=f"C-{len(self.told)}",
            permit=PermitRef(issuer="XA", number=number(serial), type="E"),
            office="Q-1",
            date=on or LEFT + timedelta(days=2),
            outcome=outcome,
            lines=GOODS,
        )
        self.event(by, body)

    def honest(self, serials: range, *, left: date = LEFT) -> None:
        for serial in serials:
            self.issue(serial)
            self.leave(serial, left)
            self.arrive(serial, left + timedelta(days=2))

    def lost(self, serial: int, *, left: date = LEFT) -> None:
        self.issue(serial)
        self.leave(serial, left)


def take(database: Database, told: list[Arrival], *, by: Perspective = PERSPECTIVE, now: date = LATER) -> None:
    """Pages of one Party each, in the order in which things were told."""
    for party in ("XA", "XB", "XC"):
        page = [arrival for arrival in told if arrival.source.party == party]
        if page:
            database.write_now(record_page, by, party, page, now=noon(now))


def known(database: Database, until: date, *, party: str = "XB") -> None:
    """Everything that this Party entered up to noon of that day was read."""
    state = RegisterState(
        party=party,
        origin=f"{party.lower()}.example",
        edge=RightEdge.empty(),
        checkpoint_size=0,
        checkpoint=None,
        cosigned_at=noon(until),
    )
    database.write_now(register.put_state, state)


def look(database: Database, now: date, *, by: Perspective = PERSPECTIVE) -> set[tuple[str, str]]:
    """Let time move what it moves; the patterns that rest on silence, with the last digits of the number."""
    database.write_now(revisit, by, now=noon(now))
    return told(database)


def told(database: Database) -> set[tuple[str, str]]:
    shown, _ = database.read_now(findings.page, findings.FindingFilter(), cursor=None, limit=500)
    return {
        (f.pattern, f.subject.number[-5:]) for f in shown if f.state != "resolved" and f.pattern in {"FRD-19", "END-05"}
    }


MISSING = {("FRD-19", "00099")}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_store(tmp_path / "XA.sqlite")
    yield database
    database.close()


def test_what_never_arrived_at_a_country_that_confirms_is_found(store: Database) -> None:
    """On the day after the deadline, with how many were confirmed of how many; by the ruleset's own share."""
    exports = Exports()
    exports.honest(range(30))
    exports.lost(99)
    take(store, exports.told, by=any_order.PERSPECTIVE)
    known(store, LATER)
    assert look(store, DUE, by=any_order.PERSPECTIVE) == set()
    assert look(store, DUE + timedelta(days=1), by=any_order.PERSPECTIVE) == MISSING
    shown, _ = store.read_now(findings.page, findings.FindingFilter(pattern="FRD-19"), cursor=None, limit=9)
    assert (shown[0].class_, shown[0].values["met"], shown[0].values["expected"]) == ("R", "30", "31")
    assert shown[0].values["due_on"] == str(DUE)


def test_both_sides_show_the_same(store: Database, tmp_path: Path) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    there = open_store(tmp_path / "XB.sqlite")
    seen_there = replace(PERSPECTIVE, party="XB", codes=frozenset({"XB"}))
    try:
        take(store, exports.told)
        take(there, exports.told, by=seen_there)
        known(store, LATER)
        known(there, LATER, party="XA")
        assert look(store, LATER) == look(there, LATER, by=seen_there) == MISSING
        ids = [
            {f.id: (f.summary, f.values) for f in database.read_now(findings.about, "XA", number(99))}
            for database in (store, there)
        ]
        assert ids[0] == ids[1]
    finally:
        there.close()


def test_a_late_confirmation_ends_it(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == MISSING
    exports.arrive(99, LATER)
    take(store, exports.told[-1:])
    assert told(store) == set()
    assert look(store, LATER) == set()


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.RETURNED, Outcome.SEIZED])
def test_goods_that_were_refused_or_sent_back_did_come(store: Database, outcome: Outcome) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    exports.arrive(99, outcome=outcome)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == set()
    assert store.read_now(observed, PERSPECTIVE, "XA", "XB", now=noon(LATER)).met == 9


def test_a_partner_that_never_confirms_is_not_accused(store: Database) -> None:
    exports = Exports()
    for serial in range(10):
        exports.lost(serial)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == set()
    assert store.read_now(observed, PERSPECTIVE, "XA", "XB", now=noon(LATER)) == Observed(expected=10)


def test_a_few_reports_show_nothing(store: Database) -> None:
    """Three of four are three quarters, and may be half all the same."""
    exports = Exports()
    exports.honest(range(3))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == set()


def test_a_partner_that_begins_to_confirm_late_makes_findings_appear_and_go(store: Database) -> None:
    """Six of twelve show nothing; ten make the silence about the other two evidence."""
    exports = Exports()
    exports.honest(range(6))
    for serial in range(6, 12):
        exports.lost(serial)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == set()
    begun = len(exports.told)
    for serial in range(6, 10):
        exports.arrive(serial, LATER)
    take(store, exports.told[begun:])
    assert look(store, LATER) == {("FRD-19", "00010"), ("FRD-19", "00011")}
    exports.arrive(11, LATER)
    take(store, exports.told[-1:])
    assert look(store, LATER) == {("FRD-19", "00010")}
    shown = store.read_now(findings.about, "XA", number(10))
    assert (shown[0].values["met"], shown[0].values["expected"]) == ("11", "12")


def test_reports_that_are_taken_back_make_it_go(store: Database) -> None:
    """Four confirmations of the eight were mistakes: then nothing is shown by the others any more."""
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == MISSING
    begun = len(exports.told)
    for place, (arrival, _) in reversed(list(enumerate(exports.events))):
        if arrival.source.party == "XB" and len(exports.told) - begun < 4:
            exports.correct(place, None)
    take(store, exports.told[begun:])
    assert look(store, LATER) == set()


def test_an_endorsement_that_is_taken_back_ends_the_expectation(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == MISSING
    exports.correct(len(exports.events) - 1, None)
    take(store, exports.told[-1:])
    assert look(store, LATER) == set()
    assert store.read_now(observed, PERSPECTIVE, "XA", "XB", now=noon(LATER)).expected == 8


def test_a_withdrawn_permit_is_not_missed(store: Database) -> None:
    """Its goods may have travelled under another number."""
    exports = Exports()
    exports.honest(range(8))
    fact = exports.issue(99)
    exports.leave(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == MISSING
    exports.withdraw(fact, WithdrawalReason.LOST)
    take(store, exports.told[-1:])
    assert look(store, LATER) == set()


def test_a_permit_that_counts_no_more_is_expected_no_more(store: Database) -> None:
    """Its key was revoked: nothing happened under it."""
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    look(store, LATER)

    def void(session: Session) -> None:
        case = load_case(session, PERSPECTIVE, "XA", number(99))
        void = tuple(replace(fact, is_void=True) for fact in case.permits)
        keep_accounts(session, PERSPECTIVE, replace(case, permits=(), void=void))

    store.write_now(void)
    (changed,) = store.read_now(stale)
    assert changed.account is None
    store.write_now(settle, PERSPECTIVE, now=noon(LATER))
    assert store.read_now(observed, PERSPECTIVE, "XA", "XB", now=noon(LATER)).expected == 8


def test_a_destination_without_a_node_is_never_observable(store: Database) -> None:
    exports = Exports()
    for serial in range(10):
        exports.issue(serial, importer=TradeParty(country="XM"))
        exports.leave(serial)
    take(store, exports.told)
    assert look(store, LATER) == set()
    assert store.read_now(observed, PERSPECTIVE, "XA", "XM", now=noon(LATER)) == Observed()


def test_a_register_that_is_behind_says_nothing(store: Database) -> None:
    """A partner was down for weeks: nobody knows what it entered, until it is read beyond the deadline."""
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    assert look(store, LATER) == set()
    known(store, DUE)
    assert look(store, LATER) == set()
    known(store, DUE + timedelta(days=1))
    assert look(store, LATER) == MISSING


def test_a_disputed_register_says_nothing(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    store.write_now(peers.meet, "XB", now=noon(LATER))
    assert look(store, LATER) == MISSING
    store.write_now(peers.note, "XB", frozen="it signed two histories")
    assert look(store, LATER) == set()
    store.write_now(peers.unfreeze, "XB")
    assert look(store, LATER) == MISSING


def test_a_withheld_entry_of_the_permits_chain_says_nothing(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == MISSING
    row = {"party": "XB", "index": 7, "issuer": "XA", "type": "E", "number": number(99), "year": 2026}

    def withhold(session: Session) -> None:
        session.core.execute(insert(table(WithheldRow)), {**row, "since": noon(LATER)})

    def come(session: Session) -> None:
        session.core.execute(delete(table(WithheldRow)))
        follow(session, PERSPECTIVE, [("XA", number(99))], now=noon(LATER))

    store.write_now(withhold)
    assert look(store, LATER) == set()
    store.write_now(come)
    assert told(store) == MISSING


def test_what_a_partner_did_later_does_not_change_what_its_silence_was_worth(store: Database) -> None:
    """The half-year up to the deadline decides: later a partner may fall silent altogether, or begin to report."""
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    much_later = LEFT + timedelta(days=300)
    for serial in range(40, 50):
        exports.lost(serial, left=much_later)
    take(store, exports.told)
    end = much_later + timedelta(days=200)
    known(store, end)
    assert look(store, end) == MISSING
    assert not store.read_now(observed, PERSPECTIVE, "XA", "XB", now=noon(end)).confirm


def test_old_silence_does_not_become_evidence_when_a_country_begins_to_report(store: Database) -> None:
    exports = Exports()
    for serial in range(10):
        exports.lost(serial)
    much_later = LEFT + timedelta(days=300)
    exports.honest(range(40, 50), left=much_later)
    take(store, exports.told)
    end = much_later + timedelta(days=200)
    known(store, end)
    assert look(store, end) == set()
    assert store.read_now(observed, PERSPECTIVE, "XA", "XB", now=noon(end)).confirm


def test_an_import_that_nobody_endorsed_is_found_where_the_issuer_endorses(store: Database) -> None:
    """After sixty days, in which the endorsement may still come; at the issuer's own node, too."""
    exports = Exports()
    exports.honest(range(8))
    exports.issue(99)
    exports.arrive(99)
    take(store, exports.told)
    due = LEFT + timedelta(days=2 + 60)
    assert look(store, due) == set()
    assert look(store, due + timedelta(days=1)) == {("END-05", "00099")}
    exports.leave(99)
    take(store, exports.told[-1:])
    assert look(store, due + timedelta(days=1)) == set()


def test_an_issuer_that_never_endorses_is_not_asked(store: Database) -> None:
    exports = Exports()
    for serial in range(10):
        exports.issue(serial)
        exports.arrive(serial)
    take(store, exports.told)
    assert look(store, LATER) == set()


@pytest.mark.parametrize("members", [{"multi_use": True}, {"legacy": True}, {"retrospective": True}])
def test_permits_that_are_not_watched_are_not_missed(store: Database, members: dict[str, bool]) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.issue(99, **members)
    exports.leave(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == set()


@pytest.mark.parametrize("on", [date(1, 1, 1), date(9999, 12, 31)])
def test_dates_at_the_ends_of_the_calendar_do_no_harm(store: Database, on: date) -> None:
    """Goods that left in year 1 are due before all others; those that leave in the far future never are."""
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99, left=on)
    exports.issue(98)
    exports.arrive(98, on)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == set()


def test_an_entry_of_goods_that_leave_in_the_future_waits_for_them(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99, left=LATER + timedelta(days=30))
    take(store, exports.told)
    known(store, LATER + timedelta(days=30))
    assert look(store, LATER) == set()


def test_how_the_pair_of_a_permit_stood_is_told_for_its_day(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    look(store, LATER)

    def asked(session: Session) -> Observed | None:
        case = load_case(session, PERSPECTIVE, "XA", number(99))
        return observed_of(session, PERSPECTIVE, case, case.permits[0], now=noon(LATER))

    there = store.read_now(asked)
    assert there is not None
    assert there.confirm
    assert there.endorse
    assert (there.expected, there.met) == (9, 8)


def test_nothing_is_left_to_be_counted_and_everything_again_changes_nothing(store: Database) -> None:
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert len(store.read_now(stale)) == 9
    look(store, LATER)
    assert store.read_now(stale) == []
    before = store.read_now(_everything)
    store.write_now(reconcile_all, PERSPECTIVE, now=noon(LATER))
    assert store.read_now(_everything) == before


def _everything(session: Session) -> tuple[object, ...]:
    shown, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
    rows = session.core.execute(select(table(AccountRow)).order_by(table(AccountRow).c.number)).all()
    return shown, [tuple(row) for row in rows]


def test_an_event_costs_one_statement_more_and_a_permit_none(store: Database) -> None:
    """Where its report is not overdue. An account that stays as it was is not counted again."""
    exports = Exports()
    exports.honest(range(2))
    permits, events = exports.told[:1], exports.told[1:2]
    assert asked_of_accounts(store, permits) == []
    (only,) = asked_of_accounts(store, events)
    assert only.startswith("INSERT INTO account")
    store.write_now(revisit, PERSPECTIVE, now=noon(LATER))
    store.write_now(follow, PERSPECTIVE, [("XA", number(0))], now=noon(LATER))
    assert store.read_now(stale) == []


def test_a_round_in_which_nothing_happened_asks_the_same_however_much_is_held(store: Database) -> None:
    exports = Exports()
    exports.honest(range(4))
    take(store, exports.told)
    known(store, LATER)
    look(store, LATER)
    few = len(executed(store, lambda: look(store, LATER)))
    begun = len(exports.told)
    exports.honest(range(10, 30))
    take(store, exports.told[begun:])
    look(store, LATER)
    assert len(executed(store, lambda: look(store, LATER))) == few


def asked_of_accounts(database: Database, page: list[Arrival]) -> list[str]:
    statements = executed(database, lambda: take(database, page, now=LEFT))
    return [one.strip() for one in statements if "account" in one or "coverage" in one or "observed" in one]


def executed(database: Database, work: Callable[[], object]) -> list[str]:
    """The statements that this sends to the database."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return statements


@pytest.mark.parametrize("about", [99, 98])
def test_a_withheld_document_that_comes_and_is_no_report_ends_the_doubt(store: Database, about: int) -> None:
    """XB kept something back, and it is no confirmation; perhaps not even about this permit."""
    exports = Exports()
    exports.honest(range(8))
    exports.lost(99)
    take(store, exports.told)
    known(store, LATER)
    assert look(store, LATER) == MISSING
    exports.event(
        "XB",
        Endorsement(
            event_id="B-1",
            permit=PermitRef(issuer="XA", number=number(about), type="E"),
            office="Q-1",
            date=LEFT,
            lines=GOODS,
        ),
    )
    arrival = exports.told[-1]
    row = {"party": "XB", "index": arrival.source.index, "issuer": "XA", "type": "E", "number": number(99)}

    def withhold(session: Session) -> None:
        session.core.execute(insert(table(WithheldRow)), {**row, "year": 2026, "since": noon(LATER)})

    store.write_now(withhold)
    assert look(store, LATER) == set()
    take(store, [arrival])
    assert look(store, LATER) == MISSING


def test_a_clock_that_jumps_and_comes_back_leaves_nothing_behind(store: Database) -> None:
    """An END-05 of the own register is known up to today, whatever today is."""
    exports = Exports()
    exports.honest(range(8))
    exports.issue(99)
    exports.arrive(99)
    exports.lost(98)
    take(store, exports.told)
    known(store, LATER)
    both = {("END-05", "00099"), ("FRD-19", "00098")}
    before = LEFT + timedelta(days=10)
    assert look(store, before) == set()
    assert look(store, LATER) == both
    assert look(store, before) == set()
    assert look(store, date(9999, 12, 30)) == both
    assert look(store, date(1970, 1, 2)) == set()
    assert look(store, LATER) == both
