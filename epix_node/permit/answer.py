"""The answer to "is this permit genuine, unused and in force": two separate things, a status and how sure it is.

``conclude`` is the only place where a verdict is made (contract 4): the first of NOT_VALID, INDETERMINATE, VALID
that applies, else UNKNOWN, with every reason that holds. Unknown is never invalid, and a stale mirror never turns a
status into another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from epix_node.clock import format_time
from epix_node.permit.event import Difference
from epix_node.permit.number import PermitKey
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Flag, Status


class Freshness(StrEnum):
    """How old what the answer rests on may be; the worse of trust list and mirror."""

    FRESH = "FRESH"
    STALE = "STALE"
    EXPIRED = "EXPIRED"

    @classmethod
    def worst(cls, *states: Freshness) -> Freshness:
        """The least sure of these."""
        return max(states, key=_LEAST_SURE_LAST.index)


_LEAST_SURE_LAST = list(Freshness)


class Grade(StrEnum):
    """How well the document's register entry is proved (protocol decision 10). It says so, and lowers nothing else."""

    WITNESSED = "WITNESSED"
    LOGGED = "LOGGED"
    UNLOGGED = "UNLOGGED"

    @classmethod
    def of(cls, index: int | None, *, witnessed: int, logged: int) -> Grade:
        """Of the entry at this index of a register: the quorum cosigned ``witnessed`` entries, its log ``logged``."""
        if index is None or index >= max(witnessed, logged):
            return cls.UNLOGGED
        return cls.WITNESSED if index < witnessed else cls.LOGGED


class VerdictWord(StrEnum):
    """What to make of it."""

    VALID = "VALID"
    NOT_VALID = "NOT_VALID"
    UNKNOWN = "UNKNOWN"
    INDETERMINATE = "INDETERMINATE"


class Purpose(StrEnum):
    """For which border the question is asked."""

    EXPORT = "export"
    IMPORT = "import"


