"""The scenes of the story: ordinary trade, two changes of keys, six frauds, and ten innocent look-alikes of them.

A scene is written from its first to its last line as it happens. ``yield`` waits until so long after the story's
start; before the scene goes on, every node has pulled from every other. So each country knows in a scene what it
would know in life, and all scenes run side by side in the same registers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from epix_node.demo.papers import BARK, CHIPS, CONCH, PARROT, PYTHONS, ROSEWOOD, SKINS, draw
from epix_node.demo.play import Play

CAST = ("XA", "XB", "XC")
"""The Parties that play; others of a larger demo look on."""

Script = AsyncIterator[timedelta]


class Kind(StrEnum):
    """What a scene is there to show."""

    TRADE = "ordinary trade"
    KEYS = "change of keys"
    FRAUD = "fraud"
    INNOCENT = "innocent look-alike"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene; ``key`` is short, unique and fit for an event id."""

    key: str
    kind: Kind
    title: str
    script: Callable[[Play], Script]


def _day(number: int, *, hours: int = 0) -> timedelta:
    return timedelta(days=number, hours=hours)


async def _ordinary_trade(play: Play) -> Script:
    """From the import permit to the last confirmation, every look-up says what it should."""
    allowed = await play.publish(draw("XB", "XA", "000777", PYTHONS, "12", on=play.today, type="I"))
    permit = await play.publish(draw("XA", "XB", "000001", PYTHONS, "12", on=play.today, import_permit=allowed))
    yield _day(1)
    await play.verify("XB", permit, verdict="VALID")
    yield _day(2)
    await play.endorse(permit, "12", transport="020-11110001")
    yield _day(5)
    await play.expect_status(permit, "EXPORTED", at=("XA", "XB"))
    await play.verify("XB", permit, verdict="VALID")
    await play.confirm("XB", permit, "12", transport="020-11110001")
    yield _day(6)
    await play.expect_status(permit, "USED", at=("XA", "XB"))
    await play.expect_status(allowed, "USED", at=("XA", "XB"))
    await play.verify("XB", permit, verdict="NOT_VALID")


async def _new_signing_key(play: Play) -> Script:
    """XB's signing key has served its time; what it signed is not signed again."""
    before = await play.publish(draw("XB", "XA", "000701", SKINS, "30", on=play.today))
    yield _day(2)
    await play.rotate_key("XB")
    after = await play.publish(draw("XB", "XA", "000702", SKINS, "35", on=play.today))
    yield _day(5)
    await play.verify("XA", before, verdict="VALID", signed="before the rotation")
    await play.verify("XA", after, verdict="VALID", signed="under the new key")


async def _stolen_key(play: Play) -> Script:
    """Until the theft is found out, the thief signs like the authority, and what was signed before it is not lost.

    The thief is an insider: what it signs is in the register too, so that nothing but the time of the theft tells.
    """
    yield _day(1)
    before = await play.publish(draw("XA", "XB", "000801", CONCH, "40", on=play.today))
    yield _day(3)
    # Nothing is done here. In life peers pull every minute; in the story this round is what proves to them that all
    # that XA had signed was in its register before the theft (protocol decision 7).
    yield _day(3, hours=12)
    theft = play.now - timedelta(hours=3)
    play.happens("XA", "the file of the signing key is copied, and nobody notices", at=theft)
    forged = await play.publish(draw("XA", "XB", "000802", CONCH, "900", on=play.today), by="the thief, an insider,")
    yield _day(5)
    await play.verify("XB", forged, verdict="VALID")
    await play.revoke_key("XA", since=theft, reason="key file copied")
    await play.rotate_key("XA")
    fresh = await play.publish(draw("XA", "XB", "000803", CONCH, "45", on=play.today))
    yield _day(5, hours=3)
    await play.verify("XB", before, verdict="VALID", signed="before the theft")
    await play.verify("XB", forged, verdict="NOT_VALID", reason="REVOKED_KEY", signed="by the thief")
    await play.verify("XB", fresh, verdict="VALID", signed="under the new key")


async def _used_in_two_countries(play: Play) -> Script:
    """Most of the goods arrive where they should; the rest opens another border with a copy of the permit."""
    permit = await play.publish(draw("XB", "XA", "000101", SKINS, "40", on=play.today))
    yield _day(2)
    await play.endorse(permit, "40", transport="057-22220001")
    yield _day(5)
    await play.confirm("XA", permit, "25", transport="057-22220001")
    yield _day(9)
    await play.confirm("XC", permit, "15", transport="057-22229999")


