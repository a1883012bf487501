"""For each rule about the document itself: permits that break it, and permits that it must pass over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from epix_node.permit.model import Authority, Origin, Permit, Quota, Reference
from epix_node.rules.measure import IssuerMeasures, NationalMeasures
from epix_node.rules.ruleset import Stage
from tests.rules.builders import EXAMPLE, LINE, RULESET, Case, certificate, exporter, importer, permit, reexport

RECEIVED: dict[str, Any] = {"stage": Stage.RECEIPT}
MONDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 6)


def _entered(on: date, **more: Any) -> dict[str, Any]:
    return {"stage": Stage.RECEIPT, "today": date(2026, 12, 1), "entered_on": on, **more}


def _annex(**members: Any) -> Permit:
    reference = Reference(**{"relation": "annex", "number": "26XA000123", "date": EXAMPLE.issued_on, **members})
    return permit(references=(reference,))


def _stamps(*, used: bool) -> Any:
    return RULESET.with_measures(NationalMeasures(issuers={"XA": IssuerMeasures(stamps=used)}))


def _fires(rule: str, broken: Permit, says: str, path: str, **circumstances: Any) -> Case:
    return Case(rule=rule, permit=broken, says=says, path=path, circumstances=circumstances)


def _silent(rule: str, sound: Permit, **circumstances: Any) -> Case:
    return Case(rule=rule, permit=sound, circumstances=circumstances)


CAVIAR = {
    "taxon": "Huso huso",
    "term": "CAV",
    "unit": "KGM",
    "marks": ("HUS/W/XD/2025/0001/0099",),
    "origin": Origin(country="XD", permit="24XD000007", date=date(2024, 9, 1)),
}

FIRES: dict[str, Case] = {
    # Validity and time
    "an export permit for longer than six months": _fires(
        "VAL-01", permit(valid_until=date(2026, 9, 2)), "BLOCK", "/valid_until"
    ),
    "a re-export certificate for longer than six months": _fires(
        "VAL-02", reexport(valid_until=date(2026, 9, 2)), "BLOCK", "/valid_until"
    ),
    "an import permit for longer than twelve months": _fires(
        "VAL-03", permit(type="I", valid_until=date(2027, 3, 2)), "BLOCK", "/valid_until"
    ),
    "a certificate of origin for longer than twelve months": _fires(
        "VAL-04", certificate("origin", valid_until=date(2027, 3, 2)), "BLOCK", "/valid_until"
    ),
    "introduction from the sea for longer than twelve months": _fires(
        "VAL-05", certificate("ifs", valid_until=date(2027, 3, 2)), "BLOCK", "/valid_until"
    ),
    "a travelling exhibition for longer than three years": _fires(
        "VAL-06", certificate("travelling-exhibition", valid_until=date(2029, 3, 2)), "BLOCK", "/valid_until"
    ),
    "a certificate of ownership for longer than three years": _fires(
        "VAL-06", certificate("personal-ownership", valid_until=date(2029, 3, 2)), "BLOCK", "/valid_until"
    ),
    "a musical instrument for longer than three years": _fires(
        "VAL-07", certificate("musical-instrument", valid_until=date(2029, 3, 2)), "BLOCK", "/valid_until"
    ),
    "a musical instrument that is sold": _fires(
        "VAL-07", certificate("musical-instrument", purpose="T"), "BLOCK", "/purpose"
    ),
    "a sample collection for longer than six months": _fires(
        "VAL-08", certificate("sample-collection", valid_until=date(2026, 9, 2)), "BLOCK", "/valid_until"
    ),
    "a sample collection whose carnet nobody knows": _fires(
        "VAL-08", certificate("sample-collection"), "NOT_CHECKED", "/valid_until"
    ),
    "a pre-Convention certificate for longer than three years": _fires(
        "VAL-09", certificate("pre-convention", valid_until=date(2029, 3, 2)), "WARN", "/valid_until"
    ),
    "a captive-bred certificate for longer than three years, received": _fires(
        "VAL-09", certificate("captive-bred", valid_until=date(2029, 3, 2)), "INFO", "/valid_until", **RECEIVED
    ),
    "issued tomorrow": _fires("VAL-12", EXAMPLE, "REFER", "/issued_on", today=date(2026, 2, 28)),
    "received two days before its issue": _fires(
        "VAL-12", EXAMPLE, "REFER", "/issued_on", **_entered(date(2026, 2, 27))
    ),
    "valid before its issue": _fires("VAL-12", permit(valid_from=date(2026, 2, 28)), "REFER", "/valid_from"),
    "entered on the fourth working day after issue": _fires(
        "VAL-12", permit(issued_on=MONDAY, valid_from=None), "REFER", "/issued_on", **_entered(FRIDAY)
    ),
    "nobody knows when it was entered": _fires("VAL-12", EXAMPLE, "NOT_CHECKED", "/issued_on", **RECEIVED),
    "a live pet on its way to a Party that takes no such certificates": _fires(
        "VAL-15", certificate("personal-ownership", importer=importer(country="JP")), "REFER", "/importer/country"
    ),
    "a live pet on its way through such a Party": _fires(
        "VAL-15", certificate("personal-ownership", transit=("XC", "TH")), "REFER", "/transit/1"
    ),
    "a live pet on its way to nobody knows where": _fires(
        "VAL-15",
        certificate("personal-ownership", importer=None, transit=(), multi_use=True),
        "NOT_CHECKED",
        "/importer/country",
    ),
    # Boxes of the form
    "unknown type": _fires("FLD-01", permit(type="X"), "BLOCK", "/type"),
    "type in lower case": _fires("FLD-01", permit(type="e"), "BLOCK", "/type"),
    "O without a subtype": _fires("FLD-01", permit(type="O"), "BLOCK", "/subtype"),
    "O with an unknown subtype": _fires("FLD-01", permit(type="O", subtype="zoo"), "BLOCK", "/subtype"),
    "a subtype on an export permit": _fires("FLD-01", permit(subtype="ifs"), "BLOCK", "/subtype"),
    "number of 71 characters": _fires("FLD-01", permit(number="1" * 71), "BLOCK", "/number"),
    "number that is only its introduction": _fires("FLD-01", permit(number="No."), "BLOCK", "/number"),
    "unknown relation": _fires(
        "FLD-01", permit(references=(Reference(relation="cousin"),)), "BLOCK", "/references/0/relation"
    ),
    "unknown issuer of a reference": _fires("FLD-01", _annex(issuer="QQQ"), "BLOCK", "/references/0/issuer"),
    "no last day": _fires("FLD-02", permit(valid_until=None), "BLOCK", "/valid_until"),
    "last day before the first": _fires("FLD-02", permit(valid_from=date(2026, 9, 1)), "BLOCK", "/valid_until"),
    "last day before issue": _fires(
        "FLD-02", permit(valid_from=None, valid_until=date(2026, 2, 28)), "BLOCK", "/valid_until"
    ),
    "importer without a name": _fires("FLD-03", permit(importer=importer(name=None)), "BLOCK", "/importer/name"),
    "importer without an address": _fires(
        "FLD-03", permit(importer=importer(address=None)), "BLOCK", "/importer/address"
    ),
    "importer without a country": _fires(
        "FLD-03", permit(importer=importer(country=None)), "BLOCK", "/importer/country"
    ),
    "importer in no country": _fires("FLD-03", permit(importer=importer(country="UK")), "BLOCK", "/importer/country"),
    "multi-use importer in no country": _fires(
        "FLD-03", permit(multi_use=True, importer=importer(country="UK")), "BLOCK", "/importer/country"
    ),
    "transit through no country": _fires("FLD-03", permit(transit=("XC", "QL")), "BLOCK", "/transit/1"),
    "exporter without a name": _fires("FLD-04", permit(exporter=exporter(name=None)), "BLOCK", "/exporter/name"),
    "exporter without an address": _fires(
        "FLD-04", permit(exporter=exporter(address=None)), "BLOCK", "/exporter/address"
    ),
    "exporter without a country": _fires(
        "FLD-04", permit(exporter=exporter(country=None)), "BLOCK", "/exporter/country"
    ),
    "exporter in no country": _fires("FLD-04", permit(exporter=exporter(country="xa")), "BLOCK", "/exporter/country"),
    "live without conditions": _fires("FLD-05", permit(special_conditions=None), "WARN", "/special_conditions"),
    "no purpose": _fires("FLD-06", permit(purpose=None), "BLOCK", "/purpose"),
    "unknown purpose": _fires("FLD-06", permit(purpose="A"), "BLOCK", "/purpose"),
    "no stamp of an unknown issuer": _fires("FLD-07", permit(security_stamp=None), "NOT_CHECKED", "/security_stamp"),
    "no stamp of an issuer that uses stamps": Case(
        rule="FLD-07",
        permit=permit(security_stamp=None),
        says="REFER",
        path="/security_stamp",
        ruleset=_stamps(used=True),
    ),
    "no authority": _fires("FLD-08", permit(authority=Authority(place="Northport")), "BLOCK", "/authority/name"),
    "unknown issuer": _fires("FLD-08", permit(issuer="QL"), "BLOCK", "/issuer"),
    "no taxon": _fires("FLD-09", permit(line={"taxon": None}), "BLOCK", "/lines/0/taxon"),
    "no term": _fires("FLD-10", permit(line={"term": None}), "BLOCK", "/lines/0/term"),
    "unknown term": _fires("FLD-10", permit(line={"term": "ZZZ"}), "BLOCK", "/lines/0/term"),
    "historical term": _fires("FLD-10", permit(line={"term": "LEA"}), "WARN", "/lines/0/term"),
    "live Appendix I without marks": _fires(
        "FLD-10",
        permit(line={"appendix": "I", "sources": ("D",), "marks": ()}),
        "WARN",
        "/lines/0/marks",
    ),
    "no appendix": _fires("FLD-11", permit(line={"appendix": None}), "BLOCK", "/lines/0/appendix"),
    "unknown appendix": _fires("FLD-11", permit(line={"appendix": "IV"}), "BLOCK", "/lines/0/appendix"),
    "no source": _fires("FLD-11", permit(line={"sources": ()}), "BLOCK", "/lines/0/sources"),
    "unknown second source": _fires("FLD-11", permit(line={"sources": ("O", "B")}), "BLOCK", "/lines/0/sources/1"),
    "no quantity": _fires("FLD-12", permit(line={"quantity": None}), "BLOCK", "/lines/0/quantity"),
    "no unit": _fires("FLD-12", permit(line={"unit": None}), "BLOCK", "/lines/0/unit"),
    "unknown unit": _fires("FLD-12", permit(line={"unit": "KIL"}), "BLOCK", "/lines/0/unit"),
    "unknown unit of the quota": _fires(
        "FLD-12", permit(line={"quota": Quota(annual="5", unit="KIL")}), "BLOCK", "/lines/0/quota/unit"
    ),
    "no block": _fires("FLD-12", permit(line={"block": None}), "BLOCK", "/lines/0/block"),
    "two lines of one block": _fires("FLD-12", permit(lines=(LINE, LINE)), "BLOCK", "/lines/1/block"),
    "no date of issue": _fires("FLD-14", permit(issued_on=None), "BLOCK", "/issued_on"),
    "no place of issue": _fires("FLD-14", permit(authority=Authority(name="MA")), "WARN", "/authority/place"),
    "an annex without a number": _fires("FLD-15", _annex(number=None), "REFER", "/references/0/number"),
    "an annex of another permit": _fires("FLD-15", _annex(number="26XA000124"), "REFER", "/references/0/number"),
    "an annex without a date": _fires("FLD-15", _annex(date=None), "REFER", "/references/0/date"),
    "an annex of another day": _fires("FLD-15", _annex(date=date(2026, 3, 2)), "REFER", "/references/0/date"),
    "a number of another form": _fires("FLD-16", permit(number="EX2026/011"), "WARN", "/number"),
    "a number of another year": _fires("FLD-16", permit(number="25XA000123"), "WARN", "/number"),
    "a number of another country": _fires("FLD-16", permit(number="26XB000123"), "WARN", "/number"),
    # Quantities
    "an empty box 11": _fires("QTY-01", permit(line={"quantity": None}), "BLOCK", "/lines/0/quantity"),
    "quantity of 0": _fires("QTY-01", permit(line={"quantity": "0"}), "BLOCK", "/lines/0/quantity"),
    "quantity of 0.000000": _fires("QTY-01", permit(line={"quantity": "0.000000"}), "BLOCK", "/lines/0/quantity"),
    "quantity below 0": _fires("QTY-01", permit(line={"quantity": "-1"}), "BLOCK", "/lines/0/quantity"),
    "quantity in words": _fires("QTY-01", permit(line={"quantity": "twelve"}), "BLOCK", "/lines/0/quantity"),
    "quantity with a comma": _fires("QTY-01", permit(line={"quantity": "12,5"}), "BLOCK", "/lines/0/quantity"),
    "quantity of seven decimals": _fires(
        "QTY-01", permit(line={"quantity": "0.1234567"}), "BLOCK", "/lines/0/quantity"
    ),
    "quantity beyond all sense": _fires("QTY-01", permit(line={"quantity": "9" * 30}), "BLOCK", "/lines/0/quantity"),
    "quantity too small to count": _fires(
        "QTY-01", permit(line={"quantity": "0.1", "unit": "MYG"}), "BLOCK", "/lines/0/quantity"
    ),
    "quota in words": _fires("QTY-01", permit(line={"quota": Quota(used="none")}), "BLOCK", "/lines/0/quota/used"),
    "quota below 0": _fires("QTY-01", permit(line={"quota": Quota(annual="-1")}), "BLOCK", "/lines/0/quota/annual"),
    "historical unit": _fires("QTY-02", permit(line={"unit": "BOX"}), "REFER", "/lines/0/unit"),
    "half a live snake": _fires("QTY-04", permit(line={"quantity": "12.5"}), "WARN", "/lines/0/quantity"),
    "live snakes by weight": _fires("QTY-04", permit(line={"unit": "KGM"}), "WARN", "/lines/0/unit"),
    "something alive by weight": _fires(
        "QTY-04", permit(line={"taxon": "Nemo nemini", "unit": "KGM"}), "NOT_CHECKED", "/lines/0/unit"
    ),
    # Parties
    "a permit of no Party that says nothing": _fires(
        "PTY-01",
        permit(issuer="KP", number="26KP000123", special_conditions=None),
        "BLOCK",
        "/special_conditions",
    ),
    "a permit of no Party that says something": _fires("PTY-01", permit(issuer="KP"), "REFER", "/special_conditions"),
    "a permit of a country that joined later": _fires(
        "PTY-01",
        permit(issuer="AD", issued_on=date(2021, 12, 1), special_conditions=None),
        "BLOCK",
        "/special_conditions",
    ),
    "a permit of Antarctica": _fires("PTY-01", permit(issuer="AQ"), "NOT_CHECKED", "/issuer"),
    "exporter and importer in one country": _fires(
        "PTY-02", permit(importer=importer(country="XA")), "BLOCK", "/importer/country"
    ),
    "re-export from the country of origin": _fires("PTY-02", permit(type="R"), "REFER", "/lines/0/origin/country"),
    # Re-export
    "a re-export without a country of origin": _fires(
        "RXP-01",
        reexport(line={"origin": Origin(permit="25XD000007", date=date(2025, 11, 3))}, special_conditions=None),
        "BLOCK",
        "/lines/0/origin/country",
    ),
    "a re-export without anything in box 12": _fires(
        "RXP-01", reexport(line={"origin": None}, special_conditions=None), "BLOCK", "/lines/0/origin/permit"
    ),
    "a re-export without a permit of origin, received": _fires(
        "RXP-01",
        reexport(line={"origin": Origin(country="XD", date=date(2025, 11, 3))}, special_conditions=None),
        "REFER",
        "/lines/0/origin/permit",
        **RECEIVED,
    ),
    "a re-export with an undated permit of origin that somebody justified": _fires(
        "RXP-01",
        reexport(line={"origin": Origin(country="XD", permit="25XD000007")}),
        "WARN",
        "/lines/0/origin/date",
    ),
    "a re-export through another country without its certificate": _fires(
        "RXP-01",
        reexport(line={"last_reexport": Origin(country="XE")}, special_conditions=None),
        "BLOCK",
        "/lines/0/last_reexport/permit",
    ),
    "unknown country of origin": _fires(
        "RXP-01", permit(line={"origin": Origin(country="QL")}), "BLOCK", "/lines/0/origin/country"
    ),
    "unknown country of last re-export": _fires(
        "RXP-01", permit(line={"last_reexport": Origin(country="QL")}), "BLOCK", "/lines/0/last_reexport/country"
    ),
    "a permit of origin younger than the re-export": _fires(
        "RXP-02",
        reexport(line={"origin": Origin(country="XD", permit="26XD000007", date=date(2026, 3, 2))}),
        "BLOCK",
        "/lines/0/origin/date",
    ),
    "a last re-export younger than this one": _fires(
        "RXP-02",
        reexport(line={"last_reexport": Origin(country="XE", permit="26XE000007", date=date(2026, 3, 2))}),
        "BLOCK",
        "/lines/0/last_reexport/date",
    ),
    "caviar after eighteen months and a day": _fires(
        "RXP-05", reexport(line=CAVIAR, issued_on=date(2026, 3, 2)), "BLOCK", "/lines/0/origin/date"
    ),
    "caviar without a label": _fires("RXP-05", reexport(line={**CAVIAR, "marks": ()}), "BLOCK", "/lines/0/marks"),
    "caviar of unknown age": _fires(
        "RXP-05", reexport(line={**CAVIAR, "origin": Origin(country="XD")}), "NOT_CHECKED", "/lines/0/origin/date"
    ),
    # Papers
    "a copy that is issued": _fires("END-09", permit(copy=True), "WARN", "/copy"),
    "a copy that arrives": _fires("END-09", permit(copy=True, special_conditions=None), "BLOCK", "/copy", **RECEIVED),
    "a copy that arrives and says something": _fires("END-09", permit(copy=True), "REFER", "/copy", **RECEIVED),
    "a replacement without a reason": _fires(
        "DOC-01", permit(replaces="26XA000001", special_conditions=None), "BLOCK", "/special_conditions"
    ),
    "a replacement without a reason, received": _fires(
        "DOC-01", permit(replaces="26XA000001", special_conditions=None), "REFER", "/special_conditions", **RECEIVED
    ),
    "Appendix I in retrospect": _fires(
        "RET-02", permit(retrospective=True, line={"appendix": "I"}), "BLOCK", "/lines/0/appendix"
    ),
    "in retrospect without saying so": _fires("RET-03", permit(retrospective=True), "REFER", "/special_conditions"),
    "in retrospect and saying so": _fires(
        "RET-03",
        permit(retrospective=True, special_conditions="Délivré rétrospectivement: bagages perdus."),
        "NOT_CHECKED",
        "/special_conditions",
    ),
    # Stamps
    "a stamp on two documents": _fires("STP-01", EXAMPLE, "BLOCK", "/security_stamp", stamp_taken=True),
    "a stamp that nobody looked up": _fires("STP-01", EXAMPLE, "NOT_CHECKED", "/security_stamp", stamp_taken=None),
}

SILENT: dict[str, Case] = {
    # Validity and time
    "six months to the day": _silent("VAL-01", permit(valid_until=date(2026, 9, 1))),
    "six months minus a day": _silent("VAL-01", permit(valid_until=date(2026, 8, 31))),
    "end of August to end of February": _silent(
        "VAL-01", permit(issued_on=date(2025, 8, 31), valid_from=None, valid_until=date(2026, 2, 28))
    ),
    "one day": _silent("VAL-01", permit(valid_until=date(2026, 3, 1))),
    "six months for a re-export": _silent("VAL-02", reexport(valid_until=date(2026, 9, 1))),
    "twelve months for an import permit": _silent("VAL-03", permit(type="I", valid_until=date(2027, 3, 1))),
    "twelve months for a certificate of origin": _silent("VAL-04", certificate("origin", valid_until=date(2027, 3, 1))),
    "twelve months from the sea": _silent("VAL-05", certificate("ifs", valid_until=date(2027, 3, 1))),
    "three years for an exhibition": _silent(
        "VAL-06", certificate("travelling-exhibition", valid_until=date(2029, 3, 1))
    ),
    "three years for an instrument that is not sold": _silent(
        "VAL-07", certificate("musical-instrument", valid_until=date(2029, 3, 1))
    ),
    "seven months for another document": _silent("VAL-08", certificate("other", valid_until=date(2026, 10, 1))),
    "three years for a pre-Convention certificate": _silent(
        "VAL-09", certificate("pre-convention", valid_until=date(2029, 3, 1))
    ),
    "entered on the third working day": _silent(
        "VAL-12", permit(issued_on=MONDAY, valid_from=None), **_entered(date(2026, 3, 5))
    ),
    "entered on the third working day after a week-end": _silent(
        "VAL-12", permit(issued_on=FRIDAY, valid_from=None), **_entered(date(2026, 3, 11))
    ),
    "entered years later, and marked as legacy": _silent("VAL-12", permit(legacy=True), **_entered(date(2028, 1, 1))),
    "issued where it is already tomorrow": _silent("VAL-12", EXAMPLE, **_entered(date(2026, 2, 28))),
    "valid from a later day": _silent("VAL-12", permit(valid_from=date(2026, 5, 1))),
    "issued months before it is published": _silent("VAL-12", EXAMPLE, today=date(2026, 7, 1)),
    "a live pet on its way to another Party": _silent("VAL-15", certificate("personal-ownership")),
    "a dead pet on its way to Japan": _silent(
        "VAL-15", certificate("personal-ownership", line={"term": "BOD"}, importer=importer(country="JP"))
    ),
    "live exports to Japan": _silent("VAL-15", permit(importer=importer(country="JP"))),
    # Boxes of the form
    "number of 70 characters": _silent("FLD-01", permit(number="No. " + "1" * 70)),
    "a known subtype": _silent("FLD-01", certificate("origin")),
    "no first day": _silent("FLD-02", permit(valid_from=None)),
    "multi-use without an importer": _silent("FLD-03", permit(multi_use=True, importer=None)),
    "Namibia": _silent("FLD-03", permit(importer=importer(country="NA"))),
    "multi-use without an exporter": _silent("FLD-04", permit(multi_use=True, exporter=None)),
    "from the sea without an exporter": _silent("FLD-04", certificate("ifs", exporter=None)),
    "dead without conditions": _silent("FLD-05", permit(special_conditions=None, line={"term": "SKI"})),
    "a known purpose": _silent("FLD-06", permit(purpose="Z")),
    "no stamp of an issuer that uses none": Case(
        rule="FLD-07", permit=permit(security_stamp=None), ruleset=_stamps(used=False)
    ),
    "a stamp of an issuer that uses stamps": Case(rule="FLD-07", permit=EXAMPLE, ruleset=_stamps(used=True)),
    "an authority without a signatory": _silent("FLD-08", permit(authority=Authority(name="MA", place="Port"))),
    "no common name": _silent("FLD-09", permit(line={"common_name": None})),
    "live Appendix I with marks": _silent("FLD-10", permit(line={"appendix": "I", "sources": ("D",)})),
    "dead Appendix I without marks": _silent(
        "FLD-10", permit(line={"appendix": "I", "sources": ("D",), "marks": (), "term": "SKI"})
    ),
    "two sources": _silent("FLD-11", permit(line={"sources": ("O", "W")})),
    "a line for each block": _silent("FLD-12", permit(lines=(LINE, replace(LINE, block="B")))),
    "a date and a place": _silent("FLD-14", EXAMPLE),
    "an annex with the permit's number and date": _silent("FLD-15", _annex()),
    "the second page of the permit": _silent("FLD-15", _annex(number="No. 26XA000123 - 2")),
    "another document": _silent("FLD-15", permit(references=(Reference(relation="export-permit"),))),
    "a number for national use": _silent("FLD-16", permit(number="26xa000123/7C")),
    "a number of a territory's Party": _silent("FLD-16", permit(number="26DK000123", issuer="GL")),
    # Quantities
    "the smallest quantity": _silent("QTY-01", permit(line={"quantity": "0.000001"})),
    "zeros at the end": _silent("QTY-01", permit(line={"quantity": "12.50000000"})),
    "a part of what was asked for": _silent("QTY-01", permit(line={"quantity": "12.5", "unit": "KGM"})),
    "a quota of which nothing is used": _silent(
        "QTY-01", permit(line={"quota": Quota(used="0", annual="10", unit="KGM")})
    ),
    "a unit of today": _silent("QTY-02", permit(line={"unit": "MTQ"})),
    "whole snakes with a decimal": _silent("QTY-04", permit(line={"quantity": "12.0"})),
    "dead snakes by weight": _silent("QTY-04", permit(line={"unit": "KGM", "term": "MEA"})),
    "live eels by weight": _silent("QTY-04", permit(line={"taxon": "Anguilla anguilla", "unit": "KGM"})),
    "live animals in boxes": _silent("QTY-04", permit(line={"unit": "BOX"})),
    # Parties
    "a Party": _silent("PTY-01", permit(issuer="CH", special_conditions=None)),
    "a Party's territory": _silent("PTY-01", permit(issuer="GL", special_conditions=None)),
    "a fictional Party": _silent("PTY-01", permit(special_conditions=None)),
    "multi-use within one country": _silent("PTY-02", permit(multi_use=True, importer=importer(country="XA"))),
    "from the sea within one country": _silent("PTY-02", certificate("ifs", importer=importer(country="XA"))),
    "an export from the country of origin": _silent("PTY-02", permit(line={"origin": Origin(country="XA")})),
    # Re-export
    "a re-export with all of box 12": _silent("RXP-01", reexport(special_conditions=None)),
    "a re-export through the country of origin": _silent(
        "RXP-01", reexport(line={"last_reexport": Origin(country="XD")}, special_conditions=None)
    ),
    "goods from the high seas": _silent(
        "RXP-01", reexport(line={"origin": Origin(country="HS", permit="1", date=date(2025, 1, 1))})
    ),
    "an export with nothing in box 12": _silent("RXP-01", permit(line={"origin": None}, special_conditions=None)),
    "a permit of origin of the same day": _silent(
        "RXP-02", reexport(line={"origin": Origin(country="XD", permit="1", date=EXAMPLE.issued_on)})
    ),
    "caviar after eighteen months": _silent("RXP-05", reexport(line=CAVIAR)),
    "caviar whose label is in the description": _silent(
        "RXP-05", reexport(line={**CAVIAR, "marks": (), "description": "tins, hus/w/xd/2025/0001/0099"})
    ),
    "the first export of caviar": _silent("RXP-05", permit(line={**CAVIAR, "marks": ()})),
    # Papers and stamps
    "the original": _silent("END-09", EXAMPLE, **RECEIVED),
    "a replacement with a reason": _silent(
        "DOC-01", permit(replaces="26XA000001", special_conditions="Replaces 26XA000001, lost in the post.")
    ),
    "Appendix II in retrospect": _silent("RET-02", permit(retrospective=True)),
    "not in retrospect": _silent("RET-03", permit(special_conditions="Retrospective exhibition of a painter.")),
    "a stamp of its own": _silent("STP-01", EXAMPLE),
    "no stamp at all": _silent("STP-01", permit(security_stamp=None), stamp_taken=None),
}
