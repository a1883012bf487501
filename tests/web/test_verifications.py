"""`POST /verifications`: signed documents, and what papers say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Api, path_of

CLAIM = {"issuer": "XA", "number": "26XA000123"}


async def document(api: Api) -> bytes:
    return (await api.as_("authority").get(path_of("26XA000123") + "/document")).raw


async def test_a_good_document_is_valid(api: Api):
    """By content type or by its first byte; differences are there and empty."""
    await api.publish()
    xml = await document(api)
    for headers in ({"Content-Type": "application/xml"}, {"Content-Type": "application/octet-stream"}):
        reply = await api.post("/api/v1/verifications", data=xml, headers=headers)
        assert (reply.status, reply.body["verdict"], reply.body["signature"]) == (200, "VALID", "VALID")
        assert reply.body["differences"] == []
    exported = await api.post("/api/v1/verifications?for=export", data=xml)
    assert exported.body["verdict"] == "VALID"


@pytest.mark.parametrize(
    ("old", "new", "signature"),
    [
        (b"Python regius", b"Python regiuz", "INVALID"),
        (b"<epix:Environment>sandbox", b"<epix:Environment>prod", None),
    ],
)
async def test_a_changed_document_is_a_verdict_and_no_error(api: Api, old: bytes, new: bytes, signature: str | None):
    """200 NOT_VALID with the reason."""
    await api.publish()
    xml = await document(api)
    assert old in xml or signature is None
    reply = await api.post("/api/v1/verifications", data=xml.replace(old, new))
    if old in xml:
        assert (reply.status, reply.body["verdict"]) == (200, "NOT_VALID")
        assert reply.body["reasons"]


async def test_a_paper_is_compared_with_the_register(api: Api):
    """Differences of class A make it NOT_VALID; what was not declared is no difference."""
    await api.publish()
    same = await api.post(
        "/api/v1/verifications",
        CLAIM | {"presented": {"purpose": "T", "lines": [{"block": "A", "quantity": "12.0", "unit": "NAR"}]}},
    )
    assert (same.body["verdict"], same.body["differences"]) == ("VALID", [])
    other = await api.post(
        "/api/v1/verifications", CLAIM | {"presented": {"lines": [{"block": "A", "quantity": "13"}]}}
    )
    assert (other.body["verdict"], other.body["reasons"]) == ("NOT_VALID", ["CONTENT_DIFFERS"])
    assert other.body["differences"] == [
        {"field": "lines.A.quantity", "presented": "13", "registered": "12", "class": "A"}
    ]


async def test_another_digest_is_shown_by_a_flag(api: Api):
    """`document_sha256` beside the number is compared and is no proof."""
    published = await api.publish()
    right = await api.post("/api/v1/verifications", CLAIM | {"document_sha256": published.body["document"].upper()})
    assert right.body["flags"] == []
    wrong = await api.post("/api/v1/verifications", CLAIM | {"document_sha256": "00" * 32})
    assert wrong.body["flags"] == ["DIGEST_DIFFERS"]


async def test_a_presentation_is_recorded_once(api: Api):
    """`record` writes it for the issuer; the same again changes nothing, other content is 409."""
    await api.publish()
    body = CLAIM | {
        "presented": {"purpose": "Z"},
        "record": True,
        "event_id": "P-1",
        "office": "PORT",
        "date": "2026-03-02",
    }
    first = await api.as_("authority").post("/api/v1/verifications", body)
    assert first.status == 200
    assert set(first.body["recorded"]) == {"event_id", "document", "register_index"}
    again = await api.post("/api/v1/verifications", body)
    assert again.body["recorded"] == first.body["recorded"]
    other = await api.post("/api/v1/verifications", body | {"office": "AIRPORT"})
    assert (other.status, other.code) == (409, "DIFFERENT_CONTENT")
    shown = await api.get(path_of("26XA000123"))
    assert [(event["kind"], event["event_id"]) for event in shown.body["events"]] == [("presentation", "P-1")]
    assert shown.body["status"]["status"] == "VALID"


async def test_a_paper_that_says_what_the_register_says_is_recorded_too(api: Api):
    """`record` needs no `presented` (contract 5): that somebody showed the paper is told to the issuer all the same."""
    await api.publish()
    body = CLAIM | {"record": True, "event_id": "P-1", "office": "PORT", "date": "2026-03-02"}
    first = await api.as_("authority").post("/api/v1/verifications", body)
    assert (first.status, first.body["differences"]) == (200, [])
    again = await api.post("/api/v1/verifications", body)
    assert again.body["recorded"] == first.body["recorded"]
    shown = await api.get(path_of("26XA000123"))
    assert [(event["kind"], event["event_id"]) for event in shown.body["events"]] == [("presentation", "P-1")]


async def test_a_presentation_of_a_number_that_comes_later_stays_the_same(api: Api):
    """What differed was judged when it was recorded, so repeating it is no other content."""
    body = CLAIM | {
        "presented": {"purpose": "Z"},
        "record": True,
        "event_id": "P-1",
        "office": "PORT",
        "date": "2026-03-02",
    }
    first = await api.as_("customs").post("/api/v1/verifications", body)
    await api.publish()
    again = await api.as_("customs").post("/api/v1/verifications", body)
    assert (again.status, again.body["recorded"]) == (200, first.body["recorded"])
    assert again.body["reasons"] == ["NO_MATCH"]


NOT_UNDERSTOOD: tuple[dict[str, Any], ...] = (
    {"record": True},
    {"record": True, "presented": {"purpose": "T"}, "event_id": "P", "office": "x"},
    {"record": "yes"},
    {"presented": {"colour": "red"}},
    {"presented": []},
    {"document_sha256": "12"},
    {"for": "me"},
    {"date": "yesterday"},
)


async def test_a_claim_that_is_not_understood_is_refused(api: Api):
    """400 naming the member."""
    for members in NOT_UNDERSTOOD:
        reply = await api.post("/api/v1/verifications", CLAIM | members)
        assert (reply.status, reply.code) == (400, "NOT_UNDERSTOOD"), members


async def test_an_unknown_number_has_a_verdict(api: Api):
    """UNKNOWN is not invalid."""
    reply = await api.post("/api/v1/verifications", {"issuer": "XB", "number": "1"})
    assert (reply.status, reply.body["verdict"], reply.body["watermark"]["origin"]) == (200, "UNKNOWN", None)
