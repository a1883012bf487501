"""The story as lines of plain text, and as JSON: what happened, what was found, and what was not as expected."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from epix_node.clock import format_time
from epix_node.demo.scenes import Kind
from epix_node.demo.story import Found, Report, Told

WIDTH = 110
"""Columns of a line; most terminals and the README show so many."""

_HEADINGS = ("scene", "pattern", "expected in", "found in", "same id", "class")

_ANSWER_HEADINGS = ("scene", "permit", "signed", "asked by", "expected", "answer")

_TITLES = {
    Kind.TRADE: "Ordinary trade",
    Kind.KEYS: "Signing keys change",
    Kind.FRAUD: "Frauds",
    Kind.INNOCENT: "Innocent look-alikes",
}


def lines(report: Report) -> Iterator[str]:
    """All that a reader of the demonstration sees, line by line."""
    days = (report.ends - report.begins).days
    yield f"{len(report.told)} scenes, {days} days from {report.begins:%d %B %Y}. Times are UTC."
    for kind in Kind:
        yield ""
        yield _TITLES[kind]
        for told in report.told:
            if told.scene.kind is kind:
                yield from _scene(told)
    yield ""
    yield "What the nodes found"
    yield ""
    yield from _findings(report)
    yield ""
    yield "What the nodes answered after the keys had changed"
    yield ""
    yield from _answers(report)
    yield ""
    innocents = sum(told.scene.kind is Kind.INNOCENT for told in report.told)
    yield f"innocent look-alikes: {innocents} played, {report.judgement.false_alerts} alerts"
    if report.is_as_expected:
        yield "Every finding and every answer was the expected one."
        return
    yield ""
    yield "Not as expected:"
    for difference in report.differences:
        yield from _wrapped(difference, first="- ", rest="  ")


def to_json(report: Report) -> dict[str, Any]:
    """The same as one JSON value."""
    return {
        "begins": format_time(report.begins),
        "ends": format_time(report.ends),
        "scenes": [
            {
                "key": told.scene.key,
                "kind": told.scene.kind.value,
                "title": told.scene.title,
                "deeds": [{"at": format_time(deed.at), "party": deed.party, "told": deed.told} for deed in told.deeds],
            }
            for told in report.told
        ],
        "findings": [
            {
                "scene": found.expected.scene,
                "pattern": found.expected.pattern,
                "id": found.id,
                "class": found.class_,
                "expected_class": found.expected.class_,
                "expected_in": list(found.expected.nodes),
                "found_in": list(found.nodes),
                "summary": found.sentence,
            }
            for found in report.judgement.found
        ],
        "answers": [
            {
                "scene": told.scene.key,
                "number": answer.number,
                "signed": answer.signed,
                "asked_by": answer.party,
                "expected": answer.expected,
                "answer": answer.seen,
            }
            for told in report.told
            for answer in told.answers
        ],
        "false_alerts": report.judgement.false_alerts,
        "differences": list(report.differences),
        "as_expected": report.is_as_expected,
    }


def _scene(told: Told) -> Iterator[str]:
    yield f"  {told.scene.title}"
    for deed in told.deeds:
        yield from _wrapped(deed.told, first=f"    {deed.at:%d %b %H:%M}  {deed.party:<11}", rest=" " * 29)


def _findings(report: Report) -> Iterator[str]:
    titles = {told.scene.key: told.scene.title for told in report.told}
    found = report.judgement.found
    heading, rule, *rows = _table(_HEADINGS, [_cells(one, titles[one.expected.scene]) for one in found])
    yield heading
    yield rule
    for one, row in zip(found, rows, strict=True):
        yield row
        yield from _wrapped(one.sentence, first="    ", rest="    ")


def _answers(report: Report) -> list[str]:
    rows = [
        (told.scene.title, one.number, one.signed, one.party, one.expected, one.seen)
        for told in report.told
        for one in told.answers
    ]
    return _table(_ANSWER_HEADINGS, rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The headings, a rule, and a line for each row."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    every = (headings, ["-" * width for width in widths], *rows)
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]


def _cells(found: Found, title: str) -> tuple[str, ...]:
    expected = found.expected
    return (
        title,
        expected.pattern,
        " ".join(expected.nodes),
        " ".join(found.nodes) or "nowhere",
        found.id[:8] if found.nodes == expected.nodes else "no",
        expected.class_ if found.class_ in {None, expected.class_} else f"{found.class_}, not {expected.class_}",
    )


def _wrapped(text: str, *, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
