"""Numbers that somebody may have meant: one typing or reading error away (``domain-rules.md`` 0.5, 2.2 rung 4).

An error is one character more, less or other, or all look-alikes of one kind: who reads one O as a zero reads all of
them so. A mistyped character is one of ``_ALPHABET``. Numbers are compared normalised, so an error may do more than
it seems: without the letter between them, two spaces become one, and ``XNO.26`` without its X is ``26``.

There are three ways to ask, and they agree (``tests/permit/test_neighbours.py``):

* ``is_near`` says it of two numbers;
* ``neighbouring_numbers`` lists every near number, for asking which of them are held;
* ``shapes_of_mistyped`` and ``shapes_of_meant`` are for the opposite, finding among many numbers those by which a given
  one may have been meant: near numbers have a shape in common, and few others do.
"""

from __future__ import annotations

import string
from collections.abc import Iterator

from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised

_LOOK_ALIKE = {"O": "0", "0": "O", "I": "1", "1": "I", "B": "8", "8": "B"}
_FOLDED = str.maketrans("OIB", "018")
_WORD = "NO."
"""One of these typed at the beginning may make the leading word that normalising removes."""

_ORDINARY = "".join(sorted({*string.ascii_uppercase, *string.digits, *"-/."} - {*_WORD}))
_ALPHABET = _ORDINARY + _WORD + " "
"""What a mistyped character may have been: all that permit numbers are usually made of."""


def is_near(number: str, other: str) -> bool:
    """Whether who wrote the normalised ``number`` may have meant the normalised ``other``; never the number itself.

    Not quite symmetric: a character that numbers are not made of is not typed by mistake, but may be left out.
    """
    if number == other or not 0 < len(other) <= MAX_NUMBER_CHARACTERS:
        return False
    return _is_one_character_away(number, other) or other in _normalised(number)


def neighbouring_numbers(number: str) -> frozenset[str]:
    """All normalised numbers to which the normalised ``number`` is near: at most about 6,000, of the longest."""
    found = _normalised(number)
    for before, after, typed in _places(number):
        found |= {before + other + after for other in typed}
    return frozenset(n for n in found if n and n != number and len(n) <= MAX_NUMBER_CHARACTERS)


def shapes_of_mistyped(number: str) -> frozenset[str]:
    """Spellings of which each number that was meant by ``number`` has one among its ``shapes_of_meant``."""
    return shapes_of_meant(number) | _normalised(number)


def shapes_of_meant(number: str) -> frozenset[str]:
    """The normalised number, itself with one character left out at each place, and with look-alikes folded."""
    return frozenset((number, number.translate(_FOLDED), *_left_out(number)))


def _is_one_character_away(number: str, other: str) -> bool:
    longer = len(other) - len(number)
    if abs(longer) > 1:
        return False
    shorter = min(len(number), len(other))
    start = next((at for at in range(shorter) if number[at] != other[at]), shorter)
    if longer < 0:
        return number[start + 1 :] == other[start:]
    return other[start] in _ALPHABET and number[start + 1 - longer :] == other[start + 1 :]


def _left_out(number: str) -> Iterator[str]:
    return (number[:position] + number[position + 1 :] for position in range(len(number)))


def _places(number: str) -> Iterator[tuple[str, str, str]]:
    """What stands before and after a character that is typed in addition or instead, and which it may be.

    Not those that may change more than themselves, which are ``_normalised``.
    """
    for position in range(len(number) + 1):
        before, after = number[:position], number[position:]
        for rest in {after, after[1:]}:
            if _is_ascii_next(rest):
                yield before, rest, _ORDINARY if position < len(_WORD) else _ORDINARY + _WORD


def _normalised(number: str) -> set[str]:
    """What the errors come to that may do more than they seem, since numbers are normalised.

    Leaving a character out may do so anywhere, and so may a look-alike or a space. Another character may do so only in
    the leading word, or before one that is not ASCII, with which it may become a third.
    """
    found = {*_left_out(number), *(number.replace(one, other) for one, other in _LOOK_ALIKE.items())}
    for position in range(len(number) + 1):
        before, after = number[:position], number[position:]
        for rest in {after, after[1:]}:
            typed = _ALPHABET if not _is_ascii_next(rest) else " " + _WORD if position < len(_WORD) else " "
            found |= {before + other + rest for other in typed}
    return {normalised(candidate) for candidate in found}


def _is_ascii_next(text: str) -> bool:
    return not text or text[0].isascii()
