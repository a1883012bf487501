"""The reader of sentences (`sentences`, for every test of this room) sees what is wrong with one."""

from __future__ import annotations

import pytest

from epix_node.permit.finding import FindingDraft
from epix_node.reconcile.detectors import frd01
from tests.reconcile.builders import case, confirmed, permit, view
from tests.reconcile.sentences import lacks


def saying(summary: str, **values: str) -> list[str]:
    """What is wrong with a finding that says this."""
    (draft,) = frd01.detect(case(permit(), confirmed("03-20"), confirmed("03-22", by="XC")), view())
    assert [*lacks(draft)] == []
    made = object.__new__(FindingDraft)
    for name in FindingDraft.__slots__:
        object.__setattr__(made, name, getattr(draft, name))
    object.__setattr__(made, "summary", summary)
    object.__setattr__(made, "values", values)
    return [*lacks(made)]


@pytest.mark.parametrize(
    ("summary", "values", "said"),
    [
        ("12 NAR came (Art. I); ask XB.", {"rule": "Art. I"}, "12 is not in values"),
        ("12 NAR came (Art. I); ask XB.", {"rule": "Art. I", "came": "120"}, "12 is not in values"),
        (
            "On 2026-03-20 it came (Art. I); ask XB.",
            {"rule": "Art. I", "on": "2026-03-2"},
            "2026-03-20 is not in values",
        ),
        ("It came; ask XB.", {}, "values name no rule"),
        ("It came; ask XB.", {"rule": "Art. I"}, "the rule Art. I is not told"),
        ("It came (Art. I); ask XB", {"rule": "Art. I"}, "it is no sentence"),
        ("It came (Art. I).", {"rule": "Art. I"}, "it does not say what to do next"),
        ("It came (Art. I);\nask XB.", {"rule": "Art. I"}, "it has more than one line"),
    ],
)
def test_what_a_sentence_lacks_is_seen(summary, values, said):
    assert said in saying(summary, **values)


def test_a_whole_sentence_is_let_through():
    assert saying("12 NAR came on 2026-03-20 (Art. I); ask XB.", rule="Art. I", came="12 NAR on 2026-03-20") == []
