"""The register number of a document, as people are told it."""

from __future__ import annotations

WAITS = "none yet: the register signs nothing now; it comes by itself, `epix-node doctor` says more"


def told(index: int | None) -> int | str:
    """The number, or why there is none."""
    return WAITS if index is None else index
