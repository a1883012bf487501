"""Bring waiting notices to whom the configuration names, at least once each.

Nothing of it is in a transaction while it is sent, so that a slow receiver keeps nobody else from writing. Each channel
goes by itself, and after one failure it rests for this run, so that one that is dead costs one try and the other goes
on. What failed, and what was not tried for that reason, waits for the end of a back-off that is in the database; what
failed least often comes first, so that a notice that a receiver cannot take does not keep others from it.

After seven days a notice is dropped with a line in the log: who did not look for so long reads the findings. Where
nobody is to be told, notices are dropped without a word.

A crash after the receiver took a notice and before that was written down brings it twice, with the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

import structlog

from epix_node.config import Config
from epix_node.federation.backoff import Backoff, after_failure
from epix_node.node import Node
from epix_node.notices.mail import Mail
from epix_node.notices.message import Message, about, trial
from epix_node.notices.webhook import Webhook
from epix_node.store import findings, notices
from epix_node.store.database import Session
from epix_node.store.notices import Channel, Notice
from epix_node.watchdog import beat

KEEP = timedelta(days=7)
"""How long a notice is tried."""

PATIENCE = timedelta(seconds=30)
"""How long one try may take."""

PATIENCE_ON_A_SHARED_CLOCK = timedelta(seconds=5)
"""The same where a tick waits for it (contract 7)."""

MOST_AT_ONCE = 50
"""Notices that one run takes up; the next takes up more."""

log = structlog.get_logger("epix_node.notices")

Receiver = Webhook | Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a test notice came to at one receiver; ``problem`` is None where it was taken."""

    channel: Channel
    place: str
    problem: str | None


def receivers(config: Config) -> tuple[Receiver, ...]:
    """Those that ``[notify]`` names."""
    told = config.notify
    patience = PATIENCE if config.shared_clock is None else PATIENCE_ON_A_SHARED_CLOCK
    found: list[Receiver] = []
    if told.webhook_url is not None and config.webhook_secret_file is not None:
        found.append(Webhook(url=told.webhook_url, secret_file=config.webhook_secret_file, patience=patience))
    if told.email_to and told.email_from is not None and told.smtp_address is not None:
        host, port = told.smtp_address
        found.append(
            Mail(
                host=host,
                port=port,
                security=told.smtp_security,
                sender=told.email_from,
                recipients=told.email_to,
                user=told.smtp_user,
                password_file=config.smtp_password_file,
                patience=patience,
            )
        )
    return tuple(found)


async def deliver(node: Node, *, ignore_backoff: bool = False) -> int:
    """Every notice that is due was tried once, unless its receiver failed before; returns how many tries succeeded."""
    now = node.clock()
    due = await node.database.read(notices.due, now=None if ignore_backoff else now, limit=MOST_AT_ONCE)
    if not due:
        return 0
    to = receivers(node.config)
    needed = frozenset(receiver.channel for receiver in to)
    due = await _without(node, due, needed, now=now)
    ended = await asyncio.gather(*(_bring(node, receiver, due, needed) for receiver in to), return_exceptions=True)
    brought = [run for run in ended if isinstance(run, _Run)]
    await _put_off(node, due, brought, now=now)
    for run in ended:
        if isinstance(run, BaseException):  # such as a database that is away: the channel ended there
            raise run
    return sum(len(run.taken) for run in brought)


async def try_out(node: Node) -> tuple[Tried, ...]:
    """Each receiver was sent a notice about nothing, once."""
    message = trial(party=node.party, ruleset=node.office.ruleset.id, now=node.clock())
    to = receivers(node.config)
    problems = await asyncio.gather(*(receiver.send(message) for receiver in to))
    return tuple(
        Tried(channel=receiver.channel, place=receiver.place, problem=problem)
        for receiver, problem in zip(to, problems, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one channel did with the notices that were due."""

    taken: frozenset[str]
    failed: frozenset[str]
    untried: frozenset[str]


async def _without(
    node: Node, due: Sequence[Notice], needed: frozenset[Channel], *, now: datetime
) -> tuple[Notice, ...]:
    """Those that are still to be brought to somebody; the others are dropped."""
    late = {notice.id for notice in due if now - notice.opened > KEEP}
    if needed:
        for notice in due:
            if notice.id in late:
                log.warning("notice dropped", notice=notice.id, finding=notice.finding_id, tries=notice.tries)
    over = late | {notice.id for notice in due if needed <= notice.done}
    if over:
        await node.database.write(notices.drop, over)
    return tuple(notice for notice in due if notice.id not in over)


async def _bring(node: Node, receiver: Receiver, due: Sequence[Notice], needed: frozenset[Channel]) -> _Run:
    """One notice after the other, up to the first that the receiver does not take."""
    taken: set[str] = set()
    wanted = [notice for notice in due if receiver.channel not in notice.done]
    for position, notice in enumerate(wanted):
        message = await node.database.read(_message, node, notice)
        problem = await receiver.send(message) if message is not None else None
        beat()
        if problem is not None:
            log.warning(
                "notice not delivered",
                channel=receiver.channel.value,
                notice=notice.id,
                finding=notice.finding_id,
                tries=notice.tries + 1,
                problem=problem,
            )
            untried = frozenset(one.id for one in wanted[position + 1 :])
            return _Run(taken=frozenset(taken), failed=frozenset({notice.id}), untried=untried)
        await node.database.write(notices.take, notice.id, receiver.channel, needed=needed)
        taken.add(notice.id)
        log.info("notice delivered", channel=receiver.channel.value, notice=notice.id, finding=notice.finding_id)
    return _Run(taken=frozenset(taken), failed=frozenset(), untried=frozenset())


async def _put_off(node: Node, due: Sequence[Notice], brought: Sequence[_Run], *, now: datetime) -> None:
    """What was not taken by everybody waits; what was not tried waits as long as what failed instead of it."""
    tries = {notice.id: notice.tries for notice in due}
    until: dict[str, datetime] = {}
    failed: set[str] = set()
    for run in brought:
        for notice_id in run.failed:
            ends = after_failure(Backoff(failures=tries[notice_id]), now=now, random=random).until
            assert ends is not None
            failed.add(notice_id)
            for one in (notice_id, *run.untried):
                until[one] = max(ends, until.get(one, ends))
    if until:
        await node.database.write(notices.put_off, until, failed=frozenset(failed))


def _message(session: Session, node: Node, notice: Notice) -> Message | None:
    """What the notice says now; None where its finding is gone, of which there is nothing to tell."""
    finding = findings.find(session, notice.finding_id)
    if finding is None:
        return None
    return about(notice.id, finding, party=node.party, origin_of=node.office.origin_of)
