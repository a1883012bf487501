"""``epix-node keys generate``: new keys beside the old ones, of which nobody knows yet (``key_changes`` tells them)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption
from epix_node.cli.open_keys import OpenKeys, open_keys
from epix_node.cli.terminal import Terminal, secret_asker
from epix_node.errors import InputError


class Use(StrEnum):
    """Keys that change while a node lives. A register keeps its log key (C.1)."""

    SIGNING = "signing"
    TRANSPORT = "transport"


class NewKey(StrEnum):
    """What can be made. The role is made once, by nodes of the first release, which had none."""

    SIGNING = "signing"
    TRANSPORT = "transport"
    ROLE = "role"


NewKeyArgument = Annotated[NewKey, typer.Argument(help="For documents, for requests, or the role of an older node.")]
TokenOption = Annotated[
    bool, typer.Option("--in-token", help="Make it in the PKCS#11 token of [keys], where it stays for ever.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(generate)


def generate(
    context: typer.Context, what: NewKeyArgument, *, in_token: TokenOption = False, _json: JsonOption = False
) -> None:
    """Make a new key beside the old ones. Nobody knows of it until `keys rotate` announces it.

    A node of the first release has no role in the trust list, whose keys sign its manifest: `keys generate role` once.
    """
    from epix_node.trust.manifest import grouped

    invocation = Invocation.of(context)
    if what is NewKey.ROLE:
        _generate_role(invocation)
        return
    use = Use(what)
    with open_keys(invocation) as opened:
        place, fingerprint = generated(opened, use, in_token=in_token)

    def tell(terminal: Terminal) -> None:
        terminal.line(f"made a {use} key: {place}")
        terminal.line(f"  fingerprint {grouped(fingerprint)}")
        terminal.line(f"announce it with `epix-node keys rotate {use}`")

    invocation.answer({"name": use.value, "fingerprint": fingerprint, "private": place}, tell)


def _generate_role(invocation: Invocation) -> None:
    from epix_node.founding import role_size_of
    from epix_node.identity.opener import Opener
    from epix_node.identity.role import OwnRole

    config = invocation.config()
    number, threshold = role_size_of(config.party.environment)
    opener = Opener.of(config, ask=secret_asker())
    own = OwnRole.generate(config.key_files, opener, config.party.code, number=number, threshold=threshold)
    fingerprints = dict(own.role.fingerprints())

    def tell(terminal: Terminal) -> None:
        terminal.line(f"made a role: {threshold} of these {number} keys sign this node's manifest")
        terminal.facts(list(fingerprints.items()))
        terminal.line("start the node, which signs its first manifest; then `epix-node federation request`")

    body = {"name": "role", "threshold": threshold, "fingerprints": fingerprints}
    invocation.answer({**body, "private": str(config.key_files.role_keys)}, tell)


def generated(opened: OpenKeys, use: Use, *, in_token: bool) -> tuple[str, str]:
    """A new key is there; returns where it is, and its fingerprint."""
    from epix_node.founding import life_of
    from epix_node.identity.rotation import SIGNING_AHEAD

    if use is Use.TRANSPORT:
        if in_token:
            raise InputError("a transport key is a file: tokens hold signing keys")
        transport = opened.box.make_transport(first_use=None)
        return str(transport.path), transport.kid
    # The passphrase is tried on what is there before something new is encrypted with it.
    opened.box.log()
    life = life_of(opened.config.party.environment) + SIGNING_AHEAD
    pair = opened.box.make_signing(not_before=opened.now.replace(microsecond=0), valid_for=life, in_token=in_token)
    return pair.place, pair.kid
