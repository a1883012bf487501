"""Every finding that a test of this room makes is read: its sentence tells a rule, its figures, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from epix_node.permit.finding import FindingDraft
from tests.reconcile.sentences import lacks


@pytest.fixture(autouse=True)
def sentences_are_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the detectors said in this test."""
    said: dict[tuple[str, str], FindingDraft] = {}
    make = FindingDraft.__init__

    def made(draft: FindingDraft, *args: Any, **kwargs: Any) -> None:
        make(draft, *args, **kwargs)
        said[draft.pattern, draft.summary] = draft

    monkeypatch.setattr(FindingDraft, "__init__", made)
    yield
    wrong = {f"{draft.pattern}: {draft.summary}": problems for draft in said.values() if (problems := [*lacks(draft)])}
    assert not wrong, wrong
