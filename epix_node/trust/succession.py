"""What may follow a manifest (C.1 "Rotation", decision 7): keys come and are never forgotten, revocation only grows.

A rotation is a new key beside the old one, which goes on verifying; nothing is signed again. The functions here make
such manifests; ``require_successor`` is what every node and the Secretariat ask of one, whoever made it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from epix_node.clock import format_time
from epix_node.errors import NotFoundError, UnacceptableError
from epix_node.trust.manifest import FormerLog, LogEntry, Manifest, PermitKeyEntry, TransportKeyEntry, WitnessEntry

Named = TypeVar("Named", LogEntry, WitnessEntry)


def require_successor(earlier: Manifest, later: Manifest) -> None:
    """Return where the later manifest may take the place of the earlier one of the same Party.

    Raises:
        UnacceptableError: the message says what has been lost or taken back.
    """
    if (later.party, later.env) != (earlier.party, earlier.env):
        raise UnacceptableError(f"manifest of {later.party} in {later.env} follows that of another Party")
    if (later.seq or 0) <= (earlier.seq or 0):
        raise UnacceptableError(f"manifest of {later.party} has seq {later.seq}, expected more than {earlier.seq}")
    _require_same_registers(earlier, later)
    if not set(earlier.log_keys) <= set(later.log_keys_of(earlier.log.origin)):
        # Two histories are proven under the key that signed them: a log that lied would only have to forget it.
        raise UnacceptableError(f"manifest of {later.party} has lost a key of its register: retired keys stay known")
    kept = {entry.kid: entry for entry in later.permit_keys}
    for entry in earlier.permit_keys:
        successor = kept.get(entry.kid)
        if successor is None:
            raise UnacceptableError(
                f"manifest of {later.party} has lost permit key {entry.kid}: retired keys stay known"
            )
        if entry.status == "revoked" and not _still_revoked(entry, successor):
            raise UnacceptableError(
                f"manifest of {later.party} takes back the revocation of permit key {entry.kid}: invalid_since may "
                "only move earlier"
            )


def _require_same_registers(earlier: Manifest, later: Manifest) -> None:
    """Every register that the Party wrote stays known; the one that it wrote last goes on, or has a successor.

    So nobody is led back to a register that ended, or to one that grew out of none that is known (C.4 item 8 (c)).
    """
    before, after = earlier.log, later.log
    if after.former[: len(before.former)] != before.former:
        raise UnacceptableError(f"manifest of {later.party} has lost a former register, or tells otherwise of it")
    if after.origin == before.origin:
        if after.former != before.former:
            raise UnacceptableError(f"manifest of {later.party} has registers before {after.origin} that it had not")
        return
    ended = after.former[len(before.former) :]
    if not ended or ended[0].origin != before.origin or not set(before.vkeys) <= set(ended[0].vkeys):
        raise UnacceptableError(
            f"manifest of {later.party} names the register {after.origin}; it has {before.origin}, and the new one "
            "does not succeed it"
        )


def with_successor(manifest: Manifest, ended: FormerLog, *, origin: str, vkey: str) -> Manifest:
    """The manifest of a Party whose register ended, and which goes on in another one, under another key."""
    former = (*manifest.log.former, ended)
    log = LogEntry(origin=origin, vkeys=(vkey,), successor_of=ended.origin, former=former)
    return manifest.model_copy(update={"log": log})


def _still_revoked(entry: PermitKeyEntry, successor: PermitKeyEntry) -> bool:
    if successor.status != "revoked":
        return False
    # None: nothing that the key signed stays good, which is earlier than any time (decision 7).
    if entry.invalid_since is None or successor.invalid_since is None:
        return successor.invalid_since is None
    return successor.invalid_since <= entry.invalid_since


def with_permit_key(manifest: Manifest, entry: PermitKeyEntry) -> Manifest:
    """The manifest in which this key is active, first of all, and the active ones before it are retiring.

    Announce it 30 days before it signs (C.1); both verify in the meantime.
    """
    return manifest.model_copy(
        update={"permit_keys": (entry, *(_retired(e) for e in manifest.permit_keys if e.kid != entry.kid))}
    )


def with_transport_key(manifest: Manifest, entry: TransportKeyEntry, *, now: datetime) -> Manifest:
    """The manifest in which this key signs requests; earlier ones are taken until their ``not_after``."""
    earlier = tuple(e for e in manifest.transport_keys if e.kid != entry.kid and e.not_after >= now)
    return manifest.model_copy(update={"transport_keys": (entry, *earlier)})


def without_transport_key(manifest: Manifest, kid: str) -> Manifest:
    """The manifest without this transport key: what it signs from then on is nobody's.

    Raises:
        NotFoundError: the manifest has no such key.
        UnacceptableError: it has no other one.
    """
    kept = tuple(entry for entry in manifest.transport_keys if entry.kid != kid)
    if len(kept) == len(manifest.transport_keys):
        raise NotFoundError(f"manifest of {manifest.party} has no transport key {kid}")
    if not kept:
        raise UnacceptableError(
            f"{kid} is the only transport key of {manifest.party}: make another one first, to be used at once"
        )
    return manifest.model_copy(update={"transport_keys": kept})


def with_revocation(
    manifest: Manifest, kid: str, *, invalid_since: datetime | None, reason: str | None = None
) -> Manifest:
    """The manifest in which this permit key is revoked, from that time on; None: all that it ever signed.

    Raises:
        NotFoundError: the manifest has no such key.
        UnacceptableError: the time is before the key began, or later than that of an earlier revocation.
    """
    found = next((entry for entry in manifest.permit_keys if entry.kid == kid), None)
    if found is None:
        raise NotFoundError(f"manifest of {manifest.party} has no permit key {kid}")
    if invalid_since is not None and invalid_since < found.not_before:
        begins = format_time(found.not_before)
        raise UnacceptableError(f"permit key {kid} began after that; expected {begins} or later")
    revoked = found.model_copy(
        update={"status": "revoked", "invalid_since": invalid_since, "reason": reason or found.reason}
    )
    if found.status == "revoked" and not _still_revoked(found, revoked):
        since = format_time(found.invalid_since) if found.invalid_since is not None else "ever"
        raise UnacceptableError(f"permit key {kid} is revoked since {since}, which may only move earlier")
    return manifest.model_copy(
        update={"permit_keys": tuple(revoked if entry is found else entry for entry in manifest.permit_keys)}
    )


def _retired(entry: PermitKeyEntry) -> PermitKeyEntry:
    return entry.model_copy(update={"status": "retiring"}) if entry.status == "active" else entry
