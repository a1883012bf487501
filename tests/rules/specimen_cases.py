"""For each rule that rests on reference data: permits that break it, and permits that it must pass over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from epix_node.permit.model import Origin, Permit, PermitType, Quota, Reference
from epix_node.rules.ruleset import Stage
from tests.rules.builders import LINE, Case, exporter, importer, permit
from tests.rules.shelves import catalogue

ISSUED_ON = date(2026, 3, 1)
IMPORT_PERMIT = Reference(relation="import-permit", issuer="CH", number="26CH000001", date=date(2026, 2, 1))


def goods(taxon: str, appendix: str = "II", sources: str = "W", **members: Any) -> dict[str, Any]:
    """A line; ``sources`` are letters."""
    return {"taxon": taxon, "appendix": appendix, "sources": tuple(sources), "quota": None, "origin": None, **members}


def trade(
    line: dict[str, Any], *more: dict[str, Any], leaves: str = "GH", enters: str = "CH", **changes: Any
) -> Permit:
    """An export permit between two countries, or another document of theirs, for these lines."""
    is_import = changes.get("type") == PermitType.IMPORT
    lines = tuple(replace(LINE, block="ABCD"[place], **members) for place, members in enumerate((line, *more)))
    return permit(
        **{
            "issuer": enters if is_import else leaves,
            "exporter": exporter(country=leaves),
            "importer": importer(country=enters),
            "references": (IMPORT_PERMIT,),
            "lines": lines,
            **changes,
        }
    )


def fires(rule: str, broken: Permit, says: str, path: str, **circumstances: Any) -> Case:
    return Case(
        rule=rule, permit=broken, says=says, path=path, circumstances={"catalogue": catalogue(), **circumstances}
    )


def silent(rule: str, sound: Permit, **circumstances: Any) -> Case:
    return Case(rule=rule, permit=sound, circumstances={"catalogue": catalogue(), **circumstances})


RECEIVED: dict[str, Any] = {"stage": Stage.RECEIPT}
PYTHON, TIGER, PARROT = goods("Python regius"), goods("Panthera tigris", "I"), goods("Psittacus erithacus", "I")
ROSEWOOD = goods("Dalbergia retusa", term="LOG", unit="MTQ")
CROCODILE = goods("Crocodylus siamensis", "I", "D", operation_number="A-TH-501")
WHALE = goods("Balaenoptera physalus", "I", "X", term="MEA", unit="KGM")
QUOTA = Quota(used="60", annual="100", unit="NAR")


def ifs(line: dict[str, Any], **changes: Any) -> Permit:
    return trade(line, **{"type": "O", "subtype": "ifs", "leaves": "IS", "enters": "IS", **changes})


FIRES: dict[str, Case] = {
    # Names, terms and units
    "snakes named by genus": fires("FLD-17", trade(goods("Python spp.")), "REFER", "/lines/0/taxon"),
    "wild timber named by genus": fires(
        "FLD-17", trade(goods("Dalbergia", term="LOG"), leaves="MX"), "REFER", "/lines/0/taxon"
    ),
    "feathers by volume": fires("QTY-03", trade({**PARROT, "term": "FEA", "unit": "MTQ"}), "WARN", "/lines/0/unit"),
    "ivory of a parrot": fires("QTY-05", trade({**PARROT, "term": "TUS"}), "BLOCK", "/lines/0/term"),
    "feathers of a snake": fires("QTY-05", trade({**PYTHON, "term": "FEA"}), "BLOCK", "/lines/0/term"),
    "logs of a tiger": fires("QTY-05", trade({**TIGER, "term": "LOG"}), "BLOCK", "/lines/0/term"),
    "live animals for forensics": fires("QTY-06", trade(PYTHON, purpose="L"), "WARN", "/purpose"),
    # Sources
    "an animal artificially propagated": fires(
        "SRC-01", trade(goods("Python regius", sources="A")), "BLOCK", "/lines/0/sources/0"
    ),
    "a plant bred in captivity": fires("SRC-01", trade({**ROSEWOOD, "sources": ("C",)}), "BLOCK", "/lines/0/sources/0"),
    "a ranched plant, second code": fires(
        "SRC-01", trade({**ROSEWOOD, "sources": ("O", "R")}), "BLOCK", "/lines/0/sources/1"
    ),
    "a plant born in captivity": fires("SRC-02", trade({**ROSEWOOD, "sources": ("F",)}), "BLOCK", "/lines/0/sources/0"),
    "an animal of assisted production": fires(
        "SRC-02", trade(goods("Python regius", sources="Y")), "BLOCK", "/lines/0/sources/0"
    ),
    "D in Appendix II": fires("SRC-03", trade(goods("Python regius", sources="D")), "BLOCK", "/lines/0/sources"),
    "O alone": fires("SRC-04", trade(goods("Python regius", sources="O")), "REFER", "/lines/0/sources"),
    "O alone, received": fires(
        "SRC-04", trade(goods("Python regius", sources="O")), "WARN", "/lines/0/sources", **RECEIVED
    ),
    "I alone": fires("SRC-05", trade(goods("Python regius", sources="I")), "WARN", "/lines/0/sources"),
    "U without a word": fires(
        "SRC-06", trade(goods("Python regius", sources="U"), special_conditions=None), "REFER", "/lines/0/sources"
    ),
    "D without an operation": fires(
        "SRC-07",
        trade({**CROCODILE, "operation_number": None}, leaves="TH"),
        "BLOCK",
        "/lines/0/operation_number",
    ),
    "D with a farm's own number": fires(
        "SRC-07",
        trade({**CROCODILE, "operation_number": "FARM 12"}, leaves="TH"),
        "BLOCK",
        "/lines/0/operation_number",
    ),
    "D from an operation elsewhere": fires(
        "SRC-07", trade(CROCODILE, leaves="ID"), "BLOCK", "/lines/0/operation_number"
    ),
    "D from an operation for another species": fires(
        "SRC-07",
        trade({**CROCODILE, "operation_number": "A-TH-599"}, leaves="TH"),
        "BLOCK",
        "/lines/0/operation_number",
    ),
    "D from an unknown operation, received, by an old register": fires(
        "SRC-07",
        trade({**CROCODILE, "operation_number": "A-TH-599"}, leaves="TH"),
        "REFER",
        "/lines/0/operation_number",
        **RECEIVED,
    ),
    "D from an unknown operation, received, by a new register": fires(
        "SRC-07",
        trade({**CROCODILE, "operation_number": "A-TH-599"}, leaves="TH"),
        "BLOCK",
        "/lines/0/operation_number",
        **RECEIVED,
        today=date(2026, 1, 31),
    ),
    "no register": fires(
        "SRC-07",
        trade(CROCODILE, leaves="TH"),
        "NOT_CHECKED",
        "/lines/0/operation_number",
        catalogue=None,
    ),
    "wild tigers of Kenya": fires("SRC-08", trade(TIGER, leaves="KE"), "BLOCK", "/lines/0/origin/country"),
    "wild tigers of Kenya, received": fires(
        "SRC-08", trade(TIGER, leaves="KE"), "REFER", "/lines/0/origin/country", **RECEIVED
    ),
    "wild tigers re-exported as of Kenya": fires(
        "SRC-08",
        trade({**TIGER, "origin": Origin(country="KE")}, leaves="TH", type="R"),
        "BLOCK",
        "/lines/0/origin/country",
    ),
    "tigers bred in Kenya": fires(
        "SRC-09", trade({**TIGER, "sources": ("C",)}, leaves="KE"), "WARN", "/lines/0/origin/country"
    ),
    # Appendices
    "a tiger as Appendix II": fires(
        "APP-01", trade(goods("Panthera tigris", "II"), leaves="IN"), "BLOCK", "/lines/0/appendix"
    ),
    "a tiger as Appendix II, received": fires(
        "APP-01", trade(goods("Panthera tigris", "II"), leaves="IN"), "REFER", "/lines/0/appendix", **RECEIVED
    ),
    "a snake as Appendix I": fires("APP-01", trade(goods("Python regius", "I")), "BLOCK", "/lines/0/appendix"),
    "wild Appendix I imported for trade": fires(
        "APP-02", trade(TIGER, leaves="IN", type="I"), "BLOCK", "/lines/0/sources"
    ),
    "wild Appendix I exported for trade": fires("APP-02", trade(TIGER, leaves="IN"), "REFER", "/lines/0/sources"),
    "bred Appendix I animals for trade": fires(
        "APP-03", trade({**TIGER, "sources": ("C",)}, leaves="IN"), "REFER", "/lines/0/sources"
    ),
    "propagated Appendix I plants for trade": fires(
        "APP-04", trade(goods("Paphiopedilum delenatii", "I", "A"), leaves="VN"), "REFER", "/lines/0/sources"
    ),
    "Appendix I exported without an import permit": fires(
        "APP-05", trade(TIGER, leaves="IN", references=(), purpose="Z"), "REFER", "/references"
    ),
    "Appendix I exported before the import permit": fires(
        "APP-05",
        trade(TIGER, leaves="IN", references=(replace(IMPORT_PERMIT, date=date(2026, 3, 2)),), purpose="Z"),
        "REFER",
        "/references",
    ),
    "live Appendix I re-exported without an import permit": fires(
        "APP-06",
        trade({**TIGER, "origin": Origin(country="IN")}, type="R", references=(), purpose="Z"),
        "REFER",
        "/references",
    ),
    # Purposes
    "meat as a trophy is a part, coral is none": fires(
        "PUR-01", trade(goods("Acropora", term="COR"), purpose="H"), "WARN", "/lines/0/term"
    ),
    "skins of three animals for a hunter": fires(
        "PUR-01",
        trade({**TIGER, "term": "SKI", "quantity": "3"}, leaves="IN", purpose="H"),
        "WARN",
        "/lines/0/quantity",
    ),
    "a trophy for trade": fires("PUR-02", trade({**TIGER, "term": "TRO"}, leaves="IN"), "WARN", "/purpose"),
    "a kilogram of caviar for oneself": fires(
        "PUR-03",
        trade(goods("Huso huso", term="CAV", quantity="1", unit="KGM"), leaves="RU", purpose="P"),
        "REFER",
        "/lines/0/quantity",
    ),
    # Pre-Convention
    "pre-Convention without a date": fires(
        "PRE-01", trade(goods("Python regius", sources="OW")), "BLOCK", "/lines/0/acquired_on"
    ),
    "a pre-Convention certificate without a date": fires(
        "PRE-01",
        trade(PYTHON, type="O", subtype="pre-convention", special_conditions=None),
        "BLOCK",
        "/lines/0/acquired_on",
    ),
    "acquired on the day of the first listing": fires(
        "PRE-02",
        trade(goods("Python regius", sources="OW", acquired_on=date(1975, 7, 1))),
        "BLOCK",
        "/lines/0/acquired_on",
    ),
    "acquired between the first listing and that in I": fires(
        "PRE-02",
        trade(goods("Psittacus erithacus", "I", "OW", acquired_on=date(1999, 1, 1))),
        "BLOCK",
        "/lines/0/acquired_on",
    ),
    "certified before a day after the first listing": fires(
        "PRE-03",
        trade(goods("Python regius", sources="OW"), special_conditions="Acquired before 1980-01-01."),
        "REFER",
        "/lines/0/acquired_on",
    ),
    # The sea
    "source X on an import permit": fires("IFS-01", trade(WHALE, leaves="IS", type="I"), "REFER", "/lines/0/sources"),
    "introduction of Appendix III": fires(
        "IFS-02", ifs(goods("Odobenus rosmarus", "III", "X", term="TUS")), "BLOCK", "/lines/0/appendix"
    ),
    "introduction of Appendix I for trade": fires(
        "IFS-02", ifs(WHALE, leaves="NO", enters="NO"), "BLOCK", "/lines/0/appendix"
    ),
    "a tiger from the sea": fires("IFS-03", ifs(goods("Panthera tigris", "I", "X")), "BLOCK", "/lines/0/sources"),
    # Suspensions and quotas
    "parrots of a suspended country": fires("SUS-01", trade(PARROT, leaves="CD"), "BLOCK", "/lines/0/taxon"),
    "tigers under a national ban": fires(
        "SUS-01", trade({**TIGER, "sources": ("C",)}, leaves="IN"), "WARN", "/lines/0/taxon"
    ),
    "an issuer without annual reports": fires("SUS-02", trade(PYTHON, leaves="DJ"), "REFER", "/issuer"),
    "a quota, and an empty box 11a": fires("FLD-13", trade(PYTHON), "REFER", "/lines/0/quota"),
    "alone above the quota": fires("QUO-01", trade({**PYTHON, "quantity": "101"}), "BLOCK", "/lines/0/quantity"),
    "by box 11a above the quota": fires(
        "QUO-01", trade({**PYTHON, "quota": Quota(used="101", annual="200")}), "BLOCK", "/lines/0/quantity"
    ),
    "any wild snake above a quota of zero": fires(
        "QUO-01", trade(goods("Python sebae", quantity="1")), "BLOCK", "/lines/0/quantity"
    ),
    "box 11a above its own quota": fires(
        "QUO-02", trade({**PYTHON, "quota": Quota(used="101", annual="100")}), "BLOCK", "/lines/0/quota/used"
    ),
    "above another Party's quota": fires(
        "QUO-03", trade({**PYTHON, "quantity": "101"}), "REFER", "/lines/0/quantity", **RECEIVED
    ),
    # Annotations
    "chips of mahogany": fires(
        "ANN-02", trade(goods("Swietenia macrophylla", term="CHP"), leaves="BR"), "WARN", "/lines/0/term"
    ),
    "seeds of rosewood": fires("ANN-02", trade({**ROSEWOOD, "term": "SEE"}, leaves="MX"), "WARN", "/lines/0/term"),
    "powder of ginseng": fires(
        "ANN-02", trade(goods("Panax quinquefolius", term="POW"), leaves="US"), "WARN", "/lines/0/term"
    ),
    "re-exported bows": fires(
        "ANN-02",
        trade(goods("Paubrasilia echinata", term="WPR", origin=Origin(country="BR")), type="R"),
        "WARN",
        "/lines/0/term",
    ),
}

SILENT: dict[str, Case] = {
    "a species": silent("FLD-17", trade(PYTHON)),
    "a synonym of a species": silent("FLD-17", trade(goods("Felis tigris", "I"), leaves="IN")),
    "coral by genus": silent("FLD-17", trade(goods("Acropora", term="COR"))),
    "propagated plants by genus": silent("FLD-17", trade(goods("Dalbergia", sources="A", term="LIV"), leaves="MX")),
    "live snakes in number": silent("QTY-03", trade(PYTHON)),
    "an old unit": silent("QTY-03", trade({**PYTHON, "unit": "BOX"})),
    "a tusk of an elephant": silent("QTY-05", trade(goods("Loxodonta africana", term="TUS"), leaves="BW")),
    "live animals for trade": silent("QTY-06", trade(PYTHON)),
    "a plant artificially propagated": silent("SRC-01", trade({**ROSEWOOD, "sources": ("A",)}, leaves="MX")),
    "an animal bred in captivity": silent("SRC-01", trade({**PYTHON, "sources": ("C",)})),
    "an animal born in captivity": silent("SRC-02", trade({**PYTHON, "sources": ("F",)})),
    "a plant of assisted production": silent("SRC-02", trade({**ROSEWOOD, "sources": ("Y",)}, leaves="MX")),
    "D in Appendix I": silent("SRC-03", trade(CROCODILE, leaves="TH")),
    "O beside another code": silent("SRC-04", trade(goods("Python regius", sources="OW"))),
    "I beside another code": silent("SRC-05", trade(goods("Python regius", sources="IW"))),
    "U with a justification": silent("SRC-06", trade(goods("Python regius", sources="U"))),
    "D from a registered operation": silent("SRC-07", trade(CROCODILE, leaves="TH")),
    "D from a registered operation, written otherwise": silent(
        "SRC-07", trade({**CROCODILE, "operation_number": " a\u2013th\u2013501 "}, leaves="TH")
    ),
    "D of a plant": silent("SRC-07", trade(goods("Paphiopedilum delenatii", "I", "D"), leaves="VN")),
    "wild snakes of Ghana": silent("SRC-08", trade(PYTHON)),
    "bred tigers of Kenya": silent("SRC-08", trade({**TIGER, "sources": ("C",)}, leaves="KE")),
    "wild coral by genus": silent("SRC-08", trade(goods("Acropora", term="COR"))),
    "wild tigers of Kenya, which SRC-08 reports": silent("SRC-09", trade({**TIGER, "sources": ("R",)}, leaves="KE")),
    "a tiger as Appendix I": silent("APP-01", trade(TIGER, leaves="IN")),
    "an Appendix that is none": silent("APP-01", trade({**TIGER, "appendix": "IV"}, leaves="IN")),
    "Appendix II for trade": silent("APP-02", trade(PYTHON, type="I")),
    "Appendix I for a zoo": silent("APP-02", trade(TIGER, leaves="IN", type="I", purpose="Z")),
    "bred Appendix I animals for a zoo": silent(
        "APP-03", trade({**TIGER, "sources": ("C",)}, leaves="IN", purpose="Z")
    ),
    "Appendix I animals from a registered operation": silent("APP-03", trade(CROCODILE, leaves="TH")),
    "seedlings in flasks": silent("APP-04", trade(goods("Paphiopedilum delenatii", "I", "A", term="CUL"), leaves="VN")),
    "Appendix I with an import permit": silent("APP-05", trade(TIGER, leaves="IN", purpose="Z")),
    "Appendix II without an import permit": silent("APP-05", trade(PYTHON, references=())),
    "D without an import permit": silent("APP-05", trade(CROCODILE, leaves="TH", references=())),
    "dead Appendix I re-exported": silent(
        "APP-06",
        trade({**TIGER, "term": "SKI", "origin": Origin(country="IN")}, type="R", references=(), purpose="Z"),
    ),
    "two skins for a hunter": silent(
        "PUR-01", trade({**TIGER, "term": "SKI", "quantity": "2"}, leaves="IN", purpose="H")
    ),
    "a trophy for a hunter": silent("PUR-02", trade({**TIGER, "term": "TRO"}, leaves="IN", purpose="H")),
    "a tin of caviar": silent(
        "PUR-03", trade(goods("Huso huso", term="CAV", quantity="125", unit="GRM"), leaves="RU", purpose="P")
    ),
    "acquired before the first listing": silent(
        "PRE-02", trade(goods("Python regius", sources="OW", acquired_on=date(1975, 6, 30)))
    ),
    "a date of acquisition": silent(
        "PRE-01", trade(goods("Python regius", sources="OW", acquired_on=date(1975, 6, 30)))
    ),
    "certified before the first listing": silent(
        "PRE-03", trade(goods("Python regius", sources="OW"), special_conditions="Acquired before 1975-07-01.")
    ),
    "a certified date": silent(
        "PRE-01", trade(goods("Python regius", sources="OW"), special_conditions="Acquis avant 1975.")
    ),
    "source X on an introduction": silent("IFS-01", ifs(WHALE)),
    "source X on a flag State's export permit": silent("IFS-01", trade(WHALE, leaves="IS")),
    "introduction of Appendix II": silent("IFS-02", ifs(goods("Isurus oxyrinchus", "II", "X", term="MEA"))),
    "introduction of Appendix I under a reservation": silent("IFS-02", ifs(WHALE)),
    "a shark from the sea": silent("IFS-03", ifs(goods("Isurus oxyrinchus", "II", "X", term="MEA"))),
    "parrots of another country": silent("SUS-01", trade(PARROT, leaves="CM")),
    "bred parrots, where wild ones are suspended": silent("SUS-01", trade({**PARROT, "sources": ("C",)}, leaves="CD")),
    "a suspension that was lifted": silent("SUS-01", trade(PYTHON, leaves="BJ")),
    "an issuer with annual reports": silent("SUS-02", trade(PYTHON)),
    "a quota, and box 11a": silent("FLD-13", trade({**PYTHON, "quota": QUOTA})),
    "no quota for bred animals": silent("FLD-13", trade({**PYTHON, "sources": ("C",)})),
    "by box 11a within the quota": silent("QUO-01", trade({**PYTHON, "quota": QUOTA})),
    "box 11a within its own quota": silent("QUO-02", trade({**PYTHON, "quota": QUOTA})),
    "within another Party's quota": silent("QUO-03", trade({**PYTHON, "quota": QUOTA}), **RECEIVED),
    "above the quota at issue, which is QUO-01": silent("QUO-03", trade({**PYTHON, "quantity": "101"})),
    "logs of mahogany": silent("ANN-02", trade(goods("Swietenia macrophylla", term="LOG"), leaves="BR")),
    "live rosewood": silent("ANN-02", trade({**ROSEWOOD, "term": "LIV"}, leaves="MX")),
    "chips of agarwood": silent("ANN-02", trade(goods("Aquilaria malaccensis", term="CHP"), leaves="ID")),
    "a skin": silent("ANN-02", trade({**PYTHON, "term": "SKI"})),
}
