"""`notify test`, and what `doctor` says of those who are told."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import unused_port
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


@dataclass
class Office:
    """Whoever is told: a web server and a mail server, each in a thread of its own."""

    port: int
    smtp: int
    got: list[dict[str, Any]] = field(default_factory=list)
    letters: list[Envelope] = field(default_factory=list)


@pytest.fixture
def office() -> Iterator[Office]:
    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 # its name
            made.letters.append(envelope)
            return "250 taken"

    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    mail = Controller(Box(), hostname="127.0.0.1", port=unused_port())
    made = Office(port=hook.server_port, smtp=mail.port)
    serving = threading.Thread(target=hook.serve_forever)
    serving.start()
    mail.start()
    yield made
    mail.stop()
    hook.shutdown()
    serving.join()
    hook.server_close()


@pytest.fixture
def told(xa, office: Office):
    """XA's configuration names the office."""
    secret = xa.file("secret", b"known to both\n")
    secret.chmod(0o600)
    settings = f"""[notify]
webhook_url = "http://127.0.0.1:{office.port}/?key=hidden"
webhook_secret_file = "secret"
email_to = ["cites@office.example"]
email_from = "epix-node@office.example"
smtp_server = "127.0.0.1:{office.smtp}"
smtp_security = "none"
"""
    path = xa.config.path
    path.write_text(path.read_text("utf-8").replace("[notify]\n", settings), "utf-8")
    return xa


def test_a_test_notice_goes_to_everybody(told, office: Office):
    """It is about nothing, and says so."""
    body = told.json("notify", "test")
    assert [(one["channel"], one["problem"]) for one in body["sent"]] == [("webhook", None), ("email", None)]
    (got,) = office.got
    assert (got["pattern"], got["class"], got["permits"]) == ("TEST", "A", [])
    (letter,) = office.letters
    assert letter.content is not None
    assert "taken" in told.run("notify", "test").stdout


def test_a_receiver_that_cannot_be_reached_is_exit_4(told, office: Office):
    """The others are told all the same, and no address shows what it hides."""
    path = told.config.path
    path.write_text(path.read_text("utf-8").replace(f":{office.port}/", f":{unused_port()}/"), "utf-8")
    result = told.run("notify", "test", code=4)
    assert "not taken" in result.stdout
    assert "hidden" not in result.stdout + result.stderr
    assert len(office.letters) == 1


def test_where_nobody_is_named_that_is_said(xa):
    """Exit 2, with the settings that are missing."""
    assert "webhook_url" in xa.run("notify", "test", code=2).stderr


def checks(country, *arguments: str, code: int = 0) -> dict[str, tuple[str, str]]:
    body = country.json("doctor", *arguments, code=code)
    return {check["name"]: (check["state"], check["message"]) for check in body["checks"]}


def test_doctor_looks_whether_notices_can_go(told, office: Office):
    """Who is told, whether they can be reached, and whether the secrets are secret."""
    found = checks(told, "--reach")
    assert found["notices"] == ("OK", f"webhook by 127.0.0.1:{office.port} and email by 127.0.0.1:{office.smtp}")
    assert found["reach webhook"][0] == found["reach email"][0] == "OK"
    path = told.config.path
    path.write_text(path.read_text("utf-8").replace(f":{office.smtp}", f":{unused_port()}"), "utf-8")
    assert checks(told, "--reach", code=1)["reach email"][0] == "FAIL"
    (told.config.home / "secret").chmod(0o640)
    state, said = checks(told, code=1)["notices"]
    assert state == "FAIL"
    assert "chmod 600" in said


def test_doctor_says_that_notices_wait_for_long(told, permit, event):
    """A command opens findings; a node that runs would tell of them."""
    told.run("permits", "publish", told.file("p.json", permit()))
    told.run("permits", "withdraw", "26XA000123", "--reason", "stolen")
    told.clock.set(told.clock() + timedelta(days=7))
    told.run("confirm", told.file("c.json", event(outcome="released", date="2026-03-08")))
    told.clock.set(told.clock() + timedelta(days=2))
    told.run("reconcile")
    assert checks(told)["notices"][0] == "OK"
    told.clock.set(told.clock() + timedelta(hours=2))
    state, said = checks(told)["notices"]
    assert state == "WARN"
    assert "1 wait" in said
