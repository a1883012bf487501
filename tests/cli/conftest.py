"""Commands run in this process, on nodes of fictional countries that share a clock which stands still."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from epix_node.cli.main import app
from epix_node.config import Config
from epix_node.sandbox_clock import SharedClock
from tests.trusting import Secretariat

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Country:
    """A node, and the command line of whoever runs it."""

    config: Config
    clock: SharedClock
    secretariat: Secretariat

    def run(self, *arguments: object, code: int = 0, stdin: str | bytes | None = None) -> Result:
        """The result of a command that ends with this exit code."""
        return command("--config", self.config.path, *arguments, code=code, stdin=stdin)

    def json(self, *arguments: object, code: int = 0, stdin: str | bytes | None = None) -> Any:
        """The one JSON value on standard output."""
        return json.loads(self.run(*arguments, "--json", code=code, stdin=stdin).stdout)

    def file(self, name: str, content: Any) -> Path:
        """A file in the node's directory with this JSON, text or bytes."""
        path = self.config.home / name
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)
        return path


def command(*arguments: object, code: int = 0, stdin: str | bytes | None = None) -> Result:
    """The result of `epix-node` with these arguments."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == code, f"exit {result.exit_code}\n{result.stdout}\n{result.stderr}"
    return result


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The current directory has no configuration, and no variable names one."""
    monkeypatch.delenv("EPIX_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Each command configures the logs of its process, which is this one."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., Country]:
    """Makes a node of a country; all of one test share a clock, and know each other once they were `told`."""
    clock = SharedClock(tmp_path / "clock.txt")
    clock.set(START)
    secretariat = Secretariat(tmp_path / "secretariat", now=START - timedelta(days=1))

    def make(party: str, *, port: int = 8080) -> Country:
        config = secretariat.found(tmp_path / party, party, f"http://127.0.0.1:{port}", clock=clock.path)
        return Country(config=config, clock=clock, secretariat=secretariat)

    return make


def tell(*countries: Country) -> None:
    """These countries hold the trust list of today."""
    for country in countries:
        country.secretariat.now = country.clock()
        country.secretariat.repository.publish(country.clock())
        country.secretariat.tell([country.config])


@pytest.fixture
def told() -> Callable[..., None]:
    """`tell`, for tests that import nothing from here."""
    return tell


@pytest.fixture
def xa(found: Callable[..., Country]) -> Country:
    """The country that most tests are about."""
    return found("XA")


@pytest.fixture
def xb(found: Callable[..., Country]) -> Country:
    """Another country, on another port."""
    return found("XB", port=8081)


def permit_json(number: str = "26XA000123", **changes: Any) -> dict[str, Any]:
    """A permit of XA for XB that breaks no rule."""
    return {
        "type": "E",
        "number": number,
        "issuer": "XA",
        "issued_on": "2026-03-01",
        "valid_from": "2026-03-01",
        "valid_until": "2026-08-31",
        "purpose": "T",
        "exporter": {"name": "Reptiles Export", "address": "1 Harbour Road", "country": "XA"},
        "importer": {"name": "Terraria Import", "address": "2 Market Street", "country": "XB"},
        "authority": {"name": "CITES Management Authority of XA", "place": "Capital", "signatory": "A. Officer"},
        "security_stamp": f"XA-{number}",
        "lines": [
            {
                "block": "A",
                "taxon": "Python regius",
                "common_name": "ball python",
                "appendix": "II",
                "sources": ["C"],
                "term": "LIV",
                "description": "live specimens",
                "quantity": "12",
                "unit": "NAR",
                "origin": {"country": "XA", "permit": None, "date": None},
            }
        ],
        **changes,
    }


def event_json(event_id: str = "ZRH-1", number: str = "26XA000123", **changes: Any) -> dict[str, Any]:
    """Twelve specimens of block A, today."""
    return {
        "event_id": event_id,
        "permit": {"issuer": "XA", "number": number},
        "office": "ZRH",
        "date": "2026-03-02",
        "transport_document": None,
        "lines": [{"block": "A", "quantity": "12", "unit": "NAR"}],
        **changes,
    }


@pytest.fixture
def permit() -> Callable[..., dict[str, Any]]:
    """`permit_json`, for tests that import nothing from here."""
    return permit_json


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """`event_json`."""
    return event_json


@pytest.fixture
def epix_node() -> Callable[..., Result]:
    """`command`."""
    return command
