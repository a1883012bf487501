"""What the rules say of a permit is kept with it, at issue and on arrival; and which permits are legacy documents."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
import structlog

from epix_node.acts.judging import legacy_ends
from epix_node.acts.publish import publish, replace_permit
from epix_node.errors import DifferentContentError, UnacceptableError
from epix_node.exchange import examination
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.status import Flag
from epix_node.rules.finding import RulesBrokenError
from epix_node.rules.ruleset import Stage
from epix_node.store import permit_checks
from epix_node.store.permit_checks import PermitCheck
from epix_node.trust.coverage import Coverage, CoverageItem

from .conftest import START, World, permit_of

KEY = PermitKey(issuer="XA", type="E", number="26XA000001", year=2026)


def check_of(world: World, party: str, key: PermitKey = KEY) -> PermitCheck | None:
    return world[party].database.read_now(permit_checks.find, key)


def rules_of(check: PermitCheck | None) -> dict[str, str]:
    assert check is not None
    return {finding["rule"]: finding["severity"] for finding in check.findings}


def test_what_the_rules_said_is_kept_with_an_own_permit(world: World) -> None:
    """At the stage of issue, as it was answered."""
    made = world.publish("XA")
    kept = check_of(world, "XA")
    assert kept == made.check
    assert (kept.stage, kept.checked_at, kept.ruleset) == (Stage.ISSUE, START, world["XA"].ruleset.id)
    assert all({"rule", "severity", "message", "citation", "reference"} <= set(finding) for finding in kept.findings)


def test_the_same_content_again_is_answered_with_what_was_said_then(world: World) -> None:
    """Also where the rules would say something else today: the permit was issued, and that is the fact."""
    first = world.publish("XA")
    world.wait(days=400)
    again = world.publish("XA")
    assert not again.created
    assert again.check == first.check
    assert again.to_json() == first.to_json()


def test_a_permit_from_elsewhere_is_judged_as_one_that_arrives(world: World) -> None:
    """On the day of its entry in the issuer's register, and nothing that is said refuses it."""
    world.wait(days=20)
    world.publish("XA")
    world.wait(days=20)
    world.meet()
    own, pulled = check_of(world, "XA"), check_of(world, "XB")
    assert pulled is not None
    assert (pulled.stage, pulled.checked_at) == (Stage.RECEIPT, world.now)
    assert "VAL-12" in rules_of(pulled)  # entered 20 days after its issue
    assert "VAL-12" not in rules_of(own)
    assert check_of(world, "XC") is None


def test_a_replacement_keeps_its_own_check(world: World) -> None:
    """In the transaction that withdraws the old one."""
    world.publish("XA")
    ref = NumberRef(issuer="XA", number="26XA000001", type=None, year=None)
    made = replace_permit(world["XA"], ref, permit_of(number="26XA000002"), now=world.now)
    assert check_of(world, "XA", dataclasses.replace(KEY, number="26XA000002")) == made.check


def test_a_mistake_in_the_rules_keeps_no_document_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A permit that some rule stumbles over is recorded without a check, and somebody is told."""

    def stumble(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    world.publish("XA")
    monkeypatch.setattr(examination, "check", stumble)
    with structlog.testing.capture_logs() as logs:
        world.meet()
    assert world.status("XB", "26XA000001").status.value == "VALID"
    assert check_of(world, "XB") is None
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "rules failed on a permit from elsewhere"
    ]


def test_a_stamp_on_two_permits_is_told_on_arrival(world: World) -> None:
    """Of one page or of two; the permit that bears it alone is not spoken of, however often it is looked at."""
    made = world.publish("XA", security_stamp="S 1")
    examiner = world["XB"].examiner(now=world.now)
    twin = permit_of(number="26XA000002", security_stamp="s1")
    assert not examiner._is_stamp_taken(permit_of(security_stamp="S1"))
    assert examiner._is_stamp_taken(twin)
    world.meet()
    later = world["XB"].examiner(now=world.now)
    assert not later._is_stamp_taken(permit_of(security_stamp="S1"))
    assert world["XB"].examiner(now=world.now)._is_stamp_taken(twin)
    assert "STP-01" not in rules_of(made.check)


OLD = {"issued_on": "2025-11-03", "valid_until": "2026-05-03", "legacy": True}


def legacy(**members: object):
    marked = {key: value for key, value in (OLD | members).items() if key != "legacy"}
    return dataclasses.replace(permit_of(**marked), legacy=True)


def test_a_legacy_permit_is_refused_only_for_what_keeps_it_from_being_counted(world: World) -> None:
    """Longer in force than allowed: published, with the finding. Without a quantity: refused."""
    made = publish(world["XA"], legacy(valid_until="2026-09-30"), now=world.now)
    assert rules_of(made.check)["VAL-01"] == "BLOCK"
    assert Flag.LEGACY in world.status("XA", "26XA000001").flags
    with pytest.raises(RulesBrokenError):
        publish(world["XA"], legacy(number="26XA000002", lines=[{"quantity": "many"}]), now=world.now)
    world.meet()
    assert "VAL-12" not in rules_of(check_of(world, "XB", dataclasses.replace(KEY, year=2025)))


def test_a_legacy_permit_that_comes_again_without_its_mark_is_told_by_its_mark(world: World) -> None:
    """It is other content (contract 5), but "with other content" would send people looking for another difference."""
    publish(world["XA"], legacy(), now=world.now)
    with pytest.raises(DifferentContentError, match="was published as a legacy document"):
        publish(world["XA"], dataclasses.replace(legacy(), legacy=False), now=world.now)
    with pytest.raises(DifferentContentError, match="with other content"):
        publish(world["XA"], legacy(purpose="Z"), now=world.now)
    publish(world["XA"], permit_of(number="26XA000003"), now=world.now)
    with pytest.raises(DifferentContentError, match="was published not as a legacy document"):
        publish(world["XA"], dataclasses.replace(permit_of(number="26XA000003"), legacy=True), now=world.now)


def test_a_permit_of_the_covered_time_is_no_legacy_document(world: World) -> None:
    """Otherwise the mark would be a door for back-dating; the message says from which day on."""
    with pytest.raises(UnacceptableError, match="issued from 2026-03-02 on"):
        publish(world["XA"], legacy(issued_on="2026-03-02", valid_until="2026-08-31"), now=world.now)
    made = publish(world["XA"], legacy(issued_on="2026-03-01", valid_until="2026-08-31"), now=world.now)
    assert made.created


def test_when_legacy_ends_is_when_the_first_promise_begins() -> None:
    """For each type of permit; a promise without a beginning leaves no room."""
    day = date(2026, 3, 1)
    coverage = Coverage(
        items=(
            CoverageItem(types=frozenset("ER"), issued_from=day, published_within=timedelta(hours=24)),
            CoverageItem(types=frozenset("R"), issued_from=date(2025, 1, 1), published_within=timedelta(hours=24)),
            CoverageItem(types=frozenset("I"), issued_from=None, published_within=timedelta(hours=24)),
        )
    )
    assert legacy_ends(coverage, "E") == day
    assert legacy_ends(coverage, "R") == date(2025, 1, 1)
    assert legacy_ends(coverage, "I") == date.min
    assert legacy_ends(coverage, "O") is None
