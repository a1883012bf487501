"""Fetch back what this Party published and lost, from the mirrors that other Parties keep of its register.

Entries come first. A mirror shows a checkpoint that our own log key signed; the hash tiles under it are vouched for by
its root, and every bundle of entries by the tiles, before any of it is stored. So a mirror can withhold, and nothing
else. Then the documents: a Party gives back to their writer those that it received, and each is checked as if it came
from anybody: our own signature under our own manifest, and the entry at its index that commits to its bytes.

Not here: whether anything is to be fetched (``recovery``), and the transactions (``acts.restoration``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from epix_node.acts import recovery, restoration
from epix_node.acts.recovery import Claim, Standing
from epix_node.errors import MalformedDocumentError, PeerProtocolError, ProofError
from epix_node.exchange import ingest
from epix_node.exchange.ingest import Listed, Refused
from epix_node.federation import mirror
from epix_node.federation.client import PeerClient
from epix_node.federation.messages import MAX_BATCH_DIGESTS, FeedPage
from epix_node.federation.mirror import Mentioned
from epix_node.federation.visit import PullingNode
from epix_node.register.bundle import BUNDLE_ENTRIES
from epix_node.register.entry import parse_leaf
from epix_node.register.merkle import leaf_hash
from epix_node.register.proof import tree_root
from epix_node.register.tiles import (
    TILE_HEIGHT,
    TileHashes,
    authenticate,
    hash_up,
    tiles_for_consistency,
    tiles_for_level1,
)
from epix_node.store import lost, register
from epix_node.store.arrival import Arrival
from epix_node.trust.keyring import Keyring

BUNDLES_PER_TRANSACTION = 16
"""4,096 entries: a small part of a second of the only writer."""

PAGE_ENTRIES = 256
"""Entries asked of a feed at once: as many as one batch may ask documents for."""

log = structlog.get_logger("epix_node.recovery")


async def fetch_entries(node: PullingNode, client: PeerClient, claim: Claim) -> bool:
    """The own register reaches the checkpoint that this mirror shows; whether it does now.

    False where the two contradict each other, or somebody else moved the register meanwhile.

    Raises:
        PeerError: the peer does not answer, or sends what its checkpoint does not vouch for; what came before stays.
    """
    office, database, target = node.office, node.office.database, claim.checkpoint
    standing = await database.read(recovery.where, office)
    tiles = await _tiles(client, claim, standing)
    start = _common(tiles, target.size, standing)
    if start is None:
        await asyncio.to_thread(recovery.two_histories, office, claim, size=standing.signed)
        return False
    if start < standing.entries:
        count = await database.write(restoration.yield_from, office, start)
        log.warning("entries that nobody signed gave way", since=start, documents=count, source=client.party)
    for first in range(start // BUNDLE_ENTRIES, -(-target.size // BUNDLE_ENTRIES), BUNDLES_PER_TRANSACTION):
        last = min(first + BUNDLES_PER_TRANSACTION, -(-target.size // BUNDLE_ENTRIES))
        leaves: list[bytes] = []
        for n in range(first, last):
            bundle = await client.bundle(n, min(BUNDLE_ENTRIES, target.size - n * BUNDLE_ENTRIES))
            await asyncio.to_thread(_require_vouched, node, client.party, tiles, n, bundle)
            leaves += bundle
        leaves = leaves[max(0, start - first * BUNDLE_ENTRIES) :]
        if not await database.write(restoration.keep, office, start, leaves):
            return False
        start += len(leaves)
    return True


async def fetch_documents(node: PullingNode, client: PeerClient) -> int:
    """The own documents that this peer received are here again, if they were not; returns how many came.

    Raises:
        PeerError: the peer does not answer, or makes no sense; what came before stays.
    """
    office, database = node.office, node.office.database
    start = await database.read(lost.first, office.party)
    fetched = 0
    while start is not None:
        page = await client.feed(start, PAGE_ENTRIES)
        _require_page(node, client.party, page, start=start)
        held = await database.read(register.state, office.party)
        mentioned = [Mentioned(sha256=entry.document, index=entry.index) for entry in page.entries]
        left = await database.read(
            mirror.leaves_of_missing, office.party, mentioned, below=held.edge.size if held is not None else 0
        )
        while left:
            given = await client.batch([one.sha256 for one, _ in left[:MAX_BATCH_DIGESTS]])
            done, left = left[: len(given)], left[len(given) :]
            fetched += await _take(node, done, given)
        start = page.to if page.to < page.size else None
    return fetched


async def _take(node: PullingNode, done: Sequence[tuple[Mentioned, bytes]], given: Mapping[str, bytes | None]) -> int:
    office, now = node.office, node.clock()
    listed = [
        Listed(sha256=one.sha256, index=one.index, leaf=parse_leaf(leaf), xml=xml)
        for one, leaf in done
        if (xml := given[one.sha256]) is not None
    ]
    checked = await asyncio.to_thread(_check, node, listed, office.keyring())
    return await office.database.write(restoration.take_back, office, checked, now=now)


def _check(node: PullingNode, listed: Sequence[Listed], trust: Keyring) -> list[Arrival | Refused]:
    office, now = node.office, node.clock()
    checked: list[Arrival | Refused] = []
    for one in listed:
        arrival = ingest.check(one, party=office.party, environment=node.config.party.environment, trust=trust, now=now)
        if isinstance(arrival, Arrival):
            # An own entry is proven as it is made; that it comes back only now says nothing about its age.
            arrival = replace(arrival, proven_at=arrival.source.at)
        checked.append(arrival)
    return office.examiner(now=now).examine(checked)


async def _tiles(client: PeerClient, claim: Claim, standing: Standing) -> TileHashes:
    """The tiles that tell the roots at the sizes where we stand, and all bundles after them, vouched for."""
    target = claim.checkpoint
    wanted: dict[tuple[int, int], int] = {}
    for size in {min(standing.entries, target.size), min(standing.signed, target.size)}:
        wanted |= {(level, n): w for level, n, w in tiles_for_consistency(old_size=size, new_size=target.size)}
    least = min(standing.signed, target.size)
    wanted |= {(level, n): w for level, n, w in tiles_for_level1(least, target.size, target.size)}
    fetched = {(level, n): await client.tile(level, n, width) for (level, n), width in wanted.items()}
    try:
        return authenticate(fetched, size=target.size, root=target.root)
    except ProofError as error:
        raise PeerProtocolError(f"{client.party}: tiles of our register: {error}", party=client.party) from error


def _common(tiles: TileHashes, size: int, standing: Standing) -> int | None:
    """How many of the entries held are the beginning of that tree: all, or those that were signed; None: not those."""
    for held in (standing.entries, standing.signed):
        if held == 0 or (held <= size and tree_root(tiles, held) == standing.roots[held]):
            return held
    return None


def _require_vouched(node: PullingNode, party: str, tiles: TileHashes, n: int, bundle: Sequence[bytes]) -> None:
    """Raise ``PeerProtocolError`` unless the tiles vouch for these entries, and each is a leaf of our register."""
    hashes = [leaf_hash(entry) for entry in bundle]
    if len(bundle) == BUNDLE_ENTRIES:
        is_right = hash_up(hashes) == tiles.subtree(TILE_HEIGHT, n)
    else:
        is_right = hashes == list(tiles.tiles.get((0, n), ()))
    if not is_right:
        raise PeerProtocolError(f"{party}: bundle {n} of our register is not what we signed", party=party)
    for entry in bundle:
        try:
            leaf = parse_leaf(entry)
        except MalformedDocumentError as error:
            raise PeerProtocolError(f"{party}: bundle {n} of our register: {error}", party=party) from error
        if (leaf.party, leaf.environment) != (node.office.party, node.config.party.environment):
            raise PeerProtocolError(f"{party}: bundle {n} of our register holds another's leaf", party=party)


def _require_page(node: PullingNode, party: str, page: FeedPage, *, start: int) -> None:
    own = (node.office.party, node.config.party.environment, start)
    if (page.party, page.env, page.start) != own or (page.to == start and page.to < page.size):
        raise PeerProtocolError(f"{party} sent a page of our register that was not asked for", party=party)
