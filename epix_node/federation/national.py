"""A caller of one node's national API and sandbox (contract 4 and 7): what the demo and the Secretariat speak.

Nodes of a sandbox are stopped and started by whoever tests them, so no connection is kept between two calls: a call
meets the node as it is now. Proxies of the environment are ignored, since a sandbox is on loopback.

Not here: requests between nodes, which are signed (``client``).
"""

from __future__ import annotations

import functools
import json
import ssl
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from epix_node.errors import PeerProtocolError, PeerRefusedError, PeerUnreachableError

ANSWER_TIMEOUT = timedelta(seconds=30)
"""Longest wait for an ordinary answer; a tick may take longer and says so itself."""

_CONNECT_TIMEOUT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a node answered; ``body`` is its JSON, or ``None`` where it sent none."""

    status: int
    body: Any

    @property
    def problem(self) -> str:
        """The code and the sentence of a problem answer, for messages."""
        if not isinstance(self.body, dict):
            return "without a body"
        return " ".join(str(self.body[name]) for name in ("code", "detail", "title") if self.body.get(name))


class NationalClient:
    """One client of one node, used as ``async with``; ``party`` names the node in messages."""

    def __init__(
        self,
        *,
        party: str,
        url: str,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.party = party
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.AsyncClient(
            base_url=url,
            headers=headers,
            timeout=_timeout(ANSWER_TIMEOUT),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            verify=_tls(),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def answers(self, path: str, *, within: timedelta = ANSWER_TIMEOUT) -> bool:
        """Whether the node says 200 here in time; a stopped one does not, one that hangs does not either."""
        try:
            reply = await self._send("GET", path, query={}, content=None, within=within)
        except PeerUnreachableError:
            return False
        return reply.status == HTTPStatus.OK

    async def get(self, path: str, **query: str) -> Reply:
        """The node's answer, whatever its status; see ``post``."""
        return await self._send("GET", path, query=query, content=None, within=ANSWER_TIMEOUT)

    async def post(self, path: str, body: Any, *, within: timedelta = ANSWER_TIMEOUT) -> Reply:
        """The node's answer to this JSON body, whatever its status.

        Raises:
            PeerUnreachableError: nobody answers at this address, or not within the time.
            PeerProtocolError: the answer is not JSON.
        """
        return await self._send("POST", path, query={}, content=json.dumps(body).encode(), within=within)

    async def ask(self, path: str, **query: str) -> Any:
        """The JSON of a 200 answer. Raises ``PeerRefusedError`` for every other, and as ``post`` does."""
        return self.expect(await self.get(path, **query), 200, what=f"GET {path}")

    def expect(self, reply: Reply, *statuses: int, what: str) -> Any:
        """The JSON of an answer with one of these statuses. Raises ``PeerRefusedError`` for every other."""
        if reply.status not in statuses:
            raise PeerRefusedError(
                f"{self.party} answered {what} with {reply.status} {reply.problem}".rstrip(), party=self.party
            )
        return reply.body

    async def _send(
        self, method: str, path: str, *, query: dict[str, str], content: bytes | None, within: timedelta
    ) -> Reply:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            answer = await self._http.request(
                method, path, params=query or None, content=content, headers=headers, timeout=_timeout(within)
            )
        except httpx.TransportError as error:
            raise PeerUnreachableError(f"{self.party} does not answer: {type(error).__name__}", party=self.party) from (
                error
            )
        if not answer.content:
            return Reply(status=answer.status_code, body=None)
        try:
            return Reply(status=answer.status_code, body=answer.json())
        except ValueError as error:
            raise PeerProtocolError(
                f"{self.party} answered {method} {path} with {answer.status_code} and no JSON", party=self.party
            ) from error


def _timeout(within: timedelta) -> httpx.Timeout:
    return httpx.Timeout(within.total_seconds(), connect=_CONNECT_TIMEOUT.total_seconds())


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the certificates of this machine takes longer than any answer on loopback."""
    return ssl.create_default_context()
