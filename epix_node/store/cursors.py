"""Opaque cursors: where the last item of a page stands in its order, so that inserts neither repeat nor skip items."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from epix_node.errors import InputError


def encode(parts: Sequence[str]) -> str:
    """A cursor that ``decode`` gives back."""
    return base64.urlsafe_b64encode(json.dumps(list(parts)).encode()).decode().rstrip("=")


def decode(cursor: str, *, parts: int) -> tuple[str, ...]:
    """The parts of a cursor. Raises ``InputError`` for text that ``encode`` did not make."""
    try:
        value = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise InputError("cursor: not one that this node made") from error
    if not isinstance(value, list) or len(value) != parts or not all(isinstance(part, str) for part in value):
        raise InputError("cursor: not one that this node made")
    return tuple(value)
