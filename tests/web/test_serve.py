"""The process that serves: it starts, answers, and ends cleanly when it is told to."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from epix_node.config import load_config
from epix_node.errors import ConfigError
from epix_node.web.app import serve

PROGRAM = """
import sys
from pathlib import Path
from epix_node.config import load_config
from epix_node.web.app import serve
serve(load_config(Path(sys.argv[1]), {"EPIX_SERVER__LISTEN": sys.argv[2]}))
"""


@contextmanager
def serving(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [sys.executable, "-c", PROGRAM, str(home / "config" / "epix-node.toml"), f"127.0.0.1:{port}"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_served_node_ends_cleanly_on_a_signal(home: Path, number: signal.Signals):
    """Exit 0, soon, without a traceback."""
    port = unused_port()
    with serving(home, port) as process:
        deadline = time.monotonic() + 20
        while not ready(port):
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline
            select_nothing()
        process.send_signal(number)
        output, _ = process.communicate(timeout=15)
    assert process.returncode == 0, output
    assert b"Traceback" not in output


def select_nothing() -> None:
    """A short pause for the other process; nothing in this one waits for time."""
    with socket.socket() as probe:
        probe.settimeout(0.05)
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        try:
            probe.accept()
        except TimeoutError:
            return


def test_an_address_that_is_taken_is_a_matter_of_configuration(home: Path):
    """The message names the setting; the node is closed again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        config = load_config(home / "config" / "epix-node.toml", {"EPIX_SERVER__LISTEN": listen})
        with pytest.raises(ConfigError, match=r"\[server\] listen"):
            serve(config)
