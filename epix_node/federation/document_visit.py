"""The documents that a peer has for us are here (``pull``, steps 3 and 4).

While the documents of one page are recorded, those of the next are verified, and the page after it is asked for: three
pages at most are in memory, and there is one question at a time to the peer (C.5). Pages are recorded in their order,
each in one transaction with the cursor that passes it.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from epix_node.exchange.ingest import Listed, Refused
from epix_node.federation import mirror
from epix_node.federation.messages import MAX_BATCH_DIGESTS, FeedPage
from epix_node.federation.mirror import Mentioned
from epix_node.federation.turns import turns_of
from epix_node.federation.visit import Visit, ahead
from epix_node.permit.reasons import Reason
from epix_node.reconcile.perspective import Perspective
from epix_node.register.entry import parse_leaf
from epix_node.store.arrival import Arrival

PAGE_ENTRIES = 256
"""Entries asked of a feed at once: as many as one batch may ask documents for."""

MAX_OMITTED = 16
"""Entries that the feed is asked for again at one visit, each with a question of its own."""

_ABOUT_KEYS = (Reason.KEY_UNKNOWN, Reason.KEY_WRONG_PARTY, Reason.KEY_WRONG_USE, Reason.KEY_NOT_IN_PERIOD)
"""Reasons of which a newer manifest may be the end."""

Move = tuple[int, int]
"""From where to where the feed cursor moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One answer: what was given, what was not, and how far the cursor moves with it."""

    listed: Sequence[Listed]
    withheld: Sequence[Mentioned]
    move: Move | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A step whose documents were verified, under the trust of that moment."""

    step: _Step
    documents: Sequence[Arrival | Refused]
    perspective: Perspective
    now: datetime


async def take_documents(visit: Visit) -> None:
    """The cursor stands at the end of the mirror; what was listed and not given, or not listed, was asked for again.

    Raises:
        PeerError: the peer does not answer, or makes no sense; every page up to there stays.
        Overtaken: another process pulls from the same peer; begin again.
    """
    manifest = visit.node.office.keyring().manifests.get(visit.party)
    judged_by = turns_of(visit.database).judged_by
    if judged_by.get(visit.party) != manifest:
        await _take(visit, _refused_for_key(visit))
        judged_by[visit.party] = manifest
    for source in (_feed(visit), _wanted(visit), _omitted(visit)):
        await _take(visit, source)


async def _take(visit: Visit, source: AsyncGenerator[_Step, None]) -> None:
    async with ahead(source) as steps, ahead(_verified(visit, steps)) as checked:
        async for one in checked:
            await _record(visit, one)


async def _refused_for_key(visit: Visit) -> AsyncGenerator[_Step, None]:
    """What was refused for its key, once more: the peer's manifest is another one than it was judged by.

    A newer manifest may come later than what was signed under it, and nobody will give the document again.
    """
    for reason in _ABOUT_KEYS:
        kept = await visit.database.read(mirror.refused_for, visit.party, reason)
        for start in range(0, len(kept), PAGE_ENTRIES):
            yield _Step(listed=kept[start : start + PAGE_ENTRIES], withheld=(), move=None)


async def _feed(visit: Visit) -> AsyncGenerator[_Step, None]:
    """What the feed lists from the cursor up to the checkpoint that counts."""
    peer, held = await visit.standing()
    size = held.checkpoint_size if held is not None else 0
    start = peer.next_index
    while start < size:
        page = await visit.client.feed(start, PAGE_ENTRIES)
        _refuse_wrong_page(visit, page, start=start)
        mentioned = [Mentioned(sha256=entry.document, index=entry.index) for entry in page.entries]
        # Entries beyond the checkpoint that counts are left for the next pull, which will have their leaves.
        end = min(page.to, size)
        async for step in _given(visit, mentioned, below=size, move=(start, end)):
            yield step
        start = end


