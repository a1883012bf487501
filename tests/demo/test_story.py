"""The story is consistent in itself: what it expects is what its scenes play."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from epix_node.clock import parse_time
from epix_node.demo import report
from epix_node.demo.country import FICTIONAL
from epix_node.demo.custodian import Custodian
from epix_node.demo.papers import CONCH, draw
from epix_node.demo.play import Answer, Play
from epix_node.demo.scenes import CAST, SCENES, Kind, Scene
from epix_node.demo.story import CORRECTED, EXPECTED, Report, Told, judge, play_scenes
from epix_node.federation.national import NationalClient, Reply
from epix_node.permit.event_json import confirmation_from_json, correction_from_json, endorsement_from_json
from epix_node.permit.json import permit_from_json
from epix_node.permit.model import Permit
from epix_node.permit.neighbours import neighbouring_numbers
from epix_node.permit.number import normalised
from epix_node.reference.catalogue import builtin
from epix_node.rules.check import check
from epix_node.rules.finding import Severity
from epix_node.rules.ruleset import Stage, load_ruleset
from epix_node.rules.subject import Circumstances

BEGINS = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROLES = ("authority", "customs", "auditor")
DETERMINISTIC = {"FRD-01", "FRD-02", "FRD-03", "FRD-04", "FRD-05", "FRD-14"}


class Clock:
    """The Secretariat, as far as a story needs it: the time of the last tick, and of all of them."""

    def __init__(self) -> None:
        self.ticks = [BEGINS]

    async def post(self, path: str, body: dict, *, within: timedelta) -> Reply:
        self.ticks.append(parse_time(body["now"]))
        return Reply(status=200, body={})

    def expect(self, reply: Reply, *statuses: int, what: str) -> None:
        assert reply.status in statuses


class Desk:
    """An office that accepts everything and remembers what it was sent, and when by this clock."""

    def __init__(self, party: str, clock: Clock) -> None:
        self.party = party
        self.clock = clock
        self.sent: list[tuple[str, dict]] = []
        self.signed: list[tuple[int, dict]] = []

    async def post(self, path: str, body: dict) -> Reply:
        self.sent.append((path, body))
        if not path.endswith(("/status", "/verifications")) or body.get("record"):
            self.signed.append((len(self.clock.ticks), body))
        answer = {"token": "T", "verdict": "?", "status": "?", "reasons": [], "flags": []}
        return Reply(status=201, body=answer)

    def expect(self, reply: Reply, *statuses: int, what: str):
        return reply.body


class Keeper:
    """A custodian who has no node; every key is called after its number. A revocation is kept with its tick."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.keys = 1
        self.revoked: list[tuple[int, str, datetime]] = []

    def newest_key(self) -> str:
        return f"{self.keys:064}"

    async def rotate(self) -> str:
        self.keys += 1
        return self.newest_key()

    async def revoke(self, kid: str, *, since: datetime, reason: str) -> None:
        self.revoked.append((len(self.clock.ticks), kid, since))


async def rehearsed(scene: Scene) -> list[tuple[str, str, dict]]:
    """All that one scene sends: Party, path, body."""
    moment = BEGINS
    clock = Clock()
    desks = {(party, role): Desk(party, clock) for party in CAST for role in ROLES}
    custodians = {party: Keeper(clock) for party in CAST}
    play = Play(scene.key, desks=desks, custodians=custodians, now=lambda: moment)
    waits = []
    async for wait in scene.script(play):
        waits.append(wait)
        moment = BEGINS + wait
    assert waits == sorted(set(waits)), f"{scene.key} goes back in time"
    return [(desk.party, path, body) for desk in desks.values() for path, body in desk.sent]


@pytest.fixture
async def sent() -> dict[str, list[tuple[str, str, dict]]]:
    """All that the scenes send, by scene."""
    return {scene.key: await rehearsed(scene) for scene in SCENES}


def published(sent) -> dict[str, list[Permit]]:
    return {
        key: [permit_from_json(body) for _, path, body in bodies if path.endswith(("/api/v1/permits", "/replacement"))]
        for key, bodies in sent.items()
    }


async def test_every_permit_of_the_story_breaks_no_rule(sent):
    """A demonstration of reconciliation is none of bad paperwork."""
    for permits in published(sent).values():
        for permit in permits:
            circumstances = Circumstances(stage=Stage.ISSUE, today=permit.issued_on, stamp_taken=False)
            judgement = check(permit, load_ruleset(), catalogue=builtin(), circumstances=circumstances)
            assert [one for one in judgement.findings if one.severity is not Severity.NOT_CHECKED] == []


