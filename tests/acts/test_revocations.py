"""A key is stolen and revoked: what is provably older stays good, what is not counts no more (protocol decision 7).

The offices of `conftest.World`. A stolen key is here what it is in life: the office's own key, used after the theft.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from epix_node.acts import report
from epix_node.acts.publish import publish, withdraw
from epix_node.acts.revocation import heed_revocations
from epix_node.errors import DifferentContentError, TransitionError
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.number import NumberRef
from epix_node.signing.signer import FileSigner
from epix_node.store import documents, extracts, orphans, permits, register, revocations
from epix_node.store.answers import PointReader
from epix_node.store.database import Session
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.keyring import Keyring
from epix_node.trust.keys import generate_permit_key
from epix_node.trust.manifest import PermitKeyEntry
from epix_node.trust.succession import with_revocation
from tests.acts.conftest import ALL_USES, START, YEARS_20, Keys, World, make_keys, open_world, permit_of, trusting
from tests.acts.test_extracts import counted, held, reexport, written
from tests.reconcile.everything import reconcile_all

NUMBER = "26XA000001"
REF = NumberRef(issuer="XA", number=NUMBER)


@dataclasses.dataclass
class Federation:
    """Offices, and what everybody knows of everybody's keys."""

    world: World
    keyring: Keyring
    keys: dict[str, Keys]

    @property
    def now(self) -> datetime:
        return self.world.now

    def knows(self, keyring: Keyring, *parties: str) -> None:
        """These offices, or all, have this keyring from now on."""
        trust_list = trusting(keyring.manifests.values())
        for party in parties or tuple(self.world.offices):
            office = self.world[party]
            self.world.offices[party] = dataclasses.replace(
                office,
                keyring=lambda: keyring,
                trust_list=lambda: trust_list,
                own=dataclasses.replace(office.own, keys=keyring),
            )

    def revoked(self, party: str, since: datetime, *, kid: str | None = None) -> Keyring:
        """The keyring in which the key of this Party is revoked; it is what is known from now on to whoever asks."""
        manifest = self.keyring.manifests[party]
        named = kid or next(k.kid for k in manifest.permit_keys if k.kid == kid_of(self.keys[party]))
        changed = with_revocation(manifest, named, invalid_since=since, reason="stolen")
        self.keyring = Keyring({**self.keyring.manifests, party: changed})
        return self.keyring

    def revoke(self, party: str, since: datetime, *, kid: str | None = None) -> None:
        """Everybody hears of the revocation and heeds it."""
        self.knows(self.revoked(party, since, kid=kid))
        self.heed()

    def heed(self, *parties: str) -> None:
        for party in parties or tuple(self.world.offices):
            heed_revocations(self.world[party], now=self.now)

    def renew(self, party: str) -> str:
        """The Party signs with a new key from now on, which everybody knows; returns the old one's id."""
        old = kid_of(self.keys[party])
        key = generate_permit_key()
        certificate = issue_certificate(key, party, not_before=START, valid_for=YEARS_20)
        manifest = self.keyring.manifests[party]
        entry = PermitKeyEntry.of(
            certificate, uses=ALL_USES, not_before=START, not_after=START + YEARS_20 - timedelta(days=2)
        )
        changed = manifest.model_copy(update={"permit_keys": (entry, *manifest.permit_keys)})
        self.keyring = Keyring({**self.keyring.manifests, party: changed})
        self.knows(self.keyring)
        signer = FileSigner(key, certificate)
        office = self.world[party]
        self.world.offices[party] = dataclasses.replace(office, own=dataclasses.replace(office.own, signer=signer))
        self.keys[party] = dataclasses.replace(self.keys[party], signer=signer)
        return old

    def shows(self, party: str, number: str = NUMBER, issuer: str = "XA") -> tuple[str, str, str]:
        """(status, signature, verdict) by number; by document the signature and verdict are the same."""
        answer = self.world.status(party, number, issuer)
        document = document_of(self.world, party, issuer, number)
        if document is not None:
            by_document = self.world.verdict(party, document)
            assert (by_document.signature, by_document.verdict) == (answer.signature, answer.verdict)
            assert ("REVOKED_KEY" in by_document.reasons) == ("REVOKED_KEY" in answer.reasons)
        claim = self.world.claim(party, number, issuer)
        assert (claim.signature, claim.verdict, claim.status) == (answer.signature, answer.verdict, answer.status)
        return answer.status.value, answer.signature, answer.verdict.value


