"""How the Secretariat's commands tell of the trust list: to people, who compare and decide, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from epix_node.cli.terminal import Terminal
from epix_node.clock import format_time

if TYPE_CHECKING:
    from epix_node.trust.manifest import Manifest
    from epix_node.trust.repository import Published
    from epix_node.trust.repository_overview import Overview, PartyEntry, RoleEntry
    from epix_node.trust.request import Request

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def tell_fingerprints(terminal: Terminal, fingerprints: Mapping[str, str]) -> None:
    """One below the other, as in the diplomatic note."""
    width = max(len(name) for name in fingerprints)
    terminal.lines((f"  {name:<{width}} ", text) for name, text in fingerprints.items())


def tell_roles(terminal: Terminal, overview: Overview, now: datetime) -> None:
    """A table of the four top-level roles."""
    rows = [
        (role.name, role.version, role.expires, left(role.expires, now), role_keys(role), role.at_hand)
        for role in overview.roles
    ]
    headings = ("role", "version", "expires", "left", "must sign", "keys here")
    terminal.table(headings, rows, empty="there are no roles")


def tell_parties(terminal: Terminal, overview: Overview, now: datetime) -> None:
    """A table of the Parties, and the removed ones."""
    rows = [
        (
            entry.party,
            entry.codes,
            entry.version,
            entry.expires,
            left(entry.expires, now),
            f"{entry.role.threshold} of {len(entry.role.keys)}",
            entry.manifest.base[0],
        )
        for entry in overview.parties.values()
    ]
    headings = ("Party", "speaks for", "version", "expires", "left", "must sign", "reached at")
    terminal.table(headings, rows, empty="no Party is in the list; `epix-node federation admit REQUEST` admits one")
    for party, version in overview.removed.items():
        terminal.line(f"{party} was removed; it may come back with a version above {version}")


def tell_request(terminal: Terminal, request: Request, overview: Overview, codes: tuple[str, ...]) -> None:
    """Everything that the Secretariat vouches for by admitting this request."""
    manifest = request.manifest
    held = overview.parties.get(manifest.party)
    does = "asks to be admitted to" if held is None else "is to be changed in"
    terminal.line(f"{manifest.party} {does} the trust list of {overview.environment}")
    terminal.facts(
        [
            ("speaks for", codes),
            ("is reached at", manifest.base),
            ("promises", promises(manifest)),
            ("register", manifest.log.origin),
            ("role", f"{request.role.threshold} of {len(request.role.keys)} keys must sign"),
            ("version", request.version.number),
        ]
    )
    for number, key in enumerate(manifest.permit_keys, start=1):
        terminal.line(f"permit certificate {number}:", key.status, "from", key.not_before, "to", key.not_after)
        terminal.line("  signs", key.uses)
    if held is not None:
        for change in changes(held, request, codes):
            terminal.line("changed:", change)
    terminal.line("fingerprints, each to be compared with the diplomatic note:")
    tell_fingerprints(terminal, request.fingerprints())


def changes(held: PartyEntry, request: Request, codes: tuple[str, ...]) -> Iterator[str]:
    """A sentence for each thing that the Secretariat would vouch for anew."""
    if set(held.codes) != set(codes):
        yield f"speaks for {', '.join(codes)}; before: {', '.join(held.codes)}"
    if held.role.members != request.role.members:
        yield "the keys of its role, or how many must sign; the ones before are void"
    if held.manifest.base != request.manifest.base:
        yield f"is reached at {', '.join(request.manifest.base)}; before: {', '.join(held.manifest.base)}"


def promises(manifest: Manifest) -> str:
    """The coverage in words."""
    told = [
        f"{', '.join(entry.types)} from {entry.issued_from or 'ever'} on within {entry.published_within_h} h"
        for entry in manifest.coverage
    ]
    return "; ".join(told) or "nothing"


def warnings(published: Published, overview: Overview, now: datetime) -> Iterator[str]:
    """What will expire, and who is to do what about it."""
    for name, expires in published.expiring.items():
        when = f"expires on {expires:%Y-%m-%d} ({left(expires, now)} left)"
        if expires <= now:
            when = f"expired on {expires:%Y-%m-%d}"
        party = name.removeprefix("party-")
        if party in overview.parties:
            yield f"the role of {party} {when}: tell {party} to sign it again; its node does so where it has the keys"
        else:
            yield f"{name} {when}: hold a ceremony, and run `epix-node federation renew` with the offline keys"


def role_keys(role: RoleEntry) -> str:
    """Such as ``3 of 5``."""
    return f"{role.threshold} of {len(role.fingerprints)}"


def left(expires: datetime, now: datetime) -> str:
    """The whole days or hours until then, for people."""
    rest = expires - now
    if rest <= timedelta(0):
        return "EXPIRED"
    if rest >= 2 * _DAY:
        return f"{rest // _DAY} days"
    return f"{rest // _HOUR} h"


def signed_again(before: Overview, after: Overview) -> list[str]:
    """The top-level roles of which there is a newer version."""
    return [new.name for old, new in zip(before.roles, after.roles, strict=True) if old.version != new.version]


def roles_json(overview: Overview) -> list[dict[str, Any]]:
    """The four top-level roles."""
    return [
        {
            "role": role.name,
            "version": role.version,
            "expires": format_time(role.expires),
            "threshold": role.threshold,
            "fingerprints": list(role.fingerprints),
            "keys_here": role.at_hand,
        }
        for role in overview.roles
    ]


def party_json(entry: PartyEntry) -> dict[str, Any]:
    """One Party in the list."""
    return {
        "party": entry.party,
        "codes": list(entry.codes),
        "version": entry.version,
        "expires": format_time(entry.expires),
        "base": list(entry.manifest.base),
        "coverage": [one.model_dump(mode="json") for one in entry.manifest.coverage],
        "threshold": entry.role.threshold,
        "fingerprints": {**entry.role.fingerprints(), **entry.manifest.key_fingerprints()},
    }


def overview_json(overview: Overview) -> dict[str, Any]:
    """The whole list."""
    return {
        "environment": overview.environment,
        "root": str(overview.root_file),
        "fingerprint": overview.fingerprint,
        "roles": roles_json(overview),
        "parties": [party_json(entry) for entry in overview.parties.values()],
        "removed": dict(overview.removed),
    }
