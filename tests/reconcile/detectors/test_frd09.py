"""FRD-09: another species than the permit names. It is for twelve ball pythons, Python regius, in block A."""

from __future__ import annotations

import pytest

from epix_node.permit.event import Confirmation, Outcome
from epix_node.reconcile.detectors.frd04 import detect as detect_excess
from epix_node.reconcile.detectors.frd09 import detect
from tests.reconcile.builders import case, confirmed, endorsed, goods, line, permit, presented, view

SEBAE = goods(taxon="Python sebae")
TWO = (line("A"), line("B", "3", taxon="Boa constrictor"))
SCENARIOS = {
    "a look-alike at import": ("A", [permit(), confirmed("03-20", SEBAE)]),
    "a look-alike at export": ("A", [permit(), endorsed("03-18", SEBAE)]),
    "of another class": ("A", [permit(), confirmed("03-20", goods(taxon="Ara macao"))]),
    "another genus, named as a genus": ("A", [permit(), confirmed("03-20", goods(taxon="Felidae spp."))]),
    "seized": ("A", [permit(), confirmed("03-20", SEBAE, outcome="seized")]),
    "refused": ("A", [permit(), confirmed("03-20", SEBAE, outcome="refused")]),
    "seen in transit": ("A", [permit(transit=("XC",)), confirmed("03-20", SEBAE, by="XC"), confirmed("03-21")]),
    "multiple use": ("A", [permit(multi_use=True), confirmed("03-20", SEBAE)]),
    "on no line, of no line's species": (
        "A",
        [permit(), confirmed("03-20", goods("1", block=None, taxon="Ara macao"))],
    ),
    "a name that nobody understands": ("R", [permit(), confirmed("03-20", goods(taxon="big snake"))]),
    "badly written": ("R", [permit(), confirmed("03-20", goods(taxon="Pyton reguis"))]),
    "split off since": (
        "R",
        [permit(line(taxon="Psittacus erithacus")), confirmed("03-20", goods(taxon="Psittacus timneh"))],
    ),
    "the species of another line": ("R", [permit(*TWO), confirmed("03-20", goods(taxon="Boa constrictor"))]),
    "on no line, and nobody knows what": ("R", [permit(), confirmed("03-20", goods(block=None, taxon="snake skin"))]),
    "as permitted": ("", [permit(), confirmed("03-20", goods(taxon="python  REGIUS"))]),
    "not said": ("", [permit(), endorsed("03-18"), confirmed("03-20")]),
    "trap: genus for species": ("", [permit(), confirmed("03-20", goods(taxon="Python spp."))]),
    "trap: family for species": ("", [permit(), confirmed("03-20", goods(taxon="Pythonidae spp."))]),
    "trap: species for genus": ("", [permit(line(taxon="Python spp.")), confirmed("03-20", SEBAE)]),
    "trap: a synonym": ("", [permit(), confirmed("03-20", goods(taxon="Boa regia"))]),
    "trap: the nomenclature changed": (
        "",
        [permit(line(taxon="Python reticulatus")), confirmed("03-20", goods(taxon="Malayopython reticulatus"))],
    ),
    "trap: another term": ("", [permit(), confirmed("03-20", goods(taxon="Python regius", term="BOD"))]),
    "trap: another source": ("", [permit(), confirmed("03-20", goods(source="W"))]),
    "the common name": (
        "",
        [permit(line(common_name="Ball python")), confirmed("03-20", goods(taxon="ball Python"))],
    ),
    "nothing was counted": ("", [permit(), confirmed("03-20", goods("0", taxon="Python sebae"))]),
    "what the paper says": ("", [permit(), presented("03-20", paper={"lines": [{"taxon": "Python sebae"}]})]),
}


@pytest.mark.parametrize(("expected", "facts"), SCENARIOS.values(), ids=SCENARIOS)
def test_the_class_depends_on_what_the_found_name_can_mean(expected, facts):
    assert "".join(draft.class_ for draft in detect(case(*facts), view())) == expected


def test_the_sentence_of_an_alert():
    (draft,) = detect(case(permit(), confirmed("03-20", goods("5", taxon="Python sebae"))), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 is for Python regius (block A), but another species was found: 5 NAR of Python "
        "sebae on block A, confirmed by XB on 2026-03-20; a permit covers the species that it names (Art. VI.2, box "
        "7): have the specimens identified again, and ask the issuer before anything is released."
    )


def test_what_is_certain_is_told_and_what_is_doubtful_waits():
    """One finding, of the strongest class, with the evidence of that."""
    clear, doubtful = confirmed("03-20", SEBAE), confirmed("03-21", goods(taxon="snake"))
    (draft,) = detect(case(permit(), doubtful, clear), view())
    assert draft.class_ == "A"
    assert clear.source in draft.evidence
    assert doubtful.source not in draft.evidence


@pytest.mark.parametrize(
    ("taxon", "patterns"),
    {
        "Python regius": ["FRD-04"],
        "Boa regia": ["FRD-04"],
        "Python spp.": ["FRD-04"],
        None: ["FRD-04"],
        "Ara macao": ["FRD-09"],
        "who knows": ["FRD-09"],
    }.items(),
)
def test_goods_on_no_line_are_an_excess_or_another_species_and_never_both(taxon, patterns):
    """Decision 19: by whether the taxon, under any of its names, is on a line."""
    facts = case(permit(), confirmed("03-20", goods("1", block=None, taxon=taxon)))
    assert [d.pattern for detector in (detect_excess, detect) for d in detector(facts, view())] == patterns


def test_a_long_name_is_cut():
    """The document has it whole."""
    (draft,) = detect(case(permit(), confirmed("03-20", goods(taxon="x" * 5_000))), view())
    assert len(draft.summary) < 1_000


def test_goods_turned_away_are_known_by_any_line():
    """One line that was refused is enough; so is the confirmation's outcome."""
    assert not _confirmation().turned_away
    assert _confirmation(goods(outcome="refused"), goods()).turned_away
    assert _confirmation(outcome="returned").turned_away
    assert not _confirmation(goods(outcome="seized")).turned_away


def _confirmation(*lines, outcome="released") -> Confirmation:
    body = confirmed("03-20", *lines, outcome=outcome).body
    assert isinstance(body, Confirmation)
    assert body.outcome is Outcome(outcome)
    return body
