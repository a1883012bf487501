"""Ask the Parties' own nodes for the newest versions of their roles, on behalf of the Secretariat (C.1).

The Secretariat has no node and signs no request: ``tuf/party.json`` is public, and what comes is believed because of
the signatures in it, which ``trust.repository`` verifies. Here bytes are brought, within limits, and nothing is judged.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx

from epix_node.errors import PeerError, PeerProtocolError, PeerRefusedError, PeerUnreachableError
from epix_node.federation.client import pin, tls
from epix_node.federation.patience import PROTOCOL
from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES

PARTY_FILE = "tuf/party.json"
"""Where a node serves the newest version of its Party's role, from its base URL (C.1)."""

PARTY_FILE_TIMEOUT = timedelta(seconds=60)
"""Longest wait for one node's file, which has about 10 KB, where nobody waits for the others meanwhile."""

SIDE_BY_SIDE = 16
"""Nodes asked at once: of 250, some are always down, and each of those costs its connection timeout."""


def fetch_party_files(
    bases: Mapping[str, Sequence[str]], *, private_addresses: bool, within: timedelta = PARTY_FILE_TIMEOUT
) -> dict[str, bytes | PeerError]:
    """The ``party.json`` of each Party, from the first of its base URLs that gives it in time; else why none came."""
    read_timeout = min(PROTOCOL.read, within)
    with (
        httpx.Client(
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(read_timeout.total_seconds(), connect=PROTOCOL.connect.total_seconds()),
            follow_redirects=False,
            verify=tls(),
            trust_env=False,  # as for peers: a proxy of the environment would leave the address that was looked up
        ) as http,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        asked = {
            party: pool.submit(_first, http, party, urls, private_addresses=private_addresses, within=within)
            for party, urls in bases.items()
        }
        return {party: answer.result() for party, answer in asked.items()}


def _first(
    http: httpx.Client, party: str, urls: Sequence[str], *, private_addresses: bool, within: timedelta
) -> bytes | PeerError:
    problem: PeerError = PeerUnreachableError(f"{party} has no address", party=party)
    for url in urls:
        try:
            address = f"{url.rstrip('/')}/{PARTY_FILE}"
            return _get(http, party, address, private_addresses=private_addresses, within=within)
        except PeerError as error:
            problem = error
    return problem


def _get(http: httpx.Client, party: str, url: str, *, private_addresses: bool, within: timedelta) -> bytes:
    until = time.monotonic() + within.total_seconds()
    try:
        request = http.build_request("GET", url)
        if not private_addresses:
            host, port = request.url.host, request.url.port or request.url.scheme
            pin(request, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), party=party)
        response = http.send(request, stream=True)
        try:
            if response.status_code >= 500 or response.status_code in {408, 429}:
                raise PeerUnreachableError(f"{party}: {url} answered {response.status_code}", party=party)
            if response.status_code != httpx.codes.OK:
                raise PeerRefusedError(f"{party}: {url} answered {response.status_code}", party=party)
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_PARTY_FILE_BYTES:
                    raise PeerProtocolError(f"{party}: {url} is longer than {MAX_PARTY_FILE_BYTES} bytes", party=party)
                if time.monotonic() > until:
                    raise PeerUnreachableError(f"{party}: {url} is too slow", party=party)
            return bytes(body)
        finally:
            response.close()
    except OSError as error:
        raise PeerUnreachableError(f"{party}: the host of {url} cannot be looked up", party=party) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise PeerUnreachableError(f"{party}: {url} does not answer: {type(error).__name__}", party=party) from error
