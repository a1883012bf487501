"""Every write of a step fails, in every way that it can, and nothing is lost, doubled or contradicted (fault tables).

A `Step` is something that nodes of a `World` do. Its writes are found by counting them: whatever goes through
`Database.write_now` while it runs, at every node, the last-signed record included. Each fails

    nothing persisted           the transaction is undone, and its caller is told
    persisted but unreported    the transaction is committed, and its caller is told that it was not
    killed before the commit    the process ends there, and with it every node of the world
    killed after the commit     so, too

and then the step is done again, everybody does one round, and the world must be as one in which nothing failed. A step
names its writes, so that one which is added later is noticed; it fails like the others without being named anywhere.
"""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlmodel import SQLModel, select

from epix_node.acts.extracts import publish_due
from epix_node.acts.review import open_due
from epix_node.errors import StoreError
from epix_node.federation import cosigning
from epix_node.federation.reports import spread
from epix_node.federation.stories import take_missing
from epix_node.federation.witnessing import gather
from epix_node.permit.finding import FindingState
from epix_node.register.checkpoint import parse_checkpoint_body
from epix_node.register.note import NoteSigner
from epix_node.store import register_tables as registers
from epix_node.store import tables
from epix_node.store.database import Database, Session
from epix_node.store.reconcile_tables import ExtractDueRow, ExtractRow, NoticeRow
from tests.federation.agreement import disagreements, unsound
from tests.world import World

Write = tuple[str, int]
"""Its name, and how many of the same name come before it in the step."""

Deed = Callable[[World], Awaitable[None]]


class Way(Enum):
    NOTHING_PERSISTED = "nothing persisted"
    UNREPORTED = "persisted but unreported"
    KILLED_BEFORE = "killed before the commit"
    KILLED_AFTER = "killed after the commit"


TOLD = (Way.NOTHING_PERSISTED, Way.UNREPORTED)
KILLED = (Way.KILLED_BEFORE, Way.KILLED_AFTER)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A row of a fault table. ``act`` may be done several times."""

    name: str
    before: Deed
    """What happened until then."""
    act: Deed
    writes: frozenset[str]
    """The writes of the step, each as `XB mirror.append`: whose, and the function that is the transaction."""
    parties: int = 2
    """XA and XB, or XC too."""
    rounds: int = 1
    """After how many of them nothing comes any more: what an alert names is granted in one and given in the next."""
    is_quick: bool = True
    """Fails with every run of the tests; the others with `make hostile`."""
    is_honest: bool = True
    """Nobody lies, so that in the end nobody is blamed, and everybody holds what is addressed to it."""
    is_agreed: bool = True
    """Everybody holds what decision 3 addresses to it, and says the same of each finding.

    A permit of multiple use is for whoever asks; a decision is the issuer's own.
    """

    def __str__(self) -> str:
        return self.name


@dataclass
class Faults:
    """The writes of a world, seen and failing. One fault at most is made after each ``arm``."""

    world: World
    choose: Callable[[str], Way | None]
    """Which way the write of this name fails, if it does."""
    seen: list[str] = field(default_factory=list)
    made: str | None = None

    def arm(self) -> None:
        self.made = None

    def name(self, database: Database, work: Any) -> str | None:
        for party, country in self.world.countries.items():
            office = country.node.office
            if database is office.database or database is office.sequencer.record.database:
                module = work.__module__.rpartition(".")[2]
                return f"{party} {module}.{work.__qualname__.replace('.<locals>', '')}"
        return None  # such as a node that is being opened

    @contextmanager
    def happening(self) -> Iterator[Faults]:
        real, lock = Database.write_now, threading.Lock()

        def write_now(database: Database, work: Any, *args: Any, **kwargs: Any) -> Any:
            name = self.name(database, work)
            if name is None:
                return real(database, work, *args, **kwargs)
            with lock:
                self.seen.append(name)
                way = self.choose(name) if self.made is None else None
                if way is not None:
                    self.made = name
            if way in {Way.NOTHING_PERSISTED, Way.KILLED_BEFORE}:

                def undone(session: Session) -> NoReturn:
                    work(session, *args, **kwargs)
                    session.flush()
                    if way is Way.KILLED_BEFORE:
                        os.kill(os.getpid(), signal.SIGKILL)
                    raise StoreError("the disk was full")

                return real(database, undone)
            result = real(database, work, *args, **kwargs)
            if way is Way.KILLED_AFTER:
                os.kill(os.getpid(), signal.SIGKILL)
            if way is Way.UNREPORTED:
                raise StoreError("the disk did not answer")
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Database, "write_now", write_now)
            yield self


class Histories:
    """Everything that the keys of a world ever gave: no log two roots for a size, no witness two histories."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._signed: dict[tuple[str, int], bytes] = {}
        self._cosigned: dict[tuple[str, str], tuple[int, bytes]] = {}

    @contextmanager
    def watched(self) -> Iterator[Histories]:
        real_sign, real_cosign = NoteSigner.sign, cosigning.cosign

        def sign(signer: NoteSigner, body: str) -> Any:
            checkpoint = parse_checkpoint_body(body)
            root = self._signed.setdefault((checkpoint.origin, checkpoint.size), checkpoint.root)
            if root != checkpoint.root:
                self.problems.append(f"{checkpoint.origin} signed two roots for {checkpoint.size} entries")
            return real_sign(signer, body)

        def cosign(office: Any, body: bytes, *, now: Any) -> Any:
            answer = real_cosign(office, body, now=now)
            if answer.lines and answer.submitted is not None:
                checkpoint = answer.submitted.checkpoint
                self._given(office.party, checkpoint.origin, checkpoint.size, checkpoint.root)
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(NoteSigner, "sign", sign)
            patch.setattr(cosigning, "cosign", cosign)
            yield self

    def _given(self, witness: str, origin: str, size: int, root: bytes) -> None:
        before, known = self._cosigned.get((witness, origin), (0, b""))
        if size < before:
            self.problems.append(f"{witness} cosigned {size} entries of {origin} after {before}")
        if size == before and root != known:
            self.problems.append(f"{witness} cosigned two roots for {size} entries of {origin}")
        self._cosigned[witness, origin] = (size, root)


