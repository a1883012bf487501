"""``epix-node federation``: what a node asks of the Secretariat, and what the Secretariat does (``secretariat``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli import ceremony, root_ceremony, secretariat
from epix_node.cli.invocation import Invocation, write_output
from epix_node.cli.terminal import secret_asker
from epix_node.errors import ConfigError

if TYPE_CHECKING:
    from epix_node.config import Config
    from epix_node.identity.role import OwnRole

app = typer.Typer(
    help="Take part in the federation; and, as its Secretariat, keep the trust list.", no_args_is_help=True
)


RoleNumberOption = Annotated[
    int | None,
    typer.Option("--keys", metavar="N", min=1, max=10, help="With --new-role: how many keys.", show_default=False),
]
RoleThresholdOption = Annotated[
    int | None,
    typer.Option(
        "--threshold", metavar="N", min=1, max=10, help="With --new-role: how many must sign.", show_default=False
    ),
]


@app.command()
def request(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; standard output if absent.")
    ] = None,
    new_role: Annotated[
        Path | None,
        typer.Option("--new-role", metavar="DIR", help="Make a role with new keys in DIR, and ask with that."),
    ] = None,
    keys: RoleNumberOption = None,
    threshold: RoleThresholdOption = None,
) -> None:
    """Write this node's request to be admitted to the trust list, and its fingerprints to standard error.

    The file holds no secret. Send it to the Secretariat by any way; the fingerprints go into the diplomatic note. With
    --new-role it asks for other role keys, where the ones before are lost, stolen or too few.
    """
    from epix_node.identity.role import OwnRole, configured, next_version, own_manifest, own_version
    from epix_node.trust.manifest import parse_manifest
    from epix_node.trust.request import Request

    invocation = Invocation.of(context)
    config = invocation.config()
    with invocation.database() as (database, clock):
        version = database.read_now(own_version)
        if version is None:
            raise ConfigError(
                "the database has no manifest of this node; `epix-node serve` makes one, or `epix-node init`"
            )
        if new_role is None:
            role = OwnRole.load(config).role
        else:
            own = _made_role(config, new_role, keys, threshold)
            role = own.role
            version = database.read_now(lambda session: next_version(session, own, own_manifest(session), now=clock()))
    manifest = parse_manifest(version.manifest_file)
    if configured(manifest, config) != manifest:
        typer.echo(
            f"codes, address, coverage or what keys sign are not those of manifest {manifest.seq}, which is asked for "
            "here: to ask for the present ones, start the node first, which signs the next manifest",
            err=True,
        )
    made = Request.of(role, version)
    # What nobody would admit is not sent: the role file may be a newer one than the version.
    Request.parse(made.to_json())
    if out is None:
        typer.echo(made.to_json(), nl=False)
    else:
        write_output(out, made.to_json())
    fingerprints = made.fingerprints()
    width = max(len(name) for name in fingerprints)
    typer.echo(f"fingerprints of {config.party.code}, for the diplomatic note:", err=True)
    for name, fingerprint in fingerprints.items():
        typer.echo(f"  {name:<{width}}  {fingerprint}", err=True)
    if new_role is not None:
        files = config.key_files
        typer.echo(
            f"when the Secretariat has admitted this: put {new_role}/role.json in the place of {files.role}, and what "
            f"is in {new_role}/role into {files.role_keys}",
            err=True,
        )


def _made_role(config: Config, directory: Path, number: int | None, threshold: int | None) -> OwnRole:
    """A role with new keys is in this directory; as many as ``init`` makes unless it is said."""
    from epix_node.config import KeyFiles
    from epix_node.identity.opener import Opener
    from epix_node.identity.role import OwnRole
    from epix_node.trust.party_role import SMALL, USUAL

    usual = SMALL if config.party.environment == "sandbox" else USUAL
    numbers = (number or usual[0], threshold or usual[1])
    if numbers[1] > numbers[0]:
        raise typer.BadParameter(f"{numbers[1]} of {numbers[0]} keys can never sign")
    files = KeyFiles.of(directory)
    if files.role.exists():
        raise ConfigError(f"{files.role} exists; it is not overwritten")
    opener = Opener.of(config, ask=secret_asker())
    return OwnRole.generate(files, opener, config.party.code, number=numbers[0], threshold=numbers[1])


secretariat.register(app)
ceremony.register(app)
app.add_typer(root_ceremony.app, name="root")
