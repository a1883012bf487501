"""Logs go to one stream, and nothing secret or personal goes with them."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from epix_node.logs import REDACTED, configure_logs, redact


@pytest.fixture
def stream():
    """A stream that everything is logged to, and the logging of the test run as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_where_nobody_watches(stream):
    """Fields stay fields, also for libraries that log the old way."""
    structlog.get_logger("epix_node.x").info("page ingested", party="XB", accepted=48)
    logging.getLogger("library").warning("%s happened", "something")
    mine, theirs = lines(stream)
    assert (mine["event"], mine["party"], mine["accepted"], mine["level"]) == ("page ingested", "XB", 48, "info")
    assert (theirs["event"], theirs["logger"]) == ("something happened", "library")


def test_a_traceback_is_in_the_line(stream):
    """One event, one line, whatever happened."""
    try:
        raise RuntimeError("broken")  # noqa: TRY301
    except RuntimeError:
        structlog.get_logger().exception("job failed")
    (line,) = lines(stream)
    assert "RuntimeError: broken" in line["exception"]


def test_chatty_libraries_are_quiet(stream):
    """Their steps are not our events."""
    logging.getLogger("httpx").info("HTTP Request: GET https://…")
    logging.getLogger("apscheduler.scheduler").info("Added job")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"token": "s3cret"},
        {"EPIX-Proof": "s3cret"},
        {"proof": {"token": "s3cret"}},
        {"headers": {"Authorization": "Bearer s3cret"}},
        {"headers": [{"authorization": "s3cret"}]},
        {"detail": "sent Bearer s3cret to XB"},
        {"detail": "header EPIX-Proof: s3cret was wrong"},
        {"exporter": {"name": "s3cret"}},
        {"permit": {"importer": {"name": "s3cret"}}},
        {"officer": "s3cret"},
        {"xml": "s3cret"},
        {"what": b"s3cret"},
        {"what": "<?xml version='1.0'?><a>s3cret</a>"},
        {"what": "got <epix:Document>s3cret</epix:Document>"},
    ],
)
def test_nothing_secret_or_personal_is_logged(fields):
    """Tokens, proofs, documents and names, at any depth."""
    assert "s3cret" not in repr(redact(None, "info", {"event": "seen", **fields}))


def test_what_is_no_secret_stays():
    """Digests, numbers and Parties are what logs are for."""
    event = {"event": "permit published", "party": "XA", "number": "26XA000123", "document": "ab" * 32, "index": 7}
    assert redact(None, "info", dict(event)) == event
    assert redact(None, "info", {"name": "Jo"}) == {"name": REDACTED}


def test_a_terminal_gets_text_for_people(stream):
    """Not JSON, and no local variables in tracebacks: those hold documents."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    configure_logs(terminal)
    local_variable = "s3" + "cret"
    try:
        raise RuntimeError("broken")  # noqa: TRY301
    except RuntimeError:
        structlog.get_logger().exception("job failed", party="XB")
    assert local_variable
    text = terminal.getvalue()
    assert "job failed" in text
    assert "RuntimeError" in text
    assert "s3cret" not in text.replace('"s3" + "cret"', "")
