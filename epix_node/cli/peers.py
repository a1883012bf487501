"""``epix-node peers``: whom this node trusts, and how pulling from them goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from epix_node.cli.invocation import FileArgument, Invocation, JsonOption, PartyArgument, read_input
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from epix_node.node import Node
    from epix_node.store.database import Session
    from epix_node.trust.manifest import Manifest

app = typer.Typer(help="Pin, list and show the nodes of other Parties.", no_args_is_help=True)


@app.command(name="list")
def list_peers(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the peers with trust and sync state."""
    from epix_node.store import peers

    invocation = Invocation.of(context)
    with invocation.node() as node:
        listed = [_peer(node, state.party) for state in node.database.read_now(peers.states)]

    def tell(terminal: Terminal) -> None:
        headings = ("peer", "state", "trust", "followed", "last success", "lag", "problem")
        rows = [
            [one[name] for name in ("party", "state", "trust", "followed", "last_success", "lag", "problem")]
            for one in listed
        ]
        terminal.table(headings, rows, empty="no peer is pinned; pin one with `epix-node peers add FILE`")

    invocation.answer({"peers": listed, "next": None}, tell)


@app.command()
def show(context: typer.Context, party: PartyArgument, *, _json: JsonOption = False) -> None:
    """Show one peer: its state, the codes it speaks for, its addresses and the fingerprints of its keys."""
    invocation = Invocation.of(context)
    with invocation.node() as node:
        manifest = node.keyring().manifests.get(party)
        if manifest is None or party == node.party:
            raise NotFoundError(f"there is no peer {party}; `epix-node peers list` shows those that there are")
        body = {**_peer(node, party), **_described(manifest)}

    def tell(terminal: Terminal) -> None:
        fingerprints = body["fingerprints"]
        terminal.facts([(name.replace("_", " "), value) for name, value in body.items() if name != "fingerprints"])
        _tell_fingerprints(terminal, fingerprints)

    invocation.answer(body, tell)


@app.command()
def add(context: typer.Context, file: FileArgument, *, _json: JsonOption = False) -> None:
    """Pin the node that `federation request` described in FILE, and follow it.

    Compare the fingerprints with the other operator over another way, such as the telephone: that is the trust. A
    newer file of the same Party replaces the older one; what it changes is told.
    """
    from epix_node.store import peers
    from epix_node.trust.manifest import MAX_MANIFEST_BYTES, parse_manifest

    invocation = Invocation.of(context)
    data = read_input(file, max_bytes=MAX_MANIFEST_BYTES)
    manifest = parse_manifest(data)
    with invocation.node() as node:

        def work(session: Session) -> Manifest | None:
            pinned = {party: parse_manifest(held) for party, held in peers.manifests(session).items()}
            _require_fit(manifest, node.manifest, pinned)
            peers.pin(session, manifest.party, data, now=node.clock())
            return pinned.get(manifest.party)

        earlier = node.database.write_now(work)
        followed = node.config.federation.follows(manifest.party)
    changes = list(_changes(earlier, manifest)) if earlier is not None else []
    fingerprints = dict(manifest.key_fingerprints())

    def tell(terminal: Terminal) -> None:
        done = "pinned" if earlier is None else "pinned before, nothing changed" if not changes else "pinned anew"
        terminal.line(manifest.party, f"({manifest.base[0]})", done)
        for change in changes:
            terminal.line("  changed:", change)
        _tell_fingerprints(terminal, fingerprints)
        if not followed:
            terminal.remark(f"[federation] follow does not name {manifest.party}: nothing is pulled from it")

    invocation.answer(
        {
            "party": manifest.party,
            "new": earlier is None,
            "changes": changes,
            "followed": followed,
            **_described(manifest),
        },
        tell,
    )


def _require_fit(manifest: Manifest, own: Manifest, pinned: Mapping[str, Manifest]) -> None:
    """Return if the manifest may be pinned beside what is trusted already (decision 6)."""
    from epix_node.trust.keyring import refuse_overlap

    if manifest.party == own.party:
        raise ConflictError(f"the file describes {own.party}, which is this node's own Party")
    refuse_overlap(manifest, [own, *pinned.values()])
    earlier = pinned.get(manifest.party)
    if earlier is not None and earlier.log.origin != manifest.log.origin:
        raise ConflictError(
            f"{manifest.party} has the register {earlier.log.origin}; the file describes another one, "
            f"{manifest.log.origin}. A register is never replaced: ask the other operator what happened"
        )


def _changes(earlier: Manifest, manifest: Manifest) -> Iterator[str]:
    """A sentence for each thing that the newer manifest says otherwise."""
    if earlier.issues_for != manifest.issues_for:
        yield f"speaks for {', '.join(manifest.issues_for)}; before: {', '.join(earlier.issues_for)}"
    if earlier.base != manifest.base:
        yield f"is reached at {', '.join(manifest.base)}; before: {', '.join(earlier.base)}"
    if earlier.coverage != manifest.coverage:
        yield f"promises {_promises(manifest)}; before: {_promises(earlier)}"
    before, after = earlier.key_fingerprints(), manifest.key_fingerprints()
    for name in sorted({*before, *after} - {"manifest"}):
        if before.get(name) != after.get(name):
            yield f"{name}: {after.get(name, 'gone')}; before: {before.get(name, 'none')}"
    if (earlier.permit_keys, earlier.transport_keys) != (manifest.permit_keys, manifest.transport_keys):
        yield "uses, periods or states of its keys"


def _promises(manifest: Manifest) -> str:
    told = [
        f"{' '.join(entry.types)} from {entry.issued_from or 'ever'} within {entry.published_within_h} h"
        for entry in manifest.coverage
    ]
    return ", ".join(told) or "nothing"


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "issues_for": list(manifest.issues_for),
        "base": list(manifest.base),
        "origin": manifest.log.origin,
        "coverage": [entry.model_dump(mode="json") for entry in manifest.coverage],
        "fingerprints": dict(manifest.key_fingerprints()),
    }


def _peer(node: Node, party: str) -> dict[str, Any]:
    """The peer's state with the members of contract 4, as ``GET /peers`` gives them.

    ``lag``: entries of its newest checkpoint whose documents were not asked for yet; null before there is one.
    """
    from epix_node.store import peers, register

    state = node.database.read_now(peers.state, party)
    assert state is not None
    mirror = node.database.read_now(register.state, party)
    if state.frozen is not None:
        word = "FROZEN"
    elif state.failures:
        word = "FAILING"
    else:
        word = "OK" if state.last_success is not None else "NEW"
    return {
        "party": party,
        "state": word,
        "last_success": _time(state.last_success),
        "lag": max(0, mirror.checkpoint_size - state.next_index) if mirror is not None else None,
        "cursor": state.next_index,
        "backoff_until": _time(state.backoff_until),
        "trust": "PINNED",  # until trust comes from the trust list
        "followed": node.config.federation.follows(party),
        "problem": state.frozen or state.last_error,
    }


def _time(moment: datetime | None) -> str | None:
    from epix_node.clock import format_time

    return format_time(moment) if moment is not None else None


def _tell_fingerprints(terminal: Terminal, fingerprints: Mapping[str, str]) -> None:
    terminal.line("fingerprints, to be compared with the other operator:")
    terminal.facts([(f"  {name}", fingerprint) for name, fingerprint in fingerprints.items()])
