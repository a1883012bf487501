"""What a bundle proves to somebody who trusts nothing but a root."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from epix_node.evidence.bundle import Bundle
from epix_node.evidence.judgement import Reader, judge
from epix_node.evidence.testimony import quorum_of
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import PartyTrust, TrustList
from tests.acts.conftest import START
from tests.evidence.conftest import members_of


def words(judgement) -> tuple[str, str, tuple[str, ...]]:
    answer = judgement.answer
    return answer.verdict.value, answer.status.value, tuple(reason.value for reason in answer.reasons)


def test_a_genuine_bundle_is_valid_and_witnessed(scene, good):
    """Document, register, witnesses and trust list all hold."""
    judgement = scene.judge(good)
    answer = judgement.answer
    assert judgement.trust_problem is None
    assert (answer.verdict, answer.status, answer.signature, answer.grade) == ("VALID", "VALID", "VALID", "WITNESSED")
    assert (answer.reasons, answer.freshness) == ((), "FRESH")
    assert judgement.permit.witnesses == ("XB", "XC")


def test_a_mirror_proves_as_much_as_the_issuer(scene, good):
    """Another Party's node makes the bundle from what it mirrors; it says so and proves the same."""
    data = scene.gather("XB", "26XA000001").data
    judgement = scene.judge(data)
    assert words(judgement) == ("VALID", "VALID", ())
    assert judgement.answer.grade == "WITNESSED"
    said = json.loads(members_of(data)["verdict.json"])
    assert (said["party"], said["source"]) == ("XB", "mirror")
    assert members_of(data)["permit.xml"] == members_of(good)["permit.xml"]


def test_a_withdrawn_permit_is_not_valid(scene, withdrawn):
    """The withdrawal is in the bundle, with its own proof."""
    judgement = scene.judge(withdrawn)
    assert words(judgement) == ("NOT_VALID", "REVOKED", ("WITHDRAWN",))
    (event,) = judgement.events
    assert (event.source.type, event.grade) == ("withdrawal", "WITNESSED")
    assert "events/001.tlog-proof" in members_of(withdrawn)


def test_a_used_permit_is_not_valid(scene, used):
    """The confirmation stands in the register of the Party where the goods arrived."""
    judgement = scene.judge(used)
    assert words(judgement) == ("NOT_VALID", "USED", ("USED",))
    (event,) = judgement.events
    assert (event.party, event.source.type, event.witnesses) == ("XB", "import-confirmation", ("XA", "XC"))
    assert judgement.answer.lines[0]["confirmed"] == "10"


def test_without_a_root_nothing_is_said_for_sure(scene, good, withdrawn):
    """Whoever forges a permit can forge a root: neither VALID nor NOT_VALID follows from the bundle's own."""
    for data in (good, withdrawn):
        judgement = judge(Bundle.parse(data), Reader())
        assert not judgement.is_pinned
        assert judgement.answer.verdict == "INDETERMINATE"
        assert {"KEY_UNKNOWN", "TRUST_LIST_EXPIRED"} <= set(judgement.answer.reasons)


def test_age_lowers_the_answer_and_never_turns_it(scene, good):
    """The moment is chosen with `at`: FRESH, STALE with a remark, EXPIRED and INDETERMINATE, never NOT_VALID."""
    day = timedelta(days=1)
    said = [
        scene.judge(good, at=START + wait).answer for wait in (timedelta(0), timedelta(hours=30), 9 * day, 90 * day)
    ]
    assert [answer.freshness for answer in said] == ["FRESH", "STALE", "EXPIRED", "EXPIRED"]
    assert [answer.verdict for answer in said] == ["VALID", "VALID", "INDETERMINATE", "INDETERMINATE"]
    assert "TRUST_LIST_STALE" in said[1].reasons
    assert "TRUST_LIST_EXPIRED" in said[2].reasons


def test_a_permit_expires_by_the_moment_asked_for(scene, good):
    """Dates are judged at `at`, whatever the node said when it made the bundle."""
    assert scene.judge(good, at=START + timedelta(days=200)).answer.status == "EXPIRED"


def test_no_permit_was_valid_before_its_register_took_it(scene, good):
    """Its dates are the issuer's word: one that was slipped in after the goods had passed could have any."""
    for wait, verdict in ((timedelta(hours=-1), "INDETERMINATE"), (timedelta(minutes=-4), "VALID")):
        answer = scene.judge(good, at=START + wait).answer
        assert (answer.status, answer.verdict) == ("VALID", verdict)
        assert ("NOT_IN_REGISTER" in answer.reasons) is (verdict == "INDETERMINATE")


