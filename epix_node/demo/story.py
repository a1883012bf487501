"""Play the scenes against a running federation, let time pass, and compare what the nodes found with what they should.

The offices' deeds go over HTTP, through the national API of their own nodes, and time through ticks of the Secretariat;
keys are changed by commands at the nodes. What must be found, and by whom, is a table here. Who holds the permit or
wrote an event that is evidence must hold the finding, all under one id; nobody holds anything else.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from epix_node.clock import format_time, parse_time
from epix_node.demo.country import Country
from epix_node.demo.custodian import Custodian
from epix_node.demo.play import Answer, Deed, Desk, Play
from epix_node.demo.scenes import CAST, SCENES, Scene
from epix_node.federation.national import NationalClient
from epix_node.permit.finding import finding_id
from epix_node.permit.number import NumberRef

TICK_WITHIN = timedelta(seconds=300)
"""A tick answers within this time (contract 7)."""

AFTERWARDS = timedelta(days=2)
"""Time that passes after the last deed: longer than the cool-off of 24 h, so that nothing is pending any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A finding that must be held, open, by these Parties' nodes and by no other.

    ``type`` is ``None`` where the id has neither type nor year: FRD-05 is about a number that is no permit's.
    """

    scene: str
    pattern: str
    class_: str
    issuer: str
    serial: str
    nodes: tuple[str, ...]
    type: str | None = "E"

    def number(self, day: date) -> str:
        """The permit's number, in a story that starts on this day."""
        return f"{day:%y}{self.issuer}{self.serial}"

    def id(self, day: date) -> str:
        """The finding's id, the same in every node (contract 5)."""
        year = day.year if self.type else None
        subject = NumberRef(issuer=self.issuer, number=self.number(day), type=self.type, year=year)
        return finding_id(self.pattern, subject)


EXPECTED: tuple[Expected, ...] = (
    Expected(
        scene="two-countries", pattern="FRD-01", class_="A", issuer="XB", serial="000101", nodes=("XA", "XB", "XC")
    ),
    Expected(scene="altered", pattern="FRD-02", class_="A", issuer="XA", serial="000201", nodes=("XA", "XB")),
    Expected(scene="stolen", pattern="FRD-03", class_="A", issuer="XC", serial="000301", nodes=("XA", "XC")),
    Expected(scene="inflated", pattern="FRD-04", class_="A", issuer="XB", serial="000401", nodes=("XB", "XC")),
    Expected(scene="forged", pattern="FRD-05", class_="A", issuer="XA", serial="880417", nodes=("XA", "XC"), type=None),
    Expected(scene="expired", pattern="FRD-14", class_="A", issuer="XA", serial="001401", nodes=("XA", "XC")),
    # Goods under way when their permit was cancelled are for a person to look at (domain-rules.md 0.4).
    Expected(scene="under-way", pattern="FRD-03", class_="R", issuer="XA", serial="000601", nodes=("XA", "XB")),
)

