"""The number of an operation in the Secretariat's register, as box 12b states it (SRC-07)."""

from __future__ import annotations

import string


def country_in(number: str, form: str) -> str | None:
    """The letters that stand where the form has ``?``; ``None`` if the number has another form (``#``: a digit).

    ``number`` in the regular spelling of numbers (``permit.number.normalised``), ``form`` that of the ruleset.
    """
    if len(number) != len(form):
        return None
    kinds = {"?": string.ascii_uppercase, "#": string.digits}
    if any(letter not in kinds.get(place, place) for letter, place in zip(number, form, strict=True)):
        return None
    return "".join(letter for letter, place in zip(number, form, strict=True) if place == "?")
