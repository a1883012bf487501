"""A node as the witness of other logs: every answer of tlog-witness, and never two histories."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import httpx
import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.federation import cosigning
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body
from epix_node.register.cosignature import valid_cosignatures
from epix_node.register.merkle import EMPTY_ROOT
from epix_node.register.note import Note, NoteSigner, format_note, parse_note
from epix_node.register.witness import (
    MAX_REQUEST_BYTES,
    AddCheckpoint,
    encode_add_checkpoint,
    monitoring_path,
    parse_signature_lines,
)
from epix_node.store import peers, register, witness

OTHER = sha256(b"another history").digest()


def newest(country):
    return country.mirror(country.node.party).checkpoint


def request_of(country, *, old=0, note=None, proof=None):
    """What this country would ask of a witness that cosigned ``old`` entries last."""
    held = country.mirror(country.node.party)

    def made(session):
        hashes = register.StoredHashes(session, country.node.party, held.edge.size)
        return AddCheckpoint.of(hashes, old_size=old, new_size=held.checkpoint_size, checkpoint=held.checkpoint)

    made_one = country.node.database.read_now(made)
    return encode_add_checkpoint(
        AddCheckpoint(
            old_size=old,
            proof=made_one.proof if proof is None else proof,
            checkpoint=note if note is not None else made_one.checkpoint,
        )
    )


async def ask(country, body, path="add-checkpoint"):
    async with httpx.AsyncClient(base_url=country.config.server.base_url, trust_env=False) as client:
        if body is None:
            return await client.get(f"/epix/v1/witness/{path}")
        return await client.post(f"/epix/v1/witness/{path}", content=body)


def cosigned_by(country, note, answer):
    """The verified cosignatures of this country in the answer."""
    lines = parse_signature_lines(answer.content)
    body = parse_note(note).body
    key = country.node.manifest.cosigner_keys[0]
    return valid_cosignatures(Note(body=body, signatures=lines), (key,))


async def test_a_log_is_witnessed_from_its_first_entry_on(world):
    """Old 0; then from what was cosigned last; asking again from elsewhere tells the size; the newest is shown."""
    log, witnessing = world["XA"], world["XB"]
    log.grow(1)
    first = await ask(witnessing, request_of(log))
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert [one.at for one in cosigned_by(witnessing, newest(log), first)] == [world.now]

    log.grow(299)
    behind = await ask(witnessing, request_of(log))
    assert (behind.status_code, behind.text) == (409, "1\n")
    assert behind.headers["content-type"] == "text/x.tlog.size"
    world.wait(minutes=1)
    second = await ask(witnessing, request_of(log, old=1))
    assert second.status_code == 200
    again = await ask(witnessing, request_of(log, old=300))
    assert cosigned_by(witnessing, newest(log), again)[0].at == world.now

    shown = await ask(witnessing, None, monitoring_path(log.node.office.own.origin))
    assert shown.status_code == 200
    note = parse_note(shown.content)
    assert parse_checkpoint_body(note.body).size == 300
    assert [line.name for line in note.signatures] == [
        log.node.office.own.origin,
        witnessing.node.office.own.cosigner.name,
    ]
    assert valid_cosignatures(note, witnessing.node.manifest.cosigner_keys)
    assert (await ask(world["XC"], None, monitoring_path(log.node.office.own.origin))).status_code == 404


def unsigned(note):
    """The note with a signature that does not verify."""
    parsed = parse_note(note)
    line = parsed.signatures[0]
    broken = type(line)(name=line.name, key_id=line.key_id, signature=bytes(64))
    return format_note(Note(body=parsed.body, signatures=(broken,)))


def resigned(world, note):
    """The note signed by a key that nobody knows, under the log's name."""
    parsed, own = parse_note(note), world["XC"].node.office.own
    stranger = NoteSigner(world["XA"].node.office.own.origin, own.log.private_key)
    return format_note(Note(body=parsed.body, signatures=(stranger.sign(parsed.body),)))


def signed_body(world, body):
    """A note of this body, whatever it is, signed by the log of XA."""
    return format_note(Note(body=body, signatures=(world["XA"].node.office.own.log.sign(body),)))


