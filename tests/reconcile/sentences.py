"""What every finding's sentence owes to the officer who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from epix_node.permit.finding import FindingDraft

_FIGURE = re.compile(r"\d[\d.,:/-]*\d|\d", re.ASCII)
"""A number, a date, a time, or digits of a permit number or of an article."""

_TO_DO = re.compile(r"\b(?:ask|hold|find out|have|let|correct|compare|whoever|withdraw|before)\b")


def lacks(draft: FindingDraft) -> Iterator[str]:
    """What is wrong with the sentence of a finding; nothing where it is as it should be."""
    told = " ".join(draft.values.values())
    for figure in _FIGURE.findall(draft.summary):
        if not re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", told):
            yield f"{figure} is not in values"
    rule = draft.values.get("rule")
    if not rule:
        yield "values name no rule"
    elif rule not in draft.summary:
        yield f"the rule {rule} is not told"
    if not draft.summary.endswith("."):
        yield "it is no sentence"
    if "\n" in draft.summary:
        yield "it has more than one line"
    if not _TO_DO.search(re.split(r"[;:.] ", draft.summary, maxsplit=1)[-1]):
        yield "it does not say what to do next"