async def _altered_paper(play: Play) -> Script:
    """A nought was added to box 11."""
    permit = await play.publish(draw("XA", "XB", "000201", PYTHONS, "10", on=play.today))
    yield _day(5)
    said = {"lines": [{"block": "A", "quantity": "100", "unit": "NAR"}]}
    await play.verify("XB", permit, verdict="NOT_VALID", presented=said, record=True)


async def _stolen_and_used(play: Play) -> Script:
    """The paper was stolen and reported; a week later somebody imports under it."""
    permit = await play.publish(draw("XC", "XA", "000301", BARK, "250", on=play.today))
    yield _day(2)
    await play.withdraw(permit, "stolen")
    yield _day(9)
    await play.verify("XA", permit, verdict="NOT_VALID")
    await play.confirm("XA", permit, "250", transport="160-33330001")


async def _more_than_permitted(play: Play) -> Script:
    """Ten cubic metres left on paper, sixteen arrived."""
    permit = await play.publish(draw("XB", "XC", "000401", ROSEWOOD, "10", on=play.today))
    yield _day(2)
    await play.endorse(permit, "10", transport="HLCU-444401")
    yield _day(5)
    await play.confirm("XC", permit, "16", transport="HLCU-444401")


async def _forged_number(play: Play) -> Script:
    """Nobody ever issued this number; its date lies where the issuer promises to publish everything."""
    forged = draw("XA", "XC", "880417", SKINS, "60", on=play.today)
    yield _day(5)
    await play.verify("XC", forged, verdict="UNKNOWN")
    await play.confirm("XC", forged, "60", transport="057-55550001")


async def _long_expired(play: Play) -> Script:
    """The last day has passed, nothing was endorsed in time, and goods arrive all the same."""
    permit = await play.publish(draw("XA", "XC", "001401", CONCH, "30.5", on=play.today, days=13))
    yield _day(18)
    await play.verify("XC", permit, verdict="NOT_VALID")
    await play.confirm("XC", permit, "30.5", transport="020-66660001")


async def _split_arrival(play: Play) -> Script:
    """One air waybill, two flights, a week apart."""
    permit = await play.publish(draw("XA", "XB", "000501", BARK, "500.25", on=play.today))
    yield _day(2)
    await play.endorse(permit, "500.25", transport="020-77770001")
    yield _day(5)
    await play.confirm("XB", permit, "300.15", transport="020-77770001")
    yield _day(12)
    await play.confirm("XB", permit, "200.1", transport="020 7777 0001")


async def _less_than_permitted(play: Play) -> Script:
    """Fewer animals travel than the permit allows."""
    permit = await play.publish(draw("XB", "XC", "000502", PYTHONS, "20", on=play.today))
    yield _day(2)
    await play.endorse(permit, "14", transport="057-77770002")
    yield _day(5)
    await play.confirm("XC", permit, "14", transport="057-77770002")
    yield _day(6)
    await play.expect_status(permit, "USED", at=("XB", "XC"), flag="REMAINDER_LAPSED")


async def _returned(play: Play) -> Script:
    """The importer sends the goods back; nothing was imported."""
    permit = await play.publish(draw("XC", "XB", "000503", CHIPS, "80", on=play.today))
    yield _day(2)
    await play.endorse(permit, "80", transport="160-77770003")
    yield _day(5)
    await play.confirm("XB", permit, "80", outcome="returned", transport="160-77770003")
    yield _day(6)
    await play.expect_status(permit, "REFUSED", at=("XC", "XB"), flag="RETURNED")


async def _crossing_twice(play: Play) -> Script:
    """A pet with a certificate of ownership, which is made for many crossings."""
    certificate = await play.publish(
        draw("XA", "XB", "000504", PARROT, "1", on=play.today, type="O", subtype="personal-ownership", multi_use=True)
    )
    for there in (2, 12):
        yield _day(there)
        await play.endorse(certificate, "1")
        await play.confirm("XB", certificate, "1")
    yield _day(18)
    await play.expect_status(certificate, "PARTLY_USED", at=("XA",), flag="MULTI_USE")


async def _replacement_used(play: Play) -> Script:
    """A permit was damaged and replaced; the goods travel on the new one."""
    old = await play.publish(draw("XC", "XA", "000505", CHIPS, "45", on=play.today))
    yield _day(2)
    new = await play.reissue(old, f"{old.number[:4]}000595")
    yield _day(5)
    await play.verify("XA", old, verdict="NOT_VALID")
    await play.verify("XA", new, verdict="VALID")
    await play.endorse(new, "45", transport="160-77770005")
    yield _day(9)
    await play.confirm("XA", new, "45", transport="160-77770005")


