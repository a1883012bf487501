"""What is known about some hundred numbers, read in few statements, so that they can be followed one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from epix_node.exchange.recording import Number
from epix_node.permit.facts import Case
from epix_node.permit.finding import Decision, Finding
from epix_node.permit.number import PermitKey
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.surroundings import load_cases
from epix_node.store import cases, draws, findings, orphans
from epix_node.store.database import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """As it stands in this transaction, before anything of the page is followed."""

    cases: Mapping[Number, Case]
    findings: Mapping[Number, tuple[Finding, ...]]
    cards: Mapping[PermitKey, Mapping[str, Any]]
    orphans: frozenset[Number]
    drawn_on: frozenset[Number]
    decisions: Mapping[str, Decision]
    """By the finding's id; of findings that are known, since no other was ever decided."""


def load_page(session: Session, perspective: Perspective, numbers: Iterable[Number]) -> Page:
    """The page of these numbers: some statements for each issuer."""
    by_issuer: dict[str, list[str]] = {}
    for issuer, number in numbers:
        by_issuer.setdefault(issuer, []).append(number)
    held: dict[Number, Case] = {}
    known: dict[Number, tuple[Finding, ...]] = {}
    cards: dict[PermitKey, Mapping[str, Any]] = {}
    nobodys: set[Number] = set()
    drawn_on: set[Number] = set()
    for issuer, of_issuer in by_issuer.items():
        for number, case in load_cases(session, perspective, issuer, of_issuer).items():
            held[issuer, number] = case
        for number, about in findings.about_all(session, issuer, of_issuer).items():
            known[issuer, number] = about
        cards |= cases.held_cards(session, issuer, of_issuer)
        nobodys |= {(issuer, number) for number in orphans.among(session, issuer, of_issuer)}
        drawn_on |= {(issuer, number) for number in draws.drawn_on(session, issuer, of_issuer)}
    ids = [finding.id for about in known.values() for finding in about]
    return Page(
        cases=held,
        findings=known,
        cards=cards,
        orphans=frozenset(nobodys),
        drawn_on=frozenset(drawn_on),
        decisions=findings.decisions(session, ids),
    )