REFUSALS = {
    "no first line": (400, lambda _: b"\n" + b"x"),
    "not a request": (400, lambda _: b"hello"),
    "old with a sign": (400, lambda w: request_of(w["XA"]).replace(b"old 0", b"old +0")),
    "old with a zero before": (400, lambda w: request_of(w["XA"]).replace(b"old 0", b"old 00")),
    "64 proof lines": (
        400,
        lambda w: request_of(w["XA"]).replace(b"old 0\n", b"old 0\n" + (b64encode(bytes(32)) + b"\n") * 64),
    ),
    "a proof line of 31 bytes": (
        400,
        lambda w: request_of(w["XA"]).replace(b"old 0\n", b"old 0\n" + b64encode(bytes(31)) + b"\n"),
    ),
    "a checkpoint that is no note": (400, lambda w: request_of(w["XA"], note=b"nothing signed\n")),
    "old larger than the checkpoint": (
        400,
        lambda w: encode_add_checkpoint(AddCheckpoint(old_size=9, proof=(), checkpoint=newest(w["XA"]))),
    ),
    "a signed body that is no checkpoint": (
        400,
        lambda w: request_of(w["XA"], note=signed_body(w, f"{w['XA'].node.office.own.origin}\nmany\nroot\n")),
    ),
    "a log that nobody knows": (
        404,
        lambda w: request_of(w["XA"], note=newest(w["XA"]).replace(b"/register/", b"/registry/")),
    ),
    "the witness's own log": (404, lambda w: request_of(w["XB"])),
    "a wrong signature of the log": (403, lambda w: request_of(w["XA"], note=unsigned(newest(w["XA"])))),
    "no signature of the log": (403, lambda w: request_of(w["XA"], note=resigned(w, newest(w["XA"])))),
    "another size than was cosigned": (409, lambda w: request_of(w["XA"], old=1)),
    "a proof from the empty tree": (422, lambda w: request_of(w["XA"], old=0, proof=(bytes(32),))),
    "an empty tree with a root": (
        422,
        lambda w: request_of(
            w["XA"], note=signed_body(w, f"{w['XA'].node.office.own.origin}\n0\n{b64encode(OTHER).decode()}\n")
        ),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_cannot_be_cosigned_is_refused_and_changes_nothing(world, name):
    """Each refusal has the status that the specification gives it; afterwards nothing is held."""
    status, made = REFUSALS[name]
    world["XA"].grow(2)
    world["XB"].grow(1)
    answer = await ask(world["XB"], made(world))
    assert answer.status_code == status, answer.text
    if status == 409:
        assert answer.text == "0\n"
    assert "\N{EM DASH}" not in answer.text
    origin = world["XA"].node.office.own.origin
    assert world["XB"].node.database.read_now(witness.cosigned, origin) is None


@pytest.mark.parametrize(
    ("old", "size", "root", "proof"),
    [
        (2, 2, OTHER, ()),
        (2, 2, None, (bytes(32),)),
        (2, 3, OTHER, (bytes(32),)),
        (2, 3, OTHER, ()),
    ],
)
async def test_another_history_than_the_one_cosigned_is_refused(world, old, size, root, proof):
    """Same size and other root, or a larger tree without a proof that leads there: 422, and the first history stays."""
    log = world["XA"]
    log.grow(2)
    assert (await ask(world["XB"], request_of(log))).status_code == 200
    own = log.mirror("XA").edge.root()
    body = encode_add_checkpoint(AddCheckpoint(old_size=old, proof=proof, checkpoint=log.says(size, root or own)))
    assert (await ask(world["XB"], body)).status_code == 422
    held = world["XB"].node.database.read_now(witness.cosigned, log.node.office.own.origin)
    assert held.checkpoint == Checkpoint(origin=log.node.office.own.origin, size=2, root=own)


async def test_a_log_of_no_entries_may_be_witnessed(world):
    """Size 0 with the root of the empty tree: old 0, no proof."""
    note = world["XA"].says(0, EMPTY_ROOT)
    body = encode_add_checkpoint(AddCheckpoint(old_size=0, proof=(), checkpoint=note))
    assert (await ask(world["XB"], body)).status_code == 200


async def test_of_many_histories_at_once_one_is_cosigned(world):
    """Twenty requests at the same time, each with another root for the same size, over HTTP: one cosignature."""
    log = world["XA"]
    log.grow(1)
    roots = [sha256(bytes([n])).digest() for n in range(20)]
    bodies = [
        encode_add_checkpoint(AddCheckpoint(old_size=0, proof=(), checkpoint=log.says(1, root))) for root in roots
    ]
    answers = await asyncio.gather(*(ask(world["XB"], body) for body in bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 403}  # 403 once it is known that this log has two histories
    assert {answer.text for answer in answers if answer.status_code == 409} <= {"1\n"}
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    held = world["XB"].node.database.read_now(witness.cosigned, log.node.office.own.origin)
    assert held.checkpoint.root == roots[won]


async def test_nothing_is_given_that_was_not_kept(world, monkeypatch):
    """Where the write fails there is no cosignature, and where only the answer is lost, asking again gives it."""
    log, office = world["XA"], world["XB"].node.office
    log.grow(1)
    body = request_of(log)

    def fail(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(witness, "keep", fail)
        assert (await ask(world["XB"], body)).status_code == 500
    assert office.database.read_now(witness.cosigned, log.node.office.own.origin) is None
    cosigning.cosign(office, body, now=world.now)  # whose answer never arrives
    assert (await ask(world["XB"], body)).text == "1\n"
    assert (await ask(world["XB"], request_of(log, old=1))).status_code == 200


@pytest.mark.parametrize(("offset", "status"), [(60, 200), (61, 503), (-61, 503)])
async def test_who_cannot_tell_the_time_cosigns_nothing(world, offset, status):
    """Beyond 60 s off the median of its peers a node answers 503, and keeps serving (C.5)."""
    world["XA"].grow(1)

    def off(session):
        for party in ("XA", "XC", "XD"):
            peers.meet(session, party, now=world.now)
            peers.note(session, party, clock_ahead=timedelta(seconds=offset))

    world["XB"].node.database.write_now(off)
    answer = await ask(world["XB"], request_of(world["XA"]))
    assert answer.status_code == status, answer.text


async def test_a_register_that_is_disputed_is_cosigned_no_more(world):
    """403 until a person has taken the Party up again."""
    world["XA"].grow(1)

    def freeze(session):
        peers.meet(session, "XA", now=world.now)
        peers.note(session, "XA", frozen="two histories")

    world["XB"].node.database.write_now(freeze)
    assert (await ask(world["XB"], request_of(world["XA"]))).status_code == 403


def test_a_request_that_is_none_is_said_to_be_malformed(world):
    """The core raises; HTTP answers 400."""
    with pytest.raises(MalformedDocumentError):
        cosigning.cosign(world["XB"].node.office, b"", now=world.now)


async def test_a_body_without_end_is_not_read_on(world):
    """413 beyond what a note and 63 hashes need."""
    answer = await ask(world["XB"], b"x" * (MAX_REQUEST_BYTES + 1))
    assert answer.status_code == 413
