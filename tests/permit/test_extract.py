"""An extract tells key, dates, countries and lines of a permit, and nothing that names or describes anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.writer import write_document
from epix_node.permit.extract import PermitExtract, extract_of, plain_permit
from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.status import standing
from tests.document.test_round_trip import PERMITS

SECRET = "Hélène Fischer, 7 Jetty Street"
DAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TOLD = Permit(
    type="R",
    subtype="musical-instrument",
    number="26XC000123",
    issuer="XC",
    issued_on=DAY,
    valid_from=DAY,
    valid_until=date(2026, 8, 31),
    purpose="T",
    exporter=TradeParty(country="XC"),
    importer=TradeParty(country="XD"),
    transit=("XE",),
    lines=(
        Line(
            block="A",
            taxon="Python regius",
            appendix="II",
            sources=("C",),
            term="SKI",
            quantity="12.50",
            unit="KGM",
            origin=Origin(country="XA", permit="26XA000001", date=DAY),
            last_reexport=Origin(country="XB", permit="26XB1"),
        ),
    ),
)
TOLD_AS_IT_IS = {
    "type",
    "subtype",
    "issuer",
    "issued_on",
    "valid_from",
    "valid_until",
    "purpose",
    "transit",
    "multi_use",
    "block",
    "taxon",
    "appendix",
    "sources",
    "term",
    "quantity",
    "unit",
    "origin",
    "last_reexport",
}
"""No extract is written of a permit of multiple use."""


def full(permit: Permit) -> Permit:
    """The same permit, and a secret in every member that holds a text about somebody or something."""
    party = TradeParty(name=SECRET, address=SECRET)
    return replace(
        permit,
        number=f"No. {permit.number.lower()}",
        exporter=replace(party, country=permit.origin_country),
        importer=replace(party, country=permit.destination),
        authority=Authority(name=SECRET, place=SECRET, signatory=SECRET),
        security_stamp=SECRET,
        special_conditions=SECRET,
        transport_document=SECRET,
        replaces=SECRET,
        references=(Reference(relation="annex", issuer="XB", number=SECRET, date=DAY),),
        copy=True,
        retrospective=True,
        paper_original=True,
        legacy=True,
        lines=tuple(
            replace(
                line,
                common_name=SECRET,
                description=SECRET,
                marks=(SECRET,),
                acquired_on=DAY,
                operation_number=SECRET,
                quota=Quota(used="1", annual="2", unit="NAR"),
            )
            for line in permit.lines
        ),
    )


def extracted(permit: Permit) -> PermitExtract:
    """What is told of a permit under which nothing happened yet."""
    source = Source(document="d" * 64, type="permit", party=permit.issuer, index=0, at=NOW)
    balances = standing(PermitFact(source=source, permit=permit), ()).lines
    return extract_of(permit, permit_sha256="d" * 64, withdrawn=None, balances=balances)


def test_key_dates_countries_and_lines_are_told_and_nothing_else() -> None:
    """Every other member differs here: one that permits or lines may get one day must be looked at first."""
    permit = full(TOLD)
    for shown, told in ((permit, TOLD), (permit.lines[0], TOLD.lines[0])):
        same = {name for name in shown.__dataclass_fields__ if getattr(shown, name) == getattr(told, name)}
        assert same == TOLD_AS_IT_IS & set(shown.__dataclass_fields__)
    assert plain_permit(permit) == TOLD


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PERMITS)
def test_no_name_address_free_text_mark_or_stamp_survives(permit: Permit) -> None:
    """Neither in the value nor in the document that is signed, whatever the permit says."""
    extract = extracted(full(permit))
    key = extract.key
    header = Header(
        environment="sandbox",
        party="XA",
        type=DocumentType.EXTRACT,
        issued=NOW,
        salt=bytes(16),
        permit_salt=bytes(16),
        permit_issuer=key.issuer,
        permit_type=key.type,
        permit_number=key.number,
        permit_year=key.year,
    )
    written = write_document(ExchangeDocument(header=header, body=extract)).decode()
    for secret in (SECRET, "Fischer", "Jetty"):
        assert secret not in repr(extract)
        assert secret not in written


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PERMITS)
def test_what_is_plain_already_stays_as_it_is(permit: Permit) -> None:
    """The key is the permit's own."""
    plain = plain_permit(permit)
    assert plain_permit(plain) == plain
    assert plain.key == permit.key


@pytest.mark.parametrize(
    ("printed", "told"),
    [("No. 26xa–1", "26XA-1"), (None, None), (" ", None), ("x" * 71, None), ("bought from Mr Smee " * 4, None)],
)
def test_a_permit_of_origin_is_told_by_its_number_alone(printed: str | None, told: str | None) -> None:
    """What is too long for a number is a remark."""
    line = Line(origin=Origin(country="XA", permit=printed))
    (plain,) = plain_permit(replace(TOLD, lines=(line,))).lines
    assert plain.origin == Origin(country="XA", permit=told)


def test_an_origin_that_says_nothing_is_left_out() -> None:
    """As in the normal form of permits."""
    (plain,) = plain_permit(replace(TOLD, lines=(Line(origin=Origin(permit="x" * 71)),))).lines
    assert plain.origin is None


def test_an_extract_tells_the_balance_of_every_line() -> None:
    """One that tells of other lines is a mistake of this program."""
    with pytest.raises(ValueError, match="every line"):
        replace(extracted(TOLD), lines=())
    with pytest.raises(ValueError, match="date of issue"):
        replace(extracted(TOLD), permit=replace(TOLD, issued_on=None))


@pytest.mark.parametrize(
    ("member", "text"),
    [("block", "for Jane Smith"), ("taxon", "Python regius, of the late Jane Smith, 7 Jetty Street, " * 2)],
)
def test_a_remark_in_a_box_for_a_letter_or_a_name_is_left_out(member: str, text: str) -> None:
    """No rule refuses it on the permit; those who do not receive that need not read it."""
    (line,) = TOLD.lines
    told = extracted(replace(TOLD, lines=(replace(line, **{member: text}),)))
    assert told == extracted(replace(TOLD, lines=(replace(line, **{member: None}),)))
