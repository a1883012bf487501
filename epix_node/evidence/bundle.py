"""What an evidence bundle holds (C.7), and under which names.

    README.txt                         for people
    verdict.json                       what the node that made it said; nobody signed that
    permit.xml, permit.tlog-proof      the signed document, and where it stands in its Party's register
    events/001.xml, .tlog-proof, …     what happened to it, in the order of the registers' times
    trust/1.root.json, 2.root.json, …  from the root that the node had pinned to the newest
    trust/timestamp.json, snapshot.json, targets.json, issuers.json
    trust/parties/XA/role.json, manifest.json      of each Party that signed any of the above

Here nothing is verified: a ``Bundle`` is what somebody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from epix_node.errors import MalformedDocumentError
from epix_node.evidence.archive import read_archive, write_archive
from epix_node.evidence.readme import README
from epix_node.register.tlog_proof import TlogProof, format_tlog_proof, parse_tlog_proof
from epix_node.trust.excerpt import TopRoles, TrustExcerpt
from epix_node.trust.manifest import read_json
from epix_node.trust.signed_version import SignedVersion

MEDIA_TYPE = "application/zip"
MAX_VERDICT_BYTES = 1024 * 1024
MAX_EVENTS = 999
MAX_ROOTS = 257
"""As many root rotations as python-tuf's client follows, and the pinned one."""

