"""The normal form of text: what is left when white space around it and emptiness no longer mean anything.

It is applied wherever a permit or an event comes in, so that XML and JSON of the same permit give equal values and
everything that is held can be written as XML again.
"""

from __future__ import annotations

import re

from epix_node.errors import MalformedDocumentError

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (its production 2, Char)."""


def clean(text: str | None) -> str | None:
    """The text without surrounding white space; ``None`` where nothing is left. Doing it twice changes nothing.

    Raises:
        MalformedDocumentError: a control character, a lone surrogate or a non-character that XML cannot hold.
    """
    if text is None:
        return None
    forbidden = _NOT_XML.search(text)
    if forbidden:
        raise MalformedDocumentError(f"character U+{ord(forbidden.group()):04X} cannot be written as XML")
    return text.strip() or None
