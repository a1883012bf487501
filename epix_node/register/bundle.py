"""Entry bundles: the entries of a register in files of 256 that never change (C.4 items 4, 5; c2sp.org/tlog-tiles).

Bundle ``n`` holds the entries from ``n * 256`` on, each after its length as a big-endian uint16. The last bundle of a
tree is partial and says its width in its path; a full one has no width.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from epix_node.errors import MalformedDocumentError
from epix_node.register.entry import MAX_ENTRY_BYTES
from epix_node.register.merkle import MAX_TREE_SIZE
from epix_node.register.tiles import read_number, spell_number

BUNDLE_ENTRIES = 256
"""Entries of a full bundle."""

_LENGTH_BYTES = 2

MAX_BUNDLE_BYTES = BUNDLE_ENTRIES * (_LENGTH_BYTES + MAX_ENTRY_BYTES)
"""Longest bundle, in bytes after decompression (C.5)."""

_LAST_BUNDLE = MAX_TREE_SIZE // BUNDLE_ENTRIES
_PATH = re.compile(r"tile/entries/([x0-9/]{3,30})(?:\.p/([1-9][0-9]{0,2}))?")


def bundle_path(n: int, width: int | None = None) -> str:
    """The path of bundle ``n`` below the log's prefix: ``tile/entries/x001/x234/067``, with ``.p/<width>`` if partial.

    Raises ``ValueError`` for a number that no tree reaches and for a width outside 1 to 255.
    """
    if not 0 <= n <= _LAST_BUNDLE:
        raise ValueError(f"bundle {n}: expected 0 to {_LAST_BUNDLE}")
    if width is not None and not 1 <= width < BUNDLE_ENTRIES:
        raise ValueError(f"partial bundle of width {width}: expected 1 to {BUNDLE_ENTRIES - 1}")
    partial = "" if width is None else f".p/{width}"
    return f"tile/entries/{spell_number(n)}{partial}"


def parse_bundle_path(path: str) -> tuple[int, int | None]:
    """The number and width that ``bundle_path`` wrote. Raises ``MalformedDocumentError`` for any other spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedDocumentError("not the path of an entry bundle")
    n = read_number(match[1])
    width = None if match[2] is None else int(match[2])
    try:
        bundle_path(n, width)
    except ValueError as error:
        raise MalformedDocumentError(f"no such entry bundle: {error}") from error
    return n, width


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """The bundle of these entries. Raises ``ValueError`` unless there are 1 to 256, each of at most 2,048 bytes."""
    held = tuple(entries)
    if not 1 <= len(held) <= BUNDLE_ENTRIES:
        raise ValueError(f"bundle of {len(held)} entries: expected 1 to {BUNDLE_ENTRIES}")
    longest = max(len(entry) for entry in held)
    if longest > MAX_ENTRY_BYTES:
        raise ValueError(f"entry of {longest} bytes: expected at most {MAX_ENTRY_BYTES}")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in held)


def decode_bundle(data: bytes, *, count: int) -> tuple[bytes, ...]:
    """The ``count`` entries of a bundle, of which the caller knows the number from a verified checkpoint.

    Raises:
        MalformedDocumentError: too few entries, bytes left over, or an entry over 2,048 bytes (LIMIT_EXCEEDED).
        ValueError: a count outside 1 to 256.
    """
    if not 1 <= count <= BUNDLE_ENTRIES:
        raise ValueError(f"bundle of {count} entries: expected 1 to {BUNDLE_ENTRIES}")
    entries: list[bytes] = []
    position = 0
    for _ in range(count):
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(data[start - _LENGTH_BYTES : start], "big")
        if position > len(data):
            raise MalformedDocumentError(f"bundle ends within entry {len(entries)} of {count}")
        if position - start > MAX_ENTRY_BYTES:
            raise MalformedDocumentError(
                f"entry of {position - start} bytes: at most {MAX_ENTRY_BYTES}", code="LIMIT_EXCEEDED"
            )
        entries.append(data[start:position])
    if position != len(data):
        raise MalformedDocumentError(f"bundle of {count} entries is followed by {len(data) - position} bytes")
    return tuple(entries)
