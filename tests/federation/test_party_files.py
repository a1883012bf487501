"""What the Secretariat fetches from the Parties' own nodes."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
import respx

from epix_node.errors import PeerError, PeerProtocolError, PeerRefusedError, PeerUnreachableError
from epix_node.federation.party_files import PARTY_FILE_TIMEOUT, fetch_party_files
from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES


def one(*urls: str, private_addresses: bool = True, within: timedelta = PARTY_FILE_TIMEOUT) -> bytes | PeerError:
    bases = {"XA": urls or ("http://xa.example/epix/v1/",)}
    return fetch_party_files(bases, private_addresses=private_addresses, within=within)["XA"]


@respx.mock
def test_each_partys_file_is_fetched_or_it_is_said_why_not():
    """One that is down keeps nobody else waiting for ever."""
    respx.get("http://xa.example/epix/v1/tuf/party.json").respond(content=b"file")
    respx.get("http://xb.example/tuf/party.json").mock(side_effect=httpx.ConnectTimeout("down"))
    found = fetch_party_files(
        {"XA": ["http://xa.example/epix/v1/"], "XB": ["http://xb.example/"], "XC": []}, private_addresses=True
    )
    assert found["XA"] == b"file"
    assert isinstance(found["XB"], PeerUnreachableError)
    assert isinstance(found["XC"], PeerUnreachableError)


@respx.mock
def test_the_next_address_is_asked_where_one_fails():
    """With or without a slash at its end."""
    respx.get("http://one.example/tuf/party.json").respond(503)
    respx.get("http://two.example/base/tuf/party.json").respond(content=b"file")
    assert one("http://one.example/", "http://two.example/base") == b"file"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404), PeerRefusedError),
        (httpx.Response(302, headers={"Location": "http://thief.example/"}), PeerRefusedError),
        (httpx.Response(429), PeerUnreachableError),
        (httpx.Response(500), PeerUnreachableError),
        (httpx.Response(200, content=b" " * (MAX_PARTY_FILE_BYTES + 1)), PeerProtocolError),
    ],
)
@respx.mock
def test_what_is_no_answer_is_an_error_and_no_file(answer, error):
    """Redirects are not followed, and nothing is read without end."""
    respx.get("http://xa.example/epix/v1/tuf/party.json").mock(return_value=answer)
    assert isinstance(one(), error)


def test_private_addresses_are_asked_only_where_that_is_allowed():
    """A manifest must not make the Secretariat's server knock at its own neighbours."""
    problem = one("http://127.0.0.1:9/", private_addresses=False)
    assert isinstance(problem, PeerUnreachableError)
    assert problem.code == "PRIVATE_ADDRESS"


@respx.mock
def test_a_slow_drip_ends():
    respx.get("http://xa.example/epix/v1/tuf/party.json").respond(content=b"drip")
    problem = one(within=timedelta(0))
    assert isinstance(problem, PeerUnreachableError)
    assert "too slow" in str(problem)
