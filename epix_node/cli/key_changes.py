"""``epix-node keys rotate|revoke|sign``: what others are told of this node's keys.

A new key is a file, or in the token, beside the old ones; others take it once the own role has signed a manifest that
names it. Where the role's keys lie in safes, the change goes from safe to safe as a file, and ``sign`` adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption, read_input, read_time, write_output
from epix_node.cli.new_keys import TokenOption, Use, generated
from epix_node.cli.open_keys import OpenKeys, RoleKeysOption, media_keys, open_keys
from epix_node.cli.secretariat_keys import YesOption, require_yes
from epix_node.cli.terminal import Terminal
from epix_node.errors import InputError

if TYPE_CHECKING:
    from epix_node.identity.rotation import Change
    from epix_node.trust.manifest import Manifest


UseArgument = Annotated[Use, typer.Argument(help="For documents, or for requests to other nodes.")]
DraftOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Where to write the version if signatures are missing; manifest-N.json here if absent.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (rotate, revoke, sign):
        app.command()(command)


def rotate(
    context: typer.Context,
    use: UseArgument,
    first_use: Annotated[
        str | None,
        typer.Option(
            "--first-use",
            metavar="DATE|now",
            help="When the new key begins to sign. For documents 30 days ahead, in the sandbox now; for requests one "
            "day ahead, so that every peer knows it by then.",
        ),
    ] = None,
    role_keys: RoleKeysOption = None,
    out: DraftOption = None,
    *,
    in_token: TokenOption = False,
    _json: JsonOption = False,
) -> None:
    """Announce a new key, which is made first unless one is waiting; the old one goes on until the first use.

    A node that runs needs no restart. Nothing is signed again: what the old key signed stays good.
    """
    from epix_node.clock import format_time
    from epix_node.identity import rotation

    invocation = Invocation.of(context)
    with open_keys(invocation, role_keys) as opened:
        begins = _first_use(first_use, use, opened)
        change, place = _announcement(opened, use, begins, in_token=in_token)
        made = rotation.make(opened.database, opened.own, change, now=opened.now)
        draft = keep_draft(made, out)

    newest = (made.manifest.permit_keys if use is Use.SIGNING else made.manifest.transport_keys)[0]

    def tell(terminal: Terminal) -> None:
        terminal.line(f"{use} key: {place}")
        terminal.line(f"  fingerprint {_grouped(newest.kid)}")
        if draft is None:
            is_now = begins <= opened.now
            when = "it signs from now on" if is_now else f"it signs from {format_time(begins)} on"
            terminal.line(f"announced in manifest {made.manifest.seq}; {when}")
            until = "the old one retires" if is_now else "the old one goes on until then"
            terminal.line(f"{until}; what it signed stays good unless it was revoked")
        tell_draft(terminal, made, draft)

    body = {"name": use.value, "fingerprint": newest.kid, "private": place, "first_use": format_time(begins)}
    invocation.answer({**body, **made_json(made, draft)}, tell)


def revoke(
    context: typer.Context,
    kid: Annotated[str, typer.Argument(metavar="KID", help="Fingerprint of the key, or its first 8 characters.")],
    since: Annotated[
        datetime,
        typer.Option("--since", metavar="TIME", parser=read_time, help="Since when it may have been in wrong hands."),
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Published; no names of persons.")],
    role_keys: RoleKeysOption = None,
    out: DraftOption = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Revoke a key. It cannot be taken back, and later the time may only be moved earlier.

    What a signing key signed stays good where other nodes had it in a checkpoint before that time; everything else
    that it signed is refused, whenever that is presented.
    """
    from epix_node.clock import format_time
    from epix_node.identity import rotation

    invocation = Invocation.of(context)
    with open_keys(invocation, role_keys) as opened:
        full = rotation.full_kid(opened.manifest, kid)
        question = f"revoke {_grouped(full)} since {format_time(since)}, for ever?"
        require_yes(invocation, question, yes=yes)
        change = rotation.revoked(full, since=since, reason=reason, now=opened.now)
        made = rotation.make(opened.database, opened.own, change, now=opened.now)
        draft = keep_draft(made, out)
    is_last = not any(entry.status != "revoked" for entry in made.manifest.permit_keys)

    def tell(terminal: Terminal) -> None:
        if draft is None:
            terminal.line(f"revoked {_grouped(full)} since {format_time(since)}, in manifest {made.manifest.seq}")
            terminal.line("peers take it at their next visit; call those for whom that is too late")
        tell_draft(terminal, made, draft)
        if is_last:
            terminal.remark("no signing key is left: make one with `epix-node keys rotate signing --first-use now`")

    body = {"fingerprint": full, "invalid_since": format_time(since), "reason": reason}
    invocation.answer({**body, **made_json(made, draft)}, tell)


