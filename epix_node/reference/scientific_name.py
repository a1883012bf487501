"""One key for every usual way to write a scientific name.

The same function makes the keys when a list is loaded and when a name is looked up, so that a look-up is one indexed
read. Case, white space, hybrid signs, rank words (``var.``, ``subsp.``), a trailing "spp." and the author after the
name make no difference. Misspelt names are not guessed at, and what is said of two taxa, such as the two parents of a
hybrid, has a key that is no taxon's: a hybrid may be in another Appendix than the parent named first.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_CHARACTERS = 200
"""What follows is not looked at: no name of the Checklist comes near it, authors included."""

_PLAIN = re.compile(r"[A-Z][a-z-]+ [a-z-]{4,}")
"""A name as nearly every document writes it: nothing to be tidied but its case."""

_NO_PART = frozenset(
    {"spp.", "spp", "sp.", "sp", "species", "x", "×"}
    | {"var.", "subsp.", "ssp.", "f.", "forma", "fo.", "cv.", "subvar.", "nothosubsp.", "nothovar."}
)
"""Words that stand in a name and are no part of it."""

_AUTHOR_WORDS = frozenset(
    {"de", "von", "van", "et", "ex", "in", "and", "al.", "der", "den", "du", "da", "di", "del", "&"}
)
_PLAINER = str.maketrans({"×": " ", "_": " ", "“": '"', "”": '"'})
_QUOTED = re.compile(r'"[^"]*"')
_SUBGENUS = re.compile(r"^(\s*\w+)\s+\(\w+\)\s+(?=[a-z])")
_SEVERAL = re.compile(
    r"\s*[a-z-]+\s+[a-z-]+(?:\s+[a-z-]+)?\s+(?:[x×&+]|and|et)\s+\S"  # Falco cherrug x Falco rusticolus
    r"|.*;\s*\w|.*\bhybrids?\b",
    re.DOTALL,
)
"""A formula of a hybrid, or several names; the sign of a hybrid with a name of its own stands before the epithet."""
_CUT = re.compile(r"[(\[,;]")


def scientific_key(name: str) -> str:
    """The key of this name; empty where it is none. The key of a key is the key."""
    if _PLAIN.fullmatch(name) and not name.endswith(" species"):
        return name.lower()
    text = unicodedata.normalize("NFKC", name[:MAX_NAME_CHARACTERS])
    uncapped = text.lower() if text.isupper() else text[:1].lower() + text[1:]
    if _SEVERAL.match(uncapped):
        return " ".join(text.lower().split())
    text = text.translate(_PLAINER)
    if '"' in text:
        # An informal name such as Woodworthia "Southern Alps": what is quoted is no author.
        text = _QUOTED.sub(lambda quoted: quoted[0].lower(), text)
    text = _SUBGENUS.sub(r"\1 ", text)
    cut = _CUT.search(text)
    if cut:
        text = text[: cut.start()]
    written = [word for word in (part.strip("\"'’‘“”") for part in text.split()) if word]
    words = [word for word in written if word.lower() not in _NO_PART]
    end = len(words)
    for position, word in enumerate(words[1:], start=1):
        if word.lower() in _AUTHOR_WORDS or word[0].isdigit():
            end = position
            break
        # "Python regius Shaw": the author begins with a capital letter. "Python Regius": an epithet that somebody
        # capitalised, unless a comma follows, as in "Python Daudin, 1803".
        if word[0].isupper() and not text.isupper() and (position > 1 or (cut and cut[0] == ",")):
            end = position
            break
    return " ".join(words[:end]).lower()
