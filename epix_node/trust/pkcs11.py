"""A permit signing key that lives in a PKCS#11 token (an HSM, or SoftHSM2 in tests) and never leaves it.

The token signs digests; this program computes the digest. ``TokenKey`` stands where a key in memory would: the signer
asks it for a signature and for its public half, and everything that would need the private half is refused.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from epix_node.errors import KeyMaterialError

_CURVE = "secp256r1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where a key is: the vendor's PKCS#11 library, the token's label and the key's label."""

    module: Path
    token: str
    key: str

    def __str__(self) -> str:
        return f"key {self.key!r} in token {self.token!r}"


class TokenKey(ec.EllipticCurvePrivateKey):
    """A P-256 private key in a token. Signs; its private half cannot be read.

    One session is kept open. PKCS#11 sessions are not for several threads at once, so signatures wait for each other.
    """

    def __init__(self, place: TokenPlace, session: Any, private: Any, public: ec.EllipticCurvePublicKey) -> None:
        self._place = place
        self._session = session
        self._private = private
        self._public = public
        self._lock = threading.Lock()

    @classmethod
    def open(cls, place: TokenPlace, *, pin: bytes | None) -> Self:
        """The key at this place, ready to sign.

        Raises:
            KeyMaterialError: no such library, token or key; the PIN is missing or wrong; the key is on another curve,
                or could be taken out of the token.
        """
        key = cls.find(place, pin=pin)
        if key is None:
            raise KeyMaterialError(f"{place}: there is no such key in the token")
        return key

    @classmethod
    def find(cls, place: TokenPlace, *, pin: bytes | None) -> Self | None:
        """As ``open``, but None where the token has no key of this label."""
        session = _session(place, pin, writing=False)
        try:
            private = session.get_key(object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC, label=place.key)
            public = session.get_key(object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC, label=place.key)
            _require_kept(place, private)
            return cls(place, session, private, _public_key(place, public))
        except pkcs11.NoSuchKey:
            session.close()
            return None
        except pkcs11.PKCS11Error as error:
            session.close()
            raise _refusal(place, error) from error
        except KeyMaterialError:
            session.close()
            raise

    @classmethod
    def generate(cls, place: TokenPlace, *, pin: bytes | None) -> Self:
        """A new key is in the token under this label, and can sign there only.

        Raises:
            KeyMaterialError: as ``open``, or a key of this label is there already.
        """
        session = _session(place, pin, writing=True)
        try:
            if next(iter(session.get_objects({Attribute.LABEL: place.key})), None) is not None:
                raise KeyMaterialError(f"{place} exists; it is not overwritten")
            domain = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVE)}, local=True
            )
            domain.generate_keypair(
                store=True,
                label=place.key,
                capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
                private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
        except pkcs11.PKCS11Error as error:
            raise _refusal(place, error) from error
        finally:
            session.close()
        return cls.open(place, pin=pin)

    def close(self) -> None:
        """Log out of the token."""
        with self._lock:
            self._session.close()

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return ec.SECP256R1()

    @property
    def key_size(self) -> int:
        """In bits."""
        return self.curve.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The DER signature of the data. Raises ``KeyMaterialError`` where the token is gone or refuses."""
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, utils.Prehashed):
            digest = bytes(data)
        else:
            hasher = hashes.Hash(algorithm)
            hasher.update(data)
            digest = hasher.finalize()
        try:
            with self._lock:
                raw = bytes(self._private.sign(digest, mechanism=Mechanism.ECDSA))
        except pkcs11.PKCS11Error as error:
            raise _refusal(self._place, error) from error
        half = len(raw) // 2
        return utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002
        """Refused: the key is for signatures only."""
        raise KeyMaterialError(f"{self._place} is for signatures only")

    def private_numbers(self) -> NoReturn:
        """Refused: the private half never leaves the token."""
        raise KeyMaterialError(f"{self._place} never leaves the token")

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> NoReturn:  # noqa: A002, ARG002
        """Refused: the private half never leaves the token."""
        raise KeyMaterialError(f"{self._place} never leaves the token")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<TokenKey {self._place}>"


def _session(place: TokenPlace, pin: bytes | None, *, writing: bool) -> Any:
    if pin is None:
        raise KeyMaterialError(f"{place} needs the token's PIN")
    try:
        library = pkcs11.lib(str(place.module))
    except RuntimeError as error:  # the library itself, or the system's loader
        raise KeyMaterialError(f"{place}: the PKCS#11 library {place.module} cannot be loaded") from error
    try:
        token = library.get_token(token_label=place.token)
        try:
            return token.open(rw=writing, user_pin=pin.decode())
        except pkcs11.UserAlreadyLoggedIn:  # one log-in is for all sessions of a process (PKCS#11 2.40, 2.6.6)
            return token.open(rw=writing)
    except UnicodeDecodeError as error:
        raise KeyMaterialError(f"{place}: the PIN is not UTF-8") from error
    except pkcs11.PKCS11Error as error:
        raise _refusal(place, error) from error


def _require_kept(place: TokenPlace, private: Any) -> None:
    if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
        raise KeyMaterialError(f"{place} can be taken out of the token; make one that cannot")


def _public_key(place: TokenPlace, public: Any) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(encode_ec_public_key(public))
    except ValueError as error:
        raise KeyMaterialError(f"{place} is on a curve that is not known here") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyMaterialError(f"{place} is no P-256 key")
    return key


def _refusal(place: TokenPlace, error: pkcs11.PKCS11Error) -> KeyMaterialError:
    """What went wrong in words of ours: the library's errors are bare codes, and never hold the PIN."""
    # What is wrong with the token is not said of one of the labels that a key may have there.
    what = f"token {place.token!r}"
    match error:
        case pkcs11.NoSuchToken():
            what = f"there is no token {place.token!r}"
            reason = "is the device there, and is it the right library?"
        case pkcs11.PinIncorrect() | pkcs11.PinLenRange() | pkcs11.PinInvalid():
            reason = "the PIN is wrong: see [keys] pin_file, before the token locks itself"
        case pkcs11.PinLocked():
            reason = "the PIN is locked after too many wrong ones; the token's security officer can reset it"
        case _:
            what = str(place)
            reason = f"the token answered {type(error).__name__}"
    return KeyMaterialError(f"{what}: {reason}")
