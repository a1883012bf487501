"""A world of three countries for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.world import World, found_countries


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_countries(tmp_path_factory.mktemp("founded"))


@pytest.fixture(scope="session")
def founded_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Directories with so many countries, each made once."""
    made: dict[int, Path] = {}

    def founded(n: int) -> Path:
        if n not in made:
            parties = [f"X{chr(ord('A') + i)}" for i in range(n)]
            made[n] = found_countries(tmp_path_factory.mktemp(f"founded{n}"), parties)
        return made[n]

    return founded


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a pull would have waited before it tried again; nobody waits."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    for room in ("pull", "turns"):
        monkeypatch.setattr(f"epix_node.federation.{room}.sleep", pause)
    return taken


@pytest.fixture
async def world(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """XA, XB and XC, all of them up."""
    made = World(tmp_path, founded)
    for country in made.countries.values():
        await country.up()
    yield made
    await made.close()
