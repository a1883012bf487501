"""Errors become answers, each in its own way, and mistakes of ours tell nothing."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

import epix_node
from epix_node import errors
from epix_node.errors import EpixError
from epix_node.rules.finding import RulesBrokenError
from epix_node.web import problems, status_api
from tests.web.conftest import Api, permit_json


def every_error(class_: type[EpixError]) -> Iterator[type[EpixError]]:
    yield class_
    for below in class_.__subclasses__():
        yield from every_error(below)


def test_every_error_has_a_status():
    """No class of this program is left to its ancestor's row."""
    for module in pkgutil.walk_packages(epix_node.__path__, "epix_node."):
        if not module.name.startswith(("epix_node.store.migrations", "epix_node.__main__")):
            importlib.import_module(module.name)
    own = {class_ for class_ in every_error(EpixError) if class_.__module__.startswith("epix_node.")}
    assert own == set(problems.STATUS)


@pytest.mark.parametrize(
    ("error", "status", "member"),
    [
        (errors.MalformedDocumentError("x", code="NOT_UTF8"), 400, "reasons"),
        (errors.MalformedDocumentError("x", code="TOO_LARGE"), 413, "reasons"),
        (errors.UnacceptableError("x"), 422, None),
        (RulesBrokenError("x", findings=()), 422, "findings"),
        (errors.NotFoundError("x"), 404, None),
        (errors.NotOursError("x"), 403, None),
        (errors.AmbiguousNumberError("x", candidates=({"a": 1},)), 409, "candidates"),
        (errors.TransitionError("x"), 409, None),
        (errors.PeerUnreachableError("x", party="XB"), 504, None),
        (errors.PeerProtocolError("x", party="XB"), 502, None),
    ],
)
def test_an_error_carries_what_it_knows(error: EpixError, status: int, member: str | None):
    """Status, code, and the members of the contract where they apply."""
    import json

    response = problems.problem_of(error)
    body = json.loads(response.body)
    assert (response.status, body["status"], body["code"], body["detail"]) == (status, status, error.code, "x")
    extra = set(body) - {"type", "title", "status", "detail", "code"}
    assert extra == ({member} if member else set())


@pytest.mark.parametrize("error", [RuntimeError("secret path"), errors.ConfigError("secret path")])
async def test_a_mistake_of_ours_tells_nothing_and_is_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """A bare 500; the traceback is in the log under the request's id."""

    def broken(_body: bytes) -> None:
        raise error

    monkeypatch.setattr(status_api, "question_from_json", broken)
    with structlog.testing.capture_logs() as logs:
        reply = await api.status()
    assert (reply.status, reply.code) == (500, "INTERNAL")
    assert b"secret" not in reply.raw
    logged = next(line for line in logs if line["event"] == "request failed")
    assert logged["exc_info"]
    assert logged["request_id"] == reply.headers["X-Request-Id"]


async def test_a_node_none_of_whose_keys_may_sign_says_so_and_goes_on_answering(api: Api):
    """503 without names of files, and nothing recorded; statuses are answered as before (C.1 "Rotation")."""
    await api.publish()
    api.wait(timedelta(days=365 * 21))
    with structlog.testing.capture_logs() as logs:
        reply = await api.post("/api/v1/permits", permit_json("26XA000124"))
    assert (reply.status, reply.code) == (503, "KEY_MATERIAL")
    assert b".pem" not in reply.raw
    assert any(line["event"] == "cannot sign" and "expired" in line["error"] for line in logs)
    assert (await api.status()).status == 200
    assert (await api.status("26XA000124")).body["status"] != "VALID"


async def test_a_request_leaves_one_line_without_its_path(api: Api):
    """The route, never the permit number."""
    with structlog.testing.capture_logs() as logs:
        await api.get("/api/v1/permits/XA/26XA000123")
    (line,) = [line for line in logs if line["event"] == "request"]
    assert (line["status"], line["method"], line["caller"]) == (404, "GET", "authority")
    assert "26XA000123" not in str(line)
