"""Real import records as permits and arrivals: what a replay plays.

The CITES Trade Database publishes what importers reported, row by row, with the numbers of the export and import
permits replaced by stable random ones. There is no date, no office and no transport document, so the replay invents
them, always in the same way:

* Each (exporter, export permit) is a permit of the exporting country, issued on 1 May of its first year, valid to 31
  October, for the sum of its rows, to its first importer. One number under two exporters is two permits.
* Each (importer, run of adjacent years) is one arrival, on 1 July. Goods that arrive in December and are reported in
  January stand under two years, so a run is one consignment ("year shift"). Every arrival is dated in the permit's
  first year, unless there is a gap between the years: then in the year after the gap.

"NA" is Namibia, a blank unit is NAR, and HK and other territories are countries of their own.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[3] / "shared" / "data"
"""Lies beside the checkout where it is there at all; it may be read here and not given on."""

SHIPMENTS = DATA / "trade-shipments" / "shipments_clean.csv"

_MICRO = Decimal("0.000001")
_LIVE = "LIV"


@dataclass(frozen=True, slots=True, order=True)
class Goods:
    """What makes one line of a permit: rows that agree in all of it are added up."""

    taxon: str
    term: str
    unit: str
    source: str
    appendix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One import record under an export permit; ``amount`` has at most six decimals."""

    exporter: str
    number: str
    importer: str
    year: int
    goods: Goods
    amount: Decimal
    text: str
    """The quantity as the file writes it, such as 5e+06."""
    has_blank_unit: bool
    purpose: str
    import_permit: str | None

    @property
    def is_rounded(self) -> bool:
        """Whether the file gives more decimals than a quantity can have."""
        return self.amount != Decimal(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What one country imported under a permit, in one run of adjacent years."""

    event_id: str
    importer: str
    on: date
    years: tuple[int, ...]
    import_permits: tuple[str, ...]
    amounts: Mapping[Goods, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consignment:
    """One permit, and everything that was imported under it."""

    exporter: str
    number: str
    rows: tuple[Row, ...]
    arrivals: tuple[Arrival, ...]
    permitted: Mapping[Goods, Decimal]

    @property
    def key(self) -> tuple[str, str]:
        """Issuer and normalised number, as findings name the permit."""
        return self.exporter, self.number.upper()

    @property
    def year(self) -> int:
        """The year in which it was issued."""
        return min(row.year for row in self.rows)

    @property
    def destination(self) -> str:
        """Its first importer."""
        return min(self.rows, key=lambda row: row.year).importer

    @property
    def importers(self) -> tuple[str, ...]:
        """Every country that imported under it."""
        return tuple(sorted({row.importer for row in self.rows}))

    @property
    def has_gap(self) -> bool:
        """Whether it was used again years later: then after it had expired."""
        return any(arrival.on.year != self.year for arrival in self.arrivals)

    @property
    def lacks_import_permit(self) -> bool:
        """Whether Appendix-I goods came in of which the records name no import permit (Art. III.3; APP-05)."""
        return any(
            goods.appendix == "I" and goods.source not in {"D", "O"} and not arrival.import_permits
            for arrival in self.arrivals
            for goods in arrival.amounts
        )

    def permit(self) -> dict[str, Any]:
        """The permit JSON of contract 5. Names are invented: the records have none."""
        is_live = any(goods.term == _LIVE for goods in self.permitted)
        return {
            "type": "E",
            "number": self.number,
            "issuer": self.exporter,
            "issued_on": f"{self.year}-05-01",
            "valid_from": f"{self.year}-05-01",
            "valid_until": f"{self.year}-10-31",
            "purpose": self.rows[0].purpose,
            "exporter": {"name": "Exporter of the record", "address": self.exporter, "country": self.exporter},
            "importer": {"name": "Importer of the record", "address": self.destination, "country": self.destination},
            "authority": {"name": f"Management Authority of {self.exporter}", "place": self.exporter},
            "special_conditions": "Transport by the guidelines of CITES" if is_live else None,
            "lines": [
                {
                    "block": block,
                    "taxon": goods.taxon,
                    "appendix": goods.appendix,
                    "sources": [goods.source],
                    "term": goods.term,
                    "quantity": _plain(self.permitted[goods]),
                    "unit": goods.unit,
                }
                for goods, block in self.blocks().items()
            ],
        }

    def confirmation(self, arrival: Arrival) -> dict[str, Any]:
        """The confirmation of contract 5; of several import permits, for which it has no room, it names the first."""
        blocks = self.blocks()
        import_permit = None
        if arrival.import_permits:
            import_permit = {"issuer": arrival.importer, "number": arrival.import_permits[0]}
        return {
            "event_id": arrival.event_id,
            "permit": {
                "issuer": self.exporter,
                "number": self.number,
                "type": "E",
                "issued_on": f"{self.year}-05-01",
            },
            "office": f"{arrival.importer}-1",
            "date": arrival.on.isoformat(),
            "transport_document": None,
            "outcome": "released",
            "import_permit": import_permit,
            "lines": [
                {"block": blocks[goods], "quantity": _plain(amount), "unit": goods.unit}
                for goods, amount in arrival.amounts.items()
            ],
        }

    def blocks(self) -> dict[Goods, str]:
        """The letter of each line: A to Z, AA, AB, …"""
        return {goods: _letters(position) for position, goods in enumerate(self.permitted)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of the file, with or without an export permit, and the two permits that it tells of.

    Each row has permits of its own: its place in the file is put behind their numbers.
    """

    place: int
    """In the file, from 1, the headings not counted."""
    fields: Mapping[str, str]
    """As the file has them."""
    term: str
    unit: str

    @property
    def origin(self) -> str | None:
        """The country of origin of a re-export; "NA" is also how the file says that there was none."""
        origin = self.fields["Origin"]
        return origin if origin not in {"", "NA", self.fields["Exporter"]} else None

    def export_permit(self) -> dict[str, Any]:
        """What the exporting country wrote, in permit JSON."""
        year, importer = self.fields["Year"], self.fields["Importer"]
        granted = self.fields["Import.permit.RandomID"]
        relation = {"relation": "import-permit", "issuer": importer, "number": granted, "date": f"{year}-04-01"}
        return {
            **self._permit("R" if self.origin else "E", issuer=self.fields["Exporter"]),
            "number": self._number("Export.permit.RandomID"),
            "issued_on": f"{year}-05-01",
            "valid_from": f"{year}-05-01",
            "valid_until": f"{year}-10-31",
            "references": [relation] if granted else [],
        }

    def import_permit(self) -> dict[str, Any]:
        """What the importing country wrote before."""
        year = int(self.fields["Year"])
        return {
            **self._permit("I", issuer=self.fields["Importer"]),
            "number": self._number("Import.permit.RandomID"),
            "issued_on": f"{year}-04-01",
            "valid_from": f"{year}-04-01",
            "valid_until": f"{year + 1}-03-31",
        }

    def _number(self, column: str) -> str:
        return f"{self.fields[column] or 'none'}/{self.place}"

    def _permit(self, type_: str, *, issuer: str) -> dict[str, Any]:
        exporter, importer = self.fields["Exporter"], self.fields["Importer"]
        source = self.fields["Source"]
        of_origin = self.fields["Origin.permit.RandomID"] or None
        return {
            "type": type_,
            "issuer": issuer,
            "purpose": self.fields["Purpose"] or None,
            "exporter": {"name": "Exporter of the record", "address": exporter, "country": exporter},
            "importer": {"name": "Importer of the record", "address": importer, "country": importer},
            "authority": {"name": f"Management Authority of {issuer}", "place": issuer},
            "special_conditions": "Transport by the guidelines of CITES" if self.term == _LIVE else None,
            "lines": [
                {
                    "block": "A",
                    "taxon": self.fields["Taxon"],
                    "appendix": self.fields["Appendix"],
                    "sources": [source] if source else [],
                    "term": self.term,
                    "quantity": _plain(_amount(self.fields["Quantity"])),
                    "unit": self.unit,
                    "origin": {"country": self.origin, "permit": of_origin} if self.origin else None,
                }
            ],
        }


def read_records() -> list[Record]:
    """Every row, in the order of the file."""
    terms, units = read_codes("term"), read_codes("unit")
    with SHIPMENTS.open(encoding="utf-8", newline="") as file:
        return [
            Record(place=place, fields=fields, term=terms[fields["Term"]], unit=units[fields["Unit"]])
            for place, fields in enumerate(csv.DictReader(file), start=1)
        ]


def is_there() -> bool:
    """Whether the records lie beside this checkout."""
    return SHIPMENTS.is_file()


def read_consignments() -> list[Consignment]:
    """Every permit of the records, by year, exporter and number; always the same."""
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in read_rows():
        grouped[row.exporter, row.number].append(row)
    found = [_consignment(rows) for rows in grouped.values()]
    return sorted(found, key=lambda one: (one.year, one.exporter, one.number))


def read_rows() -> list[Row]:
    """The records that name an export permit, in the order of the file."""
    terms, units = read_codes("term"), read_codes("unit")
    with SHIPMENTS.open(encoding="utf-8", newline="") as file:
        return [_row(record, terms, units) for record in csv.DictReader(file) if record["Export.permit.RandomID"]]


def _row(record: Mapping[str, str], terms: Mapping[str, str], units: Mapping[str, str]) -> Row:
    return Row(
        exporter=record["Exporter"],
        number=record["Export.permit.RandomID"],
        importer=record["Importer"],
        year=int(record["Year"]),
        goods=Goods(
            taxon=record["Taxon"],
            term=terms[record["Term"]],
            unit=units[record["Unit"]],
            source=record["Source"],
            appendix=record["Appendix"],
        ),
        amount=_amount(record["Quantity"]),
        text=record["Quantity"],
        has_blank_unit=not record["Unit"],
        purpose=record["Purpose"],
        import_permit=record["Import.permit.RandomID"] or None,
    )


def read_codes(kind: str) -> dict[str, str]:
    """The code of each label that the Trade Database prints; the map lacks new terms, which the code list has."""
    with (DATA / "codes" / f"{kind}_codes.csv").open(encoding="utf-8", newline="") as file:
        codes = {record["description"].lower(): record["code"] for record in csv.DictReader(file)}
    with (DATA / "codes" / f"{kind}_labels_tradedb.csv").open(encoding="utf-8", newline="") as file:
        return codes | {record["trade_db_label"]: record["code"] for record in csv.DictReader(file)}


def _consignment(rows: list[Row]) -> Consignment:
    first_of_run = {year: run[0] for run in _runs(row.year for row in rows) for year in run}
    by_importer: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_importer[row.importer].append(row)
    exporter, number = rows[0].exporter, rows[0].number
    arrivals: list[Arrival] = []
    for importer, imported in sorted(by_importer.items()):
        for run in _runs(row.year for row in imported):
            mine = [row for row in imported if row.year in run]
            arrivals.append(
                Arrival(
                    event_id=f"{exporter}-{number}-{len(arrivals) + 1}",
                    importer=importer,
                    on=date(first_of_run[run[0]], 7, 1),
                    years=run,
                    import_permits=tuple(sorted({row.import_permit for row in mine if row.import_permit})),
                    amounts=_sums(mine),
                )
            )
    return Consignment(
        exporter=exporter, number=number, rows=tuple(rows), arrivals=tuple(arrivals), permitted=_sums(rows)
    )


def _runs(years: Iterable[int]) -> list[tuple[int, ...]]:
    """The years in runs without a gap."""
    runs: list[list[int]] = []
    for year in sorted(set(years)):
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return [tuple(run) for run in runs]


def _sums(rows: Iterable[Row]) -> dict[Goods, Decimal]:
    sums: dict[Goods, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row.goods] += row.amount
    return dict(sorted(sums.items()))


def _amount(text: str) -> Decimal:
    return Decimal(text).quantize(_MICRO, rounding=ROUND_HALF_EVEN)


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _letters(position: int) -> str:
    letters = ""
    position += 1
    while position:
        position, letter = divmod(position - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
