"""What customs see, and what a wrong proof tells them: nothing (contract 4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from epix_node.web.desk import DESK
from tests.web.conftest import Api, event_json, path_of, proof_header

WRONG = {"token": "not the token"}
WRONG_LINE = {"issued_on": "2026-03-01", "quantity": "13", "unit": "NAR"}
UNKNOWN = "26XA404"
NO_MATCH = {"status": "UNKNOWN", "verdict": "UNKNOWN", "reasons": ["NO_MATCH"], "lines": [], "flags": []}


@pytest.fixture
async def customs(api: Api) -> Api:
    """Customs at a node that holds one permit, stamped; its token is kept beside."""
    published = await api.publish(security_stamp="XA-77")
    api.tokens["proof"] = published.body["token"]
    api.tokens["document"] = published.body["document"]
    return api.as_("customs")


def right_proofs(api: Api) -> list[dict[str, Any]]:
    return [
        {"token": api.tokens["proof"]},
        {"document_sha256": api.tokens["document"]},
        {"security_stamp": "xa-77", "issued_on": "2026-03-01"},
        {"issued_on": "2026-03-01", "quantity": "12.0", "unit": "NAR"},
    ]


async def test_a_right_proof_opens_the_status(customs: Api):
    """Each kind, in the body or in the header; asked for export at the issuer's own border."""
    for proof in right_proofs(customs):
        for sent in ({"body": {"proof": proof}, "headers": {}}, {"body": {}, "headers": proof_header(proof)}):
            body = {"issuer": "XA", "number": "26XA000123", **sent["body"]}
            reply = await customs.post("/api/v1/status", body, headers=sent["headers"])
            assert (reply.status, reply.body["status"]) == (200, "VALID")
    await customs.as_("authority").post("/api/v1/endorsements", event_json())
    used = await customs.status(proof=right_proofs(customs)[0])
    assert (used.body["verdict"], used.body["reasons"]) == ("NOT_VALID", ["USED"])


def stripped(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in {"request_id", "number"}}


