"""What the rules say of a permit, told to people: rule, box of the form, what is there, what is expected, and why.

Everything is made from the JSON that programs get, so that both are told the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Line = tuple[object, ...]
"""The words of one line, as ``Terminal.line`` takes them."""

_NOT_CHECKED = "NOT_CHECKED"
_ORDER = ("BLOCK", "REFER", "WARN", "INFO")
_FIRST_DAYS = 60
_FIRST_MONTHS = 730
_STEPS = 3
"""Of a path that people are shown."""


def gravest_word(findings: Iterable[Mapping[str, Any]], *, blocked: bool) -> str:
    """The gravest severity among the findings, or OK. A legacy document may break a rule and not be ``blocked``."""
    if blocked:
        return "BLOCK"
    found = {"REFER" if finding["severity"] == "BLOCK" else finding["severity"] for finding in findings}
    return next((word for word in ("REFER", "WARN") if word in found), "OK")


def judgement_lines(findings: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Each finding with its reasons, the gravest first, and in one line what could not be checked."""
    said = [finding for finding in findings if finding["severity"] != _NOT_CHECKED]
    lines: list[Line] = []
    for finding in sorted(said, key=lambda one: _ORDER.index(one["severity"])):
        lines += _finding_lines(finding)
    return lines + not_checked_lines(findings)


def not_checked_lines(findings: Iterable[Mapping[str, Any]]) -> list[Line]:
    """One line for all rules that could not be checked, by the reason why; none where all were."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        if finding["severity"] == _NOT_CHECKED:
            reasons.setdefault(finding["message"], []).append(finding["rule"])
    if not reasons:
        return []
    told = "; ".join(f"{', '.join(dict.fromkeys(rules))} ({reason})" for reason, rules in reasons.items())
    return [("  not checked:", told)]


def deviation_lines(heading: str, deviations: Sequence[Mapping[str, Any]]) -> list[Line]:
    """How a document deviates, alike ones together; programs get every one."""
    if not deviations:
        return []
    counts = Counter(deviation["message"] for deviation in deviations)
    first = {deviation["message"]: deviation["path"] for deviation in reversed(deviations)}
    lines: list[Line] = [(f"  {heading} ({len(deviations)}):",)]
    for message, count in counts.most_common():
        where = _end_of(first[message])
        lines.append((f"    {where} {message}" if count == 1 else f"    {count} × {message}, first {where}",))
    return lines


def _end_of(path: str) -> str:
    """The end of a path, by which people find the place; programs get the whole."""
    steps = path.split("/")
    return "/".join(steps if len(steps) <= _STEPS else ["…", *steps[-_STEPS:]]) or "the document"


def edition_lines(editions: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Which reference data were looked into, and how old they are."""
    return [("  reference data:", "; ".join(map(edition_text, editions)))] if editions else []


def edition_text(edition: Mapping[str, Any]) -> str:
    """Such as ``species of 2017-04-21, 9 years old (built in)``."""
    source = f" ({edition['source']})" if edition.get("source") else ""
    return f"{edition['data']} of {edition['as_of']}, {age_text(edition['age_days'])}{source}"


def age_text(days: int) -> str:
    """How old something is, in words."""
    if days < _FIRST_DAYS:
        return f"{days} day{'' if days == 1 else 's'} old"
    return f"{days // 30} months old" if days < _FIRST_MONTHS else f"{days // 365} years old"


def place(finding: Mapping[str, Any]) -> str:
    """Where on the form a finding is: the box, and the line counted from 1."""
    words = [f"box {finding['box']}"] if finding["box"] else []
    steps = finding["path"].split("/")[1:]
    if len(steps) > 1 and steps[0] == "lines":
        words.append(f"line {int(steps[1]) + 1}")
        steps = steps[2:]
    if steps:
        words.append(" ".join(step.replace("_", " ") for step in steps if not step.isdigit()))
    return ", ".join(word for word in words if word) or "the permit"


def _finding_lines(finding: Mapping[str, Any]) -> list[Line]:
    lines: list[Line] = [(" ", finding["severity"], finding["rule"], f"{place(finding)}: {finding['message']}")]
    seen = [(word, finding[name]) for word, name in (("is", "value"), ("expected", "expected"))]
    if told := "; ".join(f"{word} {text}" for word, text in seen if text is not None):
        lines.append((f"      {told}",))
    reasons = [f"{finding['citation']}{' (source not verified)' if finding['unverified'] else ''}"]
    if finding["reference"] is not None:
        reasons.append(edition_text(finding["reference"]))
    lines.append((f"      {'; '.join(reasons)}",))
    return lines
