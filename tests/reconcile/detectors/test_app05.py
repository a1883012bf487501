"""APP-05: goods of Appendix I let in without an import permit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.permit.model import Reference
from epix_node.reconcile.detectors.app05 import detect
from tests.reconcile.builders import IMPORT_REF, case, confirmed, goods, import_case, import_permit, line, permit, view


def leopard(**members):
    return line(**{"taxon": "Panthera pardus", "term": "TRO", "appendix": "I", "sources": ("W",), **members})


def _uncounted():
    counted = confirmed("03-20")
    return replace(counted, body=replace(counted.body, lines=()))


PERMIT = permit(leopard())
SCENARIOS = {
    "let in without one": ("A", [PERMIT, confirmed("03-20")]),
    "some was let in": ("A", [PERMIT, confirmed("03-20", outcome="partly-released")]),
    "nothing was counted": ("A", [PERMIT, _uncounted()]),
    "captive-bred": ("A", [permit(leopard(sources=("C",))), confirmed("03-20")]),
    "a re-export": ("A", [permit(leopard(), type="R"), confirmed("03-20")]),
    "into a third country": ("A", [PERMIT, confirmed("03-20", by="XC")]),
    "one line of two": ("A", [permit(leopard(), line("B")), confirmed("03-20")]),
    "with one": ("", [PERMIT, confirmed("03-20", import_permit=IMPORT_REF)]),
    "Appendix II": ("", [permit(line(appendix="II")), confirmed("03-20")]),
    "the Appendix is not stated": ("", [permit(), confirmed("03-20")]),
    "the other line of two": ("", [permit(leopard(), line("B")), confirmed("03-20", goods(block="B"))]),
    "on no line": ("", [PERMIT, confirmed("03-20", goods(block=None))]),
    "a registered operation": ("", [permit(leopard(sources=("D",))), confirmed("03-20")]),
    "pre-Convention": ("", [permit(leopard(sources=("W", "O"))), confirmed("03-20")]),
    "a certificate of Art. VII.5": ("", [permit(leopard(), type="O", subtype="captive-bred"), confirmed("03-20")]),
    "a pre-Convention certificate": ("", [permit(leopard(), type="O", subtype="pre-convention"), confirmed("03-20")]),
    "a travelling exhibition": ("", [permit(leopard(), multi_use=True), confirmed("03-20")]),
    "trap: seized": ("", [PERMIT, confirmed("03-20", outcome="seized")]),
    "trap: refused": ("", [PERMIT, confirmed("03-20", outcome="refused")]),
    "trap: returned, and received at home": (
        "",
        [PERMIT, confirmed("03-20", outcome="returned"), confirmed("03-30", by="XA")],
    ),
    "a line that was seized": ("", [PERMIT, confirmed("03-20", goods(outcome="seized"))]),
    "in transit": ("", [permit(leopard(), transit=("XC",)), confirmed("03-19", by="XC")]),
    "unused": ("", [PERMIT]),
}


@pytest.mark.parametrize(("expected", "facts"), SCENARIOS.values(), ids=SCENARIOS)
def test_what_comes_in_of_appendix_one_needs_an_import_permit(expected, facts):
    assert "".join(draft.class_ for draft in detect(case(*facts), view())) == expected


def test_the_import_permit_itself_is_not_asked_for_another():
    assert detect(import_case(import_permit(leopard()), confirmed("03-20", permit=IMPORT_REF)), view()) == ()


def test_the_sentence_names_the_import_permit_that_the_export_permit_names():
    """It may have been presented, and the officer forgot to write it down."""
    granted = Reference(relation="import-permit", issuer="XB", number="26XB000777")
    (draft,) = detect(case(permit(leopard(), references=(granted,)), confirmed("03-20", goods("1"))), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 is for goods of Appendix I, and 1 NAR of Panthera pardus were let in without an "
        "import permit (XB on 2026-03-20), which Art. III.3 requires; the permit names XB 26XB000777: if that was "
        "presented, correct the confirmation."
    )
    assert draft.values["named"] == "XB 26XB000777"