GOOD = ("VALID", "VALID", "VALID")
STOLEN = ("UNKNOWN", "REVOKED_KEY", "NOT_VALID")


def kid_of(keys: Keys) -> str:
    return PermitKeyEntry.of(
        keys.signer.certificate, uses=("permit",), not_before=START, not_after=START + timedelta(days=1)
    ).kid


def document_of(world: World, party: str, issuer: str, number: str) -> bytes | None:
    office = world[party]
    facts = office.database.read_now(permits.numbered, issuer, number)
    return world.document(party, facts[0].source.document) if facts else None


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    keys = {party: make_keys(party) for party in ("XA", "XB", "XC")}
    world = open_world(tmp_path, keys.values())
    keyring = Keyring({party: one.manifest for party, one in keys.items()})
    made = Federation(world, keyring, keys)
    made.knows(keyring)
    yield made
    world.close()


def _seen(session: Session, party: str, size: int, at: datetime) -> None:
    register.prove(session, party, size, at=at)


# The scenario table: when the entry was proven here, against the time from which the key is not to be trusted.

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("after_the_proof", "expected"),
    [(HOUR, GOOD), (SECOND, GOOD), (timedelta(), STOLEN), (-SECOND, STOLEN), (-HOUR, STOLEN)],
    ids=["an hour before", "a second before", "at the second", "a second after", "an hour after"],
)
@pytest.mark.parametrize("known_first", [False, True], ids=["document first", "revocation first"])
def test_a_permit_counts_where_its_entry_was_proven_before_the_theft(
    federation: Federation, after_the_proof: timedelta, expected: tuple[str, str, str], *, known_first: bool
) -> None:
    """Whichever of document and revocation comes first to the reader: by number, by claim and by document."""
    world = federation.world
    world.wait(hours=2)
    world.publish("XA")
    proven = world.now
    if not known_first:
        world.meet(rounds=1)
    else:  # the register was mirrored, with a verified checkpoint, before the document came
        world["XB"].database.write_now(_seen, "XA", 1, proven)
    world.wait(hours=3)
    federation.revoke("XA", proven + after_the_proof)
    world.meet(rounds=1)
    assert federation.shows("XB") == expected
    assert federation.shows("XA") == expected


def test_a_register_that_was_mirrored_in_time_proves_a_document_that_comes_later(federation: Federation) -> None:
    """And one that was mirrored too late proves nothing: each node goes by what it saw itself."""
    world = federation.world
    world.publish("XA", importer={"name": "N", "address": "A", "country": "XB"})
    world["XB"].database.write_now(_seen, "XA", 1, world.now + HOUR)
    world["XB"].database.write_now(_seen, "XA", 9, world.now + 5 * HOUR)
    world.wait(hours=9)
    federation.revoke("XA", START + 2 * HOUR)
    world.meet(rounds=1)
    assert federation.shows("XB") == GOOD
    held = world["XB"].database.read_now(documents.find, world["XA"].database.read_now(_document))
    assert held is not None
    assert held.proven_at == START + HOUR
    assert held.received_at == world.now


def _document(session: Session) -> str:
    return permits.numbered(session, "XA", NUMBER)[0].source.document


def test_who_does_not_hold_a_document_can_prove_its_age_by_the_mirrored_entry(federation: Federation) -> None:
    """XC, which the permit does not concern, is shown it after the key was stolen and revoked."""
    world = federation.world
    world.publish("XA")
    xml = world.document("XA", world["XA"].database.read_now(_document))
    world.meet(rounds=1)
    world.wait(days=3)
    stolen_at = world.now
    published = world.publish("XA", number="26XA000002")
    late = world.document("XA", published.source.document)
    world.meet(rounds=1)
    federation.revoke("XA", stolen_at)
    verdicts = [world.verdict("XC", one) for one in (xml, late)]
    assert [(one.signature, one.grade.value) for one in verdicts] == [("VALID", "LOGGED"), ("REVOKED_KEY", "UNLOGGED")]
    assert world.verdict("XC", xml.replace(b"Hook", b"Hood")).signature == "REVOKED_KEY"


