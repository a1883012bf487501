"""Which taxon a name means, and in which Appendices it is on a day.

Three books lie on one another: the list of species that was loaded, the listing history that was loaded, and the
well-known taxa that come with this release. A name is looked up in that order; what the first one knows wins, taxon by
taxon. Of listings all three are asked, since one may know the dates that another lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from epix_node.permit.codes import FICTIONAL_PARTIES
from epix_node.reference.builtin import builtin_shelf
from epix_node.reference.edition import Edition
from epix_node.reference.listing import InForce
from epix_node.reference.loading.species_tables import ACCEPTED, HISTORY, SPECIES
from epix_node.reference.population import Extent, Scope
from epix_node.reference.scientific_name import MAX_NAME_CHARACTERS, scientific_key
from epix_node.reference.shelf import Shelf
from epix_node.reference.taxon import Match, Taxon
from epix_node.reference.timeline import Entry, Segment, Timeline, resolve

_REMEMBERED = 1_024
"""Answers kept, so that the lines of one permit and the permits of one batch ask once: about a megabyte."""

_CODE_CHARACTERS = 2
"""Of a country. What stands in its box may be any text, and long ones are not remembered, as long names are not."""

_FIND = """
SELECT name.kind, taxon.id, taxon.name, rank, kingdom, phylum, class, "order", family, genus, annotation, ranges
FROM {book}_name AS name JOIN {book}_taxon AS taxon ON taxon.id = name.taxon
WHERE name.key = ?
"""

_LISTED = """
SELECT starts, is_dated, appendix, extent, countries, parts, is_conditional, party, annotation
FROM {book}_listing WHERE key = ? ORDER BY starts, place
"""

_COUNTRY = "SELECT 1 FROM {book}_country WHERE code = ?"


@dataclass(frozen=True, slots=True)
class _Book:
    """One of the books: where it is, and what it asks there."""

    shelf: Shelf
    edition: Edition
    find: str
    listed: str
    country: str


class SpeciesBook:
    """Species and their listings. Several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        """Of what is on this shelf, and of the built-in taxa under it."""
        self._books = tuple(
            _Book(place, edition, *(sql.format(book=name) for sql in (_FIND, _LISTED, _COUNTRY)))
            for place, name in ((shelf, SPECIES), (shelf, HISTORY), (builtin_shelf(), SPECIES))
            if (edition := place.edition(name)) is not None
        )
        self._match = lru_cache(_REMEMBERED)(self._look_up)
        self._timeline = lru_cache(_REMEMBERED)(self._read_timeline)
        self._listing = lru_cache(_REMEMBERED)(self._find_listing)
        self._names = lru_cache(len(FICTIONAL_PARTIES))(self._look_for_country)

    @property
    def edition(self) -> Edition:
        """Of the list that is asked first: the loaded one, else the built-in one."""
        return self._books[0].edition

    def editions(self) -> tuple[Edition, ...]:
        """Of all books, in the order in which they are asked."""
        return tuple(book.edition for book in self._books)

    def covers(self, country: str) -> bool:
        """Whether what is known of species can be asked about this country: always, unless it is fictional.

        A fictional country is no range State of anything, which says nothing, until data that name it were loaded.
        """
        return country not in FICTIONAL_PARTIES or self._names(country)

    def _look_for_country(self, country: str) -> bool:
        return any(book.shelf.one(book.country, (country,)) is not None for book in self._books)

    def find(self, name: str) -> Match | None:
        """What this name means; ``None`` where no book knows it."""
        return self._match(name) if len(name) <= MAX_NAME_CHARACTERS else self._look_up(name)

    def listing_on(self, taxon: Taxon, day: date, population: str | None) -> InForce | None:
        """Its listing on this day, for specimens from this country; ``None`` where no book knows that.

        A taxon that no book lists by itself is listed with the next higher one that is.
        """
        is_code = population is None or len(population) <= _CODE_CHARACTERS
        return (self._listing if is_code else self._find_listing)(taxon, day, population)

    def _find_listing(self, taxon: Taxon, day: date, population: str | None) -> InForce | None:
        for name in taxon.lineage:
            timeline = self._timeline(scientific_key(name))
            if timeline is not None:
                segment = timeline.on(day)
                if segment is None:
                    return None
                if not _is_spoken_of(population, taxon, segment):
                    population = None
                return _in_force(segment, timeline, name, population)
        return None

    def first_listed(self, taxon: Taxon) -> date | None:
        """The first day on which it was in any Appendix; ``None`` where its history is not known from the beginning."""
        for name in taxon.lineage:
            timeline = self._timeline(scientific_key(name))
            if timeline is not None:
                return timeline.first_listed()
        return None

    def _look_up(self, name: str) -> Match | None:
        key = scientific_key(name)
        for book in self._books:
            rows = book.shelf.all(book.find, (key,))
            if rows:
                if len(rows) > 1:
                    # Not in SQL, which would sort each single row too.
                    rows.sort(key=lambda row: (row[0], row[2]))
                return _match(name, rows, book.edition)
        return None

    def _read_timeline(self, key: str) -> Timeline | None:
        """Of the taxon with this key; ``None`` where no book lists it by itself."""
        segments: list[Segment] = []
        # The book that is asked first speaks last: of two segments of one day its own counts.
        for book in reversed(self._books):
            rows = book.shelf.all(book.listed, (key,))
            of_book = _segments(rows, book.edition) if rows else []
            if any(not segment.is_dated for segment in of_book):
                # A list that was loaded takes the place of the state that is built in. Dated changes stay.
                segments = [segment for segment in segments if segment.is_dated]
            segments += of_book
        return Timeline(segments) if segments else None


