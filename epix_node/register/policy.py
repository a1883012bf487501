"""Whose cosignatures make a checkpoint ``WITNESSED`` (decision 10; C.4 item 7; c2sp.org/tlog-policy).

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> any|all|<k> <name>…
    quorum <name>|none

A name is defined on a line before the one that uses it, and stands in at most one group, so each witness counts once.

``quorum none`` asks for no witness, so by the letter of the specification every checkpoint satisfies it. Here it is
satisfied by *nothing*, unless the caller says ``none_suffices``: a node without witnesses must not call its register
witnessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from epix_node.errors import MalformedDocumentError
from epix_node.register.cosignature import Cosignature
from epix_node.register.note import KeyKind, VerifierKey

MAX_POLICY_BYTES = 256 * 1024
"""Longest policy file accepted, in bytes of UTF-8."""

MAX_LINES_OF_A_KIND = 256
"""Most logs, witnesses and groups; the specification asks for at least 32 of each."""

_SOME_TIME = datetime.max.replace(tzinfo=UTC)
_NONE = "none"
_NUMBER = re.compile("[1-9][0-9]{0,3}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # control characters but tab and newline


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLog:
    """A log that a checkpoint may come from; ``url`` means what the reader of the policy makes of it."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One witness under its name in the policy; ``url`` should be where add-checkpoint is offered."""

    name: str
    key: VerifierKey
    url: str | None = None

    def earliest_time(self, times: Mapping[VerifierKey, datetime]) -> datetime | None:
        """When this witness cosigned; None if it did not."""
        return times.get(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Has witnessed what at least ``threshold`` of its members have. Raises ``ValueError`` for an impossible one."""

    name: str
    threshold: int
    members: tuple[Witness | Group, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= len(self.members):
            raise ValueError(f"group {self.name}: {self.threshold} of {len(self.members)} members, expected 1 to all")

    def earliest_time(self, times: Mapping[VerifierKey, datetime]) -> datetime | None:
        """When the last of the quickest members had witnessed; None where too few have.

        Members are groups or witnesses; of a group with threshold k it is the k-th earliest time of its members.
        """
        reached = sorted(at for member in self.members if (at := member.earliest_time(times)) is not None)
        return reached[self.threshold - 1] if len(reached) >= self.threshold else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPolicy:
    """Known logs, known witnesses, and which of them are enough; a ``quorum`` of None is ``quorum none``."""

    logs: tuple[KnownLog, ...] = ()
    witnesses: tuple[Witness, ...]
    quorum: Witness | Group | None

    @classmethod
    def any_of(cls, keys: Mapping[str, VerifierKey], threshold: int) -> WitnessPolicy:
        """Any ``threshold`` of these witnesses, by their names.

        Raises ``ValueError`` unless 1 ≤ ``threshold`` ≤ their number, and for a key that is twice there or is not for
        cosigning.
        """
        witnesses = tuple(Witness(name=name, key=key) for name, key in keys.items())
        if any(key.kind is not KeyKind.COSIGNATURE for key in keys.values()):
            raise ValueError("the key of a witness is one for cosigning")
        if len({key.public for key in keys.values()}) != len(keys):
            raise ValueError("two witnesses with one key would count twice")
        return cls(witnesses=witnesses, quorum=Group(name="quorum", threshold=threshold, members=witnesses))

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Of all witnesses, whether or not the quorum names them."""
        return tuple(witness.key for witness in self.witnesses)

    def satisfied_by(self, cosigned: Collection[VerifierKey], *, none_suffices: bool = False) -> bool:
        """Whether cosignatures by these keys are enough. ``none_suffices`` is the answer for ``quorum none``."""
        if self.quorum is None:
            return none_suffices
        return self.quorum.earliest_time(dict.fromkeys(cosigned, _SOME_TIME)) is not None

    def earliest_time(self, cosignatures: Iterable[Cosignature]) -> datetime | None:
        """By when the quorum had cosigned; None where it has not, and for ``quorum none``.

        Of several cosignatures by one key the earliest counts: it shows the checkpoint to be as old as that.
        """
        times: dict[VerifierKey, datetime] = {}
        for cosignature in cosignatures:
            times[cosignature.key] = min(cosignature.at, times.get(cosignature.key, cosignature.at))
        return None if self.quorum is None else self.quorum.earliest_time(times)


def parse_policy(text: str) -> WitnessPolicy:
    """The policy in this text. Raises ``MalformedDocumentError``, naming the line, for anything that is not one."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise MalformedDocumentError(f"witness policy: at most {MAX_POLICY_BYTES} bytes", code="TOO_LARGE")
    if _FORBIDDEN.search(text):
        raise MalformedDocumentError("witness policy: no control characters but tab and newline")
    draft = _Draft()
    for number, words in _lines(text):
        try:
            draft.take(*words)
        except (ValueError, MalformedDocumentError) as error:
            raise MalformedDocumentError(f"witness policy, line {number}: {error}") from error
    return draft.policy()


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The numbered lines that say something, in words. White space is space and tab, and nothing else."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word for word in re.split("[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            yield number, words


class _Draft:
    """What the lines so far have defined. Its methods raise ``ValueError`` for a line that cannot follow them."""

    def __init__(self) -> None:
        self._logs: dict[bytes, KnownLog] = {}
        self._witnesses: dict[bytes, Witness] = {}
        self._names: dict[str, Witness | Group] = {}
        self._in_a_group: set[str] = set()
        self._quorum: list[Witness | Group | None] = []

    def take(self, kind: str, *words: str) -> None:
        match kind, words:
            case "log", (vkey, *url) if len(url) <= 1:
                self._log(VerifierKey.parse(vkey), url)
            case "witness", (name, vkey, *url) if len(url) <= 1:
                self._witness(name, VerifierKey.parse(vkey), url)
            case "group", (name, threshold, *members):
                self._group(name, threshold, members)
            case "quorum", (name,):
                self._only_quorum(name)
            case _:
                raise ValueError("expected log, witness, group or quorum with their words")

    def policy(self) -> WitnessPolicy:
        if not self._quorum:
            raise MalformedDocumentError("witness policy: there is no quorum line")
        logs, witnesses = tuple(self._logs.values()), tuple(self._witnesses.values())
        return WitnessPolicy(logs=logs, witnesses=witnesses, quorum=self._quorum[0])

    def _log(self, key: VerifierKey, url: list[str]) -> None:
        if key.kind is not KeyKind.NOTE:
            raise ValueError(f"key {key.name} is not for signing notes")
        if key.public in self._logs:
            raise ValueError(f"key {key.name} is that of a log before it")
        self._logs[key.public] = KnownLog(key=key, url=url[0] if url else None)
        self._require_few(self._logs, "logs")

    def _witness(self, name: str, key: VerifierKey, url: list[str]) -> None:
        if key.kind is not KeyKind.COSIGNATURE:
            raise ValueError(f"key {key.name} is not for cosigning")
        if key.public in self._witnesses:
            raise ValueError(f"key {key.name} is that of a witness before it")
        witness = Witness(name=name, key=key, url=url[0] if url else None)
        self._define(name, witness)
        self._witnesses[key.public] = witness

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        if len(set(members)) != len(members) or not self._in_a_group.isdisjoint(members):
            raise ValueError(f"group {name}: a member is in a group already")
        known = tuple(self._named(member) for member in members)
        counts = {"any": 1, "all": len(members)}
        if threshold not in counts and not _NUMBER.fullmatch(threshold):
            raise ValueError(f"group {name}: expected any, all or a number, not {threshold!r}")
        least = counts[threshold] if threshold in counts else int(threshold)
        self._define(name, Group(name=name, threshold=least, members=known))
        self._in_a_group.update(members)

    def _only_quorum(self, name: str) -> None:
        if self._quorum:
            raise ValueError("there is a quorum line before it")
        self._quorum.append(None if name == _NONE else self._named(name))

    def _define(self, name: str, defined: Witness | Group) -> None:
        if name == _NONE or name in self._names:
            raise ValueError(f"the name {name!r} is taken")
        self._names[name] = defined
        kind = type(defined)
        self._require_few([other for other in self._names.values() if type(other) is kind], "witnesses or groups")

    def _named(self, name: str) -> Witness | Group:
        if name not in self._names:
            raise ValueError(f"no line before it defines {name!r}")
        return self._names[name]

    @staticmethod
    def _require_few(lines: Collection[object], what: str) -> None:
        if len(lines) > MAX_LINES_OF_A_KIND:
            raise ValueError(f"at most {MAX_LINES_OF_A_KIND} {what}")
