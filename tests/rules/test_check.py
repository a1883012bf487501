"""Each rule fires where it is broken, and only there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.rules.check import check
from epix_node.rules.finding import RuleFinding, RulesBrokenError, Severity, refuse_blocked
from epix_node.rules.ruleset import Stage, load_ruleset
from epix_node.rules.validity import months_later

RULESET = load_ruleset()

LINE = Line(
    block="A",
    taxon="Python regius",
    common_name="ball python",
    appendix="II",
    sources=("C",),
    term="LIV",
    description="live animals",
    quantity="12",
    unit="NAR",
    marks=("XA-001",),
    origin=Origin(country="XA"),
    quota=Quota(used="120", annual="5000", unit="NAR"),
)
EXAMPLE = Permit(
    type="E",
    number="26XA000123",
    issuer="XA",
    issued_on=date(2026, 3, 1),
    valid_from=date(2026, 3, 1),
    valid_until=date(2026, 8, 31),
    purpose="T",
    exporter=TradeParty(name="Hook Reptiles Ltd", address="7 Jetty Street", country="XA"),
    importer=TradeParty(name="Liddell Pets SA", address="12 Mirror Lane", country="XB"),
    transit=("XC",),
    authority=Authority(name="CITES Management Authority of Neverland", place="Northport", signatory="J. Darling"),
    security_stamp="XA0012345",
    special_conditions="Transport by IATA's Live Animals Regulations.",
    references=(Reference(relation="import-permit", issuer="XB", number="26XB000777", date=date(2026, 2, 20)),),
    lines=(LINE,),
)
"""The permit of contract 5."""


def permit(*, line: dict[str, Any] | None = None, **changes: Any) -> Permit:
    """The example with these members changed, in its line or in itself."""
    return replace(EXAMPLE, **({"lines": (replace(LINE, **line),)} if line else {}), **changes)


def findings(permit_: Permit, *, stage: Stage = Stage.ISSUE, stamp_taken: bool | None = False) -> list[RuleFinding]:
    return list(check(permit_, RULESET, stage=stage, stamp_taken=stamp_taken))


def test_the_permit_of_the_contract_breaks_no_rule() -> None:
    assert findings(EXAMPLE) == []
    assert findings(EXAMPLE, stage=Stage.RECEIPT) == []


def importer(**changes: Any) -> TradeParty:
    return replace(EXAMPLE.importer, **changes)  # type: ignore[type-var]


def exporter(**changes: Any) -> TradeParty:
    return replace(EXAMPLE.exporter, **changes)  # type: ignore[type-var]


BROKEN: dict[str, tuple[Permit, str, str]] = {
    # what is wrong: (permit, rule and severity, path)
    "unknown type": (permit(type="X"), "FLD-01 BLOCK", "/type"),
    "type in lower case": (permit(type="e"), "FLD-01 BLOCK", "/type"),
    "O without a subtype": (permit(type="O"), "FLD-01 BLOCK", "/subtype"),
    "O with an unknown subtype": (permit(type="O", subtype="zoo"), "FLD-01 BLOCK", "/subtype"),
    "a subtype on an export permit": (permit(subtype="ifs"), "FLD-01 BLOCK", "/subtype"),
    "number of 71 characters": (permit(number="1" * 71), "FLD-01 BLOCK", "/number"),
    "number that is only its introduction": (permit(number="No."), "FLD-01 BLOCK", "/number"),
    "unknown relation": (
        permit(references=(Reference(relation="cousin"),)),
        "FLD-01 BLOCK",
        "/references/0/relation",
    ),
    "unknown issuer of a reference": (
        permit(references=(Reference(relation="annex", issuer="QQQ"),)),
        "FLD-01 BLOCK",
        "/references/0/issuer",
    ),
    "no last day": (permit(valid_until=None), "FLD-02 BLOCK", "/valid_until"),
    "last day before the first": (permit(valid_from=date(2026, 9, 1)), "FLD-02 BLOCK", "/valid_until"),
    "last day before issue": (
        permit(valid_from=None, valid_until=date(2026, 2, 28)),
        "FLD-02 BLOCK",
        "/valid_until",
    ),
    "importer without a name": (permit(importer=importer(name=None)), "FLD-03 BLOCK", "/importer/name"),
    "importer without an address": (permit(importer=importer(address=None)), "FLD-03 BLOCK", "/importer/address"),
    "importer without a country": (permit(importer=importer(country=None)), "FLD-03 BLOCK", "/importer/country"),
    "importer in no country": (permit(importer=importer(country="UK")), "FLD-03 BLOCK", "/importer/country"),
    "multi-use importer in no country": (
        permit(multi_use=True, importer=importer(country="UK")),
        "FLD-03 BLOCK",
        "/importer/country",
    ),
    "transit through no country": (permit(transit=("XC", "QL")), "FLD-03 BLOCK", "/transit/1"),
    "exporter without a name": (permit(exporter=exporter(name=None)), "FLD-04 BLOCK", "/exporter/name"),
    "exporter without an address": (permit(exporter=exporter(address=None)), "FLD-04 BLOCK", "/exporter/address"),
    "exporter without a country": (permit(exporter=exporter(country=None)), "FLD-04 BLOCK", "/exporter/country"),
    "exporter in no country": (permit(exporter=exporter(country="xa")), "FLD-04 BLOCK", "/exporter/country"),
    "live without conditions": (permit(special_conditions=None), "FLD-05 WARN", "/special_conditions"),
    "no purpose": (permit(purpose=None), "FLD-06 BLOCK", "/purpose"),
    "unknown purpose": (permit(purpose="A"), "FLD-06 BLOCK", "/purpose"),
    "no stamp": (permit(security_stamp=None), "FLD-07 NOT_CHECKED", "/security_stamp"),
    "no authority": (permit(authority=Authority(place="Northport")), "FLD-08 BLOCK", "/authority/name"),
    "unknown issuer": (permit(issuer="QL"), "FLD-08 BLOCK", "/issuer"),
    "no taxon": (permit(line={"taxon": None}), "FLD-09 BLOCK", "/lines/0/taxon"),
    "no term": (permit(line={"term": None}), "FLD-10 BLOCK", "/lines/0/term"),
    "unknown term": (permit(line={"term": "ZZZ"}), "FLD-10 BLOCK", "/lines/0/term"),
    "historical term": (permit(line={"term": "LEA"}), "FLD-10 WARN", "/lines/0/term"),
    "live Appendix I without marks": (
        permit(line={"appendix": "I", "sources": ("D",), "marks": ()}),
        "FLD-10 WARN",
        "/lines/0/marks",
    ),
    "no appendix": (permit(line={"appendix": None}), "FLD-11 BLOCK", "/lines/0/appendix"),
    "unknown appendix": (permit(line={"appendix": "IV"}), "FLD-11 BLOCK", "/lines/0/appendix"),
    "no source": (permit(line={"sources": ()}), "FLD-11 BLOCK", "/lines/0/sources"),
    "unknown second source": (permit(line={"sources": ("O", "B")}), "FLD-11 BLOCK", "/lines/0/sources/1"),
    "no unit": (permit(line={"unit": None}), "FLD-12 BLOCK", "/lines/0/unit"),
    "unknown unit": (permit(line={"unit": "KIL"}), "FLD-12 BLOCK", "/lines/0/unit"),
    "unknown unit of the quota": (
        permit(line={"quota": Quota(annual="5", unit="KIL")}),
        "FLD-12 BLOCK",
        "/lines/0/quota/unit",
    ),
    "no block": (permit(line={"block": None}), "FLD-12 BLOCK", "/lines/0/block"),
    "no date of issue": (permit(issued_on=None), "FLD-14 BLOCK", "/issued_on"),
    "export permit for longer than six months": (
        permit(valid_until=date(2026, 9, 2)),
        "VAL-01 BLOCK",
        "/valid_until",
    ),
    "re-export certificate for longer than six months": (
        permit(type="R", valid_until=date(2026, 9, 2), line={"origin": Origin(country="XD")}),
        "VAL-02 BLOCK",
        "/valid_until",
    ),
    "import permit for longer than twelve months": (
        permit(type="I", valid_until=date(2027, 3, 2)),
        "VAL-03 BLOCK",
        "/valid_until",
    ),
    "quantity of 0": (permit(line={"quantity": "0"}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity of 0.000000": (permit(line={"quantity": "0.000000"}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity below 0": (permit(line={"quantity": "-1"}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity in words": (permit(line={"quantity": "twelve"}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity with a comma": (permit(line={"quantity": "12,5"}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity of seven decimals": (permit(line={"quantity": "0.1234567"}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity beyond all sense": (permit(line={"quantity": "9" * 30}), "QTY-01 BLOCK", "/lines/0/quantity"),
    "quantity too small to count": (
        permit(line={"quantity": "0.1", "unit": "MYG", "quota": None}),
        "QTY-01 BLOCK",
        "/lines/0/quantity",
    ),
    "quota in words": (permit(line={"quota": Quota(used="none")}), "QTY-01 BLOCK", "/lines/0/quota/used"),
    "quota below 0": (permit(line={"quota": Quota(annual="-1")}), "QTY-01 BLOCK", "/lines/0/quota/annual"),
    "historical unit": (permit(line={"unit": "BOX"}), "QTY-02 REFER", "/lines/0/unit"),
    "exporter and importer in one country": (
        permit(importer=importer(country="XA")),
        "PTY-02 BLOCK",
        "/importer/country",
    ),
    "re-export from the country of origin": (permit(type="R"), "PTY-02 REFER", "/lines/0/origin/country"),
    "unknown country of origin": (
        permit(line={"origin": Origin(country="QL")}),
        "RXP-01 BLOCK",
        "/lines/0/origin/country",
    ),
    "unknown country of last re-export": (
        permit(line={"last_reexport": Origin(country="QL")}),
        "RXP-01 BLOCK",
        "/lines/0/last_reexport/country",
    ),
}


@pytest.mark.parametrize(("broken", "rule", "path"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_is_found_where_it_is_broken(broken: Permit, rule: str, path: str) -> None:
    found = [(f"{finding.rule} {finding.severity}", finding.path) for finding in findings(broken)]
    allowed = {"FLD-10 WARN", "QTY-02 REFER"}
    assert (rule, path) in found
    assert {name for name, _ in found} - {rule} <= allowed


@pytest.mark.parametrize("unit", ["MYG", "PCS", "SHP"])
def test_a_historical_unit_is_referred_and_does_not_refuse(unit: str) -> None:
    found = findings(permit(line={"unit": unit, "quantity": "5"}))
    assert [(finding.rule, finding.severity) for finding in found] == [("QTY-02", Severity.REFER)]


def test_an_empty_box_11_is_both_an_empty_box_and_no_number() -> None:
    assert [finding.rule for finding in findings(permit(line={"quantity": None}))] == ["FLD-12", "QTY-01"]


def test_each_line_has_a_block_of_its_own() -> None:
    """Endorsements and confirmations count by block."""
    two = permit(lines=(LINE, replace(LINE, block="B"), LINE))
    assert [(finding.rule, finding.path) for finding in findings(two)] == [
        ("FLD-12", "/lines/0/block"),
        ("FLD-12", "/lines/2/block"),
    ]


SOUND: dict[str, Permit] = {
    "six months to the day": permit(valid_until=date(2026, 9, 1)),
    "six months minus a day": permit(valid_until=date(2026, 8, 31)),
    "end of August to end of February": permit(
        issued_on=date(2025, 8, 31), valid_from=None, valid_until=date(2026, 2, 28)
    ),
    "twelve months for an import permit": permit(type="I", valid_until=date(2027, 3, 1)),
    "one day": permit(valid_until=date(2026, 3, 1)),
    "longer for type O": permit(type="O", subtype="musical-instrument", valid_until=date(2029, 3, 1)),
    "no first day": permit(valid_from=None),
    "multi-use without an importer": permit(multi_use=True, importer=None),
    "multi-use without an exporter": permit(multi_use=True, exporter=None),
    "multi-use within one country": permit(multi_use=True, importer=importer(country="XA")),
    "from the sea without an exporter": permit(type="O", subtype="ifs", exporter=None),
    "from the sea within one country": permit(type="O", subtype="ifs", importer=importer(country="XA")),
    "Namibia": permit(importer=importer(country="NA")),
    "number of 70 characters": permit(number="No. " + "1" * 70),
    "the smallest quantity": permit(line={"quantity": "0.000001"}),
    "zeros at the end": permit(line={"quantity": "12.50000000"}),
    "a quota of which nothing is used": permit(line={"quota": Quota(used="0", annual="10", unit="KGM")}),
    "two sources": permit(line={"sources": ("O", "W")}),
    "dead without conditions": permit(special_conditions=None, line={"term": "SKI"}),
    "live Appendix I with marks": permit(line={"appendix": "I", "sources": ("D",)}),
    "dead Appendix I without marks": permit(line={"appendix": "I", "sources": ("D",), "marks": (), "term": "SKI"}),
    "an export from the country of origin": permit(line={"origin": Origin(country="XA")}),
    "a re-export from elsewhere": permit(type="R", line={"origin": Origin(country="US")}),
    "nothing in box 12": permit(line={"origin": None}),
    "no common name": permit(line={"common_name": None}),
    "a first day after issue": permit(valid_from=date(2026, 5, 1)),
}


@pytest.mark.parametrize("sound", SOUND.values(), ids=SOUND.keys())
def test_what_keeps_the_rules_raises_nothing(sound: Permit) -> None:
    assert findings(sound) == []


@pytest.mark.parametrize(
    ("stamp", "taken", "found"),
    [
        ("XA0012345", True, [("STP-01", Severity.BLOCK)]),
        ("XA0012345", False, []),
        ("XA0012345", None, [("STP-01", Severity.NOT_CHECKED)]),
        (None, None, [("FLD-07", Severity.NOT_CHECKED)]),
    ],
)
def test_a_stamp_is_on_one_document(
    stamp: str | None,
    *,
    taken: bool | None,
    found: list[tuple[str, Severity]],
) -> None:
    result = findings(permit(security_stamp=stamp), stamp_taken=taken)
    assert [(finding.rule, finding.severity) for finding in result] == found


def test_a_line_that_holds_nothing_is_refused_box_by_box() -> None:
    found = {finding.rule for finding in findings(permit(lines=(Line(),))) if finding.severity is Severity.BLOCK}
    assert found == {"FLD-09", "FLD-10", "FLD-11", "FLD-12", "QTY-01"}


def test_only_a_block_refuses() -> None:
    refuse_blocked(findings(permit(special_conditions=None, line={"unit": "BOX"})))
    blocked = findings(permit(purpose=None, special_conditions=None))
    with pytest.raises(RulesBrokenError, match="FLD-06") as refusal:
        refuse_blocked(blocked)
    assert refusal.value.code == "RULES_BROKEN"
    assert [finding.rule for finding in refusal.value.findings] == ["FLD-05", "FLD-06"]


def test_a_finding_prints_what_the_reader_needs() -> None:
    (finding,) = findings(permit(purpose="A"))
    assert finding.to_json() == {
        "rule": "FLD-06",
        "severity": "BLOCK",
        "message": "no such purpose code",
        "box": "5a",
        "path": "/purpose",
        "value": "A",
        "expected": "B, E, G, H, L, M, N, P, Q, S, T, Z",
        "citation": "Res. Conf. 12.3, Annex 1; 50 CFR 23.23",
        "unverified": True,
    }


@pytest.mark.parametrize("mark", ["Hook Reptiles Ltd", "7 Jetty Street", "Liddell Pets SA", "12 Mirror Lane"])
def test_no_finding_shows_a_name_or_an_address(mark: str) -> None:
    shown = [
        text
        for broken, _, _ in BROKEN.values()
        for finding in findings(broken)
        for text in (finding.message, finding.value or "", finding.expected or "")
    ]
    assert not any(mark in text for text in shown)


def test_a_long_value_is_cut() -> None:
    (finding,) = findings(permit(number="1" * 500))
    assert finding.value is not None
    assert len(finding.value) == 80


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 3, 1), 6, date(2026, 9, 1)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(9999, 11, 1), 6, date.max),
    ],
)
def test_months_are_calendar_months(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


def test_every_rule_of_the_ruleset_has_a_case() -> None:
    tested = {rule.split()[0] for _, rule, _ in BROKEN.values()} | {"STP-01"}
    assert tested == set(RULESET.rules)
