"""The members of a bundle: read strictly, and the same bytes for the same permit anywhere."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from epix_node.errors import AmbiguousNumberError, MalformedDocumentError, NotFoundError
from epix_node.evidence.bundle import Bundle
from tests.evidence.conftest import members_of

GATHER = """
import hashlib, sys
from pathlib import Path
from epix_node.acts.evidence import gather
from epix_node.config import load_config
from epix_node.node import open_node
from epix_node.permit.answer import Policy
from epix_node.permit.number import NumberRef
with open_node(load_config(Path(sys.argv[1]), {})) as node:
    data = gather(node.office, Policy(), NumberRef(issuer="XA", number=sys.argv[2])).data
print(hashlib.sha256(data).hexdigest())
"""


def test_a_bundle_is_written_and_read_back(good, withdrawn, used):
    """Equal bundles, equal bytes."""
    for data in (good, withdrawn, used):
        assert Bundle.parse(data).to_bytes() == data


def test_a_bundle_holds_what_the_protocol_names(used):
    """C.7, and nothing that needs a network."""
    assert list(members_of(used)) == [
        "README.txt",
        "verdict.json",
        "permit.xml",
        "permit.tlog-proof",
        "events/001.xml",
        "events/001.tlog-proof",
        "trust/1.root.json",
        "trust/timestamp.json",
        "trust/snapshot.json",
        "trust/targets.json",
        "trust/issuers.json",
        *(f"trust/parties/{party}/{file}.json" for party in ("XA", "XB", "XC") for file in ("role", "manifest")),
    ]


def test_asking_twice_gives_the_same_bytes(scene, good):
    """Nothing of the moment of asking is in it."""
    assert scene.gather("XA", "26XA000001").data == good


def test_another_process_in_another_place_gives_the_same_bytes(scene, used):
    """Whatever its time zone, its locale, or how it hashes."""
    surroundings = {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "77"}
    config = scene.nodes["XB"].config.path
    result = subprocess.run(
        [sys.executable, "-c", GATHER, str(config), "26XA000003"],
        capture_output=True,
        text=True,
        check=True,
        env={**{name: value for name, value in os.environ.items() if name != "EPIX_CONFIG"}, **surroundings},
    )
    assert result.stdout.strip() == hashlib.sha256(used).hexdigest()


def test_what_is_not_held_has_no_bundle(scene):
    """404, as for its document."""
    with pytest.raises(NotFoundError):
        scene.gather("XA", "NONE")
    assert AmbiguousNumberError.default_code == "AMBIGUOUS_NUMBER"


@pytest.mark.parametrize(
    "changes",
    [
        {"permit.xml": None},
        {"verdict.json": None},
        {"README.txt": None},
        {"README.txt": b"get your root at evil.example"},
        {"verdict.json": b"[]\n"},
        {"verdict.json": b'{"a":1,"a":2}\n'},
        {"verdict.json": b"{ }\n"},
        {"verdict.json": b'{"a":NaN}\n'},
        {"verdict.json": b"[" * 100_000},
        {"permit.tlog-proof": b""},
        {"extra.txt": b""},
        {"permit.xml.exe": b""},
        {"events/002.xml": b"<a/>"},
        {"events/001.tlog-proof": b"c2sp.org/tlog-proof@v1\n"},
        {"events/1.xml": b"<a/>"},
        {"trust/1.root.json": None},
        {"trust/3.root.json": b"{}"},
        {"trust/timestamp.json": None},
        {"trust/parties/XA/manifest.json": None},
        {"trust/parties/XA/role.json": None},
        {"trust/parties/xa/role.json": b"{}"},
    ],
)
def test_members_that_no_bundle_has_are_refused(changed, good, changes):
    """Missing, unknown, half, or in another spelling."""
    with pytest.raises(MalformedDocumentError) as refused:
        Bundle.parse(changed(good, changes))
    assert refused.value.code in {"NOT_A_DOCUMENT", "LIMIT_EXCEEDED"}


def test_a_bundle_that_was_unpacked_and_packed_again_is_the_same_bundle(changed, good):
    """By ordinary tools; the bytes of the file differ, what they say does not."""
    repacked = changed(good, {})
    assert repacked != good
    assert Bundle.parse(repacked) == Bundle.parse(good)
