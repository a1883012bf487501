"""C2SP signed notes: a text and the lines of those who signed it (C.4 item 3; c2sp.org/signed-note).

    body, ends in a newline
    (one empty line; body and signatures part at the *last* one)
    — <name> <base64(key ID[4] ‖ signature)>

Parsing believes nothing: the body must not be read before a known key verified it. A note has exactly one form on the
wire, so ``format_note(parse_note(data)) == data`` for every note that is accepted.

Not here: what a body means (``checkpoint``), and time-stamped signatures (``cosignature``).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from epix_node.errors import MalformedDocumentError, TrustError

MAX_NOTE_BYTES = 256 * 1024
"""Longest note accepted, in bytes (C.4 item 3)."""

MAX_SIGNATURES = 64
"""Most signature lines of a note (C.4 item 3); the specification demands at least 16."""

KEY_ID_BYTES = 4
PUBLIC_KEY_BYTES = 32

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_LINE_START = "— "  # em dash U+2014, space


class KeyKind(IntEnum):
    """The signature type byte: what a key signs, and how. ML-DSA-44 (0x06) is for later (decision 13)."""

    NOTE = 0x01
    """Ed25519 over the body."""
    COSIGNATURE = 0x04
    """Ed25519 over a time and the body, cosignature/v1."""


def decode_base64(text: str) -> bytes:
    """The bytes of standard padded base64, of which only the canonical spelling is accepted.

    Raises ``MalformedDocumentError`` for anything else: other alphabets, white space, missing padding, stray bits.
    """
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedDocumentError("not standard base64") from error
    if b64encode(data).decode("ascii") != text:
        raise MalformedDocumentError("base64 is not in its canonical spelling")
    return data


def _require_key_name(name: str) -> None:
    """Raise ``ValueError`` unless the name can stand in a signature line and in a vkey."""
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise ValueError(f"key name {name!r}: expected text without spaces, control characters and plus signs")


def _key_id(name: str, kind: KeyKind, public: bytes) -> bytes:
    """SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4] (C.4 item 3)."""
    return sha256(name.encode() + b"\n" + bytes((kind,)) + public).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line. ``signature`` is what follows the key ID; its meaning depends on the key."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _require_key_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise ValueError(f"signature by {self.name}: expected a key ID of {KEY_ID_BYTES} bytes and a signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text with its signature lines, in the order of the note. Says nothing about whether they verify."""

    body: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        if not self.body.endswith("\n"):
            raise ValueError("the body of a note ends in a newline")
        if _CONTROL.search(self.body):
            raise ValueError("the body of a note has no control characters but newline")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise ValueError(f"note with {len(self.signatures)} signature lines: expected 1 to {MAX_SIGNATURES}")

    def signatures_by(self, key: VerifierKey) -> tuple[bytes, ...]:
        """What stands in the lines that carry this key's name *and* ID, each once; nothing is verified yet."""
        lines = (one.signature for one in self.signatures if one.name == key.name and one.key_id == key.key_id)
        return tuple(dict.fromkeys(lines))  # anybody can repeat a line, and each costs a verification


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key under a name. Made by ``of`` or ``parse``; raises ``ValueError`` where the key ID is another's."""

    name: str
    kind: KeyKind
    key_id: bytes
    public: bytes

    def __post_init__(self) -> None:
        _require_key_name(self.name)
        if len(self.public) != PUBLIC_KEY_BYTES:
            raise ValueError(f"key {self.name}: {len(self.public)} bytes, expected {PUBLIC_KEY_BYTES}")
        expected = _key_id(self.name, self.kind, self.public)
        if self.key_id != expected:
            raise ValueError(f"key {self.name}: key ID {self.key_id.hex()}, expected {expected.hex()}")

    @classmethod
    def of(cls, name: str, kind: KeyKind, public: Ed25519PublicKey) -> Self:
        """This public key under this name, for this kind of signature."""
        raw = public.public_bytes_raw()
        return cls(name=name, kind=kind, key_id=_key_id(name, kind, raw), public=raw)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The key that ``vkey`` wrote. Raises ``MalformedDocumentError`` for any other text and for unknown types."""
        name, separator, rest = vkey.partition("+")
        key_id, second_separator, material = rest.partition("+")  # base64 may hold further plus signs
        if not separator or not second_separator:
            raise MalformedDocumentError("a vkey has the form name+key ID+base64")
        typed = decode_base64(material)
        try:
            key = cls(name=name, kind=KeyKind(typed[0]), key_id=bytes.fromhex(key_id), public=typed[1:])
        except (ValueError, IndexError) as error:
            raise MalformedDocumentError(f"vkey not usable: {error}") from error
        if key.vkey != vkey:
            raise MalformedDocumentError("the key ID of a vkey is eight lower-case hexadecimal digits")
        return key

    @property
    def vkey(self) -> str:
        """The text form: ``name+hex8(key ID)+base64(type ‖ public key)``."""
        material = b64encode(bytes((self.kind,)) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return if this key made this Ed25519 signature over these bytes; raise ``TrustError`` otherwise."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature as error:
            raise TrustError(f"the signature by {self.name} ({self.key_id.hex()}) does not verify") from error


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """Signs bodies under one name with an Ed25519 key of kind 0x01."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)
    verifier_key: VerifierKey = field(init=False, repr=False)
    """The public half, to be published in the manifest."""

    def __post_init__(self) -> None:
        public = VerifierKey.of(self.name, KeyKind.NOTE, self.private_key.public_key())
        object.__setattr__(self, "verifier_key", public)

    def sign(self, body: str) -> NoteSignature:
        """The signature line for this body; the same body always gives the same line."""
        key_id = self.verifier_key.key_id
        return NoteSignature(name=self.name, key_id=key_id, signature=self.private_key.sign(body.encode()))


