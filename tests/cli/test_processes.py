"""The command as other programs see it: processes, streams, exit codes, and a node that serves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.stores import init_options

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("EPIX_")}


def run(*arguments: object, code: int = 0, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "epix_node", *map(str, arguments)],
        env=ENVIRONMENT,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(config: Path, url: str) -> Iterator[None]:
    """The node answers under this address until the block ends; it then ends cleanly."""
    with subprocess.Popen(
        [sys.executable, "-m", "epix_node", "--config", str(config), "serve"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _wait_for(process, f"{url}/healthz")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            said, told = process.communicate(timeout=30)
        assert process.returncode == 0, f"exit {process.returncode}\n{said}\n{told}"


def _wait_for(process: subprocess.Popen[str], url: str) -> None:
    """Return when the address answers; there is no event to wait for, only another process that gets ready."""
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None, "the node ended by itself"
            assert time.monotonic() < end, f"{url} does not answer"
            process_is_young = 0.05
            time.sleep(process_is_young)


def test_a_new_node_from_first_command_to_first_question(tmp_path):
    """init → clients add → doctor --json → status, as a script runs them."""
    port = free_port()
    home = tmp_path / "xa"
    run("init", "--party", "XA", "--dir", home, "--base-url", f"http://127.0.0.1:{port}", *init_options())
    node = ("--config", home / "config" / "epix-node.toml")
    token = run(*node, "clients", "add", "desk", "--role", "authority").stdout.strip()
    assert len(token) > 40
    diagnosis = run(*node, "doctor", "--json")
    assert json.loads(diagnosis.stdout)["ok"] is True
    assert diagnosis.stderr == ""
    status = run(*node, "status", "XA", "26XA000123", "--json", code=6)
    assert json.loads(status.stdout)["verdict"] == "UNKNOWN"


def test_help_is_quick_because_it_loads_nothing_heavy():
    """Databases, signatures and servers are imported by the commands that need them."""
    heavy = ("sqlmodel", "sqlalchemy", "alembic", "signxml", "lxml", "httpx", "aiohttp", "apscheduler", "rich.console")
    script = (
        "import sys\nfrom epix_node.cli.main import app\n"
        "try:\n    app(['--help'], prog_name='epix-node')\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.fixture
def two(found, told) -> Any:
    """XA and XB on free ports, who trust each other."""
    xa, xb = found("XA", port=free_port()), found("XB", port=free_port())
    told(xa, xb)
    return xa, xb


def test_a_permit_is_pulled_and_verified_with_its_issuer_stopped(two, permit, event):
    """Then used in both nodes, after a confirmation and a pull back."""
    xa, xb = two
    xa.run("permits", "publish", xa.file("p.json", permit()))
    with serving(xa.config.path, xa.config.server.base_url):
        assert xb.json("pull", "XA")["pulled"] == {"XA": 1}
        assert xb.json("pull")["pulled"] == {"XA": 0}
        diagnosis = xb.json("doctor", "--reach")
        assert {check["name"]: check["state"] for check in diagnosis["checks"]}["reach XA"] == "OK"
    held = xb.json("status", "XA", "26XA000123")
    assert (held["verdict"], held["source"], held["grade"]) == ("VALID", "mirror", "LOGGED")
    assert xb.json("peers", "list")["peers"][0]["state"] == "OK"
    xb.run("confirm", xb.file("c.json", event(outcome="released")))
    assert xb.json("status", "XA", "26XA000123", code=1)["status"] == "USED"
    with serving(xb.config.path, xb.config.server.base_url):
        assert xa.json("pull")["pulled"] == {"XB": 1}
    assert xa.json("status", "XA", "26XA000123", code=1)["status"] == "USED"
