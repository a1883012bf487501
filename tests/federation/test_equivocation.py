"""A log that signs two histories is convicted by whoever compares them, and nobody else ever is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from typer.testing import CliRunner

from epix_node.cli.main import app
from epix_node.register.note import parse_note
from epix_node.store import conflicts
from epix_node.web.signed_answers import signed
from tests.federation.agreement import blamed, disagreements, knows_two_histories
from tests.wire import Fault, Link
from tests.world import Meddle, World

SOME_TROUBLE = dict.fromkeys(
    (Fault.LOSE_ANSWER, Fault.CORRUPT, Fault.OLDER, Fault.OTHERS, Fault.TRUNCATE, Fault.REPEAT), 0.05
)


async def split(world: World, chance: random.Random) -> tuple[str, list[str], list[str]]:
    """One country shows half of the others another history than the rest; nobody has compared yet."""
    liar = chance.choice(world.parties)
    honest = [party for party in world.parties if party != liar]
    chance.shuffle(honest)
    cut = chance.randint(1, len(honest) - 1)
    ours, theirs = honest[:cut], honest[cut:]
    common = chance.choice((0, 1, 5))
    if common:
        world[liar].grow(common)
        if chance.random() < 0.5:
            for party in honest:
                await world.pull(party, liar)
    twin = await world.twin(liar)
    for party in theirs:
        world.wire.links[party, liar] = Link(leads_to=twin.name)
        world.wire.links[liar, party] = Link(is_cut=True)
    for party in ours:
        for other in theirs:
            world.wire.links[party, other] = world.wire.links[other, party] = Link(is_cut=True)
    world.wait(minutes=1)
    for country, parties in ((world[liar], ours), (twin, theirs)):
        country.publish(f"26{liar}1", to=parties[0])
        country.grow(chance.choice((1, 3, 300)))
        for party in parties:
            await world.pull(party, liar)
    return liar, ours, theirs


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.hostile) for seed in range(1, 31))])
async def test_two_histories_are_known_to_every_pair_that_compares_within_one_poll(
    tmp_path: Path, founded_of: Callable[[int], Path], seed: int
) -> None:
    """Then to everybody; the evidence convicts by itself, and no link and no liar convicts anybody else."""
    chance = random.Random(f"split {seed}")
    world = World(tmp_path, founded_of(4), seed=seed)
    await world.up()
    try:
        liar, ours, theirs = await split(world, chance)
        honest = [*ours, *theirs]
        assert not any(knows_two_histories(world[party], liar) for party in honest)
        one, other = chance.choice(ours), chance.choice(theirs)
        del world.wire.links[one, other], world.wire.links[other, one]
        await world.pull(one, other)
        await world.pull(other, one)
        assert knows_two_histories(world[one], liar)
        assert knows_two_histories(world[other], liar)
        _require_judged(world, tmp_path, one, liar)
        for party in honest:
            for another in honest:
                if party != another:
                    world.wire.links[party, another] = Link(SOME_TROUBLE)
        world.publish(one, f"26{one}1", to=other)
        await world.step(ignore_backoff=True)
        for party in honest:
            for another in honest:
                world.wire.links.pop((party, another), None)
        for _ in range(2):
            await world.step(ignore_backoff=True)
        assert [party for party in honest if not knows_two_histories(world[party], liar)] == []
        assert disagreements(world, honest, liar=liar) == []
    finally:
        await world.close()


def _require_judged(world: World, directory: Path, at: str, about: str) -> None:
    """`register judge` says so of the file alone, without a node."""
    evidence = world[at].node.database.read_now(conflicts.everything, about)[0].evidence
    path = directory / "evidence.json"
    path.write_bytes(evidence)
    key = world[about].node.manifest.log_keys[0].vkey
    result = CliRunner().invoke(app, ["register", "judge", str(path), "--log-key", key])
    assert (result.exit_code, result.stdout.partition("\n")[0]) == (0, "TWO HISTORIES")


def lying(chance: random.Random, likelihood: float) -> Meddle:
    """A node that lies in its answers now and then, and signs its lies; it never signs another checkpoint."""
    notes: list[bytes] = []

    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes) or response.status != 200:
            return response
        body, path = response.body, request.path
        if path.endswith("log/checkpoint"):
            notes.append(body)
        if chance.random() > likelihood:
            return response
        if path.endswith("log/checkpoint"):
            lie = chance.choice((chance.choice(notes), _without_lines(body)))
        elif path.endswith("/gossip"):
            lie = json.dumps([note.decode() for note in chance.choices(notes or [b""], k=3)]).encode()
        elif path.endswith("/feed"):
            lie = _false_page(json.loads(body), chance)
        else:
            changed = bytearray(body)
            if changed:
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            lie = bytes(changed)
        told = web.Response(body=lie, content_type=response.content_type)
        return signed(request, told) if "Signature" in response.headers else told

    return meddle


def _without_lines(note: bytes) -> bytes:
    return parse_note(note).body.encode() + b"\n"


def _false_page(page: dict, chance: random.Random) -> bytes:
    entries = page["entries"]
    match chance.randrange(4):
        case 0:
            entries.clear()
        case 1:
            page["to"] = page["from"] + chance.randrange(3)
        case 2 if entries:
            entry = chance.choice(entries)
            entry["document"] = entry["document"][::-1]
        case _:
            page["size"] += 5
    return json.dumps(page).encode()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.hostile) for seed in range(1, 21))])
async def test_a_node_that_lies_in_every_answer_harms_nobody_but_itself(
    tmp_path: Path, founded: Path, seed: int
) -> None:
    """It signed one history only, so that it is not frozen either; among the others all is as if it were silent."""
    chance = random.Random(f"lies {seed}")
    world = World(tmp_path, founded, seed=seed)
    await world.up()
    try:
        for step in range(5):
            world.publish("XA", f"26XA{step}", to=chance.choice(("XB", "XC")))
            world.publish("XB", f"26XB{step}", to="XC")
            world["XA"].meddle = lying(chance, 0.6)
            await world.step(ignore_backoff=True)
        for party in ("XB", "XC"):
            assert not any("frozen" in one or "evidence" in one for one in blamed(world, (party,)))
            assert world[party].mirror(party).halted is None
        world["XA"].meddle = None
        for _ in range(3):
            await world.step(ignore_backoff=True)
        assert [one for one in disagreements(world) if "of XA" not in one] == []
        assert not any("mirror" in one or "frozen" in one for one in disagreements(world))
    finally:
        await world.close()
