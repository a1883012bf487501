"""Signed notes are read strictly and believed only when a known key signed them."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.note import (
    MAX_NOTE_BYTES,
    KeyKind,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    decode_base64,
    format_note,
    parse_note,
    verify_note,
)

ORIGIN = "epix.example.xa/sandbox/register/1"

# Made with openssl from the seed 00 01 … 1f.
LOG_VKEY = f"{ORIGIN}+ccc1cf28+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
COSIGNER_VKEY = f"{ORIGIN}+a2c6003d+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
BODY = f"{ORIGIN}\n2\nsTeYX/SE+2ANuTEHx3sDZcgNePW0Kd7Q/Zc2HQd5mes=\n"
LOG_LINE = f"— {ORIGIN} zMHPKMgP82SsUq+hx909zqsnIxtI+f+AuC/Gs0ui5Ii6YrmBqYnY+S7LrdNduY+XEWpOl+LnV9lEj9Qr/Ke7eXKuJgU=\n"

SIGNATURE = b64encode(b"\x00\x00\x00\x01" + b"signature").decode()


def note_bytes(body: str = "text\n", lines: str = f"— name {SIGNATURE}\n") -> bytes:
    return f"{body}\n{lines}".encode()


def test_a_signature_is_a_known_answer(log):
    """The bytes equal those that openssl makes."""
    assert format_note(Note(body=BODY, signatures=(log.sign(BODY),))) == note_bytes(BODY, LOG_LINE)


def test_vkeys_are_known_answers(log, cosigner):
    """The text form, with its key ID, equals the one computed with sha256sum."""
    assert log.verifier_key.vkey == LOG_VKEY
    assert cosigner.verifier_key.vkey == COSIGNER_VKEY
    assert VerifierKey.parse(LOG_VKEY) == log.verifier_key
    assert VerifierKey.parse(COSIGNER_VKEY) == cosigner.verifier_key


def test_a_signer_does_not_show_its_private_key(log):
    """A signer in a log line or traceback gives away its name only."""
    assert repr(log) == f"NoteSigner(name={ORIGIN!r})"


@pytest.mark.parametrize(
    "vkey",
    [
        pytest.param("", id="empty"),
        pytest.param("name", id="a name only"),
        pytest.param("name+ccc1cf28", id="no key"),
        pytest.param("name+ccc1cf28+", id="an empty key"),
        pytest.param(LOG_VKEY.replace("ccc1cf28", "ccc1cf29"), id="the key ID of another key"),
        pytest.param(LOG_VKEY.replace("ccc1cf28", "CCC1CF28"), id="a key ID in capitals"),
        pytest.param(LOG_VKEY.replace("ccc1cf28", "ccc1 cf28"), id="a space in the key ID"),
        pytest.param(LOG_VKEY.replace("+ccc1cf28", "x+ccc1cf28"), id="another name"),
        pytest.param(LOG_VKEY + "\n", id="a newline at the end"),
        pytest.param(LOG_VKEY[:-1], id="a cut key"),
        pytest.param(LOG_VKEY.replace("+AQ", "+Ag"), id="ECDSA"),
        pytest.param(LOG_VKEY.replace("+AQ", "+Bg"), id="ML-DSA-44"),
        pytest.param("na\ud800me+ccc1cf28+" + LOG_VKEY.rpartition("+")[2], id="half a character in the name"),
    ],
)
def test_any_other_vkey_is_refused(vkey):
    """One key has one text form, and unknown types are not guessed at."""
    with pytest.raises(MalformedDocumentError):
        VerifierKey.parse(vkey)


@given(
    name=st.text("abc./-é", min_size=1, max_size=20),
    kind=st.sampled_from(KeyKind),
    public=st.binary(min_size=32, max_size=32),
)
@settings(max_examples=50)
def test_a_vkey_survives_the_round_trip(name, kind, public):
    """parse reads what vkey wrote, plus signs in the base64 included."""
    key = VerifierKey.of(name, kind, Ed25519PublicKey.from_public_bytes(public))
    assert VerifierKey.parse(key.vkey) == key


def test_the_body_ends_at_the_last_empty_line():
    """Empty lines and text that looks like a signature belong to the body."""
    body = f"first\n\n— name {SIGNATURE}\n\n\nlast\n"
    assert parse_note(note_bytes(body)).body == body


def test_newlines_of_other_alphabets_are_text():
    """U+2028 and U+0085 end no line."""
    body = "one\u2028two\u0085\n"
    assert parse_note(note_bytes(body)).body == body


lines = st.builds(
    NoteSignature,
    name=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Z"), exclude_characters="+"), min_size=1),
    key_id=st.binary(min_size=4, max_size=4),
    signature=st.binary(min_size=1, max_size=80),
)
bodies = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",), include_characters="\n")).map(
    lambda text: text + "\n"
)


@given(st.builds(Note, body=bodies, signatures=st.lists(lines, min_size=1, max_size=5).map(tuple)))
@settings(max_examples=80)
def test_a_note_survives_the_round_trip(note):
    """parse_note reads what format_note wrote, whatever stands in the body."""
    assert parse_note(format_note(note)) == note


@given(st.binary(max_size=80) | st.text("\n — name+AB=", max_size=60).map(str.encode))
@settings(max_examples=100)
def test_hostile_bytes_are_refused_or_read_exactly(data):
    """Whatever arrives, there is no other error, and what is accepted has one spelling."""
    try:
        note = parse_note(data)
    except MalformedDocumentError:
        return
    assert format_note(note) == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "NOT_UNDERSTOOD", id="nothing"),
        pytest.param(b"text\n", "NOT_UNDERSTOOD", id="no signatures"),
        pytest.param(b"text\n\n", "NOT_UNDERSTOOD", id="an empty line without signatures"),
        pytest.param(note_bytes()[:-1], "NOT_UNDERSTOOD", id="no final newline"),
        pytest.param(note_bytes() + b"\n", "NOT_UNDERSTOOD", id="an empty line at the end"),
        pytest.param(note_bytes() + b"more\n", "NOT_UNDERSTOOD", id="a line that is no signature"),
        pytest.param(note_bytes().replace(b"\n", b"\r\n"), "NOT_UNDERSTOOD", id="carriage returns"),
        pytest.param(note_bytes("te\txt\n"), "NOT_UNDERSTOOD", id="a tabulator in the body"),
        pytest.param(note_bytes("te\x00xt\n"), "NOT_UNDERSTOOD", id="a NUL in the body"),
        pytest.param(b"\xff" + note_bytes(), "NOT_UTF8", id="not UTF-8"),
        pytest.param(b"\xed\xa0\x80" + note_bytes(), "NOT_UTF8", id="a surrogate"),
        pytest.param(note_bytes(lines=f"- name {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="a hyphen for the dash"),
        pytest.param(note_bytes(lines=f"–  name {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="an en dash for the dash"),
        pytest.param(note_bytes(lines=f"— {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="no name"),
        pytest.param(note_bytes(lines=f"—  {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="an empty name"),
        pytest.param(note_bytes(lines=f"— a b {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="a space in the name"),
        pytest.param(note_bytes(lines=f"— a\u00a0b {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="a fixed space in the name"),
        pytest.param(note_bytes(lines=f"— a+b {SIGNATURE}\n"), "NOT_UNDERSTOOD", id="a plus sign in the name"),
        pytest.param(note_bytes(lines="— name AAAAAQ==\n"), "NOT_UNDERSTOOD", id="a key ID without signature"),
        pytest.param(note_bytes(lines="— name \n"), "NOT_UNDERSTOOD", id="no base64"),
        pytest.param(note_bytes(lines=f"— name {SIGNATURE} \n"), "NOT_UNDERSTOOD", id="a space at the end"),
        pytest.param(note_bytes(lines="— name AAAAAXNpZ24\n"), "NOT_UNDERSTOOD", id="no padding"),
        pytest.param(note_bytes(lines="— name AAAAAXNpZ25=\n"), "NOT_UNDERSTOOD", id="stray bits"),
        pytest.param(note_bytes(lines="— name AAAA_XNpZ24=\n"), "NOT_UNDERSTOOD", id="the alphabet of URLs"),
        pytest.param(note_bytes(lines=f"— name {SIGNATURE}\n" * 65), "LIMIT_EXCEEDED", id="65 signatures"),
        pytest.param(note_bytes("x" * MAX_NOTE_BYTES + "\n"), "TOO_LARGE", id="over 256 KiB"),
    ],
)
def test_a_malformed_note_is_refused(data, code):
    """Anything that is not exactly the format is not understood."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_note(data)
    assert caught.value.code == code


