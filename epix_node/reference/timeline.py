"""How the listing of one taxon changed, and what it was on a day.

A timeline is a row of segments; each says what has been so since its first day. A *dated* segment began on that day:
the source is a history. Another one is a snapshot: it has been so on that day at the latest. A day before all segments
has no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from epix_node.reference.edition import Edition
from epix_node.reference.population import Covered, Extent, Scope

NOT_LISTED = ""
"""Stands for an Appendix in an entry: no Appendix."""

BEFORE_ALL = date.min
"""First day of the segment "not listed" with which a complete history begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One Appendix of a listing, and the populations that it covers there."""

    appendix: str
    """``I``, ``II``, ``III``; ``NOT_LISTED`` for populations that are in none, covering what no other entry does."""
    scope: Scope
    party: str | None = None
    """The Party that asked for it; Appendix III only."""
    annotation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What has been so since a day, until the next segment."""

    starts: date
    is_dated: bool
    entries: tuple[Entry, ...]
    """Empty: from this day on nothing is known."""
    edition: Edition

    @property
    def appendices(self) -> frozenset[str]:
        """Every Appendix in it, whatever the population."""
        return frozenset(entry.appendix for entry in self.entries if entry.appendix != NOT_LISTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The entries that cover, or may cover, a population."""

    entries: tuple[Entry, ...]
    may_be_unlisted: bool
    is_open: bool = False
    """Whether no entry covers it, and the source does not say where it is: any Appendix may apply, or none."""


class Timeline:
    """The segments of one taxon, in the order of their days."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        """Of two segments of one day the one given later counts."""
        self._segments = sorted(segments, key=lambda segment: segment.starts)

    def on(self, day: date) -> Segment | None:
        """What was so on this day; ``None`` where that is not known."""
        found = None
        for segment in self._segments:
            if segment.starts > day:
                break
            found = segment
        return found if found and found.entries else None

    def since(self, segment: Segment) -> date | None:
        """The day from which it has been so; ``None`` where only a later day's state is known.

        A snapshot that agrees with the dated segment before it has been so since that one began.
        """
        if segment.is_dated:
            return None if segment.starts == BEFORE_ALL else segment.starts
        position = self._segments.index(segment)
        if position == 0:
            return None
        before = self._segments[position - 1]
        return self.since(before) if before.appendices == segment.appendices else None

    def first_listed(self) -> date | None:
        """The first day in any Appendix; ``None`` unless the history is known from its beginning."""
        if not self._segments or self._segments[0].starts != BEFORE_ALL:
            return None
        return next((segment.starts for segment in self._segments if segment.is_dated and segment.appendices), None)


def resolve(entries: Sequence[Entry], population: str | None) -> Resolved:
    """The entries that apply to specimens from this country; several where it is not said plainly which."""
    listed = [entry for entry in entries if entry.appendix != NOT_LISTED]
    has_rest = len(listed) < len(entries)
    covered = [(entry.scope.covers(population), entry) for entry in listed]
    possible = tuple(entry for cover, entry in covered if cover is not Covered.NO)
    if any(entry.scope.is_conditional for entry in possible):
        # Elephants of these populations are in Appendix II as trophies, but as something else in Appendix I.
        possible += tuple(entry for entry in listed if entry.appendix == "I" and entry not in possible)
    if any(cover is Covered.YES for cover, _ in covered):
        return Resolved(entries=possible, may_be_unlisted=False)
    if possible:
        return Resolved(entries=possible, may_be_unlisted=has_rest or _leaves_gaps(listed))
    if has_rest:
        return Resolved(entries=(), may_be_unlisted=False)
    # "Except the populations of X", and no word of where X is: nothing can be excluded.
    return Resolved(entries=tuple(listed), may_be_unlisted=True, is_open=True)


def _leaves_gaps(listed: Sequence[Entry]) -> bool:
    """Whether a population may exist that none of these covers: where every entry names those it is for."""
    return all(entry.scope.extent is Extent.ONLY for entry in listed)
