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

_TITLES = {Kind.TRADE: "Ordinary trade", Kind.FRAUD: "Frauds", Kind.INNOCENT: "Innocent look-alikes"}


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
    yield from _table(report)
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
        "false_alerts": report.judgement.false_alerts,
        "differences": list(report.differences),
        "as_expected": report.is_as_expected,
    }


def _scene(told: Told) -> Iterator[str]:
    yield f"  {told.scene.title}"
    for deed in told.deeds:
        yield from _wrapped(deed.told, first=f"    {deed.at:%d %b %H:%M}  {deed.party:<11}", rest=" " * 29)


def _table(report: Report) -> Iterator[str]:
    titles = {told.scene.key: told.scene.title for told in report.told}
    rows = [_cells(found, titles[found.expected.scene]) for found in report.judgement.found]
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(len(_HEADINGS))]
    yield _row(_HEADINGS, widths)
    yield _row(["-" * width for width in widths], widths)
    for found, row in zip(report.judgement.found, rows, strict=True):
        yield _row(row, widths)
        yield from _wrapped(found.sentence, first="    ", rest="    ")


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


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _wrapped(text: str, *, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