class ImportAfterExpiry(StrEnum):
    """The national switch for goods that left in time and arrive after expiry (VAL-10)."""

    REFUSE = "refuse"
    ACCEPT_IF_EXPORTED_IN_TIME = "accept_if_exported_in_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The national and local settings that an answer depends on (contract 4, 6)."""

    import_after_expiry: ImportAfterExpiry = ImportAfterExpiry.ACCEPT_IF_EXPORTED_IN_TIME
    mirror_fresh: timedelta = timedelta(hours=1)
    mirror_stale: timedelta = timedelta(days=7)
    max_merge_delay: timedelta = timedelta(hours=24)
    """A document that its register took later than this after its signature is BACKDATED (C.4 item 9)."""

    def freshness(self, watermark: datetime | None, *, now: datetime) -> Freshness:
        """How fresh a mirror is whose newest verified cosignature is ``watermark``."""
        if watermark is None or now - watermark > self.mirror_stale:
            return Freshness.EXPIRED
        return Freshness.FRESH if now - watermark <= self.mirror_fresh else Freshness.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """Up to where the issuer's register is known. All ``None`` where no node speaks for the issuer."""

    origin: str | None
    size: int | None
    time: datetime | None

    def to_json(self) -> dict[str, Any]:
        """As contract 4 prints it."""
        return {"origin": self.origin, "size": self.size, "time": format_time(self.time) if self.time else None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a verdict is concluded from."""

    status: Status
    flags: tuple[Flag, ...]
    signature: str
    signature_reasons: tuple[Reason, ...] = ()
    mirror: Freshness
    """How fresh what is known of the issuer's register is."""
    trust: Freshness = Freshness.FRESH
    """How sure the keys are that this rests on, or that there is no such key (C.1)."""
    grade: Grade
    differences: tuple[Difference, ...] = ()
    covered: bool = True
    """Whether absence at the issuer was decided; false gives NOT_COVERED with UNKNOWN."""
    backdated: bool = False
    """Whether the register took the document longer after its signature than is allowed."""
    wants_witnesses: bool = False
    """Whether a signed document was shown, and its proof is part of the question (C.6)."""

    @property
    def freshness(self) -> Freshness:
        """The worse of trust list and mirror (contract 4)."""
        return Freshness.worst(self.mirror, self.trust)


_STATUS_REASONS = {
    Status.NOT_ISSUED: Reason.NOT_ISSUED,
    Status.REVOKED: Reason.WITHDRAWN,
    Status.REPLACED: Reason.WITHDRAWN,
    Status.REFUSED: Reason.REFUSED,
    Status.USED: Reason.USED,
    Status.EXPIRED: Reason.EXPIRED,
    Status.NOT_YET_VALID: Reason.NOT_YET_VALID,
}


def conclude(basis: Basis, *, purpose: Purpose, policy: Policy) -> tuple[VerdictWord, tuple[Reason, ...]]:
    """The verdict and its reasons."""
    against = list(_against(basis, purpose=purpose, policy=policy))
    unsure = list(_unsure(basis))
    remarks = [Reason.TRUST_LIST_STALE] if basis.trust is Freshness.STALE else []
    if basis.mirror is Freshness.STALE:
        remarks.append(Reason.MIRROR_STALE)
    if basis.grade is Grade.UNLOGGED and basis.signature == "VALID":
        remarks.append(Reason.NOT_IN_REGISTER)
    if basis.wants_witnesses and basis.grade is Grade.LOGGED:
        remarks.append(Reason.NOT_WITNESSED)
    if basis.backdated:
        remarks.append(Reason.BACKDATED)
    if basis.status is Status.UNKNOWN and not basis.covered:
        remarks.append(Reason.NOT_COVERED)
    reasons = tuple(dict.fromkeys([*basis.signature_reasons, *against, *unsure, *remarks]))
    if against:
        return VerdictWord.NOT_VALID, reasons
    if unsure:
        return VerdictWord.INDETERMINATE, reasons
    if basis.status in {Status.VALID, Status.EXPORTED, Status.PARTLY_USED, Status.EXPIRED}:
        return VerdictWord.VALID, reasons
    return VerdictWord.UNKNOWN, reasons


def _against(basis: Basis, *, purpose: Purpose, policy: Policy) -> Iterable[Reason]:
    # Only a fresh list can say that there is no such key: a newer one may have it (contract 4).
    is_known_bad = basis.signature == "UNTRUSTED" and basis.trust is Freshness.FRESH
    if is_known_bad or basis.signature in {"INVALID", "REVOKED_KEY"}:
        yield from basis.signature_reasons or (Reason.SIGNATURE_INVALID,)
    if any(difference.class_ == "A" for difference in basis.differences):
        yield Reason.CONTENT_DIFFERS
    in_time = basis.status is Status.EXPIRED and Flag.EXPORTED_IN_TIME in basis.flags
    if purpose is Purpose.EXPORT and (basis.status is Status.EXPORTED or in_time):
        yield Reason.USED
    elif _is_excused(basis, in_time=in_time, policy=policy):
        return
    elif basis.status in _STATUS_REASONS:
        yield _STATUS_REASONS[basis.status]


def _is_excused(basis: Basis, *, in_time: bool, policy: Policy) -> bool:
    """The two statuses that speak against a permit only under a condition (contract 4)."""
    if in_time:
        return policy.import_after_expiry is ImportAfterExpiry.ACCEPT_IF_EXPORTED_IN_TIME
    return basis.status is Status.NOT_ISSUED and Flag.REGISTER_DISPUTED in basis.flags


def _unsure(basis: Basis) -> Iterable[Reason]:
    if basis.trust is Freshness.EXPIRED:
        yield Reason.TRUST_LIST_EXPIRED
    elif basis.trust is Freshness.STALE and basis.signature == "UNTRUSTED":
        yield Reason.TRUST_LIST_STALE
    if basis.mirror is Freshness.EXPIRED:
        yield Reason.MIRROR_EXPIRED
    for flag, reason in (
        (Flag.REGISTER_DISPUTED, Reason.REGISTER_DISPUTED),
        (Flag.ENTRY_WITHHELD, Reason.ENTRY_WITHHELD),
        (Flag.CONFIRMED_ELSEWHERE, Reason.CONFIRMED_ELSEWHERE),
    ):
        if flag in basis.flags:
            yield reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status answer; with ``differences`` it is a verdict (contract 4)."""

    status: Status
    flags: tuple[Flag, ...]
    issuer: str | None
    type: str | None
    number: str | None
    year: int | None
    valid_from: date | None
    valid_until: date | None
    replaced_by: PermitKey | None
    lines: tuple[dict[str, Any], ...]
    authoritative: bool
    as_of: datetime
    watermark: Watermark
    freshness: Freshness
    grade: Grade
    signature: str
    verdict: VerdictWord
    reasons: tuple[Reason, ...]
    differences: tuple[Difference, ...] | None = None

    def to_json(self, *, request_id: str) -> dict[str, Any]:
        """As contract 4 prints it."""
        body: dict[str, Any] = {
            "status": self.status.value,
            "flags": [flag.value for flag in self.flags],
            "issuer": self.issuer,
            "type": self.type,
            "number": self.number,
            "year": self.year,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_until": self.valid_until.isoformat() if self.valid_until else None,
        }
        if self.replaced_by is not None:
            body["replaced_by"] = self.replaced_by.to_json()
        body |= {
            "lines": list(self.lines),
            "source": "authoritative" if self.authoritative else "mirror",
            "as_of": format_time(self.as_of),
            "watermark": self.watermark.to_json(),
            "freshness": self.freshness.value,
            "grade": self.grade.value,
            "signature": self.signature,
            "verdict": self.verdict.value,
            "reasons": [reason.value for reason in self.reasons],
            "request_id": request_id,
        }
        if self.differences is not None:
            body["differences"] = [difference.to_json() for difference in self.differences]
        return body
