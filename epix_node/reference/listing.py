"""In which Appendices a taxon is, on one day and for one population: the answer that rules use.

A listing can be split: some populations in one Appendix, the others in another or in none. Which it is depends on the
country that the specimen comes from, and not every split is told in a way that a program understands. An answer
therefore holds every Appendix that *may* apply; what is not among them does not apply for certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from epix_node.reference.edition import Edition


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The listing of one taxon on one day."""

    appendices: frozenset[str]
    """Of ``I``, ``II``, ``III``. Empty: not listed on that day. Several: which one depends on the population, and the
    population was not given, is of a fictional country, or the source does not say it plainly."""
    may_be_unlisted: bool = False
    """Whether the specimen may also be of a population that is in no Appendix; never where ``appendices`` is empty."""
    annotation: str | None
    """The parts and derivatives covered: ``#1`` to ``#18``; ``None`` for all, or where the source does not say."""
    parties: frozenset[str] = frozenset()
    """The Parties that asked for an Appendix III listing; empty where there is none or the source does not name them.
    """
    since: date | None
    """The day from which it has been so; ``None`` where only the state of a later day is known."""
    listed_as: str
    """The name of the taxon whose listing it is: its own, or that of the higher taxon it is included in."""
    edition: Edition

    @property
    def is_certain(self) -> bool:
        """Whether exactly one Appendix applies, or certainly none."""
        return len(self.appendices) + self.may_be_unlisted == 1 or not self.appendices
