"""Bad input gets the answer of the contract: never a 5xx, never a hang, and nothing is stored."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any

import pytest

from tests.web.conftest import Api, permit_json

XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json"}
NONE: dict[str, str] = {}

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "&%c;&%c;&%c;&%c;">' % (c, c - 1, c - 1, c - 1, c - 1) for c in range(ord("b"), ord("p")))
    + b"]><x>&o;</x>"
)


def permit_with(**members: Any) -> bytes:
    return json.dumps(permit_json() | members).encode()


BAD = {
    "empty": (b"", NONE, 400),
    "empty JSON": (b"", JSON, 400),
    "not XML": (b"this is not XML", XML, 400),
    "nothing known": (b"\x00\x01\x02\x03", {"Content-Type": "image/png"}, 400),
    "cut off": (b"<a><b>", XML, 400),
    "UTF-16": ("<a/>".encode("utf-16"), NONE, 400),
    "latin-1": (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', XML, 400),
    "a DTD": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', XML, 400),
    "an entity bomb": (BOMB, XML, 400),
    "deep XML": (b"<a>" * 5000 + b"</a>" * 5000, XML, 400),
    "another document": (b"<a><b/></a>", XML, 400),
    "an attribute bomb": (b"<a " + b" ".join(b'a%d="x"' % n for n in range(9000)) + b"/>", XML, 400),
    "deep JSON": (b"[" * 100_000 + b"]" * 100_000, JSON, 400),
    "deep JSON in a member": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON, 400),
    "NUL in XML": (b"<a>\x00</a>", XML, 400),
    "NUL in JSON": (permit_with(purpose="T\x00"), JSON, 400),
    "half a character": (b'{"type": "E", "number": "\\ud800", "issuer": "XA", "lines": [{}]}', JSON, 400),
    "half a member": (b'{"\\udc00": 1}', JSON, 400),
    "twice the same member": (b'{"type": "E", "type": "R"}', JSON, 400),
    "a huge number": (b'{"type": ' + b"9" * 5000 + b"}", JSON, 400),
    "a huge exponent": (b'{"type": 1e999999999999999999999}', JSON, 400),
    "not a number": (b'{"type": NaN}', JSON, 400),
    "an array": (b"[]", JSON, 400),
    "a text": (b'"permit"', JSON, 400),
    "JSON called XML": (permit_with(), XML, 400),
    "XML called JSON": (b"<a/>", JSON, 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", JSON, 400),
    "a form": (b"a=b&c=d", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
    "more than a megabyte": (b"<a>" + b"x" * 1024 * 1024 + b"</a>", XML, 413),
    "more than a megabyte of JSON": (b'{"a": "' + b"x" * 1024 * 1024 + b'"}', JSON, 413),
    "a lying encoding": (b"\x1f\x8b not gzip", {**XML, "Content-Encoding": "gzip"}, 400),
    "an unknown charset": (b"<a/>", {"Content-Type": "application/xml; charset=x-none"}, 400),
    "a broken content type": (b"<a/>", {"Content-Type": ";;;"}, 400),
}


@pytest.mark.parametrize("path", ["/api/v1/permits", "/api/v1/verifications"])
async def test_bad_input_is_refused_with_a_problem(api: Api, path: str):
    """400 or 413 as problem+json, quickly, and nothing is stored."""
    for name, (data, headers, status) in BAD.items():
        reply = await asyncio.wait_for(api.post(path, data=data, headers=headers), timeout=10)
        assert reply.status == status, (name, reply.raw)
        assert reply.code, name
    assert (await api.get("/api/v1/permits")).body["permits"] == []


CODES = {
    "UTF-16": "NOT_UTF8",
    "a DTD": "FORBIDDEN_XML",
    "an entity bomb": "FORBIDDEN_XML",
    "deep XML": "LIMIT_EXCEEDED",
    "NUL in XML": "NOT_UTF8",
    "not XML": "NOT_A_DOCUMENT",
    "another document": "NOT_A_DOCUMENT",
    "empty": "NOT_A_DOCUMENT",
    "more than a megabyte": "TOO_LARGE",
}


async def test_what_is_no_document_has_its_reason_code(api: Api):
    """The codes that contract 4 gives to `/verifications`."""
    for name, code in CODES.items():
        data, headers, _ = BAD[name]
        reply = await api.post("/api/v1/verifications", data=data, headers=headers)
        assert (reply.code, reply.body["reasons"]) == (code, [code]), name


BROKEN_RULES: tuple[dict[str, Any], ...] = (
    {"purpose": "?"},
    {"type": "É"},
    {"issuer": "XA", "importer": {"name": "x", "address": "y", "country": "1"}},
    {"lines": [{}]},
    {"lines": [{"block": "A", "quantity": "1.1234567", "unit": "KGM"}]},
    {"lines": [{"block": "A", "quantity": "9" * 40, "unit": "XYZ"}]},
    {"lines": [{"block": "A"}] * 2000},
    {"references": [{"relation": "?", "issuer": "?"}]},
    {"issued_on": "0001-01-01"},
    {"valid_until": "9999-12-31"},
)


async def test_csv_is_for_the_command_and_the_answer_says_so(api: Api):
    """One request is one permit; a file of many is read row by row by `permits publish`."""
    refused = await api.post(
        "/api/v1/permits", data=b"type,number,issuer\nE,26XA1,XA\n", headers={"Content-Type": "text/csv"}
    )
    assert (refused.status, refused.code) == (400, "NOT_UNDERSTOOD")
    assert "permits publish" in refused.body["detail"]


async def test_unknown_codes_are_broken_rules(api: Api):
    """422 with the rules by name."""
    for members in BROKEN_RULES:
        reply = await asyncio.wait_for(api.post("/api/v1/permits", permit_json() | members), timeout=10)
        assert (reply.status, reply.code) == (422, "RULES_BROKEN"), members
        assert all(finding["rule"] for finding in reply.body["findings"])


async def test_fifty_megabytes_are_refused_before_they_are_read(api: Api):
    """413 on the headers alone, and as soon as the limit is passed where the length is not said."""

    def announced() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", api.http.port, timeout=10)
        try:
            connection.putrequest("POST", "/api/v1/permits")
            connection.putheader("Authorization", f"Bearer {api.tokens['authority']}")
            connection.putheader("Content-Length", str(50 * 1024 * 1024))
            connection.endheaders()
            connection.send(b"<a>")
            return connection.getresponse().status
        finally:
            connection.close()

    assert await asyncio.to_thread(announced) == 413

    async def stream() -> Any:
        for _ in range(50):
            yield b"x" * 1024 * 1024

    headers = {"Authorization": f"Bearer {api.tokens['authority']}", "Content-Type": "application/xml"}
    async with api.http.post("/api/v1/permits", data=stream(), headers=headers) as response:
        assert response.status == 413
        assert (await response.json(content_type=None))["code"] == "TOO_LARGE"


async def test_exactly_one_megabyte_is_taken(api: Api):
    """The limit is inclusive: such a document is refused for what it says, not for its size."""
    reply = await api.post("/api/v1/verifications", data=b"<a>" + b" " * (1024 * 1024 - 7) + b"</a>", headers=XML)
    assert (reply.status, reply.code) == (400, "LIMIT_EXCEEDED")
