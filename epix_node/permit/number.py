"""Permit numbers and permit keys (contract 1).

Numbers are not unique in the world, nor even within a Party: a number means something only together with its
issuer, and a permit is one (issuer, type, normalised number, year of issue).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

MAX_NUMBER_CHARACTERS = 70
"""Longest normalised number (contract 1; an..70 in the WCO 3.3 message of toolkit v2)."""

_DASHES = (
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d\u058a\u05be"
    "\u1400\u1806\u2e17\u2e1a\u2e40\u2e5d\u301c\u3030\u30a0\U00010ead"
)
"""Unicode's dash punctuation, and the minus sign."""

_CHARACTERS = str.maketrans(dict.fromkeys(_DASHES, "-") | {"\u2215": "/", "\u2044": "/"})
_LEADING_WORD = re.compile(r"(?:NO\.|N°) ?")
_SPACE_RUN = re.compile(r"\s+")


def normalised(number: str) -> str:
    """The number as it is compared: ``" No. 26xa–000123"`` and ``"26XA-000123"`` are the same number.

    NFKC, trimmed, upper case, runs of white space to one space, Unicode dashes to ``-``, U+2215 and U+2044 to
    ``/``, a leading ``NO.`` or ``N°`` removed and trimmed again; nothing else (contract 1). Normalising twice
    changes nothing more, so a leading word that repeats is removed as often as it stands there: otherwise nobody
    could ask for a permit by the number that this node prints.
    """
    if number.isascii():  # nothing to compose or translate
        return _without_leading_word(_SPACE_RUN.sub(" ", number.upper()).strip())
    # NFKC turns U+2011 into U+2010 and makes U+2044 out of fractions, so it comes first. Upper case can come apart
    # ("ΐ" into three characters): NFKC once more puts it together, so that the result is stable.
    text = unicodedata.normalize("NFKC", number).translate(_CHARACTERS)
    text = unicodedata.normalize("NFKC", text.upper()).translate(_CHARACTERS)
    return _without_leading_word(_SPACE_RUN.sub(" ", text).strip())


def _without_leading_word(text: str) -> str:
    """Of a text in which white space is single spaces and none stands at either end; cut once, however many words."""
    start = 0
    while leading := _LEADING_WORD.match(text, start):
        start = leading.end()
    return text[start:]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PermitKey:
    """The one permit that is meant: issuer code, type letter, normalised number, year of ``issued_on``."""

    issuer: str
    type: str
    number: str
    year: int

    def to_json(self) -> dict[str, Any]:
        """The key as contract 4 prints it."""
        return {"issuer": self.issuer, "type": self.type, "number": self.number, "year": self.year}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NumberRef:
    """What is known of a permit that somebody speaks of: issuer and normalised number, perhaps type and year."""

    issuer: str
    number: str
    type: str | None = None
    year: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As in a finding's ``permits``: type and year null where not given (contract 5)."""
        return {"issuer": self.issuer, "type": self.type, "number": self.number, "year": self.year}
