"""The OpenAPI document and the server say the same, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from epix_node.permit.json import permit_json_schema
from epix_node.web.openapi import pattern_free
from tests.web.conftest import Api, event_json, path_of

OTHER_PROTOCOLS = ("/epix/v1/", "/.well-known/")
"""The federation's, described in its own document."""


async def document(api: Api) -> dict[str, Any]:
    async with api.http.get("/api/v1/openapi.json") as response:
        assert response.status == 200
        return await response.json()


async def test_every_route_is_described_and_every_description_has_a_route(api: Api):
    """Methods and paths; the federation's are left out."""
    described = {
        (method.upper(), path) for path, methods in (await document(api))["paths"].items() for method in methods
    }
    served = {
        (route.method, pattern_free(route.resource.canonical))
        for route in api.http.app.router.routes()
        if route.method != "HEAD" and not route.resource.canonical.startswith(OTHER_PROTOCOLS)
    }
    assert described == served


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


async def test_every_reference_leads_somewhere_and_nothing_is_left_over(api: Api):
    """Components are used, and used ones are there."""
    described = await document(api)
    assert described["openapi"].startswith("3.1")
    wanted = {ref.removeprefix("#/components/schemas/") for ref in references(described)}
    assert wanted == set(described["components"]["schemas"])


async def test_what_is_secured_is_what_asks_for_a_token(api: Api):
    """An operation without security answers without a token."""
    for path, methods in (await document(api))["paths"].items():
        for method, operation in methods.items():
            url = path.format(issuer="XA", number="1", id="x", party="XB")
            async with api.http.request(method, url) as response:
                assert (response.status == 401) is bool(operation["security"]), (method, path)
                assert str(response.status) in operation["responses"], (method, path, response.status)


def fits(schema: dict[str, Any], value: Any, components: dict[str, Any]) -> str | None:
    """Why a value does not fit the few words of JSON Schema that the document uses; ``None`` where it does."""
    if "$ref" in schema:
        return fits(components[schema["$ref"].rpartition("/")[2]], value, components)
    if "anyOf" in schema:
        reasons = [fits(one, value, components) for one in schema["anyOf"]]
        return None if None in reasons else str(reasons)
    types = schema.get("type", [])
    names = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    if types and not isinstance(value, tuple(names[t] for t in ([types] if isinstance(types, str) else types))):
        return f"{value!r} is no {types}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not in {schema['enum']}"
    if isinstance(value, dict):
        missing = set(schema.get("required", ())) - set(value)
        more = schema.get("additionalProperties", True)
        unknown = set(value) - set(schema.get("properties", ())) if more is False else set()
        if missing or unknown:
            return f"missing {missing}, unknown {unknown}"
        inner = [
            (schema.get("properties", {}).get(name, more if isinstance(more, dict) else {}), held)
            for name, held in value.items()
        ]
    else:
        inner = [(schema.get("items", {}), held) for held in value] if isinstance(value, list) else []
    return next((reason for one, held in inner if (reason := fits(one, held, components))), None)


async def test_answers_are_as_they_are_described(api: Api):
    """Every kind of answer, with a withdrawn permit, events and findings."""
    described = await document(api)
    schemas = described["components"]["schemas"]

    async def check(method: str, template: str, path: str, body: Any = None) -> Any:
        reply = await api.ask(method, path, body)
        response = described["paths"][template][method.lower()]["responses"][str(reply.status)]
        (content,) = response["content"].values()
        assert fits(content["schema"], reply.body, schemas) is None
        return reply

    one = "/api/v1/permits/{issuer}/{number}"
    from tests.web.conftest import permit_json

    await check("POST", "/api/v1/permits", "/api/v1/permits", permit_json())
    await check("POST", "/api/v1/permits", "/api/v1/permits", permit_json())
    await check("POST", "/api/v1/permits", "/api/v1/permits", permit_json(purpose=None))
    await check("POST", "/api/v1/permits", "/api/v1/permits", permit_json(purpose="H"))
    await check("POST", "/api/v1/permits", "/api/v1/permits", {})
    await check("POST", "/api/v1/endorsements", "/api/v1/endorsements", event_json())
    for n in (1, 2):
        body = event_json(f"C-{n}", outcome="released", office=f"P{n}", transport_document=f"T{n}")
        confirmed = await check("POST", "/api/v1/confirmations", "/api/v1/confirmations", body)
    assert confirmed.body["findings"]
    back = {"event_id": "C-3", "supersedes": "XA-1", "event": None}
    await check("POST", "/api/v1/corrections", "/api/v1/corrections", back)
    await check("GET", one, path_of("26XA000123"))
    await check("GET", one, path_of("none"))
    await check("GET", "/api/v1/permits", "/api/v1/permits")
    await check("POST", "/api/v1/status", "/api/v1/status", {"issuer": "XA", "number": "26XA000123", "type": "R"})
    presented = {"issuer": "XA", "number": "26XA000123", "presented": {"purpose": "Z"}, "record": True}
    presented |= {"event_id": "P-1", "office": "x", "date": "2026-03-02"}
    await check("POST", "/api/v1/verifications", "/api/v1/verifications", presented)
    listed = await check("GET", "/api/v1/findings", "/api/v1/findings")
    finding = listed.body["findings"][0]["id"]
    await check("GET", "/api/v1/findings/{id}", f"/api/v1/findings/{finding}")
    decision = {"decision": "confirmed", "reason": "seen"}
    await check("POST", "/api/v1/findings/{id}/decision", f"/api/v1/findings/{finding}/decision", decision)
    await check("POST", f"{one}/replacement", path_of("26XA000123") + "/replacement", permit_json("26XA9"))
    await check("POST", f"{one}/withdrawal", path_of("26XA9") + "/withdrawal", {"reason": "lost"})
    await check("GET", one, path_of("26XA000123"))
    await check("GET", "/api/v1/peers", "/api/v1/peers")
    await check("POST", "/sandbox/v1/tick", "/sandbox/v1/tick")
    await check("POST", "/sandbox/v1/witness", "/sandbox/v1/witness")
    await check("GET", "/sandbox/v1/clock", "/sandbox/v1/clock")


async def test_the_schema_of_a_permit_is_served(api: Api):
    """At the address of the contract, without a token."""
    async with api.http.get("/api/v1/schemas/permit.json") as response:
        assert response.headers["Content-Type"].startswith("application/schema+json")
        assert await response.json(content_type=None) == permit_json_schema()
