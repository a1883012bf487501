"""Numbers of transport documents (box 15) as they are compared: air waybills, bills of lading."""

from __future__ import annotations

import re
import unicodedata

_NO_DOCUMENT = frozenset({"NA", "NONE", "NIL", "NULL", "UNKNOWN", "TBA", "TBD", "NOTAPPLICABLE", "NOTAVAILABLE"})
"""What people write where there is no document: two such events have nothing in common."""


_LABELLED_WAYBILL = re.compile(r"M?AWB(?:NO|NR)?([0-9]{11})")
"""An air waybill is eleven digits; some write before it what it is. A house waybill is another number."""


def plain_document(text: str | None) -> str | None:
    """NFKC, upper case, letters and digits only, an air waybill without its label; ``None`` where there is none."""
    if text is None:
        return None
    upper = unicodedata.normalize("NFKC", text).upper()
    plain = "".join(character for character in upper if character.isalnum())
    if labelled := _LABELLED_WAYBILL.fullmatch(plain):
        plain = labelled[1]
    return None if plain in _NO_DOCUMENT or not plain.strip("0") else plain
