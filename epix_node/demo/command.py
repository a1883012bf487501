"""``epix-node demo``: found a federation, play the story, show what was found, and hold it where that is wanted."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from epix_node.demo import report
from epix_node.demo.federation import Federation, running_federation
from epix_node.demo.scenes import CAST
from epix_node.demo.story import Report, play_story
from epix_node.errors import ConfigError, EpixError

STORY_BEGINS = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""When the story starts, where no clock is given."""

_AS_EXPECTED, _NOT_AS_EXPECTED, _INTERRUPTED = 0, 1, 5
"""Exit codes (contract 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What the command line asks for."""

    hold: bool
    empty: bool
    parties: int
    clock: datetime | None
    port: int | None
    as_json: bool


def run_demo(
    directory: Path | None,
    *,
    hold: bool,
    empty: bool,
    parties: int,
    clock: datetime | None,
    port: int | None,
    echo: Callable[[str], None],
    as_json: bool = False,
) -> int:
    """The demonstration ran; returns the exit code: 0 only if every finding was the expected one.

    ``echo`` takes the lines of standard output. Without ``directory`` a temporary one is made, and removed at the end
    unless the federation is held.

    Raises:
        ConfigError: the directory is not empty, a port cannot be used, or there are too few countries for the story.
        PeerError: a node does not start, or refuses what no scene plays for.
    """
    if not empty and parties < len(CAST):
        raise ConfigError(f"--parties {parties}: the story needs {len(CAST)} countries; --empty leaves it out")
    wish = _Wish(hold=hold, empty=empty, parties=parties, clock=clock, port=port, as_json=as_json)
    place = directory or Path(tempfile.mkdtemp(prefix="epix-demo-"))
    try:
        code = asyncio.run(_run(place, wish, echo))
    except EpixError:
        if directory is None and any(place.glob("*/node.log")):
            _remark(f"what the nodes said is kept in {place}")
        elif directory is None:
            shutil.rmtree(place, ignore_errors=True)
        raise
    if directory is None and not hold:
        shutil.rmtree(place, ignore_errors=True)
    return code


async def _run(directory: Path, wish: _Wish, echo: Callable[[str], None]) -> int:
    """Until everything is done, or SIGINT or SIGTERM asks to stop; the nodes are stopped cleanly in any case."""
    work = asyncio.create_task(_demonstrate(directory, wish, echo))
    asked = False

    def stop() -> None:
        # A second signal changes nothing: stopping has its own limit of time, and no node must be left behind.
        nonlocal asked
        if not asked:
            asked = True
            work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await asyncio.wait({work})
    return _INTERRUPTED if work.cancelled() else work.result()


async def _demonstrate(directory: Path, wish: _Wish, echo: Callable[[str], None]) -> int:
    show = _remark if wish.as_json else echo
    clock = wish.clock if wish.empty else (wish.clock or STORY_BEGINS)
    code = _AS_EXPECTED
    show(f"starting {wish.parties} countries and a Secretariat in {directory}")
    async with running_federation(
        directory, parties=wish.parties, clock=clock, first_port=wish.port, warn=_remark
    ) as federation:
        if not wish.empty:
            code = await _tell(federation, wish, echo)
        if wish.hold:
            path = federation.write_description()
            show(f"running until SIGINT or SIGTERM; how to reach the nodes is in\n{path}")
            with suppress(asyncio.CancelledError):  # asked to stop: that is how a held federation ends
                await asyncio.Event().wait()
    return code


async def _tell(federation: Federation, wish: _Wish, echo: Callable[[str], None]) -> int:
    played: Report = await play_story(federation.countries, secretariat=federation.secretariat, token=federation.token)
    if wish.as_json:
        echo(json.dumps(report.to_json(played), ensure_ascii=False))
    else:
        for line in report.lines(played):
            echo(line)
    return _AS_EXPECTED if played.is_as_expected else _NOT_AS_EXPECTED


def _remark(line: str) -> None:
    """A line for people, beside what the command reports."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
