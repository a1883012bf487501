"""What must be true of nodes that can talk to each other again, whatever happened to the wire before.

Each function says what is wrong in sentences; an empty list is good. What everybody should hold is worked out from
what the countries did and from decision 3, not from what their nodes believe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import permutations

from sqlmodel import select

from epix_node.exchange.audit import audit_all, without_progress
from epix_node.permit.finding import Finding
from epix_node.register.evidence import judge, parse_conflict
from epix_node.store import conflicts, findings, peers, pending, register
from epix_node.store.database import Session
from epix_node.store.tables import DocumentRow, GrantRow
from tests.world import Country, World


def disagreements(world: World, parties: Iterable[str] | None = None, *, liar: str | None = None) -> list[str]:
    """Everything that keeps these countries, or all, from agreeing, whatever they hold of and against the liar."""
    chosen = tuple(parties or world.parties)
    return [
        problem
        for look in (unlike_mirrors, wrong_documents, blamed, doubled, unsound, other_findings)
        for problem in look(world, chosen)
        if liar is None or f" {liar}" not in problem
    ]


def unlike_mirrors(world: World, parties: Iterable[str]) -> Iterator[str]:
    """Every mirror has the entries of its owner, under a checkpoint."""
    for reader, owner in permutations(parties, 2):
        mine = world[reader].node.database.read_now(register.state, owner)
        theirs = world[owner].mirror(owner)
        if mine is None:
            yield f"{reader} has no mirror of {owner}"
        elif mine.edge != theirs.edge:
            yield f"{reader} mirrors {mine.edge.size} entries of {owner}, which has {theirs.edge.size}"
        elif mine.checkpoint_size != theirs.edge.size:
            yield f"{reader} holds a checkpoint of {mine.checkpoint_size} of {theirs.edge.size} entries of {owner}"


def wrong_documents(world: World, parties: Iterable[str]) -> Iterator[str]:
    """Everybody holds what is addressed to it, or was given to it for an alert, and nothing else of others."""
    chosen = tuple(parties)
    addressed: dict[str, dict[str, frozenset[str]]] = {}
    for writer in chosen:
        rows = _rows(world[writer], writer)
        own = {row.sha256: frozenset(filter(None, row.recipients.split(","))) for row in rows}
        for digest, written in world.written.items():
            if written.party != writer:
                continue
            if digest not in own:
                yield f"{writer} lost document {digest[:8]} of its own"
            elif own[digest] != written.audience:
                yield f"{writer} addressed {digest[:8]} to {sorted(own[digest])}, not to {sorted(written.audience)}"
        addressed[writer] = {digest: to | _granted(world[writer], digest) for digest, to in own.items()}
    for reader, writer in permutations(chosen, 2):
        held = {row.sha256 for row in _rows(world[reader], writer)}
        due = {digest for digest, to in addressed[writer].items() if reader in to}
        for digest in sorted(due - held):
            yield f"{reader} lacks document {digest[:8]} of {writer}"
        for digest in sorted(held - due):
            yield f"{reader} has document {digest[:8]} of {writer}, which is not for it"


def blamed(world: World, parties: Iterable[str]) -> Iterator[str]:
    """Nobody is frozen, no document is in quarantine, no register stands still, and nobody is convicted."""
    for party in parties:
        country = world[party]
        yield from (f"{party} has a document of {writer} aside: {why}" for writer, why in country.quarantined())
        for state in country.node.database.read_now(peers.states):
            if state.frozen is not None:
                yield f"{party} has frozen {state.party}: {state.frozen}"
            if evidence := country.node.database.read_now(conflicts.everything, state.party):
                yield f"{party} holds {len(evidence)} pieces of evidence against {state.party}"
        own = country.mirror(party)
        if own.halted is not None:
            yield f"the register of {party} stands still: {own.halted}"
        if waiting := country.node.database.read_now(pending.count, party):
            yield f"{waiting} documents of {party} wait for a number"


def doubled(world: World, parties: Iterable[str]) -> Iterator[str]:
    """One entry, one document, whoever holds it; what was acknowledged with an index is at that index."""
    seen: dict[tuple[str, int], tuple[str, str]] = {}
    for party in parties:
        for row in _rows(world[party]):
            if row.register_index is None:
                yield f"{party} holds document {row.sha256[:8]} of {row.party} without an index"
                continue
            digest, who = seen.setdefault((row.party, row.register_index), (row.sha256, party))
            if digest != row.sha256:
                yield f"entry {row.register_index} of {row.party} is one document at {who} and another at {party}"
    for digest, written in world.written.items():
        if written.index is not None and written.party in parties:
            found = seen.get((written.party, written.index))
            if found is not None and found[0] != digest:
                yield f"entry {written.index} of {written.party} was acknowledged for another document"


def unsound(world: World, parties: Iterable[str]) -> Iterator[str]:
    """What `register check` says."""
    for party in parties:
        office = world[party].node.office
        record = office.sequencer.record
        for one in audit_all(office.database, record, party, now=world.now, progress=without_progress):
            yield from (f"{party}, register of {one.party}: {problem}" for problem in one.problems)


def other_findings(world: World, parties: Iterable[str]) -> Iterator[str]:
    """Whoever holds all the evidence of a finding has it, and says the same of it."""
    chosen = tuple(parties)
    found = {party: _findings(world[party]) for party in chosen}
    for party, other in permutations(chosen, 2):
        for finding in found[party].values():
            evidence = {source.document for source in finding.evidence}
            if not evidence <= {row.sha256 for row in _rows(world[other])}:
                continue
            theirs = found[other].get(finding.id)
            if theirs is None:
                yield f"{other} holds all evidence of {finding.id}, which only {party} has found"
            elif {source.document for source in theirs.evidence} == evidence and _said(theirs) != _said(finding):
                yield f"{party} says {_said(finding)} of {finding.id}, {other} says {_said(theirs)}"


def knows_two_histories(country: Country, about: str) -> bool:
    """The Party is frozen here, and the evidence convicts it by itself."""
    state = country.node.database.read_now(peers.state, about)
    evidence = country.node.database.read_now(conflicts.everything, about)
    key = country.node.keyring().log_key(about)
    assert key is not None
    is_proven = any(judge(parse_conflict(one.evidence), log_key=key).is_guilty for one in evidence)
    return state is not None and state.frozen is not None and is_proven


def _said(finding: Finding) -> tuple[str, str]:
    return finding.class_.value, finding.state.value


def _findings(country: Country) -> dict[str, Finding]:
    page: Callable[..., tuple[list[Finding], str | None]] = findings.page
    found, _ = country.node.database.read_now(page, findings.FindingFilter(), cursor=None, limit=500)
    return {finding.id: finding for finding in found}


def _rows(country: Country, party: str | None = None) -> list[DocumentRow]:
    def read(session: Session) -> list[DocumentRow]:
        query = select(DocumentRow)
        return list(session.exec(query if party is None else query.where(DocumentRow.party == party)))

    return country.node.database.read_now(read)


def _granted(country: Country, digest: str) -> frozenset[str]:
    def read(session: Session) -> frozenset[str]:
        return frozenset(session.exec(select(GrantRow.code).where(GrantRow.sha256 == digest)))

    return country.node.database.read_now(read)
