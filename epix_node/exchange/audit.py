"""Derives everything that is held of a register again and says what differs (issue: `register check`; C.4 item 8 (e)).

From the entries alone: leaf hashes, the roots of all complete subtrees, the right edge, and the root at every size that
a checkpoint held here was signed for. From the documents: their digests and ``d``; of the own register also the chains
``c``, which are known in full, and that each entry has its one document.

A piece is read at a time, each in a read transaction of its own: a node that works is not held up, and entries that
come meanwhile are left for the next time. Whether a checkpoint's signature is good was verified when it was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from epix_node.errors import MalformedDocumentError
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body
from epix_node.register.entry import chain_commitment, document_commitment, parse_leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.register.note import parse_note
from epix_node.register.tiles import TILE_WIDTH, hash_up
from epix_node.store import lost, pieces, register, scrubs
from epix_node.store.database import Database
from epix_node.store.former import writer_of
from epix_node.store.last_signed import LastSigned
from epix_node.store.pieces import HeldEntry
from epix_node.store.register import RegisterState
from epix_node.store.scrubs import Scrub

PIECE = TILE_WIDTH
"""Entries that are read at a time, with their documents: a whole bundle."""

MOST_PROBLEMS = 100
"""Problems that are told of one register one by one."""

Progress = Callable[[int, int], None]
"""Called with how many entries were looked at, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found out about one register; clean where there are no ``problems``, each of them a sentence."""

    party: str
    origin: str
    entries: int
    documents: int
    roots: int
    """Roots that were compared with what a checkpoint says."""
    problems: tuple[str, ...]


def audit_all(database: Database, record: LastSigned, own: str, *, now: datetime, progress: Progress) -> list[Audit]:
    """The own register, then every mirror, in alphabetical order; what was found is kept for the operator."""
    held = database.read_now(pieces.registers)
    total = sum(_size(state, is_own=state.party == own) for state in held)
    done = 0
    audits = []
    for state in sorted(held, key=lambda state: (state.party != own, state.party)):
        before = done

        def advance(entries: int, before: int = before) -> None:
            progress(before + entries, total)

        audits.append(_audit(database, record, state, is_own=state.party == own, advance=advance))
        done += _size(state, is_own=state.party == own)
    kept = [Scrub(party=one.party, at=now, entries=one.entries, problems=one.problems) for one in audits]
    database.write_now(scrubs.keep, kept)
    return audits


@dataclass(slots=True)
class _Walk:
    """What the entries so far lead to."""

    state: RegisterState
    size: int
    is_own: bool
    edge: RightEdge = field(default_factory=RightEdge.empty)
    levels: list[list[bytes]] = field(default_factory=list)
    """By level, from 1 on: the roots of complete subtrees that make no larger one yet."""
    completed: list[int] = field(default_factory=list)
    """By level, from 1 on: how many complete subtrees there were."""
    chains: dict[bytes, int] = field(default_factory=dict)
    documents: int = 0
    lost: frozenset[int] = frozenset()
    """Indexes of the piece that is looked at, whose documents are known to be lost."""
    gaps: int = 0
    """How many of those there were so far."""
    problems: list[str] = field(default_factory=list)

    def say(self, problem: str) -> None:
        self.problems.append(problem)


def _size(state: RegisterState, *, is_own: bool) -> int:
    """How many entries count: of a mirror, those under a verified checkpoint."""
    return state.edge.size if is_own else state.checkpoint_size


def _audit(
    database: Database, record: LastSigned, state: RegisterState, *, is_own: bool, advance: Callable[[int], None]
) -> Audit:
    party = state.party
    walk = _Walk(state=state, size=_size(state, is_own=is_own), is_own=is_own)
    marks = {checkpoint.size: (what, checkpoint.root) for what, checkpoint in _checkpoints(state, walk)}
    if is_own:
        _record_marks(record, walk, marks)
    for start in range(0, walk.size, PIECE):
        end = min(walk.size, start + PIECE)
        entries = database.read_now(pieces.entries, party, start, end)
        walk.lost = database.read_now(lost.among, party, start, end) if is_own else frozenset()
        stored = database.read_now(pieces.subtrees_ending, party, end) if end % TILE_WIDTH == 0 else {}
        _look_at_piece(walk, start, end, entries, marks, stored)
        if walk.edge.size != end:
            break  # an entry is missing: no root after it can be right, and that would say nothing new
        advance(end)
    else:
        _look_at_end(database, walk)
    problems = walk.problems
    if len(problems) > MOST_PROBLEMS:
        problems = [*problems[:MOST_PROBLEMS], f"{len(problems) - MOST_PROBLEMS} more"]
    return Audit(
        party=party,
        origin=state.origin,
        entries=walk.edge.size,
        documents=walk.documents,
        roots=len(marks),
        problems=tuple(problems),
    )


def _checkpoints(state: RegisterState, walk: _Walk) -> Iterator[tuple[str, Checkpoint]]:
    for what, note, size in (
        ("the witnessed checkpoint", state.witnessed, state.witnessed_size),
        ("the checkpoint", state.checkpoint, state.checkpoint_size),
    ):
        if note is None:
            continue
        try:
            checkpoint = parse_checkpoint_body(parse_note(note).body)
        except MalformedDocumentError as error:
            walk.say(f"{what} cannot be read: {error}")
            continue
        if checkpoint.origin != state.origin:
            walk.say(f"{what} is of {checkpoint.origin}")
        if checkpoint.size != size:
            walk.say(f"{what} is over {checkpoint.size} entries, and {size} are said to be under it")
        elif checkpoint.size > walk.size:
            walk.say(f"{what} is over {checkpoint.size} entries, and {walk.size} are held")
        yield what, checkpoint


def _record_marks(record: LastSigned, walk: _Walk, marks: dict[int, tuple[str, bytes]]) -> None:
    signed, state = record.read(walk.state.origin), walk.state
    if signed is None:
        if state.is_sealed:
            walk.say("the record of the last signed checkpoint is gone")
        return
    if signed.size < state.checkpoint_size:
        walk.say(f"the last-signed record has {signed.size} entries, the checkpoint {state.checkpoint_size}")
    elif signed.size > walk.size:
        # What was signed since the state was read is no problem: entries are committed before they are signed.
        return
    earlier = marks.setdefault(signed.size, ("the last-signed record", signed.root))
    if earlier[1] != signed.root:
        walk.say(f"the last-signed record and {earlier[0]} have two roots for {signed.size} entries")


def _look_at_piece(
    walk: _Walk,
    start: int,
    end: int,
    entries: list[HeldEntry],
    marks: Mapping[int, tuple[str, bytes]],
    stored: Mapping[int, tuple[int, bytes]],
) -> None:
    hashes = []
    for index, entry in enumerate(entries, start=start):
        if entry.index != index:
            walk.say(f"entry {index} is missing")
            return
        hashes.append(leaf_hash(entry.leaf))
        _look_at_entry(walk, entry)
    read = start + len(hashes)
    for size in sorted({read, *(mark for mark in marks if start < mark < read)}):
        walk.edge = walk.edge.extended(hashes[walk.edge.size - start : size - start])
        if size in marks and walk.edge.root() != marks[size][1]:
            walk.say(f"{marks[size][0]} of {size} entries has another root than the entries lead to")
    if read < end:
        walk.say(f"entry {read} is missing")
    elif len(hashes) == TILE_WIDTH:
        _look_at_subtrees(walk, hashes, stored)


def _look_at_subtrees(walk: _Walk, hashes: list[bytes], stored: Mapping[int, tuple[int, bytes]]) -> None:
    level, row = 1, hashes
    while len(row) == TILE_WIDTH:
        root = hash_up(row)
        if len(walk.levels) < level:
            walk.levels.append([])
            walk.completed.append(0)
        number = walk.completed[level - 1]
        if stored.get(level) != (number, root):
            walk.say(f"hash {number} of tile level {level} is not what the entries lead to, or is missing")
        walk.completed[level - 1] += 1
        walk.levels[level - 1].append(root)
        row = walk.levels[level - 1]
        if len(row) == TILE_WIDTH:
            walk.levels[level - 1] = []
        level += 1


def _look_at_entry(walk: _Walk, entry: HeldEntry) -> None:
    index, party = entry.index, writer_of(walk.state.party)
    try:
        leaf = parse_leaf(entry.leaf)
    except MalformedDocumentError as error:
        walk.say(f"entry {index} is no leaf: {error}")
        return
    if leaf.party != party:
        walk.say(f"entry {index} is of {leaf.party}")
    if entry.c_head != register.head_of(leaf.c):
        walk.say(f"entry {index} is found under another commitment than it has")
    document = entry.document
    if document is None:
        if walk.is_own and index in walk.lost:
            walk.gaps += 1
        elif walk.is_own:
            walk.say(f"entry {index} has no document")
        return
    walk.documents += 1
    if sha256(document.xml).hexdigest() != document.sha256:
        walk.say(f"document {document.sha256} of entry {index} has other bytes")
    if document_commitment(document.salt, document.xml) != leaf.d:
        walk.say(f"entry {index} does not commit to document {document.sha256}")
    if walk.is_own:
        first = walk.chains.get(document.permit_salt, 0)
        # Entries before it whose documents are lost may be of the same chain.
        positions = range(first, first + walk.gaps + 1)
        found = next((at for at in positions if chain_commitment(document.permit_salt, party, at) == leaf.c), None)
        walk.chains[document.permit_salt] = (first if found is None else found) + 1
        if found is None:
            walk.say(f"entry {index} is not number {first} of its chain")


def _look_at_end(database: Database, walk: _Walk) -> None:
    state, party = walk.state, walk.state.party
    if state.edge.size == walk.edge.size and state.edge != walk.edge:
        walk.say("the right edge is not what the entries lead to")
    if not walk.is_own:
        return
    now = database.read_now(register.state, party)
    if now is None or now.edge.size != walk.edge.size:
        return  # it grew meanwhile: what is there beyond is for the next time
    for level, index in database.read_now(pieces.subtrees_beyond, party, walk.edge.size):
        walk.say(f"hash {index} of tile level {level} is of entries that are not held")
    for digest in database.read_now(pieces.documents_outside, party, walk.edge.size):
        walk.say(f"document {digest} has no entry")
    lengths = database.read_now(pieces.chains, party)
    extra = {salt: lengths.get(salt, 0) - walk.chains.get(salt, 0) for salt in lengths.keys() | walk.chains.keys()}
    wrong = sum(not 0 <= more <= walk.gaps for more in extra.values())
    if wrong:
        walk.say(f"{wrong} chains have another length than their entries")


def without_progress(done: int, total: int) -> None:
    """Nobody waits for it."""
