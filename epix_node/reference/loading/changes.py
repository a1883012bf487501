"""From the changes of one taxon's listing to what it was from day to day.

Species+ tells a history as additions and deletions, each with an Appendix and a day. An addition of the whole taxon
takes the place of all that was before; one of some populations takes the place of its own Appendix only, since the rest
stays where it was ("2019: Appendix II amended; Appendix I as of 2017 goes on"). Reservations are not changes of the
listing and are left to ``reservations``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from epix_node.reference.population import WHOLE, Extent, Scope
from epix_node.reference.timeline import BEFORE_ALL, NOT_LISTED, Entry

ADDITION, DELETION = "ADDITION", "DELETION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of a history."""

    on: date
    kind: str
    """``ADDITION`` or ``DELETION``."""
    appendix: str
    scope: Scope
    party: str | None = None
    annotation: str | None = None
    is_current: bool | None = None
    """Whether the source says that it is in force today; ``None`` where it does not say."""

    @property
    def entry(self) -> Entry:
        """What it adds."""
        return Entry(
            appendix=self.appendix,
            scope=self.scope,
            party=self.party if self.appendix == "III" else None,
            annotation=self.annotation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """So it is listed since a day; no entries: from then on nothing is known."""

    starts: date
    entries: tuple[Entry, ...]


def follow(changes: Iterable[Change], *, is_complete: bool) -> Iterator[Since]:
    """What the listing was from each day on which it changed.

    ``is_complete`` says that the changes are all that ever were; then it was not listed before the first. Otherwise
    only the state after the last of them is known: what else was in force meanwhile, nobody said.
    """
    ordered = sorted(changes, key=_order)
    if not ordered:
        return
    if is_complete and ordered[0].kind == ADDITION:
        yield Since(starts=BEFORE_ALL, entries=(_UNLISTED,))
    last = ordered[-1].on
    state: tuple[Entry, ...] = ()
    for day, of_day in groupby(ordered, key=lambda change: change.on):
        state = _after(state, list(of_day))
        if day == last:
            yield Since(starts=day, entries=_as_of_today(state, ordered))
        elif is_complete:
            yield Since(starts=day, entries=state or (_UNLISTED,))


_UNLISTED = Entry(appendix=NOT_LISTED, scope=WHOLE)


def _order(change: Change) -> tuple[date, bool, str, str]:
    """By day; of one day what ends before what begins."""
    return change.on, change.kind == ADDITION, change.appendix, change.party or ""


def _after(state: tuple[Entry, ...], changes: list[Change]) -> tuple[Entry, ...]:
    """The listing at the end of a day with these changes."""
    for change in changes:
        if change.kind == DELETION:
            ended = change.entry
            state = tuple(
                entry
                for entry in state
                if entry.appendix != ended.appendix or (ended.party is not None and entry.party != ended.party)
            )
    added = tuple(change.entry for change in changes if change.kind == ADDITION)
    if not added:
        return state
    if any(entry.appendix != "III" and entry.scope.extent is Extent.ALL for entry in added):
        return added
    replaced = {(entry.appendix, entry.party) for entry in added}
    split = {entry.appendix for entry in added} >= {"I", "II"}
    kept = tuple(
        entry
        for entry in state
        if (entry.appendix, entry.party) not in replaced and not (split and entry.appendix in ("I", "II"))
    )
    return kept + added


def _as_of_today(state: tuple[Entry, ...], changes: list[Change]) -> tuple[Entry, ...]:
    """The last state, where the source says which additions are in force today: it knows better than ``_after``."""
    additions = [change for change in changes if change.kind == ADDITION]
    if not additions or any(change.is_current is None for change in additions):
        return state or (_UNLISTED,)
    current = tuple(dict.fromkeys(change.entry for change in additions if change.is_current))
    if current:
        return current
    # Neither in force nor deleted: the source tells the end elsewhere, perhaps under another name.
    return () if state else (_UNLISTED,)