def test_a_revocation_that_moves_earlier_takes_more_and_one_that_moves_later_gives_nothing_back(
    federation: Federation,
) -> None:
    """Decision 7: it may only move earlier. Nothing is lost: every document is still there."""
    world = federation.world
    numbers = [f"26XA00000{n}" for n in (1, 2, 3)]
    for number in numbers:
        world.wait(hours=1)
        world.publish("XA", number=number)
        world.meet(rounds=1)
    federation.revoke("XA", START + 3 * HOUR)
    assert [federation.shows("XB", number) for number in numbers] == [GOOD, GOOD, STOLEN]
    original = federation.keyring
    federation.revoke("XA", START + 2 * HOUR)
    assert [federation.shows("XB", number) for number in numbers] == [GOOD, STOLEN, STOLEN]
    federation.knows(original)
    federation.heed()
    assert [federation.shows("XB", number) for number in numbers] == [GOOD, STOLEN, STOLEN]
    assert all(document_of(world, "XB", "XA", number) for number in numbers)
    assert world["XB"].database.read_now(revocations.void_documents) == {"XA": 2}


def test_the_other_key_of_the_party_is_not_touched(federation: Federation) -> None:
    """Two keys, one of them stolen."""
    world = federation.world
    world.publish("XA", number="26XA000001")
    old = federation.renew("XA")
    world.publish("XA", number="26XA000002")
    world.meet(rounds=1)
    federation.revoke("XA", START, kid=old)
    assert federation.shows("XB", "26XA000001") == STOLEN
    assert federation.shows("XB", "26XA000002") == GOOD


def test_the_thiefs_confirmation_moves_no_status(federation: Federation) -> None:
    """XB's key is stolen and confirms what never came; when that is known the permit is unused again."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.wait(hours=1)
    stolen_at = world.now
    world.confirm("XB", NUMBER)
    world.meet()
    assert world.status("XA", NUMBER).status.value == "USED"
    federation.revoke("XB", stolen_at)
    assert {party: federation.shows(party) for party in ("XA", "XB")} == {"XA": GOOD, "XB": GOOD}


def test_the_thiefs_withdrawal_takes_nothing_back_and_the_issuer_can_withdraw_for_its_own_reason(
    federation: Federation,
) -> None:
    """Nor does it stand in the way of a true one."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.wait(hours=1)
    stolen_at = world.now
    withdraw(world["XA"], REF, WithdrawalReason.CANCELLED, None, now=world.now)
    world.meet()
    assert world.status("XB", NUMBER).status.value == "REVOKED"
    old = federation.renew("XA")
    federation.revoke("XA", stolen_at, kid=old)
    assert federation.shows("XB") == GOOD
    assert federation.shows("XA") == GOOD
    withdrawn = withdraw(world["XA"], REF, WithdrawalReason.LOST, None, now=world.now)
    assert withdrawn.created
    world.meet()
    assert world.status("XB", NUMBER).status.value == "REVOKED"
    assert [flag.value for flag in world.status("XB", NUMBER).flags] == ["LOST"]


def test_the_thiefs_correction_takes_nothing_back(federation: Federation) -> None:
    """The confirmation that it took back stands again."""
    world = federation.world
    world.publish("XA")
    world.meet()
    made = world.confirm("XB", NUMBER)
    world.meet()
    world.wait(hours=1)
    stolen_at = world.now
    report.correct(world["XB"], event_id="C-1", supersedes=made.event_id, read_event=None, now=world.now)
    world.meet()
    assert world.status("XA", NUMBER).status.value == "VALID"
    federation.revoke("XB", stolen_at)
    assert {world.status(party, NUMBER).status.value for party in ("XA", "XB")} == {"USED"}


def test_the_thiefs_second_confirmation_is_no_fraud_of_the_importer(federation: Federation) -> None:
    """The finding that rests on it is resolved, here and at the issuer."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.confirm("XB", NUMBER)
    world.meet()
    world.wait(days=5)
    stolen_at = world.now
    world.confirm("XB", NUMBER, date="2026-03-07", office="PORT-2")
    world.meet()
    world.wait(days=2)
    world.meet()
    before = world.patterns("XA")
    assert "FRD-01" in {pattern for pattern, _, _ in before}
    federation.revoke("XB", stolen_at)
    assert "FRD-01" not in {pattern for pattern, _, _ in world.patterns("XA")}


def test_an_alert_of_the_thief_is_forgotten_and_the_issuer_alerts_again(federation: Federation) -> None:
    """A finding that only the issuer can derive is shown on the word of documents that count."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.confirm("XC", NUMBER)
    world.wait(days=2)
    world.confirm("XB", NUMBER, date="2026-03-04")
    world.meet()
    world.wait(days=3)
    stolen_at = world.now
    world.meet()
    alerted = world.findings("XC")
    assert alerted
    old = federation.renew("XA")
    federation.revoke("XA", stolen_at, kid=old)
    assert world.patterns("XC") == [] or all(f.derived for f in world.findings("XC").values() if f.state != "resolved")
    world.meet()
    assert {f.id: (f.class_, f.state) for f in world.findings("XC").values()} == {
        f.id: (f.class_, f.state) for f in alerted.values()
    }


