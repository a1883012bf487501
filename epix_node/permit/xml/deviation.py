"""What a document has otherwise than the toolkit, as a list that no document can make long."""

from __future__ import annotations

from dataclasses import dataclass

MAX_DEVIATIONS = 1000
"""Most deviations of one kind that are listed; how many more there are is one line."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A place where the document was not as the toolkit has it, and what was made of it. Holds no contents.

    The path is one of local names below the permit's root; repeated elements carry their position, from 1.
    """

    path: str
    message: str


class Deviations:
    """Deviations of one document, in the order in which they were found."""

    __slots__ = ("_listed", "_more")

    def __init__(self) -> None:
        self._listed: list[Deviation] = []
        self._more = 0

    def add(self, path: str, message: str) -> None:
        """List it, or only count it where enough are listed."""
        if len(self._listed) < MAX_DEVIATIONS:
            self._listed.append(Deviation(path, message))
        else:
            self._more += 1

    @property
    def listed(self) -> tuple[Deviation, ...]:
        """At most ``MAX_DEVIATIONS``, and one more line that says how many are left out."""
        if not self._more:
            return tuple(self._listed)
        return (*self._listed, Deviation("", f"and {self._more} more of the same kind, not listed"))
