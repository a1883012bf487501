"""``epix-node keys``: the node's own keys, where they are and which of them signs (``key_changes`` changes that)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import typer

from epix_node.cli import key_changes, new_keys
from epix_node.cli.invocation import Invocation, JsonOption
from epix_node.cli.terminal import Terminal, secret_asker

if TYPE_CHECKING:
    from epix_node.node import Node

app = typer.Typer(help="Show and change this node's own keys.", no_args_is_help=True)

_ELSEWHERE = "not here"
_NOT_ANNOUNCED = "not announced"
_SHOWN_CHARACTERS = 16
"""Of a fingerprint in a table, more than `keys revoke` needs; JSON has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    name: str
    algorithm: str
    purpose: str
    fingerprint: str
    status: str
    private: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    invalid_since: datetime | None = None
    reason: str | None = None
    current: bool = False


@app.command(name="list")
def list_keys(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the keys with fingerprints (SHA-256), periods, status and where the private half is, which is never shown.

    What a signing key signed stays good when it retires, and where it was provably in the
    register before it was revoked.
    """
    invocation = Invocation.of(context)
    with invocation.node() as node:
        rows = [*_signing(node), *_transport(node), *_register(node), *_role(node)]
        directory = f"{node.config.keys_directory}/"

    def tell(terminal: Terminal) -> None:
        shown = [
            (
                row.name,
                row.fingerprint[:_SHOWN_CHARACTERS],
                _status(row),
                row.not_before.date() if row.not_before is not None else None,
                row.not_after.date() if row.not_after is not None else None,
                row.private.removeprefix(directory),
            )
            for row in rows
        ]
        headings = ("key", "fingerprint", "status", "from", "until", "private half")
        terminal.table(headings, shown, empty="there are no keys")
        terminal.remark(f"files are in {directory}")

    invocation.answer({"keys": [_json_of(row) for row in rows]}, tell)


@app.command()
def encrypt(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Encrypt the key files that are not, with the passphrase of the configuration, the environment or the terminal.

    Keys of the first release were not. Older backups, and what the disk keeps of deleted files, still are not.
    """
    from epix_node.errors import KeyMaterialError
    from epix_node.identity.key_box import KeyBox
    from epix_node.trust.passphrase import PASSPHRASE_VARIABLE

    invocation = Invocation.of(context)
    config = invocation.config()
    box = KeyBox.of(config, ask=secret_asker())
    files = box.private_files()
    if not files:
        raise KeyMaterialError(f"there are no key files in {config.keys_directory}")
    encrypted = [path for path in files if box.opener.encrypt(path)]

    def tell(terminal: Terminal) -> None:
        for path in encrypted:
            terminal.line(f"encrypted {path}")
        terminal.line(f"{len(files)} key files are encrypted, {len(encrypted)} of them now")
        if encrypted and config.passphrase_file is None:
            terminal.remark(
                f"the node needs the passphrase when it starts: in {PASSPHRASE_VARIABLE}, or in the file that [keys] "
                "passphrase_file names"
            )

    invocation.answer({"encrypted": [str(path) for path in encrypted], "files": len(files)}, tell)


new_keys.register(app)
key_changes.register(app)


def _signing(node: Node) -> Iterator[_Row]:
    """Those of the manifest, and those that were generated and are not in it yet."""
    from epix_node.errors import KeyMaterialError

    try:
        current = node.keys.signing.kid
    except KeyMaterialError:
        current = None
    box = node.keys.box
    held = {one.kid: one for one in box.certificates()}
    places = {kid: box.place_of(one) or _ELSEWHERE for kid, one in held.items()}
    for entry in node.manifest.permit_keys:
        held.pop(entry.kid, None)
        yield _Row(
            name="signing",
            algorithm="ECDSA P-256",
            purpose="signs documents",
            fingerprint=entry.kid,
            status=entry.status,
            private=places.get(entry.kid, _ELSEWHERE),
            not_before=entry.not_before,
            not_after=entry.not_after,
            invalid_since=entry.invalid_since,
            reason=entry.reason,
            current=entry.kid == current,
        )
    for kid, one in held.items():
        yield _Row(
            name="signing",
            algorithm="ECDSA P-256",
            purpose="signs documents",
            fingerprint=kid,
            status=_NOT_ANNOUNCED,
            private=places[kid],
            not_before=one.certificate.not_valid_before_utc,
            not_after=one.certificate.not_valid_after_utc,
        )


def _transport(node: Node) -> Iterator[_Row]:
    now = node.clock()
    held = {pair.kid: pair for pair in node.keys.box.transports()}
    for entry in node.manifest.transport_keys:
        pair = held.pop(entry.kid, None)
        yield _Row(
            name="transport",
            algorithm="Ed25519",
            purpose="signs requests and answers to other nodes",
            fingerprint=entry.kid,
            status="active" if now <= entry.not_after else "expired",
            private=str(pair.path) if pair is not None else _ELSEWHERE,
            not_before=pair.first_use if pair is not None else None,
            not_after=entry.not_after,
            current=entry.kid == node.transport_kid,
        )
    for kid, pair in held.items():
        yield _Row(
            name="transport",
            algorithm="Ed25519",
            purpose="signs requests and answers to other nodes",
            fingerprint=kid,
            status=_NOT_ANNOUNCED,
            private=str(pair.path),
            not_before=pair.first_use,
        )


def _register(node: Node) -> Iterator[_Row]:
    files = node.config.key_files
    for name, purpose, key, path in (
        ("log", "signs the register's checkpoints", node.keys.log_key, node.keys.box.log_file(node.keys.log_key)),
        ("witness", "says when a checkpoint was seen", node.keys.witness_key, files.witness_key),
    ):
        yield _Row(
            name=name,
            algorithm="Ed25519",
            purpose=purpose,
            fingerprint=sha256(key.public_key().public_bytes_raw()).hexdigest(),
            status="active",
            private=str(path),
            current=True,
        )


def _role(node: Node) -> Iterator[_Row]:
    from epix_node.identity.role import expiry_of, own_version

    own = node.role
    if own is None:
        return
    version = node.database.read_now(own_version)
    for key in own.role.keys:
        files = own.keys.files(key)
        yield _Row(
            name="role",
            algorithm="Ed25519",
            purpose="signs this node's manifest",
            fingerprint=sha256(bytes.fromhex(key.keyval["public"])).hexdigest(),
            status="active",
            private=str(files[0]) if files else _ELSEWHERE,
            not_after=expiry_of(version, node.party) if version is not None else None,
        )


def _status(row: _Row) -> str:
    """In words: what becomes of what the key signs, and whether it signs now."""
    if row.invalid_since is not None:
        return f"revoked since {row.invalid_since:%Y-%m-%dT%H:%M:%SZ}"
    return f"{row.status}, in use" if row.current else row.status


def _json_of(row: _Row) -> dict[str, Any]:
    from epix_node.clock import format_time

    def time(moment: datetime | None) -> str | None:
        return format_time(moment) if moment is not None else None

    return {
        "name": row.name,
        "algorithm": row.algorithm,
        "purpose": row.purpose,
        "fingerprint": row.fingerprint,
        "status": row.status,
        "current": row.current,
        "not_before": time(row.not_before),
        "not_after": time(row.not_after),
        "invalid_since": time(row.invalid_since),
        "reason": row.reason,
        "private": row.private if row.private != _ELSEWHERE else None,
    }
