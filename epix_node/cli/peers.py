"""``epix-node peers``: the other Parties, how sure their keys are, and how pulling from them goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from epix_node.cli.invocation import Invocation, JsonOption, PartyArgument
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConflictError, InputError, NotFoundError

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
        headings = ("peer", "state", "alarm", "trust", "followed", "last success", "lag", "problem")
        rows = [
            [one[name] for name in ("party", "state", "alarm", "trust", "followed", "last_success", "lag", "problem")]
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
        body["conflicts"] = _conflicts(node, party)
        body["observability"] = _observability(node, party)

    def tell(terminal: Terminal) -> None:
        apart = {"fingerprints", "conflicts", "observability"}
        terminal.facts([(name.replace("_", " "), value) for name, value in body.items() if name not in apart])
        if body["conflicts"]:
            _tell_conflicts(terminal, party, body["conflicts"])
        for pair in body["observability"]:
            _tell_observability(terminal, pair)
        if "fingerprints" in body:
            terminal.line("fingerprints, to be compared with the other operator:")
            terminal.facts([(f"  {name}", fingerprint) for name, fingerprint in body["fingerprints"].items()])

    invocation.answer(body, tell)


@app.command()
def unfreeze(
    context: typer.Context,
    party: PartyArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the log.")],
    *,
    _json: JsonOption = False,
) -> None:
    """Take a Party up again whose register contradicted itself, after people have looked into it.

    The evidence stays, and so does REGISTER_DISPUTED in answers while the Party writes the same register. New evidence,
    or a register that still does not lead to what is held here, freezes it again.
    """
    import structlog

    from epix_node.store import peers

    invocation = Invocation.of(context)
    if not reason.strip():
        raise InputError("--reason: say why, for whoever reads the log later")
    with invocation.database() as (database, _):
        before = database.write_now(peers.unfreeze, party)
    if before is None:
        raise ConflictError(f"{party} is not frozen; `epix-node peers show {party}` says how it stands")
    structlog.get_logger("epix_node.cli").warning("peer unfrozen", party=party, was=before, reason=reason)

    def tell(terminal: Terminal) -> None:
        terminal.line(party, "is pulled from again; it was frozen:", before)

    invocation.answer({"party": party, "was": before, "reason": reason}, tell)


def _observability(node: Node, party: str) -> list[dict[str, Any]]:
    from epix_node.federation.mutual import observability

    return node.database.read_now(observability, node.office, party, now=node.clock())


def _tell_observability(terminal: Terminal, pair: dict[str, Any]) -> None:
    issuer, destination = pair["issuer"], pair["destination"]
    for witness, deed, of, share in (
        (destination, "confirmed", f"exports from {issuer}", pair["confirm"]),
        (issuer, "endorsed", f"exports to {destination}", pair["endorse"]),
    ):
        worth = "is evidence" if share["observable"] else "says nothing"
        terminal.line(
            f"{witness} {deed} {share['met']} of {share['expected']} {of} that were due in the last half-year "
            f"(lower bound {share['lower_bound']}): its silence {worth}"
        )


def _conflicts(node: Node, party: str) -> list[dict[str, Any]]:
    from epix_node.clock import format_time
    from epix_node.register.evidence import judge, parse_conflict
    from epix_node.store import conflicts

    listed: list[dict[str, Any]] = []
    for one in node.database.read_now(conflicts.everything, party):
        conflict = parse_conflict(one.evidence)
        judgement = judge(conflict, log_key=conflict.log)
        listed.append(
            {
                "id": one.id,
                "origin": one.origin,
                "sizes": [tree.size for tree in (judgement.smaller, judgement.larger) if tree is not None],
                "reason": judgement.reason,
                "shown_by": one.source,
                "found_at": format_time(one.found_at),
                "told_to_all": one.is_reported,
            }
        )
    return listed


def _tell_conflicts(terminal: Terminal, party: str, listed: list[dict[str, Any]]) -> None:
    terminal.line(f"evidence that the register of {party} has two histories, which anybody can judge:")
    for one in listed:
        sizes = " and ".join(map(str, one["sizes"]))
        terminal.line(f"  {one['reason']} (trees of {sizes} entries; shown by {one['shown_by']}, {one['found_at']})")
        terminal.line(f"  `epix-node register evidence {one['id']} --out FILE`, then `epix-node register judge FILE`")
    terminal.line("Speak to its operator and to the Secretariat; `epix-node peers unfreeze` takes it up again.")


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
