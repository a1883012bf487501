"""Numbers that somebody may have meant: one typing or reading error away (FRD-05, ``domain-rules.md`` 2.2 rung 4)."""

from __future__ import annotations

import string

from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised

_LOOK_ALIKE = {"O": "0", "0": "O", "I": "1", "1": "I", "B": "8", "8": "B"}
_ALPHABET = string.ascii_uppercase + string.digits + "-/. "
"""What a mistyped character may have been: all that permit numbers are usually made of."""


def neighbouring_numbers(number: str) -> frozenset[str]:
    """The normalised numbers one edit away: one character more, less or other.

    So are numbers in which every O is a 0, or the other way, and likewise I and 1, B and 8: who reads one O as a
    zero reads all of them so. The number itself is not among them. At most about
    6,000 numbers for the longest number, so that the store can ask for them by key.
    """
    own = normalised(number)
    found = set()
    for position in range(len(own)):
        before, after = own[:position], own[position + 1 :]
        found.add(before + after)
        found |= {before + other + after for other in _ALPHABET}
    found |= {own[:position] + other + own[position:] for position in range(len(own) + 1) for other in _ALPHABET}
    found |= {own.replace(one, other) for one, other in _LOOK_ALIKE.items()}
    plausible = {normalised(candidate) for candidate in found}
    return frozenset(n for n in plausible if n and n != own and len(n) <= MAX_NUMBER_CHARACTERS)