def _match(name: str, rows: Sequence[tuple[Any, ...]], edition: Edition) -> Match:
    kind = rows[0][0]
    best = [row for row in rows if row[0] == kind] if len(rows) > 1 else rows
    _, id_, accepted, rank, kingdom, phylum, class_name, order, family, genus, annotation, ranges = best[0]
    taxon = Taxon(
        id=id_,
        name=accepted,
        rank=rank,
        kingdom=kingdom,
        phylum=phylum,
        class_name=class_name,
        order=order,
        family=family,
        genus=genus,
        annotation=annotation,
        range_states=frozenset(ranges.split(" ")) if ranges else None,
    )
    by = "synonym" if kind != ACCEPTED else "accepted" if taxon.is_species_or_lower else "genus"
    return Match(
        taxon=taxon,
        by=by,
        name_given=name,
        accepted_name=accepted,
        others=tuple(row[2] for row in best[1:]),
        edition=edition,
    )


def _segments(rows: Sequence[tuple[Any, ...]], edition: Edition) -> list[Segment]:
    by_day: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_day.setdefault(row[0], []).append(row)
    return [
        Segment(
            starts=date.fromisoformat(starts),
            is_dated=bool(of_day[0][1]),
            entries=tuple(_entry(*row[2:]) for row in of_day if row[2] is not None),
            edition=edition,
        )
        for starts, of_day in by_day.items()
    ]


def _entry(
    appendix: str,
    extent: str,
    countries: str | None,
    parts: str | None,
    is_conditional: int,
    party: str | None,
    annotation: str | None,
) -> Entry:
    return Entry(
        appendix=appendix,
        scope=Scope(
            extent=Extent(extent),
            countries=frozenset(countries.split(" ")) if countries else frozenset(),
            parts=frozenset(parts.split(" ")) if parts else frozenset(),
            is_conditional=bool(is_conditional),
        ),
        party=party,
        annotation=annotation,
    )


def _is_spoken_of(population: str | None, taxon: Taxon, segment: Segment) -> bool:
    """Whether a listing split by populations can mean this country: it names it, or the taxon may live there.

    Stock in captivity elsewhere has the Appendix of the population it descends from, and nobody says which that is.
    """
    if population is None or taxon.range_states is None or population in taxon.range_states:
        return True
    return any(population in entry.scope.countries for entry in segment.entries)


def _in_force(segment: Segment, timeline: Timeline, name: str, population: str | None) -> InForce:
    resolved = resolve(segment.entries, population)
    annotations = {entry.annotation for entry in resolved.entries}
    return InForce(
        appendices=_ALL if resolved.is_open else frozenset(entry.appendix for entry in resolved.entries),
        may_be_unlisted=resolved.may_be_unlisted,
        annotation=annotations.pop() if len(annotations) == 1 else None,
        parties=frozenset(entry.party for entry in resolved.entries if entry.party is not None),
        since=timeline.since(segment),
        listed_as=name,
        edition=segment.edition,
    )


_ALL = frozenset({"I", "II", "III"})