CORRECTED = Expected(scene="typing-error", pattern="FRD-04", class_="A", issuer="XA", serial="000507", nodes=())
"""What the typing error looked like until it was corrected; it may stay listed as resolved (contract 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One row of the table at the end: what was expected, and where it was found. ``sentence`` is the issuer's."""

    expected: Expected
    id: str
    nodes: tuple[str, ...]
    class_: str | None
    sentence: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the nodes hold beside what they should; ``false_alerts`` counts alerts that nobody expected."""

    found: tuple[Found, ...]
    false_alerts: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One scene, what was done in it, and those of its answers that are shown at the end."""

    scene: Scene
    deeds: tuple[Deed, ...]
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole story."""

    begins: datetime
    ends: datetime
    told: tuple[Told, ...]
    judgement: Judgement
    differences: tuple[str, ...]

    @property
    def is_as_expected(self) -> bool:
        """Whether every answer and every finding was the expected one."""
        return not self.differences


async def play_story(countries: Sequence[Country], *, secretariat: str, token: str) -> Report:
    """All scenes were played on these nodes and their findings compared with ``EXPECTED``.

    ``secretariat`` is the URL of the Secretariat and ``token`` its authority's; the sandbox's clock is steerable.

    Raises:
        PeerError: a node refuses what no scene plays for, or does not answer; so does a command at a node.
    """
    cast = [country for country in countries if country.party in CAST]
    async with AsyncExitStack() as stack:
        centre = await stack.enter_async_context(NationalClient(party="the Secretariat", url=secretariat, token=token))
        desks: dict[Desk, NationalClient] = {}
        for country in cast:
            for role, secret in country.tokens.items():
                client = NationalClient(party=country.party, url=country.url, token=secret)
                desks[country.party, role] = await stack.enter_async_context(client)
        begins = parse_time((await centre.ask("/sandbox/v1/clock"))["now"])
        custodians = {country.party: Custodian(country) for country in cast}
        plays = await play_scenes(desks, custodians, centre, begins)
        ends = begins + max(play.deeds[-1].at - begins for play in plays.values() if play.deeds) + AFTERWARDS
        await _move(centre, ends)
        held = {country.party: await _findings(desks[country.party, "auditor"]) for country in cast}
    judgement = judge(held, begins=begins)
    said = [f"{key}: {difference}" for key, play in plays.items() for difference in play.differences]
    return Report(
        begins=begins,
        ends=ends,
        told=tuple(_told(scene, plays[scene.key]) for scene in SCENES),
        judgement=judgement,
        differences=(*said, *judgement.differences),
    )


async def play_scenes(
    desks: Mapping[Desk, NationalClient],
    custodians: Mapping[str, Custodian],
    centre: NationalClient,
    begins: datetime,
) -> dict[str, Play]:
    """Every scene is at its end. At each moment all scenes that wait for it go on, in their order."""
    moment = begins
    plays = {scene.key: Play(scene.key, desks=desks, custodians=custodians, now=lambda: moment) for scene in SCENES}
    scripts = [scene.script(plays[scene.key]) for scene in SCENES]
    waiting = [(timedelta(0), position) for position in range(len(scripts))]
    while waiting:
        at = waiting[0][0]
        moment = begins + at
        await _move(centre, moment)
        while waiting and waiting[0][0] == at:
            _, position = heapq.heappop(waiting)
            try:
                until = await anext(scripts[position])
            except StopAsyncIteration:
                continue
            heapq.heappush(waiting, (until, position))
    return plays


def _told(scene: Scene, play: Play) -> Told:
    return Told(scene=scene, deeds=tuple(play.deeds), answers=tuple(play.answers))


async def _move(centre: NationalClient, moment: datetime) -> None:
    reply = await centre.post("/sandbox/v1/tick", {"now": format_time(moment)}, within=TICK_WITHIN)
    centre.expect(reply, 200, what="a tick")


async def _findings(auditor: NationalClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query = {"limit": "500"}
    while True:
        page = await auditor.ask("/api/v1/findings", **query)
        found += page["findings"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def judge(held: Mapping[str, Iterable[Mapping[str, Any]]], *, begins: datetime) -> Judgement:
    """Compare what each Party's node holds, as ``GET /findings`` lists it, with the table."""
    day = begins.date()
    by_id: dict[str, dict[str, Mapping[str, Any]]] = {}
    for party, findings in held.items():
        for finding in findings:
            by_id.setdefault(finding["id"], {})[party] = finding
    rows = tuple(_found(expected, by_id.pop(expected.id(day), {}), day) for expected in EXPECTED)
    differences = [difference for row in rows for difference in row.differences]
    false_alerts = 0
    for id_, holders in by_id.items():
        live = {party: finding for party, finding in holders.items() if finding["state"] != "resolved"}
        if not live and id_ == CORRECTED.id(day):
            continue
        shown = next(iter((live or holders).values()))
        false_alerts += any(finding["class"] == "A" for finding in live.values())
        where = ", ".join(sorted(holders))
        differences.append(
            f"nobody expected {shown['pattern']} {shown['class']} ({shown['state']}) in {where}: {shown['summary']}"
        )
    return Judgement(found=rows, false_alerts=false_alerts, differences=tuple(differences))


def _found(expected: Expected, holders: Mapping[str, Mapping[str, Any]], day: date) -> Found:
    differences = []
    what = f"{expected.pattern} on {expected.number(day)}"
    open_in = tuple(sorted(party for party, finding in holders.items() if finding["state"] == "open"))
    if missing := sorted(set(expected.nodes) - holders.keys()):
        differences.append(f"{what} is not held by {', '.join(missing)}")
    if surplus := sorted(holders.keys() - set(expected.nodes)):
        differences.append(f"{what} is held by {', '.join(surplus)}, which it does not concern")
    for party, finding in sorted(holders.items()):
        if finding["state"] != "open":
            differences.append(f"{what} is {finding['state']} in {party}, expected open")
        if finding["class"] != expected.class_:
            differences.append(f"{what} is of class {finding['class']} in {party}, expected {expected.class_}")
        if finding["pattern"] != expected.pattern:
            differences.append(f"{what} is called {finding['pattern']} in {party}")
    shown = holders.get(expected.issuer) or next(iter(holders.values()), None)
    return Found(
        expected=expected,
        id=expected.id(day),
        nodes=open_in,
        class_=shown["class"] if shown else None,
        sentence=shown["summary"] if shown else "nobody found it",
        differences=tuple(differences),
    )
