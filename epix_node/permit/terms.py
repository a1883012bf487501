"""What became of old terms: the term that UNEP-WCMC takes one for when it compares documents of different years.

For comparing only. A permit keeps the term that its issuer wrote, and a merged term is never the same goods by
itself: where the merge also changes what is counted (a set of piano keys is 52 keys), ``conversion`` says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from epix_node.permit.code_data import load_lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """``terms`` count as ``into``; an empty condition holds for everything."""

    terms: frozenset[str]
    into: str
    groups: frozenset[str]
    taxa: frozenset[str]
    units: frozenset[str]


def successor_of(
    term: str, group: str | None = None, *, lineage: Collection[str] = (), unit: str | None = None
) -> str | None:
    """The term that this one counts as today; ``None`` if it stays what it is, or if that cannot be told.

    ``group`` is a taxon group (``taxon_group``). Where the successor depends on the group and the group is not known,
    nothing is guessed: furniture is wood products of timber and carvings of everything else.
    """
    for merge in _merges():
        if term not in merge.terms:
            continue
        if merge.groups and group is None:
            return None
        if merge.groups and group not in merge.groups:
            continue
        if merge.taxa and merge.taxa.isdisjoint(lineage):
            continue
        if merge.units and unit not in merge.units:
            continue
        return merge.into
    return None


def taxon_group(lineage: Collection[str]) -> str | None:
    """UNEP-WCMC's group of the taxon with these names in its lineage (``aves``, ``arbores``, …), if it is in one."""
    return next((group for group, members in _groups().items() if not members.isdisjoint(lineage)), None)


@cache
def _merges() -> tuple[Merge, ...]:
    return tuple(
        Merge(
            terms=frozenset(given["terms"]),
            into=given["into"],
            groups=frozenset(given.get("groups", ())),
            taxa=frozenset(given.get("taxa", ())),
            units=frozenset(given.get("units", ())),
        )
        for given in load_lists("terms.toml")["merges"]["in_order"]
    )


@cache
def _groups() -> Mapping[str, frozenset[str]]:
    members = load_lists("terms.toml")["groups"]["members"]
    return MappingProxyType({group: frozenset(names) for group, names in members.items()})
