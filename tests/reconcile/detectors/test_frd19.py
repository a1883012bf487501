"""FRD-19: goods that left, and whose arrival a country that reports nearly everything never confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.finding import FindingDraft
from epix_node.reconcile.detectors import frd19
from epix_node.reconcile.view import Silence
from tests.reconcile.builders import case, confirmed, day, endorsed, goods, line, permit, view

SILENCE = Silence(
    by="XB",
    is_confirmation=True,
    due_on=day("2026-11-29"),
    expected=48,
    met=47,
    lower_bound=Decimal("0.891"),
    window=timedelta(days=180),
)


def found(*facts: PermitFact | EventFact, silence: Silence = SILENCE, **members: Any) -> tuple[FindingDraft, ...]:
    held = case(*facts)
    silences = {fact.key: silence for fact in held.permits}
    return frd19.detect(held, view(silences=silences, **members))


def test_goods_that_left_and_were_never_confirmed_are_told() -> None:
    (draft,) = found(permit(), endorsed("03-18"))
    assert (draft.pattern, draft.class_) == ("FRD-19", "R")
    assert draft.summary == (
        "Export permit XA 26XA000123: 12 NAR of Python regius left for XB (endorsed by XA on 2026-03-18), and by "
        "2026-11-29 XB had confirmed no arrival, although it confirmed 47 of the 48 such consignments that were due in "
        "the 180 days up to then (lower bound 0.891); ask XB, which keeps the permit of what comes in (Art. VI.6), "
        "whether the goods came, perhaps under another number, and the exporter where they went."
    )
    assert draft.values["lower_bound"] == "0.891"
    assert "appendix" not in draft.values


def test_specimens_of_appendix_i_are_named_first() -> None:
    fact = permit(line("A", appendix="II"), line("B", "2", appendix="I", taxon="Panthera leo", term="TRO"))
    (draft,) = found(fact, endorsed("03-18", goods("12"), goods("2", block="B")))
    assert ": 2 NAR of Panthera leo (Appendix I) and 12 NAR of Python regius (Appendix II) left" in draft.summary
    assert draft.values["appendix"] == "I"


def test_the_taxon_that_the_border_saw_is_named() -> None:
    (draft,) = found(permit(), endorsed("03-18", goods("12", taxon="Python sebae")))
    assert "12 NAR of Python sebae left" in draft.summary


def test_an_endorsement_that_counted_nothing_is_told_as_goods() -> None:
    empty = endorsed("03-18")
    (draft,) = found(permit(), replace(empty, body=replace(empty.body, lines=())))
    assert ": goods left for XB" in draft.summary


SILENT: dict[str, list[EventFact]] = {
    "nothing left": [],
    "another border's endorsement": [endorsed("03-18", by="XC")],
    "the goods arrived elsewhere, which is FRD-12": [endorsed("03-18"), confirmed("03-20", by="XC")],
    "they came home": [endorsed("03-18"), confirmed("03-30", by="XA")],
    "refused": [endorsed("03-18"), confirmed("03-20", outcome="refused")],
    "returned": [endorsed("03-18"), confirmed("03-20", outcome="returned")],
}


@pytest.mark.parametrize("events", SILENT.values(), ids=SILENT)
def test_it_keeps_quiet(events: list[EventFact]) -> None:
    assert found(permit(), *events) == ()


def test_a_transit_country_that_saw_the_goods_does_not_end_the_silence() -> None:
    (draft,) = found(permit(transit=("XC",)), endorsed("03-18"), confirmed("03-20", by="XC"))
    assert draft.pattern == "FRD-19"


def test_without_a_silence_that_is_evidence_nothing_follows() -> None:
    """A partner that is not observable, a register that is behind, an entry that is withheld: all end here."""
    assert frd19.detect(case(permit(), endorsed("03-18")), view()) == ()


def test_the_silence_of_an_issuer_is_another_pattern() -> None:
    assert found(permit(), endorsed("03-18"), silence=replace(SILENCE, is_confirmation=False)) == ()
