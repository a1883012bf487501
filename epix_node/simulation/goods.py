"""What is traded: kinds of specimens that are common in trade, each with the quantities in which they travel."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What comes of one unit of some goods: at most so much, in thousandths of the product's unit."""

    term: str
    unit: str
    of_one: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One kind of specimen. Quantities are whole numbers of ``step`` thousandths of ``unit``."""

    taxon: str
    genus_only: str
    """How somebody names it who does not know the species."""
    synonym: str
    """Another name of the same species, which other books use."""
    look_alike: str
    """Another species, which passes for it."""
    appendix: str
    term: str
    other_term: str
    """Another term under which a border office might count the same goods."""
    unit: str
    other_unit: str
    """A unit of another class, in which the other side might count."""
    source: str
    purpose: str
    least: int
    most: int
    step: int = 1_000
    """In thousandths of the unit: 1,000 counts whole pieces."""
    travels_on: bool = False
    """Whether it is bought to be sold on."""
    may_go_by_sea: bool = True
    product: Product | None = None
    """What is made of it, where it is bought to be worked up."""

    def quantity(self, random: Random) -> int:
        """Some usual quantity, in thousandths of the unit."""
        # Small consignments are common and large ones rare: the smaller of two draws.
        steps = min(random.randint(self.least, self.most), random.randint(self.least, self.most))
        return steps * self.step


GOODS = (
    Goods(
        taxon="Python regius",
        genus_only="Python spp.",
        synonym="Boa regia",
        look_alike="Python sebae",
        appendix="II",
        term="LIV",
        other_term="BOD",
        unit="NAR",
        other_unit="KGM",
        source="C",
        purpose="T",
        least=4,
        most=400,
        may_go_by_sea=False,
    ),
    Goods(
        taxon="Amazona aestiva",
        genus_only="Amazona spp.",
        synonym="Psittacus aestivus",
        look_alike="Amazona ochrocephala",
        appendix="II",
        term="LIV",
        other_term="BOD",
        unit="NAR",
        other_unit="KGM",
        source="C",
        purpose="P",
        least=1,
        most=12,
        may_go_by_sea=False,
    ),
    Goods(
        taxon="Crocodylus niloticus",
        genus_only="Crocodylus spp.",
        synonym="Crocodilus vulgaris",
        look_alike="Crocodylus porosus",
        appendix="II",
        term="SKI",
        other_term="SKP",
        unit="NAR",
        other_unit="MTK",
        source="R",
        purpose="T",
        least=20,
        most=3_000,
        travels_on=True,
        product=Product(term="LPS", unit="NAR", of_one=12_000),
    ),
    Goods(
        taxon="Caiman crocodilus",
        genus_only="Caiman spp.",
        synonym="Caiman sclerops",
        look_alike="Melanosuchus niger",
        appendix="II",
        term="SKI",
        other_term="SKP",
        unit="NAR",
        other_unit="MTK",
        source="C",
        purpose="T",
        least=50,
        most=5_000,
        travels_on=True,
        product=Product(term="LPS", unit="NAR", of_one=6_000),
    ),
    Goods(
        taxon="Python reticulatus",
        genus_only="Python spp.",
        synonym="Malayopython reticulatus",
        look_alike="Python bivittatus",
        appendix="II",
        term="SKI",
        other_term="SKP",
        unit="NAR",
        other_unit="MTR",
        source="W",
        purpose="T",
        least=20,
        most=2_000,
        travels_on=True,
        product=Product(term="LPS", unit="NAR", of_one=10_000),
    ),
    Goods(
        taxon="Prunus africana",
        genus_only="Prunus spp.",
        synonym="Pygeum africanum",
        look_alike="Rauvolfia serpentina",
        appendix="II",
        term="BAR",
        other_term="POW",
        unit="KGM",
        other_unit="NAR",
        source="W",
        purpose="T",
        least=100,
        most=20_000,
        step=500,
        travels_on=True,
        product=Product(term="POW", unit="KGM", of_one=950),
    ),
    Goods(
        taxon="Aquilaria malaccensis",
        genus_only="Aquilaria spp.",
        synonym="Aquilaria agallocha",
        look_alike="Aquilaria crassna",
        appendix="II",
        term="CHP",
        other_term="POW",
        unit="KGM",
        other_unit="NAR",
        source="A",
        purpose="T",
        least=10,
        most=4_000,
        step=250,
        travels_on=True,
    ),
    Goods(
        taxon="Dalbergia latifolia",
        genus_only="Dalbergia spp.",
        synonym="Dalbergia emarginata",
        look_alike="Dalbergia melanoxylon",
        appendix="II",
        term="SAW",
        other_term="LOG",
        unit="MTQ",
        other_unit="KGM",
        source="W",
        purpose="T",
        least=20,
        most=900,
        step=125,
        travels_on=True,
        product=Product(term="VEN", unit="MTQ", of_one=800),
    ),
    Goods(
        taxon="Strombus gigas",
        genus_only="Strombus spp.",
        synonym="Lobatus gigas",
        look_alike="Tridacna maxima",
        appendix="II",
        term="MEA",
        other_term="BOD",
        unit="KGM",
        other_unit="NAR",
        source="W",
        purpose="T",
        least=50,
        most=9_000,
        step=500,
    ),
    Goods(
        taxon="Galanthus elwesii",
        genus_only="Galanthus spp.",
        synonym="Galanthus graecus",
        look_alike="Cyclamen persicum",
        appendix="II",
        term="LIV",
        other_term="ROO",
        unit="NAR",
        other_unit="KGM",
        source="A",
        purpose="T",
        least=500,
        most=60_000,
    ),
    Goods(
        taxon="Aniba rosaeodora",
        genus_only="Aniba spp.",
        synonym="Aniba duckei",
        look_alike="Bulnesia sarmientoi",
        appendix="II",
        term="OIL",
        other_term="EXT",
        unit="LTR",
        other_unit="KGM",
        source="A",
        purpose="T",
        least=4,
        most=800,
        step=250,
        travels_on=True,
    ),
    Goods(
        taxon="Hippocampus kuda",
        genus_only="Hippocampus spp.",
        synonym="Hippocampus taeniopterus",
        look_alike="Hippocampus reidi",
        appendix="II",
        term="BOD",
        other_term="MED",
        unit="KGM",
        other_unit="NAR",
        source="C",
        purpose="T",
        least=4,
        most=600,
        step=250,
    ),
    Goods(
        taxon="Hippopotamus amphibius",
        genus_only="Hippopotamus spp.",
        synonym="Hippopotamus terrestris",
        look_alike="Loxodonta africana",
        appendix="II",
        term="TEE",
        other_term="CAR",
        unit="KGM",
        other_unit="NAR",
        source="W",
        purpose="T",
        least=10,
        most=900,
        step=500,
        travels_on=True,
    ),
)

TROPHY = Goods(
    taxon="Panthera pardus",
    genus_only="Panthera spp.",
    synonym="Felis pardus",
    look_alike="Panthera leo",
    appendix="I",
    term="TRO",
    other_term="SKI",
    unit="NAR",
    other_unit="KGM",
    source="W",
    purpose="H",
    least=1,
    most=1,
)
"""Of Appendix I: an import permit comes first (Article III.3)."""

AROWANA = Goods(
    taxon="Scleropages formosus",
    genus_only="Scleropages spp.",
    synonym="Scleropages aureus",
    look_alike="Osteoglossum bicirrhosum",
    appendix="I",
    term="LIV",
    other_term="BOD",
    unit="NAR",
    other_unit="KGM",
    source="C",
    purpose="T",
    least=5,
    most=60,
    may_go_by_sea=False,
)
"""Of Appendix I and bred for trade, which takes a registered operation (Resolution Conf. 12.10)."""
