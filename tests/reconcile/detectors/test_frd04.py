"""FRD-04: more left, or more arrived, than was permitted."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.reconcile.detectors.frd04 import detect
from tests.reconcile.builders import (
    IMPORT_REF,
    case,
    confirmed,
    endorsed,
    goods,
    import_case,
    import_permit,
    line,
    permit,
    ref,
    view,
)


def fires(facts):
    found = detect(facts, view())
    assert all(draft.class_ == "A" for draft in found)
    return bool(found)


TEN_KILOS = line(quantity="10", unit="KGM", term="MEA")
TWO_BLOCKS = (line("A", "12"), line("B", "5", taxon="Boa constrictor"))

EXCESS = {
    "one animal too many arrives": [permit(), confirmed("03-20", goods("13"))],
    "one animal too many leaves": [permit(), endorsed("03-20", goods("13"))],
    "two arrivals together": [permit(), confirmed("03-20", goods("7")), confirmed("06-20", goods("6"))],
    "arrivals in two countries together": [
        permit(),
        confirmed("03-20", goods("7")),
        confirmed("03-21", goods("6"), by="XC"),
    ],
    "more arrives than left, though not more than permitted": [
        permit(),
        endorsed("03-18", goods("5")),
        confirmed("03-20", goods("6")),
    ],
    "grams against kilograms": [permit(TEN_KILOS), confirmed("03-20", goods("10201", "GRM"))],
    "block B only": [permit(*TWO_BLOCKS), confirmed("03-20", goods("12"), goods("6", block="B"))],
    "seized goods arrived too": [permit(), confirmed("03-20", goods("13"), outcome="seized")],
    "goods on no line": [permit(), confirmed("03-20", goods("12"), goods("1", block=None))],
    "goods on no line, of a taxon on a line": [
        permit(),
        confirmed("03-20", goods("1", block=None, taxon="python  REGIUS")),
    ],
    "a block that the permit lacks": [permit(), endorsed("03-20", goods("1", block="C"))],
    "multiple use, too much at once": [permit(multi_use=True), confirmed("03-20", goods("13"))],
    "a transit country saw more than was permitted": [
        permit(transit=("XC",)),
        confirmed("03-20", goods("13"), by="XC"),
    ],
    "two lines of one block, together": [
        permit(line("A", "6"), line("A", "6")),
        confirmed("03-20", goods("13")),
    ],
}


@pytest.mark.parametrize("facts", EXCESS.values(), ids=EXCESS)
def test_it_fires(facts):
    assert fires(case(*facts))


INNOCENT = {
    "as much as permitted": [permit(), endorsed("03-18"), confirmed("03-20")],
    "less than permitted": [permit(), endorsed("03-18", goods("3")), confirmed("03-20", goods("2"))],
    "unused": [permit()],
    "within the tolerance of weighing": [permit(TEN_KILOS), confirmed("03-20", goods("10.2", "KGM"))],
    "another unit class": [permit(), confirmed("03-20", goods("40", "KGM"))],
    "one of two in another unit class": [
        permit(),
        confirmed("03-20", goods("40", "KGM")),
        confirmed("03-21", goods("40")),
    ],
    "returned goods": [permit(), confirmed("03-20", goods("12"), outcome="returned"), confirmed("05-20")],
    "a returned line": [permit(), confirmed("03-20", goods("12"), goods("9", outcome="returned"))],
    "refused goods on no line": [permit(), confirmed("03-20", goods("9", block=None), outcome="refused")],
    "a transit country counts the same goods": [
        permit(transit=("XC",)),
        confirmed("03-19", by="XC"),
        confirmed("03-20"),
    ],
    "transit customs endorse the same goods again": [
        permit(transit=("XC",)),
        endorsed("03-18"),
        endorsed("03-19", by="XC"),
        confirmed("03-20"),
    ],
    "multiple use, each time as much as permitted": [
        permit(multi_use=True),
        endorsed("03-18"),
        confirmed("03-20"),
        endorsed("06-18"),
        confirmed("06-20"),
    ],
    "another taxon on no line, which is FRD-09": [
        permit(),
        confirmed("03-20", goods("1", block=None, taxon="Boa constrictor")),
    ],
    "a permit that does not give its lines letters": [permit(line(None)), confirmed("03-20", goods(block=None))],
    "block letters in another case": [permit(), confirmed("03-20", goods(block=" a"))],
    "a permit without a readable quantity": [permit(line(quantity=None)), confirmed("03-20", goods("99"))],
    "nothing let in": [permit(), confirmed("03-20", goods("0", block=None))],
    "the same document twice": [permit(), *[confirmed("03-20")] * 2],
}


@pytest.mark.parametrize("facts", INNOCENT.values(), ids=INNOCENT)
def test_it_does_not_fire(facts):
    assert not fires(case(*facts))


def test_the_sentence_gives_both_amounts():
    (draft,) = detect(case(permit(), endorsed("03-18", goods("10")), confirmed("03-20", goods("20"))), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 was exceeded: 20 NAR of block A were confirmed by XB on 2026-03-20 "
        "where 10 NAR were endorsed; no more moves than was permitted and had left (END-03, END-07): hold what is "
        "above it, and ask the offices what they counted."
    )
    assert draft.values["block A endorsed"] == "10 NAR"
    assert {e.type for e in draft.evidence} == {"permit", "export-endorsement", "import-confirmation"}


def test_the_sentence_names_goods_on_no_line():
    (draft,) = detect(case(permit(), confirmed("03-20", goods("12"), goods("3", block=None))), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 was exceeded: 3 NAR of goods on none of its lines were confirmed by XB on "
        "2026-03-20; no more moves than was permitted and had left (END-03, END-07): hold what is above it, and ask "
        "the offices what they counted."
    )


def test_a_tenth_and_two_tenths_of_a_kilo_are_not_more_than_three_tenths():
    """Binary floating point would say 0.30000000000000004."""
    allowed = permit(line(quantity="0.3", unit="CMQ"))
    exact = [confirmed("03-20", goods("0.1", "CMQ")), confirmed("03-21", goods("0.2", "CMQ"))]
    assert not fires(
        case(
            permit(line(quantity="0.3", unit="KGM")),
            *(confirmed("03-20", goods(kilos, "KGM")) for kilos in ("0.1", "0.2")),
        )
    )
    assert not fires(case(allowed, *exact))


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_the_exact_sum_is_never_over_and_a_millionth_more_always_is(parts):
    """Of a unit without tolerance; quantities have six decimals."""
    texts = [f"{Decimal(part) / 1000:f}" for part in parts]
    total = f"{sum(map(Decimal, texts)):f}"
    allowed = permit(line(quantity=total, unit="BOT"))
    arrivals = [confirmed("03-20", goods(text, "BOT")) for text in texts]
    assert not fires(case(allowed, *arrivals))
    assert fires(case(allowed, *arrivals, confirmed("03-20", goods("0.000001", "BOT"))))


@pytest.mark.parametrize(("kilos", "expected"), [("10.2", False), ("10.200001", True)])
def test_the_tolerance_is_a_share_of_the_limit(kilos, expected):
    assert fires(case(permit(TEN_KILOS), confirmed("03-20", goods(kilos, "KGM")))) is expected


def use(*lines, number="26XA000123", day="03-20"):
    return confirmed(day, *lines, permit=ref(number), import_permit=IMPORT_REF)


BOA = {"taxon": "Boa constrictor"}
USES = {
    "two uses together": (
        True,
        [line()],
        [use(goods("8", taxon="Python regius")), use(goods("5", taxon="Python regius"))],
    ),
    "another block letter, the same taxon": (True, [line()], [use(goods("13", block="C", taxon="Python regius"))]),
    "taxon not known here, so by block": (True, [line()], [use(goods("13"))]),
    "another taxon under the same letter": (False, [line()], [use(goods("99", **BOA))]),
    "another term": (False, [line()], [use(goods("99", taxon="Python regius", term="SKI"))]),
    "another unit class": (False, [line()], [use(goods("99", "KGM", taxon="Python regius"))]),
    "as much as permitted": (False, [line()], [use(goods("12", taxon="Python regius"))]),
    "live and skins counted apart": (
        False,
        [line(), line("B", "50", term="SKI")],
        [use(goods("50", taxon="Python regius", term="SKI"))],
    ),
    "no telling which of two lines": (
        False,
        [line(), line("B", "50", term="SKI")],
        [use(goods("50", taxon="Python regius"))],
    ),
    "on no line of the export permit and not of the import permit": (False, [line()], [use(goods("5", block=None))]),
}


@pytest.mark.parametrize(("expected", "lines", "uses"), USES.values(), ids=USES)
@pytest.mark.parametrize("multi_use", [False, True], ids=["single use", "re-usable"])
def test_uses_are_summed_against_the_import_permits_own_lines(expected, lines, uses, multi_use):
    assert fires(import_case(import_permit(*lines, multi_use=multi_use), uses=uses)) is expected


def test_a_confirmation_about_an_import_permit_that_also_names_it_counts_once():
    event = confirmed("03-20", permit=IMPORT_REF, import_permit=IMPORT_REF)
    assert not fires(import_case(import_permit(), event, uses=[event]))


def test_many_blocks_are_counted_where_they_are_not_told():
    """The rest is in values, as everything is."""
    blocks = "ABCDEFG"
    fact = permit(*(line(block) for block in blocks))
    (draft,) = detect(case(fact, confirmed("03-20", *(goods("20", block=block) for block in blocks))), view())
    assert " and 2 more; no more" in draft.summary
    assert draft.values["more"] == "2"
    assert draft.values["block G moved"] == "20 NAR confirmed by XB on 2026-03-20"


def test_the_same_report_under_two_ids_is_for_review():
    """Nobody can tell it from a second load, so somebody is to ask; one word of difference, and it is one (2.3)."""
    twice = [confirmed("03-20", document="020-12345675") for _ in range(2)]
    (draft,) = detect(case(permit(), *twice), view())
    assert draft.class_ == "R"
    assert {event.source for event in twice} < set(draft.evidence)
    for other in ({"office": "XB-2"}, {"document": "020-12345686"}, {"document": None}):
        (draft,) = detect(case(permit(), twice[0], confirmed("03-20", **{"document": "020-12345675", **other})), view())
        assert draft.class_ == "A", other
