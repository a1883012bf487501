"""Permit JSON of contract 5: what is understood, what is refused, and when two bodies are the same permit."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.json import load_json, permit_from_json, permit_json_schema, permit_to_json, same_content
from epix_node.permit.model import Line, Permit, TradeParty

# The body that contract 5 prints.
BODY: dict[str, Any] = {
    "type": "E",
    "subtype": None,
    "number": "26XA000123",
    "issuer": "XA",
    "issued_on": "2026-03-01",
    "valid_from": "2026-03-01",
    "valid_until": "2026-08-31",
    "purpose": "T",
    "multi_use": False,
    "copy": False,
    "retrospective": False,
    "paper_original": False,
    "replaces": None,
    "exporter": {"name": "Ann", "address": "1 Port Road\nNorthport", "country": "XA"},
    "importer": {"name": "Bob", "address": "2 Quay", "country": "XB"},
    "transit": ["XC"],
    "authority": {"name": "MA of XA", "place": "Northport", "signatory": "C. Clerk"},
    "security_stamp": "XA0012345",
    "special_conditions": "Keep warm",
    "transport_document": None,
    "references": [{"relation": "import-permit", "issuer": "XB", "number": "26XB000777", "date": "2026-02-20"}],
    "lines": [
        {
            "block": "A",
            "taxon": "Python regius",
            "common_name": "ball python",
            "appendix": "II",
            "sources": ["C"],
            "term": "LIV",
            "description": "hatchlings",
            "quantity": "12",
            "unit": "NAR",
            "marks": ["XA-001"],
            "origin": {"country": "XA", "permit": None, "date": None},
            "last_reexport": None,
            "acquired_on": None,
            "operation_number": None,
            "quota": {"used": "120", "annual": "5000", "unit": "NAR"},
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The body with one member replaced; ``...`` takes the member away."""
    body: Any = deepcopy(BODY)
    *steps, last = path.split(".")
    part = body
    for step in steps:
        part = part[int(step)] if step.isdigit() else part[step]
    if value is ...:
        del part[last]
    else:
        part[int(last) if last.isdigit() else last] = value
    return body  # type: ignore[no-any-return]


def test_the_body_of_the_contract_comes_back_member_for_member() -> None:
    """Same members, same order, nulls included."""
    written = permit_to_json(permit_from_json(BODY))
    assert written == BODY
    assert list(written) == list(BODY)
    assert list(written["lines"][0]) == list(BODY["lines"][0])


def test_null_and_absent_are_the_same() -> None:
    """Of all members that may be missing, and of parts that hold nothing."""
    sparse = {name: BODY[name] for name in ("type", "number", "issuer", "lines")}
    nulls = dict.fromkeys(BODY) | sparse | {"exporter": {"name": None}, "authority": {}}
    assert permit_from_json(sparse) == permit_from_json(nulls)
    assert permit_to_json(permit_from_json(sparse)).keys() == BODY.keys()


def test_white_space_around_a_text_is_dropped_and_the_number_stays_as_printed() -> None:
    """Empty texts are no texts."""
    permit = permit_from_json(changed("number", " No. 26xa–000123 ") | {"purpose": " ", "transit": ["XC", " "]})
    assert permit.number == "No. 26xa–000123"
    assert permit.key.number == "26XA-000123"
    assert permit.purpose is None
    assert permit.transit == ("XC",)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("type", ...),
        ("type", None),
        ("type", ""),
        ("number", ...),
        ("number", "  "),
        ("number", "No."),
        ("number", "1" * 71),
        ("number", 26),
        ("issuer", None),
        ("issuer", ["XA"]),
        ("lines", ...),
        ("lines", []),
        ("lines", {}),
        ("lines", None),
        ("lines.0", "A"),
        ("lines.0", None),
        ("lines.0.quantity", 12),
        ("lines.0.quantity", True),
        ("lines.0.sources", "C"),
        ("lines.0.marks.0", None),
        ("lines.0.origin", "XA"),
        ("lines.0.origin.date", "1.3.2026"),
        ("issued_on", "2026-3-1"),
        ("issued_on", "20260301"),
        ("issued_on", "2026-02-30"),
        ("issued_on", "2026-03-01T00:00:00Z"),
        ("issued_on", ""),
        ("issued_on", 20260302),
        ("copy", "true"),
        ("copy", 0),
        ("exporter", "Ann"),
        ("exporter.name", 1),
        ("purpose", False),
        ("purpose", "\x00"),
        ("purpose", "\ufffe"),
        ("special_conditions", "x" * 70_000),
        ("colour", "green"),
        ("copy_", True),
        ("legacy", True),
        ("lines.0.colour", None),
    ],
)
def test_what_is_not_understood_is_refused_by_the_path_of_the_member(path: str, value: object) -> None:
    """A wrong JSON type, an unknown member, a date that is none, or nothing where something must be."""
    with pytest.raises(MalformedDocumentError) as refused:
        permit_from_json(changed(path, value))
    assert refused.value.code == "NOT_UNDERSTOOD"
    assert path in str(refused.value)