class Arranged:
    """What happened before a step, at rest, to be copied as often as needed."""

    def __init__(self, step: Step, founded: Mapping[int, Path], directory: Path) -> None:
        self.step = step
        self.directory = directory / "before"
        self._scratch = directory
        self._made = 0
        self.directory.mkdir()
        asyncio.run(self._arrange(founded[step.parties]))

    async def _arrange(self, founded: Path) -> None:
        world = World(self.directory, founded)
        await world.up()
        try:
            await self.step.before(world)
            # What every node signs once in a while is signed, so that the step's own writes are those of the step.
            for country in world.countries.values():
                country.node.office.sequencer.publish(now=world.now)
        finally:
            await world.close()
        self._now, self._written, self._permits = world.now, world.written, world.permits

    def world(self, directory: Path | None = None) -> World:
        """A world as it was before the step; with a directory, what is left there of one that ended."""
        if directory is not None:
            return self._known(World(directory, None))
        return self._known(World(self.new_directory(), self.directory))

    def new_directory(self) -> Path:
        self._made += 1
        directory = self._scratch / str(self._made)
        directory.mkdir()
        return directory

    def _known(self, world: World) -> World:
        world.now, world.written, world.permits = self._now, dict(self._written), dict(self._permits)
        return world


async def one_round(world: World) -> None:
    """Links work, nobody lies, and everybody does what the jobs of a node do; whoever died is up again."""
    for country in world.countries.values():
        country.meddle = None
        if not country.is_up:
            await country.up()
    for country in world.countries.values():
        await asyncio.to_thread(publish_due, country.node.office, now=world.now)
        country.node.office.sequencer.publish(now=world.now)
        await gather(country.node, ignore_backoff=True)
    for reader in world.parties:
        for writer in world.parties:
            if reader != writer:
                await world.pull(reader, writer)
                await take_missing(world[reader].node, writer)
        await spread(world[reader].node, ignore_backoff=True)
        await asyncio.to_thread(open_due, world[reader].node.office, now=world.now)


