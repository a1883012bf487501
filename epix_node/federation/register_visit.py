"""The mirror of a peer's register grows up to its newest checkpoint (``pull``, steps 1 and 2).

A larger checkpoint is first shown to have grown out of the one held: the peer's hash tiles, every one vouched for by
the signed root (``register.tiles``), say what the first entries' root is. Where that is another than the one held, the
log has signed two histories, and this node holds the proof: the peer is frozen. Tiles that the root does not vouch for
prove nothing against anybody, since whoever stands between can send them: they are a broken answer.

Then the entries come in bundles, and each is compared with what the tiles say before it is stored. So everything in a
mirror is vouched for by a signature of its log, also where the pull breaks off half way; it *counts* from the moment
on in which the mirror reaches the checkpoint.

Whoever is far behind takes full bundles only, which never change, and then the rest under the checkpoint that is the
newest by then (C.5, "Catch-up").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

import structlog

from epix_node.clock import format_time
from epix_node.errors import MalformedDocumentError, NotFoundError, PeerProtocolError, ProofError, TrustError
from epix_node.federation import mirror
from epix_node.federation.mirror import Entry
from epix_node.federation.visit import Visit, ahead
from epix_node.register.bundle import BUNDLE_ENTRIES
from epix_node.register.checkpoint import VerifiedCheckpoint, verify_checkpoint
from epix_node.register.cosignature import valid_cosignatures
from epix_node.register.entry import leaf_origin
from epix_node.register.evidence import Conflict, conflict_of
from epix_node.register.merkle import leaf_hash
from epix_node.register.note import parse_note
from epix_node.register.proof import HashReader, roots_of_consistency, seeded_proof
from epix_node.register.tiles import (
    TILE_HEIGHT,
    TileHashes,
    authenticate,
    hash_up,
    tiles_for_consistency,
    tiles_for_level1,
)
from epix_node.store.register import RegisterState

CATCH_UP_FROM = 1000
"""Entries behind from which on the mirror catches up, one peer at a time and in full bundles (C.5)."""

_APPROACHES = 4
"""How often a mirror that is far behind looks for a newer checkpoint; a log that grows as fast is taken as it is."""

MAX_ENTRIES = 2**40
"""Most entries of a register that is followed: their hashes alone would be 32 TiB."""

MOST_AT_ONCE = 1024 * BUNDLE_ENTRIES
"""Entries that are planned for and fetched under one checkpoint: full bundles. How many there are, its log merely says.
"""

BUNDLES_PER_TRANSACTION = 16
"""4,096 entries: a small part of a second of the only writer."""

MAX_AHEAD = timedelta(minutes=5)
"""How far a peer's cosignature may lie ahead of this node's clock (C.5); a watermark from the future never ages."""

log = structlog.get_logger("epix_node.federation")


async def take_register(visit: Visit) -> None:
    """The mirror holds the peer's newest checkpoint, verified down to every entry; or has come a long way towards it.

    Raises:
        PeerError: the peer does not answer, or makes no sense; every step up to there stays.
        Overtaken: another process pulls from the same peer; begin again.
    """
    for left in reversed(range(_APPROACHES)):
        if await _approach(visit, is_last=not left):
            return


async def _approach(visit: Visit, *, is_last: bool) -> bool:
    """The mirror is nearer to the newest checkpoint; whether it is there.

    Where this ``is_last`` it is, unless more entries are missing than are taken at once: the next pull goes on.
    """
    peer, held = await visit.standing()
    fetched = await visit.client.checkpoint(peer.etag if held is not None else None)
    if fetched is None:
        return True
    target, witnessed_at = _verified(visit, fetched.note)
    checkpoint = target.checkpoint
    if held is not None:
        if held.origin != checkpoint.origin:
            await _freeze(visit, f"the register {held.origin} became {checkpoint.origin}", None)
        if checkpoint.size < held.checkpoint_size:
            await _require_beginning(visit, target)
            visit.brought.rollback = (
                f"rollback suspected: a checkpoint of size {checkpoint.size}, {held.checkpoint_size} is held"
            )
            return True
        root = mirror.held_root(held)
        if checkpoint.size == held.checkpoint_size and root is not None:
            if checkpoint.root != root:
                await _dispute(visit, held, target, checkpoint.root, reader=None)
            await visit.database.write(
                mirror.take_time,
                visit.party,
                target,
                etag=fetched.etag,
                witnessed_at=witnessed_at,
                now=visit.node.clock(),
            )
            visit.pace.step_completed()
            return True
        if held.edge.size > checkpoint.size:
            # Left over from a pull towards a larger checkpoint that is not the peer's word any more.
            await visit.database.write(mirror.forget_unverified, visit.party)
            _, held = await visit.standing()
    start = held.edge.size if held is not None else 0
    is_far_behind = checkpoint.size - start > CATCH_UP_FROM
    partial = checkpoint.size % BUNDLE_ENTRIES if is_far_behind and not is_last else 0
    end = min(checkpoint.size - partial, start - start % BUNDLE_ENTRIES + MOST_AT_ONCE)
    hashes = await _tiles(visit, target, held, start=start, end=end)
    async with (
        visit.pace.catching_up() if is_far_behind else nullcontext(),
        ahead(_entries(visit, hashes, start=start, end=end, size=checkpoint.size)) as groups,
    ):
        async for group in groups:
            problem = await visit.database.write(
                mirror.append,
                visit.party,
                group,
                start=start,
                target=target,
                etag=fetched.etag,
                witnessed_at=witnessed_at,
                codes=visit.node.office.keyring().codes_of(visit.party),
                now=visit.node.clock(),
            )
            if problem is not None:
                raise visit.nonsense(problem)
            start += len(group)
            visit.brought.leaves += len(group)
            visit.pace.step_completed()
    return end == checkpoint.size


def _verified(visit: Visit, note: bytes) -> tuple[VerifiedCheckpoint, datetime | None]:
    """The checkpoint in these bytes, and by when this node's quorum of witnesses had cosigned it."""
    keyring, party = visit.node.office.keyring(), visit.party
    origin, log_key = keyring.origin(party), keyring.log_key(party)
    if origin is None or log_key is None:
        raise NotFoundError(f"{party} is no peer any more")
    policy = visit.node.office.witness_policy(party)
    try:
        verified = verify_checkpoint(note, origin=origin, log_key=log_key, cosigner_key=keyring.cosigner_key(party))
        cosignatures = valid_cosignatures(parse_note(note), policy.keys)
    except (MalformedDocumentError, TrustError) as error:
        raise PeerProtocolError(f"{party}: checkpoint refused: {error}", party=party, code=error.code) from error
    if verified.checkpoint.size > MAX_ENTRIES:
        raise visit.nonsense(f"a checkpoint of {verified.checkpoint.size} entries: at most {MAX_ENTRIES}")
    now = visit.node.clock()
    if verified.cosigned_at is not None and verified.cosigned_at > now + MAX_AHEAD:
        raise PeerProtocolError(
            f"{party}: checkpoint of {format_time(verified.cosigned_at)}, here it is {format_time(now)}",
            party=party,
            code="CLOCK_AHEAD",
        )
    # A witness that lies about the time must not make entries seem younger than they are: the first proof stays.
    return verified, policy.earliest_time(one for one in cosignatures if one.at <= now + MAX_AHEAD)


