"""Findings over many permits: what is added up, what is not, and that the order of the facts decides nothing.

Documents are recorded as they come from other Parties; a round adds up the sums that they marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql_event

from epix_node.permit.event import Confirmation, Endorsement, EventLine, Outcome, PermitRef, WithdrawalReason
from epix_node.permit.finding import Finding, FindingState, finding_id
from epix_node.permit.model import Line, Origin, Permit, PermitType, Quota, TradeParty
from epix_node.permit.quantity import Quantity
from epix_node.reconcile import revocation
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.rebuild import rebuild
from epix_node.reconcile.record import record_page
from epix_node.store import findings, revocations, sums
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database, Session
from epix_node.store.revocations import RevokedKey
from tests.acts.conftest import START
from tests.reconcile.everything import reconcile_all
from tests.reconcile.test_any_order import PERSPECTIVE, Teller, deliver, shuffled, store

NOW = START + timedelta(days=400)


class Country:
    """Writes what a country permits and what its border and its partners count."""

    def __init__(self, code: str = "XA") -> None:
        self.code = code
        self.teller = Teller()
        self._serial = 0

    @property
    def told(self) -> list[Arrival]:
        return self.teller.told

    def permit(self, quantity: str = "10", *, annual: str | None = "100", **members: Any) -> Permit:
        self._serial += 1
        line = {
            "block": "A",
            "taxon": "Python regius",
            "sources": ("W",),
            "term": "SKI",
            "quantity": quantity,
            "unit": "NAR",
            "quota": Quota(annual=annual) if annual is not None else None,
            **members.pop("line", {}),
        }
        given: dict[str, Any] = {
            "type": "E",
            "number": f"26{self.code}{self._serial:06}",
            "issuer": self.code,
            "issued_on": date(2026, 3, 2),
            "valid_until": date(2026, 8, 9),
            "exporter": TradeParty(country=self.code),
            "importer": TradeParty(country="XB"),
            "lines": (Line(**line),),
            **members,
        }
        permit = Permit(**given)
        self.teller.permit(permit)
        return permit

    def leave(self, permit: Permit, quantity: str = "10", unit: str = "NAR", *, by: str | None = None) -> None:
        body = self._event(Endorsement, permit, quantity, unit)
        self.teller.event(by or self.code, body)

    def arrive(self, permit: Permit, quantity: str = "10", *, outcome: str = "released") -> None:
        body = self._event(Confirmation, permit, quantity, "NAR", outcome=Outcome(outcome))
        self.teller.event(permit.destination or "XB", body)

    def sell(self, quantity: str, times: int = 1, **members: Any) -> None:
        """Permits under which all leaves that they permit."""
        for _ in range(times):
            self.leave(self.permit(quantity, **members), quantity, members.get("line", {}).get("unit", "NAR"))

    def _event(self, kind: Any, permit: Permit, quantity: str, unit: str, **members: Any) -> Any:
        return kind(
            event_id=f"E-{len(self.told)}",
            permit=PermitRef(issuer=permit.issuer, number=permit.number, type=permit.type, issued_on=permit.issued_on),
            office="P-1",
            date=date(2026, 3, 20),
            lines=(EventLine(block="A", quantity=Quantity.parse(quantity, unit)),),
            **members,
        )


@pytest.fixture
def database() -> Iterator[Database]:
    with store() as opened:
        yield opened


@pytest.fixture
def country() -> Country:
    return Country()


def after(database: Database, told: Sequence[Arrival]) -> list[Finding]:
    """The findings about sums once these documents were recorded and a round was made."""
    for arrival in told:
        deliver(database, [arrival], arrival.source.at)
    return at_round(database)


def at_round(database: Database, now: datetime = NOW) -> list[Finding]:
    database.write_now(revisit, PERSPECTIVE, now=now)
    return shown(database)


def shown(database: Database) -> list[Finding]:
    def read(session: Session) -> list[Finding]:
        every, _ = findings.page(session, findings.FindingFilter(), cursor=None, limit=500)
        return [one for one in every if one.subject.type is None and one.pattern in {"FRD-08", "FRD-17"}]

    return database.read_now(read)


def live(found: Sequence[Finding]) -> list[tuple[str, str, str]]:
    return [(f.pattern, f.subject.number, f.class_.value) for f in found if f.state is not FindingState.RESOLVED]


SKINS = ("FRD-17", "PYTHON REGIUS/SKI/W/NAR", "R")


def test_more_than_the_quota_is_for_review_and_the_sentence_has_the_figures(database: Database, country: Country):
    country.sell("60", times=2)
    (finding,) = after(database, country.told)
    assert live([finding]) == [SKINS]
    assert finding.summary == (
        "120 NAR of Python regius (term SKI, source W) left XA under 2 export permits issued in 2026: 120 % of the "
        "annual quota of 100 NAR that they state (Res. Conf. 14.7, box 11a), 20 NAR above it; ask XA whether quota was "
        "carried over or raised before more is let in."
    )
    assert (finding.subject.issuer, finding.subject.year, finding.state) == ("XA", 2026, FindingState.OPEN)
    assert [permit.number for permit in finding.permits] == ["26XA000001", "26XA000002"]
    assert sorted(piece.type for piece in finding.evidence) == ["export-endorsement"] * 2 + ["permit"] * 2


@pytest.mark.parametrize(
    ("left", "said"), [("89", None), ("90", "ask XA what is left"), ("100", "what is left"), ("101", "1 NAR above it")]
)
def test_from_nine_tenths_of_the_quota_on_there_is_an_early_warning(
    database: Database, country: Country, left: str, said: str | None
):
    country.sell(left)
    found = after(database, country.told)
    assert (said is None) == (found == [])
    assert all(said in finding.summary for finding in found if said is not None)


def test_masses_are_told_in_the_unit_of_the_permits(database: Database, country: Country):
    members = {"term": "MEA", "unit": "KGM"}
    country.sell("1.25", annual="1", line={**members, "quota": Quota(annual="1", unit="KGM")})
    (finding,) = after(database, country.told)
    assert (finding.subject.number, finding.values["left"], finding.values["above"]) == (
        "PYTHON REGIUS/MEA/W/GRM",
        "1.25 KGM",
        "0.25 KGM",
    )


# Guards of the quota: each sells 60 honestly and 60 more that must not be added to it.


def unused(country: Country) -> None:
    country.permit("60")


def withdrawn_unused(country: Country) -> None:
    country.teller.withdraw(country.permit("60"), WithdrawalReason.CANCELLED)


def used_in_part(country: Country) -> None:
    country.leave(country.permit("60"), "20")


def replaced(country: Country) -> None:
    old = country.permit("30")
    country.leave(old, "30")
    country.leave(country.permit("30", replaces=old.number), "30")


def re_export(country: Country) -> None:
    country.sell("60", type=PermitType.REEXPORT, line={"origin": Origin(country="XC", permit="1")})


def goods_of_another_country(country: Country) -> None:
    country.sell("60", line={"origin": Origin(country="XC", permit="1")})


def confiscated(country: Country) -> None:
    country.sell("60", line={"sources": ("I",)})


def another_year(country: Country) -> None:
    country.sell("60", issued_on=date(2025, 12, 30))


def another_source(country: Country) -> None:
    country.sell("60", line={"sources": ("R",)})


def another_unit(country: Country) -> None:
    country.leave(country.permit("60"), "60", "KGM")


def multiple_use(country: Country) -> None:
    country.sell("60", multi_use=True)


def larger_figure(country: Country) -> None:
    country.sell("60", annual="500")


def without_quota(country: Country) -> None:
    country.sell("60", annual=None)


def quota_of_zero(country: Country) -> None:
    country.sell("60", annual="0")


def unreadable_quota(country: Country) -> None:
    country.sell("60", annual="see annex")


def endorsed_elsewhere(country: Country) -> None:
    country.leave(country.permit("60"), "60", by="XC")


def only_arrived(country: Country) -> None:
    country.arrive(country.permit("60"), "60")


def confirmed_too(country: Country) -> None:
    permit = country.permit("10")
    country.leave(permit)
    country.arrive(permit, "60")


def taken_back(country: Country) -> None:
    country.leave(country.permit("60"), "60")
    country.teller.correct(len(country.teller.events) - 1, None)


GUARDS = [
    unused,
    withdrawn_unused,
    used_in_part,
    replaced,
    re_export,
    goods_of_another_country,
    confiscated,
    another_year,
    another_source,
    another_unit,
    multiple_use,
    larger_figure,
    without_quota,
    quota_of_zero,
    unreadable_quota,
    endorsed_elsewhere,
    only_arrived,
    confirmed_too,
    taken_back,
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_what_does_not_count_against_the_quota_is_not_added_to_it(database: Database, country: Country, guard: Any):
    country.sell("59")
    guard(country)
    assert live(after(database, country.told)) == []


def test_a_withdrawn_permit_counts_by_what_had_left_under_it(database: Database, country: Country):
    country.sell("60")
    permit = country.permit("60")
    country.leave(permit, "60")
    country.teller.withdraw(permit, WithdrawalReason.LOST)
    assert live(after(database, country.told)) == [SKINS]


def test_a_replaced_permit_counts_until_its_replacement_is_used(database: Database, country: Country):
    country.sell("60")
    old = country.permit("60")
    country.leave(old, "60")
    new = country.permit("60", replaces=old.number)
    assert live(after(database, country.told)) == [SKINS]
    country.leave(new, "20")
    assert live(after(database, country.told[-1:])) == []


def test_synonyms_are_one_taxon(database: Database, country: Country):
    for taxon in ("Python reticulatus", "Malayopython reticulatus", "BROGHAMMERUS RETICULATUS"):
        country.sell("40", line={"taxon": taxon})
    assert [number for _, number, _ in live(after(database, country.told))] == ["PYTHON RETICULATUS/SKI/W/NAR"]


def test_numbers_that_begin_anew_each_year_are_told_apart_by_what_the_events_mean(database: Database, country: Country):
    old = country.permit("60", issued_on=date(2025, 3, 2))
    new = country.permit("95", number=old.number)
    country.leave(old, "60")
    country.leave(new, "95")
    assert [f.subject.year for f in after(database, country.told)] == [2026]


def test_the_largest_quantities_that_can_be_held_are_added_up_to_the_last_unit(database: Database, country: Country):
    """Their sum is more than 64 bits hold."""
    most = "4611686018427"
    country.sell(f"{most}.387903", times=4, annual=most)
    (finding,) = after(database, country.told)
    assert finding.values["left"] == "18446744073709.551612 NAR"
    database.write_now(reconcile_all, PERSPECTIVE, now=NOW)
    assert shown(database) == [finding]


def test_the_evidence_is_what_counts_most_and_has_an_end(database: Database, country: Country):
    country.sell("1", times=30)
    country.sell("90")
    (finding,) = after(database, country.told)
    assert finding.permits[0].number == "26XA000031"
    assert (len(finding.permits), len(finding.evidence)) == (25, 50)
    assert (finding.values["used_permits"], finding.values["left"]) == ("31", "120 NAR")


def test_a_finding_whose_facts_were_taken_back_is_resolved_and_comes_again(database: Database, country: Country):
    country.sell("60", times=2)
    assert live(after(database, country.told)) == [SKINS]
    country.teller.correct(1, None)
    (finding,) = after(database, country.told[-1:])
    assert finding.state is FindingState.RESOLVED
    country.sell("60")
    assert live(after(database, country.told[-2:])) == [SKINS]


def test_a_quota_that_is_raised_later_resolves_it(database: Database, country: Country):
    country.sell("60", times=2)
    assert live(after(database, country.told)) == [SKINS]
    country.sell("10", annual="200")
    assert live(after(database, country.told[-2:])) == []


def test_it_cools_off_like_any_other(database: Database, country: Country):
    country.sell("120")
    last = country.told[-1].source.at
    for arrival in country.told:
        deliver(database, [arrival], arrival.source.at)
    assert [f.state for f in at_round(database, last + timedelta(hours=23))] == [FindingState.PENDING]
    assert [f.state for f in at_round(database, last + timedelta(hours=24))] == [FindingState.OPEN]


def test_a_number_that_is_written_like_a_sum_changes_no_sum(database: Database, country: Country):
    """Whoever records an event about such a number must not make the finding go away."""
    country.sell("120")
    (finding,) = after(database, country.told)
    permit = country.permit("1", number="PYTHON REGIUS/SKI/W/NAR", annual=None)
    country.leave(permit, "1")
    assert after(database, country.told[-2:]) == [finding]


# Captive animals from where they do not live.


def breeder(code: str = "DE") -> Country:
    return Country(code)


def bred(**line: Any) -> dict[str, Any]:
    return {"annual": None, "line": {"sources": ("C",), "term": "LIV", **line}}


CAPTIVE = ("FRD-08", "PYTHON REGIUS/CAPTIVE", "R")


@pytest.mark.parametrize("source", ["C", "D", "F", "R"])
def test_captive_animals_where_none_live_and_none_came_are_for_review(database: Database, source: str):
    germany = breeder()
    germany.sell("3", times=5, **bred(sources=(source,)))
    (finding,) = after(database, germany.told)
    assert live([finding]) == [CAPTIVE]
    assert finding.subject.year is None
    assert finding.summary == (
        "DE sold Python regius as bred in captivity under 5 permits, but the species does not live in DE, and no "
        "document held here shows that live specimens ever came there (SRC-09, Res. Conf. 17.7); ask DE for the "
        "evidence of its founder stock."
    )


def test_what_arrived_was_used_too(database: Database):
    germany = breeder()
    for _ in range(5):
        germany.arrive(germany.permit("3", **bred()), "3")
    assert live(after(database, germany.told)) == [CAPTIVE]


def fewer_than_five(germany: Country) -> None:
    germany.sell("3", times=4, **bred())
    germany.permit("3", **bred())


def one_permit_five_times(germany: Country) -> None:
    permit = germany.permit("3", **bred())
    for _ in range(5):
        germany.leave(permit, "3")


def turned_away(germany: Country) -> None:
    for _ in range(5):
        germany.arrive(germany.permit("3", **bred()), "3", outcome="returned")


def wild(germany: Country) -> None:
    germany.sell("3", times=5, **bred(sources=("W",)))


def re_exported(germany: Country) -> None:
    germany.sell("3", times=5, type=PermitType.REEXPORT, **bred())


def plants(germany: Country) -> None:
    germany.sell("3", times=5, **bred(taxon="Dalbergia nigra", sources=("D",)))


def unknown_species(germany: Country) -> None:
    germany.sell("3", times=5, **bred(taxon="Pythonella incognita"))


def founder_stock(germany: Country) -> None:
    germany.sell("3", times=5, **bred())
    ghana = {"issuer": "GH", "exporter": TradeParty(country="GH"), "importer": TradeParty(country="DE")}
    germany.arrive(germany.permit("3", **ghana, **bred(sources=("W",))), "3")


@pytest.mark.parametrize(
    "guard",
    [fewer_than_five, one_permit_five_times, turned_away, wild, re_exported, plants, unknown_species, founder_stock],
    ids=lambda guard: guard.__name__,
)
def test_captive_animals_that_may_have_been_bred_there_are_no_finding(database: Database, guard: Any):
    germany = breeder()
    guard(germany)
    assert live(after(database, germany.told)) == []


@pytest.mark.parametrize("code", ["GH", "XA", "HK"], ids=["a range State", "a fictional country", "a territory"])
def test_countries_that_are_known_to_have_it_or_are_not_known_are_not_asked(database: Database, code: str):
    country = breeder(code)
    country.sell("3", times=5, **bred())
    assert live(after(database, country.told)) == []


def test_founders_that_come_to_light_later_resolve_it_and_founders_taken_back_do_not(database: Database):
    germany = breeder()
    founder_stock(germany)
    *sold, issued, came = germany.told
    assert live(after(database, sold)) == [CAPTIVE]
    assert live(after(database, [issued])) == [CAPTIVE]  # a permit alone shows no animal
    assert live(after(database, [came])) == []
    germany.teller.correct(len(germany.teller.events) - 1, None)
    assert live(after(database, germany.told[-1:])) == [CAPTIVE]


# The order of the facts.


def everything() -> list[Arrival]:
    """Two countries with quotas, one with captive animals; some of it replaced, taken back and founded."""
    germany, ghana = breeder(), breeder("GH")
    ghana.teller = germany.teller
    for guard in (founder_stock, one_permit_five_times, taken_back, replaced):
        guard(germany)
    ghana.sell("60", times=2)
    replaced(ghana)
    ghana.sell("31")
    germany.teller.correct(6, None)
    return germany.told


@settings(max_examples=6, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_sums_are_the_same_in_whatever_order_their_facts_come(random: Random):
    """Document by document as it happened; and shuffled, with rounds between the pages, and all again."""
    told = everything()
    with store() as first, store() as second:
        expected = [replace(f, first_seen=START, opened=None) for f in after(first, told) if f.state != "resolved"]
        assert {f.pattern for f in expected} == {"FRD-17"}
        for page in shuffled(told, random):
            deliver(second, page, START)
            if random.random() < 0.3:
                second.write_now(revisit, PERSPECTIVE, now=START)
        found = at_round(second)
        assert [replace(f, first_seen=START, opened=None) for f in found if f.state != "resolved"] == expected
        rebuild(second, PERSPECTIVE, now=NOW)
        assert shown(second) == found
        rebuild(second, PERSPECTIVE, now=NOW, rewrite=True)
        assert shown(second) == found


@pytest.mark.parametrize("known_first", [True, False], ids=["known before", "found out later"])
def test_what_a_revoked_key_signed_is_not_added_up(database: Database, country: Country, *, known_first: bool):
    country.sell("60", times=2)
    stolen = RevokedKey(kid="XA0", party="XA", invalid_since=START)
    told = [replace(a, signed_by="XA0" if n == 0 else "XA1", proven_at=a.source.at) for n, a in enumerate(country.told)]
    if known_first:
        revoke(database, stolen)
    found = after(database, told)
    if not known_first:
        assert live(found) == [SKINS]
        revoke(database, stolen)
    assert live(at_round(database)) == []


def revoke(database: Database, key: RevokedKey) -> None:
    database.write_now(revocations.note, [key])
    revocation.settle(database, PERSPECTIVE, now=NOW)


def test_a_rebuild_finds_sums_that_nobody_marked_and_resolves_those_that_are_none(database: Database, country: Country):
    """As after a restore: what was kept of sums is gone, or of another release."""
    country.sell("60", times=2)
    (finding,) = after(database, country.told)

    def forget(session: Session) -> None:
        findings.put(session, replace(finding, state=FindingState.RESOLVED))
        wrong = replace(finding.subject, number="PYTHON REGIUS/LIV/W/NAR")
        key = finding_id(finding.pattern, wrong)
        findings.put(session, replace(finding, id=key, subject=wrong))

    database.write_now(forget)
    rebuild(database, PERSPECTIVE, now=NOW)
    assert live(shown(database)) == [SKINS]


def test_every_figure_of_the_sentences_is_in_their_values(database: Database, country: Country):
    germany = breeder()
    germany.teller = country.teller
    germany.sell("3", times=5, **bred())
    country.sell("60", times=2)
    country.sell("95", line={"taxon": "Boa constrictor"})
    found = after(database, country.told)
    assert len(found) == 3
    for finding in found:
        told = " ".join(finding.values.values())
        figures = re.findall(r"[0-9][0-9.-]*[0-9]|[0-9]", finding.summary)
        assert [figure for figure in figures if figure not in told] == []


# What it costs.


def statements(database: Database, work: Any) -> list[str]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sql_event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sql_event.remove(database.engine, "before_cursor_execute", note)
    return [one for one in seen if "sum_line" in one or "stale_sum" in one]


def test_an_ordinary_permit_and_its_events_touch_no_sum(database: Database, country: Country):
    country.sell("10", annual=None, line={"sources": ("C",)})
    assert statements(database, lambda: [deliver(database, [a], NOW) for a in country.told]) == []


def test_a_fact_marks_its_sums_in_one_statement_and_a_round_adds_up_marked_sums_only(
    database: Database, country: Country
):
    country.sell("10", times=3)
    country.sell("10", line={"taxon": "Boa constrictor"})
    after(database, country.told)
    assert database.read_now(sums.marked) == []
    country.leave(country.permit("10"), "10")
    deliver(database, country.told[-2:-1], NOW)
    assert len(statements(database, lambda: deliver(database, country.told[-1:], NOW))) == 1
    assert [key.number for key in database.read_now(sums.marked)] == ["PYTHON REGIUS/SKI/W/NAR"]
    assert len(statements(database, lambda: at_round(database))) == 3
    assert len(statements(database, lambda: at_round(database))) == 1


def test_many_marked_sums_are_added_up_together(database: Database, country: Country, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("epix_node.reconcile.sums.APART", 1)
    for taxon in ("Python regius", "Boa constrictor", "Python sebae"):
        country.sell("60", times=2, line={"taxon": taxon})
    assert len(live(after(database, country.told))) == 3
    country.teller.correct(0, None)
    country.teller.correct(2, None)
    assert [number for _, number, _ in live(after(database, country.told[-2:]))] == ["PYTHON SEBAE/SKI/W/NAR"]
    assert database.read_now(sums.marked) == []


def test_a_page_that_marks_one_sum_often_adds_it_up_once(database: Database, country: Country):
    country.sell("10", times=8)
    database.write_now(record_page, PERSPECTIVE, "XA", country.told, now=NOW)
    assert len(database.read_now(sums.marked)) == 1