def _refuse_wrong_page(visit: Visit, page: FeedPage, *, start: int) -> None:
    if (page.party, page.env, page.start) != (visit.party, visit.node.config.party.environment, start):
        raise visit.nonsense(f"a page of {page.party} in {page.env} from {page.start}, expected {start}")
    if page.to == start:
        raise visit.nonsense(f"a page that examines nothing from {start} on, of {page.size}")


async def _wanted(visit: Visit) -> AsyncGenerator[_Step, None]:
    """What was listed and not given, and what alerts name."""
    wanted = await visit.database.read(mirror.wanted, visit.party)
    if wanted:
        _, held = await visit.standing()
        async for step in _given(visit, wanted, below=held.checkpoint_size if held is not None else 0, move=None):
            yield step


async def _omitted(visit: Visit) -> AsyncGenerator[_Step, None]:
    """What the feed did not list when the cursor passed it, and has to: it stands in the chain of a held permit.

    A peer that is mended lists it now. Without this question a document that was left out once would never come.
    """
    indexes = await visit.database.read(mirror.omitted, visit.party)
    _, held = await visit.standing()
    size = held.checkpoint_size if held is not None else 0
    # Any of them, so that those which never come do not keep the others from being asked for.
    for index in sorted(random.sample(indexes, min(MAX_OMITTED, len(indexes)))):
        page = await visit.client.feed(index, 1)
        _refuse_wrong_page(visit, page, start=index)
        mentioned = [Mentioned(sha256=one.document, index=one.index) for one in page.entries if one.index == index]
        async for step in _given(visit, mentioned, below=size, move=None):
            yield step


async def _given(
    visit: Visit, mentioned: Sequence[Mentioned], *, below: int, move: Move | None
) -> AsyncGenerator[_Step, None]:
    """The documents mentioned that are not held yet, as far as they are given; the cursor moves with each answer."""
    left = await visit.database.read(mirror.leaves_of_missing, visit.party, mentioned, below=below)
    while left or move is not None:
        asked = [one.sha256 for one, _ in left[:MAX_BATCH_DIGESTS]]
        given = await visit.client.batch(asked) if asked else {}
        done, left = left[: len(given)], left[len(given) :]
        step, move = _stride(move, left)
        yield _Step(
            listed=_listed(done, given), withheld=[one for one, _ in done if given[one.sha256] is None], move=step
        )


def _listed(done: Sequence[tuple[Mentioned, bytes]], given: Mapping[str, bytes | None]) -> list[Listed]:
    return [
        Listed(sha256=one.sha256, index=one.index, leaf=parse_leaf(leaf), xml=xml)
        for one, leaf in done
        if (xml := given[one.sha256]) is not None
    ]


async def _verified(visit: Visit, steps: AsyncGenerator[_Step, None]) -> AsyncGenerator[_Checked, None]:
    async for step in steps:
        now, perspective = visit.node.clock(), visit.node.office.perspective()
        believed = await visit.verifying.check(
            step.listed,
            party=visit.party,
            environment=visit.node.config.party.environment,
            trust=perspective.keyring,
            now=now,
        )
        yield _Checked(step=step, documents=believed, perspective=perspective, now=now)


async def _record(visit: Visit, checked: _Checked) -> None:
    step = checked.step
    examined = await visit.verifying.examine(visit.node.office.examiner(now=checked.now), checked.documents)
    recorded = await visit.database.write(
        mirror.record_page,
        checked.perspective,
        visit.party,
        examined,
        step.withheld,
        move=step.move,
        now=checked.now,
    )
    visit.brought.documents += recorded.documents
    visit.brought.quarantined += recorded.quarantined
    visit.pace.step_completed()


def _stride(move: Move | None, left: Sequence[tuple[Mentioned, bytes]]) -> tuple[Move | None, Move | None]:
    """How the cursor moves now, and how it will move with what is left.

    An answer that ended early moves it up to the first document that is asked for again.
    """
    if move is None:
        return None, None
    if not left:
        return move, None
    reached = left[0][0].index
    return (move[0], reached), (reached, move[1])