def test_the_limits_themselves_are_accepted():
    """64 signatures, and 256 KiB to the byte."""
    assert len(parse_note(note_bytes(lines=f"— name {SIGNATURE}\n" * 64)).signatures) == 64
    body = "x" * (MAX_NOTE_BYTES - len(note_bytes("\n"))) + "\n"
    assert len(note_bytes(body)) == MAX_NOTE_BYTES
    assert parse_note(note_bytes(body)).body == body


@pytest.mark.parametrize("body", ["text", "", "te\txt\n"])
def test_a_note_that_nobody_could_read_is_not_made(body, log):
    """Our own mistakes show when the note is made, not at the peers."""
    with pytest.raises(ValueError, match="body of a note"):
        Note(body=body, signatures=(log.sign("text\n"),))


def test_a_note_too_long_to_be_read_is_not_written(log):
    """256 KiB hold for what we write too."""
    with pytest.raises(ValueError, match="expected at most"):
        format_note(Note(body="x" * MAX_NOTE_BYTES + "\n", signatures=(log.sign("text\n"),)))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b"])
def test_a_signer_needs_a_name_that_fits_a_note(name):
    """Spaces and plus signs would end the name early."""
    with pytest.raises(ValueError, match="key name"):
        NoteSigner(name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", " QQ==", "QQ=", "Q Q=", "Q===", "\uff31\uff31=="])
def test_lenient_base64_is_refused(text):
    """What other decoders forgive would give one signature several spellings."""
    with pytest.raises(MalformedDocumentError):
        decode_base64(text)


def test_a_signature_by_an_unknown_key_counts_for_nothing(log):
    """Neither for nor against, even under a known name or a known key ID."""
    stranger = NoteSigner(log.name, Ed25519PrivateKey.generate())
    namesake = NoteSignature(name="other", key_id=log.verifier_key.key_id, signature=b"wrong")
    with pytest.raises(TrustError) as caught:
        verify_note(Note(body=BODY, signatures=(stranger.sign(BODY), namesake)), [log.verifier_key])
    assert caught.value.code == "KEY_UNKNOWN"
    note = Note(body=BODY, signatures=(stranger.sign(BODY), namesake, log.sign(BODY)))
    assert verify_note(note, [log.verifier_key]) == (log.verifier_key,)


def test_a_wrong_signature_by_a_known_key_spoils_the_note(log):
    """A good signature beside it does not help."""
    note = Note(body=BODY, signatures=(log.sign(BODY), log.sign("other\n")))
    with pytest.raises(TrustError) as caught:
        verify_note(note, [log.verifier_key])
    assert caught.value.code == "SIGNATURE_INVALID"


def test_a_cosigning_key_verifies_no_plain_note(log, cosigner):
    """What a key is for is part of its identity."""
    with pytest.raises(TrustError) as caught:
        verify_note(Note(body=BODY, signatures=(log.sign(BODY),)), [cosigner.verifier_key])
    assert caught.value.code == "KEY_WRONG_USE"


def test_the_public_note_cases_come_out_as_in_go(vectors):
    """Every case of golang.org/x/mod/sumdb/note is accepted or refused for the same reason."""
    cases = vectors("golang-mod/note_vectors.json")["cases"]
    for case in cases:
        keys = [VerifierKey.parse(vkey) for vkey in case["trusted_vkeys"]]
        try:
            signed_by = verify_note(parse_note(b64decode(case["note_b64"])), keys)
            outcome = "ok"
        except MalformedDocumentError:
            outcome = "reject-malformed"
        except TrustError as error:
            outcome = "reject-bad-signature" if error.code == "SIGNATURE_INVALID" else "reject-unverified"
            outcome = "reject-ambiguous-key" if "same name" in str(error) else outcome
        assert outcome == case["expect"], case["desc"]
        if outcome == "ok":
            assert [key.name for key in signed_by] == case["verified"], case["desc"]


def test_the_public_signing_case_gives_the_same_bytes(vectors):
    """Go and this program sign alike."""
    case = vectors("golang-mod/note_vectors.json")["sign"]
    name, _, material = case["skey"].removeprefix("PRIVATE+KEY+").replace("+", " ", 1).partition(" ")
    seed = b64decode(material.partition("+")[2])[1:]
    signer = NoteSigner(name, Ed25519PrivateKey.from_private_bytes(seed))
    assert format_note(Note(body=case["text"], signatures=(signer.sign(case["text"]),))).decode() == case["want_note"]


def test_the_example_of_the_specification_verifies(vectors):
    """The note printed in C2SP signed-note."""
    example = vectors("c2sp-spec-examples/examples.json")["verifiable_note"]
    key = VerifierKey.parse(example["vkey"])
    assert verify_note(parse_note(example["note"].encode()), [key]) == (key,)


def test_ed25519_signatures_are_judged_as_wycheproof_says(vectors):
    """Malleable, truncated and padded signatures are refused."""
    for group in vectors("wycheproof/ed25519_test.json")["testGroups"]:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        key = VerifierKey.of("wycheproof", KeyKind.NOTE, public)
        for case in group["tests"]:
            try:
                key.verify(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
                result = "valid"
            except TrustError:
                result = "invalid"
            assert result == case["result"], case
