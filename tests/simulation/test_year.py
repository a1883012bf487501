"""An invented year is the same for the same seed, its papers are good ones, and its truth is all that was done."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.json import permit_from_json
from epix_node.reference.catalogue import builtin
from epix_node.rules.check import check
from epix_node.rules.finding import Severity
from epix_node.rules.ruleset import Stage, load_ruleset
from epix_node.rules.subject import Circumstances
from epix_node.simulation.frauds import FRAUDS
from epix_node.simulation.rates import Rates
from epix_node.simulation.traps import TRAPS
from epix_node.simulation.year import FILES, Year, invent, write
from tests.reconcile.test_traps import TRAPS as TRAP_ROWS

START = date(2026, 3, 2)


def year(*, permits: int = 400, seed: int = 7, **more: object) -> Year:
    return invent(permits=permits, seed=seed, start=START, **more)  # type: ignore[arg-type]  # a table of arguments


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("again", 7), ("other", 8)):
        write(year(seed=seed), tmp_path / name)
    contents = {name: [(tmp_path / name / file).read_bytes() for file in FILES] for name in ("one", "again", "other")}
    assert contents["one"] == contents["again"]
    assert all(mine != theirs for mine, theirs in zip(contents["one"], contents["other"], strict=True))


def test_every_kind_of_fraud_and_of_trap_is_played() -> None:
    kinds = Counter(truth.is_fraud for truth in year().truths)
    assert kinds == {True: len(FRAUDS), False: len(TRAPS)}
    assert len({truth.kind for truth in year().truths if truth.is_fraud}) == len(FRAUDS)


def test_rates_of_zero_leave_an_honest_year() -> None:
    assert year(rates=Rates(fraud=0, trap=0)).truths == ()


def test_no_rule_blocks_a_permit_of_the_year() -> None:
    """Otherwise its authority could not have issued it, and nothing that follows could have happened."""
    ruleset, catalogue = load_ruleset(), builtin()
    blocked: set[tuple[str, str]] = set()
    for act in year().acts:
        if act.does not in {"publish", "replace"}:
            continue
        permit = permit_from_json(act.body["permit"])
        circumstances = Circumstances(stage=Stage.ISSUE, today=act.at.date(), entered_on=act.at.date())
        judgement = check(permit, ruleset, catalogue=catalogue, circumstances=circumstances)
        broken = [finding for finding in judgement.findings if finding.severity is Severity.BLOCK]
        blocked |= {(permit.number, finding.rule) for finding in broken}
    assert blocked == set()


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), parties=st.integers(3, 9))
def test_everything_happens_in_the_order_of_time_and_after_the_permit_is_there(seed: int, parties: int) -> None:
    made = invent(permits=60, seed=seed, parties=parties, start=START)
    assert [act.at for act in made.acts] == sorted(act.at for act in made.acts)
    assert all(act.party in made.parties for act in made.acts)
    issued = set()
    forged = {truth.permit["number"] for truth in made.truths if truth.kind == "FRD-05"}
    mended = {act.body["supersedes"] for act in made.acts if act.does == "correct"}
    for act in made.acts:
        if act.does in {"publish", "replace"}:
            issued.add((act.body["permit"]["issuer"], act.body["permit"]["number"]))
        elif act.does in {"endorse", "confirm"} and act.body["event_id"] not in mended:
            if act.body["permit"]["number"] in forged:
                continue
            assert (act.body["permit"]["issuer"], act.body["permit"]["number"]) in issued


@pytest.mark.parametrize("wrong", [{"permits": 0}, {"parties": 1}, {"parties": 23}])
def test_an_impossible_year_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        year(**wrong)


def test_a_rate_beyond_the_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="rate fraud"):
        Rates(fraud=10_001)


PLAYED_BY: dict[str, set[str]] = {
    "actual < permitted, or permit unused, is normal": {"less-arrives"},
    "one side reports permits issued, the other actual trade": {"less-arrives"},
    "year-end and lag: exported December, imported January": {"over-new-year", "arrived-after-expiry"},
    "different purpose or source stated by the two sides": {"other-source"},
    "different term or unit (BSK vs skins; meat kg vs bodies)": {"other-term", "other-unit"},
    "partner not a Party, not federated, or has not reported": {"silent-partner"},
    "genus vs species naming": {"genus-only"},
    "synonyms, split listings, nomenclature change": {"other-name"},
    "duplicate transmission/retry of the same event": {"sent-twice"},
    "split arrival of one consignment (two flights, same AWB/B/L)": {"two-flights"},
    "house vs master AWB, re-booking on another flight: export and import sides quote different transport documents": {
        "house-waybill",
        "other-flight",
    },
    "multi-use documents; re-usable import permits": {"several-journeys", "reusable-import-permit"},
    "legitimate replacement": {"replaced"},
    "mortality, moisture loss, re-measurement of logs": {"less-arrives", "measured-again"},
    "re-exporter's stock from earlier years; manufacturing yield (1 skin → n straps)": {
        "sold-on",
        "sold-on-twice",
        "worked-up",
        "earlier-stock",
    },
    "seizures (source I) and returned shipments": {"seized", "returned", "sent-again"},
    "officer typing error": {"typing-error", "mistyped-number"},
}
"""By which traps of the generator each row of the table in ``domain-rules.md`` 2.3 is played."""

BESIDE = {"through-transit", "cancelled-under-way"}
"""Guards of other patterns: a declared transit country (FRD-12), goods under way when a permit ends (FRD-03)."""


def test_every_trap_of_the_domain_rules_is_in_the_year() -> None:
    """Row by row, so that nobody adds one that the generator leaves out."""
    assert PLAYED_BY.keys() == TRAP_ROWS.keys()
    kinds = {truth.kind for seed in range(4) for truth in year(permits=800, seed=seed).truths if not truth.is_fraud}
    assert kinds == BESIDE.union(*PLAYED_BY.values())
