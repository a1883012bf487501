"""Event bodies of contract 5: facts are taken, whatever they say, if they can be understood."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import (
    Correction,
    Difference,
    Outcome,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.event_json import (
    body_json_schemas,
    confirmation_from_json,
    correction_from_json,
    endorsement_from_json,
    event_to_json,
    same_event,
    split_proof,
    withdrawal_from_json,
)
from epix_node.permit.number import PermitKey
from epix_node.permit.quantity import CURRENT_UNITS, HISTORICAL_UNITS

# The body that contract 5 prints.
BODY: dict[str, Any] = {
    "event_id": "ZRH-2026-004711",
    "permit": {"issuer": "XA", "number": "26XA000123", "type": "E", "issued_on": "2026-03-01"},
    "office": "ZRH",
    "date": "2026-03-20",
    "transport_document": "020-12345675",
    "outcome": "released",
    "import_permit": {"issuer": "XB", "number": "26XB000777", "type": None, "issued_on": None},
    "declaration": "26CH…",
    "officer": "…",
    "continues": None,
    "basis": None,
    "presented": None,
    "lines": [
        {"block": "A", "quantity": "12", "unit": "NAR", "outcome": None, "taxon": None, "term": None, "source": None}
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
        part[last] = value
    return body  # type: ignore[no-any-return]


def test_the_body_of_the_contract_comes_back_member_for_member() -> None:
    """Same members, same order, nulls included."""
    written = event_to_json(confirmation_from_json(BODY))
    assert written == BODY
    assert list(written) == list(BODY)


def test_an_endorsement_is_the_same_body_without_an_outcome() -> None:
    """Null and absent are the same; an outcome is refused."""
    body = changed("outcome", None)
    assert endorsement_from_json(body) == endorsement_from_json(changed("outcome", ...))
    assert event_to_json(endorsement_from_json(body)) == body
    with pytest.raises(MalformedDocumentError, match="outcome"):
        endorsement_from_json(BODY)


def test_numbers_are_normalised_wherever_they_come_in() -> None:
    """Also that of the import permit."""
    event = confirmation_from_json(
        changed("permit.number", " No. 26xa–1 ") | {"import_permit": {"issuer": "XB", "number": "b 1"}}
    )
    assert event.permit.number == "26XA-1"
    assert event.import_permit == PermitRef(issuer="XB", number="B 1")


@pytest.mark.parametrize("unit", sorted(CURRENT_UNITS | HISTORICAL_UNITS))
def test_every_unit_of_the_list_is_taken(unit: str) -> None:
    """Historical ones included."""
    event = confirmation_from_json(changed("lines.0.unit", unit))
    assert event.lines[0].quantity.unit == unit


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lines", []),
        ("lines.0.block", None),
        ("lines.0.quantity", "0"),
        ("lines.0.quantity", "0.123456"),
        ("lines.0.outcome", "seized"),
        ("transport_document", None),
        ("permit.type", None),
        ("permit.issued_on", ...),
        ("date", "1999-01-01"),
        ("date", "2999-01-01"),
        ("continues", "ZRH-2026-004710"),
        ("basis", {"kind": "timber-extension", "certified_by": "MA", "certified_on": "2026-01-01"}),
        ("presented", {"copy": True, "lines": [{"block": "A", "quantity": "120"}]}),
    ],
)
def test_a_fact_is_taken_whatever_it_says(path: str, value: object) -> None:
    """Whether it was allowed is asked elsewhere."""
    event = confirmation_from_json(changed(path, value))
    assert confirmation_from_json(event_to_json(event)) == event


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("event_id", ...),
        ("event_id", ""),
        ("event_id", "a b"),
        ("event_id", "x" * 65),
        ("event_id", "é"),
        ("permit", ...),
        ("permit.issuer", None),
        ("permit.issuer", "Atlantis"),
        ("permit.number", ""),
        ("permit.number", "No."),
        ("permit.number", "1" * 71),
        ("permit.type", "Q"),
        ("permit.issued_on", "2026"),
        ("permit.year", 2026),
        ("office", None),
        ("office", " "),
        ("date", ...),
        ("date", "20.3.2026"),
        ("outcome", ...),
        ("outcome", None),
        ("outcome", "eaten"),
        ("continues", "not an id"),
        ("lines", ...),
        ("lines", None),
        ("lines.0.quantity", ...),
        ("lines.0.quantity", 12),
        ("lines.0.quantity", "-1"),
        ("lines.0.quantity", "-0"),
        ("lines.0.quantity", "twelve"),
        ("lines.0.quantity", "1e3"),
        ("lines.0.quantity", "0.1234567"),
        ("lines.0.quantity", "9" * 30),
        ("lines.0.unit", None),
        ("lines.0.outcome", "eaten"),
        ("lines.0.colour", "green"),
        ("basis", {"kind": "other", "certified_by": "MA", "certified_on": "2026-01-01"}),
        ("presented", []),
        ("presented", {"colour": "green"}),
        ("presented", {"copy": "yes"}),
        ("proof", {}),
    ],
)
def test_what_is_not_understood_is_refused_by_the_path_of_the_member(path: str, value: object) -> None:
    """400, naming the member and never quoting it."""
    with pytest.raises(MalformedDocumentError) as refused:
        confirmation_from_json(changed(path, value))
    assert refused.value.code == "NOT_UNDERSTOOD"
    assert path in str(refused.value)


def test_an_unknown_unit_is_refused() -> None:
    """What was counted must have a meaning."""
    with pytest.raises(MalformedDocumentError, match="unit"):
        confirmation_from_json(changed("lines.0.unit", "XXX"))


def test_what_the_paper_says_keeps_only_what_was_given() -> None:
    """Null, empty and absent are the same; nothing at all is no statement."""
    event = confirmation_from_json(
        changed("presented", {"copy": False, "replaces": None, "transit": [], "importer": {"name": " "}})
    )
    assert event.presented == {"copy": False}
    assert confirmation_from_json(changed("presented", {"replaces": None})).presented is None


@pytest.mark.parametrize(
    ("path", "value", "is_same"),
    [
        ("lines.0.quantity", "12.00", True),
        ("permit.number", "no. 26xa000123", True),
        ("officer", " … ", True),
        ("continues", ..., True),
        ("presented", {}, True),
        ("lines.0.quantity", "12.01", False),
        ("lines.0.unit", "PCS", False),
        ("date", "2026-03-21", False),
        ("outcome", "seized", False),
        ("lines", [], False),
        ("permit.issued_on", None, False),
    ],
)
def test_the_same_event_is_recognised_in_another_spelling(path: str, value: object, *, is_same: bool) -> None:
    """Null and absent, decimal scale, spelling of numbers (contract 5)."""
    assert same_event(confirmation_from_json(BODY), confirmation_from_json(changed(path, value))) is is_same


def test_an_endorsement_is_never_a_confirmation() -> None:
    """Events of two kinds are two events."""
    assert not same_event(endorsement_from_json(changed("outcome", None)), confirmation_from_json(BODY))


def test_a_correction_gives_its_event_id_to_the_new_event() -> None:
    """``event`` may leave it out, and may not carry another."""
    request = correction_from_json({"event_id": "b", "supersedes": "a", "event": {"office": "ZRH"}})
    assert request.event == {"office": "ZRH", "event_id": "b"}
    assert correction_from_json({"event_id": "b", "supersedes": "a", "event": None}).event is None
    with pytest.raises(MalformedDocumentError, match="event_id"):
        correction_from_json({"event_id": "b", "supersedes": "a", "event": {"event_id": "c"}})
    with pytest.raises(MalformedDocumentError, match="supersedes"):
        correction_from_json({"event_id": "b", "event": None})


def test_a_withdrawal_has_a_reason_of_the_list() -> None:
    """``replaced`` is understood, the use case refuses it."""
    assert withdrawal_from_json({"reason": "stolen", "text": " "}) == (WithdrawalReason.STOLEN, None)
    assert withdrawal_from_json({"reason": "replaced"}) == (WithdrawalReason.REPLACED, None)
    for body in ({}, {"reason": "eaten"}, {"reason": None}, {"reason": "lost", "colour": 1}, []):
        with pytest.raises(MalformedDocumentError):
            withdrawal_from_json(body)


def test_the_proof_is_taken_out_of_the_body() -> None:
    """It says who asks, not what happened."""
    assert split_proof({"a": 1, "proof": {"token": "t"}}) == ({"a": 1}, {"token": "t"})
    assert split_proof({"a": 1, "proof": None}) == ({"a": 1}, None)
    assert split_proof({}) == ({}, None)
    for body in ([], None, {"proof": "t"}):
        with pytest.raises(MalformedDocumentError):
            split_proof(body)


def test_other_events_are_written_too() -> None:
    """With the members that the contract names."""
    ref = PermitRef(issuer="XA", number="1")
    shown = Presentation(
        event_id="p",
        permit=ref,
        office="ZRH",
        date=date(2026, 3, 20),
        presented={"copy": True},
        differences=(Difference(field="copy", presented=True, registered=False, class_="A"),),
    )
    assert event_to_json(shown)["differences"] == [
        {"field": "copy", "presented": True, "registered": False, "class": "A"}
    ]
    assert event_to_json(Correction(event_id="b", supersedes="a", permit=ref))["supersedes"] == "a"
    key = PermitKey(issuer="XA", type="E", number="1", year=2026)
    withdrawn = Withdrawal(permit=key, reason=WithdrawalReason.REPLACED, replaced_by=key)
    assert event_to_json(withdrawn)["replaced_by"] == key.to_json()
    assert Outcome.SEIZED.is_arrival


def test_every_body_has_a_schema() -> None:
    """For OpenAPI, made from the same classes; unknown members are refused there too."""
    for schema in body_json_schemas().values():
        assert schema["additionalProperties"] is False