async def _tiles(
    visit: Visit, target: VerifiedCheckpoint, held: RegisterState | None, *, start: int, end: int
) -> TileHashes:
    """The hashes that vouch for the entries ``[start, end)``; the target grew out of the checkpoint that is held."""
    size, old_size = target.checkpoint.size, held.checkpoint_size if held is not None else 0
    needed = {*tiles_for_consistency(old_size=old_size, new_size=size), *tiles_for_level1(start, end, size)}
    # One after the other: one question at a time to a peer (C.5). There are a handful, however large the log is.
    tiles = {(level, n): await visit.client.tile(level, n, width) for level, n, width in sorted(needed, reverse=True)}
    try:
        hashes = await asyncio.to_thread(authenticate, tiles, size=size, root=target.checkpoint.root)
    except ProofError as error:
        raise visit.nonsense(f"tiles that its checkpoint does not vouch for: {error}", code=error.code) from error
    root = mirror.held_root(held) if held is not None else None
    if held is not None and root is not None and 0 < old_size < size:
        proof = seeded_proof(hashes, old_size=old_size, new_size=size)
        old_root, _ = roots_of_consistency(old_size=old_size, new_size=size, proof=proof)
        if old_root != root:
            await _dispute(visit, held, target, old_root, reader=hashes)
    return hashes


