"""Health, readiness and metrics."""

from __future__ import annotations

import re
from datetime import timedelta

from epix_node.store import register
from tests.web.conftest import Api


async def test_the_process_answers_and_the_node_is_ready(api: Api):
    """Both without a token."""
    async with api.http.get("/healthz") as response:
        assert (response.status, (await response.json())["status"]) == (200, "ok")
    async with api.http.get("/readyz") as response:
        body = await response.json()
    assert (response.status, body) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "keys": "ok", "register": "ok"}},
    )


async def test_a_node_whose_certificate_has_run_out_is_not_ready(api: Api):
    """503, naming what is wrong and no secret."""
    api.wait(timedelta(days=365 * 21))
    reply = await api.get("/readyz")
    assert (reply.status, reply.body["status"]) == (503, "unavailable")
    assert reply.body["checks"]["keys"] == "no signing key may sign now: each has expired, is revoked, or is not here"


async def test_a_node_with_another_register_is_not_ready(api: Api):
    """The register in the database must be the one that the keys sign."""
    await api.publish()

    def rename(session):
        from dataclasses import replace

        register.put_state(session, replace(register.state(session, "XA"), origin="other/sandbox/register/XA"))

    api.node.database.write_now(rename)
    reply = await api.get("/readyz")
    assert reply.status == 503
    assert reply.body["checks"]["register"] != "ok"


async def test_metrics_are_prometheus_text_for_this_machine_only(api: Api):
    """Counts by route and status; asked through a proxy there is nothing there."""
    await api.publish()
    await api.status()
    reply = await api.get("/metrics")
    text = reply.raw.decode()
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert 'epix_http_requests_total{method="POST",route="/api/v1/status",status="200"} 1' in text
    assert "epix_register_size 1" in text
    assert "epix_notices_waiting 0" in text
    line = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.]+')
    for row in text.splitlines():
        assert row.startswith("# ") or line.fullmatch(row), row
    for header in ("X-Forwarded-For", "Forwarded"):
        assert (await api.get("/metrics", headers={header: "10.0.0.1"})).status == 404


async def test_strange_paths_do_not_fill_the_metrics(api: Api):
    """What no route fits is counted in one row."""
    for n in range(3):
        await api.get(f"/nothing/{n}")
    text = (await api.get("/metrics")).raw.decode()
    assert 'epix_http_requests_total{method="GET",route="-",status="404"} 3' in text


async def test_a_node_whose_register_signs_nothing_goes_on_working(api: Api):
    """200, so that nobody is sent elsewhere, in words for people; what is accepted has no number yet, and says so."""
    halted = "RESTORED: a copy took the place of the database"
    api.node.database.write_now(register.halt, "XA", api.node.office.own.origin, halted)
    reply = await api.get("/readyz")
    assert (reply.status, reply.body["status"]) == (200, "degraded")
    assert "documents are accepted and kept" in reply.body["checks"]["register"]
    assert "leave the node running" in reply.body["checks"]["register"]
    published = await api.publish()
    assert (published.status, published.body["register_index"]) == (201, None)
    status = await api.status()
    assert (status.body["status"], status.body["grade"]) == ("VALID", "UNLOGGED")
