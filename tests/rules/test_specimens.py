"""Each rule that rests on reference data fires where it is broken, and only there."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.codes import UNITS, code_lists
from epix_node.permit.model import Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.quantity import Quantity
from epix_node.rules.finding import Severity
from epix_node.rules.measure import Measure, NationalMeasures
from epix_node.rules.ruleset import Stage
from tests.rules.builders import EXAMPLE, RULESET, Case, judge, permit
from tests.rules.shelves import AS_OF, catalogue
from tests.rules.specimen_cases import FIRES, PYTHON, SILENT, TIGER, goods, trade


@pytest.mark.parametrize("case", FIRES.values(), ids=FIRES.keys())
def test_a_broken_rule_is_found_where_it_is_broken(case: Case) -> None:
    assert (case.says, case.path) in [(finding.severity, finding.path) for finding in case.found()]


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT.keys())
def test_a_rule_that_is_kept_says_nothing(case: Case) -> None:
    assert case.found() == []


@pytest.mark.parametrize("case", {**FIRES, **SILENT}.values(), ids={**FIRES, **SILENT}.keys())
def test_a_rule_is_not_checked_at_most_once(case: Case) -> None:
    found = judge(case.permit, **case.circumstances).findings
    unknown = [finding.rule for finding in found if finding.severity is Severity.NOT_CHECKED]
    assert len(unknown) == len(set(unknown))


@pytest.mark.parametrize("stage", Stage)
def test_the_permit_of_the_contract_breaks_no_rule(stage: Stage) -> None:
    found = judge(EXAMPLE, stage=stage, catalogue=catalogue()).findings
    assert [finding.rule for finding in found if finding.severity is not Severity.NOT_CHECKED] == []


def test_rules_that_need_data_about_a_fictional_country_are_not_checked() -> None:
    """Contract 5; what the taxon alone decides is checked all the same."""
    found = judge(permit(line={"sources": ("W",)}), catalogue=catalogue()).findings
    unknown = {finding.rule for finding in found if finding.severity is Severity.NOT_CHECKED}
    assert {"SRC-08", "SUS-01", "SUS-02", "QUO-01", "FLD-13"} <= unknown
    plant = judge(permit(line={"sources": ("A",)}), catalogue=catalogue()).findings
    assert "SRC-01" in {finding.rule for finding in plant if finding.severity is Severity.BLOCK}


def test_data_that_speak_of_a_fictional_country_are_used() -> None:
    python = goods("Python regius", sources="C")
    found = judge(trade(python, leaves="XD"), catalogue=catalogue()).findings
    assert ("SUS-01", Severity.BLOCK) in {(finding.rule, finding.severity) for finding in found}


def test_a_name_that_stands_for_several_taxa_blocks_nothing() -> None:
    """Two pythons had this synonym: rules about the taxon are not checked."""
    ambiguous = goods("Python duplex", "I", "AD", term="FEA")
    found = judge(trade(ambiguous), catalogue=catalogue()).findings
    by_taxon = [finding for finding in found if finding.rule in {"SRC-01", "SRC-07", "APP-01", "QTY-05", "FLD-17"}]
    assert {finding.rule for finding in by_taxon} == {"SRC-01", "SRC-07", "APP-01", "QTY-05", "FLD-17"}
    assert {(finding.severity, finding.message) for finding in by_taxon} == {
        (Severity.NOT_CHECKED, "the name stands for several taxa")
    }


def test_an_unknown_name_blocks_nothing() -> None:
    unknown = goods("Snarkus snarkus", "I", "A", term="FEA")
    found = judge(trade(unknown, purpose="Z"), catalogue=catalogue()).findings
    assert [finding.rule for finding in found if finding.severity is Severity.BLOCK] == []


def test_a_permit_of_which_hardly_anything_is_known_is_checked_without_an_error() -> None:
    for type_ in ("E", "R", "I", "O", "?"):
        for purpose in ("T", "P", "H", None):
            bare = permit(
                type=type_, purpose=purpose, issued_on=None, exporter=None, importer=None, lines=(Line(), Line())
            )
            assert judge(bare, catalogue=catalogue()).findings


def test_a_finding_shows_the_age_of_the_data_that_it_rests_on() -> None:
    found = judge(trade(goods("Panthera tigris", "II"), leaves="IN"), catalogue=catalogue()).findings
    (differs,) = [finding for finding in found if finding.rule == "APP-01"]
    assert differs.to_json()["reference"] == {"data": "species", "as_of": AS_OF.isoformat(), "age_days": 59}


def test_what_was_looked_into_is_named_also_where_nothing_is_wrong() -> None:
    judgement = judge(trade(TIGER, leaves="TH", purpose="Z"), catalogue=catalogue())
    assert {edition.data for edition in judgement.editions} >= {"species", "suspensions", "quotas"}


def test_without_any_loaded_data_nothing_passes_silently() -> None:
    found = judge(trade({**PYTHON, "taxon": "Snarkus snarkus", "term": "SKI"})).findings
    unknown = {finding.rule for finding in found if finding.severity is Severity.NOT_CHECKED}
    assert {"FLD-17", "APP-01", "SRC-08", "SUS-01", "SUS-02", "QUO-01", "FLD-13", "QTY-06", "ANN-02"} <= unknown


TERMS = [("FLD-17", "plant_terms"), ("APP-04", "free_terms"), ("ANN-02", "always_covered"), ("PUR-02", "trophy_terms")]
TERMS += [("PUR-01", "trophy_terms"), ("PUR-01", "one_of_each_animal")]
SOURCES = [("SRC-01", "plants_only"), ("SRC-01", "animals_only"), ("SRC-02", "plants_only"), ("SRC-02", "animals_only")]
SOURCES += [("SRC-08", "sources"), ("SRC-09", "sources"), ("APP-02", "barred_sources"), ("APP-02", "exempt_sources")]


def test_codes_among_the_parameters_are_codes() -> None:
    lists, rules = code_lists(), RULESET.rules
    assert {code for rule, name in TERMS for code in rules[rule].codes(name)} <= lists.terms.keys()
    assert {code for rule, name in SOURCES for code in rules[rule].codes(name)} <= lists.sources.keys()
    for name in ("covered", "not_covered", "not_covered_reexport"):
        for annotation, terms in rules["ANN-02"].table(name).items():
            assert annotation.startswith("#")
            assert set(str(terms).split()) <= lists.terms.keys()
    for key, limit in rules["PUR-03"].table("limits").items():
        assert key.rpartition(" ")[2] in lists.terms
        assert Quantity.parse(*str(limit).split()).micro > 0


def test_a_taxon_is_not_both_of_the_sea_and_never_of_the_sea() -> None:
    rule = RULESET.rules["IFS-03"]
    assert not set(rule.codes("marine")) & set(rule.codes("never_marine"))


@pytest.mark.parametrize("limit", ["some", "1 XYZ", "3 MTQ"])
def test_a_limit_that_cannot_be_compared_is_not_checked(limit: str) -> None:
    """A country may write its own limits; one that makes no sense must not pass for kept."""
    measure = Measure(reason="Our own limits.", parameters={"limits": {"Acipenseriformes CAV": limit}})
    caviar = trade(goods("Huso huso", term="CAV", quantity="9", unit="KGM"), leaves="RU", purpose="P")
    ruleset = RULESET.with_measures(NationalMeasures(rules={"PUR-03": measure}))
    found = judge(caviar, ruleset=ruleset, catalogue=catalogue()).findings
    assert [finding.severity for finding in found if finding.rule == "PUR-03"] == [Severity.NOT_CHECKED]


CODES = code_lists()
ANYTHING = st.text(max_size=12)
COUNTRIES = st.none() | st.sampled_from(["GH", "CD", "XA", "XD", "EU", "RE", "SU", "XX", "TW", "CN", "JP"]) | ANYTHING
AMOUNTS = st.none() | st.sampled_from(["0", "1", "101", "-5", "0.000001", "9" * 18]) | ANYTHING
DAYS = st.none() | st.dates()
ORIGINS = st.none() | st.builds(Origin, country=COUNTRIES)
LINES = st.builds(
    Line,
    taxon=st.none()
    | st.sampled_from(["Python regius", "Python spp.", "Python duplex", "Loxodonta africana", "Dalbergia retusa"])
    | st.sampled_from(["Panthera tigris", "Psittacus erithacus", "Huso huso", "Balaenoptera physalus"])
    | ANYTHING,
    appendix=st.none() | st.sampled_from([*CODES.appendices, "IV"]),
    sources=st.lists(st.sampled_from([*CODES.sources, "?"]), max_size=3).map(tuple),
    term=st.none() | st.sampled_from([*CODES.terms, *CODES.historical_terms, "???"]),
    description=st.none() | ANYTHING,
    quantity=AMOUNTS,
    unit=st.none() | st.sampled_from(sorted(UNITS)) | ANYTHING,
    origin=ORIGINS,
    last_reexport=ORIGINS,
    acquired_on=DAYS,
    operation_number=st.none() | st.sampled_from(["A-TH-501", "A-XX-5"]) | ANYTHING,
    quota=st.none() | st.builds(Quota, used=AMOUNTS, annual=AMOUNTS, unit=st.none() | st.sampled_from(sorted(UNITS))),
)
PERMITS = st.builds(
    permit,
    type=st.sampled_from("ERIO?"),
    subtype=st.none() | st.sampled_from([*CODES.subtypes]),
    issuer=COUNTRIES.filter(bool),
    issued_on=DAYS,
    purpose=st.none() | st.sampled_from([*CODES.purposes, "?"]),
    exporter=st.none() | st.builds(TradeParty, country=COUNTRIES),
    importer=st.none() | st.builds(TradeParty, country=COUNTRIES),
    special_conditions=st.none() | st.from_regex(r"(before |avant |in )[0-9]{4}(-[0-9]{2}-[0-9]{2})?", fullmatch=True),
    references=st.lists(
        st.builds(Reference, relation=st.just("import-permit"), number=st.none() | ANYTHING, date=DAYS)
    ).map(tuple),
    lines=st.lists(LINES, min_size=1, max_size=3).map(tuple),
)


@settings(max_examples=100, deadline=None)
@given(document=PERMITS, stage=st.sampled_from(Stage), today=st.dates(min_value=date(1990, 1, 1)))
def test_every_document_that_can_be_read_can_be_checked(document: Permit, stage: Stage, today: date) -> None:
    judgement = judge(document, catalogue=catalogue(), stage=stage, today=today)
    unknown = [finding.rule for finding in judgement.findings if finding.severity is Severity.NOT_CHECKED]
    assert len(unknown) == len(set(unknown))
    assert all(finding.to_json()["rule"] == finding.rule for finding in judgement.findings)
