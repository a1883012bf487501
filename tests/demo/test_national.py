"""A caller of a node's national API: what it sends, and what becomes of answers that make no sense."""

from __future__ import annotations

import json

import httpx
import pytest

from epix_node.errors import PeerProtocolError, PeerRefusedError, PeerUnreachableError
from epix_node.federation.national import NationalClient


def client(answer: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> NationalClient:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return NationalClient(party="XA", url="http://127.0.0.1:9", token="T", transport=httpx.MockTransport(handle))


async def test_a_request_carries_the_token_and_its_body_as_json():
    """A token works at its own node, and nothing is said to any other."""
    seen: list[httpx.Request] = []
    async with client(httpx.Response(201, json={"token": "t"}), seen) as node:
        reply = await node.post("/api/v1/permits", {"number": "26XA000001"})
    assert (reply.status, reply.body) == (201, {"token": "t"})
    (request,) = seen
    assert str(request.url) == "http://127.0.0.1:9/api/v1/permits"
    assert request.headers["Authorization"] == "Bearer T"
    assert json.loads(request.content) == {"number": "26XA000001"}


async def test_an_answer_that_was_not_asked_for_is_told_with_its_code():
    """So that whoever reads the message knows what to mend."""
    problem = {"code": "RULES_BROKEN", "detail": "the permit breaks VAL-01"}
    async with client(httpx.Response(422, json=problem)) as node:
        with pytest.raises(PeerRefusedError, match="XA answered GET /x with 422 RULES_BROKEN the permit breaks"):
            await node.ask("/x")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectError("refused"), PeerUnreachableError),
        (httpx.ReadTimeout("slow"), PeerUnreachableError),
        (httpx.RemoteProtocolError("hung up"), PeerUnreachableError),
        (httpx.Response(200, text="<html>"), PeerProtocolError),
    ],
)
async def test_what_goes_wrong_names_the_party(answer, error):
    """Two errors leave this module, whatever the network does."""
    async with client(answer) as node:
        with pytest.raises(error, match="XA") as caught:
            await node.ask("/x")
    assert caught.value.party == "XA"


async def test_an_empty_answer_has_no_body():
    """204, or a server that has nothing to say."""
    async with client(httpx.Response(204)) as node:
        reply = await node.get("/x")
    assert (reply.status, reply.body, reply.problem) == (204, None, "without a body")
