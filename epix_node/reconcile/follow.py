"""What follows from the facts about a number: its status cards and its findings.

``follow`` is the whole of reconciliation for one permit number: it folds the facts into status cards, lets the
detectors look, and brings the stored findings to what they say now. It depends on the facts, on the stored
first-seen times and on now, so recording facts in any order, or everything again, ends in the same findings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from epix_node.exchange.recording import Number
from epix_node.permit.facts import Case
from epix_node.permit.finding import FindingState
from epix_node.permit.status import standing, void_standing
from epix_node.reconcile import chains, extracting, observability, sums
from epix_node.reconcile.accounting import keep_accounts
from epix_node.reconcile.detect import detect
from epix_node.reconcile.detectors import end11
from epix_node.reconcile.ladder import keep_rungs
from epix_node.reconcile.page import Page
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.settle import resolved, settle
from epix_node.reconcile.surroundings import load_case, surroundings
from epix_node.reconcile.view import View
from epix_node.store import cases, draws, findings, notices, orphans
from epix_node.store.database import Session

ORPHANS_AT_ONCE = 200
"""Unknown numbers that are looked at in one turn: about a second of work."""


def follow(
    session: Session,
    perspective: Perspective,
    touched: Iterable[Number],
    *,
    now: datetime,
    page: Page | None = None,
    judged: Collection[Number] = (),
) -> None:
    """Bring cards and findings of these numbers to what the facts say now.

    Documents on which touched certificates draw are looked at, too, and so are those in ``judged``, of which the caller
    knows already; but nothing above them (``chains``), or each new link would cost as much as its whole chain.

    With ``page``, which must know them all, nothing is read twice and nothing written that is there already; sums and
    near numbers are left to the caller, who follows every number that there is.
    """
    changed = set(touched)
    waiting = sorted(changed | set(judged))
    done: set[Number] = set()
    while waiting:
        issuer, number = waiting.pop(0)
        if (issuer, number) in done:
            continue
        done.add((issuer, number))
        case = page.cases[issuer, number] if page is not None else load_case(session, perspective, issuer, number)
        _put_cards(session, perspective, case, page)
        keep_accounts(session, perspective, case)
        if page is None:
            sums.mark(session, case)
        is_drawn_on = page is None or (issuer, number) in page.drawn_on
        view = surroundings(session, perspective, case, now=now, is_drawn_on=is_drawn_on)
        keep_rungs(session, case, view)
        _put_findings(session, perspective, case, view, page, now=now)
        if page is None and (case.permits or case.void):
            # A permit may explain an unknown number near to its own as a typing error, or stop doing so.
            waiting += sorted(orphans.near(session, issuer, [number]))
        if page is None and (issuer, number) in changed:
            waiting += sorted(chains.above(session, case))


def revisit(session: Session, perspective: Perspective, *, now: datetime, turn: int | None = None) -> None:
    """What time alone moves: pending findings open, unknown numbers become forged ones, typing errors run out.

    With ``turn``, only some of the unknown numbers are looked at, others in other turns: anybody can make up many.
    """
    due = findings.due_to_open(session, before=now - perspective.ruleset.patterns.cool_off)
    of_numbers = [f.subject for f in due if f.derived and sums.sum_of(f) is None]
    follow(session, perspective, [(subject.issuer, subject.number) for subject in of_numbers], now=now)
    unknown = orphans.every(session) if turn is None else orphans.in_turn(session, turn, at_once=ORPHANS_AT_ONCE)
    follow(session, perspective, unknown, now=now)
    follow(session, perspective, draws.lapsed(session, chains.PATTERNS, today=now.date()), now=now)
    follow(session, perspective, observability.settle(session, perspective, now=now), now=now)
    sums.settle_marked(session, perspective, now=now, also=map(sums.sum_of, due))


def _put_cards(session: Session, perspective: Perspective, case: Case, page: Page | None) -> None:
    held = page.cards if page is not None else {}
    for fact in case.permits:
        folded = standing(fact, case.events_of(fact), case.uses_of(fact))
        cases.put_card(session, fact, folded, held=held.get(fact.key))
        extracting.mark(session, perspective, case, fact, folded)
    for fact in case.void:
        cases.put_card(session, fact, void_standing(fact.key), held=held.get(fact.key))
    # Also where every event was taken back: what they had been is asked for END-08.
    is_spoken_of = bool(case.events or case.corrections)
    is_orphan = is_spoken_of and not case.permits
    if page is None or is_orphan != ((case.issuer, case.number) in page.orphans):
        orphans.mark(session, case.issuer, case.number, orphan=is_orphan)


def _put_findings(
    session: Session, perspective: Perspective, case: Case, view: View, page: Page | None, *, now: datetime
) -> None:
    drafts = {
        draft.id: draft
        for draft in detect(case, view)
        # Within this node's customs union it is ordinary (contract 4): a national setting, for an R item only.
        if not (draft.pattern == end11.PATTERN and case.issuer in perspective.customs_union)
    }
    number = (case.issuer, case.number)
    about = page.findings.get(number, ()) if page is not None else findings.about(session, *number)
    known = {finding.id: finding for finding in about if sums.sum_of(finding) is None}
    for finding_id, draft in sorted(drafts.items()):
        finding = settle(
            draft,
            previous=known.get(finding_id),
            decision=page.decisions.get(finding_id) if page is not None else findings.decision(session, finding_id),
            now=now,
            parameters=perspective.ruleset.patterns,
        )
        if finding != known.get(finding_id):
            findings.put(session, finding)
            notices.add_if_opened(session, known.get(finding_id), finding, now=now)
    for finding_id, finding in sorted(known.items()):
        if finding_id in drafts or not finding.derived or finding.state is FindingState.RESOLVED:
            continue
        notice = findings.alert(session, finding_id)
        if notice is not None and notice.party != perspective.party:
            # Who cannot derive a finding shows the issuer's word on it (contract 5).
            told = replace(finding, derived=False, class_=notice.class_, state=notice.state)
            findings.put(session, told)
            notices.add_if_opened(session, finding, told, now=now)
        else:
            findings.put(session, resolved(finding))
