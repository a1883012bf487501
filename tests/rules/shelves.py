"""A small catalogue of reference data, loaded through the real loaders from files written here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from epix_node.reference.catalogue import Catalogue
from epix_node.reference.loading import operations, pairs, quotas, reservations, suspensions
from epix_node.reference.loading.species import load_species

AS_OF = date(2026, 1, 1)
NOW = datetime(2026, 2, 1, tzinfo=UTC)

# ruff: noqa: E501 (rows of a file)
_SPECIES = """\
TaxonId;Kingdom;Phylum;Class;Order;Family;Genus;FullName;RankName;CurrentListing;FullAnnotationEnglish;#AnnotationSymbol;SynonymsWithAuthors;All_DistributionISOCodes
1;Animalia;Chordata;Reptilia;Serpentes;Pythonidae;Python;Python regius;SPECIES;II;;;Python duplex Smith, 1900;BJ,GH,TG
2;Animalia;Chordata;Mammalia;Carnivora;Felidae;Panthera;Panthera tigris;SPECIES;I;;;Felis tigris Linnaeus, 1758;IN,RU,TH
3;Animalia;Chordata;Mammalia;Proboscidea;Elephantidae;Loxodonta;Loxodonta africana;SPECIES;I/II;Appendix I: Except the populations of Botswana, Namibia, South Africa and Zimbabwe. Appendix II: Populations of Botswana, Namibia, South Africa and Zimbabwe;;;BW,KE,NA,TZ,ZA,ZW
4;Plantae;;;Fabales;Leguminosae;Dalbergia;Dalbergia nigra;SPECIES;I;;;;BR
5;Plantae;;;Fabales;Leguminosae;Dalbergia;Dalbergia retusa;SPECIES;II;;#15;;MX,PA
6;Plantae;;;Sapindales;Meliaceae;Swietenia;Swietenia macrophylla;SPECIES;II;;#6;;BR,PE
7;Plantae;;;Orchidales;Orchidaceae;Paphiopedilum;Paphiopedilum delenatii;SPECIES;I;;;;VN
8;Animalia;Chordata;Mammalia;Cetacea;Balaenopteridae;Balaenoptera;Balaenoptera physalus;SPECIES;I;;;;IS,JP,NO
9;Animalia;Chordata;Reptilia;Crocodylia;Crocodylidae;Crocodylus;Crocodylus siamensis;SPECIES;I;;;;ID,KH,TH
10;Animalia;Chordata;Aves;Psittaciformes;Psittacidae;Psittacus;Psittacus erithacus;SPECIES;I;;;;CD,CM,GH
11;Animalia;Chordata;Actinopteri;Acipenseriformes;Acipenseridae;Huso;Huso huso;SPECIES;II;;;;IR,RU
12;Animalia;Cnidaria;Anthozoa;Scleractinia;Acroporidae;Acropora;Acropora;GENUS;II;;;;
13;Animalia;Chordata;Elasmobranchii;Lamniformes;Lamnidae;Isurus;Isurus oxyrinchus;SPECIES;II;;;;ES,PT
14;Animalia;Chordata;Mammalia;Carnivora;Odobenidae;Odobenus;Odobenus rosmarus;SPECIES;III;;;;CA,GL
15;Plantae;;;Apiales;Araliaceae;Panax;Panax quinquefolius;SPECIES;II;;#3;;CA,US
16;Animalia;Chordata;Reptilia;Serpentes;Pythonidae;Python;Python sebae;SPECIES;II;;;Python duplex Smith, 1900;GH,KE
17;Plantae;;;Orchidales;Orchidaceae;Dendrobium;Dendrobium nobile;SPECIES;II;;#4;;TH
18;Plantae;;;Myrtales;Thymelaeaceae;Aquilaria;Aquilaria malaccensis;SPECIES;II;;#14;;ID,MY
19;Plantae;;;Fabales;Leguminosae;Paubrasilia;Paubrasilia echinata;SPECIES;II;;#10;;BR
20;Animalia;Chordata;Actinopteri;Osteoglossiformes;Osteoglossidae;Scleropages;Scleropages formosus;SPECIES;I;;;;ID,MY
"""
_HISTORY = """\
TaxonId,Kingdom,Phylum,Class,Order,Family,Genus,FullName,RankName,Appendix,ChangeType,EffectiveAt,FullAnnotationEnglish,PartyIsoCode
1,Animalia,Chordata,Reptilia,Serpentes,Pythonidae,Python,Python regius,SPECIES,II,ADDITION,01/07/1975,,
2,Animalia,Chordata,Mammalia,Carnivora,Felidae,Panthera,Panthera tigris,SPECIES,I,ADDITION,01/07/1975,,
10,Animalia,Chordata,Aves,Psittaciformes,Psittacidae,Psittacus,Psittacus erithacus,SPECIES,II,ADDITION,06/06/1981,,
10,Animalia,Chordata,Aves,Psittaciformes,Psittacidae,Psittacus,Psittacus erithacus,SPECIES,I,ADDITION,02/01/2017,,
5,Plantae,,,Fabales,Leguminosae,Dalbergia,Dalbergia retusa,SPECIES,II,ADDITION,12/06/2013,,
"""
_SUSPENSIONS = """\
start_date,end_date,taxon_name,rank,iso_code2,term,source,purpose,applies_to_import,kind,notification,notes
01/01/2020,,Psittacus,GENUS,CD,ALL,W,T,,cites,No. 2020/001,
01/01/2019,01/01/2026,Python regius,SPECIES,BJ,ALL,ALL,ALL,,cites,No. 2019/001,
01/01/2021,,Panthera tigris,SPECIES,IN,ALL,ALL,ALL,,national,,
01/01/2022,,Loxodonta africana,SPECIES,CN,ALL,ALL,ALL,yes,cites,No. 2022/001,
01/01/2025,,ALL,,DJ,ALL,ALL,ALL,,annual-report,No. 2025/001,
01/01/2025,,Python regius,SPECIES,XD,ALL,ALL,ALL,,cites,No. 2025/002,
"""
_QUOTAS = """\
party,taxon,year,amount,unit,term,source,purpose,notes
GH,Python regius,2026,100,NAR,LIV,W,,
GH,Python sebae,2026,0,NAR,,W,,
"""
_RESERVATIONS = """\
start_date,end_date,taxon_name,rank,iso_code2,notes,internal_notes
04/06/1981,,Balaenoptera physalus,SPECIES,JP,,
02/04/2000,,Balaenoptera physalus,SPECIES,IS,,
02/01/2017,01/01/2020,Psittacus erithacus,SPECIES,AE,,
"""
_OPERATIONS = """\
number,taxon,country,since,until
A-TH-501,Crocodylus siamensis,TH,,
A-ID-511,Scleropages formosus,ID,,
"""
_PURPOSES = """\
term,purpose
LIV,T
LIV,Z
LIV,B
TRO,H
TRO,P
"""


@contextmanager
def shelf_of(*, species: str = _SPECIES, as_of: date = AS_OF) -> Iterator[Path]:
    """A shelf with all data sets, their state that of one day."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        shelf = directory / "reference.sqlite"

        def written(file: str, text: str) -> Path:
            (directory / file).write_text(text, encoding="utf-8")
            return directory / file

        load_species(shelf, written("species.csv", species), now=NOW, as_of=as_of)
        load_species(shelf, written("history.csv", _HISTORY), now=NOW, as_of=as_of)
        suspensions.load(written("suspensions.csv", _SUSPENSIONS), shelf, as_of=as_of, now=NOW)
        quotas.load(written("quotas.csv", _QUOTAS), shelf, as_of=as_of, now=NOW)
        reservations.load(written("reservations.csv", _RESERVATIONS), shelf, as_of=as_of, now=NOW)
        operations.load(written("operations.csv", _OPERATIONS), shelf, as_of=as_of, now=NOW)
        pairs.load_purposes(written("purposes.csv", _PURPOSES), shelf, as_of=as_of, now=NOW)
        yield shelf


@cache
def catalogue(as_of: date = AS_OF) -> Catalogue:
    """The small catalogue; what is open stays readable after its directory is gone."""
    with shelf_of(as_of=as_of) as shelf:
        return Catalogue.open(shelf)
