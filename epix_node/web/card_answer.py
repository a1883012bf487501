"""A status answer out of one card: the same members as ``acts.look.status`` gives, put together from stored texts.

What varies without end (number, dates, lines, time) is joined as text; what the rules conclude depends on a handful
of things, is concluded by the same functions as everywhere else, and is kept. So the fast path has no rule of its own
that could come to differ (``architecture.md`` 1.1).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring

from epix_node.clock import format_time
from epix_node.permit.answer import Basis, Freshness, Grade, Policy, Purpose, conclude
from epix_node.permit.number import PermitKey
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Flag, Standing, Status, is_withheld
from epix_node.signing.verdict import SignatureState
from epix_node.store.answers import Card
from epix_node.store.columns import from_micros
from epix_node.web.desk import Horizon

_DAY = date(2000, 1, 2)
"""Any day will do: only what lies before and after it is asked."""

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Stands where the time of the answer goes: no register was ever known up to then."""

_SURE = (Freshness.FRESH.value, Freshness.FRESH.value)

_ONE_DAY = timedelta(days=1)

MAX_KEPT = 10_000
"""Conclusions kept. There are some hundred combinations; more would be a mistake, not a need."""

_quoted: Callable[[str], str] = encode_basestring
"""As ``json.dumps(…, ensure_ascii=False)`` quotes a text, without a new encoder for each."""


class CardAnswers:
    """Writes answers under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._max_delay_micros = policy.max_merge_delay // timedelta(microseconds=1)
        self._kept: dict[tuple[object, ...], tuple[str, str]] = {}

    def text(
        self,
        card: Card,
        *,
        issuer: str,
        number: str,
        horizon: Horizon,
        grade: Grade,
        purpose: Purpose,
        day: date,
        now: datetime,
        request_id: str,
    ) -> str:
        """The answer as JSON text; issuer, number and type are the card's."""
        today = day.isoformat()
        valid_from, valid_until = card.valid_from, card.valid_until
        given = (
            card.settled,
            card.moving,
            valid_until is not None and valid_until < today,
            valid_from is not None and valid_from > today,
            card.exported_in_time,
            card.untouched,
            card.flags,
            grade,
            card.is_void,
            horizon.disputed,
            card.withheld_since is not None and is_withheld(from_micros(card.withheld_since), now=now),
            card.merge_delay_micros is not None and card.merge_delay_micros > self._max_delay_micros,
            *(_SURE if horizon.authoritative else (horizon.mirror(self._policy, now).value, horizon.trust(now).value)),
            purpose is Purpose.EXPORT,
        )
        kept = self._kept.get(given)
        if kept is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[given] = self._conclude(*given)
        head, tail = kept
        as_of = format_time(now)
        source, before, after = _seen_from(horizon)
        replaced_by = "" if card.replaced_by is None else f'"replaced_by":{card.replaced_by},'
        return (
            f'{head}"issuer":{_quoted(issuer)},"type":{_quoted(card.type)},"number":{_quoted(number)},"year":{card.year},'
            f'"valid_from":{_date(valid_from)},"valid_until":{_date(valid_until)},{replaced_by}"lines":{card.lines},'
            f'"source":"{source}","as_of":"{as_of}",{before}{as_of if after else ""}{after}{tail}'
            f'"request_id":"{request_id}"}}'
        )

    def _conclude(
        self,
        settled: str | None,
        moving: str | None,
        is_past: bool,  # noqa: FBT001 # a row's facts in a fixed order, hashed as they are
        is_early: bool,  # noqa: FBT001
        exported_in_time: int,
        untouched: int,
        flags: str,
        grade: Grade,
        is_void: int,
        is_disputed: bool,  # noqa: FBT001
        is_lacking: bool,  # noqa: FBT001
        is_backdated: bool,  # noqa: FBT001
        mirror: str,
        trust: str,
        is_export: bool,  # noqa: FBT001
    ) -> tuple[str, str]:
        standing = Standing(
            key=PermitKey(issuer="", type="", number="", year=0),
            valid_from=_DAY + _ONE_DAY if is_early else None,
            valid_until=_DAY - _ONE_DAY if is_past else None,
            settled=Status(settled) if settled else None,
            moving=Status(moving) if moving else None,
            exported_in_time=bool(exported_in_time),
            untouched=bool(untouched),
            flags=tuple(Flag(flag) for flag in flags.split(",") if flag),
            replaced_by=None,
            lines=(),
        )
        beside = [Flag.REGISTER_DISPUTED] if is_disputed else []
        beside += [Flag.ENTRY_WITHHELD] if is_lacking else []
        basis = Basis(
            status=standing.status_on(_DAY),
            flags=tuple(flag for flag in Flag if flag in {*standing.flags_on(_DAY), *beside}),
            signature=(SignatureState.REVOKED_KEY if is_void else SignatureState.VALID).value,
            signature_reasons=(Reason.REVOKED_KEY,) if is_void else (),
            mirror=Freshness(mirror),
            trust=Freshness(trust),
            grade=grade,
            backdated=is_backdated,
        )
        verdict, reasons = conclude(basis, purpose=Purpose.EXPORT if is_export else Purpose.IMPORT, policy=self._policy)
        head = f'{{"status":"{basis.status.value}","flags":{_words([flag.value for flag in basis.flags])},'
        tail = (
            f'"freshness":"{basis.freshness.value}","grade":"{basis.grade.value}","signature":"{basis.signature}",'
            f'"verdict":"{verdict.value}","reasons":{_words([reason.value for reason in reasons])},'
        )
        return head, tail


@lru_cache(maxsize=1024)
def _seen_from(horizon: Horizon) -> tuple[str, str, str]:
    """The source, and the watermark round the time of the answer; whole, with nothing after, where it has its own."""
    mark = json.dumps(horizon.watermark(_NEVER).to_json(), ensure_ascii=False, separators=(",", ":"))
    if not horizon.authoritative:
        return "mirror", f'"watermark":{mark},', ""
    before, _, after = mark.rpartition(format_time(_NEVER))
    return "authoritative", f'"watermark":{before}', f"{after},"


def _date(day: str | None) -> str:
    return "null" if day is None else f'"{day}"'


def _words(words: list[str]) -> str:
    return json.dumps(words, separators=(",", ":"))
