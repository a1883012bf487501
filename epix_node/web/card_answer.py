"""A status answer out of one card: the same members as ``acts.look.status`` gives, put together from stored texts.

What varies without end (number, dates, lines, time) is joined as text; what the rules conclude depends on a handful
of things, is concluded by the same functions as everywhere else, and is kept. So the fast path has no rule of its own
that could come to differ (``architecture.md`` 1.1).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta

from epix_node.clock import format_time
from epix_node.permit.answer import Basis, Freshness, Grade, Policy, Purpose, conclude
from epix_node.permit.number import PermitKey
from epix_node.permit.status import Flag, Standing, Status
from epix_node.signing.verdict import SignatureState
from epix_node.store.answers import Card
from epix_node.web.desk import Horizon

_DAY = date(2000, 1, 2)
"""Any day will do: only what lies before and after it is asked."""

_ONE_DAY = timedelta(days=1)

MAX_KEPT = 10_000
"""Conclusions kept. There are some hundred combinations; more would be a mistake, not a need."""

_quoted: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode


class CardAnswers:
    """Writes answers under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._kept: dict[tuple[object, ...], tuple[str, str]] = {}

    def text(
        self,
        card: Card,
        *,
        issuer: str,
        number: str,
        horizon: Horizon,
        purpose: Purpose,
        day: date,
        now: datetime,
        request_id: str,
    ) -> str:
        """The answer as JSON text; issuer, number and type are the card's."""
        today = day.isoformat()
        freshness = horizon.freshness(self._policy, now)
        head, tail = self._concluded(
            card.settled,
            card.moving,
            card.valid_until is not None and card.valid_until < today,
            card.valid_from is not None and card.valid_from > today,
            card.exported_in_time,
            card.untouched,
            card.flags,
            card.register_index is None,
            freshness,
            purpose,
        )
        as_of = format_time(now)
        if horizon.authoritative:
            source, time = "authoritative", f'"{as_of}"'
        else:
            source, time = "mirror", "null" if horizon.time is None else f'"{format_time(horizon.time)}"'
        valid_from = "null" if card.valid_from is None else f'"{card.valid_from}"'
        valid_until = "null" if card.valid_until is None else f'"{card.valid_until}"'
        replaced_by = "" if card.replaced_by is None else f'"replaced_by":{card.replaced_by},'
        origin = "null" if horizon.origin is None else _quoted(horizon.origin)
        size = "null" if horizon.size is None else horizon.size
        return (
            f'{head}"issuer":"{issuer}","type":{_quoted(card.type)},"number":{_quoted(number)},"year":{card.year},'
            f'"valid_from":{valid_from},"valid_until":{valid_until},{replaced_by}"lines":{card.lines},'
            f'"source":"{source}","as_of":"{as_of}",'
            f'"watermark":{{"origin":{origin},"size":{size},"time":{time}}},{tail}"request_id":"{request_id}"}}'
        )

    def _concluded(self, *given: object) -> tuple[str, str]:
        kept = self._kept.get(given)
        if kept is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[given] = self._conclude(*given)  # type: ignore[arg-type] # as `text` passes them
        return kept

    def _conclude(
        self,
        settled: str | None,
        moving: str | None,
        is_past: bool,  # noqa: FBT001 # a row's facts in a fixed order, hashed as they are
        is_early: bool,  # noqa: FBT001
        exported_in_time: int,
        untouched: int,
        flags: str,
        is_unlogged: bool,  # noqa: FBT001
        freshness: Freshness,
        purpose: Purpose,
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
        basis = Basis(
            status=standing.status_on(_DAY),
            flags=tuple(flag for flag in Flag if flag in set(standing.flags_on(_DAY))),
            signature=SignatureState.VALID.value,
            freshness=freshness,
            grade=Grade.UNLOGGED if is_unlogged else Grade.LOGGED,
        )
        verdict, reasons = conclude(basis, purpose=purpose, policy=self._policy)
        head = f'{{"status":"{basis.status.value}","flags":{_words([flag.value for flag in basis.flags])},'
        tail = (
            f'"freshness":"{freshness.value}","grade":"{basis.grade.value}","signature":"{basis.signature}",'
            f'"verdict":"{verdict.value}","reasons":{_words([reason.value for reason in reasons])},'
        )
        return head, tail


def _words(words: list[str]) -> str:
    return json.dumps(words, separators=(",", ":"))
