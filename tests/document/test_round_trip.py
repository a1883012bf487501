"""What is written is read back, and is valid against the published schema."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from epix_node.document.header import DocumentType, Header
from epix_node.document.layout import BODIES, HEADER
from epix_node.document.model import Body, ExchangeDocument
from epix_node.document.presented import PRESENTED
from epix_node.document.reader import read_document
from epix_node.document.schema import document_schema
from epix_node.document.shape import Shape
from epix_node.document.writer import write_document
from epix_node.permit.event import (
    Alert,
    AlertEvidence,
    Basis,
    Confirmation,
    Correction,
    Difference,
    Endorsement,
    EventLine,
    Outcome,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.extract import PermitExtract, extract_of
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, Relation, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.number import NumberRef, PermitKey, normalised
from epix_node.permit.passage import Passage
from epix_node.permit.quantity import CURRENT_UNITS, HISTORICAL_UNITS, Quantity

ROUND_TRIPS = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

maybe = lambda strategy: st.one_of(st.none(), strategy)  # noqa: E731
LETTERS = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff", include_characters="\n\r\t"
)
TEXTS = st.text(LETTERS, min_size=1, max_size=12).map(str.strip).filter(bool)
COUNTRIES = st.sampled_from(["XA", "XB", "XC", "NA", "EU"])
DATES = st.dates(min_value=date(1975, 7, 1), max_value=date(2100, 1, 1))
TIMES = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SALTS = st.binary(min_size=16, max_size=16)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
TYPES = st.sampled_from(["E", "R", "I", "O"])
PRINTED_NUMBERS = st.text(LETTERS, min_size=1, max_size=20).filter(lambda text: 0 < len(normalised(text)) <= 70)
NUMBERS = PRINTED_NUMBERS.map(normalised)
EVENT_IDS = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
QUANTITIES = st.builds(
    lambda amount, unit: Quantity.parse(f"{amount:f}", unit),
    st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False, allow_infinity=False).map(abs),
    st.sampled_from(sorted(CURRENT_UNITS | HISTORICAL_UNITS)),
)


def builds(kind: type[Any], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{name: maybe(strategy) for name, strategy in optional.items()})


TRADE_PARTIES = builds(TradeParty, name=TEXTS, address=TEXTS, country=COUNTRIES)
ORIGINS = builds(Origin, country=COUNTRIES, permit=TEXTS, date=DATES)
LINES = st.builds(
    Line,
    block=maybe(st.sampled_from(["A", "B"])),
    taxon=maybe(TEXTS),
    common_name=maybe(TEXTS),
    appendix=maybe(st.sampled_from(["I", "II"])),
    sources=st.lists(st.sampled_from(["W", "C", "I"]), max_size=2).map(tuple),
    term=maybe(st.just("LIV")),
    description=maybe(TEXTS),
    quantity=maybe(st.just("12.50")),
    unit=maybe(st.just("KGM")),
    marks=st.lists(TEXTS, max_size=3).map(tuple),
    origin=maybe(ORIGINS),
    last_reexport=maybe(ORIGINS),
    acquired_on=maybe(DATES),
    operation_number=maybe(TEXTS),
    quota=maybe(builds(Quota, used=st.just("1"), annual=st.just("5"), unit=st.just("NAR"))),
)
PERMITS = st.builds(
    Permit,
    type=TYPES,
    number=PRINTED_NUMBERS,
    issuer=COUNTRIES,
    lines=st.lists(LINES, min_size=1, max_size=2).map(tuple),
    subtype=maybe(st.just("musical-instrument")),
    issued_on=DATES,
    valid_from=maybe(DATES),
    valid_until=maybe(DATES),
    purpose=maybe(st.just("T")),
    multi_use=st.booleans(),
    copy=st.booleans(),
    retrospective=st.booleans(),
    paper_original=st.booleans(),
    replaces=maybe(TEXTS),
    exporter=maybe(TRADE_PARTIES),
    importer=maybe(TRADE_PARTIES),
    transit=st.lists(COUNTRIES, max_size=2).map(tuple),
    authority=builds(Authority, name=TEXTS, place=TEXTS, signatory=TEXTS),
    security_stamp=maybe(TEXTS),
    special_conditions=maybe(TEXTS),
    transport_document=maybe(TEXTS),
    references=st.lists(
        st.builds(
            Reference,
            relation=st.sampled_from(list(Relation)),
            issuer=maybe(COUNTRIES),
            number=TEXTS,
            date=maybe(DATES),
        ),
        max_size=2,
    ).map(tuple),
    legacy=st.booleans(),
).map(normal_form)
REFS = st.builds(PermitRef, issuer=COUNTRIES, number=NUMBERS, type=maybe(TYPES), issued_on=maybe(DATES))
KEYS = st.builds(PermitKey, issuer=COUNTRIES, type=TYPES, number=NUMBERS, year=st.integers(1975, 2100))
NUMBER_REFS = st.builds(
    NumberRef, issuer=COUNTRIES, number=NUMBERS, type=maybe(TYPES), year=maybe(st.integers(1975, 2100))
)

AMOUNTS = st.sampled_from(["0", "12.5", "0.000001", "1234567890"])


PASSAGES = st.builds(
    Passage, on=DATES, party=COUNTRIES, outcome=st.one_of(st.just(""), st.sampled_from([o.value for o in Outcome]))
)


def extracted(
    permit: Permit,
    digest: str,
    withdrawn: WithdrawalReason | None,
    amounts: list[str],
    passages: list[Passage],
) -> PermitExtract:
    """What is told of it, where these amounts were counted of its lines on these days."""
    balances = [
        LineBalance(
            block=line.block,
            taxon=line.taxon,
            term=line.term,
            unit=line.unit,
            permitted=line.quantity,
            endorsed=amounts[0],
            confirmed=amounts[1],
            remaining=amounts[2] if line.permitted() else None,
        )
        for line in permit.lines
    ]
    return extract_of(permit, permit_sha256=digest, withdrawn=withdrawn, balances=balances, passages=passages)


EXTRACTS = st.builds(
    extracted,
    PERMITS,
    DIGESTS,
    maybe(st.sampled_from(WithdrawalReason)),
    st.lists(AMOUNTS, min_size=3, max_size=3),
    st.lists(PASSAGES, max_size=3),
)


def without_nothing(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, [], {})}


PRESENTED_LINES = st.fixed_dictionaries(
    {"block": TEXTS},
    optional={
        "taxon": TEXTS,
        "sources": st.lists(TEXTS, min_size=1, max_size=2),
        "quantity": TEXTS,
        "unit": TEXTS,
        "marks": st.lists(TEXTS, min_size=1, max_size=2),
        "origin": st.fixed_dictionaries({"country": TEXTS}, optional={"date": DATES.map(date.isoformat)}),
        "quota": st.fixed_dictionaries({"annual": TEXTS}),
    },
)
PRESENTED_MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "type": TEXTS,
        "number": TEXTS,
        "issued_on": DATES.map(date.isoformat),
        "copy": st.booleans(),
        "multi_use": st.booleans(),
        "exporter": st.fixed_dictionaries({"name": TEXTS}),
        "transit": st.lists(COUNTRIES, min_size=1, max_size=3),
        "references": st.lists(st.fixed_dictionaries({"relation": TEXTS, "number": TEXTS}), min_size=1, max_size=2),
        "lines": st.lists(PRESENTED_LINES, min_size=1, max_size=2),
    },
)
SIDES = st.one_of(st.none(), TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
DIFFERENCES = st.one_of(
    st.builds(
        Difference,
        field=st.sampled_from(["lines.A.quantity", "transit", "importer.name"]),
        presented=SIDES,
        registered=SIDES,
        class_=st.sampled_from("AR"),
    ),
    st.builds(
        Difference, field=st.just("copy"), presented=st.booleans(), registered=st.booleans(), class_=st.just("A")
    ),
)
GOODS: dict[str, st.SearchStrategy[Any]] = {
    "event_id": EVENT_IDS,
    "permit": REFS,
    "office": TEXTS,
    "date": DATES,
    "lines": st.lists(
        st.builds(
            EventLine,
            block=maybe(TEXTS),
            quantity=QUANTITIES,
            outcome=maybe(st.sampled_from(Outcome)),
            taxon=maybe(TEXTS),
            term=maybe(TEXTS),
            source=maybe(TEXTS),
        ),
        max_size=3,
    ).map(tuple),
    "transport_document": maybe(TEXTS),
    "import_permit": maybe(REFS),
    "declaration": maybe(TEXTS),
    "officer": maybe(TEXTS),
    "continues": maybe(EVENT_IDS),
    "basis": maybe(
        st.builds(
            Basis,
            kind=st.sampled_from(["timber-change-of-destination", "timber-extension"]),
            certified_by=TEXTS,
            certified_on=DATES,
            new_valid_until=maybe(DATES),
            bill_of_lading=maybe(TEXTS),
        )
    ),
    "presented": maybe(PRESENTED_MEMBERS),
}
BODY_STRATEGIES: dict[DocumentType, st.SearchStrategy[Body]] = {
    DocumentType.PERMIT: PERMITS,
    DocumentType.WITHDRAWAL: st.builds(
        Withdrawal,
        permit=KEYS,
        reason=st.sampled_from(WithdrawalReason),
        text=maybe(TEXTS),
        replaced_by=maybe(KEYS),
    ),
    DocumentType.ENDORSEMENT: st.builds(Endorsement, **GOODS),
    DocumentType.CONFIRMATION: st.builds(Confirmation, **GOODS, outcome=st.sampled_from(Outcome)),
    DocumentType.PRESENTATION: st.builds(
        Presentation,
        event_id=EVENT_IDS,
        permit=REFS,
        office=TEXTS,
        date=DATES,
        presented=PRESENTED_MEMBERS,
        differences=st.lists(DIFFERENCES, max_size=3).map(tuple),
    ),
    DocumentType.CORRECTION: st.builds(Correction, event_id=EVENT_IDS, supersedes=EVENT_IDS, permit=REFS),
    DocumentType.ALERT: st.builds(
        Alert,
        finding_id=DIGESTS,
        pattern=st.just("FRD-01"),
        class_=st.sampled_from("ARS"),
        state=st.sampled_from(["open", "resolved"]),
        ruleset=TEXTS,
        opened=TIMES,
        summary=TEXTS,
        permits=st.lists(NUMBER_REFS, max_size=3).map(tuple),
        values=st.lists(st.tuples(TEXTS, st.one_of(st.just(""), TEXTS)), max_size=3).map(tuple),
        evidence=st.lists(
            st.builds(
                AlertEvidence,
                document=DIGESTS,
                type=st.sampled_from([kind.value for kind in DocumentType]),
                party=COUNTRIES,
                index=st.integers(0, 2**62),
            ),
            max_size=2,
        ).map(tuple),
        subject=NUMBER_REFS,
    ),
    DocumentType.EXTRACT: EXTRACTS,
}


def key_of(body: Body) -> PermitKey | NumberRef:
    match body:
        case Permit() | PermitExtract():
            return body.key
        case Withdrawal():
            return body.permit
        case Alert():
            return body.subject
        case _:
            return body.permit.ref


@st.composite
def documents(draw: st.DrawFn) -> ExchangeDocument:
    kind = draw(st.sampled_from(DocumentType))
    body = draw(BODY_STRATEGIES[kind])
    key = key_of(body)
    event_id = getattr(body, "event_id", None)
    supersedes = None
    if event_id is not None:
        supersedes = draw(DIGESTS if kind is DocumentType.CORRECTION else maybe(DIGESTS))
    header = Header(
        environment=draw(st.sampled_from(["sandbox", "uat", "prod"])),
        party=draw(COUNTRIES),
        type=kind,
        issued=draw(TIMES),
        salt=draw(SALTS),
        permit_salt=draw(SALTS),
        token_digest=draw(maybe(DIGESTS)) if kind is DocumentType.PERMIT else None,
        recipients=draw(st.one_of(st.just(("*",)), st.lists(COUNTRIES, max_size=3, unique=True).map(tuple))),
        permit_issuer=key.issuer,
        permit_type=key.type,
        permit_number=key.number,
        permit_year=key.year,
        event_id=event_id,
        supersedes=supersedes,
    )
    return ExchangeDocument(header=header, body=body)


@ROUND_TRIPS
@given(documents())
def test_a_written_document_reads_back_equal(document: ExchangeDocument) -> None:
    """Also out of the canonical form, which is what the signature covers."""
    written = write_document(document)
    assert read_document(written) == document
    canonical = etree.tostring(etree.fromstring(written), method="c14n", exclusive=True)
    assert read_document(canonical) == document


@ROUND_TRIPS
@given(documents())
def test_a_written_document_is_valid_against_the_schema(document: ExchangeDocument) -> None:
    """The schema is for other programs; it must accept whatever this one writes."""
    document_schema().assertValid(etree.fromstring(write_document(document)))


@ROUND_TRIPS
@given(documents())
def test_writing_is_deterministic(document: ExchangeDocument) -> None:
    """One document has one text."""
    assert write_document(read_document(write_document(document))) == write_document(document)


XS = "{http://www.w3.org/2001/XMLSchema}"


def _schema_members(root: etree._Element, complex_type: etree._Element) -> list[tuple[str, bool, bool]]:
    sequence = complex_type.find(f"{XS}sequence")
    assert sequence is not None
    members = []
    for child in sequence:
        if child.tag == f"{XS}group":
            name = str(child.get("ref")).partition(":")[2]
            group = next(g for g in root.findall(f"{XS}group") if g.get("name") == name)
            members += _schema_members(root, group)
        else:
            required = child.get("minOccurs") != "0"
            members.append((str(child.get("name")), required, child.get("maxOccurs") == "unbounded"))
    return members


def _table_members(shape: Shape) -> list[tuple[str, bool, bool]]:
    return [(member.tag, member.is_required, member.is_many) for member in shape.members]


def test_the_schema_lists_the_members_of_the_tables() -> None:
    """Same members, same order, same number: a table that changes without the schema fails here."""
    from epix_node.document.schema import document_schema_bytes

    root = etree.fromstring(document_schema_bytes())
    types = {str(element.get("name")): element for element in root.findall(f"{XS}complexType")}
    shapes = {"HeaderType": HEADER, "PresentedType": PRESENTED} | {
        f"{tag}Type": shape for tag, shape in BODIES.values()
    }
    for name, shape in shapes.items():
        assert _schema_members(root, types[name]) == _table_members(shape), name
