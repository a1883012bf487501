"""When the silence of a partner is evidence: the guard of FRD-19 and END-05 (``domain-rules.md`` 2.2).

A report that did not come says something only about a country that sends its reports. So for each pair of countries and
each kind of report (``store.coverage.Flow``) it is counted how many were owed and how many came, by the day on which
they were due. The lack of one that was due on a day is evidence where

* of the reports that were due in the 180 days up to that day, this one among them, at least 80 % came, by the lower
  bound of Wilson's interval: sixteen in a row are the fewest that show it;
* the register of whoever owes it is known beyond that day, and is not disputed;
* nothing of the permit's own chains is withheld.

The day counts and not today: what a partner did half a year before the deadline and up to it says what its silence then
was worth. Old silences do not become evidence when a country begins to report, nor cease to be when its node is down
later. A report that comes late changes the days after it, and with them findings appear or go.

Which days' silence is evidence is remembered (``CoverageRow.is_evidence``), and changes in ``settle`` alone: ``follow``
goes by what is remembered, so a finding always agrees with it, and ``settle`` names every permit whose silence is told
otherwise now. It looks at accounts that changed and days that passed since, and at nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from epix_node.exchange.recording import Number
from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.number import PermitKey
from epix_node.reconcile.accounting import account_of, is_between_partners, is_watched, reports_of
from epix_node.reconcile.journey import earlier, later
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.share import Share
from epix_node.reconcile.view import Silence
from epix_node.store import accounts, awaited, coverage, peers, register
from epix_node.store.accounts import Account
from epix_node.store.coverage import Direction, Flow
from epix_node.store.database import Session

_DAY = timedelta(days=1)

SILENCES = frozenset({"FRD-19", "END-05"})
"""The patterns that rest on silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the two countries of a pair tell each other: whether the silence of either would be evidence, and why.

    ``expected``, ``met`` and ``lower_bound`` are the confirmations that the destination owed; ``endorse_…`` the
    endorsements that the issuer owed. Of the 180 days up to the last day up to which the register concerned is known.
    """

    confirm: bool = False
    endorse: bool = False
    expected: int = 0
    met: int = 0
    lower_bound: Decimal = Decimal(0)
    endorse_expected: int = 0
    endorse_met: int = 0
    endorse_lower_bound: Decimal = Decimal(0)


def observed(session: Session, perspective: Perspective, issuer: str, destination: str, *, now: datetime) -> Observed:
    """How the pair stands now, as far as ``settle`` has counted."""
    return _observed(session, perspective, issuer, destination, now=now, due_on=None)


def observed_of(
    session: Session, perspective: Perspective, case: Case, fact: PermitFact, *, now: datetime
) -> Observed | None:
    """How the pair of a permit stood when its report was due, or stands now where that is still to come.

    None where silence about such a permit says nothing at all.
    """
    destination = fact.permit.destination
    if destination is None or not is_watched(perspective, fact.permit):
        return None
    account = account_of(case, fact, perspective)
    due_on = account.due_on if account is not None else None
    return _observed(session, perspective, fact.key.issuer, destination, now=now, due_on=due_on)


def silences(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> Mapping[PermitKey, Silence]:
    """The permits of the case about which a partner keeps silent, where that is evidence.

    Only what is overdue is asked for, so most cases cost nothing.
    """
    found: dict[PermitKey, Silence] = {}
    for fact in case.permits:
        account = account_of(case, fact, perspective) if is_watched(perspective, fact.permit) else None
        lacks = account.lacks if account is not None else None
        if account is None or lacks is None or account.due_on >= _today(now):
            continue
        flow = account.flow(lacks)
        if coverage.is_evidence(session, flow, account.due_on) and not awaited.lacking(session, fact.key):
            found[fact.key] = _silence(session, perspective, account, flow)
    return found


def settle(session: Session, perspective: Perspective, *, now: datetime) -> set[Number]:
    """Count what changed, and look at the days that passed; returns the numbers to be followed now.

    Following them changes no account, so all is settled then.
    """
    changed = _count(session, perspective)
    known = coverage.observed(session)
    registers = _Registers(session, perspective, now)
    looked: list[tuple[Flow, date | None]] = []
    numbers: set[Number] = set()
    for flow in sorted({*known, *changed}):
        until, before = registers.known_until(flow), known.get(flow)
        spans = _spans(changed.get(flow, ()), before, until, perspective.ruleset.patterns.observability.window)
        for since, last in spans:
            numbers |= accounts.lacking(session, flow, _look(session, perspective, flow, since, last, until))
        if flow not in known or until != before:
            looked.append((flow, until))
    coverage.observe(session, looked)
    return numbers | accounts.doubted(session, SILENCES)


def _count(session: Session, perspective: Perspective) -> dict[Flow, set[date]]:
    """Bring the coverage to what the accounts say now; returns the days of each flow on which that changed anything."""
    differences: dict[tuple[Flow, date], tuple[int, int]] = {}
    done = []
    for stale in accounts.stale(session):
        reports = reports_of(stale.account, perspective) if stale.account is not None else ()
        done.append((stale, reports))
        for sign, owed in (*((-1, one) for one in stale.counted), *((1, one) for one in reports)):
            expected, met = differences.get((owed.flow, owed.due_on), (0, 0))
            differences[owed.flow, owed.due_on] = (expected + sign, met + sign * owed.came)
    differences = {place: difference for place, difference in differences.items() if difference != (0, 0)}
    coverage.add(session, differences)
    accounts.counted(session, done)
    changed: dict[Flow, set[date]] = {}
    for flow, day in differences:
        changed.setdefault(flow, set()).add(day)
    return changed


def _spans(
    changed: Iterable[date], before: date | None, until: date | None, window: timedelta
) -> list[tuple[date, date]]:
    """The stretches of due days, first and last, about which the answer may be another than it was.

    Those whose half-year has a day that changed, and those that became known or are not known any more. What is due
    later is looked at when it is.
    """
    horizon = max(before or date.min, until or date.min)
    spans = [(day, later(day, window - _DAY)) for day in changed if day <= horizon]
    if before != until:
        spans.append((min(before or date.min, until or date.min), horizon))
    merged: list[tuple[date, date]] = []
    for since, last in sorted(spans):
        if merged and since <= merged[-1][1]:
            begins, ends = merged.pop()
            merged.append((begins, max(ends, last)))
        else:
            merged.append((since, last))
    return [(since, min(last, horizon)) for since, last in merged]


def _look(
    session: Session, perspective: Perspective, flow: Flow, since: date, last: date, until: date | None
) -> list[date]:
    """Remember of each day of the stretch whether silence is evidence.

    Returns the days with a lacking report of which that is said, or was said before.
    """
    parameters = perspective.ruleset.patterns.observability
    days = coverage.days(session, flow, since=earlier(since, parameters.window - _DAY), until=last)
    evidence: dict[date, bool] = {}
    told: list[date] = []
    first = expected = met = 0
    for day in days:
        expected, met = expected + day.expected, met + day.met
        while day.on - days[first].on >= parameters.window:
            expected, met, first = expected - days[first].expected, met - days[first].met, first + 1
        if day.on < since:
            continue
        share = Share(expected=expected, met=met)
        is_evidence = (
            until is not None and day.on <= until and share.is_at_least(parameters.least_share, z=parameters.z)
        )
        if is_evidence != day.is_evidence:
            evidence[day.on] = is_evidence
        if (is_evidence or day.is_evidence) and day.met < day.expected:
            told.append(day.on)
    coverage.mark(session, flow, evidence)
    return told


def _silence(session: Session, perspective: Perspective, account: Account, flow: Flow) -> Silence:
    parameters = perspective.ruleset.patterns.observability
    share = _share(session, perspective, flow, account.due_on)
    return Silence(
        by=flow.witness,
        is_confirmation=flow.direction is Direction.CONFIRM,
        due_on=account.due_on,
        expected=share.expected,
        met=share.met,
        lower_bound=share.lower_bound(z=parameters.z),
        window=parameters.window,
    )


def _share(session: Session, perspective: Perspective, flow: Flow, until: date) -> Share:
    window = perspective.ruleset.patterns.observability.window
    expected, met = coverage.total(session, flow, since=earlier(until, window - _DAY), until=until)
    return Share(expected=expected, met=met)


def _observed(
    session: Session, perspective: Perspective, issuer: str, destination: str, *, now: datetime, due_on: date | None
) -> Observed:
    parameters = perspective.ruleset.patterns.observability
    registers = _Registers(session, perspective, now)
    shares: list[Share] = []
    for direction in (Direction.CONFIRM, Direction.ENDORSE):
        flow = Flow(issuer=issuer, destination=destination, direction=direction)
        until = registers.known_until(flow)
        if until is None:
            shares.append(Share(expected=0, met=0))
        else:
            shares.append(_share(session, perspective, flow, min(until, due_on or until)))
    confirm, endorse = shares
    return Observed(
        confirm=confirm.is_at_least(parameters.least_share, z=parameters.z),
        endorse=endorse.is_at_least(parameters.least_share, z=parameters.z),
        expected=confirm.expected,
        met=confirm.met,
        lower_bound=confirm.lower_bound(z=parameters.z),
        endorse_expected=endorse.expected,
        endorse_met=endorse.met,
        endorse_lower_bound=endorse.lower_bound(z=parameters.z),
    )


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


@dataclass(slots=True)
class _Registers:
    """Up to which day the registers of those who owe reports are known, each asked for once."""

    session: Session
    perspective: Perspective
    now: datetime
    _known: dict[str, date | None] = field(default_factory=dict)

    def known_until(self, flow: Flow) -> date | None:
        """The last whole day, in UTC, of which this node knows all that the flow's witness entered; None: of none."""
        keyring, party = self.perspective.keyring, self.perspective.party
        witness = keyring.speaker_for(flow.witness)
        if witness is None or not is_between_partners(keyring, party, flow.issuer, flow.destination):
            return None
        if witness not in self._known:
            self._known[witness] = self._until(witness)
        return self._known[witness]

    def _until(self, witness: str) -> date | None:
        held = register.state(self.session, witness)
        if witness == self.perspective.party:
            # What was lost with the own register may be the very reports that seem to be lacking.
            return None if held is not None and held.halted is not None else _today(self.now) - _DAY
        if held is None or held.cosigned_at is None:
            return None
        if peers.is_disputed(self.session, witness, origin=self.perspective.keyring.origin(witness)):
            return None
        return min(_today(held.cosigned_at), _today(self.now)) - _DAY