async def _entries(
    visit: Visit, hashes: TileHashes, *, start: int, end: int, size: int
) -> AsyncGenerator[list[Entry], None]:
    """The entries ``[start, end)`` in groups of some bundles, each vouched for; one empty group where none is missing.

    With the empty one, what is held already counts under the target.
    """
    bundles = range(start // BUNDLE_ENTRIES, -(-end // BUNDLE_ENTRIES) if end > start else start // BUNDLE_ENTRIES)
    if not bundles:
        yield []
    for first in range(bundles.start, bundles.stop, BUNDLES_PER_TRANSACTION):
        group = [
            (n, await visit.client.bundle(n, min(BUNDLE_ENTRIES, size - n * BUNDLE_ENTRIES)))
            for n in range(first, min(first + BUNDLES_PER_TRANSACTION, bundles.stop))
        ]
        yield await asyncio.to_thread(_read_entries, visit, group, hashes, start=start)


def _read_entries(
    visit: Visit, bundles: Sequence[tuple[int, Sequence[bytes]]], hashes: TileHashes, *, start: int
) -> list[Entry]:
    """The entries from ``start`` on, each a leaf that this peer's register may hold and does."""
    environment = visit.node.config.party.environment
    read: list[Entry] = []
    for n, bundle in bundles:
        leaf_hashes = [leaf_hash(data) for data in bundle]
        is_full = len(bundle) == BUNDLE_ENTRIES
        good = (
            hash_up(leaf_hashes) == hashes.subtree(TILE_HEIGHT, n)
            if is_full
            else (tuple(leaf_hashes) == tuple(hashes.tiles[0, n]))
        )
        if not good:
            raise visit.nonsense(f"bundle {n} with other entries than its checkpoint vouches for")
        first = n * BUNDLE_ENTRIES
        for index in range(max(start - first, 0), len(bundle)):
            data = bundle[index]
            try:
                origin = leaf_origin(data)
            except MalformedDocumentError as error:
                raise visit.nonsense(f"entry {first + index}: {error}") from error
            if origin != (visit.party, environment):
                raise visit.nonsense(f"entry {first + index}, which is of {' in '.join(origin)}")
            read.append(Entry(data=data, leaf_hash=leaf_hashes[index]))
    return read


async def _require_beginning(visit: Visit, target: VerifiedCheckpoint) -> None:
    """The mirror begins with this smaller tree; where it does not, the peer is frozen.

    A node that comes back from an old backup shows the first. One that went on from there has signed two histories.
    """
    log_key = visit.node.office.keyring().log_key(visit.party)
    found = await visit.database.read(mirror.contradiction, visit.party, target, log_key=log_key)
    if found is not None:
        size, root = target.checkpoint.size, target.checkpoint.root
        await _freeze(visit, f"two histories: root {root.hex()} of {size} entries, which are others here", found)


async def _dispute(
    visit: Visit, held: RegisterState, target: VerifiedCheckpoint, other: bytes, *, reader: HashReader | None
) -> None:
    """The peer is frozen, and what convicts its log is kept: the checkpoint held, the one given, and the proof."""
    size, root = held.checkpoint_size, mirror.held_root(held) or b""
    reason = f"two histories: the first {size} entries have root {other.hex()} now, root {root.hex()} is held"
    log_key = visit.node.office.keyring().log_key(visit.party)
    conflict: Conflict | None = None
    if log_key is not None and held.checkpoint is not None:
        try:
            conflict = conflict_of(held.checkpoint, target.note, log_key=log_key, reader=reader)
        except (MalformedDocumentError, TrustError) as error:
            # The log changed its key in between: this node verified both notes, but nobody could by one key.
            log.warning("the contradiction cannot be shown to others", party=visit.party, problem=str(error))
    await _freeze(visit, reason, conflict)


async def _freeze(visit: Visit, reason: str, conflict: Conflict | None) -> None:
    await visit.database.write(mirror.freeze, visit.party, reason, conflict=conflict, now=visit.node.clock())
    log.error("peer frozen: its register contradicts itself", party=visit.party, reason=reason)
    raise PeerProtocolError(f"{visit.party} is frozen: {reason}", party=visit.party, code="REGISTER_DISPUTED")
