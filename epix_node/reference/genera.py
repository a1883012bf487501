"""Genera and species that nobody confuses in name: what tells of names without an entry of their own (``kinship``)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

_NAME = re.compile(r"([a-z]{3,})(?: ([a-z-]{3,}))?")
_ENDINGS = ("ensis", "ense", "orum", "arum", "ii", "is", "us", "um", "os", "on", "er", "ra", "a", "e", "i")
"""Of second words, which change with the gender of the genus."""


def are_apart(one: str, other: str) -> bool:
    """Whether two names, as keys (``scientific_key``), are of different goods for certain; most often nobody can tell.

    Only for genera and species. True where both are species whose names are settled, or where their genera are of
    different groups; never where the second words are the same but for their endings.
    """
    name, other_name = _NAME.fullmatch(one), _NAME.fullmatch(other)
    if name is None or other_name is None:
        return False
    (genus, species), (other_genus, other_species) = name.groups(default=""), other_name.groups(default="")
    if species and other_species and _stem(species) == _stem(other_species):
        return False
    first, second = _genera().get(genus), _genera().get(other_genus)
    if first is None or second is None:
        return False
    if first[0] != second[0]:
        return True
    return species in first[1] and other_species in second[1]  # of a genus alone nobody can tell


def _stem(word: str) -> str:
    return next((word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending)), word)


@cache
def _genera() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Of each genus its group and its settled species, all in lower case."""
    data = resources.files("epix_node.reference").joinpath("data", "genera.toml").read_bytes()
    groups: Mapping[str, Mapping[str, str]] = tomllib.loads(data.decode("utf-8"))
    return MappingProxyType(
        {
            genus.lower(): (group, frozenset(species.split()))
            for group, genera in groups.items()
            for genus, species in genera.items()
        }
    )
