"""The package's code lists as they lie in ``permit/data/*.toml``, and where each of them is from.

Every list there is a table that begins with ``source`` and ``date``, so that whoever shows a code, or decides by one,
can say whose it is and how old. What the lists mean is said by the modules that read them: ``codes``, ``terms``,
``parties``, ``quantity`` and ``conversion``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a list is from. ``date`` is as exact as its source: ``2023``, ``2022-09`` or ``2023-04-05``."""

    source: str
    date: str


def load_lists(name: str) -> dict[str, dict[str, Any]]:
    """The lists of one file of ``permit/data``, by name."""
    lists: dict[str, dict[str, Any]] = tomllib.loads(
        resources.files("epix_node.permit").joinpath("data", name).read_text(encoding="utf-8")
    )
    return lists


def provenance_of(code_list: dict[str, Any]) -> Provenance:
    """Source and date of one list."""
    return Provenance(source=code_list["source"], date=code_list["date"])
