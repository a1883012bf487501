"""Stores of many permits with what happened under them, for measuring how reconciliation grows.

The trade is the generator's, with its rates of frauds and traps, invented in parts of about ten thousand permits whose
serial numbers do not meet. What it says is written by the store's own functions, as recording writes it, but without
the signed documents and without looking for findings: a store in which nothing was ever reconciled. Whatever else is
recorded beside facts (status cards, what draws on what, accounts and coverage, how events were matched) is there.
Larger stores hold the same trade several times, under other numbers: amounts and dates are the same, and the few
numbers that nobody issued are those of the original.

Building takes minutes, so stores are kept beside other temporary files, by the schema and ``_EDITION``.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from epix_node.permit.event import (
    Confirmation,
    Correction,
    Endorsement,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.facts import Case, EventFact, PermitFact, Source, WithdrawalFact
from epix_node.permit.json import permit_from_json
from epix_node.permit.number import PermitKey, normalised
from epix_node.permit.status import standing
from epix_node.permit.timing import Timing
from epix_node.reconcile import observability
from epix_node.reconcile.accounting import account_of, is_watched
from epix_node.reconcile.matching import Candidates, match
from epix_node.reconcile.perspective import Perspective
from epix_node.rules.ruleset import load_ruleset
from epix_node.simulation.trade import Act
from epix_node.simulation.year import Year, invent
from epix_node.store import accounts, cases, draws, events, matches, permits, schema
from epix_node.store.database import Database, Session
from epix_node.store.event_rows import Recordable
from epix_node.trust.keyring import Keyring
from tests.acts.conftest import START, make_keys

PARTIES = 6
_PART = 9_250
"""Permits asked of the generator for each part: import permits and certificates make ten thousand of them."""
_PERMITS_OF_PART = 10_000
_EDITION = 1
"""Raised where other stores are to be built from now on."""
_PARTS = 10
"""What is more than these is a copy of them, with other numbers: a million permits are ten copies of ten parts."""
_SERIALS_OF_PART = 1_000_000
_MARK = "3141590"
"""Every serial number begins with it; in a copy its last digit is another."""
_FIRST_SERIAL = int(_MARK) * 10**8
FIRST_DAY = START.date()
NOW = START + timedelta(days=3 * 365)
"""Long after everything is due."""


def perspective() -> Perspective:
    """That of XA, whose node is told of all this."""
    manifests = {party: make_keys(party).manifest for party in ("XA", "XB", "XC", "XD", "XE", "XF")}
    return Perspective(party="XA", codes=frozenset({"XA"}), ruleset=load_ruleset(), keyring=Keyring(manifests))


def store_of(number: int) -> Path:
    """The file of a store of about so many permits; it must not be changed, but copied."""
    directory = Path(tempfile.gettempdir()) / "epix-bench-reconcile"
    directory.mkdir(exist_ok=True)
    path = directory / f"{number}-{_version()}.sqlite"
    if not path.exists():
        print(f"  building a store of {number:,} permits …", flush=True)
        being_built = path.with_suffix(".part")
        for left in (being_built, being_built.with_suffix(".part-wal"), being_built.with_suffix(".part-shm")):
            left.unlink(missing_ok=True)
        with closing(Database(f"sqlite:///{being_built}")) as database:
            schema.migrate(database)
            seen_by = perspective()
            parts = number // _PERMITS_OF_PART
            for part in range(min(parts, _PARTS)):
                database.write_now(_fill, part, seen_by)
            for copy in range(1, parts // _PARTS):
                database.write_now(_copy, copy)
            database.write_now(_count_copies, max(1, parts // _PARTS))
        being_built.rename(path)
    return path


def _version() -> str:
    with tempfile.TemporaryDirectory() as directory, closing(Database(f"sqlite:///{directory}/empty")) as database:
        schema.migrate(database)
        made = database.read_now(
            lambda s: s.core.exec_driver_sql("SELECT sql FROM sqlite_master ORDER BY 1").scalars().all()
        )
        digest = hashlib.sha256("\n".join(map(str, made)).encode())
    return f"{_EDITION}-{digest.hexdigest()[:12]}"


def part_of(part: int) -> Year:
    """The trade of one part."""
    return invent(
        permits=_PART, seed=part, parties=PARTIES, start=FIRST_DAY, after=_FIRST_SERIAL + part * _SERIALS_OF_PART
    )


@dataclass(slots=True)
class _Part:
    """What of a part has been written."""

    session: Session
    part: int
    keys: dict[tuple[str, str], PermitKey] = field(default_factory=dict)
    facts: dict[PermitKey, PermitFact] = field(default_factory=dict)
    events: dict[tuple[str, str], list[EventFact]] = field(default_factory=lambda: defaultdict(list))
    uses: dict[tuple[str, str], list[EventFact]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[tuple[str, str], EventFact] = field(default_factory=dict)
    told_events: list[tuple[Recordable, Source, datetime]] = field(default_factory=list)
    ended: list[tuple[Source, Source]] = field(default_factory=list)
    withdrawn: dict[PermitKey, WithdrawalFact] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def case_of(self, fact: PermitFact) -> Case:
        """As the store will read it, since no two permits of the generator have one number."""
        number = (fact.key.issuer, fact.key.number)
        held = replace(fact, withdrawal=self.withdrawn.get(fact.key))
        events, uses = tuple(self.events.get(number, ())), tuple(self.uses.get(number, ()))
        return Case(issuer=number[0], number=number[1], permits=(held,), events=events, uses=uses)

    def source(self, act: Act, kind: str) -> Source:
        self.told[act.party] += 1
        index = self.part * _SERIALS_OF_PART + self.told[act.party]
        digest = hashlib.sha256(f"{act.party} {index}".encode()).hexdigest()
        return Source(document=digest, type=kind, party=act.party, index=index, at=act.at)


def _fill(session: Session, part: int, seen_by: Perspective) -> None:
    made = part_of(part)
    written = _Part(session, part)
    issued = [_permit(written, act) for act in made.acts if act.does in {"publish", "replace"}]
    permits.add(session, [(fact, None, None) for fact in issued])
    for fact in issued:
        draws.add(session, fact.source, fact.key, fact.permit.lines)
    for act in made.acts:
        _happened(written, act)
    events.add_all(session, written.told_events)
    for old, by in written.ended:
        events.supersede(session, old.party, old.document, by=by.document)
    cards, reached = [], []
    for fact in written.facts.values():
        case = written.case_of(fact)
        held = case.permits[0]
        cards.append((held, standing(held, case.events, case.uses_of(held))))
        reached += [
            (e, match(case, e, Candidates(), parameters=seen_by.ruleset.patterns.matching)) for e in case.events
        ]
        if is_watched(seen_by, fact.permit) and (account := account_of(case, held, seen_by)) is not None:
            accounts.put(session, [account])
    cases.add_cards(session, cards)
    matches.put(session, reached)
    observability.settle(session, seen_by, now=NOW)


def _permit(written: _Part, act: Act) -> PermitFact:
    permit = permit_from_json(act.body["permit"])
    if act.does == "replace":
        permit = replace(permit, replaces=act.body["number"])
    source = written.source(act, "permit")
    fact = PermitFact(source=source, permit=permit, timing=Timing(signed_at=act.at, accepted_at=act.at))
    written.keys[fact.key.issuer, fact.key.number] = fact.key
    written.facts[fact.key] = fact
    return fact


def _happened(written: _Part, act: Act) -> None:
    body = act.body
    match act.does:
        case "endorse":
            _event(written, act, "export-endorsement", endorsement_from_json(body))
        case "confirm":
            _event(written, act, "import-confirmation", confirmation_from_json(body))
        case "verify":
            _event(written, act, "presentation", _presentation(body))
        case "withdraw":
            _withdrawal(written, act, WithdrawalReason(body["reason"]), None)
        case "replace":
            successor = written.keys[act.party, normalised(body["permit"]["number"])]
            _withdrawal(written, act, WithdrawalReason.REPLACED, successor)
        case "correct":
            _correction(written, act)


def _event(written: _Part, act: Act, kind: str, body: Endorsement | Confirmation | Presentation) -> None:
    source = written.source(act, kind)
    if (act.party, body.event_id) in written.by_id:
        return  # told twice
    written.told_events.append((body, source, act.at))
    fact = EventFact(source=source, body=body)
    written.by_id[act.party, body.event_id] = fact
    written.events[body.permit.issuer, body.permit.number].append(fact)
    if isinstance(body, Confirmation) and body.import_permit is not None:
        written.uses[body.import_permit.issuer, body.import_permit.number].append(fact)


def _presentation(body: dict[str, Any]) -> Presentation:
    issued_on = body.get("issued_on")
    return Presentation(
        event_id=body["event_id"],
        permit=PermitRef(
            issuer=body["issuer"],
            number=normalised(body["number"]),
            type=body.get("type"),
            issued_on=date.fromisoformat(issued_on) if issued_on else None,
        ),
        office=body["office"],
        date=date.fromisoformat(body["date"]),
        presented=body["presented"],
    )


def _withdrawal(written: _Part, act: Act, reason: WithdrawalReason, successor: PermitKey | None) -> None:
    key = written.keys[act.party, normalised(act.body["number"])]
    body = Withdrawal(permit=key, reason=reason, replaced_by=successor)
    source = written.source(act, "withdrawal")
    events.add_withdrawal(written.session, body, source=source, issued=act.at)
    written.withdrawn[key] = WithdrawalFact(source=source, withdrawal=body, issued=act.at)


def _correction(written: _Part, act: Act) -> None:
    body = act.body
    wrong = written.by_id[act.party, body["supersedes"]]
    old, by = wrong.source, written.source(act, "correction")
    correction = Correction(event_id=body["event_id"], supersedes=body["supersedes"], permit=wrong.body.permit)
    events.add_correction(written.session, correction, source=by, issued=act.at)
    written.ended.append((old, by))
    written.events[wrong.body.permit.issuer, wrong.body.permit.number].remove(wrong)
    if body.get("event") is not None:
        again = json.loads(json.dumps({**body["event"], "event_id": body["event_id"]}))
        read = endorsement_from_json if old.type == "export-endorsement" else confirmation_from_json
        _event(written, act, old.type, read(again))


_TABLES = ("permit", "permit_line", "event", "event_line", "status_card", "draw", "account", "sum_line")
_WITH_NUMBERS = frozenset(
    {
        *("number", "permit_number", "import_number", "parent_number", "meant_number", "replaces", "replaced_by"),
        *("event_id", "transport", "turned_away", "body", "lines"),
    }
)
_DIGESTS = frozenset({"document", "superseded_by"})
_COPIED = "ghijklmnop"
"""Digests of a copy begin with one of these, which no other has."""


def _copy(session: Session, copy: int) -> None:
    """Once more all that was invented, with other serial numbers and digests."""
    for table in _TABLES:
        columns = [row[1] for row in session.core.exec_driver_sql(f"PRAGMA table_info({table})")]
        values = [_copied(name, copy) for name in columns]
        is_original = "document < 'g'" if "document" in columns else f"instr(number, '{_MARK}') > 0"
        session.core.exec_driver_sql(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} WHERE {is_original}"
        )


def _copied(column: str, copy: int) -> str:
    if column in _WITH_NUMBERS:
        return f"replace({column}, '{_MARK}', '{_MARK[:-1]}{copy}')"
    return f"'{_COPIED[copy]}' || substr({column}, 2)" if column in _DIGESTS else column


def _count_copies(session: Session, copies: int) -> None:
    session.core.exec_driver_sql(f"UPDATE coverage SET expected = expected * {copies}, met = met * {copies}")
