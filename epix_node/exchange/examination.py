"""What the rules say of permits that arrive, worked out before the transaction that records them.

A permit from elsewhere is never refused for a broken rule: it was issued, and that is the fact. What the rules say of
it is kept beside it, for whoever looks at it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import structlog

from epix_node.exchange.ingest import Refused
from epix_node.permit.facts import Source
from epix_node.permit.model import Permit
from epix_node.reference.catalogue import Catalogue
from epix_node.rules.check import Judgement, check
from epix_node.rules.ruleset import Ruleset, Stage
from epix_node.rules.subject import Circumstances
from epix_node.store import permits
from epix_node.store.arrival import Arrival
from epix_node.store.permit_checks import PermitCheck

log = structlog.get_logger("epix_node.exchange")


@dataclass(slots=True, kw_only=True)
class Examiner:
    """Examines the documents of one page, in their order."""

    ruleset: Ruleset
    catalogue: Catalogue
    today: date
    now: datetime
    is_stamp_held: Callable[[Permit], bool]
    """Whether another permit of the issuer that is held here bears the permit's security stamp."""
    _stamps: set[tuple[str, str]] = field(default_factory=set)
    """Those of this page, which nobody holds yet."""

    def examine(self, checked: Iterable[Arrival | Refused]) -> list[Arrival | Refused]:
        """The same documents; believed permits carry what the rules say of them."""
        return [self._with_check(one) if isinstance(one, Arrival) else one for one in checked]

    def _with_check(self, arrival: Arrival) -> Arrival:
        permit = arrival.document.body
        if not isinstance(permit, Permit):
            return arrival
        try:
            judgement = self._judge(permit, arrival.source)
        except Exception:
            # A rule that stumbles over a foreign document is a mistake of ours. The permit is a fact all the same: were
            # the page refused for it, nothing of this Party would ever come in again.
            log.exception("rules failed on a permit from elsewhere", document=arrival.source.document)
            return arrival
        return replace(arrival, check=kept(judgement, stage=Stage.RECEIPT, at=self.now))

    def _judge(self, permit: Permit, source: Source) -> Judgement:
        return check(
            permit,
            self.ruleset,
            catalogue=self.catalogue,
            circumstances=Circumstances(
                stage=Stage.RECEIPT,
                today=self.today,
                entered_on=source.at.astimezone(UTC).date(),
                stamp_taken=self._is_stamp_taken(permit),
            ),
        )

    def _is_stamp_taken(self, permit: Permit) -> bool:
        stamp = permits.comparable_stamp(permit.security_stamp)
        if stamp is None:
            return False
        seen = (permit.issuer, stamp) in self._stamps
        self._stamps.add((permit.issuer, stamp))
        return seen or self.is_stamp_held(permit)


def kept(judgement: Judgement, *, stage: Stage, at: datetime) -> PermitCheck:
    """The judgement as it is kept with the permit."""
    return PermitCheck(
        ruleset=judgement.ruleset,
        stage=stage,
        checked_at=at.replace(microsecond=0),
        reference=tuple(edition.to_json(judgement.checked_on) for edition in judgement.editions),
        findings=tuple(finding.to_json() for finding in judgement.findings),
    )
