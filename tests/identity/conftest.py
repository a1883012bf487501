"""A node of XA in the sandbox, on a clock that only the test moves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from epix_node.config import Config
from epix_node.founding import Plan, found_node
from epix_node.sandbox_clock import SharedClock

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def clock(tmp_path: Path) -> SharedClock:
    clock = SharedClock(tmp_path / "clock.txt")
    clock.set(NOW)
    return clock


@pytest.fixture
def config(tmp_path: Path, clock: SharedClock) -> Config:
    plan = Plan(party="XA", environment="sandbox", base_url="http://127.0.0.1:8080", now=NOW, clock=clock.path)
    return found_node(tmp_path / "xa", plan)[0]
