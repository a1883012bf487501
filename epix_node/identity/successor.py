"""The own manifest names another register in the place of one that can never go on (C.4 item 8 (c), ADR 30)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.errors import ConflictError, NotFoundError
from epix_node.identity.key_box import KeyBox
from epix_node.register.merkle import EMPTY_ROOT
from epix_node.register.note import NoteSigner
from epix_node.register.proof import tree_root
from epix_node.store import peers, register
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned
from epix_node.trust.manifest import FormerLog, Manifest
from epix_node.trust.succession import with_successor


def ended(database: Database, record: LastSigned, manifest: Manifest, *, reason: str, now: datetime) -> FormerLog:
    """The register of the manifest as one that ends now, as far as it is known to have been signed.

    Raises:
        NotFoundError: nothing was ever entered into it.
        ConflictError: it is not at a standstill, so that it can go on.
    """
    signed = record.read(manifest.log.origin)
    size, root = database.read_now(_reached, manifest)
    if signed is not None and signed.size >= size:
        size, root = signed.size, signed.root
    return FormerLog(
        origin=manifest.log.origin,
        vkeys=manifest.log.vkeys,
        size=size,
        root=root.hex(),
        reason=reason,
        ended=now.replace(microsecond=0),
    )


def _reached(session: Session, manifest: Manifest) -> tuple[int, bytes]:
    party, origin = manifest.party, manifest.log.origin
    held = register.state(session, party)
    if held is None:
        raise NotFoundError(f"nothing was entered into the register {origin} yet")
    if held.origin != origin:
        raise ConflictError(f"the register {origin} has not begun yet: start the node")
    if held.halted is None and not peers.is_disputed(session, party, origin=origin):
        raise ConflictError(
            f"the register {origin} is not at a standstill, and only one that can never go on is succeeded"
        )
    size = held.checkpoint_size
    return size, tree_root(register.StoredHashes(session, party, held.edge.size), size) if size else EMPTY_ROOT


def key_at_hand(box: KeyBox, manifest: Manifest) -> Ed25519PrivateKey:
    """A key that no register was signed with: one that waits, or else a new one, beside the others."""
    used = {key.public for origin in manifest.log.origins for key in manifest.log_keys_of(origin)}
    waiting = [key for key in box.logs() if key.public_key().public_bytes_raw() not in used]
    return waiting[0] if waiting else box.make_log()


def succeeded(box: KeyBox, manifest: Manifest, end: FormerLog) -> Callable[[Manifest], Manifest]:
    """The manifest names the next register, whose key is there, in the place of the one that ends."""
    first = manifest.log.origins[0]
    origin = f"{first}/{len(manifest.log.origins) + 1}"
    vkey = NoteSigner(origin, key_at_hand(box, manifest)).verifier_key.vkey
    return partial(with_successor, ended=end, origin=origin, vkey=vkey)