async def _cancelled_under_way(play: Play) -> Script:
    """The goods had left when the permit was cancelled: somebody should look, but it is no fraud."""
    permit = await play.publish(draw("XA", "XB", "000601", CONCH, "75", on=play.today))
    yield _day(2)
    await play.endorse(permit, "75", transport="020-77770006")
    yield _day(5)
    await play.withdraw(permit, "cancelled")
    yield _day(9)
    await play.confirm("XB", permit, "75", transport="020-77770006")


async def _typing_error(play: Play) -> Script:
    """An officer types 120 for 12 and corrects it the same day."""
    permit = await play.publish(draw("XA", "XB", "000507", PYTHONS, "12", on=play.today))
    yield _day(2)
    await play.endorse(permit, "12")
    yield _day(5)
    day = play.today
    wrong = await play.confirm("XB", permit, "120")
    yield _day(5, hours=3)
    await play.correct("XB", wrong, permit, "12", on=day)
    yield _day(6)
    await play.expect_status(permit, "USED", at=("XA", "XB"))


async def _sent_twice(play: Play) -> Script:
    """The customs system did not see the answer and sends its message again."""
    permit = await play.publish(draw("XB", "XA", "000508", SKINS, "25", on=play.today))
    yield _day(2)
    await play.endorse(permit, "25", transport="057-77770008")
    yield _day(5)
    await play.confirm("XA", permit, "25", transport="057-77770008", again=True)


async def _never_used(play: Play) -> Script:
    """The sale fell through; the permit expires in a drawer."""
    permit = await play.publish(draw("XC", "XB", "000509", ROSEWOOD, "3.2", on=play.today, days=8))
    yield _day(12)
    await play.expect_status(permit, "EXPIRED", at=("XC", "XB"), flag="UNUSED")


async def _through_transit(play: Play) -> Script:
    """A transit country that is on the permit sees the goods pass."""
    permit = await play.publish(draw("XA", "XB", "000510", CHIPS, "60", on=play.today, transit=("XC",)))
    yield _day(2)
    await play.endorse(permit, "60", transport="020-77770010")
    yield _day(5)
    await play.confirm("XC", permit, "60", transport="160-77770010")
    yield _day(9)
    await play.confirm("XB", permit, "60", transport="160-77770011")


SCENES: tuple[Scene, ...] = (
    Scene(key="trade", kind=Kind.TRADE, title="A sale with all its papers", script=_ordinary_trade),
    # The keys change before anybody else acts at that moment: what XA still signed with the stolen key would be void.
    Scene(key="new-key", kind=Kind.KEYS, title="A new signing key", script=_new_signing_key),
    Scene(key="stolen-key", kind=Kind.KEYS, title="A key is stolen", script=_stolen_key),
    Scene(
        key="two-countries", kind=Kind.FRAUD, title="One permit used in two countries", script=_used_in_two_countries
    ),
    Scene(key="altered", kind=Kind.FRAUD, title="A paper with a nought too many", script=_altered_paper),
    Scene(key="stolen", kind=Kind.FRAUD, title="A stolen permit used", script=_stolen_and_used),
    Scene(key="inflated", kind=Kind.FRAUD, title="More arrived than was permitted", script=_more_than_permitted),
    Scene(key="forged", kind=Kind.FRAUD, title="A number that nobody issued", script=_forged_number),
    Scene(key="expired", kind=Kind.FRAUD, title="A permit used after its last day", script=_long_expired),
    Scene(key="split", kind=Kind.INNOCENT, title="Two flights under one air waybill", script=_split_arrival),
    Scene(key="less", kind=Kind.INNOCENT, title="Less than was permitted", script=_less_than_permitted),
    Scene(key="returned", kind=Kind.INNOCENT, title="Goods sent back", script=_returned),
    Scene(key="crossings", kind=Kind.INNOCENT, title="A certificate for many crossings", script=_crossing_twice),
    Scene(key="replaced", kind=Kind.INNOCENT, title="A replacement used", script=_replacement_used),
    Scene(key="under-way", kind=Kind.INNOCENT, title="Cancelled with the goods under way", script=_cancelled_under_way),
    Scene(key="typing-error", kind=Kind.INNOCENT, title="A typing error, corrected in time", script=_typing_error),
    Scene(key="twice", kind=Kind.INNOCENT, title="The same message sent twice", script=_sent_twice),
    Scene(key="unused", kind=Kind.INNOCENT, title="A permit that was never used", script=_never_used),
    Scene(key="transit", kind=Kind.INNOCENT, title="Through a declared transit country", script=_through_transit),
)
