"""Manifests of fictional countries with keys of their own, and a stage for the trust list."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from epix_node.trust.manifest import Manifest
from tests.trust import stage as stages


@pytest.fixture(scope="session")
def make_manifest() -> Callable[..., Manifest]:
    """Makes a consistent manifest with new keys; members given by name replace its own."""
    return stages.make_manifest


@pytest.fixture(scope="session")
def xa(make_manifest: Callable[..., Manifest]) -> Manifest:
    return make_manifest("XA", issues_for=("XA", "XD"))


@pytest.fixture(scope="session")
def xb(make_manifest: Callable[..., Manifest]) -> Manifest:
    return make_manifest("XB")


@pytest.fixture
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the disk: no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def stage(tmp_path: Path, no_sync: None) -> stages.Stage:
    """A Secretariat, a node that pinned its root, and nobody else yet."""
    return stages.Stage(tmp_path)
