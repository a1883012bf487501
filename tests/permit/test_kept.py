"""What the database gave back without checks is what it was given."""

from __future__ import annotations

import json
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.event import Basis, Confirmation, Endorsement, EventLine, Outcome, PermitRef
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json, event_to_json
from epix_node.permit.json import permit_from_json, permit_to_json
from epix_node.permit.kept import kept_confirmation, kept_endorsement, kept_permit
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.quantity import Quantity

TEXTS = st.none() | st.sampled_from(["a", "Python regius", "Ж 12"])
DAYS = st.none() | st.dates(date(1975, 7, 1), date(2100, 1, 1))
ORIGINS = st.none() | st.builds(Origin, country=st.just("XA"), permit=TEXTS, date=DAYS)
LINES = st.builds(
    Line,
    block=TEXTS,
    taxon=TEXTS,
    common_name=TEXTS,
    appendix=st.sampled_from([None, "I", "II"]),
    sources=st.sampled_from([(), ("W",), ("C", "I")]),
    term=TEXTS,
    description=TEXTS,
    quantity=st.sampled_from([None, "12", "0.50", "many"]),
    unit=st.sampled_from([None, "NAR", "KGM"]),
    marks=st.sampled_from([(), ("A1", "A2")]),
    origin=ORIGINS,
    last_reexport=ORIGINS,
    acquired_on=DAYS,
    operation_number=TEXTS,
    quota=st.none() | st.builds(Quota, used=TEXTS, annual=st.just("100"), unit=TEXTS),
)
PEOPLE = st.none() | st.builds(TradeParty, name=TEXTS, address=TEXTS, country=st.just("XB"))
PERMITS = st.builds(
    Permit,
    type=st.sampled_from("EIRO"),
    number=st.just("26XA 1"),
    issuer=st.just("XA"),
    lines=st.lists(LINES, min_size=1, max_size=2).map(tuple),
    subtype=TEXTS,
    issued_on=DAYS,
    valid_from=DAYS,
    valid_until=DAYS,
    purpose=TEXTS,
    multi_use=st.booleans(),
    copy=st.booleans(),
    retrospective=st.booleans(),
    paper_original=st.booleans(),
    replaces=TEXTS,
    exporter=PEOPLE,
    importer=PEOPLE,
    transit=st.sampled_from([(), ("XC", "XD")]),
    authority=st.builds(Authority, name=TEXTS, place=TEXTS, signatory=TEXTS),
    security_stamp=TEXTS,
    special_conditions=TEXTS,
    transport_document=TEXTS,
    references=st.lists(
        st.builds(Reference, relation=st.just("annex"), issuer=TEXTS, number=st.just("7"), date=DAYS), max_size=1
    ).map(tuple),
)
REFS = st.builds(
    PermitRef, issuer=st.just("XA"), number=st.just("26XA1"), type=st.sampled_from([None, "E"]), issued_on=DAYS
)
GOODS = {
    "event_id": st.just("E-1"),
    "permit": REFS,
    "office": st.just("P-1"),
    "date": st.dates(date(1975, 7, 1), date(2100, 1, 1)),
    "lines": st.lists(
        st.builds(
            EventLine,
            block=TEXTS,
            quantity=st.sampled_from([Quantity.parse("12", "NAR"), Quantity.parse("0.50", "KGM")]),
            outcome=st.none() | st.sampled_from(Outcome),
            taxon=TEXTS,
            term=TEXTS,
            source=TEXTS,
        ),
        max_size=2,
    ).map(tuple),
    "transport_document": TEXTS,
    "import_permit": st.none() | REFS,
    "declaration": TEXTS,
    "officer": TEXTS,
    "continues": st.sampled_from([None, "E-0"]),
    "basis": st.none()
    | st.builds(
        Basis,
        kind=st.just("timber-extension"),
        certified_by=st.just("XB"),
        certified_on=st.just(date(2026, 3, 2)),
        new_valid_until=DAYS,
        bill_of_lading=TEXTS,
    ),
    "presented": st.sampled_from([None, {"type": "E"}]),
}


@settings(max_examples=60)
@given(permit=PERMITS)
def test_a_permit_is_read_back_as_it_was_written(permit: Permit) -> None:
    """And as it would be if it came from outside in its normal form."""
    value = json.loads(json.dumps(permit_to_json(permit)))
    assert kept_permit(value) == permit
    assert permit_from_json(permit_to_json(permit_from_json(value))) == kept_permit(
        permit_to_json(permit_from_json(value))
    )


@settings(max_examples=60)
@given(
    event=st.one_of(st.builds(Endorsement, **GOODS), st.builds(Confirmation, outcome=st.sampled_from(Outcome), **GOODS))
)
def test_an_event_is_read_back_as_it_was_written(event: Endorsement | Confirmation) -> None:
    """And as it would be if it came from outside."""
    value = json.loads(json.dumps(event_to_json(event)))
    if isinstance(event, Endorsement):
        assert kept_endorsement(value) == event == endorsement_from_json(value)
    else:
        assert kept_confirmation(value) == event == confirmation_from_json(value)


def test_members_that_an_older_release_did_not_write_have_their_defaults() -> None:
    """A row of long ago has what its release knew."""
    permit = Permit(type="E", number="1", issuer="XA", lines=(Line(block="A"),))
    value = {"type": "E", "number": "1", "issuer": "XA", "lines": [{"block": "A"}]}
    assert kept_permit(value) == permit
