"""What a detector may know besides the facts of one case: parameters, the time, and what the register shows.

A detector is a function of a ``Case`` and a ``View`` and of nothing else, so that every node that holds the same
documents shows the same findings (``domain-rules.md`` 0.10, 0.20). National settings are not in here: they change
verdicts, lanes and additional R items only (0.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact, permit_meant
from epix_node.permit.number import PermitKey
from epix_node.reconcile.chains import Drawn
from epix_node.rules.ruleset import PatternParameters
from epix_node.trust.coverage import Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How completely this node sees the issuer's register: what absence may be concluded from (contract 4).

    ``watermark`` is the time up to which the register was read. Only for an issuer all of whose permits this node
    would hold; elsewhere a permit may be missing because it was addressed to another Party.
    """

    coverage: Coverage | None
    watermark: datetime | None
    disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A report about a permit that did not come, where that is evidence (``observability``).

    ``by`` owes it: the country of destination a confirmation, else the issuer an endorsement. It came for ``met`` of
    the ``expected`` permits of this pair of countries whose report was due in the ``window`` up to ``due_on``, which is
    at least ``lower_bound`` of all such permits (Wilson).
    """

    by: str
    is_confirmation: bool
    due_on: date
    expected: int
    met: int
    lower_bound: Decimal
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The surroundings of one case.

    ``neighbours`` are the issuer's permits whose numbers look like the case's number (``permit.neighbours``), and that
    are for the countries and goods of one of its events; ``neighbour_confirmed`` are those that some Party confirmed.
    ``neighbour_dismissed``: the issuer dismissed the typing error (FRD-05 of class R) that was supposed here; it stays
    so, whatever is decided later.
    ``goods`` are the cases of the permits under which the goods of ``case.uses`` travelled, as far as this node
    holds them: an import permit is used by confirmations that are about another permit.
    """

    parameters: PatternParameters
    ruleset_id: str
    now: datetime
    observation: Observation | None = None
    neighbours: tuple[PermitFact, ...] = ()
    neighbour_confirmed: frozenset[PermitKey] = frozenset()
    alike: tuple[PermitFact, ...] = ()
    """Permits of the issuer for goods like those of an event about an unknown number (``matching``, rung 5)."""
    neighbour_dismissed: bool = False
    goods: tuple[Case, ...] = ()
    shown_for: tuple[Case, ...] = ()
    """The cases of other permits that a Party saw under the transport document of goods of ``case`` that it turned
    away."""
    silences: Mapping[PermitKey, Silence] = field(default_factory=dict)
    """The permits of the case of which a partner should have told something, and did not."""
    drawn: tuple[Drawn, ...] = ()
    """The re-export certificates that draw on permits of the case, directly or through others."""
    alarming: frozenset[str] = frozenset()
    """Digests of events whose correction made an opened alert go away (``hindsight``)."""

    def goods_of(self, use: EventFact) -> Case | None:
        """The case of the permit that ``use`` is about, or ``None`` where this node knows nothing of it."""
        permit = use.body.permit
        return next((c for c in self.goods if (c.issuer, c.number) == (permit.issuer, permit.number)), None)

    def endorsements_of_goods(self, use: EventFact) -> tuple[EventFact, ...] | None:
        """The endorsements by which the goods of ``use`` may have left, or ``None`` where this node cannot know."""
        case = self.goods_of(use)
        if case is None:
            return None
        meant = permit_meant(case.permits, use.body.permit, on=use.body.date)
        events = case.events if meant is None else case.events_of(meant)
        return tuple(event for event in events if isinstance(event.body, Endorsement))
