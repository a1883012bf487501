"""What the Parties' own nodes say of themselves, for whoever keeps the trust list: their newest ``party.json`` (C.1).

Nothing is verified here: ``Repository.publish`` takes what is newer and signed, and refuses the rest. A node that does
not answer offers nothing, and is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import httpx

from epix_node.federation.client import CONNECT_TIMEOUT, tls
from epix_node.federation.messages import entity_tag
from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES

ANSWER_WITHIN = timedelta(seconds=10)
"""Longest wait for one node; another one's change must not wait for a dead one."""

SIDE_BY_SIDE = 8


async def offered(bases: Mapping[str, str], known: Mapping[str, bytes]) -> dict[str, bytes]:
    """The ``party.json`` of each Party whose node, under this federation base URL, has another than the known one."""
    slots = asyncio.Semaphore(SIDE_BY_SIDE)
    async with httpx.AsyncClient(
        headers={"Accept-Encoding": "identity"},
        timeout=httpx.Timeout(ANSWER_WITHIN.total_seconds(), connect=CONNECT_TIMEOUT.total_seconds()),
        follow_redirects=False,
        verify=tls(),
        trust_env=False,
    ) as http:

        async def ask(party: str, base: str) -> tuple[str, bytes | None]:
            async with slots:
                return party, await _file(http, base, known.get(party))

        found = await asyncio.gather(*(ask(party, base) for party, base in bases.items()))
    return {party: file for party, file in found if file is not None}


async def _file(http: httpx.AsyncClient, base: str, known: bytes | None) -> bytes | None:
    headers = {"If-None-Match": f'"{entity_tag(known)}"'} if known is not None else {}
    body = bytearray()
    try:
        async with (
            asyncio.timeout(ANSWER_WITHIN.total_seconds()),
            http.stream("GET", f"{base.rstrip('/')}/tuf/party.json", headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                return None
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_PARTY_FILE_BYTES:
                    return None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError):
        return None
    return bytes(body)
