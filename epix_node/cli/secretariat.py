"""``epix-node federation admit|remove|publish|show``: who is in the trust list, and how it is kept fresh.

The Secretariat's side; no node is needed and no configuration is read: a directory, keys, and the machine's clock. What
must be decided is shown first; at a terminal a person is asked, elsewhere (a script, ``--json``, ``--yes``) the command
itself is the word. The keys themselves are made and changed in ``ceremony``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.exits import ExitCode, gravest
from epix_node.cli.failures import exit_code
from epix_node.cli.invocation import Invocation, JsonOption, PartyArgument, end, read_code, read_input
from epix_node.cli.secretariat_keys import (
    Custody,
    DirectoryOption,
    OfflineOption,
    OfflinePassphraseOption,
    PassphraseOption,
    YesOption,
    require_yes,
)
from epix_node.cli.terminal import Terminal
from epix_node.errors import PeerError

if TYPE_CHECKING:
    from epix_node.trust.repository_overview import Overview


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (admit, remove, publish, show):
        app.command()(command)


def admit(
    context: typer.Context,
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="What `federation request` wrote, or -.")],
    directory: DirectoryOption,
    codes: Annotated[
        list[str] | None,
        typer.Option(
            "--code",
            metavar="CODE",
            help="A code that the Party speaks for; may be given several times. Those of its manifest if absent.",
        ),
    ] = None,
    offline: OfflineOption = None,
    passphrase_file: PassphraseOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Secretariat: take a Party into the trust list, or change its role keys or codes.

    Shows everything that is vouched for. Compare each fingerprint with the diplomatic note before saying yes.
    """
    from epix_node.cli.secretariat_output import party_json, tell_request
    from epix_node.clock import utc_now
    from epix_node.trust.repository_overview import Overview
    from epix_node.trust.request import Request
    from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES

    invocation = Invocation.of(context)
    given = [read_code(code) for code in codes or ()]
    parsed = Request.parse(read_input(request, max_bytes=MAX_PARTY_FILE_BYTES))
    custody = Custody.of(
        directory, passphrase_file, offline, offline_passphrase_file, remark=invocation.terminal.remark
    )
    repository = custody.repository()
    before = Overview.of(repository)
    # First, so that nobody compares twenty fingerprints of what is refused afterwards.
    repository.require_admissible(parsed, codes=given)
    party = parsed.manifest.party
    if not invocation.json:
        shown = tuple(sorted({*(given or parsed.manifest.issues_for), party}))
        tell_request(invocation.terminal, parsed, before, shown)
    require_yes(invocation, f"Do all fingerprints agree with the note, and is {party} to be admitted?", yes=yes)
    repository.admit(parsed, utc_now(), codes=given)
    after = Overview.of(repository)
    entry = after.parties[party]
    invocation.answer(
        {"new": party not in before.parties, **party_json(entry), "versions": _versions(after)},
        lambda terminal: terminal.line(
            f"{party} is in the trust list with version {entry.version}, and speaks for {', '.join(entry.codes)}"
        ),
    )


