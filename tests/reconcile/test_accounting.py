"""What two countries may expect to hear of each other under one permit, and by when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.model import TradeParty
from epix_node.reconcile.accounting import account_of, is_watched, reports_of
from epix_node.reconcile.perspective import Perspective
from epix_node.rules.ruleset import load_ruleset
from epix_node.store.accounts import Account
from epix_node.store.coverage import Direction
from epix_node.trust.keyring import Keyring
from tests.acts.conftest import make_keys
from tests.reconcile.builders import case, confirmed, day, endorsed, permit, presented, withdrawn

AIR = "020-12345675"
KEYRING = Keyring({keys.party: keys.manifest for keys in (make_keys("XA"), make_keys("XB", "XZ"), make_keys("XC"))})
GRACE = timedelta(days=60)


def seen_by(party: str) -> Perspective:
    return Perspective(
        party=party, codes=KEYRING.codes_of(party), ruleset=load_ruleset(), keyring=KEYRING, customs_union=frozenset()
    )


def account(*facts: PermitFact | EventFact, party: str = "XA") -> Account | None:
    held = case(*facts)
    (fact,) = held.permits
    return account_of(held, fact, seen_by(party)) if is_watched(seen_by(party), fact.permit) else None


def test_a_confirmation_is_due_after_the_last_day_and_the_longest_journey() -> None:
    """A permit that ends on 31 August: whichever is later, that day or the journey's end, and sixty days more."""
    assert account(permit(), endorsed("03-18", document=AIR)).due_on == day("08-31") + GRACE
    assert account(permit(), endorsed("08-30", document=AIR)).due_on == day("09-29") + GRACE
    assert account(permit(), endorsed("08-30")).due_on == day("2026-12-28") + GRACE
    assert account(permit(valid_until=None), endorsed("03-01", document=AIR)).due_on == day("03-31") + GRACE


def test_the_endorsement_that_allows_the_latest_arrival_counts() -> None:
    by_sea_before, by_air_after = endorsed("08-01"), endorsed("08-20", document=AIR)
    made = account(permit(), by_air_after, by_sea_before)
    assert made.due_on == day("11-29") + GRACE
    assert made.exported_on == day("08-20")


def test_an_endorsement_is_due_sixty_days_after_the_first_report() -> None:
    made = account(permit(), confirmed("03-25"), confirmed("03-20", outcome="refused"))
    assert (made.exported_on, made.confirmed_on, made.due_on) == (None, day("03-20"), day("03-20") + GRACE)
    assert made.lacks is Direction.ENDORSE


@pytest.mark.parametrize("outcome", ["released", "seized", "destroyed", "refused", "returned"])
def test_every_report_of_the_destination_ends_its_silence(outcome: str) -> None:
    """Who sends goods back has told of them."""
    made = account(permit(), endorsed("03-18"), confirmed("03-20", outcome=outcome))
    assert made.confirmed_on == day("03-20")
    assert made.lacks is None
    assert [(owed.flow.direction, owed.came) for owed in reports_of(made, seen_by("XA"))] == [
        ("confirm", True),
        ("endorse", True),
    ]


TELLS_NOTHING: dict[str, list[PermitFact | EventFact]] = {
    "another country": [confirmed("03-20", by="XC")],
    "the issuer itself": [confirmed("03-20", by="XA")],
    "a paper that was shown": [presented("03-20")],
}


@pytest.mark.parametrize("told", TELLS_NOTHING.values(), ids=TELLS_NOTHING)
def test_only_the_destination_ends_its_silence(told: list[Any]) -> None:
    assert account(permit(), endorsed("03-18"), *told).lacks is Direction.CONFIRM


def test_the_endorsement_of_another_border_is_no_word_of_the_issuer() -> None:
    """The destination may never hear of it, and both must count alike."""
    assert account(permit(), endorsed("03-18", by="XC")) is None


def test_a_territory_is_heard_through_the_party_that_speaks_for_it() -> None:
    told = replace(confirmed("03-20", by="XB"), codes=KEYRING.codes_of("XB"))
    made = account(permit(importer=TradeParty(country="XZ")), endorsed("03-18"), told)
    assert (made.destination, made.lacks) == ("XZ", None)


NOT_WATCHED: dict[str, PermitFact] = {
    "a permit of multiple use": permit(multi_use=True),
    "an import permit": permit(type="I"),
    "a certificate of another kind": permit(type="O"),
    "a legacy document": permit(legacy=True),
    "a retrospective permit": permit(retrospective=True),
    "no country of destination": permit(importer=None),
    "the issuer's own destination": permit(importer=TradeParty(country="XA")),
    "withdrawn after it was used": permit(withdrawn=withdrawn("04-10")),
    "replaced after it was used": permit(withdrawn=withdrawn("04-10", "replaced", successor="26XA000999")),
}


@pytest.mark.parametrize("fact", NOT_WATCHED.values(), ids=NOT_WATCHED)
def test_nothing_is_expected_under_permits_of_which_silence_says_nothing(fact: PermitFact) -> None:
    assert account(fact, endorsed("03-18")) is None


def test_a_destination_that_the_issuers_party_speaks_for_is_no_partner() -> None:
    assert account(permit(issuer="XB", importer=TradeParty(country="XZ")), party="XB") is None
    assert not is_watched(seen_by("XB"), permit(issuer="XB", importer=TradeParty(country="XZ")).permit)


def test_a_third_country_counts_nothing() -> None:
    """It holds a few documents of the pair, and could only come to other numbers."""
    assert account(permit(), endorsed("03-18"), party="XC") is None
    assert account(permit(), endorsed("03-18"), party="XB") is not None


def test_nothing_is_owed_where_nothing_moved() -> None:
    assert account(permit()) is None
    assert account(permit(), presented("03-20")) is None


@pytest.mark.parametrize(("on", "due"), [("0001-01-01", "2026-10-30"), ("9999-12-31", "9999-12-31")])
def test_dates_at_the_ends_of_the_calendar_are_dates(on: str, due: str) -> None:
    made = account(permit(), endorsed(on, at=confirmed("03-20").source.at))
    assert made.due_on == date.fromisoformat(due)
    assert reports_of(account(permit(), confirmed(on, at=confirmed("03-20").source.at)), seen_by("XA"))