async def test_every_event_of_the_story_is_understood(sent):
    """What the offices send is what contract 5 describes."""
    readers = {
        "/api/v1/endorsements": endorsement_from_json,
        "/api/v1/confirmations": confirmation_from_json,
        "/api/v1/corrections": correction_from_json,
    }
    for bodies in sent.values():
        for _, path, body in bodies:
            if path in readers:
                readers[path]({name: value for name, value in body.items() if name != "proof"})


async def test_numbers_and_stamps_are_not_used_twice(sent):
    """Scenes run side by side, so none may touch another's permits."""
    permits = [permit for found in published(sent).values() for permit in found]
    assert len({permit.key for permit in permits}) == len(permits)
    assert len({permit.security_stamp for permit in permits}) == len(permits)


async def test_the_forged_number_resembles_no_real_one(sent):
    """Otherwise it would be a typing error (domain-rules 0.5)."""
    (forged,) = (expected for expected in EXPECTED if expected.pattern == "FRD-05")
    near = neighbouring_numbers(forged.number(BEGINS.date()))
    numbers = {normalised(permit.number) for found in published(sent).values() for permit in found}
    assert not near & numbers
    assert forged.number(BEGINS.date()) not in numbers


async def test_every_expectation_is_about_a_permit_of_its_own_scene(sent):
    """But for the one that nobody issued."""
    permits = published(sent)
    for expected in (*EXPECTED, CORRECTED):
        numbers = {(permit.issuer, permit.number, permit.type) for permit in permits[expected.scene]}
        known = (expected.issuer, expected.number(BEGINS.date()), expected.type) in numbers
        assert known == (expected.pattern != "FRD-05")


async def test_a_finding_is_expected_at_the_issuer_and_wherever_evidence_was_written(sent):
    """Contract 5: the issuer and every Party whose event is evidence hold the same finding."""
    for expected in EXPECTED:
        writers = {
            party for party, path, _ in sent[expected.scene] if path.endswith(("confirmations", "verifications"))
        }
        assert set(expected.nodes) == writers | {expected.issuer}


async def test_only_the_thief_signs_between_the_theft_of_the_key_and_the_new_one():
    """Everything else is either proven before the theft, by a round between the two, or signed by the new key."""
    clock = Clock()
    desks = {(party, role): Desk(party, clock) for party in CAST for role in ROLES}
    custodians = {party: Keeper(clock) for party in CAST}
    await play_scenes(desks, custodians, clock, BEGINS)
    assert {party: keeper.keys for party, keeper in custodians.items()} == {"XA": 2, "XB": 2, "XC": 1}
    (((found_out, kid, theft)),) = custodians["XA"].revoked
    assert kid == f"{1:064}"[: len(kid)]
    signed = sorted(((tick, body) for role in ROLES for tick, body in desks["XA", role].signed), key=lambda one: one[0])
    proof = max(position for position, at in enumerate(clock.ticks, start=1) if at < theft)
    (forged,) = [body for tick, body in signed if proof <= tick < found_out]
    assert forged["number"] == "26XA000802"
    assert clock.ticks[found_out - 1] > theft


def test_each_deterministic_fraud_is_played_once_and_ten_innocent_look_alikes():
    """What issue and contract ask of the demonstration."""
    frauds = [expected.pattern for expected in EXPECTED if expected.class_ == "A"]
    assert sorted(frauds) == sorted(DETERMINISTIC)
    kinds = {scene.key: scene.kind for scene in SCENES}
    assert len(kinds) == len(SCENES)
    assert {expected.scene for expected in EXPECTED if kinds[expected.scene] is Kind.FRAUD} == {
        scene.key for scene in SCENES if scene.kind is Kind.FRAUD
    }
    assert all(kinds[expected.scene] is Kind.FRAUD for expected in EXPECTED if expected.class_ == "A")
    assert sum(kind is Kind.INNOCENT for kind in kinds.values()) == 10
    assert set(CAST) <= set(FICTIONAL)


def as_expected() -> dict[str, list[dict]]:
    """What the nodes hold when everything is right."""
    day = BEGINS.date()
    held: dict[str, list[dict]] = {party: [] for party in CAST}
    for expected in EXPECTED:
        for party in expected.nodes:
            held[party].append(
                {
                    "id": expected.id(day),
                    "pattern": expected.pattern,
                    "class": expected.class_,
                    "state": "open",
                    "summary": f"A sentence about {expected.number(day)}.",
                }
            )
    return held


def test_the_right_findings_are_judged_right():
    """Nothing is to be said against them."""
    judgement = judge(as_expected(), begins=BEGINS)
    assert judgement.differences == ()
    assert judgement.false_alerts == 0
    assert [found.nodes for found in judgement.found] == [expected.nodes for expected in EXPECTED]