def remove(
    context: typer.Context,
    party: PartyArgument,
    directory: DirectoryOption,
    offline: OfflineOption = None,
    passphrase_file: PassphraseOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Secretariat: take a Party and its codes out of the trust list.

    Its keys count no more at any node that has refreshed. What it published before stays where it was recorded.
    """
    from epix_node.clock import utc_now
    from epix_node.errors import NotFoundError
    from epix_node.trust.repository_overview import Overview

    invocation = Invocation.of(context)
    custody = Custody.of(
        directory, passphrase_file, offline, offline_passphrase_file, remark=invocation.terminal.remark
    )
    repository = custody.repository()
    entry = Overview.of(repository).parties.get(party)
    if entry is None:
        raise NotFoundError(f"{party} is not in the trust list; `epix-node federation show` lists who is")
    require_yes(invocation, f"Remove {party}, which speaks for {', '.join(entry.codes)}?", yes=yes)
    repository.remove(party, utc_now())
    after = Overview.of(repository)
    invocation.answer(
        {"party": party, "removed": True, "codes": list(entry.codes), "versions": _versions(after)},
        lambda terminal: terminal.line(
            f"{party} is not in the trust list any more; it may come back with a version above {entry.version}"
        ),
    )


def publish(
    context: typer.Context,
    directory: DirectoryOption,
    offer: Annotated[
        list[Path] | None,
        typer.Option("--offer", metavar="FILE", help="A Party's party.json or request; may be given several times."),
    ] = None,
    passphrase_file: PassphraseOption = None,
    *,
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask each Party's own node for a newer version.")] = False,
    private_addresses: Annotated[
        bool, typer.Option("--private-addresses", help="Also ask nodes at private addresses, as in the sandbox.")
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Secretariat: sign again what is due, and take in newer versions of Parties. Run it every 15 minutes.

    Needs the online keys only. Exit 1 where a version was refused, 4 where a node could not be reached; what else was
    due is published all the same.
    """
    from epix_node.cli.secretariat_output import overview_json, signed_again, tell_roles, warnings
    from epix_node.clock import format_time, utc_now
    from epix_node.federation.party_files import fetch_party_files
    from epix_node.trust.repository_overview import Overview

    invocation = Invocation.of(context)
    custody = Custody.of(directory, passphrase_file, remark=invocation.terminal.remark)
    repository = custody.repository()
    before = Overview.of(repository)
    offers = dict(_offer(path) for path in offer or ())
    missed: dict[str, PeerError] = {}
    if fetch:
        bases = {party: entry.manifest.base for party, entry in before.parties.items() if party not in offers}
        allowed = private_addresses or before.environment == "sandbox"
        for party, answer in fetch_party_files(bases, private_addresses=allowed).items():
            if isinstance(answer, PeerError):
                missed[party] = answer
            else:
                offers[party] = answer
    now = utc_now()
    published = repository.publish(now, offers=offers)
    after = Overview.of(repository)
    signed = signed_again(before, after)
    warned = list(warnings(published, after, now))

    def tell(terminal: Terminal) -> None:
        for party in sorted(published.taken):
            terminal.line(f"{party}: version {published.parties[party]} taken in")
        terminal.line(f"signed again: {', '.join(signed)}" if signed else "nothing was due")
        tell_roles(terminal, after, now)
        for party, error in published.refused.items():
            terminal.remark(f"{party}: its version was not taken: {error}")
        for error in missed.values():
            terminal.remark(f"not reached: {error}")
        for warning in warned:
            terminal.remark(f"warning: {warning}")

    invocation.answer(
        {
            "signed": signed,
            "taken": {party: published.parties[party] for party in sorted(published.taken)},
            "refused": {
                party: {"code": error.code, "message": str(error)} for party, error in published.refused.items()
            },
            "unreachable": {party: {"code": error.code, "message": str(error)} for party, error in missed.items()},
            "expiring": {name: format_time(expires) for name, expires in published.expiring.items()},
            "warnings": warned,
            **overview_json(after),
        },
        tell,
    )
    codes: list[ExitCode] = [exit_code(error) for error in missed.values()]
    end(gravest([*codes, *(ExitCode.NEGATIVE for _ in published.refused)]))


def show(
    context: typer.Context, directory: DirectoryOption, offline: OfflineOption = None, *, _json: JsonOption = False
) -> None:
    """Secretariat: show the trust list: roles, versions, expiries, Parties, codes, and which keys are here.

    Opens no key.
    """
    from epix_node.cli.secretariat_output import overview_json, tell_parties, tell_roles
    from epix_node.clock import utc_now
    from epix_node.trust.repository_overview import Overview

    invocation = Invocation.of(context)
    custody = Custody.of(directory, offline=offline, remark=invocation.terminal.remark)
    overview, now = Overview.of(custody.repository()), utc_now()

    def tell(terminal: Terminal) -> None:
        terminal.line(f"trust list of {overview.environment} in {directory}")
        terminal.facts([("newest root, to be pinned", overview.root_file), ("its fingerprint", overview.fingerprint)])
        tell_roles(terminal, overview, now)
        tell_parties(terminal, overview, now)

    invocation.answer(overview_json(overview), tell)


def _offer(path: Path) -> tuple[str, bytes]:
    """The Party and the ``party.json`` in this file, which may also be a request."""
    from epix_node.trust.manifest import parse_manifest, read_json
    from epix_node.trust.request import Request
    from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES, SignedVersion

    data = read_input(path, max_bytes=MAX_PARTY_FILE_BYTES)
    members = read_json(data, str(path), max_bytes=MAX_PARTY_FILE_BYTES)
    if isinstance(members, dict) and members.get("spec") == "epix-request/1":
        asked = Request.parse(data)
        return asked.manifest.party, asked.version.party_file()
    return parse_manifest(SignedVersion.parse(data).manifest_file).party, data


def _versions(overview: Overview) -> dict[str, int]:
    return {role.name: role.version for role in overview.roles}