async def test_a_wrong_proof_an_unknown_number_and_no_proof_get_one_answer(customs: Api):
    """The same members with the same values."""
    wrong = await customs.status(proof=WRONG)
    unknown = await customs.status(UNKNOWN, proof=WRONG)
    missing = await customs.status()
    assert wrong.status == unknown.status == missing.status == 200
    assert NO_MATCH.items() <= wrong.body.items()
    assert list(wrong.body) == list(unknown.body)
    assert stripped(wrong.body) == stripped(unknown.body) == stripped(missing.body)
    for path in ("/api/v1/verifications",):
        replies = [
            await customs.post(path, {"issuer": "XA", "number": number, "proof": WRONG})
            for number in ("26XA000123", UNKNOWN)
        ]
        assert stripped(replies[0].body) == stripped(replies[1].body)
        assert replies[0].body["differences"] == []


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """Every statement that reaches the database meanwhile, with its question marks."""
    seen: list[str] = []

    def executed(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = api.node.database.engine
    reader = api.http.app[DESK].reader
    rows, first = reader._rows, reader._first
    reader._rows = lambda sql, *args: (seen.append(sql), rows(sql, *args))[1]
    reader._first = lambda sql, *args: (seen.append(sql), first(sql, *args))[1]
    event.listen(engine, "before_cursor_execute", executed)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", executed)
        reader._rows, reader._first = rows, first


@pytest.mark.parametrize("proof", [WRONG, WRONG_LINE], ids=["token", "line"])
@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/verifications"])
async def test_a_wrong_proof_and_an_unknown_number_execute_the_same_statements(customs: Api, path: str, proof: dict):
    """So that neither the database nor the time taken tells them apart."""
    body = {"issuer": "XA", "number": "26XA000123", "proof": proof}
    await customs.post(path, body)  # fills the caches
    with statements(customs) as wrong:
        await customs.post(path, body)
    with statements(customs) as unknown:
        await customs.post(path, {**body, "number": UNKNOWN})
    assert wrong == unknown
    assert any("wrong_proof" in statement for statement in wrong)


async def test_the_permit_itself_is_not_found_in_the_same_words(customs: Api):
    """One and the same 404 for a wrong proof, an unknown number and a missing proof."""
    replies = [
        await customs.get(path_of("26XA000123"), headers=proof_header(WRONG)),
        await customs.get(path_of(UNKNOWN), headers=proof_header(WRONG)),
        await customs.get(path_of("26XA000123")),
    ]
    assert {(reply.status, reply.raw) for reply in replies} == {(404, replies[0].raw)}


async def test_customs_see_no_names(customs: Api):
    """With a right proof: the permit, its events and findings without names and addresses, and no token."""
    await customs.as_("authority").post("/api/v1/endorsements", event_json(officer="Otto Officer"))
    shown = await customs.get(path_of("26XA000123"), headers=proof_header(right_proofs(customs)[0]))
    assert shown.status == 200
    assert shown.body["permit"]["exporter"] == {"name": None, "address": None, "country": "XA"}
    assert shown.body["permit"]["lines"][0]["taxon"] == "Python regius"
    assert "token" not in shown.body
    for name in ("Anna", "Ben", "Carla", "Otto", "Sea Road"):
        assert name not in shown.raw.decode()


async def test_names_on_the_paper_are_answered_match_or_mismatch(customs: Api):
    """A difference in a name shows what was presented, never what is registered; a match shows nothing."""
    body = {
        "issuer": "XA",
        "number": "26XA000123",
        "proof": right_proofs(customs)[0],
        "presented": {
            "exporter": {"name": "exporter ANNA"},
            "importer": {"name": "Somebody Else", "address": "9 Hill"},
            "purpose": "Z",
        },
    }
    reply = await customs.post("/api/v1/verifications", body)
    found = {d["field"]: (d["presented"], d["registered"]) for d in reply.body["differences"]}
    assert found == {
        "purpose": ("Z", "T"),
        "importer.name": ("Somebody Else", None),
        "importer.address": ("9 Hill", None),
    }
    assert (await customs.as_("auditor").post("/api/v1/verifications", body)).body["differences"][1]["registered"]


async def test_eleven_wrong_proofs_for_one_number_are_too_many(customs: Api):
    """Ten get the NO_MATCH answer, the eleventh 429, and so does every further proof for that number for an hour."""
    for _ in range(10):
        assert (await customs.status(proof=WRONG)).status == 200
    assert (await customs.status(proof=WRONG)).code == "TOO_MANY_WRONG_PROOFS"
    right = right_proofs(customs)[0]
    for refused in (
        await customs.status(proof=right),
        await customs.get(path_of("26XA000123"), headers=proof_header(right)),
    ):
        assert refused.status == 429
        assert refused.headers["Retry-After"]
    assert (await customs.status(UNKNOWN, proof=WRONG)).status == 200
    assert (await customs.as_("authority").status()).status == 200
    customs.wait(timedelta(minutes=61))
    assert (await customs.status(proof=right)).body["status"] == "VALID"


async def test_an_unknown_number_runs_into_the_same_limit(customs: Api):
    """Otherwise the limit would tell which numbers exist."""
    replies = [await customs.status(UNKNOWN, proof=WRONG) for _ in range(11)]
    assert [reply.status for reply in replies] == [200] * 10 + [429]


async def test_ten_wrong_proofs_do_not_spoil_the_right_one(customs: Api):
    """More than ten are too many, ten are not."""
    for _ in range(10):
        await customs.status(proof=WRONG)
    assert (await customs.status(proof=right_proofs(customs)[0])).body["status"] == "VALID"


async def test_sixty_one_wrong_proofs_in_all_are_too_many(customs: Api):
    """For whatever numbers they were."""
    replies = [await customs.status(f"26XA{n // 10}", proof=WRONG) for n in range(61)]
    assert [reply.status for reply in replies] == [200] * 60 + [429]
    assert (await customs.status("26XA99", proof=WRONG)).status == 429


async def test_a_missing_proof_is_not_a_wrong_one(customs: Api):
    """It is never counted."""
    for _ in range(12):
        assert (await customs.status()).status == 200


async def test_an_event_is_recorded_whatever_the_proof(customs: Api):
    """201 with the NO_MATCH answer and no findings without a right one, also beyond every limit."""
    for n in range(13):
        reply = await customs.post("/api/v1/confirmations", event_json(f"E-{n}", outcome="released", proof=WRONG))
        assert reply.status == 201
        assert NO_MATCH.items() <= reply.body["status"].items()
        assert reply.body["findings"] == []
    missing = await customs.post("/api/v1/confirmations", event_json("E-x", outcome="released"))
    assert (missing.status, missing.body["status"]["reasons"]) == (201, ["NO_MATCH"])
    blocked = event_json("E-right", outcome="released", proof=right_proofs(customs)[0])
    reply = await customs.post("/api/v1/confirmations", blocked)
    assert (reply.status, reply.body["status"]["reasons"]) == (201, ["NO_MATCH"])
    shown = await customs.as_("authority").get(path_of("26XA000123"))
    assert len(shown.body["events"]) == 15


async def test_an_event_with_a_right_proof_frees_its_permit(customs: Api):
    """Afterwards nobody at this node needs a proof for it; one without, or with a wrong one, frees nothing."""
    await customs.post("/api/v1/endorsements", event_json("E-1", proof=WRONG))
    await customs.post("/api/v1/endorsements", event_json("E-2"))
    assert (await customs.status()).body["reasons"] == ["NO_MATCH"]
    reply = await customs.post("/api/v1/endorsements", event_json("E-3", proof=right_proofs(customs)[3]))
    assert (reply.status, reply.body["status"]["status"]) == (201, "EXPORTED")
    assert (await customs.status()).body["status"] == "EXPORTED"
    assert (await customs.status(proof=WRONG)).body["status"] == "EXPORTED"
    assert (await customs.get(path_of("26XA000123"))).status == 200
    assert (await customs.post("/api/v1/endorsements", event_json("E-4"))).body["status"]["status"] == "EXPORTED"


async def test_several_permits_are_seen_only_as_far_as_they_are_proved(customs: Api):
    """A proof of one opens that one; one that fits both is 409; an event without a proof is recorded all the same."""
    other = await customs.as_("authority").publish(type="R", security_stamp="XA-78")
    token = {"token": other.body["token"]}
    assert (await customs.status(proof=token)).body["type"] == "R"
    assert (await customs.status(type="E", proof=token)).body["type"] == "R"
    fitting = right_proofs(customs)[3]
    reply = await customs.status(proof=fitting)
    assert (reply.code, len(reply.body["candidates"])) == ("AMBIGUOUS_NUMBER", 2)
    assert (await customs.status(type="R", proof=fitting)).body["type"] == "R"
    assert (await customs.status(proof=WRONG)).body["reasons"] == ["NO_MATCH"]
    told = await customs.post("/api/v1/endorsements", event_json("E-1"))
    assert (told.status, told.body["status"]["reasons"]) == (201, ["NO_MATCH"])
    told = await customs.post("/api/v1/endorsements", event_json("E-2", proof=token))
    assert (told.status, told.body["status"]["status"]) == (201, "EXPORTED")
    refused = await customs.as_("authority").post("/api/v1/endorsements", event_json("E-3"))
    assert refused.code == "AMBIGUOUS_NUMBER"


async def test_a_document_is_a_proof_if_its_signature_is_valid(customs: Api):
    """One flipped byte, and nothing of any permit is told."""
    document = (await customs.as_("authority").get(path_of("26XA000123") + "/document")).raw
    valid = await customs.post("/api/v1/verifications", data=document)
    assert (valid.body["status"], valid.body["signature"], valid.body["number"]) == ("VALID", "VALID", "26XA000123")
    flipped = document.replace(b"Python regius", b"Python regiuz")
    invalid = await customs.post("/api/v1/verifications", data=flipped)
    assert (invalid.status, invalid.body["status"], invalid.body["signature"]) == (200, "UNKNOWN", "INVALID")
    assert invalid.body["lines"] == []
    assert invalid.body["verdict"] == "NOT_VALID"


@pytest.mark.sqlite("how it explains a plan")
def test_the_holdings_are_found_by_their_number(node: Any):
    """The one statement for a proof goes by the index, however many permits the issuer has."""
    from epix_node.store import answers

    connection = sqlite3.connect(node.database.path)
    holdings = (answers._HOLDINGS, answers._HOLDINGS_WITH_LINES)
    for statement in (*holdings, answers._CARD, answers._WRONG_PROOFS, answers._CLIENT, answers._REGISTER):
        arguments = ("x",) * statement.count("?")
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", arguments)]
        assert not [step for step in plan if step.startswith("SCAN")], plan
    for statement in holdings:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", ("x", "y"))]
        assert "issuer=? AND number=?" in plan[0]
    connection.close()
