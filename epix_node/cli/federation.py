"""``epix-node federation``: what this node tells others of itself."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation
from epix_node.errors import InputError

app = typer.Typer(help="Take part in the federation.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``request`` a command of the group; later releases have others beside it."""


@app.command()
def request(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; standard output if absent.")
    ] = None,
) -> None:
    """Write this node's manifest for other operators to pin, and its fingerprints to standard error.

    The file holds no secret. Send it by any way, and read the fingerprints to each other by another one.
    """
    from epix_node.node import OwnKeys, own_manifest

    invocation = Invocation.of(context)
    config = invocation.config()
    manifest = own_manifest(config, OwnKeys.load(config.key_files, party=config.party.code))
    if out is None:
        typer.echo(manifest.to_json(), nl=False)
    else:
        _write(out, manifest.to_json())
    fingerprints = manifest.key_fingerprints()
    width = max(len(name) for name in fingerprints)
    typer.echo(f"fingerprints of {manifest.party}, to be compared with the other operator:", err=True)
    for name, fingerprint in fingerprints.items():
        typer.echo(f"  {name:<{width}}  {fingerprint}", err=True)


def _write(path: Path, data: bytes) -> None:
    """The file holds the data, whole; an older one of the name is replaced."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).chmod(0o644)  # mkstemp closes it to others, who are to read it
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", code="NOT_WRITABLE") from error
