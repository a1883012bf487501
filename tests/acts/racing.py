"""Two writers of one store, whose units of work are interleaved as somebody likes, and one that is a process.

A `Racer` does something in a thread and stops where `Racer.pass_gate` is called, until it may go on. Who was refused by
the database, and does its work once more, is not stopped again. `python -m tests.acts.racing URL` is the other kind.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import combinations
from types import ModuleType
from typing import Any
from unittest.mock import patch

from epix_node.permit.event import Confirmation, EventLine, Outcome, PermitRef
from epix_node.permit.model import Line
from epix_node.permit.quantity import Quantity
from epix_node.reconcile.record import record_page
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database, Session
from tests.acts.conftest import START
from tests.reconcile.test_any_order import PERSPECTIVE, Teller, made

GATES = ("begun", "read", "written")
"""Where a racer stops: its transaction is open; it has seen what is there; it has written all and not committed."""

STEPS = len(GATES) + 1
"""To each gate, and to the end."""

PATIENCE_S = 0.05
"""So long a racer may take to its next gate; then it waits for the other, and is let alone."""

_racers = threading.local()


class Racer(threading.Thread):
    """Somebody who does something, step by step."""

    def __init__(self, deed: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._deed = deed
        self._allowed = 0
        self._place = 0
        self._is_free = False
        self._is_waiting = False
        self._passed: set[str] = set()
        self._changed = threading.Condition()
        self.error: BaseException | None = None

    def run(self) -> None:
        _racers.own = self
        self._wait()
        try:
            self._deed()
        except BaseException as error:  # noqa: BLE001 # told to whoever waits
            self.error = error
        with self._changed:
            self._place = STEPS
            self._changed.notify_all()

    def pass_gate(self, name: str) -> None:
        if name not in self._passed:
            self._passed.add(name)
            with self._changed:
                self._place += 1
                self._changed.notify_all()
            self._wait()

    def step(self) -> None:
        """One step further, or as far as it comes."""
        with self._changed:
            self._allowed += 1
            self._changed.notify_all()
            patience = 0 if self._is_waiting else PATIENCE_S
            self._is_waiting = not self._changed.wait_for(lambda: self._place >= self._allowed, patience)

    def finish(self) -> None:
        """To the end, without any stop."""
        with self._changed:
            self._is_free = True
            self._changed.notify_all()
        self.join(60)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error

    def _wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_free or self._allowed > self._place)


def orders() -> Iterator[tuple[int, ...]]:
    """Every order of the steps of two racers: which of them goes next."""
    for places in combinations(range(2 * STEPS), STEPS):
        yield tuple(0 if place in places else 1 for place in range(2 * STEPS))


def race(deeds: tuple[Callable[[], object], Callable[[], object]], order: tuple[int, ...]) -> None:
    """Both are done in this order, as far as the database lets them."""
    racers = [Racer(deed) for deed in deeds]
    for racer in racers:
        racer.start()
    for turn in order:
        racers[turn].step()
    for racer in racers:
        racer.finish()


def gate(name: str) -> None:
    """Where a racer stops; anybody else goes on."""
    racer: Racer | None = getattr(_racers, "own", None)
    if racer is not None:
        racer.pass_gate(name)


@contextmanager
def gated(room: ModuleType, reading: str) -> Iterator[list[str]]:
    """Units of work stop at the gates; ``reading`` is what they do first there.

    Yields the names of all units of work that were begun; one that the database refused is begun again.
    """
    begun: list[str] = []
    real_write = Database.write_now

    def write_now(self: Database, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def gated_work(session: Session) -> Any:
            begun.append(work.__qualname__)
            gate("begun")
            result = work(session, *args, **kwargs)
            session.flush()
            gate("written")
            return result

        return real_write(self, gated_work)

    real_reading = getattr(room, reading)

    def read(*args: Any, **kwargs: Any) -> Any:
        result = real_reading(*args, **kwargs)
        gate("read")
        return result

    with patch.object(Database, "write_now", write_now), patch.object(room, reading, read):
        yield begun


class Told:
    """Permits of XA for XB, a kilogram each, and what XB and XC say of them: each confirms a kilogram."""

    def __init__(self) -> None:
        self.teller = Teller()

    def permit(self, number: str) -> Arrival:
        line = Line(block="A", taxon="Prunus africana", term="BAR", quantity="1", unit="KGM")
        self.teller.permit(made("XA", number, lines=(line,), valid_until=date(2026, 8, 31)))
        return self.teller.told[-1]

    def confirmation(self, party: str, number: str) -> Arrival:
        line = EventLine(block="A", quantity=Quantity.parse("1", "KGM"))
        self.teller.event(
            party,
            Confirmation(
                event_id=f"{party}-{number}",
                permit=PermitRef(issuer="XA", number=number),
                office=f"{party}-1",
                date=date(2026, 3, 9),
                lines=(line,),
                outcome=Outcome.RELEASED,
            ),
        )
        return self.teller.told[-1]


def deliver(database: Database, arrival: Arrival, now: datetime) -> None:
    """One document of a Party comes to XA's node."""
    database.write_now(record_page, PERSPECTIVE, arrival.source.party, [arrival], now=now)


def number_of(race_: int) -> str:
    """Far from every other number."""
    return f"26XA{(race_ + 1) * 10_203_049 % 100_000_000:08}"


def _main() -> None:
    """For each number on the standard input: what this Party says of it comes to the store, which is then told."""
    url, party = sys.argv[1:]
    database = Database(url)
    told = Told()
    # So that nobody takes the documents of one process for those of the other.
    prepared = {number_of(n): told.confirmation(party, number_of(n)) for n in range(int(sys.stdin.readline()))}
    print("ready", flush=True)  # noqa: T201 # whoever started it listens
    for line in sys.stdin:
        deliver(database, prepared[line.strip()], START + timedelta(days=60))
        print("done", flush=True)  # noqa: T201
    database.close()


if __name__ == "__main__":
    _main()
