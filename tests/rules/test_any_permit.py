"""Whatever a document says, the rules answer: no exception, and nothing that cannot be shown."""

from __future__ import annotations

import json
from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st

from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.reference.catalogue import Catalogue, builtin
from epix_node.rules.check import check
from epix_node.rules.finding import Severity
from epix_node.rules.report import MAX_VALUE_CHARACTERS
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Circumstances
from tests.rules.builders import EXAMPLE, RULESET
from tests.rules.shelves import catalogue

TAXA = [
    "Python regius",
    "Panthera tigris",
    "Cactaceae spp.",
    "Dalbergia retusa",
    "python",
    "Huso huso",
    "\N{WHITE SMILING FACE}",
]
TODAY = date(2026, 3, 1)


def maybe(*values: str | None) -> st.SearchStrategy[str | None]:
    """One of the values, nothing, or anything; no readers let an empty text through."""
    return st.sampled_from([None, *values]) | st.text(min_size=1, max_size=20)


days = st.none() | st.dates() | st.dates(min_value=date(2024, 1, 1), max_value=date(2027, 1, 1))
countries = maybe("XA", "XB", "CH", "GH", "GL", "KP", "XX", "HS", "EU", "AQ", "CS")
amounts = maybe("1", "0", "-1", "12.5", "0.0000001", "1e5", "9" * 39, "1,5")
units = maybe("NAR", "KGM", "BOX", "MTQ", "KIL")
origins = st.none() | st.builds(Origin, country=countries, permit=maybe("1"), date=days)
lines = st.builds(
    Line,
    block=maybe("A", "B"),
    taxon=maybe(*TAXA),
    appendix=maybe("I", "II", "III"),
    sources=st.lists(st.sampled_from("WCDFRXIOUAY?"), max_size=3).map(tuple),
    term=maybe("LIV", "CAV", "TRO", "SKI", "LOG", "LEA"),
    description=maybe("tins"),
    quantity=amounts,
    unit=units,
    marks=st.lists(st.text(min_size=1, max_size=5), max_size=1).map(tuple),
    origin=origins,
    last_reexport=origins,
    acquired_on=days,
    operation_number=maybe("A-TH-501"),
    quota=st.none() | st.builds(Quota, used=amounts, annual=amounts, unit=units),
)
traders = st.none() | st.builds(TradeParty, name=maybe("N"), address=maybe("A"), country=countries)
permits = st.builds(
    Permit,
    type=st.sampled_from("ERIOX"),
    subtype=maybe("ifs", "personal-ownership", "sample-collection", "pre-convention", "musical-instrument"),
    number=st.text(min_size=1, max_size=75) | st.just("26XA000123"),
    issuer=countries.map(lambda code: code or "XA"),
    lines=st.lists(lines, min_size=1, max_size=3).map(tuple),
    issued_on=days,
    valid_from=days,
    valid_until=days,
    purpose=maybe("T", "H", "P"),
    multi_use=st.booleans(),
    copy=st.booleans(),
    retrospective=st.booleans(),
    legacy=st.booleans(),
    replaces=maybe("26XA000001"),
    exporter=traders,
    importer=traders,
    transit=st.lists(st.sampled_from(["JP", "XC", "QL"]), max_size=2).map(tuple),
    authority=st.builds(Authority, name=maybe("MA"), place=maybe("Port")),
    security_stamp=maybe("1"),
    special_conditions=maybe("Issued retrospectively"),
    references=st.lists(
        st.builds(Reference, relation=maybe("annex").map(lambda one: one or "annex"), number=maybe("1"), date=days),
        max_size=2,
    ).map(tuple),
)


@settings(max_examples=100, deadline=None)
@given(
    permit=permits,
    stage=st.sampled_from(Stage),
    entered_on=st.none() | st.dates(),
    taken=st.none() | st.booleans(),
    books=st.sampled_from([builtin(), catalogue()]),
)
@example(permit=EXAMPLE, stage=Stage.RECEIPT, entered_on=date.max, taken=None, books=builtin())
def test_the_rules_answer_whatever_a_document_says(
    *, permit: Permit, stage: Stage, entered_on: date | None, taken: bool | None, books: Catalogue
) -> None:
    circumstances = Circumstances(stage=stage, today=TODAY, entered_on=entered_on, stamp_taken=taken)
    judgement = check(permit, RULESET, catalogue=books, circumstances=circumstances)
    json.dumps(judgement.to_json())
    unknown = [finding.rule for finding in judgement.findings if finding.severity is Severity.NOT_CHECKED]
    assert len(unknown) == len(set(unknown))
    for finding in judgement.findings:
        assert finding.rule in RULESET.rules
        assert finding.message
        assert finding.value is None or len(finding.value) <= MAX_VALUE_CHARACTERS
    assert check(permit, RULESET, catalogue=books, circumstances=circumstances) == judgement
