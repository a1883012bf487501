"""Quantities are exact, and compare only within a class of units that convert by arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.quantity import (
    CURRENT_UNITS,
    HISTORICAL_UNITS,
    MAX_MICRO,
    UNIT_LIST,
    NotAQuantityError,
    Quantity,
    UnitClass,
    in_unit,
    parse_amount,
)

CONVERSIONS = {
    "kilograms": ("12.5", "KGM", UnitClass.MASS, 12_500_000_000),
    "grams": ("12500", "GRM", UnitClass.MASS, 12_500_000_000),
    "tonnes": ("0.0125", "TON", UnitClass.MASS, 12_500_000_000),
    "milligrams": ("1.5", "MGM", UnitClass.MASS, 1_500),
    "micrograms": ("2", "MYG", UnitClass.MASS, 2),
    "pounds": ("2.205", "PND", UnitClass.MASS, 1_000_000_000),
    "ounces": ("35.274", "OUN", UnitClass.MASS, 1_000_000_000),
    "litres": ("1", "LTR", UnitClass.LIQUID, 1_000_000_000),
    "cubic metres": ("0.000001", "MTQ", UnitClass.VOLUME, 1_000_000),
    "cubic feet": ("35.315", "CUF", UnitClass.VOLUME, 1_000_000_000_000),
    "square metres": ("1", "MTK", UnitClass.AREA, 10_000_000_000),
    "centimetres": ("100", "CTM", UnitClass.LENGTH, 1_000_000),
    "inches": ("39.37", "INC", UnitClass.LENGTH, 1_000_000),
    "number": ("12", "NAR", UnitClass.COUNT, 12_000_000),
    "pairs are two each": ("3", "PAI", UnitClass.COUNT, 6_000_000),
    "pieces": ("12", "PCS", UnitClass.COUNT, 12_000_000),
    "a unit that converts into nothing": ("4", "BAG", UnitClass.BAGS, 4_000_000),
    "zero": ("0", "NAR", UnitClass.COUNT, 0),
    "less than zero": ("-1.5", "NAR", UnitClass.COUNT, -1_500_000),
    "zeros at the end are no decimals": ("1.50000000", "NAR", UnitClass.COUNT, 1_500_000),
}

NO_QUANTITIES = {
    "nothing": "",
    "a word": "twelve",
    "an exponent": "1e3",
    "a comma": "12,5",
    "a plus sign": "+1",
    "no digit before the point": ".5",
    "no digit after the point": "5.",
    "white space": " 5",
    "not a number": "NaN",
    "no end": "Infinity",
    "other digits": "\u0661\u0662",
    "an underscore": "1_000",
    "seven decimals": "0.1234567",
    "decimals behind many zeros": "1.00000000000000000000000000000001",
    "more text than a number needs": "1" * 41,
}


def test_a_tenth_and_two_tenths_are_three_tenths() -> None:
    tenths = [Quantity.parse(text, "KGM").micro for text in ("0.1", "0.2", "0.3")]
    assert tenths[0] + tenths[1] == tenths[2]
    assert in_unit(tenths[0] + tenths[1], "KGM") == "0.3"


@pytest.mark.parametrize(("text", "unit", "unit_class", "micro"), CONVERSIONS.values(), ids=CONVERSIONS.keys())
def test_an_amount_is_held_in_micro_units_of_its_class(text: str, unit: str, unit_class: UnitClass, micro: int) -> None:
    quantity = Quantity.parse(text, unit)
    assert (quantity.unit_class, quantity.micro) == (unit_class, micro)
    assert (quantity.text, quantity.unit) == (text, unit)


@pytest.mark.parametrize("text", NO_QUANTITIES.values(), ids=NO_QUANTITIES.keys())
def test_what_is_no_plain_decimal_is_no_quantity(text: str) -> None:
    with pytest.raises(NotAQuantityError):
        parse_amount(text)


def test_a_quantity_too_large_to_hold_is_refused() -> None:
    largest = in_unit(MAX_MICRO, "GRM")
    assert Quantity.parse(largest, "GRM").micro == MAX_MICRO
    with pytest.raises(NotAQuantityError):
        Quantity.parse(largest, "KGM")


@pytest.mark.parametrize(("unit", "zeros"), [("MYG", 32), ("MGM", 29), ("GRM", 26), ("KGM", 23), ("NAR", 26)])
def test_a_sum_that_no_single_quantity_could_be_is_written_all_the_same(unit: str, zeros: int) -> None:
    """Whoever reports thousands of lines of the largest amount makes a strange balance, and breaks nothing."""
    assert in_unit(10**32, unit) == "1" + "0" * zeros


@pytest.mark.parametrize("unit", ["", "KIL", "kgm", "XYZ"])
def test_a_unit_in_no_list_is_refused(unit: str) -> None:
    with pytest.raises(NotAQuantityError):
        Quantity.parse("1", unit)


def test_there_are_nine_current_and_twenty_eight_historical_units() -> None:
    assert len(CURRENT_UNITS) == 9
    assert len(HISTORICAL_UNITS) == 28
    assert not CURRENT_UNITS & HISTORICAL_UNITS
    for unit in CURRENT_UNITS | HISTORICAL_UNITS:
        Quantity.parse("1", unit)


def test_units_are_listed_with_their_meaning_and_every_class_has_its_base_unit() -> None:
    assert UNIT_LIST["OUN"].meaning == "ounces"
    assert UNIT_LIST.keys() == CURRENT_UNITS | HISTORICAL_UNITS
    for unit_class in UnitClass:
        assert UNIT_LIST[unit_class.value].unit_class is unit_class
        assert UNIT_LIST[unit_class.value].one_is == 1


@pytest.mark.parametrize(
    ("unit", "one_is"),
    [
        ("OUN", "28.34949254408346090604978171"),
        ("PND", "453.5147392290249433106575964"),
        ("INC", "0.02540005080010160020320040640"),
        ("SQF", "929.0226681531029357116313638"),
        ("CUF", "28316.57935721364859125017698"),
    ],
)
def test_factors_that_are_fractions_are_those_the_store_was_made_with(unit: str, one_is: str) -> None:
    """To 28 digits; what is stored already was computed with them."""
    assert str(UNIT_LIST[unit].one_is) == one_is


@pytest.mark.parametrize(
    ("micro", "unit", "text"),
    [
        (300_000_000, "KGM", "0.3"),
        (12_000_000, "NAR", "12"),
        (0, "NAR", "0"),
        (-1_500_000, "GRM", "-1.5"),
        (100_000_000, "NAR", "100"),
        (1, "GRM", "0.000001"),
        (1, "TON", "0"),
        (-1, "TON", "0"),
    ],
)
def test_an_amount_is_written_in_a_unit_without_needless_zeros(micro: int, unit: str, text: str) -> None:
    assert in_unit(micro, unit) == text


@settings(max_examples=100)
@given(
    micro=st.integers(min_value=-(10**15), max_value=10**15),
    unit=st.sampled_from(["NAR", "GRM", "MLT", "MTR", "CMQ"]),
)
def test_what_is_written_in_a_base_unit_reads_back(micro: int, unit: str) -> None:
    assert Quantity.parse(in_unit(micro, unit), unit).micro == micro


@settings(max_examples=100)
@given(st.decimals(min_value=0, max_value=10**6, places=6), st.sampled_from(sorted(CURRENT_UNITS - {"SQC"})))
def test_amounts_of_current_units_lose_nothing(amount: object, unit: str) -> None:
    """Six decimals of every unit of today's Guidelines are whole micro-units."""
    text = f"{amount:f}"
    assert parse_amount(in_unit(Quantity.parse(text, unit).micro, unit)) == amount
