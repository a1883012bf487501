"""Numbers of transport documents (box 15) as they are compared: air waybills, bills of lading."""

from __future__ import annotations

import unicodedata

_NO_DOCUMENT = frozenset({"NA", "NONE", "NIL", "NULL", "UNKNOWN", "TBA", "TBD", "NOTAPPLICABLE", "NOTAVAILABLE"})
"""What people write where there is no document: two such events have nothing in common."""


def plain_document(text: str | None) -> str | None:
    """NFKC, upper case, letters and digits only; ``None`` where there is no document."""
    if text is None:
        return None
    upper = unicodedata.normalize("NFKC", text).upper()
    plain = "".join(character for character in upper if character.isalnum())
    return None if plain in _NO_DOCUMENT or not plain.strip("0") else plain
