"""Load a list of species as of a day: the Checklist's index, its slim cut, or the listing export of Species+.

Which of them it is, the header says. All three have one row for each taxon and its listing on the day of the export;
only the Checklist has synonyms and higher taxa of its own. Rows are read one at a time.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import code_lists
from epix_node.reference.load_report import LoadReport, Tally
from epix_node.reference.loading.species_tables import SPECIES, SpeciesTables, range_states
from epix_node.reference.loading.stream import Source, Table
from epix_node.reference.population import UNCLEAR, WHOLE, Extent, read_scope
from epix_node.reference.taxon import KINGDOMS, Taxon
from epix_node.reference.timeline import NOT_LISTED, Entry

RANKS = frozenset(
    {"CLASS", "ORDER", "SUBORDER", "FAMILY", "SUBFAMILY", "GENUS", "SPECIES", "SUBSPECIES", "VARIETY", "HYBRID"}
)

_APPENDICES = ("I", "II", "III")
_MARKS = re.compile(r"(?:Appendix (I{1,3}):|\*\*(I{1,3})\*\*)")
"""Before what is said of one Appendix: ``Appendix II:`` in the Checklist, ``**II**`` in Species+."""

_SYMBOL = re.compile(r"#\d{1,2}")
_NAME = re.compile(r"[A-Z][\w-]+ (?:\([\w-]+\) )?(?:[x×] ?)?([^\W\dA-Z_][\w'-]{2,})(?: |$)")
_HIGHER_NAME = re.compile(r"[A-Z][a-zë-]+(?:$| \(?[A-Z]| d[e'])")
_AUTHOR = re.compile(
    r"\W*\d{4}|(?:de|da|von|van|and|et|ex|non|not|&) "
    r"|[A-Z][\w.'’-]*(?:$|\W* ?(?:&|et|ex|in|and|van|von|de|[A-Z]))"
)
"""How what follows a comma begins when it is the rest of an author's name, or a year."""