def test_what_was_issued_between_theft_and_discovery_is_issued_again_under_the_new_key(federation: Federation) -> None:
    """The same content, with the token on the paper; other content under the number is refused as ever."""
    world = federation.world
    first = world.publish("XA")
    world.meet()
    old = federation.renew("XA")
    federation.revoke("XA", START, kid=old)
    assert federation.shows("XB") == STOLEN
    with pytest.raises(TransitionError, match="issue it again"):
        withdraw(world["XA"], REF, WithdrawalReason.LOST, None, now=world.now)
    with pytest.raises(DifferentContentError):
        world.publish("XA", purpose="P")
    again = world.publish("XA")
    assert again.created
    assert again.token == first.token
    assert again.source.document != first.source.document
    assert not world.publish("XA").created
    world.meet()
    assert [federation.shows(party) for party in ("XA", "XB")] == [GOOD, GOOD]
    by_old_document = world.verdict("XB", world.document("XB", first.source.document))
    assert (by_old_document.signature, by_old_document.verdict.value) == ("REVOKED_KEY", "NOT_VALID")


def test_what_came_too_early_beside_the_stolen_one_leaves_quarantine(federation: Federation) -> None:
    """The re-issued permit reaches XB before the revocation does: it waits, and then counts."""
    world = federation.world
    world.publish("XA")
    world.meet()
    old = federation.renew("XA")
    federation.knows(federation.revoked("XA", START, kid=old), "XA", "XC")
    federation.heed("XA", "XC")
    world.publish("XA")
    world.meet()
    reasons = {reason for _, _, reason, _ in world["XB"].database.read_now(documents.quarantined)}
    assert reasons == {"CONTENT_DIFFERS"}
    federation.knows(federation.keyring)
    federation.heed()
    assert federation.shows("XB") == GOOD
    assert world["XB"].database.read_now(documents.quarantined) == []


def test_an_event_between_theft_and_discovery_is_reported_again_under_its_id(federation: Federation) -> None:
    """With the same id and content; the issuer counts it once."""
    world = federation.world
    world.publish("XA")
    world.meet()
    body: dict[str, Any] = {"event_id": "CONF-1"}
    world.confirm("XB", NUMBER, **body)
    world.meet()
    old = federation.renew("XB")
    federation.revoke("XB", START, kid=old)
    assert world.status("XA", NUMBER).status.value == "VALID"
    assert world.confirm("XB", NUMBER, **body).created
    assert not world.confirm("XB", NUMBER, **body).created
    world.meet()
    assert {world.status(party, NUMBER).status.value for party in ("XA", "XB")} == {"USED"}


def test_goods_that_moved_on_a_stolen_permit_are_goods_without_a_permit(federation: Federation) -> None:
    """Of a phantom authority, until the issuer says that it is its own by issuing it again."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.confirm("XB", NUMBER, permit={"issued_on": "2026-03-02"})
    world.meet()
    old = federation.renew("XA")
    federation.revoke("XA", START, kid=old)
    world.wait(days=5)
    world.meet()
    for party in ("XA", "XB"):
        assert [(pattern, class_) for pattern, class_, _ in world.patterns(party)] == [("FRD-18", "A")]
    world.publish("XA")
    world.meet()
    assert world.patterns("XA") == []
    assert world.status("XB", NUMBER).status.value == "USED"


def test_everything_again_gives_the_same(federation: Federation) -> None:
    """`reconcile --full`, and heeding the same revocation twice."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.confirm("XB", NUMBER)
    world.meet()
    federation.revoke("XA", START)
    before = {party: (world.status(party, NUMBER), world.findings(party)) for party in ("XA", "XB")}
    federation.heed()
    for party in ("XA", "XB"):
        office = world[party]
        office.database.write_now(reconcile_all, office.perspective(), now=world.now)
    assert {party: (world.status(party, NUMBER), world.findings(party)) for party in ("XA", "XB")} == before