def sign(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `keys rotate` or `keys revoke` wrote.")],
    role_keys: RoleKeysOption = None,
    role: Annotated[
        Path | None,
        typer.Option("--role", metavar="FILE", help="The role.json of the node, where this machine has no node."),
    ] = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Sign a version of the own role with the role keys that are here; in force once all signatures are there.

    On a machine without the node, such as one that never sees a network, it adds the signatures to FILE and no more.
    """
    from epix_node.identity import rotation
    from epix_node.trust.manifest import parse_manifest
    from epix_node.trust.party_role import PartyRole
    from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES, SignedVersion

    invocation = Invocation.of(context)
    version = SignedVersion.parse(read_input(file, max_bytes=MAX_PARTY_FILE_BYTES))
    manifest = parse_manifest(version.manifest_file)
    prints = dict(manifest.key_fingerprints())
    if not invocation.json:
        invocation.terminal.remark(f"manifest {manifest.seq} of {manifest.party} in {manifest.env}:")
        for name, fingerprint in prints.items():
            invocation.terminal.remark(f"  {name}: {fingerprint}")
    require_yes(invocation, "sign it?", yes=yes)
    if role is not None:
        known = PartyRole.parse(read_input(role, max_bytes=MAX_PARTY_FILE_BYTES))
        made, signatures = rotation.add_signatures(known, version, media_keys(role_keys, manifest.env))
        in_force = False
    else:
        with open_keys(invocation, role_keys) as opened:
            known = opened.own.role
            made, signatures = rotation.add_signatures(known, version, opened.own.keys)
            in_force = signatures >= known.threshold
            if in_force:
                rotation.take(opened.database, known, made, now=opened.now)
    if made != version:
        write_output(file, made.party_file())

    def tell(terminal: Terminal) -> None:
        terminal.line(f"{file} has {signatures} of {known.threshold} signatures")
        if in_force:
            terminal.line(f"manifest {manifest.seq} is in force")
        elif signatures < known.threshold:
            terminal.line("take it to the next holder of a role key, who does the same")
        else:
            terminal.line(f"take it to the node: `epix-node keys sign {file.name}` puts it in force")

    invocation.answer(
        {"seq": manifest.seq, "signatures": signatures, "threshold": known.threshold, "in_force": in_force}, tell
    )


def _announcement(
    opened: OpenKeys, use: Use, begins: datetime, *, in_token: bool
) -> tuple[Callable[[Manifest], Manifest], str]:
    """The change that announces the key that waits, or else a new one; and where that key is."""
    from epix_node.founding import life_of
    from epix_node.identity import rotation

    box, manifest = opened.box, opened.manifest
    if use is Use.TRANSPORT:
        waiting = rotation.waiting_transport(box, manifest)
        if waiting is None:
            generated(opened, use, in_token=in_token)
            waiting = box.transports()[0]
        waiting = box.begin(waiting, begins)
        not_after = begins + life_of(opened.config.party.environment)
        return rotation.announced_transport(waiting, not_after=not_after, now=opened.now), str(waiting.path)
    pair = rotation.waiting_signing(box, manifest)
    if pair is None:
        generated(opened, use, in_token=in_token)
        pair = box.newest_signing()
    elif in_token and pair.place == str(box.key_file(pair.certificate)):
        raise InputError(f"{pair.place} waits to be announced, and is a file: do without --in-token, or remove it")
    return rotation.announced(pair, first_use=begins), pair.place


def _first_use(given: str | None, use: Use, opened: OpenKeys) -> datetime:
    from epix_node.identity.rotation import SIGNING_AHEAD, TRANSPORT_AHEAD

    now = opened.now.replace(microsecond=0)
    if given is None:
        if use is Use.TRANSPORT:
            return now + TRANSPORT_AHEAD
        return now if opened.config.party.environment == "sandbox" else now + SIGNING_AHEAD
    if given == "now":
        return now
    try:
        begins = datetime.combine(date.fromisoformat(given), time(), UTC)
    except ValueError:
        begins = read_time(given)
    if begins < now:
        raise InputError(f"--first-use {given} has passed; expected a later time, or now")
    return begins


def keep_draft(made: Change, out: Path | None) -> Path | None:
    """The version that lacks signatures is in a file; None where it is in force."""
    if made.in_force:
        return None
    path = out or Path(f"manifest-{made.manifest.seq}.json")
    write_output(path, made.version.party_file())
    return path


def tell_draft(terminal: Terminal, made: Change, draft: Path | None) -> None:
    """Say what is to be done with a version that lacks signatures; nothing where it is in force."""
    if draft is None:
        return
    terminal.line(f"not in force yet: {draft} has {made.signatures} of {made.threshold} signatures of the role")
    terminal.line(f"bring the role's keys: `epix-node keys sign {draft} --role-keys DIR`; or take the file to them")


def made_json(made: Change, draft: Path | None) -> dict[str, object]:
    """What became of the change, for programs."""
    return {
        "seq": made.manifest.seq,
        "in_force": made.in_force,
        "signatures": made.signatures,
        "threshold": made.threshold,
        "draft": str(draft) if draft is not None else None,
    }


def _grouped(fingerprint: str) -> str:
    from epix_node.trust.manifest import grouped

    return grouped(fingerprint)
