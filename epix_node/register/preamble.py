"""The lines that stand before a checkpoint in a tlog-proof and in a request to a witness: ASCII, then an empty line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from epix_node.errors import MalformedDocumentError
from epix_node.register.note import decode_base64
from epix_node.register.proof import MAX_PROOF_HASHES

_EMPTY_LINE: Final = b"\n\n"


def split_preamble(data: bytes, *, most: int, what: str) -> tuple[list[str], bytes]:
    """The lines before the first empty line, at least one, and the checkpoint after it, of which nothing is looked at.

    ``most`` is the longest in bytes, ``what`` says in messages what it is. Raises ``MalformedDocumentError``.
    """
    if len(data) > most:
        raise MalformedDocumentError(f"{what} of {len(data)} bytes: at most {most}", code="TOO_LARGE")
    head, empty_line, checkpoint = data.partition(_EMPTY_LINE)
    if not empty_line:
        raise MalformedDocumentError(f"an empty line stands before the checkpoint of a {what}")
    try:
        return head.decode("ascii").split("\n"), checkpoint
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(f"the lines before the checkpoint of a {what} are ASCII") from error


def read_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The hashes of a Merkle proof, one line each, of any length. Raises ``MalformedDocumentError``."""
    if len(lines) > MAX_PROOF_HASHES:
        raise MalformedDocumentError(f"proof of {len(lines)} hashes: at most {MAX_PROOF_HASHES}")
    return tuple(decode_base64(line) for line in lines)
