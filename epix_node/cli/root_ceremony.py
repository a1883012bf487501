"""``epix-node federation root key|draft|sign|install``: the next root, whose keys are in several countries.

The holders never meet: each makes a key at home and sends its public half; the Secretariat drafts the next root; the
draft goes from safe to safe, and each holder signs it, on a machine without node and network; the Secretariat installs
it. Where all holders sit in one room, ``federation create`` and ``rotate`` do it at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.invocation import FileArgument, Invocation, JsonOption, read_input, write_output
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
from epix_node.errors import InputError

if TYPE_CHECKING:
    from epix_node.trust.root_draft import RootDraft

app = typer.Typer(help="Secretariat: change the root where its keys are in several countries.", no_args_is_help=True)

MediumOption = Annotated[
    Path,
    typer.Option("--offline", metavar="DIR", exists=True, file_okay=False, help="Where it goes: a medium for a safe."),
]


@app.command()
def key(
    context: typer.Context,
    offline: MediumOption,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Holder: make a root key, always encrypted. Send what is printed to the Secretariat, the fingerprint by note."""
    from epix_node.trust.root_draft import key_text

    invocation = Invocation.of(context)
    custody = _custody_of([offline], offline_passphrase_file, invocation)
    custody.environment = "prod"  # no root key is written without a passphrase
    (made,) = custody.role_keys().generate("root", 1)
    text, fingerprint = key_text(made)

    def tell(terminal: Terminal) -> None:
        terminal.facts([("root key", text), ("fingerprint", fingerprint)])

    invocation.answer({"key": text, "fingerprint": fingerprint}, tell)


@app.command()
def draft(
    context: typer.Context,
    directory: DirectoryOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the draft.")],
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="HEX", help="A root key from now on, as `root key` printed it; several times."),
    ] = None,
    threshold: Annotated[
        int | None, typer.Option("--threshold", metavar="N", min=1, max=10, help="How many must sign.")
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Secretariat: draft the next root, with these root keys and no others; without --key with those of today."""
    from epix_node.clock import utc_now
    from epix_node.trust.root_draft import RootDraft, public_key

    invocation = Invocation.of(context)
    if bool(keys) != (threshold is not None):
        raise typer.BadParameter("--key and --threshold belong together")
    if len(set(keys or ())) != len(keys or ()) or (threshold or 0) > len(keys or ()):
        raise typer.BadParameter("the same key twice, or more must sign than there are keys")
    try:
        public = [public_key(text) for text in keys or ()]
    except ValueError as error:
        raise InputError("a root key is 64 hexadecimal digits, as `root key` printed it") from error
    repository = Custody.of(directory, remark=invocation.terminal.remark).repository()
    replacements = {"root": (public, threshold)} if threshold is not None else {}
    drafted = RootDraft.of(repository.root(), replacements, utc_now())
    write_output(out, drafted.to_json())
    _answer(invocation, drafted, out)


@app.command()
def sign(
    context: typer.Context,
    file: FileArgument,
    offline: OfflineOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Holder: add the signatures of the root keys in --offline to the draft in FILE. Needs no node and no network."""
    from epix_node.trust.root_draft import MAX_DRAFT_BYTES, RootDraft

    invocation = Invocation.of(context)
    if not offline:
        raise typer.BadParameter("--offline is missing: where are the root keys on this machine?")
    drafted = RootDraft.parse(read_input(file, max_bytes=MAX_DRAFT_BYTES))
    if not invocation.json:
        _tell(invocation.terminal, drafted)
    require_yes(invocation, "Do these fingerprints agree with what the Secretariat told you, and do you sign?", yes=yes)
    signed = drafted.signed(_custody_of(offline, offline_passphrase_file, invocation).role_keys())
    write_output(file, signed.to_json())
    invocation.answer(_json_of(signed, file), lambda terminal: _tell_missing(terminal, signed, file))


@app.command()
def install(
    context: typer.Context,
    file: FileArgument,
    directory: DirectoryOption,
    offline: OfflineOption = None,
    passphrase_file: PassphraseOption = None,
    offline_passphrase_file: OfflinePassphraseOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Secretariat: publish the drafted root that enough holders have signed. Nodes follow by themselves."""
    from epix_node.cli.secretariat_output import overview_json, tell_roles
    from epix_node.clock import utc_now
    from epix_node.trust.repository_overview import Overview
    from epix_node.trust.root_draft import MAX_DRAFT_BYTES, RootDraft

    invocation = Invocation.of(context)
    drafted = RootDraft.parse(read_input(file, max_bytes=MAX_DRAFT_BYTES))
    custody = Custody.of(
        directory, passphrase_file, offline, offline_passphrase_file, remark=invocation.terminal.remark
    )
    repository, now = custody.repository(), utc_now()
    repository.install_root(drafted, now)
    after = Overview.of(repository)

    def tell(terminal: Terminal) -> None:
        terminal.line(f"root {drafted.version} is published")
        tell_roles(terminal, after, now)
        terminal.facts([("root, which new nodes pin", after.root_file), ("its fingerprint", after.fingerprint)])

    invocation.answer(overview_json(after), tell)


def _custody_of(media: list[Path], passphrase_file: Path | None, invocation: Invocation) -> Custody:
    return Custody.of(media[0], None, media, passphrase_file, remark=invocation.terminal.remark)


def _answer(invocation: Invocation, drafted: RootDraft, file: Path) -> None:
    def tell(terminal: Terminal) -> None:
        _tell(terminal, drafted)
        _tell_missing(terminal, drafted, file)

    invocation.answer(_json_of(drafted, file), tell)


def _tell(terminal: Terminal, drafted: RootDraft) -> None:
    before, after = drafted.key_fingerprints
    terminal.line(f"draft of root {drafted.version}: {drafted.threshold} of {len(after)} root keys must sign")
    terminal.line(f"fingerprint of the draft:  {drafted.fingerprint}")
    for fingerprint in after:
        terminal.line("  stays" if fingerprint in before else "  new  ", fingerprint)
    for fingerprint in before:
        if fingerprint not in after:
            terminal.line("  void ", fingerprint)


def _tell_missing(terminal: Terminal, drafted: RootDraft, file: Path) -> None:
    old, new = drafted.missing
    if old or new:
        terminal.line(f"{file} lacks {old} signatures of the root keys before, and {new} of its own")
    else:
        terminal.line(f"{file} has all signatures; the Secretariat runs `epix-node federation root install {file}`")


def _json_of(drafted: RootDraft, file: Path) -> dict[str, object]:
    before, after = drafted.key_fingerprints
    old, new = drafted.missing
    return {
        "file": str(file),
        "version": drafted.version,
        "fingerprint": drafted.fingerprint,
        "threshold": drafted.threshold,
        "keys": list(after),
        "void": [one for one in before if one not in after],
        "missing": {"before": old, "own": new},
    }
