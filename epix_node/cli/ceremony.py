"""``epix-node federation create|renew|rotate``: what the Secretariat does with the offline keys out of the safes.

How such a ceremony is held, who attends it and what is written down: ``keys/README.md``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from epix_node.cli.init import Environment
from epix_node.cli.invocation import Invocation, JsonOption
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

_MAX_ROLE_KEYS = 10
"""Of one top-level role: more people than that never meet."""


def _number(name: str, what: str) -> typer.models.OptionInfo:
    option = typer.Option(name, metavar="N", min=1, max=_MAX_ROLE_KEYS, help=what, show_default=False)
    assert isinstance(option, typer.models.OptionInfo)
    return option


RootKeysOption = Annotated[int | None, _number("--root-keys", "How many root keys there are.")]
RootThresholdOption = Annotated[int | None, _number("--root-threshold", "How many of them must sign.")]
TargetsKeysOption = Annotated[int | None, _number("--targets-keys", "How many targets keys there are.")]
TargetsThresholdOption = Annotated[int | None, _number("--targets-threshold", "How many of them must sign.")]
KeysOption = Annotated[int | None, _number("--keys", "How many keys there are from now on.")]
ThresholdOption = Annotated[int | None, _number("--threshold", "How many of them must sign.")]


class TopRole(StrEnum):
    """The roles whose keys are the Secretariat's."""

    ROOT = "root"
    TARGETS = "targets"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (create, renew, rotate):
        app.command()(command)


