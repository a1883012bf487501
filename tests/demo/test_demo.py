"""The demonstration as others start it: a process, its exit code, its files, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from epix_node.demo.command import STORY_BEGINS
from epix_node.demo.story import EXPECTED

COMMAND = [sys.executable, "-m", "epix_node"]
PATIENCE_S = 120
"""Longest wait for anything here; a machine that runs all tests at once is slow."""


def wait_until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)  # of the world outside this process there is no event to wait for


def request(method: str, url: str, *, token: str | None = None, body: object = None) -> tuple[int, dict]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def answers(url: str) -> bool:
    try:
        return request("GET", f"{url}/readyz")[0] == 200
    except OSError:
        return False


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_story_ends_as_it_should():
    """Exit 0, each fraud found by the right pattern in the right nodes under one id, and no look-alike."""
    run = subprocess.run([*COMMAND, "demo"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    table = run.stdout.partition("What the nodes found")[2]
    keys = table.partition("What the nodes answered after the keys had changed")[2]
    signed = [" ".join(line.split()[-5:]) for line in keys.splitlines() if line.startswith("A key is stolen")]
    assert signed == [
        "the theft XB VALID VALID",
        "XB NOT_VALID (REVOKED_KEY) NOT_VALID (REVOKED_KEY)",
        "new key XB VALID VALID",
    ]
    assert keys.count("A new signing key") == 2
    for expected in EXPECTED:
        nodes = " ".join(expected.nodes)
        row = [expected.pattern, *nodes.split(), *nodes.split(), expected.id(STORY_BEGINS.date())[:8], expected.class_]
        assert any(line.split()[-len(row) :] == row for line in table.splitlines()), table
    assert "innocent look-alikes: 10 played, 0 alerts" in table
    assert run.stderr == ""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A held, empty federation on a steerable clock, and where it is; everything it started is gone afterwards."""
    directory = tmp_path / "federation"
    arguments = ["demo", "--hold", "--empty", "--dir", str(directory), "--clock", "2026-03-02T08:00:00Z"]
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: (directory / "demo.json").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        yield process, directory
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_held_federation_serves_those_who_test_it(held):
    """demo.json, ticks, a node that is killed and started again, and a clean end (contract 7)."""
    process, directory = held
    description = json.loads((directory / "demo.json").read_text())
    assert stat.S_IMODE((directory / "demo.json").stat().st_mode) == 0o600
    assert set(description) == {"secretariat", "parties"}
    assert set(description["secretariat"]) == {"url", "tokens"}
    centre, token = description["secretariat"]["url"], description["secretariat"]["tokens"]["authority"]
    parties = description["parties"]
    assert set(parties) == {"XA", "XB", "XC"}
    for party in parties.values():
        assert set(party) == {"url", "config", "pid", "tokens"}
        assert set(party["tokens"]) == {"authority", "customs", "auditor"}
        assert answers(party["url"])
        assert request("GET", f"{party['url']}/sandbox/v1/clock") == (200, {"now": "2026-03-02T08:00:00Z"})

    # a token works at its own node only; the clock goes forward only
    assert request("POST", f"{centre}/sandbox/v1/tick", token=parties["XA"]["tokens"]["authority"], body={})[0] == 401
    assert request("POST", f"{parties['XA']['url']}/sandbox/v1/tick", token=token, body={})[0] == 401
    status, answer = request("POST", f"{centre}/sandbox/v1/tick", token=token, body={"now": "2026-03-03T08:00:00Z"})
    assert (status, answer["now"]) == (200, "2026-03-03T08:00:00Z")
    assert answer["pulled"] == {"XA": 0, "XB": 0, "XC": 0}
    assert answer["findings"] == {"A": 0, "R": 0, "S": 0, "pending": 0}
    # a day later the trust list has been signed again, and everybody has it
    for party in parties.values():
        status, known = request("GET", f"{party['url']}/api/v1/peers", token=party["tokens"]["auditor"])
        assert (status, {peer["trust"] for peer in known["peers"]}) == (200, {"FRESH"})
    status, _ = request("POST", f"{centre}/sandbox/v1/tick", token=token, body={"now": "2026-03-03T07:00:00Z"})
    assert status == 409

    # a node dies; the others go on without it, and it comes back on the same clock
    os.kill(parties["XA"]["pid"], signal.SIGKILL)
    wait_until(lambda: not is_running(parties["XA"]["pid"]))
    status, answer = request("POST", f"{centre}/sandbox/v1/tick", token=token, body={"now": "2026-03-04T08:00:00Z"})
    assert (status, answer["pulled"]) == (200, {"XA": None, "XB": 0, "XC": 0})
    with (directory / "again.log").open("wb") as log:
        again = subprocess.Popen(
            [*COMMAND, "--config", parties["XA"]["config"], "serve"], cwd=directory, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: answers(parties["XA"]["url"]))
        assert request("GET", f"{parties['XA']['url']}/sandbox/v1/clock")[1] == {"now": "2026-03-04T08:00:00Z"}
        status, answer = request("POST", f"{centre}/sandbox/v1/tick", token=token, body={})
        assert (status, answer["pulled"]) == (200, {"XA": 0, "XB": 0, "XC": 0})
    finally:
        again.terminate()
        again.wait(PATIENCE_S)

    process.terminate()
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert output.splitlines()[-1] == str(directory / "demo.json")
    assert "the node of XA ended with exit code -9" in errors
    assert not any(is_running(party["pid"]) for party in parties.values())


def test_a_directory_that_is_not_empty_is_refused(tmp_path):
    """Exit 2, and nothing in it is touched."""
    (tmp_path / "mine").write_text("mine")
    run = subprocess.run(
        [*COMMAND, "demo", "--hold", "--empty", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert run.returncode == 2
    assert "is not empty" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_story_needs_its_cast():
    """Two countries cannot play it; exit 2 says so at once."""
    run = subprocess.run([*COMMAND, "demo", "--parties", "2"], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "--empty" in run.stderr
