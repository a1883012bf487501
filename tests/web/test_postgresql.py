"""A database server that goes away and comes back, as callers see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from epix_node.store import postgresql
from tests.stores import STORES
from tests.web.conftest import Api

pytestmark = pytest.mark.postgresql


@contextmanager
def gone(url: str) -> Iterator[None]:
    """The server ends every session of this database and takes no new one."""
    name = urlsplit(url).path.removeprefix("/")
    STORES.server.command(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    STORES.server.command(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        STORES.server.command(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_callers_are_told_to_come_again_and_then_it_works(api: Api, monkeypatch: pytest.MonkeyPatch):
    """503 without a word about the server; nothing has to be restarted."""
    monkeypatch.setattr(postgresql, "_PAUSE_S", 0.0)
    await api.publish()
    with gone(api.node.database.url):
        ready = await api.get("/readyz")
        assert (ready.status, ready.body["checks"]["database"]) == (503, "cannot be read")
        for reply in (await api.status(), await api.get("/api/v1/permits"), await api.get("/api/v1/findings")):
            assert (reply.status, reply.code, reply.headers["Retry-After"]) == (503, "DATABASE", "5")
            assert "epix_" not in reply.body["detail"]
        assert (await api.get("/healthz")).status == 200
    assert (await api.get("/readyz")).status == 200
    assert (await api.status()).body["status"] == "VALID"
    await api.publish("26XA000124")
