"""Text for people: plain where it is piped, drawn where it is a terminal, never anybody else's control characters."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from datetime import UTC, date, datetime

import pytest

from epix_node.cli.terminal import Terminal, plain


class Screen(io.StringIO):
    """A terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch):
    """A terminal, to be made standard output inside of the test: pytest takes that back before each."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Screen()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (0, "0"),
        (("A", "B"), "A, B"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01 12:00:00Z"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x07\u202e", "\ufffd[31mred\ufffd\ufffd"),
        ("Zürich – 日本", "Zürich – 日本"),
    ],
)
def test_every_value_is_one_safe_line(value, text):
    """Whatever somebody wrote into a permit."""
    assert plain(value) == text


def test_a_table_on_a_terminal_is_drawn(screen):
    """With colours for verdicts; square brackets are text."""
    with redirect_stdout(screen):
        Terminal().table(("number", "verdict"), [("26[red]XA", "NOT_VALID")], empty="none")
    drawn = screen.getvalue()
    assert "26[red]XA" in drawn
    assert "\x1b[31mNOT_VALID" in drawn
    assert "─" in drawn


def test_a_table_that_is_piped_is_columns(capsys):
    """Nothing is cut, however long."""
    Terminal().table(("number", "x"), [("1" * 200, None), ("2", "b")], empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["number" + " " * 196 + "x", "1" * 200, "2" + " " * 201 + "b"]


def test_an_empty_table_says_so_beside_the_answer(capsys):
    """Standard output stays empty for whoever counts lines."""
    Terminal().table(("a",), [], empty="nothing was found")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "nothing was found\n")


def test_a_word_has_colour_on_a_terminal_only(screen):
    """VALID is green."""
    with redirect_stdout(screen):
        Terminal().line("VALID")
    assert screen.getvalue() == "\x1b[32mVALID\x1b[0m\n"


def test_json_fits_the_encoding_of_the_stream(monkeypatch, capsys):
    """Escapes where the stream could not hold the text; the value is the same."""
    Terminal().answer({"name": "日本"})
    assert "日本" in capsys.readouterr().out
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    Terminal().answer({"name": "日本"})
    narrow.flush()
    assert b"\\u65e5\\u672c" in narrow.buffer.getvalue()


def test_many_files_show_progress_on_a_terminal(monkeypatch, xa, permit):
    """On standard error; a single file, and a pipe, show none."""
    from epix_node.cli import batch

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with batch._progress("publishing", 2) as progressed:
        progressed(1)
    assert "publishing" in screen.getvalue()
    screen.truncate(0)
    with batch._progress("publishing", 1) as progressed:
        progressed(1)
    assert screen.getvalue() == ""