def test_fewer_witnesses_than_the_reader_wants_are_a_lower_grade(scene, good):
    """The quorum is the reader's; the permit is LOGGED then, and still VALID."""
    answer = judge(Bundle.parse(good), Reader(root=scene.root, policy_about=quorum_of(3))).answer
    assert (answer.verdict, answer.grade, answer.reasons) == ("VALID", "LOGGED", ("NOT_WITNESSED",))


def test_what_the_bundle_was_made_for_is_the_newest_signed_time(scene, good):
    """Not the word of whoever made it."""
    assert scene.judge(good).made_at == START
    assert json.loads(members_of(good)["verdict.json"])["as_of"] == "2026-03-02T08:00:00Z"


@pytest.mark.parametrize("number", ["26XA000002", "26XA000003"])
def test_an_event_that_was_taken_out_is_missed(scene, changed, number):
    """As long as the maker's verdict still speaks of what it did."""
    data = scene.gather("XA", number).data
    taken = changed(data, {"events/001.xml": None, "events/001.tlog-proof": None})
    verdict, status, reasons = words(scene.judge(taken))
    assert (verdict, status) == ("INDETERMINATE", "VALID")
    assert "CONTENT_DIFFERS" in reasons


def test_an_event_of_another_permit_is_not_taken_for_one_of_this(scene, changed, good, used):
    """It is genuine and proven, and about something else."""
    event = {name: data for name, data in members_of(used).items() if name.startswith("events/")}
    verdict, status, reasons = words(scene.judge(changed(good, event)))
    assert (verdict, status) == ("INDETERMINATE", "VALID")
    assert "CONTENT_MISMATCH" in reasons


def test_an_event_without_a_proof_counts_and_casts_doubt(scene, changed, good, used):
    """Signed is signed; but what is in no register may come from a thief of the key."""
    verdict, status, _ = words(scene.judge(changed(used, {"events/001.tlog-proof": None})))
    assert (verdict, status) == ("NOT_VALID", "USED")


def test_without_a_proof_a_permit_is_never_valid(scene, changed, good):
    """C.3: no proof, no trade."""
    verdict, _, reasons = words(scene.judge(changed(good, {"permit.tlog-proof": None})))
    assert verdict == "INDETERMINATE"
    assert "NOT_IN_REGISTER" in reasons


def test_a_proof_of_another_document_proves_nothing(scene, changed, good, withdrawn):
    """Although it is a genuine proof in the same register."""
    other = members_of(withdrawn)["permit.tlog-proof"]
    judgement = scene.judge(changed(good, {"permit.tlog-proof": other}))
    assert words(judgement)[0] == "INDETERMINATE"
    assert "DIGEST_MISMATCH" in judgement.answer.reasons
    assert judgement.answer.grade == "UNLOGGED"


def test_what_the_maker_knew_of_the_register_is_heeded(scene, changed, good):
    """That a register contradicted itself is not to be seen from one of its documents."""
    said = members_of(good)["verdict.json"].replace(b'"reasons":[]', b'"reasons":["REGISTER_DISPUTED"]')
    assert words(scene.judge(changed(good, {"verdict.json": said}))) == (
        "INDETERMINATE",
        "VALID",
        ("REGISTER_DISPUTED",),
    )


def revoking(known: TrustList, *, since: timedelta) -> TrustList:
    """The list of a later day, in which XA's key counts no more from so long after the permit on."""
    entry = known.parties["XA"]
    manifest = entry.manifest
    revoked = tuple(
        key.model_copy(update={"status": "revoked", "invalid_since": max(START + since, key.not_before)})
        for key in manifest.permit_keys
    )
    later = manifest.model_copy(update={"permit_keys": revoked}).numbered(entry.version + 1)
    version = SignedVersion(role=entry.role, manifest_file=later.to_json())
    parties = {**known.parties, "XA": PartyTrust.of(version, later, expires=entry.expires)}
    return replace(known, parties=parties, refreshed_at=START + timedelta(days=1))


def test_a_bundle_from_before_the_theft_stays_good(scene, good):
    """Decision 7: witnesses cosigned it before the key counted no more, and the reader need not have been there."""
    known = revoking(scene.judge(good).trust_list, since=timedelta(seconds=1))
    answer = judge(Bundle.parse(good), Reader(root=scene.root, known=known)).answer
    assert (answer.verdict, answer.signature) == ("VALID", "VALID")


@pytest.mark.parametrize(("since", "quorum"), [(timedelta(0), 2), (timedelta(seconds=1), 3)])
def test_a_bundle_that_is_not_provably_older_than_the_theft_counts_no_more(scene, good, since, quorum):
    """Cosigned in the very second, or by fewer witnesses than the reader wants."""
    known = revoking(scene.judge(good).trust_list, since=since)
    reader = Reader(root=scene.root, known=known, policy_about=quorum_of(quorum))
    answer = judge(Bundle.parse(good), reader).answer
    assert (answer.verdict, answer.signature) == ("NOT_VALID", "REVOKED_KEY")
