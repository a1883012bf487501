"""Who may call what."""

from __future__ import annotations

from epix_node.store import clients
from epix_node.store.clients import Role
from epix_node.web.app import NATIONAL_ROUTES
from epix_node.web.openapi import pattern_free
from epix_node.web.sandbox_api import ROUTES as SANDBOX_ROUTES
from tests.web.conftest import START, Api, path_of, read

ALLOWED = {
    ("POST", "/permits"): "authority",
    ("GET", "/permits"): "authority auditor",
    ("GET", "/permits/{issuer}/{number}"): "authority auditor customs",
    ("GET", "/permits/{issuer}/{number}/document"): "authority auditor",
    ("GET", "/permits/{issuer}/{number}/evidence"): "authority auditor",
    ("POST", "/permits/{issuer}/{number}/withdrawal"): "authority",
    ("POST", "/permits/{issuer}/{number}/replacement"): "authority",
    ("POST", "/endorsements"): "customs authority",
    ("POST", "/confirmations"): "customs authority",
    ("POST", "/corrections"): "customs authority",
    ("POST", "/status"): "customs authority auditor",
    ("POST", "/verifications"): "customs authority auditor",
    ("GET", "/findings"): "authority auditor",
    ("GET", "/findings/{id}"): "authority auditor",
    ("POST", "/findings/{id}/decision"): "authority",
    ("GET", "/peers"): "authority auditor",
    ("GET", "/peers/{party}"): "authority auditor",
}
"""Contract 4, without its prefix."""


def test_the_routes_are_those_of_the_contract_with_its_roles():
    """No request more, none less, and nobody else may use one."""
    offered = {
        (route.method, pattern_free(route.path).removeprefix("/api/v1")): {role.value for role in route.roles}
        for route in NATIONAL_ROUTES
    }
    assert offered == {key: set(roles.split()) for key, roles in ALLOWED.items()}


async def test_a_request_is_answered_only_to_the_roles_that_it_is_for(api: Api):
    """401 without a token and with a wrong one, 403 to every other role, whatever stands in the request."""
    wrong = ("Bearer wrong", "Basic eDp5", "Bearer", "")
    for route in (*NATIONAL_ROUTES, *SANDBOX_ROUTES):
        path = pattern_free(route.path).format(issuer="XA", number="1", id="x", party="XB")
        for value in wrong:
            async with api.http.request(route.method, path, headers={"Authorization": value}) as response:
                reply = await read(response)
            assert (reply.status, reply.code) == (401, "UNAUTHORIZED"), path
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        for role in Role:
            reply = await api.as_(role.value).ask(route.method, path)
            refused = reply.status == 403 and reply.code == "FORBIDDEN"
            assert refused is (role not in route.roles), (path, role, reply.body)


async def test_a_token_that_cannot_be_one_is_a_wrong_one(api: Api):
    """Bytes that are no characters, and a very long token."""
    for token in ("\udcff\udcfe".encode(errors="surrogateescape").decode("latin-1"), "x" * 7000):
        async with api.http.get("/api/v1/peers", headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == 401


async def test_a_client_that_is_removed_is_out_at_once(api: Api):
    """And one that is added is in, although both are remembered."""
    assert (await api.get("/api/v1/peers")).status == 200
    token = api.node.database.write_now(clients.add, "second", Role.AUDITOR, now=START)
    assert (await api.get("/api/v1/peers", token=token)).status == 200
    api.node.database.write_now(clients.remove, "second")
    assert (await api.get("/api/v1/peers", token=token)).status == 401
    assert (await api.get("/api/v1/peers")).status == 200


async def test_what_is_not_there_is_a_problem_like_any_other(api: Api):
    """404 and 405 of the server itself, with the methods that are allowed."""
    assert (await api.get("/api/v1/nothing")).code == "NO_SUCH_RESOURCE"
    wrong = await api.ask("DELETE", "/api/v1/permits")
    assert (wrong.status, wrong.code, wrong.headers["Allow"]) == (405, "METHOD_NOT_ALLOWED", "GET,HEAD,POST")


async def test_every_answer_has_an_id(api: Api):
    """In the header, and in a status answer."""
    await api.publish()
    reply = await api.status()
    assert reply.headers["X-Request-Id"] == reply.body["request_id"]
    assert (await api.get(path_of("x"))).headers["X-Request-Id"] != reply.body["request_id"]
