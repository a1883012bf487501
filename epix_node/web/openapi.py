"""OpenAPI 3.1 of the national API, and the JSON Schema of a permit (contract 4).

What each request takes and answers stands in one table here; who may use it is read off the routes themselves. A test
walks the router and the document both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from epix_node import __version__
from epix_node.permit.json import permit_json_schema
from epix_node.web.access import Route
from epix_node.web.keys import NODE
from epix_node.web.openapi_schemas import Schema, component_schemas, reference
from epix_node.web.replies import DEFAULT_LIMIT, MAX_LIMIT, json_reply

_WHICH = ("type", "year")
_PAGES = ("cursor", "limit")

_PARAMETERS: Mapping[str, tuple[Schema, str]] = {
    "issuer": ({"type": "string"}, "code of the issuer"),
    "number": ({"type": "string"}, "permit number in any spelling"),
    "type": ({"type": "string"}, "E, R, I or O"),
    "year": ({"type": "integer"}, "year of the date of issue"),
    "taxon": ({"type": "string"}, "taxon of one of the lines, as written"),
    "status": ({"type": "string"}, "status on the day `valid_at`"),
    "valid_at": ({"type": "string", "format": "date"}, "a calendar date; today if absent"),
    "issued_from": ({"type": "string", "format": "date"}, "first date of issue"),
    "issued_to": ({"type": "string", "format": "date"}, "last date of issue"),
    "pattern": ({"type": "string"}, "such as FRD-01"),
    "class": ({"type": "string", "enum": ["A", "R", "S"]}, "what a finding asks for"),
    "state": ({"type": "string"}, "state of a finding; all states if absent"),
    "since": ({"type": "string", "format": "date-time"}, "first seen then or later"),
    "cursor": ({"type": "string"}, "`next` of the page before"),
    "limit": ({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}, "items of a page"),
    "for": ({"type": "string", "enum": ["export", "import"]}, "for which border the question is asked"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """One request: ``body`` and ``answers`` name components; an answer without one has no JSON."""

    summary: str
    answers: Mapping[int, str | None]
    body: str | None = None
    xml: bool = False
    optional_body: bool = False
    query: tuple[str, ...] = ()
    proof: bool = False
    problems: tuple[int, ...] = ()
    media_type: str = "application/json"


_PERMIT = "/api/v1/permits/{issuer}/{number}"

OPERATIONS: Mapping[tuple[str, str], _Operation] = {
    ("POST", "/api/v1/permits"): _Operation(
        summary="Publish a permit: it is signed and enters the register",
        body="Permit",
        xml=True,
        answers={201: "Published", 200: "Published"},
        problems=(400, 403, 409, 413, 422),
    ),
    ("GET", "/api/v1/permits"): _Operation(
        summary="Permits of all issuers, by issue date and number",
        query=(
            "issuer",
            "number",
            "type",
            "year",
            "taxon",
            "status",
            "valid_at",
            "issued_from",
            "issued_to",
            *_PAGES,
        ),
        answers={200: "PermitPage"},
        problems=(400,),
    ),
    ("GET", _PERMIT): _Operation(
        summary="One permit with its status, events and findings; customs need a proof",
        query=_WHICH,
        proof=True,
        answers={200: "PermitStory"},
        problems=(400, 404, 409, 429),
    ),
    ("GET", f"{_PERMIT}/document"): _Operation(
        summary="The signed document, exact bytes; ETag is its SHA-256",
        query=_WHICH,
        answers={200: None, 304: None},
        media_type="application/xml",
        problems=(400, 404, 409),
    ),
    ("GET", f"{_PERMIT}/evidence"): _Operation(
        summary="The evidence bundle: document, register proofs and keys in one file; ETag is its SHA-256",
        query=_WHICH,
        answers={200: None, 304: None},
        media_type="application/zip",
        problems=(400, 404, 409),
    ),
    ("POST", f"{_PERMIT}/withdrawal"): _Operation(
        summary="Take an own permit back",
        query=_WHICH,
        body="Withdrawal",
        answers={201: "Recorded", 200: "Recorded"},
        problems=(400, 403, 404, 409, 413, 422),
    ),
    ("POST", f"{_PERMIT}/replacement"): _Operation(
        summary="Publish the successor of an own permit and withdraw the old one",
        query=_WHICH,
        body="Permit",
        xml=True,
        answers={201: "Published", 200: "Published"},
        problems=(400, 403, 404, 409, 413, 422),
    ),
    ("POST", "/api/v1/endorsements"): _Operation(
        summary="Goods left",
        body="Endorsement",
        proof=True,
        answers={201: "Recorded", 200: "Recorded"},
        problems=(400, 409, 413, 422),
    ),
    ("POST", "/api/v1/confirmations"): _Operation(
        summary="Goods arrived",
        body="Confirmation",
        proof=True,
        answers={201: "Recorded", 200: "Recorded"},
        problems=(400, 409, 413, 422),
    ),
    ("POST", "/api/v1/corrections"): _Operation(
        summary="Take an event of this node back, or put another in its place",
        body="Correction",
        proof=True,
        answers={201: "Recorded", 200: "Recorded"},
        problems=(400, 404, 409, 413, 422),
    ),
    ("POST", "/api/v1/status"): _Operation(
        summary="Is this permit genuine, unused and in force? Also for unknown numbers",
        body="Question",
        proof=True,
        answers={200: "Status"},
        problems=(400, 409, 413, 429),
    ),
    ("POST", "/api/v1/verifications"): _Operation(
        summary="The verdict on a signed document, or on what a paper says",
        body="Claim",
        xml=True,
        query=("for",),
        proof=True,
        answers={200: "Status"},
        problems=(400, 409, 413, 422, 429),
    ),
    ("GET", "/api/v1/findings"): _Operation(
        summary="Findings by first-seen time and id",
        query=("pattern", "class", "state", "issuer", "number", "since", *_PAGES),
        answers={200: "FindingPage"},
        problems=(400,),
    ),
    ("GET", "/api/v1/findings/{id}"): _Operation(summary="One finding", answers={200: "Finding"}, problems=(404,)),
    ("POST", "/api/v1/findings/{id}/decision"): _Operation(
        summary="Decide about a finding",
        body="Decision",
        answers={200: "Finding"},
        problems=(400, 404, 413, 422),
    ),
    ("GET", "/api/v1/peers"): _Operation(
        summary="The Parties of the trust list, and how pulling from them goes",
        query=_PAGES,
        answers={200: "PeerPage"},
        problems=(400,),
    ),
    ("GET", "/api/v1/peers/{party}"): _Operation(summary="One peer", answers={200: "PeerDetails"}, problems=(404,)),
    ("GET", "/api/v1/openapi.json"): _Operation(summary="This document", answers={200: None}),
    ("GET", "/api/v1/schemas/permit.json"): _Operation(
        summary="JSON Schema of a permit", answers={200: None}, media_type="application/schema+json"
    ),
    ("GET", "/healthz"): _Operation(summary="The process answers", answers={200: None}),
    ("GET", "/readyz"): _Operation(summary="Database, keys and register can work", answers={200: None, 503: None}),
    ("GET", "/metrics"): _Operation(
        summary="Prometheus text; for this machine only", answers={200: None}, media_type="text/plain", problems=(404,)
    ),
    ("POST", "/sandbox/v1/tick"): _Operation(
        summary="Move the shared clock and run one round; in the sandbox only",
        body="Tick",
        optional_body=True,
        answers={200: "Ticked"},
        problems=(400, 409, 504),
    ),
    ("POST", "/sandbox/v1/witness"): _Operation(
        summary="Ask the witnesses for what they did not cosign yet; in the sandbox only",
        answers={200: "Cosignatures"},
    ),
    ("GET", "/sandbox/v1/clock"): _Operation(summary="The node's time; in the sandbox only", answers={200: "Clock"}),
}
"""Every request of the national API and beside it; the federation's is another protocol."""


