"""The papers of the story: permits as their authorities write them, in the JSON of contract 5.

Everything on them is invented. The goods are common in trade, so that no sentence of the demo is about a rarity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One kind of specimen, as boxes 7 to 10 describe it."""

    taxon: str
    common_name: str
    term: str
    unit: str
    source: str
    purpose: str = "T"


PYTHONS = Goods(taxon="Python regius", common_name="ball python", term="LIV", unit="NAR", source="C")
PARROT = Goods(
    taxon="Amazona aestiva", common_name="blue-fronted amazon", term="LIV", unit="NAR", source="C", purpose="P"
)
SKINS = Goods(taxon="Crocodylus niloticus", common_name="Nile crocodile", term="SKI", unit="NAR", source="R")
BARK = Goods(taxon="Prunus africana", common_name="African cherry", term="BAR", unit="KGM", source="W")
CHIPS = Goods(taxon="Aquilaria malaccensis", common_name="agarwood", term="CHP", unit="KGM", source="A")
ROSEWOOD = Goods(taxon="Dalbergia latifolia", common_name="Indian rosewood", term="SAW", unit="MTQ", source="W")
CONCH = Goods(taxon="Strombus gigas", common_name="queen conch", term="MEA", unit="KGM", source="W")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A permit in somebody's hand. ``token`` is what its QR code says, once the issuer has published it."""

    issuer: str
    destination: str
    number: str
    goods: Goods
    quantity: str
    issued_on: date
    valid_until: date
    type: str = "E"
    subtype: str | None = None
    multi_use: bool = False
    transit: tuple[str, ...] = ()
    replaces: str | None = None
    import_permit: Paper | None = None
    token: str | None = None

    @property
    def ref(self) -> dict[str, Any]:
        """How an event names it."""
        return {"issuer": self.issuer, "number": self.number, "type": self.type, "issued_on": str(self.issued_on)}

    @property
    def cargo(self) -> str:
        """The goods in a few words."""
        return f"{self.quantity} {self.goods.unit} of {self.goods.taxon}"

    def line(self, quantity: str) -> dict[str, Any]:
        """So much of the goods, as an event counts them."""
        return {"block": "A", "quantity": quantity, "unit": self.goods.unit}

    def reissued(self, number: str) -> Paper:
        """The same permit under another number, as its replacement."""
        return replace(self, number=number, replaces=self.number, token=None)

    def to_json(self) -> dict[str, Any]:
        """The permit of contract 5. Of an import permit the issuer's country is the importer's."""
        sender, receiver = (self.destination, self.issuer) if self.type == "I" else (self.issuer, self.destination)
        other = self.import_permit
        return {
            "type": self.type,
            "subtype": self.subtype,
            "number": self.number,
            "issuer": self.issuer,
            "issued_on": str(self.issued_on),
            "valid_from": str(self.issued_on),
            "valid_until": str(self.valid_until),
            "purpose": self.goods.purpose,
            "multi_use": self.multi_use,
            "replaces": self.replaces,
            "exporter": _trader(sender, "Export"),
            "importer": _trader(receiver, "Import"),
            "transit": list(self.transit),
            "authority": {"name": f"CITES Management Authority of {self.issuer}", "place": "Harbour City"},
            "security_stamp": f"{self.issuer}{self.number[4:]:0>9}",
            "special_conditions": self._conditions(),
            "references": []
            if other is None
            else [
                {
                    "relation": "import-permit",
                    "issuer": other.issuer,
                    "number": other.number,
                    "date": str(other.issued_on),
                }
            ],
            "lines": [
                {
                    "block": "A",
                    "taxon": self.goods.taxon,
                    "common_name": self.goods.common_name,
                    "appendix": "II",
                    "sources": [self.goods.source],
                    "term": self.goods.term,
                    "description": self.goods.common_name,
                    "quantity": self.quantity,
                    "unit": self.goods.unit,
                    "origin": {"country": sender},
                }
            ],
        }

    def _conditions(self) -> str | None:
        """Box 5: how live animals travel (FLD-05), and why a replacement was issued (DOC-01)."""
        said = []
        if self.goods.term == "LIV":
            said.append("Transport by the IATA Live Animals Regulations.")
        if self.replaces is not None:
            said.append(f"Replaces {self.replaces}, which was lost in the post.")
        return " ".join(said) or None


def _trader(country: str, trade: str) -> dict[str, str]:
    return {"name": f"{trade} House of {country}", "address": f"1 Harbour Road, {country}", "country": country}


def draw(
    issuer: str,
    destination: str,
    serial: str,
    goods: Goods,
    quantity: str,
    *,
    on: date,
    days: int = 150,
    **members: Any,
) -> Paper:
    """A new permit, numbered like ``26XA000101`` and valid for so many days."""
    return Paper(
        issuer=issuer,
        destination=destination,
        number=f"{on:%y}{issuer}{serial}",
        goods=goods,
        quantity=quantity,
        issued_on=on,
        valid_until=on + timedelta(days=days),
        **members,
    )