def test_answers_tell_of_it_before_the_cases_are_followed(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marking is quick, and what follows may take its time: the permit says nothing good in between."""
    world = federation.world
    world.publish("XA")
    world.meet()
    world.confirm("XB", NUMBER)
    world.meet()
    with monkeypatch.context() as patched:
        patched.setattr("epix_node.reconcile.revocation.settle_cases", lambda *_, **__: 0)
        federation.revoke("XA", START)
    assert world["XB"].database.read_now(revocations.unsettled, limit=9) == [("XA", NUMBER)]
    assert federation.shows("XB") == STOLEN
    reader = PointReader(world["XB"].database.point_reader())
    (card,) = reader.cards("XA", NUMBER)
    reader.close()
    assert (card.is_void, card.settled, card.lines) == (1, "UNKNOWN", "[]")
    federation.heed()
    assert world["XB"].database.read_now(revocations.unsettled, limit=9) == []
    assert world["XB"].database.read_now(orphans.every) == [("XA", NUMBER)]


def test_nothing_is_signed_by_a_key_that_was_revoked_in_the_meantime(federation: Federation) -> None:
    """The signature was made before the revocation and comes to the register after it."""
    world = federation.world
    keyring = federation.revoked("XA", START)
    world.offices["XA"] = dataclasses.replace(world["XA"], keyring=lambda: keyring)
    with pytest.raises(TransitionError, match="revoked in the meantime"):
        publish(world["XA"], permit_of(), now=world.now)
    assert world["XA"].database.read_now(permits.numbered, "XA", NUMBER) == ()


@pytest.mark.parametrize("known_first", [False, True], ids=["sorted out later", "known before"])
def test_many_documents_are_marked_and_their_cases_followed_in_small_steps(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, *, known_first: bool
) -> None:
    """More than fit into one transaction."""
    monkeypatch.setattr("epix_node.reconcile.revocation.MARKED_AT_ONCE", 2)
    monkeypatch.setattr("epix_node.reconcile.revocation.CASES_AT_ONCE", 2)
    world = federation.world
    numbers = [f"26XA00000{n}" for n in range(1, 8)]
    for number in numbers:
        world.publish("XA", number=number)
    if not known_first:
        world.meet(rounds=1)
    federation.revoke("XA", START)
    world.meet(rounds=1)
    assert {federation.shows("XB", number) for number in numbers} == {STOLEN}
    assert world["XB"].database.read_now(revocations.unsettled, limit=1) == []
    assert world["XB"].database.read_now(revocations.unswept) == []


def test_the_thiefs_extract_tells_nothing(federation: Federation) -> None:
    """XB's key was stolen: what it signed counts no more, and XB tells it again under its new key."""
    world = federation.world
    reexport(world, transit=[])
    world.meet()
    world.wait(hours=1)
    stolen_at = world.now
    world.endorse("XB", "26XB1", issuer="XB", quantity="6")
    world.meet()
    assert counted(held(world, "XA", "26XB1", "XB")) == ("6", "0")
    old = federation.renew("XB")
    federation.revoke("XB", stolen_at, kid=old)
    assert counted(held(world, "XA", "26XB1", "XB")) == ("0", "0")  # the endorsement counts no more, either
    world.wait(minutes=1)
    world.meet()
    assert counted(held(world, "XA", "26XB1", "XB")) == ("0", "0")
    world.endorse("XB", "26XB1", issuer="XB", quantity="5")
    world.meet()
    assert counted(held(world, "XA", "26XB1", "XB")) == ("5", "0")


def test_an_extract_of_a_revoked_key_is_written_again(federation: Federation) -> None:
    """The permit is older than the theft, and what was told of it is not: nothing is known of it until it is told."""
    world = federation.world
    reexport(world, transit=[])
    world.wait(hours=1)
    stolen_at = world.now
    world.meet()
    old = federation.renew("XB")
    federation.revoke("XB", stolen_at, kid=old)
    assert held(world, "XA", "26XB1", "XB") is None
    assert not world["XA"].database.read_now(extracts.is_issued, "XB", "26XB1")
    world.meet()
    assert counted(held(world, "XA", "26XB1", "XB")) == ("0", "0")
    assert written(world, "XB") == 2
