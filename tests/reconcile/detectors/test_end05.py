"""END-05: goods that arrived, and an issuer that endorses nearly everything endorsed nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.finding import FindingDraft
from epix_node.reconcile.detectors import end05
from epix_node.reconcile.view import Silence
from tests.reconcile.builders import case, confirmed, day, endorsed, permit, view

SILENCE = Silence(
    by="XA",
    is_confirmation=False,
    due_on=day("05-19"),
    expected=30,
    met=29,
    lower_bound=Decimal("0.833"),
    window=timedelta(days=180),
)


def found(*facts: PermitFact | EventFact) -> tuple[FindingDraft, ...]:
    held = case(*facts)
    return end05.detect(held, view(silences={fact.key: SILENCE for fact in held.permits}))


def test_an_import_without_an_endorsement_is_a_question_to_the_issuer() -> None:
    (draft,) = found(permit(), confirmed("03-20"))
    assert (draft.pattern, draft.class_) == ("END-05", "R")
    assert draft.summary == (
        "Export permit XA 26XA000123: 12 NAR arrived (confirmed by XB on 2026-03-20), and by 2026-05-19 XA had "
        "endorsed no export under it (Res. Conf. 12.3, box 14), although it endorsed 29 of the 30 such consignments "
        "that were due in the 180 days up to then (lower bound 0.833); before anything is concluded ask XA whether the "
        "goods left with its knowledge."
    )


SILENT: dict[str, list[EventFact]] = {
    "endorsed after all": [endorsed("03-18"), confirmed("03-20")],
    "endorsed at another border": [endorsed("03-18", by="XC"), confirmed("03-20")],
    "refused": [confirmed("03-20", outcome="refused")],
    "returned": [confirmed("03-20", outcome="returned")],
    "arrived elsewhere only": [confirmed("03-20", by="XC")],
}


@pytest.mark.parametrize("events", SILENT.values(), ids=SILENT)
def test_it_keeps_quiet(events: list[EventFact]) -> None:
    assert found(permit(), *events) == ()


def test_without_a_silence_that_is_evidence_nothing_follows() -> None:
    """An issuer that never endorses, one whose endorsement may still come, one whose register is behind."""
    assert end05.detect(case(permit(), confirmed("03-20")), view()) == ()