def create(
    context: typer.Context,
    directory: DirectoryOption,
    environment: Annotated[
        Environment, typer.Option("--environment", help="Each has a trust list and keys of its own.")
    ] = Environment.SANDBOX,
    root_keys: RootKeysOption = None,
    root_threshold: RootThresholdOption = None,
    targets_keys: TargetsKeysOption = None,
    targets_threshold: TargetsThresholdOption = None,
    offline: OfflineOption = None,
    passphrase_file: PassphraseOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Secretariat: make a trust list without Parties, and its keys. Overwrites nothing.

    By default one key each in the sandbox, elsewhere 3 of 5 root keys and 2 of 3 targets keys must sign. With several
    --offline the keys are dealt out to them in turn.
    """
    from epix_node.cli.secretariat_output import roles_json, tell_fingerprints, tell_roles
    from epix_node.clock import utc_now
    from epix_node.trust.repository_overview import Overview

    invocation = Invocation.of(context)
    numbers = {
        **_numbers("root", root_keys, root_threshold),
        **_numbers("targets", targets_keys, targets_threshold),
    }
    custody = Custody.of(
        directory, passphrase_file, offline, offline_passphrase_file, remark=invocation.terminal.remark
    )
    repository = custody.repository(environment.value)
    now = utc_now()
    repository.create(environment.value, now, roles=numbers)
    overview, fingerprints = Overview.of(repository), dict(repository.fingerprints())

    def tell(terminal: Terminal) -> None:
        terminal.line(f"made a trust list of {environment} in {directory}")
        terminal.facts(
            [
                ("repository", repository.files.directory),
                ("root, which nodes pin", overview.root_file),
                ("online keys", custody.online),
                ("offline keys", custody.media),
            ]
        )
        tell_roles(terminal, overview, now)
        terminal.line("fingerprints, for the diplomatic note; nodes compare the first one:")
        tell_fingerprints(terminal, fingerprints)
        terminal.line("next:")
        terminal.line(f"  serve {repository.files.directory} as it is, under https, such as https://…/tuf/")
        terminal.line(f"  epix-node federation admit REQUEST --dir {directory}")
        terminal.line(f"  epix-node federation publish --fetch --dir {directory}    (at least every hour)")
        if environment is not Environment.SANDBOX and not offline:
            terminal.remark(
                f"the offline keys lie on this machine: move each of {custody.media[0]} to a medium of its own, and "
                "into a safe"
            )

    invocation.answer(
        {
            "environment": environment.value,
            "directory": str(directory),
            "repository": str(repository.files.directory),
            "root": str(overview.root_file),
            "fingerprints": fingerprints,
            "roles": roles_json(overview),
            "keys": {"online": str(custody.online), "offline": [str(medium) for medium in custody.media]},
        },
        tell,
    )


def renew(
    context: typer.Context,
    directory: DirectoryOption,
    days: Annotated[int, typer.Option("--within-days", min=0, max=365, help="Sign what expires within so many.")] = 30,
    offline: OfflineOption = None,
    passphrase_file: PassphraseOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Secretariat: sign root and targets again where they expire soon. Needs the offline keys."""
    from datetime import timedelta

    from epix_node.cli.secretariat_output import overview_json, signed_again, tell_roles
    from epix_node.clock import utc_now
    from epix_node.trust.repository_overview import Overview

    invocation = Invocation.of(context)
    custody = Custody.of(
        directory, passphrase_file, offline, offline_passphrase_file, remark=invocation.terminal.remark
    )
    repository = custody.repository()
    before, now = Overview.of(repository), utc_now()
    repository.renew(now, within=timedelta(days=days))
    after = Overview.of(repository)
    signed = signed_again(before, after)

    def tell(terminal: Terminal) -> None:
        terminal.line(f"signed again: {', '.join(signed)}" if signed else f"nothing expires within {days} days")
        tell_roles(terminal, after, now)

    invocation.answer({"signed": signed, **overview_json(after)}, tell)


def rotate(
    context: typer.Context,
    roles: Annotated[list[TopRole], typer.Argument(metavar="ROLE", help="root, targets, snapshot, timestamp.")],
    directory: DirectoryOption,
    keys: KeysOption = None,
    threshold: ThresholdOption = None,
    offline: OfflineOption = None,
    passphrase_file: PassphraseOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Secretariat: make new keys for roles of the trust list; the ones before are void. Needs the root keys.

    As many keys as before, unless --keys and --threshold say otherwise. After a theft of the online machine: rotate
    snapshot timestamp.
    """
    from epix_node.cli.secretariat_output import overview_json, tell_roles
    from epix_node.clock import utc_now
    from epix_node.trust.repository_overview import Overview

    invocation = Invocation.of(context)
    names = list(dict.fromkeys(role.value for role in roles))
    numbers = {name: number for role in names for name, number in _numbers(role, keys, threshold).items()}
    custody = Custody.of(
        directory, passphrase_file, offline, offline_passphrase_file, remark=invocation.terminal.remark
    )
    repository = custody.repository()
    before, now = Overview.of(repository), utc_now()
    require_yes(invocation, f"Make new keys for {', '.join(names)}, and void the ones before?", yes=yes)
    repository.rotate(names, now, numbers=numbers)
    after = Overview.of(repository)
    void = [path for role in before.roles if role.name in names for path in role.files]

    def tell(terminal: Terminal) -> None:
        terminal.line(f"new keys for {', '.join(names)}")
        tell_roles(terminal, after, now)
        terminal.facts([("root, which new nodes pin", after.root_file), ("its fingerprint", after.fingerprint)])
        terminal.line("void, to be destroyed with their backups:")
        terminal.lines((" ", path) for path in void)

    invocation.answer({"rotated": names, "void": [str(path) for path in void], **overview_json(after)}, tell)


def _numbers(role: str, keys: int | None, threshold: int | None) -> dict[str, tuple[int, int]]:
    """Keys and threshold of this role, where they are given."""
    if keys is None and threshold is None:
        return {}
    if keys is None or threshold is None:
        raise typer.BadParameter(f"{role}: say both how many keys there are and how many must sign")
    if threshold > keys:
        raise typer.BadParameter(f"{role}: {threshold} of {keys} keys can never sign")
    return {role: (keys, threshold)}
