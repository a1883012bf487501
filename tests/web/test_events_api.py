"""Endorsements, confirmations and corrections over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Api, event_json

PATHS = {"endorsements": {}, "confirmations": {"outcome": "released"}}


@pytest.mark.parametrize("kind", PATHS)
async def test_an_event_is_recorded_once(api: Api, kind: str):
    """201, the same again 200 with the same members, other content under the same id 409."""
    await api.publish()
    body = event_json(**PATHS[kind])
    first = await api.post(f"/api/v1/{kind}", body)
    assert first.status == 201
    assert set(first.body) == {"event_id", "document", "register_index", "status", "findings"}
    assert first.body["register_index"] == 1
    again = await api.post(f"/api/v1/{kind}", body | {"lines": [{"block": "A", "quantity": "12.000", "unit": "NAR"}]})
    assert (again.status, again.body["document"]) == (200, first.body["document"])
    other = await api.post(f"/api/v1/{kind}", body | {"office": "ELSEWHERE"})
    assert (other.status, other.code) == (409, "DIFFERENT_CONTENT")


async def test_an_event_about_an_unknown_permit_is_recorded(api: Api):
    """404 never: refusing the fact would hide it."""
    reply = await api.post(
        "/api/v1/confirmations",
        event_json(number="26XB404", outcome="seized", permit={"issuer": "XB", "number": "26XB404"}),
    )
    assert (reply.status, reply.body["status"]["status"]) == (201, "UNKNOWN")


EVENTS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"date": "2026-03-03"}, 422),
    ({"date": "2020-01-01"}, 201),
    ({"lines": []}, 201),
    ({"lines": [{"block": None, "quantity": "0.1", "unit": "SKI", "taxon": "Boa"}]}, 201),
    ({"lines": [{"block": "A", "quantity": "0.1234567", "unit": "KGM"}]}, 400),
    ({"lines": [{"block": "A", "quantity": "-1", "unit": "KGM"}]}, 400),
    ({"lines": [{"block": "A", "quantity": "1e3", "unit": "KGM"}]}, 400),
    ({"lines": [{"block": "A", "quantity": 12, "unit": "KGM"}]}, 400),
    ({"lines": [{"block": "A", "quantity": "9" * 30, "unit": "TON"}]}, 400),
    ({"lines": [{"block": "A", "quantity": "1", "unit": "XXX"}]}, 400),
    ({"lines": None}, 400),
    ({"event_id": "a b"}, 400),
    ({"event_id": "x" * 65}, 400),
    ({"office": None}, 400),
    ({"transport_document": None}, 201),
    ({"basis": {"kind": "gift", "certified_by": "x", "certified_on": "2026-03-01"}}, 400),
    ({"proof": {"token": "x"}}, 201),
    ({"colour": "red"}, 400),
)


async def test_an_event_is_refused_only_where_it_cannot_be(api: Api):
    """Wrong JSON and what is no number are 400, a date in the future 422, everything else is recorded."""
    await api.publish()
    for n, (members, status) in enumerate(EVENTS):
        reply = await api.post("/api/v1/endorsements", event_json(f"E-{n}") | members)
        assert reply.status == status, members


async def test_an_endorsement_has_no_outcome_and_a_confirmation_needs_one(api: Api):
    """Each kind has its own members."""
    assert (await api.post("/api/v1/endorsements", event_json(outcome="released"))).status == 400
    assert (await api.post("/api/v1/confirmations", event_json())).status == 400
    assert (await api.post("/api/v1/confirmations", event_json(outcome="eaten"))).status == 400


async def test_an_event_is_corrected_and_taken_back(api: Api):
    """The newest word counts; an unknown target is 404, a superseded one 409, the same correction again 200."""
    await api.publish()
    await api.post("/api/v1/endorsements", event_json("E-1"))
    new = event_json("C-1", lines=[{"block": "A", "quantity": "5", "unit": "NAR"}])
    first = await api.post("/api/v1/corrections", {"event_id": "C-1", "supersedes": "E-1", "event": new})
    assert (first.status, first.body["status"]["lines"][0]["endorsed"]) == (201, "5")
    again = await api.post("/api/v1/corrections", {"event_id": "C-1", "supersedes": "E-1", "event": new})
    assert (again.status, again.body["document"]) == (200, first.body["document"])
    late = await api.post("/api/v1/corrections", {"event_id": "C-2", "supersedes": "E-1", "event": None})
    assert (late.status, late.code) == (409, "SUPERSEDED")
    back = await api.post("/api/v1/corrections", {"event_id": "C-3", "supersedes": "C-1", "event": None})
    assert (back.status, back.body["status"]["status"]) == (201, "VALID")
    unknown = await api.post("/api/v1/corrections", {"event_id": "C-4", "supersedes": "E-9", "event": None})
    assert (unknown.status, unknown.code) == (404, "NOT_FOUND")
    wrong = await api.post("/api/v1/corrections", {"event_id": "C-5", "supersedes": "C-3", "event": new})
    assert wrong.status == 400  # its event bears another id


async def test_an_arrival_beyond_the_permit_is_recorded_and_found(api: Api):
    """More than permitted is a fact, and a finding."""
    await api.publish()
    lines = [{"block": "A", "quantity": "9", "unit": "NAR"}]
    for n in (1, 2):
        reply = await api.post(
            "/api/v1/confirmations",
            event_json(f"E-{n}", outcome="released", office=f"P{n}", transport_document=f"T-{n}", lines=lines),
        )
    assert reply.status == 201
    assert {finding["class"] for finding in reply.body["findings"]} <= {"A", "R"}
    assert reply.body["findings"]
