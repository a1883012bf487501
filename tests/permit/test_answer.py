"""The verdict rule of contract 4, row by row: the first of NOT_VALID, INDETERMINATE, VALID that applies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epix_node.permit.answer import (
    Basis,
    Freshness,
    Grade,
    ImportAfterExpiry,
    Policy,
    Purpose,
    VerdictWord,
    conclude,
)
from epix_node.permit.event import Difference
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Flag, Status

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REFUSING = Policy(import_after_expiry=ImportAfterExpiry.REFUSE)
DIFFERS_A = Difference(field="lines.A.quantity", presented="100", registered="10", class_="A")
DIFFERS_R = Difference(field="importer.name", presented="X", registered="Y", class_="R")


def basis(status: Status | str = "VALID", *flags: str, **members: Any) -> Basis:
    given = {
        "signature": "VALID",
        "mirror": Freshness.FRESH,
        "grade": Grade.LOGGED,
        "flags": tuple(Flag(flag) for flag in flags),
        **members,
    }
    return Basis(status=Status(status), **given)


def verdict(of: Basis, purpose: str = "import", policy: Policy | None = None) -> tuple[str, list[str]]:
    word, reasons = conclude(of, purpose=Purpose(purpose), policy=policy or Policy())
    return word.value, [reason.value for reason in reasons]


BY_STATUS = {
    # status: (for import, for export)
    "NOT_ISSUED": (("NOT_VALID", ["NOT_ISSUED"]), ("NOT_VALID", ["NOT_ISSUED"])),
    "REVOKED": (("NOT_VALID", ["WITHDRAWN"]), ("NOT_VALID", ["WITHDRAWN"])),
    "REPLACED": (("NOT_VALID", ["WITHDRAWN"]), ("NOT_VALID", ["WITHDRAWN"])),
    "REFUSED": (("NOT_VALID", ["REFUSED"]), ("NOT_VALID", ["REFUSED"])),
    "USED": (("NOT_VALID", ["USED"]), ("NOT_VALID", ["USED"])),
    "EXPIRED": (("NOT_VALID", ["EXPIRED"]), ("NOT_VALID", ["EXPIRED"])),
    "EXPORTED": (("VALID", []), ("NOT_VALID", ["USED"])),
    "PARTLY_USED": (("VALID", []), ("VALID", [])),
    "NOT_YET_VALID": (("NOT_VALID", ["NOT_YET_VALID"]), ("NOT_VALID", ["NOT_YET_VALID"])),
    "VALID": (("VALID", []), ("VALID", [])),
    "UNKNOWN": (("UNKNOWN", []), ("UNKNOWN", [])),
}


@pytest.mark.parametrize("status", Status)
def test_each_status_has_its_verdict_at_either_border(status: Status) -> None:
    """A row for every status that there is."""
    assert verdict(basis(status), "import") == BY_STATUS[status.value][0]
    assert verdict(basis(status), "export") == BY_STATUS[status.value][1]


EXPIRED_IN_TIME = {
    ("import", "accept"): ("VALID", []),
    ("import", "refuse"): ("NOT_VALID", ["EXPIRED"]),
    ("export", "accept"): ("NOT_VALID", ["USED"]),
    ("export", "refuse"): ("NOT_VALID", ["USED"]),
}


@pytest.mark.parametrize(("purpose", "switch"), EXPIRED_IN_TIME)
def test_what_left_in_time_and_expired_under_way_depends_on_the_border_and_the_national_switch(
    purpose: str, switch: str
) -> None:
    policy = Policy() if switch == "accept" else REFUSING
    of = basis("EXPIRED", "EXPORTED_IN_TIME")
    assert verdict(of, purpose, policy) == EXPIRED_IN_TIME[purpose, switch]


def test_the_national_switch_changes_nothing_else() -> None:
    for status in Status:
        assert verdict(basis(status), "import", REFUSING) == verdict(basis(status), "import")


AGAINST = {
    "signature INVALID": (
        basis(signature="INVALID", signature_reasons=(Reason.SIGNATURE_INVALID,)),
        ["SIGNATURE_INVALID"],
    ),
    "signature INVALID without a reason": (basis(signature="INVALID"), ["SIGNATURE_INVALID"]),
    "key revoked": (basis(signature="REVOKED_KEY", signature_reasons=(Reason.REVOKED_KEY,)), ["REVOKED_KEY"]),
    "untrusted, says a fresh list": (
        basis(signature="UNTRUSTED", signature_reasons=(Reason.KEY_UNKNOWN,)),
        ["KEY_UNKNOWN"],
    ),
    "used, and the trust list is old": (basis("USED", trust=Freshness.EXPIRED), ["USED", "TRUST_LIST_EXPIRED"]),
    "a bad signature is bad whatever the list": (
        basis("UNKNOWN", signature="INVALID", trust=Freshness.STALE),
        ["SIGNATURE_INVALID", "TRUST_LIST_STALE"],
    ),
    "a difference of class A": (basis(differences=(DIFFERS_R, DIFFERS_A)), ["CONTENT_DIFFERS"]),
    "signature before everything": (
        basis("USED", "CONFIRMED_ELSEWHERE", signature="INVALID", differences=(DIFFERS_A,)),
        ["SIGNATURE_INVALID", "CONTENT_DIFFERS", "USED", "CONFIRMED_ELSEWHERE"],
    ),
    "used, and the mirror is old": (basis("USED", mirror=Freshness.EXPIRED), ["USED", "MIRROR_EXPIRED"]),
    "forged, and the mirror is old": (
        basis("NOT_ISSUED", mirror=Freshness.EXPIRED, signature="NONE", grade=Grade.UNLOGGED),
        ["NOT_ISSUED", "MIRROR_EXPIRED"],
    ),
    "withdrawn, and the register is disputed": (
        basis("REVOKED", "REGISTER_DISPUTED"),
        ["WITHDRAWN", "REGISTER_DISPUTED"],
    ),
    "differs, and an entry is withheld": (
        basis("VALID", "ENTRY_WITHHELD", differences=(DIFFERS_A,)),
        ["CONTENT_DIFFERS", "ENTRY_WITHHELD"],
    ),
}


@pytest.mark.parametrize(("of", "reasons"), AGAINST.values(), ids=AGAINST)
def test_what_speaks_against_comes_before_doubt(of: Basis, reasons: list[str]) -> None:
    assert verdict(of) == ("NOT_VALID", reasons)


UNSURE = {
    "untrusted, says a stale list": (
        basis("UNKNOWN", signature="UNTRUSTED", signature_reasons=(Reason.KEY_UNKNOWN,), trust=Freshness.STALE),
        ["KEY_UNKNOWN", "TRUST_LIST_STALE"],
    ),
    "untrusted, says an expired list": (
        basis("UNKNOWN", signature="UNTRUSTED", signature_reasons=(Reason.KEY_UNKNOWN,), trust=Freshness.EXPIRED),
        ["KEY_UNKNOWN", "TRUST_LIST_EXPIRED"],
    ),
    "expired trust list": (basis(trust=Freshness.EXPIRED), ["TRUST_LIST_EXPIRED"]),
    "expired trust list and mirror": (
        basis(trust=Freshness.EXPIRED, mirror=Freshness.EXPIRED),
        ["TRUST_LIST_EXPIRED", "MIRROR_EXPIRED"],
    ),
    "expired mirror": (basis(mirror=Freshness.EXPIRED), ["MIRROR_EXPIRED"]),
    "disputed register": (basis("VALID", "REGISTER_DISPUTED"), ["REGISTER_DISPUTED"]),
    "never issued, says a disputed register": (basis("NOT_ISSUED", "REGISTER_DISPUTED"), ["REGISTER_DISPUTED"]),
    "withheld entry": (basis("EXPORTED", "ENTRY_WITHHELD"), ["ENTRY_WITHHELD"]),
    "confirmed elsewhere": (basis("VALID", "CONFIRMED_ELSEWHERE"), ["CONFIRMED_ELSEWHERE"]),
    "all of it": (
        basis("VALID", "CONFIRMED_ELSEWHERE", "REGISTER_DISPUTED", "ENTRY_WITHHELD", mirror=Freshness.EXPIRED),
        ["MIRROR_EXPIRED", "REGISTER_DISPUTED", "ENTRY_WITHHELD", "CONFIRMED_ELSEWHERE"],
    ),
    "unknown, from an expired mirror": (
        basis("UNKNOWN", mirror=Freshness.EXPIRED, signature="NONE", grade=Grade.UNLOGGED, covered=False),
        ["MIRROR_EXPIRED", "NOT_COVERED"],
    ),
    "expired but exported in time, and confirmed elsewhere": (
        basis("EXPIRED", "EXPORTED_IN_TIME", "CONFIRMED_ELSEWHERE"),
        ["CONFIRMED_ELSEWHERE"],
    ),
}


@pytest.mark.parametrize(("of", "reasons"), UNSURE.values(), ids=UNSURE)
def test_doubt_comes_before_valid(of: Basis, reasons: list[str]) -> None:
    assert verdict(of) == ("INDETERMINATE", reasons)


REMARKS = {
    "a stale trust list only says so": (basis(trust=Freshness.STALE), ("VALID", ["TRUST_LIST_STALE"])),
    "both are stale": (
        basis(trust=Freshness.STALE, mirror=Freshness.STALE),
        ("VALID", ["TRUST_LIST_STALE", "MIRROR_STALE"]),
    ),
    "a stale mirror only says so": (basis(mirror=Freshness.STALE), ("VALID", ["MIRROR_STALE"])),
    "a genuine document in no register": (basis(grade=Grade.UNLOGGED), ("VALID", ["NOT_IN_REGISTER"])),
    "names that differ": (basis(differences=(DIFFERS_R,)), ("VALID", [])),
    "another digest alone": (basis("VALID", "DIGEST_DIFFERS"), ("VALID", [])),
    "endorsed elsewhere": (basis("VALID", "ENDORSED_ELSEWHERE"), ("VALID", [])),
    "a copy": (basis("VALID", "COPY"), ("VALID", [])),
    "no node speaks for the issuer": (
        basis("UNKNOWN", signature="NONE", grade=Grade.UNLOGGED, covered=False),
        ("UNKNOWN", ["NOT_COVERED"]),
    ),
    "not covered says nothing of a held permit": (basis(covered=False), ("VALID", [])),
}


@pytest.mark.parametrize(("of", "expected"), REMARKS.values(), ids=REMARKS)
def test_other_remarks_change_no_verdict(of: Basis, expected: tuple[str, list[str]]) -> None:
    assert verdict(of) == expected


@given(
    status=st.sampled_from(Status),
    flags=st.frozensets(st.sampled_from(Flag), max_size=4),
    signature=st.sampled_from(["VALID", "INVALID", "UNTRUSTED", "REVOKED_KEY", "NONE"]),
    freshness=st.sampled_from(Freshness),
    trust=st.sampled_from(Freshness),
    purpose=st.sampled_from(Purpose),
    refuses=st.booleans(),
)
def test_doubt_never_makes_a_permit_better_nor_a_forgery_of_it(
    status: Status,
    flags: frozenset[Flag],
    signature: str,
    freshness: Freshness,
    trust: Freshness,
    purpose: Purpose,
    *,
    refuses: bool,
) -> None:
    """VALID needs a permit that is known and whole; what is unknown is never NOT_VALID by itself."""
    of = basis(status, *flags, signature=signature, mirror=freshness, trust=trust)
    word, reasons = conclude(of, purpose=purpose, policy=REFUSING if refuses else Policy())
    doubts = {Flag.REGISTER_DISPUTED, Flag.ENTRY_WITHHELD, Flag.CONFIRMED_ELSEWHERE}
    if word is VerdictWord.VALID:
        assert signature in {"VALID", "NONE"}
        assert Freshness.EXPIRED not in {freshness, trust}
        assert flags.isdisjoint(doubts)
        assert status in {Status.VALID, Status.EXPORTED, Status.PARTLY_USED, Status.EXPIRED}
    if word is VerdictWord.NOT_VALID:
        assert status is not Status.UNKNOWN or signature not in {"VALID", "NONE"}
        assert (status, signature) != (Status.UNKNOWN, "UNTRUSTED") or trust is Freshness.FRESH
    assert len(set(reasons)) == len(reasons)
    assert reasons or word in {VerdictWord.VALID, VerdictWord.UNKNOWN}


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(), "FRESH"),
        (timedelta(hours=1), "FRESH"),
        (timedelta(hours=1) + SECOND, "STALE"),
        (timedelta(days=7), "STALE"),
        (timedelta(days=7) + SECOND, "EXPIRED"),
        (None, "EXPIRED"),
    ],
)
def test_a_mirror_is_fresh_for_an_hour_and_stale_for_a_week(age: timedelta | None, expected: str) -> None:
    assert Policy().freshness(None if age is None else NOW - age, now=NOW).value == expected


@pytest.mark.parametrize(
    ("members", "reasons"),
    [
        ({"grade": Grade.WITNESSED, "wants_witnesses": True}, []),
        ({"grade": Grade.LOGGED, "wants_witnesses": True}, ["NOT_WITNESSED"]),
        ({"grade": Grade.LOGGED}, []),
        ({"grade": Grade.UNLOGGED, "wants_witnesses": True}, ["NOT_IN_REGISTER"]),
        ({"grade": Grade.UNLOGGED}, ["NOT_IN_REGISTER"]),
        ({"grade": Grade.UNLOGGED, "signature": "NONE"}, []),
        ({"backdated": True}, ["BACKDATED"]),
    ],
)
def test_what_is_known_of_the_entry_is_a_reason_and_no_verdict(members: dict[str, Any], reasons: list[str]) -> None:
    """The grade lowers nothing; NOT_WITNESSED only where a signed document was shown (C.6)."""
    assert verdict(basis("VALID", **members)) == ("VALID", reasons)


@given(witnessed=st.integers(0, 5), logged=st.integers(0, 5), index=st.none() | st.integers(0, 6))
def test_the_grade_of_an_entry_follows_from_its_index(witnessed: int, logged: int, index: int | None) -> None:
    """Decision 10; a register may be witnessed further than its newest checkpoint was stored."""
    grade = Grade.of(index, witnessed=witnessed, logged=logged)
    if index is not None and index < witnessed:
        assert grade is Grade.WITNESSED
    elif index is not None and index < logged:
        assert grade is Grade.LOGGED
    else:
        assert grade is Grade.UNLOGGED