_README = "README.txt"
_VERDICT = "verdict.json"
_PERMIT = "permit"
_TOP = ("timestamp", "snapshot", "targets", "issuers")
_EVENT = re.compile(r"events/([0-9]{3})\.xml")
_ROOT = re.compile(r"trust/([1-9][0-9]{0,2})\.root\.json")
_PARTY = re.compile(r"trust/parties/([A-Z]{2})/role\.json")
_NAMES = re.compile(
    r"README\.txt|verdict\.json|permit\.xml|permit\.tlog-proof|events/[0-9]{3}\.(xml|tlog-proof)"
    r"|trust/[1-9][0-9]{0,2}\.root\.json|trust/(timestamp|snapshot|targets|issuers)\.json"
    r"|trust/parties/[A-Z]{2}/(role|manifest)\.json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One signed document, and the proof that it is in its Party's register where there is one.

    The ``extra`` data of the proof are the register's entry, which the proof is about.
    """

    xml: bytes = field(repr=False)
    proof: TlogProof | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that a bundle says; README.txt says the same in each."""

    permit: Exhibit
    events: tuple[Exhibit, ...] = ()
    trust: TrustExcerpt
    verdict: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """The permit and what happened to it."""
        return (self.permit, *self.events)

    def to_bytes(self) -> bytes:
        """The file: equal bundles give equal bytes. Raises ``ValueError`` for more than ``parse`` takes."""
        if len(self.events) > MAX_EVENTS or len(self.trust.roots) > MAX_ROOTS:
            raise ValueError(f"a bundle has at most {MAX_EVENTS} events and {MAX_ROOTS} roots")
        return write_archive(self._members())

    def _members(self) -> Iterator[tuple[str, bytes]]:
        yield _README, README.encode()
        yield _VERDICT, rfc8785.dumps(dict(self.verdict)) + b"\n"
        yield from _exhibit_members(_PERMIT, self.permit)
        for number, event in enumerate(self.events, start=1):
            yield from _exhibit_members(f"events/{number:03}", event)
        for number, root in enumerate(self.trust.roots, start=1):
            yield f"trust/{number}.root.json", root
        chain = self.trust.chain
        if chain is not None:
            files = (chain.timestamp, chain.snapshot, chain.targets, chain.issuers_file)
            for name, data in zip(_TOP, files, strict=True):
                yield f"trust/{name}.json", data
        for party, version in sorted(self.trust.parties.items()):
            yield f"trust/parties/{party}/role.json", version.role
            yield f"trust/parties/{party}/manifest.json", version.manifest_file

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """What these bytes say, nothing of it verified.

        Raises:
            MalformedDocumentError: they are no bundle; code NOT_A_DOCUMENT, TOO_LARGE or LIMIT_EXCEEDED.
        """
        members = read_archive(data)
        unknown = sorted(name for name in members if not _NAMES.fullmatch(name))
        if unknown:
            raise _refusal(f"it has a member {unknown[0]}")
        if _VERDICT not in members:
            raise _refusal(f"it has no {_VERDICT}")
        if members.get(_README) != README.encode():
            # Nobody signs it, and whoever opens a bundle acts on it: a forger would say where to get a root.
            raise _refusal(f"{_README} does not say what it says in every bundle")
        events = tuple(
            _exhibit(members, name.removesuffix(".xml"))
            for name in _counted(sorted(name for name in members if _EVENT.fullmatch(name)), "events/{:03}.xml")
        )
        bundle = cls(
            permit=_exhibit(members, _PERMIT), events=events, trust=_trust(members), verdict=_verdict(members[_VERDICT])
        )
        # A proof without its document, one half of a Party: what is not part of what was read above.
        orphans = sorted(set(members) - {name for name, _ in bundle._members()})
        if orphans:
            raise _refusal(f"{orphans[0]} belongs to nothing")
        return bundle


def _exhibit_members(name: str, exhibit: Exhibit) -> Iterator[tuple[str, bytes]]:
    yield f"{name}.xml", exhibit.xml
    if exhibit.proof is not None:
        yield f"{name}.tlog-proof", format_tlog_proof(exhibit.proof)


def _exhibit(members: Mapping[str, bytes], name: str) -> Exhibit:
    if f"{name}.xml" not in members:
        raise _refusal(f"it has no {name}.xml")
    proof = members.get(f"{name}.tlog-proof")
    try:
        return Exhibit(xml=members[f"{name}.xml"], proof=parse_tlog_proof(proof) if proof is not None else None)
    except MalformedDocumentError as error:
        raise _refusal(f"{name}.tlog-proof: {error}") from error


def _trust(members: Mapping[str, bytes]) -> TrustExcerpt:
    roots = sorted((name for name in members if _ROOT.fullmatch(name)), key=lambda name: (len(name), name))
    if len(roots) > MAX_ROOTS:
        raise _refusal(f"{len(roots)} roots: at most {MAX_ROOTS}", code="LIMIT_EXCEEDED")
    held = [members.get(f"trust/{name}.json") for name in _TOP]
    files = [data for data in held if data is not None]
    if len(files) not in {0, len(_TOP)} or (files and not roots):
        raise _refusal("a part of the trust list's metadata is missing")
    parties: dict[str, SignedVersion] = {}
    for name in members:
        found = _PARTY.fullmatch(name)
        if found is None:
            continue
        manifest = members.get(f"trust/parties/{found.group(1)}/manifest.json")
        if manifest is None:
            raise _refusal(f"it has no manifest beside {name}")
        parties[found.group(1)] = SignedVersion(role=members[name], manifest_file=manifest)
    return TrustExcerpt(
        roots=tuple(members[name] for name in _counted(roots, "trust/{}.root.json")),
        chain=TopRoles(timestamp=files[0], snapshot=files[1], targets=files[2], issuers_file=files[3])
        if files
        else None,
        parties=parties,
    )


def _verdict(data: bytes) -> Mapping[str, Any]:
    try:
        said = read_json(data, _VERDICT, max_bytes=MAX_VERDICT_BYTES)
        if not isinstance(said, dict) or rfc8785.dumps(said) + b"\n" != data:
            raise _refusal(f"{_VERDICT} is no JSON object in its one spelling")
    except (MalformedDocumentError, ValueError, RecursionError) as error:  # rfc8785's own errors are ValueErrors
        raise _refusal(f"{_VERDICT} is no JSON object in its one spelling") from error
    return said


def _counted(names: list[str], pattern: str) -> list[str]:
    """The names, where they count from 1 without a gap: a member taken away is noticed."""
    if names != [pattern.format(number) for number in range(1, len(names) + 1)]:
        raise _refusal(f"a member is missing: expected {pattern.format(1)} and so on")
    return names


def _refusal(why: str, *, code: str = "NOT_A_DOCUMENT") -> MalformedDocumentError:
    return MalformedDocumentError(f"not an evidence bundle: {why}", code=code)
