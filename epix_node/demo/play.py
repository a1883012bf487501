"""What the people of one scene do: offices of several countries, each through the national API of its own node.

Only keys are changed otherwise: by the country's custodian, at the machine of the node.

Every deed is told in one line, so that the demo prints what happened. An answer that no scene plays for (a refused
permit, a server error) raises; an answer that is merely not the one expected is kept as a difference, so that the
story goes on and everything that is wrong is printed at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from epix_node.clock import format_time
from epix_node.demo.custodian import Custodian
from epix_node.demo.papers import Paper
from epix_node.federation.national import NationalClient

Desk = tuple[str, str]
"""A Party and a role of contract 4: whose token a request carries."""

_SHOWN_CHARACTERS = 8
"""Of a key id: as many as ``epix-node keys revoke`` needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Somebody did something; ``told`` goes on after the Party's code."""

    at: datetime
    party: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ``party`` was told about a permit that was signed ``signed``; verdicts with their reasons."""

    number: str
    signed: str
    party: str
    expected: str
    seen: str


class Play:
    """The hands of one scene. ``key`` starts the event ids of the scene, which are unique on each node."""

    def __init__(
        self,
        key: str,
        *,
        desks: Mapping[Desk, NationalClient],
        custodians: Mapping[str, Custodian],
        now: Callable[[], datetime],
    ) -> None:
        self._key = key
        self._desks = desks
        self._custodians = custodians
        self._now = now
        self._events = 0
        self.deeds: list[Deed] = []
        self.answers: list[Answer] = []
        self.differences: list[str] = []

    @property
    def now(self) -> datetime:
        """The moment at which the scene stands."""
        return self._now()

    @property
    def today(self) -> date:
        """The day on which the scene stands; sandbox Parties count their days in UTC."""
        return self._now().date()

    def happens(self, party: str, told: str, *, at: datetime) -> None:
        """Something in this country of which no node hears."""
        self.deeds.append(Deed(at=at, party=party, told=told))

    async def publish(self, paper: Paper, *, by: str | None = None) -> Paper:
        """The issuer published it, or somebody else at its desk; the returned paper carries its token."""
        answer = await self._post(paper.issuer, "authority", "/api/v1/permits", paper.to_json(), 201)
        route = f"in transit through {', '.join(paper.transit)}" if paper.transit else ""
        issues = f"{by} issues" if by is not None else "issues"
        self._tell(paper.issuer, f"{issues} {_kind(paper)} {paper.number} to {paper.destination}: {paper.cargo}", route)
        return replace(paper, token=answer["token"])

    async def rotate_key(self, party: str) -> None:
        """The country has a new signing key, which signs from now on; its node went on running."""
        kid = await self._custodians[party].rotate()
        self._tell(party, f"runs `epix-node keys rotate signing`: key {kid[:_SHOWN_CHARACTERS]} signs from now on")

    async def revoke_key(self, party: str, *, since: datetime, reason: str) -> None:
        """The country revoked its newest signing key from that time on."""
        custodian = self._custodians[party]
        kid = custodian.newest_key()[:_SHOWN_CHARACTERS]
        await custodian.revoke(kid, since=since, reason=reason)
        self._tell(party, f'runs `epix-node keys revoke {kid} --since {format_time(since)} --reason "{reason}"`')

    async def withdraw(self, paper: Paper, reason: str) -> None:
        """The issuer took it back."""
        path = f"/api/v1/permits/{paper.issuer}/{paper.number}/withdrawal"
        await self._post(paper.issuer, "authority", path, {"reason": reason}, 201)
        self._tell(paper.issuer, f"withdraws {paper.number} as {reason}")

    async def reissue(self, paper: Paper, number: str) -> Paper:
        """The issuer replaced it; the returned paper is the new one."""
        new = paper.reissued(number)
        path = f"/api/v1/permits/{paper.issuer}/{paper.number}/replacement"
        answer = await self._post(paper.issuer, "authority", path, new.to_json(), 201)
        self._tell(paper.issuer, f"replaces {paper.number} by {number}")
        return replace(new, token=answer["token"])

    async def verify(
        self,
        party: str,
        paper: Paper,
        *,
        verdict: str,
        reason: str | None = None,
        signed: str | None = None,
        presented: Mapping[str, Any] | None = None,
        record: bool = False,
    ) -> None:
        """Customs of ``party`` asked about the paper; with ``record`` what it says was reported to its issuer.

        With ``signed``, which says when or by whom, the answer is one of those shown at the end; then it must be this
        verdict for this ``reason`` alone, or for none.
        """
        body: dict[str, Any] = {"issuer": paper.issuer, "number": paper.number, "proof": _proof(paper)}
        if presented is not None:
            body["presented"] = presented
        if record:
            body |= {
                "record": True,
                "event_id": self._event_id(party),
                "office": _office(party),
                "date": str(self.today),
            }
        answer = await self._post(party, "customs", "/api/v1/verifications", body, 200)
        seen = _verdict(answer["verdict"], answer["reasons"])
        self._tell(party, f"verifies {paper.number}: {seen}", _differing(answer))
        what = f"{party}'s verdict on {paper.number}"
        if signed is None:
            self._expect(what, answer["verdict"], verdict)
            return
        expected = _verdict(verdict, [reason] if reason is not None else [])
        self.answers.append(Answer(number=paper.number, signed=signed, party=party, expected=expected, seen=seen))
        self._expect(what, seen, expected)

    async def endorse(self, paper: Paper, quantity: str, *, transport: str | None = None) -> None:
        """Customs of the issuing country let so much of the goods go."""
        body = self._event(paper.issuer, paper, quantity, transport)
        await self._post(paper.issuer, "customs", "/api/v1/endorsements", body, 201)
        self._tell(paper.issuer, f"endorses {paper.number}: {quantity} {paper.goods.unit} leave", _by(transport))

    async def confirm(
        self,
        party: str,
        paper: Paper,
        quantity: str,
        *,
        outcome: str = "released",
        transport: str | None = None,
        again: bool = False,
    ) -> str:
        """Customs of ``party`` saw so much of the goods arrive; ``again`` sends the same message a second time.

        Returns the event id.
        """
        body = self._event(party, paper, quantity, transport) | {"outcome": outcome}
        if (used := paper.import_permit) is not None:
            body["import_permit"] = {"issuer": used.issuer, "number": used.number}
        await self._post(party, "customs", "/api/v1/confirmations", body, 201)
        self._tell(party, f"confirms {paper.number}: {quantity} {paper.goods.unit} {outcome}", _by(transport))
        if again:
            await self._post(party, "customs", "/api/v1/confirmations", body, 200)
            self._tell(party, "sends the same message again; nothing changes")
        return str(body["event_id"])

    async def correct(self, party: str, wrong: str, paper: Paper, quantity: str, *, on: date) -> None:
        """Customs of ``party`` put another quantity in the place of the event ``wrong`` of that day."""
        event = self._event(party, paper, quantity, None) | {"outcome": "released", "date": str(on)}
        event.pop("proof", None)
        body = {"event_id": event["event_id"], "supersedes": wrong, "event": event}
        await self._post(party, "customs", "/api/v1/corrections", body, 201)
        self._tell(party, f"corrects that to {quantity} {paper.goods.unit}")

    async def expect_status(self, paper: Paper, expected: str, *, at: tuple[str, ...], flag: str | None = None) -> None:
        """The authorities of these Parties look the permit up and see this status, with this flag."""
        for party in at:
            body = {"issuer": paper.issuer, "number": paper.number, "type": paper.type}
            answer = await self._post(party, "authority", "/api/v1/status", body, 200)
            self._expect(f"status of {paper.number} in {party}", answer["status"], expected)
            if flag is not None and flag not in answer["flags"]:
                self.differences.append(
                    f"status of {paper.number} in {party}: flag {flag} expected, {answer['flags']} seen"
                )
        self._tell(" and ".join(at), f"now hold{'s' if len(at) == 1 else ''} {paper.number} as {expected}")

    def _event(self, party: str, paper: Paper, quantity: str, transport: str | None) -> dict[str, Any]:
        body = {
            "event_id": self._event_id(party),
            "permit": paper.ref,
            "office": _office(party),
            "date": str(self.today),
            "transport_document": transport,
            "lines": [paper.line(quantity)],
        }
        # An office that holds the permit scans its code; elsewhere the code proves nothing yet.
        if paper.token is not None and party in {paper.issuer, paper.destination} and not paper.multi_use:
            body["proof"] = {"token": paper.token}
        return body

    def _event_id(self, party: str) -> str:
        self._events += 1
        return f"{party}-{self._key}-{self._events}"

    async def _post(self, party: str, role: str, path: str, body: Mapping[str, Any], status: int) -> Any:
        client = self._desks[party, role]
        return client.expect(await client.post(path, body), status, what=f"POST {path} of {self._key}")

    def _tell(self, party: str, told: str, more: str = "") -> None:
        self.deeds.append(Deed(at=self._now(), party=party, told=f"{told}, {more}" if more else told))

    def _expect(self, what: str, seen: str, expected: str) -> None:
        if seen != expected:
            self.differences.append(f"{what}: {expected} expected, {seen} seen")


def _office(party: str) -> str:
    return f"{party}-1"


def _kind(paper: Paper) -> str:
    return {"E": "export permit", "I": "import permit", "R": "re-export certificate"}.get(paper.type, "certificate")


def _verdict(verdict: str, reasons: Sequence[str]) -> str:
    return f"{verdict} ({', '.join(reasons)})" if reasons else verdict


def _by(transport: str | None) -> str:
    return f"transport document {transport}" if transport else ""


def _proof(paper: Paper) -> dict[str, str]:
    if paper.token is not None:
        return {"token": paper.token}
    return {"issued_on": str(paper.issued_on), "quantity": paper.quantity, "unit": paper.goods.unit}


def _differing(answer: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{difference['field']} says {difference['presented']}, registered {difference['registered']}"
        for difference in answer.get("differences", [])
    )
