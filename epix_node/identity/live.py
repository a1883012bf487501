"""Which of this node's keys signs now: followed through rotations and revocations while the node runs.

The own manifest says which keys there are and since when; the box has their private halves, or some of them. A
document is signed with the newest active key whose time has come and whose private half is here, and until then with
the one before it, which is retiring (C.1 "Rotation"). A revoked key signs nothing more. A new version of the manifest
is noticed at the next signature, whatever process made it.

What is not needed is not opened: where a key in the token signs, the file that signed before it stays closed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.clock import Clock, format_time
from epix_node.errors import KeyMaterialError
from epix_node.identity.key_box import KeyBox, OwnCertificate, SigningPair, TransportPair
from epix_node.register.cosignature import Cosigner
from epix_node.register.note import NoteSigner
from epix_node.trust.keyring import Keyring, SigningKey
from epix_node.trust.manifest import Manifest, PermitKeyEntry

_ROTATE = "make a new one with `epix-node keys rotate signing --first-use now`"

log = structlog.get_logger("epix_node.identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    """A key that is not revoked, and when verifiers take what it signs (``signing.verifier``, step 6)."""

    kid: str
    is_active: bool
    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, entry: PermitKeyEntry) -> Self:
        certificate = entry.certificate
        return cls(
            kid=entry.kid,
            is_active=entry.status == "active",
            begins=max(entry.not_before, certificate.not_valid_before_utc),
            ends=min(entry.not_after, certificate.not_valid_after_utc),
        )


class LiveKeys:
    """The own keys while the node is open. Stands where a ``Signer`` and a ``KeyFinder`` are wanted.

    ``manifest`` gives the own manifest as of the newest commit, the same object until it changes.
    """

    def __init__(self, box: KeyBox, manifest: Callable[[], Manifest], clock: Clock) -> None:
        self.box = box
        self._manifest = manifest
        self._clock = clock
        self._lock = threading.RLock()
        self._known: Manifest | None = None
        self._keyring = Keyring({})
        self._terms: tuple[_Term, ...] = ()
        self._certificates: dict[str, OwnCertificate] = {}
        self._pairs: dict[str, SigningPair | None] = {}
        self._transports: dict[str, TransportPair] = {}
        self._said: tuple[str, str] | None = None
        self.log_key: Ed25519PrivateKey = log_key_of(box, manifest())
        self.witness_key: Ed25519PrivateKey = box.witness()

    @classmethod
    def open(cls, box: KeyBox, manifest: Callable[[], Manifest], clock: Clock) -> Self:
        """The keys, checked: others know this node by them.

        Raises:
            KeyMaterialError: a key cannot be opened, or is not in the own manifest, so that nobody would take what it
                signs.
        """
        live = cls(box, manifest, clock)
        live._require_own()
        return live

    def require_period(self) -> None:
        """Return where a key may sign now.

        Raises:
            KeyMaterialError: none may: each has expired, or its time has not come.
        """
        with self._lock:
            self._follow()
            self._current(self._clock())

    @property
    def certificate(self) -> x509.Certificate:
        """That of the key that signs now; where none may, of the newest one that is here."""
        with self._lock:
            self._follow()
            try:
                return self._current(self._clock()).signer.certificate
            except KeyMaterialError:
                return self.box.certificates()[0].certificate

    @property
    def signing(self) -> SigningPair:
        """The key that signs documents now. Raises ``KeyMaterialError`` where none may."""
        with self._lock:
            self._follow()
            return self._current(self._clock())

    def sign(self, document: bytes, *, at: datetime) -> bytes:
        """The signed document, by the key of that moment.

        Raises ``KeyMaterialError`` where there is none, and as ``FileSigner.sign``.
        """
        with self._lock:
            self._follow()
            signer = self._current(at).signer
        return signer.sign(document, at=at)

    @property
    def transport(self) -> TransportPair:
        """The key that signs requests and answers now: the newest one whose use has begun (C.1)."""
        with self._lock:
            self._follow()
            return self._transport(self._clock())

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        """As ``Keyring.find``, of the own manifest alone: what this node signs must verify under its own keys."""
        with self._lock:
            self._follow()
            return self._keyring.find(party, certificate_sha256)

    def owner(self, certificate_sha256: str) -> str | None:
        """As ``Keyring.owner``, likewise."""
        with self._lock:
            self._follow()
            return self._keyring.owner(certificate_sha256)

    def close(self) -> None:
        """The token is let go of."""
        with self._lock:
            self.box.close()

    def _follow(self) -> None:
        """What follows from the manifest is that of the newest one."""
        manifest = self._manifest()
        if manifest is self._known:
            return
        try:
            certificates = {one.kid: one for one in self.box.certificates()}
            transports = {pair.kid: pair for pair in self.box.transports()}
        except KeyMaterialError as error:
            if self._known is None:
                raise
            # The keys that are open go on; what came beside them is looked for again after the next change.
            log.error("own key files cannot be read again", problem=str(error))  # noqa: TRY400  # says all there is
        else:
            self._certificates, self._transports = certificates, transports
        self._terms = _by_preference(manifest)
        usable = {term.kid for term in self._terms}
        # A key that was not here may have come since.
        self._pairs = {kid: pair for kid, pair in self._pairs.items() if pair is not None and kid in usable}
        self._keyring = Keyring({manifest.party: manifest})
        self._known = manifest

    def _require_own(self) -> None:
        with self._lock:
            self._follow()
            manifest, now = self._known, self._clock()
            assert manifest is not None
            if NoteSigner(manifest.log.origin, self.log_key).verifier_key.vkey not in manifest.log.vkeys:
                raise _unknown("log key", self.box)
            if Cosigner(manifest.witness.name, self.witness_key).verifier_key.vkey not in manifest.witness.vkeys:
                raise _unknown("witness key", self.box)
            if not {entry.kid for entry in manifest.permit_keys} & self._certificates.keys():
                raise _unknown("signing certificate", self.box)
            self._transport(now)
            # What will sign later is opened too: better now than on that night.
            for term in self._terms:
                if term.begins > now:
                    self._pair(term.kid, is_start=True)
            good = [term for term in self._terms if term.begins <= now <= term.ends]
            # Where no key is good now, the newest is opened all the same, so that its trouble is told.
            if good or not any(self._pairs.values()):
                self._first_of(good or self._terms, now, is_start=True)

    def _current(self, at: datetime) -> SigningPair:
        """The pair that signs at that moment.

        Raises:
            KeyMaterialError: none may, or none of those that may is here.
        """
        return self._first_of([term for term in self._terms if term.begins <= at <= term.ends], at)

    def _first_of(self, wanted: Sequence[_Term], at: datetime, *, is_start: bool = False) -> SigningPair:
        for term in wanted:
            pair = self._pair(term.kid, is_start=is_start)
            if pair is not None:
                self._say(pair, wanted[0])
                return pair
        raise self._nothing(wanted, at)

    def _pair(self, kid: str, *, is_start: bool = False) -> SigningPair | None:
        if kid not in self._pairs:
            certificate = self._certificates.get(kid)
            try:
                self._pairs[kid] = self.box.open_signing(certificate) if certificate is not None else None
            except KeyMaterialError as error:
                if is_start:
                    raise
                log.error("a signing key cannot be opened", kid=kid, problem=str(error))  # noqa: TRY400  # likewise
                self._pairs[kid] = None
        return self._pairs[kid]

    def _say(self, pair: SigningPair, best: _Term) -> None:
        """One line when another key begins to sign, and when that is not the one that should."""
        if (pair.kid, best.kid) == self._said:
            return
        if self._said is not None and pair.kid != self._said[0]:
            log.info("signing key changed", kid=pair.kid, place=pair.place)
        if pair.kid != best.kid:
            log.warning("the newest signing key is not here; an older one signs", missing=best.kid, kid=pair.kid)
        self._said = (pair.kid, best.kid)

    def _nothing(self, wanted: Sequence[_Term], at: datetime) -> KeyMaterialError:
        for term in wanted:
            certificate = self._certificates.get(term.kid)
            if certificate is not None:
                return KeyMaterialError(f"{self.box.missing(certificate)}: restore it from your backup, or {_ROTATE}")
        if wanted:
            return KeyMaterialError(f"no certificate of this node's own manifest is here: restore it, or {_ROTATE}")
        if not self._terms:
            return KeyMaterialError(f"every signing key of this node is revoked: {_ROTATE}")
        begins = [term.begins for term in self._terms if term.begins > at]
        if begins:
            said = f"the signing certificate is good only from {format_time(min(begins))} on"
            return KeyMaterialError(f"{said}: set the clock right, wait, or {_ROTATE}")
        ends = max(term.ends for term in self._terms)
        return KeyMaterialError(f"the signing certificate expired at {format_time(ends)}: {_ROTATE}")

    def _transport(self, at: datetime) -> TransportPair:
        assert self._known is not None
        held = [(entry, self._transports.get(entry.kid)) for entry in self._known.transport_keys]
        here = [pair for _, pair in held if pair is not None]
        good = [pair for entry, pair in held if pair is not None and at <= entry.not_after]
        begun = [pair for pair in good if pair.first_use is None or pair.first_use <= at]
        # Where all have expired, those asked refuse; the node goes on all the same, and doctor tells.
        chosen = begun or good or here
        if not chosen:
            raise _unknown("transport key", self.box)
        return chosen[0]


def log_key_of(box: KeyBox, manifest: Manifest) -> Ed25519PrivateKey:
    """The key of the register that the manifest names; where none here is that, the newest one."""
    keys = box.logs()
    known = set(manifest.log.vkeys)
    return next((key for key in keys if NoteSigner(manifest.log.origin, key).verifier_key.vkey in known), keys[0])


def _by_preference(manifest: Manifest) -> tuple[_Term, ...]:
    """The keys that are not revoked: active before retiring ones, and the newest first."""
    terms = [_Term.of(entry) for entry in manifest.permit_keys if entry.status != "revoked"]
    return tuple(sorted(terms, key=lambda term: (term.is_active, term.begins), reverse=True))


def _unknown(what: str, box: KeyBox) -> KeyMaterialError:
    return KeyMaterialError(
        f"the {what} in {box.files.log_key.parent} is not in this node's own manifest: nobody would take what it "
        "signs. Restore the key from your backup; a new one is announced with `epix-node keys rotate`"
    )
