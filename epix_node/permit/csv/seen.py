"""Which permits of a file were read already, and where: 16 to 64 bytes each, so that a million fit into memory."""

from __future__ import annotations

from array import array
from hashlib import blake2b

MAX_PERMITS = 1_000_000
"""Most permits in one file; the table below then takes 32 MiB, and twice as much for the moment in which it grows."""

_SMALLEST = 1024


class SeenPermits:
    """Keys of permits with the row of each; an open hash table of fingerprints.

    A fingerprint has 63 bits: among a million permits two different ones share theirs once in ten million files.
    """

    def __init__(self) -> None:
        self._fingerprints = array("q", bytes(8 * _SMALLEST))
        self._rows = array("q", bytes(8 * _SMALLEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def note(self, key: tuple[str, ...], row: int) -> int | None:
        """The row at which the key was noted before; ``None`` if it was not, and then it is noted now."""
        if self._count * 2 >= len(self._rows):
            self._grow()
        slot = self._slot(fingerprint := _fingerprint(key))
        if self._fingerprints[slot]:
            return self._rows[slot]
        self._fingerprints[slot], self._rows[slot] = fingerprint, row
        self._count += 1
        return None

    def _slot(self, fingerprint: int) -> int:
        mask = len(self._rows) - 1
        slot = fingerprint & mask
        while self._fingerprints[slot] not in {0, fingerprint}:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        fingerprints, rows = self._fingerprints, self._rows
        self._fingerprints = array("q", bytes(16 * len(rows)))
        self._rows = array("q", bytes(16 * len(rows)))
        for fingerprint, row in zip(fingerprints, rows, strict=True):
            if fingerprint:
                slot = self._slot(fingerprint)
                self._fingerprints[slot], self._rows[slot] = fingerprint, row


def _fingerprint(key: tuple[str, ...]) -> int:
    """Never 0, which marks a free slot; a cryptographic hash, so that nobody can make a table slow on purpose."""
    digest = blake2b("\0".join(key).encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 or 1
