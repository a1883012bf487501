"""Many documents are verified by processes; whatever becomes of those, every document is verified once and rightly."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from epix_node.exchange import verification
from epix_node.exchange.ingest import Listed, Refused, check
from epix_node.exchange.verification import TrustSnapshot, check_chunk
from epix_node.federation import verifying as verifying_module
from epix_node.federation.verifying import CHUNK, Verifying
from epix_node.register.entry import parse_leaf
from epix_node.store import documents, register
from epix_node.trust.keyring import Keyring
from tests.world import World, found_countries

NUMBER = 2 * CHUNK + 3


class Page:
    """Documents that XA published for XB, as XB would verify them; one of them is not what its entry says."""

    def __init__(self, world: World) -> None:
        published = [world["XA"].publish(f"26XA{number}") for number in range(5)]
        node = world["XA"].node
        self.trust = world["XB"].node.keyring()
        self.now = world.now
        held = [node.database.read_now(documents.find, one.source.document) for one in published]
        good = []
        for one in held:
            assert one is not None
            assert one.register_index is not None
            leaf = node.database.read_now(register.leaf, "XA", one.register_index)
            assert leaf is not None
            good.append(Listed(sha256=one.sha256, index=one.register_index, leaf=parse_leaf(leaf), xml=one.xml))
        self.listed = [good[number % len(good)] for number in range(NUMBER)]
        self.listed[30] = replace(good[0], xml=good[0].xml[:-20])

    async def check(self, verifying: Verifying, number: int = NUMBER, *, trust: Keyring | None = None) -> list[Any]:
        return await verifying.check(
            self.listed[:number], party="XA", environment="sandbox", trust=trust or self.trust, now=self.now
        )

    def expected(self, number: int = NUMBER) -> list[Any]:
        return [
            check(one, party="XA", environment="sandbox", trust=self.trust, now=self.now)
            for one in self.listed[:number]
        ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    directory = tmp_path_factory.mktemp("verifying")
    world = World(directory / "world", found_countries(directory / "founded"))
    made = Page(world)
    asyncio.run(world.close())
    return made


@pytest.fixture
async def verifying() -> AsyncIterator[Verifying]:
    made = Verifying(workers=2)
    yield made
    await made.close()


def workers(verifying: Verifying) -> set[int]:
    assert verifying._pool is not None
    return set(verifying._pool._processes)


async def test_processes_say_what_this_one_would_say(verifying: Verifying, page: Page) -> None:
    """In the order asked, with the bytes, refusals included."""
    checked = await page.check(verifying)
    assert checked == page.expected()
    assert [position for position, one in enumerate(checked) if isinstance(one, Refused)] == [30]
    assert len(workers(verifying)) > 0


async def test_a_few_documents_start_no_process(verifying: Verifying, page: Page) -> None:
    """Sending them would take longer than verifying them."""
    assert await page.check(verifying, CHUNK - 1) == page.expected(CHUNK - 1)
    assert verifying._pool is None


async def test_a_machine_with_one_core_starts_no_process(page: Page) -> None:
    """It would only take turns with itself."""
    alone = Verifying(workers=1)
    assert await page.check(alone) == page.expected()
    assert alone._pool is None
    await alone.close()


async def test_a_process_that_was_killed_loses_no_document(verifying: Verifying, page: Page) -> None:
    """Its chunk is verified by new ones; the page comes whole."""
    await page.check(verifying)
    before = workers(verifying)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    with capture_logs() as logs:
        assert await page.check(verifying) == page.expected()
    assert "a verifying process died" in [line["event"] for line in logs]
    assert workers(verifying).isdisjoint(before)


async def test_documents_that_kill_every_process_are_verified_in_the_thread(
    verifying: Verifying, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the end nothing is left to a process."""
    monkeypatch.setattr(verifying_module, "check_chunk", _die)
    assert await page.check(verifying) == page.expected()


def _die(*_: Any, **__: Any) -> Any:
    os._exit(9)


async def test_new_trust_has_new_processes(verifying: Verifying, page: Page) -> None:
    """They were told once whom to trust; a removed Party's documents are believed no more."""
    await page.check(verifying)
    before = workers(verifying)
    others = Keyring({party: one for party, one in page.trust.manifests.items() if party != "XA"})
    checked = await page.check(verifying, trust=others)
    assert {one.reason for one in checked if isinstance(one, Refused)} >= {"KEY_UNKNOWN"}
    assert all(isinstance(one, Refused) for one in checked)
    assert workers(verifying).isdisjoint(before)


async def test_processes_without_work_end(verifying: Verifying, page: Page) -> None:
    """They hold memory; the next long page starts them again."""
    await page.check(verifying)
    assert verifying._closing is not None
    verifying._close_idle()
    assert verifying._pool is None
    assert await page.check(verifying) == page.expected()


async def test_several_pages_at_once_share_the_processes(verifying: Verifying, page: Page) -> None:
    """Of several peers."""
    several = await asyncio.gather(*(page.check(verifying) for _ in range(3)))
    assert several == [page.expected()] * 3
    assert len(workers(verifying)) <= 2


def test_a_snapshot_says_what_the_keyring_says(page: Page) -> None:
    """Of every key and code, and of those that nobody has."""
    snapshot = TrustSnapshot.of(page.trust)
    for key in page.trust.signing_keys:
        for party in ("XA", "XB", "XZ"):
            assert snapshot.find(party, key.certificate_sha256) == page.trust.find(party, key.certificate_sha256)
        assert snapshot.owner(key.certificate_sha256) == key.party
    assert snapshot.find("XA", "0" * 64) is None
    assert snapshot.owner("0" * 64) is None
    for code in ("XA", "XB", "XZ"):
        assert [snapshot.speaks_for(party, code) for party in ("XA", "XB")] == [
            page.trust.speaks_for(party, code) for party in ("XA", "XB")
        ]


def test_a_process_that_was_told_nothing_verifies_nothing(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Knowing nobody must not look like refusing everybody."""
    monkeypatch.setattr(verification._Worker, "trust", None)
    with pytest.raises(RuntimeError):
        check_chunk(page.listed[:1], party="XA", environment="sandbox", now=page.now)


async def test_a_long_page_of_a_pull_goes_to_processes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """End to end: fetched, verified elsewhere, recorded here."""
    monkeypatch.setattr(verifying_module, "CHUNK", 3)
    monkeypatch.setattr("epix_node.federation.document_visit.PAGE_ENTRIES", 7)
    published = [world["XA"].publish(f"26XA{number}") for number in range(10)]
    result = await world.pull("XB")
    assert (result.documents, result.quarantined, result.problem) == (10, 0, None)
    assert world["XB"].holds(*published) == [True] * 10