@pytest.mark.parametrize("value", [None, [], "E", 1, [BODY]])
def test_what_is_no_object_is_refused(value: object) -> None:
    """A permit is one JSON object."""
    with pytest.raises(MalformedDocumentError, match="JSON object"):
        permit_from_json(value)


def test_a_refusal_quotes_no_value() -> None:
    """Messages end up in logs and answers; what the sender wrote does not."""
    with pytest.raises(MalformedDocumentError) as refused:
        permit_from_json(changed("issued_on", "secret") | {"exporter": "secret"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("type", "Q"),
        ("issuer", "Atlantis"),
        ("purpose", "nonsense"),
        ("lines.0.quantity", "twelve"),
        ("lines.0.quantity", "0.1234567"),
        ("lines.0.unit", "XXX"),
        ("lines.0.taxon", None),
        ("issued_on", None),
        ("references.0.relation", "cousin"),
        ("references.0.relation", None),
    ],
)
def test_unknown_codes_and_missing_boxes_pass(path: str, value: object) -> None:
    """Rules answer them, with their ids (422)."""
    assert permit_from_json(changed(path, value)).issuer


def test_a_json_number_never_becomes_a_quantity() -> None:
    """12.5 is refused, "12.5" is taken."""
    with pytest.raises(MalformedDocumentError, match=r"lines\.0\.quantity"):
        permit_from_json(load_json(b'{"type":"E","number":"1","issuer":"XA","lines":[{"quantity":12.5}]}'))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("number", "no. 26xa000123"),
        ("lines.0.quantity", "12.000"),
        ("lines.0.quota", {"used": "120.0", "annual": "05000", "unit": "NAR"}),
        ("exporter.address", "1 Port  Road Northport"),
        ("references.0.number", "26xb000777"),
        ("lines.0.origin", {"country": "XA"}),
        ("subtype", ...),
    ],
)
def test_spelling_makes_no_other_permit(path: str, value: object) -> None:
    """Numbers, white space, decimal scale, null and absent (contract 5)."""
    assert same_content(permit_from_json(BODY), permit_from_json(changed(path, value)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("number", "26XA000124"),
        ("lines.0.quantity", "12.1"),
        ("lines.0.quantity", "12000000"),
        ("lines.0.unit", "PCS"),
        ("exporter.name", "ann"),
        ("copy", True),
        ("issued_on", "2026-03-02"),
        ("lines.0.marks", ["XA-001", "XA-002"]),
    ],
)
def test_other_content_is_another_permit(path: str, value: object) -> None:
    """Everything else counts."""
    assert not same_content(permit_from_json(BODY), permit_from_json(changed(path, value)))


def test_a_legacy_mark_is_content() -> None:
    """It changes which rules apply."""
    permit = permit_from_json(BODY)
    assert not same_content(permit, replace(permit, legacy=True))


def test_what_the_model_holds_is_written_however_little() -> None:
    """A permit with one empty line."""
    permit = Permit(type="I", number="1", issuer="XA", lines=(Line(),), importer=TradeParty(country="XA"))
    assert permit_from_json(permit_to_json(permit)) == permit
    assert permit_to_json(replace(permit, issued_on=date(2026, 1, 2)))["issued_on"] == "2026-01-02"


def test_the_schema_says_what_the_reader_does() -> None:
    """2020-12, the printed members, the four required ones, and nothing beside them."""
    schema = permit_json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == list(BODY)
    assert sorted(schema["required"]) == ["issuer", "lines", "number", "type"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["lines"]["minItems"] == 1
    assert list(schema["$defs"]["LineBody"]["properties"]) == list(BODY["lines"][0])
