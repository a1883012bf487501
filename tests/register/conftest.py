"""Keys and public test vectors for the register's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.register.cosignature import Cosigner
from epix_node.register.note import NoteSigner

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
ORIGIN = "epix.example.xa/sandbox/register/1"


@pytest.fixture
def vectors() -> Callable[[str], Any]:
    """Load one file of public test vectors, or skip where this checkout has none beside it."""

    def load(name: str) -> Any:
        path = VECTORS / name
        if not path.exists():
            pytest.skip(f"test vectors {name} are not beside this checkout")
        return json.loads(path.read_text(encoding="utf-8"))

    return load


@pytest.fixture
def log() -> NoteSigner:
    """The log's signer, from a fixed seed so that its signatures are known answers."""
    return NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture
def cosigner() -> Cosigner:
    """The log's cosigner, from another fixed seed."""
    return Cosigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))