async def restart(world: World, *parties: str) -> None:
    """These nodes, or all, are new processes, which know what is in their files."""
    for country in map(world.__getitem__, parties or world.parties):
        was_up, meddle = country.is_up, country.meddle
        await country.down()
        country.reopen()
        country.meddle = meddle
        if was_up:
            await country.up()


_PICTURED: dict[type[SQLModel], tuple[str, ...]] = {
    tables.DocumentRow: (
        "party",
        "type",
        "permit_issuer",
        "permit_number",
        "event_id",
        "recipients",
        "register_index",
        "is_void",
    ),
    tables.PermitRow: ("issuer", "type", "number", "year", "party", "register_index", "is_void"),
    tables.EventRow: ("party", "kind", "event_id", "permit_issuer", "permit_number", "register_index", "is_void"),
    tables.StatusCardRow: ("issuer", "number", "type", "year", "settled", "moving", "untouched", "flags", "lines"),
    tables.OrphanRow: ("issuer", "number"),
    tables.FindingRow: ("pattern", "issuer", "number", "finding_class", "state", "parties"),
    tables.AlertRow: ("party", "finding_class", "state"),
    tables.DecisionRow: ("decision", "reason", "client"),
    ExtractRow: ("party", "issuer", "number", "register_index", "is_void"),
    ExtractDueRow: ("issuer", "number"),
    NoticeRow: ("finding_id", "webhook_done", "email_done"),
    tables.PeerRow: ("party", "next_index", "failures", "frozen"),
    tables.WantedRow: ("party", "register_index"),
    tables.GrantRow: ("code",),
    tables.QuarantineRow: ("party", "reason", "register_index"),
    registers.RegisterRow: (
        "party",
        "origin",
        "size",
        "checkpoint_size",
        "witnessed_size",
        "is_sealed",
        "halted",
    ),
    registers.ChainRow: ("party", "length"),
    registers.PendingRow: ("party", "ordinal"),
    registers.LostRow: ("party", "index"),
    registers.AwaitedRow: ("party", "length", "issuer", "number"),
    registers.WithheldRow: ("party", "index", "issuer", "number"),
    registers.DisorderRow: ("party", "index"),
    registers.CosignedRow: ("origin", "size"),
    registers.SightingRow: ("origin", "source", "size"),
    registers.ConflictRow: ("party", "origin", "is_reported"),
}
"""What must be the same whatever failed: everything but salts, digests and roots, which are others each time."""


