"""A witness that is killed at any moment cosigns one history: what it did not keep, it never gave."""

from __future__ import annotations

import signal
import subprocess
import sys
from hashlib import sha256

import pytest

from epix_node.federation import cosigning
from epix_node.register.witness import AddCheckpoint, encode_add_checkpoint
from epix_node.store import witness
from tests.federation.test_cosigning import request_of
from tests.world import START

KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime
from epix_node.config import load_config
from epix_node.federation import cosigning
from epix_node.node import open_node
from epix_node.store import witness

config, body, when = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3]
def die():
    os.kill(os.getpid(), signal.SIGKILL)
with open_node(load_config(config, {})) as node:
    real = witness.keep
    def keep(session, newest):
        if when == "before it is kept":
            die()
        real(session, newest)
        if when == "before it is committed":
            die()
    witness.keep = keep
    cosigning.cosign(node.office, body, now=datetime.fromisoformat(sys.argv[4]))
    die()  # committed; the answer is never given
"""


@pytest.mark.parametrize(
    ("when", "is_kept"),
    [("before it is kept", False), ("before it is committed", False), ("before it is answered", True)],
)
def test_a_killed_witness_keeps_to_one_history(world, tmp_path, when, is_kept):
    """Afterwards another history is refused exactly where the first was kept; the first is always cosigned."""
    log, witnessing = world["XA"], world["XB"]
    log.grow(3)
    body = tmp_path / "request"
    body.write_bytes(request_of(log))
    witnessing.close()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, witnessing.config.path, body, when, START.isoformat()], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    witnessing.open()

    office, origin = witnessing.node.office, log.node.office.own.origin
    held = office.database.read_now(witness.cosigned, origin)
    assert (held is not None) is is_kept
    other = log.says(3, sha256(b"another history").digest())
    old = 3 if is_kept else 0
    if is_kept:
        refused = cosigning.cosign(
            office, encode_add_checkpoint(AddCheckpoint(old_size=3, proof=(), checkpoint=other)), now=world.now
        )
        assert refused.refusal is not None
        assert refused.refusal.is_two_histories
    given = cosigning.cosign(office, request_of(log, old=old), now=world.now)
    assert given.refusal is None
    assert given.lines
    after = cosigning.cosign(
        office, encode_add_checkpoint(AddCheckpoint(old_size=3, proof=(), checkpoint=other)), now=world.now
    )
    assert after.refusal is not None
