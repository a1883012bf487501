"""A whole year of trade, and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from epix_node.clock import format_time
from epix_node.simulation import frauds, traps
from epix_node.simulation.frauds import FRAUDS
from epix_node.simulation.papers import sold_on
from epix_node.simulation.rates import WHOLE, Rates
from epix_node.simulation.trade import Act, Story, Trade
from epix_node.simulation.traps import TRAPS, mistyped_number, typing_error
from epix_node.simulation.truth import Truth

FILES = ("about.json", "permits.jsonl", "events.jsonl", "truth.jsonl")
"""What is written: how it was made, what was issued, what happened, and what was really done."""

_ENOUGH_TO_SELL_ON = 20
"""Steps of its goods that a story needs, to be sold on in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Everything that was done, in the order of time, and the truth about it."""

    seed: int
    start: date
    parties: tuple[str, ...]
    silent: str
    rates: Rates
    acts: tuple[Act, ...]
    truths: tuple[Truth, ...]

    @property
    def permits(self) -> int:
        """How many permits and certificates were published."""
        return sum(act.does in {"publish", "replace"} for act in self.acts)


def invent(
    *, permits: int, seed: int, parties: int = 6, start: date, rates: Rates | None = None, after: int = 0
) -> Year:
    """A year with about so many permits: resale and replacement add some. Equal arguments give equal years.

    Every serial number in it is greater than ``after``, so that a large year can be invented in parts.

    Raises:
        ValueError: fewer than 1 permit, or a number of Parties that there are no fictional countries for.
    """
    if permits < 1:
        raise ValueError(f"{permits} permits: expected 1 or more")
    rates = rates or Rates()
    trade = Trade(seed=seed, parties=parties, start=start, rates=rates, after=after)
    honest = [trade.story() for _ in range(permits)]
    used = [story for story in honest if story.arrived_on is not None]
    trade.random.shuffle(used)
    victims = _Untold(used)
    truths = [
        *_played(trade, FRAUDS, victims, _share(len(used), rates.fraud, at_least=len(FRAUDS))),
        *_played(trade, TRAPS, victims, _share(len(used), rates.trap, at_least=len(TRAPS))),
    ]
    _innocently(trade, [sold_on], victims, _share(len(used), rates.reexported, at_least=0))
    mistakes = [typing_error, mistyped_number]
    _innocently(trade, mistakes, victims, _share(len(used), rates.typing_error, at_least=0))
    acts = sorted(
        (act for story in trade.stories for act in story.acts),
        key=lambda act: (act.at, act.party, act.does, json.dumps(act.body, sort_keys=True)),
    )
    return Year(
        seed=seed,
        start=start,
        parties=trade.parties,
        silent=trade.silent,
        rates=rates,
        acts=tuple(acts),
        truths=tuple(truths),
    )


def write(year: Year, directory: Path) -> None:
    """The four files, anew; the same year always gives the same bytes.

    Raises:
        OSError: the directory cannot be made, or the files cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    about = {
        "seed": year.seed,
        "start": year.start.isoformat(),
        "parties": list(year.parties),
        "without_node": year.silent,
        "permits": year.permits,
        "acts": len(year.acts),
        "rates_per_10000": asdict(year.rates),
        "note": "Invented. Every rate is an assumption: none was ever published.",
    }
    (directory / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    issued, happened = _split(year.acts)
    _write_lines(directory / "permits.jsonl", issued)
    _write_lines(directory / "events.jsonl", happened)
    _write_lines(directory / "truth.jsonl", (truth.to_json() for truth in year.truths))


def _split(acts: Iterable[Act]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    issued: list[dict[str, Any]] = []
    happened: list[dict[str, Any]] = []
    for act in acts:
        line = {"at": format_time(act.at), "party": act.party, "does": act.does, **act.body}
        (issued if act.does in {"publish", "replace"} else happened).append(line)
    return issued, happened


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


class _Untold:
    """Honest stories that nothing was done to yet, each given away once."""

    def __init__(self, used: Iterable[Story]) -> None:
        self._left = [story for story in used if story.goods.appendix != "I"]

    def take(self, fits: Callable[[Story], bool]) -> Story | None:
        """One that fits and that nothing more will be done to; None where there is none left."""
        for place in range(len(self._left) - 1, -1, -1):
            story = self._left[place]
            if not story.is_told and fits(story):
                del self._left[place]
                story.is_told = True
                return story
        return None


_Play = Callable[[Trade, Story], Truth]


def _fits(trade: Trade, play: _Play, story: Story) -> bool:
    """Whether the play can be played with this story."""
    if play in frauds.NEEDS_SILENCE and story.destination == trade.seldom:
        return False
    if play not in frauds.NEEDS_RESALE and play not in traps.NEEDS_RESALE:
        return True
    return story.goods.travels_on and story.arrived >= _ENOUGH_TO_SELL_ON * story.goods.step


def _played(trade: Trade, plays: Sequence[_Play], victims: _Untold, times: int) -> list[Truth]:
    """Each of the plays in turn, so many times in all."""
    truths = []
    for turn in range(times):
        play = plays[turn % len(plays)]
        story = victims.take(partial(_fits, trade, play))
        if story is not None:
            truths.append(play(trade, story))
    return truths


def _innocently(trade: Trade, plays: Sequence[_Play], victims: _Untold, times: int) -> None:
    """The ordinary resale and the ordinary mistakes of the year, of which no truth is told."""
    _played(trade, plays, victims, times)


def _share(number: int, rate: int, *, at_least: int) -> int:
    return min(number, max(at_least, number * rate // WHOLE)) if rate else 0
