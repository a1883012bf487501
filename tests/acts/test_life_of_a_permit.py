"""A permit from issue to use, between offices that only exchange documents."""

from __future__ import annotations

import pytest

from epix_node.acts.publish import publish, replace_permit, withdraw
from epix_node.errors import DifferentContentError, NotOursError, TransitionError, UnacceptableError
from epix_node.permit.answer import VerdictWord
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.number import NumberRef
from epix_node.permit.status import Flag, Status
from epix_node.rules.finding import RulesBrokenError

from .conftest import World, permit_of


def test_a_published_permit_is_valid_at_the_destination(world: World) -> None:
    """After a meeting the destination answers VALID from its mirror, and third countries know nothing."""
    made = world.publish("XA")
    assert made.created
    assert made.source.index == 0
    world.meet()
    answer = world.status("XB", "26XA000001")
    assert (answer.status, answer.verdict, answer.grade.value) == (Status.VALID, VerdictWord.VALID, "LOGGED")
    assert not answer.authoritative
    assert world.status("XC", "26XA000001").status is Status.UNKNOWN
    verdict = world.verdict("XB", world.document("XB", made.source.document))
    assert (verdict.signature, verdict.verdict) == ("VALID", VerdictWord.VALID)


def test_a_confirmed_permit_is_used_on_both_sides(world: World) -> None:
    """Endorsed: EXPORTED at both; confirmed: USED at both, with the quantities of each."""
    world.publish("XA")
    world.meet()
    world.endorse("XA", "26XA000001", quantity="8")
    world.meet()
    for party in ("XA", "XB"):
        answer = world.status(party, "26XA000001")
        assert answer.status is Status.EXPORTED
        assert Flag.REMAINDER_LAPSED in answer.flags
        assert answer.lines[0]["remaining"] == "0"
    world.confirm("XB", "26XA000001", quantity="8")
    world.meet()
    for party in ("XA", "XB"):
        answer = world.status(party, "26XA000001")
        assert (answer.status, answer.verdict) == (Status.USED, VerdictWord.NOT_VALID)
        assert (answer.lines[0]["endorsed"], answer.lines[0]["confirmed"]) == ("8", "8")
        assert world.patterns(party) == []


def test_the_same_content_again_is_the_same_permit(world: World) -> None:
    """White space, decimal scale and the spelling of the number make no difference; anything else is a conflict."""
    first = world.publish("XA")
    again = publish(
        world["XA"],
        permit_of(number=" no. 26xa000001 ", lines=[{"quantity": "10.000"}]),
        now=world.now,
    )
    assert not again.created
    assert (again.source, again.token) == (first.source, first.token)
    with pytest.raises(DifferentContentError):
        world.publish("XA", lines=[{"quantity": "11"}])


def test_only_the_own_issuers_are_published(world: World) -> None:
    """A node does not speak for others."""
    with pytest.raises(NotOursError):
        publish(world["XB"], permit_of("XA"), now=world.now)


def test_a_blocking_rule_refuses_the_issue_and_stores_nothing(world: World) -> None:
    """Nonsense is refused with the rule that it breaks."""
    with pytest.raises(RulesBrokenError) as refusal:
        world.publish("XA", lines=[{"quantity": "-1"}])
    assert "QTY-01" in {finding.rule for finding in refusal.value.findings}
    assert world.status("XA", "26XA000001").status is Status.UNKNOWN


def test_a_stamp_is_used_once(world: World) -> None:
    """STP-01: the second permit with the same stamp is refused."""
    world.publish("XA", security_stamp="XA 0012345")
    with pytest.raises(RulesBrokenError) as refusal:
        world.publish("XA", number="26XA000002", security_stamp="XA0012345")
    assert "STP-01" in {finding.rule for finding in refusal.value.findings}


def test_a_withdrawal_reaches_the_destination(world: World) -> None:
    """Withdrawn twice for one reason is once; for another reason it is a conflict."""
    world.publish("XA")
    world.meet()
    ref = NumberRef(issuer="XA", number="26XA000001")
    assert withdraw(world["XA"], ref, WithdrawalReason.STOLEN, None, now=world.now).created
    assert not withdraw(world["XA"], ref, WithdrawalReason.STOLEN, "text", now=world.now).created
    with pytest.raises(TransitionError):
        withdraw(world["XA"], ref, WithdrawalReason.LOST, None, now=world.now)
    with pytest.raises(UnacceptableError):
        withdraw(world["XA"], ref, WithdrawalReason.REPLACED, None, now=world.now)
    world.meet()
    answer = world.status("XB", "26XA000001")
    assert (answer.status, answer.verdict) == (Status.REVOKED, VerdictWord.NOT_VALID)
    assert Flag.STOLEN in answer.flags


def test_a_replacement_ends_the_old_permit_and_names_the_new_one(world: World) -> None:
    """One transaction: the new permit is valid and the old one replaced by it, here and there."""
    world.publish("XA")
    ref = NumberRef(issuer="XA", number="26XA000001")
    new = permit_of(number="26XA000002")
    assert replace_permit(world["XA"], ref, new, now=world.now).created
    assert not replace_permit(world["XA"], ref, new, now=world.now).created
    world.meet()
    old = world.status("XB", "26XA000001")
    assert old.status is Status.REPLACED
    assert old.replaced_by is not None
    assert old.replaced_by.number == "26XA000002"
    assert world.status("XB", "26XA000002").status is Status.VALID


def test_a_mirror_grows_old_without_changing_the_status(world: World) -> None:
    """One hour makes it stale, seven days expired: the verdict says so, the status stays (contract 4)."""
    world.publish("XA", valid_until="2026-08-31")
    world.meet()
    for hours, freshness, verdict in (
        (0, "FRESH", "VALID"),
        (2, "STALE", "VALID"),
        (24 * 8, "EXPIRED", "INDETERMINATE"),
    ):
        world.wait(hours=hours)
        answer = world.status("XB", "26XA000001")
        assert (answer.status.value, answer.freshness.value, answer.verdict.value) == ("VALID", freshness, verdict)


def test_a_flipped_byte_makes_a_document_invalid(world: World) -> None:
    """Nothing of a document with a bad signature is read."""
    made = world.publish("XA")
    xml = world.document("XA", made.source.document)
    at = xml.index(b"Python regius")
    forged = xml[:at] + b"Qython regius" + xml[at + 13 :]
    answer = world.verdict("XA", forged)
    assert (answer.signature, answer.verdict, answer.issuer) == ("INVALID", VerdictWord.NOT_VALID, None)
