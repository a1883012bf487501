"""Permit numbers in paths, sent by a client that changes nothing of what it is told to send."""

from __future__ import annotations

import asyncio
import http.client
import json
from urllib.parse import quote

from tests.web.conftest import Api

NUMBERS = (
    "26/XA 0001",
    "ES-BB-00012/24I",
    "26XA–0002",  # an en dash, normalised to a hyphen
    "Ümlaut №7/Ä",
    "100%",
    "26%2FXA",
    "a+b&c=d;e?f#g",
    "{26}",
    "26XA\\1",
    "..",
    "26:XA@1",
)


async def raw_get(api: Api, path: str) -> tuple[int, object]:
    """Exactly these bytes in the request line."""

    def ask() -> tuple[int, object]:
        connection = http.client.HTTPConnection("127.0.0.1", api.http.port, timeout=10)
        try:
            connection.putrequest("GET", path, skip_host=True)
            connection.putheader("Host", "node")
            connection.putheader("Authorization", f"Bearer {api.tokens['authority']}")
            connection.endheaders()
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def test_a_number_is_found_however_strange_it_is(api: Api):
    """Percent-encoded once, in upper or lower case, every number leads to its permit."""
    for number in NUMBERS:
        published = await api.publish(number)
        encoded = quote(number, safe="")
        for path in (encoded, encoded.lower()):
            status, body = await raw_get(api, f"/api/v1/permits/XA/{path}")
            assert (status, body["permit"]["number"]) == (200, number)
            assert body["status"]["number"] == published.body["permit"]["number"]
        status, _ = await raw_get(api, f"/api/v1/permits/XA/{encoded}/nothing")
        assert status == 404


async def test_a_number_is_decoded_once_and_not_twice(api: Api):
    """`%252F` is the three characters `%2F` of a number, and never a slash."""
    await api.publish("26%2FXA")
    await api.publish("27/XA")
    assert (await raw_get(api, "/api/v1/permits/XA/26%252FXA"))[0] == 200
    assert (await raw_get(api, "/api/v1/permits/XA/26%2FXA"))[0] == 404
    assert (await raw_get(api, "/api/v1/permits/XA/27%2FXA"))[0] == 200
    assert (await raw_get(api, "/api/v1/permits/XA/27%252FXA"))[0] == 404


async def test_a_slash_that_is_not_encoded_ends_the_number(api: Api):
    """Such a path names no resource; the answer is a problem like every other."""
    await api.publish("27/XA")
    status, body = await raw_get(api, "/api/v1/permits/XA/27/XA")
    assert (status, body["code"]) == (404, "NO_SUCH_RESOURCE")


async def test_the_routes_below_a_number_take_slashes_too(api: Api):
    """Document and withdrawal of a number with a slash are where they should be."""
    await api.publish("27/XA")
    assert (await api.get("/api/v1/permits/XA/27%2fxa/document")).status == 200
    assert (await api.post("/api/v1/permits/XA/27%2Fxa/withdrawal", {"reason": "lost"})).status == 201