def picture(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """What every node holds, as far as it can be compared between two worlds."""

    def rows(session: Session, kind: type[SQLModel], columns: Sequence[str]) -> list[tuple[Any, ...]]:
        found = [
            tuple(getattr(row, column) for column in columns)
            for row in session.exec(select(kind))
            # In another order, something may have looked like a fraud for a while.
            if not (isinstance(row, tables.FindingRow) and row.state == FindingState.RESOLVED)
        ]
        return sorted(found, key=repr)

    return {
        f"{party} {kind.__name__}": world[party].node.database.read_now(rows, kind, columns)
        for party in world.parties
        for kind, columns in _PICTURED.items()
    }


def differences(world: World, expected: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    return [
        f"{name}: {held} instead of {expected[name]}" for name, held in picture(world).items() if held != expected[name]
    ]


async def _wrong(arranged: Arranged, world: World, expected: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    """What is wrong once everybody did one round more."""
    for _ in range(arranged.step.rounds):
        await one_round(world)
    return _problems(arranged.step, world) + differences(world, expected)


def _problems(step: Step, world: World) -> list[str]:
    """What nobody may ever see once everybody did a round."""
    is_plain = step.is_honest and step.is_agreed
    return disagreements(world) if is_plain else list(unsound(world, world.parties))


async def _without_faults(arranged: Arranged) -> tuple[list[str], dict[str, list[tuple[Any, ...]]]]:
    """The writes of the step, and the world after it."""
    world = arranged.world()
    await world.up()
    try:
        with Faults(world, lambda _: None).happening() as faults:
            await arranged.step.act(world)
        for _ in range(arranged.step.rounds):
            await one_round(world)
        problems = _problems(arranged.step, world)
        assert not problems, problems
        return faults.seen, picture(world)
    finally:
        await world.close()


async def _walked(arranged: Arranged, expected: dict[str, list[tuple[Any, ...]]]) -> set[tuple[str, Way]]:
    """Every write of the step failed both ways, one after the other, and the step was done again each time.

    Where nothing was persisted the same processes go on; where it was, new ones.
    """
    step, world = arranged.step, arranged.world()
    done: set[tuple[str, Way]] = set()
    ways: list[Way] = []

    def choose(name: str) -> Way | None:
        for way in TOLD:
            if (name, way) not in done:
                done.add((name, way))
                ways.append(way)
                return way
        return None

    await world.up()
    try:
        with Histories().watched() as histories:
            faults = Faults(world, choose)
            for _ in range(200):
                faults.arm()
                with faults.happening():
                    try:
                        await step.act(world)
                    except StoreError:
                        assert faults.made is not None
                if faults.made is None:
                    break
                party = faults.made.partition(" ")[0]
                if ways[-1] is Way.UNREPORTED:
                    await restart(world, party)
                world[party].node.office.sequencer.publish(now=world.now)
                problems = list(unsound(world, [party]))
                assert not problems, f"after {faults.made} failed: {problems}"
            assert faults.made is None, f"{faults.made} failed for ever"
            wrong = await _wrong(arranged, world, expected)
            assert not wrong, wrong
        assert not (step.is_honest and histories.problems), histories.problems
    finally:
        await world.close()
    return done


async def _failed_once(
    arranged: Arranged, directory: Path | None, write: Write, way: Way, expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    """A world of its own in which the write failed so; with a directory, one whose process ended of it."""
    world = arranged.world(directory)
    await world.up()
    try:
        with Histories().watched() as histories:
            if directory is None:
                faults = Faults(world, _one(write, way))
                with faults.happening():
                    try:
                        await arranged.step.act(world)
                    except StoreError:
                        assert faults.made is not None
                await restart(world)
            for country in world.countries.values():
                country.node.office.sequencer.publish(now=world.now)
            problems = list(unsound(world, world.parties))
            assert not problems, problems
            await arranged.step.act(world)
            wrong = await _wrong(arranged, world, expected)
            assert not wrong, wrong
        assert not (arranged.step.is_honest and histories.problems), histories.problems
    finally:
        await world.close()


def _one(write: Write, way: Way) -> Callable[[str], Way | None]:
    """The write of this name that is so many of the same name behind the first."""
    left = write[1]

    def choose(name: str) -> Way | None:
        nonlocal left
        if name != write[0]:
            return None
        left -= 1
        return way if left == -1 else None

    return choose


def _killed(arranged: Arranged, write: Write, way: Way) -> tuple[Path, bool]:
    """A directory in which all nodes ended at the write; and whether they did."""
    world = arranged.world()
    directory = world.directory
    asyncio.run(world.close())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child only does the step
        child = os.fork()
    if child == 0:
        os._exit(_in_the_child(arranged, directory, write, way))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return directory, True
    assert os.WEXITSTATUS(status) == 0, "the child failed by itself; its output says why"
    return directory, False


def _in_the_child(arranged: Arranged, directory: Path, write: Write, way: Way) -> int:
    async def act() -> None:
        world = arranged.world(directory)
        await world.up()
        with Faults(world, _one(write, way)).happening():
            await arranged.step.act(world)

    try:
        asyncio.run(act())
    except BaseException:  # noqa: BLE001 # whatever it is, the parent's test fails with it
        import traceback

        traceback.print_exc()
        return 1
    return 0


# What the tables of the rooms call


def every_write_fails_both_ways(step: Step, founded: Mapping[int, Path], directory: Path) -> None:
    """Each of the writes once either way, in one world; and its writes are those that the row names."""
    arranged = Arranged(step, founded, directory)
    seen, expected = asyncio.run(_without_faults(arranged))
    _require_named(step, seen)
    failed = asyncio.run(_walked(arranged, expected))
    # Where nodes work at the same time, one may be done before its turn to fail came; of witnesses, one is enough.
    alike = {(name.partition(" ")[2], way) for name, way in failed}
    for name in sorted(step.writes):
        for way in TOLD:
            if (name.partition(" ")[2], way) not in alike:
                asyncio.run(_failed_once(arranged, None, (name, 0), way, expected))


def _require_named(step: Step, seen: Sequence[str]) -> None:
    unnamed, gone = sorted(set(seen) - step.writes), sorted(step.writes - set(seen))
    is_complete = not unnamed and not gone
    assert is_complete, f"{step.name}: writes that its row does not name: {unnamed}; never seen: {gone}"


def every_single_write_fails_every_way(step: Step, founded: Mapping[int, Path], directory: Path) -> int:
    """As before, but each write, also the second of a name, in a world of its own; returns how many there were."""
    arranged = Arranged(step, founded, directory)
    seen, expected = asyncio.run(_without_faults(arranged))
    _require_named(step, seen)
    writes = [(name, seen[:n].count(name)) for n, name in enumerate(seen)]
    for write in writes:
        for way in TOLD:
            asyncio.run(_failed_once(arranged, None, write, way, expected))
        for way in KILLED:
            _died_at(arranged, write, way, expected)
    return len(writes) * len(Way)


def _died_at(arranged: Arranged, write: Write, way: Way, expected: dict[str, list[tuple[Any, ...]]]) -> None:
    directory, is_dead = _killed(arranged, write, way)
    assert is_dead
    asyncio.run(_failed_once(arranged, directory, write, way, expected))


def the_process_dies(step: Step, founded: Mapping[int, Path], directory: Path, write: str) -> None:
    """Before and after the commit of this write."""
    arranged = Arranged(step, founded, directory)
    _, expected = asyncio.run(_without_faults(arranged))
    for way in KILLED:
        _died_at(arranged, (write, 0), way, expected)


def rows(steps: Sequence[Step]) -> list[Any]:
    """For `pytest.mark.parametrize`: all of them, those that take long with `make hostile`."""
    return [pytest.param(one, id=one.name, marks=() if one.is_quick else pytest.mark.hostile) for one in steps]


def writes_in(*modules: Path) -> set[str]:
    """The transactions that these modules begin, as a row names them without the Party."""
    found: set[str] = set()
    for module in modules:
        tree = ast.parse(module.read_text("utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
        homes = {alias.name: str(node.module).rpartition(".")[2] for node in imports for alias in node.names}
        found |= set(_writes_of(tree, module.stem, homes))
    return found


def _writes_of(node: ast.AST, place: str, homes: Mapping[str, str]) -> Iterator[str]:
    local = {child.name for child in ast.iter_child_nodes(node) if isinstance(child, ast.FunctionDef)}
    for child in ast.walk(node) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ():
        work = _work_of(child)
        match work:
            case ast.Name() if work.id in local:
                yield f"{place}.{work.id}"
            case ast.Name():
                yield f"{homes.get(work.id, place.partition('.')[0])}.{work.id}"
            case ast.Attribute(value=ast.Name(id="self")):
                yield f"{place.rpartition('.')[0]}.{work.attr}"
            case ast.Attribute():
                yield ast.unparse(work)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _writes_of(child, f"{place}.{child.name}", homes)


def _work_of(node: ast.AST) -> ast.expr | None:
    """The transaction that this begins: `database.write(work, …)`, or `office.write(now, work, …)`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    owner = ast.unparse(node.func.value)
    if node.func.attr not in {"write", "write_now"} or not owner.endswith(("database", "office")):
        return None
    return node.args[1 if owner.endswith("office") else 0]


__all__ = [
    "Step",
    "every_single_write_fails_every_way",
    "every_write_fails_both_ways",
    "rows",
    "the_process_dies",
    "writes_in",
]
