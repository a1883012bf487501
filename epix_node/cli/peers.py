"""``epix-node peers``: the other Parties, how sure their keys are, and how pulling from them goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from epix_node.cli.invocation import Invocation, JsonOption, PartyArgument
from epix_node.cli.terminal import Terminal
from epix_node.errors import NotFoundError

if TYPE_CHECKING:
    from epix_node.federation.standing import PeerStanding
    from epix_node.node import Node
    from epix_node.trust.manifest import Manifest

app = typer.Typer(help="List and show the other Parties and their nodes.", no_args_is_help=True)


@app.command(name="list")
def list_peers(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the peers with trust and sync state."""
    invocation = Invocation.of(context)
    with invocation.node() as node:
        void = _void_documents(node)
        listed = [_peer(node, one, void) for one in _standings(node)]
        alone = node.config.federation.trust_list is None

    def tell(terminal: Terminal) -> None:
        headings = ("peer", "state", "trust", "followed", "last success", "lag", "problem")
        rows = [
            [one[name] for name in ("party", "state", "trust", "followed", "last_success", "lag", "problem")]
            for one in listed
        ]
        advice = "set [federation] trust_list" if alone else "`epix-node pull` looks at it now"
        terminal.table(headings, rows, empty=f"nobody else is in the trust list that this node has; {advice}")

    invocation.answer({"peers": listed, "next": None}, tell)


@app.command()
def show(context: typer.Context, party: PartyArgument, *, _json: JsonOption = False) -> None:
    """Show one peer: its state, the codes it speaks for, its addresses and the fingerprints of its keys."""
    invocation = Invocation.of(context)
    with invocation.node() as node:
        found = next((one for one in _standings(node) if one.party == party), None)
        manifest = node.keyring().manifests.get(party)
        if found is None:
            raise NotFoundError(f"there is no peer {party}; `epix-node peers list` shows those that there are")
        body = {**_peer(node, found, _void_documents(node)), **(_described(manifest) if manifest is not None else {})}

    def tell(terminal: Terminal) -> None:
        terminal.facts([(name.replace("_", " "), value) for name, value in body.items() if name != "fingerprints"])
        if "fingerprints" in body:
            terminal.line("fingerprints, to be compared with the other operator:")
            terminal.facts([(f"  {name}", fingerprint) for name, fingerprint in body["fingerprints"].items()])

    invocation.answer(body, tell)


def _standings(node: Node) -> list[PeerStanding]:
    from epix_node.federation.standing import standings

    return node.database.read_now(standings, node.office, now=node.clock())


def _void_documents(node: Node) -> dict[str, int]:
    from epix_node.store import revocations

    return node.database.read_now(revocations.void_documents)


def _peer(node: Node, peer: PeerStanding, void: dict[str, int]) -> dict[str, Any]:
    """The members of contract 4, as ``GET /peers`` gives them, and what only the operator is told.

    ``void_documents`` are held, and count no more since their keys were revoked.
    """
    return {
        **peer.to_json(),
        "followed": peer.trust.value != "REMOVED" and node.config.federation.follows(peer.party),
        "problem": peer.state.frozen or peer.state.last_error,
        "void_documents": void.get(peer.party, 0),
    }


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "manifest": manifest.seq,
        "issues_for": list(manifest.issues_for),
        "base": list(manifest.base),
        "origin": manifest.log.origin,
        "coverage": [entry.model_dump(mode="json") for entry in manifest.coverage],
        "fingerprints": dict(manifest.key_fingerprints()),
    }
