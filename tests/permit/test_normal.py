"""Equal permits are equal values: white space around text and parts that hold nothing mean nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.text import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (None, None),
        ("", None),
        (" \t\r\n\u00a0\u2028", None),
        ("  a  b\n", "a  b"),
        ("first\n\nsecond", "first\n\nsecond"),
        ("\U0001f40d", "\U0001f40d"),
    ],
)
def test_text_is_stripped_and_empty_text_is_absent(text: str | None, cleaned: str | None) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_refused(character: str) -> None:
    with pytest.raises(MalformedDocumentError) as refusal:
        clean(f"a{character}b")
    assert refusal.value.code == "NOT_UNDERSTOOD"


def test_parts_that_hold_nothing_are_absent(example: Permit) -> None:
    padded = replace(
        example,
        number=" 26XA000123 ",
        subtype="",
        transit=("XC", " "),
        exporter=TradeParty(name=" ", address="", country=None),
        authority=Authority(name=" MA "),
        references=(Reference(relation=""), Reference(relation=" ", number="7")),
        lines=(Line(origin=Origin(), last_reexport=Origin(country=" "), quota=Quota(unit=""), marks=("", "a ")),),
    )
    normal = normal_form(padded)
    assert normal == replace(
        example,
        exporter=None,
        authority=Authority(name="MA"),
        references=(Reference(relation="annex", number="7"),),
        lines=(Line(marks=("a",)),),
    )
    assert normal_form(normal) == normal


def test_a_line_that_holds_nothing_stays_a_line(example: Permit) -> None:
    """The rules must see that it is empty (contract 5: missing members are 422, not 400)."""
    assert normal_form(replace(example, lines=(Line(), Line()))).lines == (Line(), Line())


@pytest.mark.parametrize("member", ["type", "number", "issuer"])
def test_a_permit_without_its_identity_is_not_understood(example: Permit, member: str) -> None:
    with pytest.raises(MalformedDocumentError, match=member):
        normal_form(replace(example, **{member: " \n"}))
