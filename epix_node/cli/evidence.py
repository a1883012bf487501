"""What ``epix-node register judge`` says: who, which register, which sizes, and what to do about it.

The evidence names the key that signed. Whose key that is, only a trust list says, or whoever sits there: evidence made
with a key of one's own proves something about that key alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, read_input
from epix_node.cli.terminal import Terminal
from epix_node.register.evidence import MAX_CONFLICT_BYTES, Conflict, Judgement, judge, parse_conflict
from epix_node.register.note import VerifierKey

if TYPE_CHECKING:
    from epix_node.register.checkpoint import Checkpoint
    from epix_node.trust.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One piece of evidence, judged. ``party`` is whose key it is by the trust list here; None: it is not known."""

    conflict: Conflict
    judgement: Judgement
    party: str | None
    is_key_known: bool
    """By a trust list, or because whoever asks gave the key; false: nobody said whose it is."""
    has_list: bool

    @property
    def is_proven(self) -> bool:
        """The evidence convicts a key of which it is known whose it is."""
        return self.judgement.is_guilty and self.is_key_known

    @property
    def is_open(self) -> bool:
        """It convicts a key, and whose that is, nobody here can say: anybody makes such evidence with a key of his."""
        return self.judgement.is_guilty and not self.is_key_known and not self.has_list

    @property
    def exit_code(self) -> ExitCode:
        """For scripts."""
        if self.is_proven:
            return ExitCode.OK
        return ExitCode.CANNOT_SAY if self.is_open else ExitCode.NEGATIVE

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        if self.judgement.is_guilty and not self.is_proven and not self.is_open:
            return f"nobody in the trust list of this node signs a register with the key {self.conflict.log.vkey}"
        return self.judgement.reason

    @property
    def advice(self) -> str:
        """What to do."""
        if self.is_open:
            return (
                "compare the key with the one in the Party's manifest before you act, and give it with --log-key: this "
                "evidence does not say whose it is"
            )
        if not self.is_proven:
            return "nothing follows from it; ask whoever gave it to you for better"
        who = self.party or "the Party that has this key"
        return f"believe {who} nothing unasked, tell the Secretariat, and hand this file on: anybody can judge it"

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "proven": self.is_proven,
            "finding": self.judgement.finding.value,
            "id": self.conflict.id,
            "party": self.party,
            "origin": self.conflict.log.name,
            "log_key": self.conflict.log.vkey,
            "reason": self.reason,
            "smaller": _tree(self.judgement.smaller),
            "larger": _tree(self.judgement.larger),
            "advice": self.advice,
        }

    def tell(self, terminal: Terminal) -> None:
        """The same for people."""
        unknown = "TWO HISTORIES, SIGNED WITH A KEY THAT IS NOT KNOWN HERE"
        terminal.line(unknown if self.is_open else "TWO HISTORIES" if self.is_proven else "NOT PROVEN")
        facts = [("register", self.conflict.log.name), ("party", self.party or "not known here"), ("why", self.reason)]
        for name, tree in (("smaller tree", self.judgement.smaller), ("larger tree", self.judgement.larger)):
            if tree is not None:
                facts.append((name, f"{tree.size} entries, root {tree.root.hex()}"))
        if self.judgement.prefix_root is not None and self.judgement.smaller is not None:
            root = self.judgement.prefix_root.hex()
            facts.append(("but in the larger", f"the first {self.judgement.smaller.size} entries have root {root}"))
        terminal.facts(
            [*facts, ("key", self.conflict.log.vkey), ("evidence", self.conflict.id), ("to do", self.advice)]
        )


def judged(invocation: Invocation, file: Path, *, log_key: str | None) -> Case:
    """The evidence in this file, judged.

    Raises:
        MalformedDocumentError: the file, or the key that was given, is none.
        InputError: the file cannot be read.
    """
    conflict = parse_conflict(read_input(file, max_bytes=MAX_CONFLICT_BYTES))
    given = VerifierKey.parse(log_key) if log_key is not None else None
    manifests = _manifests(invocation) if given is None else {}
    party = next((code for code, one in manifests.items() if conflict.log in one.log_keys), None)
    return Case(
        conflict=conflict,
        judgement=judge(conflict, log_key=given or conflict.log),
        party=party,
        is_key_known=given is not None or party is not None,
        has_list=bool(manifests),
    )


def _manifests(invocation: Invocation) -> dict[str, Manifest]:
    """The manifests that the node here knows, its own among them; none where there is no node."""
    from epix_node.store import trust as trust_store
    from epix_node.trust.manifest import parse_manifest
    from epix_node.trust.signed_version import SignedVersion
    from epix_node.trust.trust_list import TrustList

    if not invocation.has_config():
        return {}
    with invocation.database() as (database, _):
        held = database.read_now(trust_store.held)
    known = dict(TrustList.from_bytes(held.trust_list).manifests) if held.trust_list is not None else {}
    if known and held.own is not None:
        own = parse_manifest(SignedVersion.parse(held.own).manifest_file)
        known[own.party] = own
    return known


def _tree(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    return {"size": checkpoint.size, "root": checkpoint.root.hex()} if checkpoint is not None else None