def add_openapi_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """The application describes itself; ``routes`` are those that ask for a role."""
    roles = {(route.method, pattern_free(route.path)): sorted(role.value for role in route.roles) for route in routes}
    is_sandbox = app[NODE].config.party.environment == "sandbox"

    async def show_document(_request: web.Request) -> web.Response:
        return json_reply(openapi_document(roles, with_sandbox=is_sandbox))

    async def show_permit_schema(_request: web.Request) -> web.Response:
        response = json_reply(permit_json_schema())
        response.content_type = "application/schema+json"
        return response

    app.router.add_get("/api/v1/openapi.json", show_document)
    app.router.add_get("/api/v1/schemas/permit.json", show_permit_schema)


def pattern_free(path: str) -> str:
    """The path as OpenAPI writes it: variables without regular expressions."""
    return re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", path)


def openapi_document(roles: Mapping[tuple[str, str], list[str]], *, with_sandbox: bool) -> dict[str, Any]:
    """The document; ``roles`` holds who may use a request, requests without an entry are open to everybody."""
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in OPERATIONS.items():
        if path.startswith("/sandbox/") and not with_sandbox:
            continue
        paths.setdefault(path, {})[method.lower()] = _operation(path, operation, roles.get((method, path)))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EPIX node, national API",
            "version": __version__,
            "description": "CITES permits: publish, look up, verify, endorse and confirm.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": component_schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str, operation: _Operation, roles: list[str] | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": list(_parameters(path, operation)),
        "responses": _responses(operation, is_open=roles is None),
        "security": [] if roles is None else [{"token": []}],
    }
    if roles is not None:
        described["description"] = f"Roles: {', '.join(roles)}."
    if operation.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": reference(operation.body)}}
        if operation.xml:
            content["application/xml"] = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": not operation.optional_body, "content": content}
    return described


def _parameters(path: str, operation: _Operation) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        about = {"description": "a slash is sent as %2F"} if name == "number" else {}
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **about}
    for name in operation.query:
        schema, description = _PARAMETERS[name]
        yield {"name": name, "in": "query", "schema": schema, "description": description}
    if operation.proof:
        yield {
            "name": "EPIX-Proof",
            "in": "header",
            "schema": {"type": "string"},
            "description": "customs: base64url of the JSON of a Proof, where the body holds none",
        }


def _responses(operation: _Operation, *, is_open: bool) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in operation.answers.items():
        responses[str(status)] = {"description": web.Response(status=status).reason}
        if status != 304:
            content = {"schema": reference(schema)} if schema is not None else {}
            responses[str(status)]["content"] = {operation.media_type: content}
    signs = 201 in operation.answers  # what is made is signed, and there may be no key for it
    for status in sorted({*operation.problems, *(() if is_open else (401, 403)), *((503,) if signs else ())}):
        responses[str(status)] = {
            "description": web.Response(status=status).reason,
            "content": {"application/problem+json": {"schema": reference("Problem")}},
        }
    return responses