_NO_EPITHET = frozenset({"and", "con", "del", "den", "der", "des", "dos", "ined", "van", "von", "non", "sensu"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file has what; ``None`` for what it does not have."""

    id: int | None
    kingdom: int
    phylum: int | None
    class_name: int | None
    order: int | None
    family: int | None
    genus: int | None
    name: int
    rank: int
    listing: int
    annotations: int | None
    symbol: int | None
    synonyms: int | None
    parties: int | None
    ranges: int | None

    @property
    def width(self) -> int:
        """How many cells a row needs at least."""
        return max(self.kingdom, self.name, self.rank, self.listing) + 1


def columns_of(table: Table) -> Columns | None:
    """Where the list has what; ``None`` if it is no list of species."""
    name = table.column("FullName", "Scientific Name")
    rank = table.column("RankName", "Rank")
    listing = table.column("CurrentListing", "Listing")
    kingdom = table.column("Kingdom")
    if name is None or rank is None or listing is None or kingdom is None:
        return None
    return Columns(
        id=table.column("TaxonId", "Id"),
        kingdom=kingdom,
        phylum=table.column("Phylum"),
        class_name=table.column("Class"),
        order=table.column("Order"),
        family=table.column("Family"),
        genus=table.column("Genus"),
        name=name,
        rank=rank,
        listing=listing,
        annotations=table.column("FullAnnotationEnglish", "Full note"),
        symbol=table.column("#AnnotationSymbol", "AnnotationSymbol", "# Full note"),
        synonyms=table.column("SynonymsWithAuthors", "Synonyms"),
        parties=table.column("Party"),
        ranges=table.column("All_DistributionISOCodes", "AllDistributionISO"),
    )


def load_checklist(connection: sqlite3.Connection, source: Source, table: Table, columns: Columns) -> LoadReport:
    """All taxa of the list are in the tables, higher ones included.

    Raises:
        MalformedDocumentError: it has no row that is understood.
    """
    edition = source.edition(SPECIES, rows=0)
    tables = SpeciesTables(connection, SPECIES)
    tally = Tally()
    for number, cells in table.rows():
        if len(cells) < columns.width:
            tally.refuse(number, "fewer cells than the header")
            continue
        taxon = _taxon(tables, columns, cells, number, tally)
        if taxon is None:
            continue
        synonyms = _synonyms(_cell(cells, columns.synonyms), taxon, number, tally)
        if tables.has_id(taxon):
            tally.note(number, "a number that an earlier row has")
        if not tables.add(taxon, synonyms=synonyms):
            tally.refuse(number, "a name that an earlier row has")
            continue
        entries = _entries(columns, cells, taxon, number, tally)
        if entries is not None:
            tables.list(taxon.name, edition.as_of, entries, is_dated=False)
        tables.mention(taxon, {entry.appendix for entry in entries or ()})
        tally.take()
    if not tally.taken:
        raise MalformedDocumentError(f"{source.name} has no row that is understood: nothing was loaded")
    tables.add_higher_taxa(edition.as_of)
    tables.finish()
    return tally.report(source.edition(SPECIES, rows=tally.taken))


def _cell(cells: Sequence[str], column: int | None) -> str:
    """What stands there, without surrounding white space of any kind; empty where there is no such cell."""
    return cells[column].strip() if column is not None and column < len(cells) else ""


def _taxon(tables: SpeciesTables, columns: Columns, cells: Sequence[str], number: int, tally: Tally) -> Taxon | None:
    name = " ".join(_cell(cells, columns.name).split())
    rank = _cell(cells, columns.rank).upper()
    kingdom = _cell(cells, columns.kingdom)
    if not name:
        tally.refuse(number, "no name")
        return None
    if rank not in RANKS:
        tally.refuse(number, "a rank that is not known")
        return None
    if kingdom not in KINGDOMS:
        tally.refuse(number, "a kingdom that is not known")
        return None
    given_id = _cell(cells, columns.id)
    return Taxon(
        id=int(given_id) if given_id.isdecimal() and len(given_id) < 16 else tables.new_id(),
        name=name,
        rank=rank,
        kingdom=kingdom,
        phylum=_cell(cells, columns.phylum) or None,
        class_name=_cell(cells, columns.class_name) or None,
        order=_cell(cells, columns.order) or None,
        family=_cell(cells, columns.family) or None,
        genus=_cell(cells, columns.genus) or None,
        annotation=_symbol(_cell(cells, columns.symbol), number, tally),
        range_states=_ranges(_cell(cells, columns.ranges), number, tally),
    )


def _symbol(text: str, number: int, tally: Tally) -> str | None:
    found = _SYMBOL.search(text)
    if text and not found:
        tally.note(number, "annotation symbol not understood")
    return found[0] if found else None


def _ranges(text: str, number: int, tally: Tally) -> frozenset[str] | None:
    codes = re.split(r"[\s,;]+", text.upper()) if text else []
    known = code_lists().countries
    if any(code and code not in known and code != "S1" for code in codes):
        tally.note(number, "distribution names a country code that is not known")
    return range_states(codes)


def _entries(columns: Columns, cells: Sequence[str], taxon: Taxon, number: int, tally: Tally) -> list[Entry] | None:
    """The listing of this row; empty where it is not understood, ``None`` where it has none of its own."""
    codes = _cell(cells, columns.listing).upper().replace(" ", "").split("/")
    if codes == [""]:
        return None
    if not set(codes) <= {*_APPENDICES, "NC"}:
        tally.note(number, "listing not understood")
        return []
    listed = [code for code in _APPENDICES if code in codes]
    said = _by_appendix(_cell(cells, columns.annotations))
    parties = re.findall(r"[A-Z]{2}", _cell(cells, columns.parties))
    entries = []
    for code in listed:
        scope = WHOLE
        if len(codes) > 1:
            scope = read_scope(" ".join(said.get(code, ())))
            # Nothing said of populations, yet the listing is split: by lower taxa, or in a way that is not written.
            scope = UNCLEAR if scope.extent is Extent.ALL else scope
            if scope is UNCLEAR and taxon.is_species_or_lower:
                tally.note(number, f"split listing: populations of Appendix {code} not understood, all may apply")
        named = parties if code == "III" else []
        entries += [
            Entry(appendix=code, scope=scope, party=party, annotation=taxon.annotation) for party in named or [None]
        ]
    if "NC" in codes:
        entries.append(Entry(appendix=NOT_LISTED, scope=WHOLE if not listed else UNCLEAR))
    return entries


def _by_appendix(text: str) -> dict[str, list[str]]:
    """What is said of each Appendix, by Appendix."""
    said: dict[str, list[str]] = {}
    pieces = _MARKS.split(text)
    for checklist, species_plus, words in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if words.strip():
            said.setdefault(checklist or species_plus, []).append(words.strip())
    return said


def _synonyms(text: str, taxon: Taxon, number: int, tally: Tally) -> Iterable[str]:
    """The names in a cell of synonyms, each with its author: what stands between two commas may belong to an author."""
    begins = _NAME if taxon.is_species_or_lower else _HIGHER_NAME
    for position, piece in enumerate(re.split(r"[,;] ", text) if text else ()):
        shape = begins.match(piece)
        if shape and not (begins is _NAME and shape[1] in _NO_EPITHET):
            yield piece
        elif position == 0 or not _AUTHOR.match(piece):
            tally.note(number, "synonym not understood")
