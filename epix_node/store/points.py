"""Point reads: single statements on a driver connection of their own, outside of every unit of work.

They see the newest commit of whatever process, cost a tenth of a ``Session``, and never write.
"""

from __future__ import annotations

from typing import Any, Protocol

Row = tuple[Any, ...]


class Points(Protocol):
    """One connection for point reads; whoever asked for it closes it. Statements mark their parameters with ``?``."""

    def rows(self, statement: str, parameters: Row = ()) -> list[Row]:
        """All rows of the statement. Raises ``StoreError`` where the database cannot be read."""

    def first(self, statement: str, parameters: Row = ()) -> Row | None:
        """The first of them. Raises ``StoreError`` where the database cannot be read."""

    def version(self) -> object:
        """A value that changes with every commit of anybody: whatever was cached before is void.

        It may also change without one. Raises ``StoreError`` where the database cannot be read.
        """

    def close(self) -> None:
        """Close the connection."""
