"""``epix-node pull``: pull from peers now."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end, read_code
from epix_node.cli.terminal import Terminal
from epix_node.errors import NotFoundError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pull)


def pull(
    context: typer.Context,
    parties: Annotated[
        list[str] | None, typer.Argument(metavar="PARTY", help="Which peers; all that are followed if absent.")
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Look at the trust list and pull from peers now: exit 4 if one failed.

    Peers that are left alone for a while after a failure are asked, too.
    """
    from epix_node.federation.pull import followed, pull_all
    from epix_node.jobs import look_at_trust

    invocation = Invocation.of(context)
    with invocation.node() as node:
        asyncio.run(look_at_trust(node))
        known = node.keyring().parties
        chosen = [read_code(party) for party in parties or ()] or list(followed(node))
        for party in chosen:
            if party not in known or party == node.party:
                raise NotFoundError(f"there is no peer {party}; `epix-node peers list` shows those that there are")
        results = asyncio.run(pull_all(node, dict.fromkeys(chosen), ignore_backoff=True))

    def tell(terminal: Terminal) -> None:
        rows = [
            (one.party, "failed" if one.documents is None else one.documents, one.leaves, one.quarantined, one.problem)
            for one in results.values()
        ]
        headings = ("peer", "documents", "register entries", "quarantined", "problem")
        terminal.table(headings, rows, empty="there is no peer to pull from: nobody else is in the trust list")

    invocation.answer(
        {
            "pulled": {party: one.documents for party, one in results.items()},
            "peers": [
                {
                    "party": one.party,
                    "documents": one.documents,
                    "register_entries": one.leaves,
                    "quarantined": one.quarantined,
                    "problem": one.problem,
                }
                for one in results.values()
            ],
        },
        tell,
    )
    end(ExitCode.UNREACHABLE if any(one.documents is None for one in results.values()) else ExitCode.OK)