def format_signature_line(line: NoteSignature) -> str:
    """The line as it stands in a note and in the answer of a witness, with its newline."""
    return f"{_LINE_START}{line.name} {b64encode(line.key_id + line.signature).decode('ascii')}\n"


def format_note(note: Note) -> bytes:
    """The bytes of a note; ``parse_note`` gives the same note back. Raises ``ValueError`` for more than 256 KiB."""
    data = f"{note.body}\n{''.join(map(format_signature_line, note.signatures))}".encode()
    if len(data) > MAX_NOTE_BYTES:
        raise ValueError(f"note of {len(data)} bytes: expected at most {MAX_NOTE_BYTES}")
    return data


def parse_note(data: bytes) -> Note:
    """The body and signature lines of a note, none of them verified. Raises ``MalformedDocumentError``."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedDocumentError(f"note of {len(data)} bytes: at most {MAX_NOTE_BYTES}", code="TOO_LARGE")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise MalformedDocumentError("note is not UTF-8", code="NOT_UTF8") from error
    head, empty_line, tail = text.rpartition("\n\n")
    if not empty_line or not tail.endswith("\n"):
        raise MalformedDocumentError("a note has an empty line and, after it, signature lines that end in newlines")
    # Not splitlines(): that also splits at U+2028 and others, which a name or body may not smuggle in as newlines.
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedDocumentError(
            f"note with {len(lines)} signature lines: at most {MAX_SIGNATURES}", code="LIMIT_EXCEEDED"
        )
    try:
        return Note(body=head + "\n", signatures=tuple(parse_signature_line(line) for line in lines))
    except ValueError as error:
        raise MalformedDocumentError(f"note not usable: {error}") from error


def parse_signature_line(line: str) -> NoteSignature:
    """What ``format_signature_line`` wrote, without its newline. Raises ``MalformedDocumentError``."""
    if not line.startswith(_LINE_START):
        raise MalformedDocumentError("a signature line begins with an em dash and a space")
    name, _, encoded = line.removeprefix(_LINE_START).partition(" ")
    blob = decode_base64(encoded)
    try:
        return NoteSignature(name=name, key_id=blob[:KEY_ID_BYTES], signature=blob[KEY_ID_BYTES:])
    except ValueError as error:
        raise MalformedDocumentError(f"signature line not usable: {error}") from error


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of these keys that signed the body, at least one; signatures by other keys count for nothing.

    Raises:
        TrustError: a known key's signature is wrong, which spoils the whole note (C.4 item 3), code
            SIGNATURE_INVALID; no known key signed, or two of the keys cannot be told apart, code KEY_UNKNOWN; a key
            is not for signing notes, code KEY_WRONG_USE.
    """
    known = tuple(keys)
    if len({(key.name, key.key_id) for key in known}) != len(known):
        raise TrustError("two of the known keys carry the same name and key ID", code="KEY_UNKNOWN")
    signed_by: list[VerifierKey] = []
    for key in known:
        if key.kind is not KeyKind.NOTE:
            raise TrustError(f"key {key.name} is not for signing notes", code="KEY_WRONG_USE")
        signatures = note.signatures_by(key)
        for signature in signatures:
            key.verify(note.body.encode(), signature)
        if signatures:
            signed_by.append(key)
    if not signed_by:
        raise TrustError("no known key signed the note", code="KEY_UNKNOWN")
    return tuple(signed_by)