def test_a_typing_error_may_stay_listed_as_resolved():
    """Contract 5: a corrected fact leaves its finding listed as resolved."""
    held = as_expected()
    corrected = {"id": CORRECTED.id(BEGINS.date()), "pattern": "FRD-04", "class": "A", "summary": "S"}
    held["XB"].append(corrected | {"state": "resolved"})
    assert judge(held, begins=BEGINS).differences == ()
    held["XB"][-1]["state"] = "open"
    assert judge(held, begins=BEGINS).false_alerts == 1


def _other_id(held) -> None:
    held["XA"][0]["id"] = "0" * 64


def _pending(held) -> None:
    held["XB"][0]["state"] = "pending"


def _other_class(held) -> None:
    held["XB"][0]["class"] = "R"


def _missing(held) -> None:
    held["XC"].pop()


def _surplus(held) -> None:
    held["XC"].append(held["XB"][1])


def _unexpected(held) -> None:
    held["XC"].append({"id": "1" * 64, "pattern": "FRD-09", "class": "R", "state": "open", "summary": "S."})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_other_id, "nobody expected"),
        (_other_id, "is not held by XA"),
        (_pending, "is pending in XB, expected open"),
        (_other_class, "is of class R in XB, expected A"),
        (_missing, "is not held by XC"),
        (_surplus, "is held by XC, which it does not concern"),
        (_unexpected, "nobody expected FRD-09 R (open) in XC"),
    ],
)
def test_whatever_is_not_as_expected_is_named(spoil, words):
    """Exit 0 means that exactly the expected findings appeared."""
    held = as_expected()
    spoil(held)
    assert words in "\n".join(judge(held, begins=BEGINS).differences)


def test_the_report_says_what_was_found_and_what_was_not():
    """The table is there in both cases, and differences are the last word."""
    told = tuple(Told(scene=scene, deeds=()) for scene in SCENES)
    ends = BEGINS + timedelta(days=20)
    good = judge(as_expected(), begins=BEGINS)
    text = "\n".join(
        report.lines(Report(begins=BEGINS, ends=ends, told=told, judgement=good, differences=good.differences))
    )
    assert "innocent look-alikes: 10 played, 0 alerts" in text
    assert all(expected.pattern in text for expected in EXPECTED)
    bad = judge({"XA": []}, begins=BEGINS)
    played = Report(begins=BEGINS, ends=ends, told=told, judgement=bad, differences=bad.differences)
    assert "Not as expected:" in "\n".join(report.lines(played))
    assert report.to_json(played)["as_expected"] is False


def test_the_answers_after_a_change_of_keys_are_a_table():
    """What was expected stands beside what was said, for people and for programs."""
    answer = Answer(number="26XA1", signed="by the thief", party="XB", expected="NOT_VALID (R)", seen="VALID")
    told = tuple(Told(scene=scene, deeds=(), answers=(answer,) * (scene.key == "stolen-key")) for scene in SCENES)
    good = judge(as_expected(), begins=BEGINS)
    played = Report(begins=BEGINS, ends=BEGINS, told=told, judgement=good, differences=())
    row = "A key is stolen  26XA1   by the thief  XB        NOT_VALID (R)  VALID"
    assert row in list(report.lines(played))
    assert report.to_json(played)["answers"] == [
        {
            "scene": "stolen-key",
            "number": "26XA1",
            "signed": "by the thief",
            "asked_by": "XB",
            "expected": "NOT_VALID (R)",
            "answer": "VALID",
        }
    ]


async def test_an_answer_of_the_table_must_have_the_reason_that_was_expected_and_no_other():
    """The desk of these tests answers nonsense, and each is told as a difference."""
    clock = Clock()
    desks = {(party, role): Desk(party, clock) for party in CAST for role in ROLES}
    play = Play("key", desks=desks, custodians={}, now=lambda: BEGINS)
    paper = draw("XA", "XB", "000001", CONCH, "1", on=BEGINS.date())
    await play.verify("XB", paper, verdict="?", reason="REVOKED_KEY", signed="by the thief")
    await play.verify("XB", paper, verdict="?", signed="under the new key")
    assert play.differences == ["XB's verdict on 26XA000001: ? (REVOKED_KEY) expected, ? seen"]
    assert [answer.seen for answer in play.answers] == ["?", "?"]


def test_a_client_is_what_the_play_takes_for_a_desk():
    """The stand-in of these tests has what the scenes use of the real one."""
    assert all(hasattr(NationalClient, name) for name in ("post", "expect"))
    assert all(hasattr(Custodian, name) for name in ("newest_key", "rotate", "revoke"))
