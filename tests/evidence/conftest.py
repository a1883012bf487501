"""Three countries under a real trust list, whose registers witness one another, and bundles that they made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from epix_node.acts.evidence import Evidence, gather
from epix_node.acts.publish import withdraw
from epix_node.evidence.bundle import Bundle
from epix_node.evidence.judgement import Judgement, Reader, judge
from epix_node.node import Node, open_node
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.number import NumberRef
from epix_node.register.cosignature import Cosigner
from epix_node.register.note import format_note, parse_note
from epix_node.sandbox_clock import SharedClock
from epix_node.store import peers, register
from tests.acts.conftest import START, World
from tests.trusting import Secretariat

PARTIES = ("XA", "XB", "XC")


@dataclass
class Scene:
    """A federation at one moment, and how to look at its bundles."""

    world: World
    nodes: Mapping[str, Node]
    root: bytes
    directory: Path

    def gather(self, party: str, number: str, issuer: str = "XA") -> Evidence:
        return gather(self.world[party], self.world.policy, NumberRef(issuer=issuer, number=number))

    def judge(self, data: bytes, *, root: bytes | None = None, **options: object) -> Judgement:
        return judge(Bundle.parse(data), Reader(root=root or self.root), **options)

    def cosign(self, party: str, *witnesses: str) -> None:
        """Every holder of this register holds its newest checkpoint with the cosignatures of these Parties."""
        lines: dict[str, Cosigner] = {name: self.world[name].own.cosigner for name in witnesses}
        for office in self.world.offices.values():
            held = office.database.read_now(register.state, party)
            if held is None or held.checkpoint is None:
                continue
            note = parse_note(held.checkpoint)
            added = tuple(one.sign(note.body, at=self.world.now) for one in lines.values())
            data = format_note(replace(note, signatures=(*note.signatures, *added)))
            office.database.write_now(register.put_witnessed, party, data, held.checkpoint_size)


def open_scene(directory: Path, stack: ExitStack) -> Scene:
    clock = SharedClock(directory / "clock")
    clock.set(START)
    secretariat = Secretariat(directory / "secretariat", now=START - timedelta(minutes=1))
    configs = [
        secretariat.found(directory / party, party, f"http://127.0.0.1:{8080 + n}", clock=clock.path)
        for n, party in enumerate(PARTIES)
    ]
    secretariat.tell(configs)
    nodes = {config.party.code: stack.enter_context(open_node(config)) for config in configs}
    for party, node in nodes.items():
        for other in PARTIES:
            if other != party:
                node.database.write_now(peers.meet, other, now=START)
    world = World({party: node.office for party, node in nodes.items()})
    return Scene(world=world, nodes=nodes, root=secretariat.root, directory=directory)


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """XA issued three permits for XB: one in force, one withdrawn, one used; XB holds them, and all is witnessed."""
    with ExitStack() as stack, structlog.testing.capture_logs():
        made = open_scene(tmp_path_factory.mktemp("scene"), stack)
        world = made.world
        for number in ("26XA000001", "26XA000002", "26XA000003"):
            world.publish("XA", number=number)
        withdraw(world["XA"], NumberRef(issuer="XA", number="26XA000002"), WithdrawalReason.STOLEN, None, now=world.now)
        world.meet()
        world.confirm("XB", "26XA000003")
        world.meet()
        for party in PARTIES:
            made.cosign(party, *(one for one in PARTIES if one != party))
        yield made


@pytest.fixture(scope="session")
def good(scene: Scene) -> bytes:
    """The bundle of the permit in force, from its issuer."""
    return scene.gather("XA", "26XA000001").data


@pytest.fixture(scope="session")
def withdrawn(scene: Scene) -> bytes:
    """The bundle of the permit that was stolen."""
    return scene.gather("XA", "26XA000002").data


@pytest.fixture(scope="session")
def used(scene: Scene) -> bytes:
    """The bundle of the permit whose goods arrived, from where they arrived."""
    return scene.gather("XB", "26XA000003").data


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """As an ordinary tool packs them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def changed() -> Callable[[bytes, Mapping[str, bytes | None]], bytes]:
    """A bundle with other members in place of its own; None takes one away."""

    def change(data: bytes, changes: Mapping[str, bytes | None]) -> bytes:
        members: dict[str, bytes | None] = {**members_of(data), **changes}
        return zipped({name: content for name, content in members.items() if content is not None})

    return change
