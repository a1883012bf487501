"""Permit numbers are compared in one normal form (contract 1)."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.number import MAX_NUMBER_CHARACTERS, NumberRef, PermitKey, normalised

SAME_NUMBER = {
    "as printed": ("26XA000123", "26XA000123"),
    "surrounding white space": ("  26XA000123\t\n", "26XA000123"),
    "runs of white space": ("IM  -\u00a0 00001", "IM - 00001"),
    "lower case": ("fr1202501030-r", "FR1202501030-R"),
    "en dash": ("FR\u201309\u2013075", "FR-09-075"),
    "non-breaking hyphen": ("FR\u201109", "FR-09"),
    "minus sign": ("FR\u221209", "FR-09"),
    "full-width hyphen": ("FR\uff0d09", "FR-09"),
    "full-width digits": ("\uff12\uff16XA", "26XA"),
    "division slash": ("08CA00153\u2215CWHQ", "08CA00153/CWHQ"),
    "fraction slash": ("08CA00153\u2044CWHQ", "08CA00153/CWHQ"),
    "leading NO.": ("No. 26XA000123", "26XA000123"),
    "leading no. without space": ("no.26XA000123", "26XA000123"),
    "leading N°": ("N° 26XA000123", "26XA000123"),
    "leading n° after white space": (" n°26XA000123", "26XA000123"),
    "a leading word twice": ("No. N° 7", "7"),
    "NO without a stop belongs to the number": ("NO1234", "NO1234"),
    "a later NO. belongs to the number": ("08US00001/NO.", "08US00001/NO."),
    "a slash stays": ("ZW/4514/2011", "ZW/4514/2011"),
    "leading zeros stay": ("0001/IV/SATS-LN/2009", "0001/IV/SATS-LN/2009"),
    "nothing but the leading word": ("No. ", ""),
    "a letter that comes apart in upper case": ("\u0390", "\u03aa\u0301"),
}


@pytest.mark.parametrize(("written", "number"), SAME_NUMBER.values(), ids=SAME_NUMBER.keys())
def test_a_number_has_one_normal_form(written: str, number: str) -> None:
    assert normalised(written) == number


@settings(max_examples=100)
@given(st.text(max_size=80) | st.text("nNoO.° -–/∕ aß½ΐ\u0345", max_size=20))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The number that this node prints is the number by which it can be asked."""
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize("part", ["No.", "N° ", "no. \u00a0", " ", "–"])
def test_a_long_number_takes_time_for_its_length_only(part: str) -> None:
    """Cutting off one leading word after the other would copy a megabyte half a million times."""
    begun = time.process_time()
    normalised(part * (600_000 // len(part)) + "1")
    assert time.process_time() - begun < 2


def test_the_longest_number_is_that_of_the_edifact_message() -> None:
    assert MAX_NUMBER_CHARACTERS == 70


def test_keys_print_as_the_contract_says() -> None:
    assert PermitKey(issuer="XA", type="E", number="26XA1", year=2026).to_json() == {
        "issuer": "XA",
        "type": "E",
        "number": "26XA1",
        "year": 2026,
    }
    assert NumberRef(issuer="XA", number="26XA1").to_json() == {
        "issuer": "XA",
        "type": None,
        "number": "26XA1",
        "year": None,
    }


def test_every_dash_of_unicode_is_a_hyphen() -> None:
    dashes = [chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) == "Pd"]
    assert {normalised(f"A{dash}B") for dash in dashes} == {"A-B"}
