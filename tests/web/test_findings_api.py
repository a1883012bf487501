"""Findings over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from epix_node.acts.review import open_due
from tests.web.conftest import Api, event_json


@pytest.fixture
async def found(api: Api) -> Api:
    """A permit of twelve under which eighteen arrived."""
    await api.publish()
    for n in (1, 2):
        body = event_json(
            f"E-{n}",
            outcome="released",
            office=f"P{n}",
            transport_document=f"T-{n}",
            lines=[{"block": "A", "quantity": "9", "unit": "NAR"}],
        )
        await api.post("/api/v1/confirmations", body)
        api.wait(timedelta(hours=1))
    return api


async def test_findings_are_listed_shown_and_decided(found: Api):
    """Pending at first, open after the cool-off, then as the authority decided; the auditor decides nothing."""
    listed = await found.get("/api/v1/findings")
    assert listed.body["next"] is None
    finding = listed.body["findings"][0]
    assert finding["state"] == "pending"
    found.wait(timedelta(hours=25))
    open_due(found.node.office, now=found.clock())
    assert (await found.get(f"/api/v1/findings/{finding['id']}")).body["state"] == "open"
    path = f"/api/v1/findings/{finding['id']}/decision"
    assert (await found.as_("auditor").post(path, {"decision": "confirmed", "reason": "x"})).code == "FORBIDDEN"
    decided = await found.post(path, {"decision": "dismissed", "reason": "counted twice"})
    assert (decided.status, decided.body["state"]) == (200, "dismissed")
    assert (await found.get("/api/v1/findings?state=dismissed")).body["findings"] == [decided.body]


async def test_findings_are_filtered_and_paged(found: Api):
    """Every filter of the contract, and pages of one."""
    everything = (await found.get("/api/v1/findings")).body["findings"]
    one = everything[0]
    for query, expected in (
        (f"pattern={one['pattern']}", True),
        ("pattern=FRD-99", False),
        (f"class={one['class']}", True),
        ("state=resolved", False),
        ("issuer=XA&number=no.%2026xa000123", True),
        ("issuer=XB", False),
        ("since=2026-03-02T08:00:00Z", True),
        ("since=2027-01-01T00:00:00Z", False),
    ):
        reply = await found.get(f"/api/v1/findings?{query}")
        assert (one in reply.body["findings"]) is expected, query
    seen, cursor = [], ""
    while cursor is not None:
        page = await found.get("/api/v1/findings?limit=1" + (f"&cursor={cursor}" if cursor else ""))
        seen += page.body["findings"]
        cursor = page.body["next"]
    assert seen == everything


REFUSED: tuple[tuple[str, str, Any, int], ...] = (
    ("GET", "/api/v1/findings/abc", None, 404),
    ("GET", "/api/v1/findings?state=closed", None, 400),
    ("GET", "/api/v1/findings?class=B", None, 400),
    ("GET", "/api/v1/findings?since=yesterday", None, 400),
    ("GET", "/api/v1/findings?cursor=WyJ4IiwieSJd", None, 400),  # ["x","y"]
    ("GET", "/api/v1/findings?cursor=WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTk5IiwieSJd", None, 400),
    ("POST", "/api/v1/findings/abc/decision", {"decision": "confirmed", "reason": "x"}, 404),
    ("POST", "/api/v1/findings/abc/decision", {"decision": "open", "reason": "x"}, 422),
    ("POST", "/api/v1/findings/abc/decision", {"decision": "confirmed", "reason": " "}, 422),
    ("POST", "/api/v1/findings/abc/decision", {"decision": "maybe", "reason": "x"}, 400),
    ("POST", "/api/v1/findings/abc/decision", {"reason": "x"}, 400),
)


async def test_what_cannot_be_is_refused(api: Api):
    """404 for an unknown finding, 400 and 422 for questions and decisions that make no sense."""
    for method, path, body, status in REFUSED:
        assert (await api.ask(method, path, body)).status == status, (path, body)
