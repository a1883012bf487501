"""Whether goods can have come from other goods."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.quantity import Quantity
from epix_node.reconcile.goods import Goods, deficits
from epix_node.rules.ruleset import load_ruleset

PARAMETERS = load_ruleset().patterns
CROC, REGIUS, SEBAE = "Crocodylus niloticus", "Python regius", "Python sebae"


def of(quantity: str, unit: str = "NAR", term: str = "SKI", taxon: str = CROC) -> Goods:
    return Goods(taxon=taxon, term=term, unit=unit, micro=Quantity.parse(quantity, unit).micro)


SCENARIOS = {
    "as much as came": ("", [of("10")], [of("10")]),
    "a tenth more is within what sums may differ by": ("", [of("11")], [of("10")]),
    "more than a tenth": ("certain", [of("12")], [of("10")]),
    "many small ones": ("certain", [of("1")] * 12, [of("10")]),
    "over several lines": ("certain", [of("11"), of("12")], [of("10"), of("10")]),
    "from several lines of one taxon": ("", [of("20")], [of("10"), of("10")]),
    "grams and kilograms": ("certain", [of("2600", "GRM", "MEA")], [of("1.2", "KGM", "MEA")]),
    "less than the least amount": ("", [of("1.9", "KGM", "MEA")], [of("1", "KGM", "MEA")]),
    "nothing came": ("certain", [of("1")], [of("0")]),
    "other goods of the species": ("", [of("50", "KGM", "MEA")], [of("10")]),
    "another species": ("", [of("50", taxon=REGIUS)], [of("10")]),
    "a name that nobody knows": ("", [of("50", taxon="Lacerta incognita")], [of("10")]),
    "a synonym": ("certain", [of("50", taxon="Malayopython reticulatus")], [of("10", taxon="Python reticulatus")]),
    "the genus": ("certain", [of("50", taxon="Crocodylus spp.")], [of("10")]),
    "species of a permit for the genus, together": (
        "certain",
        [of("6", taxon=REGIUS), of("6", taxon=SEBAE)],
        [of("10", taxon="Python spp.")],
    ),
    "the genus may be either of the species": (
        "",
        [of("15", taxon="Python spp.")],
        [of("10", taxon=REGIUS), of("10", taxon=SEBAE)],
    ),
    "one skin makes many straps": ("", [of("200", term="LPS")], [of("10")]),
    "but not thousands": ("at most 100 LPS of one SKI", [of("2000", term="LPS")], [of("10")]),
    "skins, and straps of the same skins": (
        "at most 100 LPS of one SKI",
        [of("10"), of("900", term="LPS")],
        [of("10")],
    ),
    "skins and straps that there were": ("", [of("500", term="LPS"), of("5")], [of("10")]),
    "logs give less sawn wood": ("", [of("6", "MTQ", "SAW")], [of("10", "MTQ", "LOG")]),
    "more sawn wood than logs": ("at most 1 SAW of one LOG", [of("16", "MTQ", "SAW")], [of("10", "MTQ", "LOG")]),
    "the same skins counted otherwise": ("", [of("500", "MTK")], [of("10")]),
    "sides are halves of skins": ("", [of("20", term="SID")], [of("10")]),
    "beside goods that may become such goods": (
        "no LIV can become MEA",
        [of("50", "KGM", "MEA")],
        [of("10", "KGM", "MEA"), of("3", term="LIV")],
    ),
    "timber by its density": (
        "CNV",
        [of("5000", "KGM", "SAW", "Dalbergia nigra")],
        [of("2", "MTQ", "SAW", "Dalbergia nigra")],
    ),
    "timber by its density, enough of it": (
        "",
        [of("2100", "KGM", "SAW", "Dalbergia nigra")],
        [of("2", "MTQ", "SAW", "Dalbergia nigra")],
    ),
    "eels are never weighed one by one": (
        "",
        [of("500", "NAR", "LIV", "Anguilla anguilla")],
        [of("1", "KGM", "LIV", "Anguilla anguilla")],
    ),
}


@pytest.mark.parametrize(("expected", "wanted", "had"), SCENARIOS.values(), ids=SCENARIOS)
def test_goods_come_from_goods(expected: str, wanted: list[Goods], had: list[Goods]) -> None:
    found = deficits(wanted, had, PARAMETERS)
    if expected in {"", "certain"}:
        assert [one.is_certain for one in found] == ([True] if expected else [])
    else:
        assert [one.is_certain for one in found] == [False]
        assert expected in "; ".join(found[0].rests_on)


AMOUNTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=6)
NAMES = st.sampled_from([REGIUS, SEBAE, "Python spp.", "Python regius "])


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 10**9), NAMES), min_size=1, max_size=5), st.data())
def test_whoever_sends_on_what_came_never_lacks_anything(lines: list[tuple[int, str]], data: st.DataObject) -> None:
    """However it is split, and under whichever of a line's names."""
    had = [Goods(taxon=name, term="SKI", unit="NAR", micro=micro) for micro, name in lines]
    wanted = []
    for goods in had:
        parts = data.draw(st.integers(1, 4))
        wanted += [
            Goods(
                taxon=data.draw(st.sampled_from([goods.taxon, "Python spp."])),
                term="SKI",
                unit="PCS",
                micro=goods.micro // parts,
            )
            for _ in range(parts)
        ]
    assert deficits(wanted, had, PARAMETERS) == ()


@settings(max_examples=50)
@given(had=st.integers(1, 10**12), parts=AMOUNTS)
def test_how_goods_are_split_decides_nothing(had: int, parts: list[int]) -> None:
    supply = [Goods(taxon=CROC, term="SKI", unit="NAR", micro=had)]
    split = [Goods(taxon=CROC, term="SKI", unit="NAR", micro=micro) for micro in parts]
    whole = [Goods(taxon=CROC, term="SKI", unit="NAR", micro=sum(parts))]
    assert deficits(split, supply, PARAMETERS) == deficits(whole, supply, PARAMETERS)
    assert bool(deficits(whole, supply, PARAMETERS)) == (sum(parts) > had * Fraction(11, 10))
