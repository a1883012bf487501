"""Whether a register grew out of what was signed before: what its readers will check, checked before they can.

Nothing that made the tree is believed here. The tiles are read back as they will be served, the bundles in them hashed
again, and the code that verifies other Parties' registers says whether all of it follows from the root, and the old
root from the new (C.4 item 8 (d)). It costs what is new and the right edge of the tree, however large that is.
"""

from __future__ import annotations

from epix_node.errors import ProofError
from epix_node.register.merkle import RightEdge
from epix_node.register.proof import consistency_proof, verify_consistency
from epix_node.register.tiles import authenticate, decode_tile, grown_tiles, tiles_for_consistency
from epix_node.store import register
from epix_node.store.database import Session


def verify_growth(session: Session, party: str, *, old_size: int, old_root: bytes, edge: RightEdge) -> None:
    """Return if the stored register of ``edge.size`` entries has the root of ``edge`` and grew out of the old tree.

    Raises:
        ProofError: it did not; or a tile, or an entry in it, is missing or another one.
    """
    size = edge.size
    if not old_size <= size:
        raise ProofError(f"{old_size} entries were signed, and {size} are held")
    wanted = {(tile.level, tile.n): tile.width for tile in grown_tiles(old_size, size)}
    wanted |= {(level, n): width for level, n, width in tiles_for_consistency(old_size=old_size, new_size=size)}
    tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}
    for (level, n), width in wanted.items():
        data = register.tile(session, party, level, n, width)
        if data is None:
            raise ProofError(f"tile {level}/{n} of {size} entries is not held")
        tiles[level, n] = decode_tile(data, width=width)
    hashes = authenticate(tiles, size=size, root=edge.root())
    if old_size:  # the size-0 policy: everything grows out of the empty tree
        proof = consistency_proof(hashes, old_size=old_size, new_size=size)
        verify_consistency(old_size=old_size, old_root=old_root, new_size=size, new_root=edge.root(), proof=proof)
