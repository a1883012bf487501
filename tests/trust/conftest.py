"""Manifests of fictional countries with keys of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from epix_node.register.note import KeyKind, VerifierKey
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.keys import generate_ed25519_key, generate_permit_key
from epix_node.trust.manifest import (
    CoverageEntry,
    LogEntry,
    Manifest,
    PermitKeyEntry,
    TransportKeyEntry,
    WitnessEntry,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture(scope="session")
def make_manifest() -> Callable[..., Manifest]:
    """Makes a consistent manifest with new keys; members given by name replace its own."""

    def make(party: str = "XA", **members: Any) -> Manifest:
        origin, witness = f"{party.lower()}.example/sandbox/register/1", f"{party.lower()}.example/witness/1"
        log_key = VerifierKey.of(origin, KeyKind.NOTE, generate_ed25519_key().public_key())
        cosigner = VerifierKey.of(witness, KeyKind.COSIGNATURE, generate_ed25519_key().public_key())
        certificate = issue_certificate(generate_permit_key(), party, not_before=BEGIN, valid_for=YEAR)
        own: dict[str, Any] = {
            "env": "sandbox",
            "party": party,
            "issues_for": (party,),
            "base": (f"http://{party.lower()}.example/",),
            "coverage": (CoverageEntry(types=("E", "R", "I", "O"), issued_from="2026-01-01", published_within_h=24),),
            "log": LogEntry(origin=origin, vkeys=(log_key.vkey,)),
            "witness": WitnessEntry(name=witness, vkeys=(cosigner.vkey,)),
            "permit_keys": (
                PermitKeyEntry.of(
                    certificate, uses=("permit", "withdrawal"), not_before=BEGIN, not_after=BEGIN + YEAR / 2
                ),
            ),
            "transport_keys": (TransportKeyEntry.of(generate_ed25519_key().public_key(), not_after=BEGIN + YEAR / 4),),
        }
        return Manifest(**{**own, **members})

    return make


@pytest.fixture(scope="session")
def xa(make_manifest: Callable[..., Manifest]) -> Manifest:
    return make_manifest("XA", issues_for=("XA", "XD"))


@pytest.fixture(scope="session")
def xb(make_manifest: Callable[..., Manifest]) -> Manifest:
    return make_manifest("XB")
