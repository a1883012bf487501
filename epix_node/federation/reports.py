"""Tell everybody of a register that has two histories, and hear of it from others (C.4 item 10; ``POST report``).

Evidence needs no trust in who brings it: it is judged before anything is believed, under the key that the trust list
gives for the log. What was found here is sent until every Party in the trust list has it; what is received is not
passed on, since whoever found it tells everybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog

from epix_node.acts import recovery
from epix_node.acts.office import Office
from epix_node.errors import PeerError, PeerRefusedError
from epix_node.federation import comparison, disputes
from epix_node.federation.client import PeerClient
from epix_node.federation.correspondence import ask_each
from epix_node.federation.silence import Silence
from epix_node.federation.visit import PullingNode
from epix_node.register.evidence import Conflict, Finding, Judgement, judge, parse_conflict
from epix_node.store import conflicts, peers
from epix_node.store.conflicts import Dispute
from epix_node.store.database import Database

REPORT_WITHIN = timedelta(seconds=10)
"""Longest wait for one node that is told."""

log = structlog.get_logger("epix_node.federation")


class _Telling:
    """Who has been told what, and who did not answer, in this process; a restart only tells some of them again."""

    def __init__(self) -> None:
        self.told: dict[str, set[str]] = {}
        self.silence = Silence()


_TELLING: WeakKeyDictionary[Database, _Telling] = WeakKeyDictionary()


async def spread(node: PullingNode, *, ignore_backoff: bool = False) -> int:
    """Everybody who can be reached has the evidence that was found here; returns how many were told something now.

    The Party that it is about is told, too.
    """
    database = node.office.database
    waiting = await database.read(conflicts.unreported)
    if not waiting:
        return 0
    telling = _TELLING.setdefault(database, _Telling())
    others = set(node.office.keyring().parties) - {node.office.party}
    told_now = 0
    for dispute in waiting:
        told = telling.told.setdefault(dispute.id, set())
        due = sorted(others - told)
        if not ignore_backoff:
            due = telling.silence.due(due, await database.read(peers.states), now=node.clock())
        answers = await ask_each(node, due, _reporting(dispute), within=REPORT_WITHIN)
        for party, answer in answers.items():
            if _is_done(answer):
                told.add(party)
                telling.silence.answered(party)
                told_now += 1
            else:
                telling.silence.failed(party, now=node.clock())
        if told >= others:
            await database.write(conflicts.mark_reported, dispute.id)
            telling.told.pop(dispute.id)
    return told_now


async def show(node: PullingNode, client: PeerClient, found: Iterable[Dispute]) -> None:
    """The peer that is being asked things anyway has this evidence, if it takes it; otherwise ``spread`` goes on."""
    telling = _TELLING.setdefault(node.office.database, _Telling())
    for dispute in found:
        try:
            await client.report(dispute.evidence)
        except PeerError as error:
            log.info("a peer did not take evidence", party=client.party, problem=str(error))
            return
        telling.told.setdefault(dispute.id, set()).add(client.party)


def _reporting(dispute: Dispute) -> Callable[[PeerClient], Awaitable[str]]:
    async def report(client: PeerClient) -> str:
        await client.report(dispute.evidence)
        return dispute.id

    return report


def _is_done(answer: PeerError | str) -> bool:
    """Whether asking again would change nothing: it was told, or refuses this evidence for what it is."""
    if isinstance(answer, PeerRefusedError):
        return answer.code in {"HTTP_400", "HTTP_404", "HTTP_413", "HTTP_422"}
    return not isinstance(answer, PeerError)


def receive(office: Office, evidence: bytes, *, source: str, now: datetime) -> Judgement:
    """What this evidence shows; a log that it convicts is frozen here, whoever brought it.

    Raises:
        MalformedDocumentError: the bytes are no evidence.
    """
    conflict = parse_conflict(evidence)
    party = _owner(office, conflict)
    if party is None:
        reason = f"nobody in the trust list signs a register with the key {conflict.log.vkey}"
        return Judgement(finding=Finding.NOT_PROVEN, reason=reason)
    judgement = judge(conflict, log_key=conflict.log)
    if not judgement.is_guilty:
        log.info("a report proved nothing", source=source, about=party, reason=judgement.reason)
        return judgement
    if party == office.party:
        _suspect_own(office, conflict, source=source)
        return judgement
    found = office.database.write_now(disputes.convict, conflict, party=party, source=source, now=now, is_reported=True)
    if found is not None:
        disputes.tell(found)
    return judgement


def _suspect_own(office: Office, conflict: Conflict, *, source: str) -> None:
    """The own key signed both: whichever the own register does not lead to, stops it."""
    own = {office.party: office.keyring().manifests[office.party]}
    claims = comparison.claims_in((conflict.note_a, conflict.note_b), own, source=source)
    outcome = office.database.read_now(comparison.compared, claims, own=office.party, follows=lambda _: False)
    for claim in outcome.against_own:
        recovery.suspect(office, claim.note, source=source)


def _owner(office: Office, conflict: Conflict) -> str | None:
    """The Party that has this log key now."""
    for party, manifest in office.keyring().manifests.items():
        if conflict.log in manifest.log_keys:
            return party
    return None
