"""Who calls, and what the caller's role allows (contract 4).

A route names the roles that may use it; the caller is known before the handler sees anything of the request. A wrong
token gets the same answer as none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from epix_node.store.clients import Client, Role, token_hash
from epix_node.web.desk import DESK, Desk
from epix_node.web.problems import Problem

CALLER = web.RequestKey("caller", Client)

EVERYBODY = frozenset(Role)
OFFICES = frozenset({Role.AUTHORITY, Role.AUDITOR})
BORDER = frozenset({Role.AUTHORITY, Role.CUSTOMS})
AUTHORITY = frozenset({Role.AUTHORITY})

Handler = Callable[[web.Request, Client], Awaitable[web.StreamResponse]]
"""A handler that is told who calls."""

_SCHEME = "bearer "

MAX_KNOWN = 1000
"""Headers kept; there are as many as clients, but one token can be written with any number of spaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One request of the contract: ``path`` as aiohttp writes it."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[Role]

    def definition(self) -> web.RouteDef:
        """For the router: the handler behind the door."""
        handler, roles = self.handler, self.roles

        async def guarded(request: web.Request) -> web.StreamResponse:
            return await handler(request, admit(request, roles))

        return web.route(self.method, self.path, guarded)


def admit(request: web.Request, roles: frozenset[Role]) -> Client:
    """The caller.

    Raises:
        Problem: 401 without a known token, 403 where the role is none of ``roles``.
    """
    desk = request.app[DESK]
    desk.refresh()
    given = request.headers.get("Authorization", "")
    # Kept by the header as it came: hashing the token anew would be a tenth of a status by key.
    client = desk.clients.get(given) or _client(desk, given)
    if client is None:
        raise Problem(
            401,
            "UNAUTHORIZED",
            "this request needs the token of a client of this node: Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="epix-node"'},
        )
    request[CALLER] = client
    if client.role not in roles:
        allowed = ", ".join(sorted(role.value for role in roles))
        raise Problem(403, "FORBIDDEN", f"the role {client.role.value} may not do this; it needs: {allowed}")
    return client


def _client(desk: Desk, given: str) -> Client | None:
    """Whose token the header holds. Wrong ones are not kept: anybody could fill the memory with them."""
    token = given[len(_SCHEME) :].strip()
    # A token is ASCII; what is not may hold half characters, which cannot be hashed.
    if given[: len(_SCHEME)].lower() != _SCHEME or not token.isascii():
        return None
    client = desk.reader.client(token_hash(token))
    if client is not None and len(desk.clients) < MAX_KNOWN:
        desk.clients[given] = client
    return client
