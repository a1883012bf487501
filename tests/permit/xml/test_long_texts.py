"""A text that JSON could not hold is refused in toolkit XML as well: what is kept is read again from JSON."""

from __future__ import annotations

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.json import permit_from_json, permit_to_json
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS
from epix_node.permit.model import Line, Permit, TradeParty
from epix_node.permit.xml.reader import read_permit_bytes
from epix_node.permit.xml.writer import write_permit


def permit(text: str, place: str) -> Permit:
    places = {
        "stamp": {"security_stamp": text},
        "name": {"importer": TradeParty(name=text)},
        "street": {"exporter": TradeParty(address=text)},
        "description": {"lines": (Line(block="A"), Line(block="B", description=text))},
        "mark": {"lines": (Line(block="A", marks=("1", text)),)},
        "unit": {"lines": (Line(block="A", quantity="1", unit=text),)},
    }
    return Permit(**{"type": "E", "number": "26XA1", "issuer": "XA", "lines": (Line(block="A"),)} | places[place])


@pytest.mark.parametrize("place", ["stamp", "name", "street", "description", "mark", "unit"])
def test_the_longest_text_is_the_same_in_xml_and_json(place: str) -> None:
    """Exactly as much passes in both, one character more in neither."""
    longest = permit("x" * MAX_TEXT_CHARACTERS, place)
    assert read_permit_bytes(write_permit(longest)).permit == longest
    assert permit_from_json(permit_to_json(longest)) == longest
    with pytest.raises(MalformedDocumentError) as refused:
        read_permit_bytes(write_permit(permit("x" * (MAX_TEXT_CHARACTERS + 1), place)))
    assert refused.value.code == "LIMIT_EXCEEDED"


def test_texts_that_are_joined_count_together() -> None:
    """Lines of an address are single elements, but one text."""
    street = "x" * (MAX_TEXT_CHARACTERS // 2)
    with pytest.raises(MalformedDocumentError) as refused:
        read_permit_bytes(write_permit(permit(f"{street}\n{street}", "street")))
    assert refused.value.code == "LIMIT_EXCEEDED"
