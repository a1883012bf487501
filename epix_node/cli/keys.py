"""``epix-node keys``: the node's own keys."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import typer

from epix_node.cli.invocation import Invocation, JsonOption
from epix_node.cli.terminal import Terminal

app = typer.Typer(help="Show this node's own keys.", no_args_is_help=True)


class _Row(NamedTuple):
    name: str
    algorithm: str
    purpose: str
    fingerprint: str
    not_before: datetime | None
    not_after: datetime | None
    file: Path


@app.callback()
def _group() -> None:
    """Keep ``list`` a command of the group; later releases have others beside it."""


@app.command(name="list")
def list_keys(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the keys with their fingerprints (SHA-256) and periods. Private halves are never shown."""
    from epix_node.clock import format_time
    from epix_node.node import OwnKeys
    from epix_node.trust.certificate import fingerprint

    invocation = Invocation.of(context)
    config = invocation.config()
    files = config.key_files
    own = OwnKeys.load(files, party=config.party.code)
    begins, ends = own.certificate.not_valid_before_utc, own.certificate.not_valid_after_utc
    ed25519 = (
        ("log", "signs the register's checkpoints", own.log, files.log_key),
        ("witness", "says when a checkpoint was seen", own.witness, files.witness_key),
        ("transport", "signs requests to other nodes", own.transport, files.transport_key),
    )
    rows = [
        _Row(
            name="signing",
            algorithm="ECDSA P-256",
            purpose="signs documents",
            fingerprint=fingerprint(own.certificate),
            not_before=begins,
            not_after=ends,
            file=files.signing_key,
        ),
        *(
            _Row(
                name=name,
                algorithm="Ed25519",
                purpose=purpose,
                fingerprint=sha256(key.public_key().public_bytes_raw()).hexdigest(),
                not_before=None,
                not_after=ends if name == "transport" else None,
                file=path,
            )
            for name, purpose, key, path in ed25519
        ),
    ]

    def tell(terminal: Terminal) -> None:
        shown = [(row.name, row.algorithm, row.purpose, row.fingerprint, row.not_before, row.not_after) for row in rows]
        headings = ("key", "algorithm", "purpose", "fingerprint", "from", "until")
        terminal.table(headings, shown, empty="there are no keys")

    invocation.answer(
        {
            "keys": [
                {
                    "name": row.name,
                    "algorithm": row.algorithm,
                    "purpose": row.purpose,
                    "fingerprint": row.fingerprint,
                    "not_before": format_time(row.not_before) if row.not_before is not None else None,
                    "not_after": format_time(row.not_after) if row.not_after is not None else None,
                    "file": str(row.file),
                }
                for row in rows
            ]
        },
        tell,
    )
