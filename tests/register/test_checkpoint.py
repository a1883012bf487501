"""A checkpoint counts when its log signed exactly the three lines of its body."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body, sign_checkpoint, verify_checkpoint
from epix_node.register.merkle import EMPTY_ROOT, RightEdge, leaf_hash
from epix_node.register.note import Note, NoteSigner, VerifierKey, format_note, parse_note

ORIGIN = "epix.example.xa/sandbox/register/1"
TEN = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)
CHECKPOINT = Checkpoint(
    origin=ORIGIN, size=2, root=RightEdge.empty().extended([leaf_hash(b"a"), leaf_hash(b"b")]).root()
)
ROOT = "sTeYX/SE+2ANuTEHx3sDZcgNePW0Kd7Q/Zc2HQd5mes="

# Made with openssl and sha256sum: entries "a" and "b", seeds 00 … 1f and 20 … 3f.
NOTE = (
    f"{ORIGIN}\n2\n{ROOT}\n\n"
    f"— {ORIGIN} zMHPKMgP82SsUq+hx909zqsnIxtI+f+AuC/Gs0ui5Ii6YrmBqYnY+S7LrdNduY+XEWpOl+LnV9lEj9Qr/Ke7eXKuJgU=\n"
    f"— {ORIGIN} "
    "osYAPQAAAABppA4gcyaXYw+HIyLHGqlQQzjUkDW42+dVfw+OpMtCDkgfFkO853qEuDOyXPVjDeMEvaUUVd7GCO+BY+9QK9KnsSoLDw==\n"
).encode()


def test_a_signed_checkpoint_is_a_known_answer(log, cosigner):
    """The bytes equal those made without this program."""
    assert sign_checkpoint(CHECKPOINT, log=log, cosigner=cosigner, at=TEN) == NOTE


def test_a_signed_checkpoint_verifies(log, cosigner):
    """With its origin, size, root and the time at which the log vouched for it."""
    verified = verify_checkpoint(NOTE, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=cosigner.verifier_key)
    assert verified.checkpoint == CHECKPOINT
    assert verified.cosigned_at == TEN
    assert verified.note == NOTE


def test_signing_again_moves_only_the_time(log, cosigner):
    """An unchanged checkpoint is cosigned every ten minutes, and its first line stays the same."""
    later = sign_checkpoint(CHECKPOINT, log=log, cosigner=cosigner, at=TEN + timedelta(minutes=10))
    assert parse_note(later).signatures[0] == parse_note(NOTE).signatures[0]
    verified = verify_checkpoint(later, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=cosigner.verifier_key)
    assert verified.cosigned_at == TEN + timedelta(minutes=10)


def test_without_a_cosigner_a_checkpoint_has_no_time(log, cosigner):
    """Whether nobody was asked or nobody signed."""
    asked_nobody = verify_checkpoint(NOTE, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=None)
    assert asked_nobody.cosigned_at is None
    alone = format_note(Note(body=CHECKPOINT.body(), signatures=(log.sign(CHECKPOINT.body()),)))
    nobody_signed = verify_checkpoint(
        alone, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=cosigner.verifier_key
    )
    assert nobody_signed.cosigned_at is None


def test_a_checkpoint_of_another_log_is_not_believed(log):
    """Even where the same key signed it: the origin names the environment and the register."""
    with pytest.raises(TrustError) as caught:
        verify_checkpoint(NOTE, origin=ORIGIN.replace("sandbox", "prod"), log_key=log.verifier_key, cosigner_key=None)
    assert caught.value.code == "CONTENT_MISMATCH"


def test_a_checkpoint_by_another_key_is_not_believed(log):
    """Under the same name."""
    other = NoteSigner(log.name, Ed25519PrivateKey.generate())
    with pytest.raises(TrustError) as caught:
        verify_checkpoint(NOTE, origin=ORIGIN, log_key=other.verifier_key, cosigner_key=None)
    assert caught.value.code == "KEY_UNKNOWN"


def test_a_cosignature_alone_is_no_signature_by_the_log(log, cosigner):
    """Who cosigns vouches for the time, the log for the tree."""
    body = CHECKPOINT.body()
    note = format_note(Note(body=body, signatures=(cosigner.sign(body, at=TEN),)))
    with pytest.raises(TrustError):
        verify_checkpoint(note, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=cosigner.verifier_key)


def test_one_changed_character_anywhere_is_noticed(log, cosigner):
    """In the body, in a signature or in the form: it is never accepted as another checkpoint."""
    text = NOTE.decode()
    for position, character in enumerate(text):
        changed = (text[:position] + ("A" if character != "A" else "B") + text[position + 1 :]).encode()
        try:
            verified = verify_checkpoint(
                changed, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=cosigner.verifier_key
            )
        except (MalformedDocumentError, TrustError):
            continue
        # A changed name or key ID makes the cosigner's line that of an unknown key: no time, the same checkpoint.
        assert verified.checkpoint == CHECKPOINT
        assert verified.cosigned_at is None


def test_keys_of_the_wrong_kind_are_refused(log, cosigner):
    """A peer that confuses its keys in its manifest is told so."""
    for log_key, cosigner_key in (
        (cosigner.verifier_key, None),
        (log.verifier_key, log.verifier_key),
    ):
        with pytest.raises(TrustError) as caught:
            verify_checkpoint(NOTE, origin=ORIGIN, log_key=log_key, cosigner_key=cosigner_key)
        assert caught.value.code == "KEY_WRONG_USE"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"{ORIGIN}\n2\n", id="no root"),
        pytest.param(f"{ORIGIN}\n2\n{ROOT}", id="no final newline"),
        pytest.param(f"{ORIGIN}\n2\n{ROOT}\n\n", id="an empty line at the end"),
        pytest.param(f"{ORIGIN}\n2\n{ROOT}\nextension\n", id="an extension line"),
        pytest.param(f"\n2\n{ROOT}\n", id="no origin"),
        *(
            pytest.param(f"{ORIGIN}\n{size}\n{ROOT}\n", id=f"size {size!r}")
            for size in ("", "02", "+2", "-2", " 2", "2 ", "2.0", "0x2", "2_0", "1e3", "２", "٢", "²", "9" * 5000)
        ),
        pytest.param(f"{ORIGIN}\n{2**63}\n{ROOT}\n", id="a size beyond 64 signed bits"),
        pytest.param(f"{ORIGIN}\n0\n{ROOT}\n", id="an empty tree with a root"),
        pytest.param(f"{ORIGIN}\n2\n{ROOT[:-1]}\n", id="a root without padding"),
        pytest.param(f"{ORIGIN}\n2\n{ROOT[:-2]}t=\n", id="a root with stray bits"),
        pytest.param(f"{ORIGIN}\n2\n {ROOT}\n", id="a space before the root"),
        pytest.param(f"{ORIGIN}\n2\nYmFuYW5hcw==\n", id="a root of 7 bytes"),
        pytest.param(f"{ORIGIN}\n2\n{ROOT.replace('/', '_')}\n", id="a root in the alphabet of URLs"),
    ],
)
def test_a_malformed_body_is_refused(body):
    """What a log signed is still read strictly."""
    with pytest.raises(MalformedDocumentError):
        parse_checkpoint_body(body)


def test_a_signed_body_that_is_no_checkpoint_is_refused(log):
    """A log key signs checkpoints and nothing else."""
    note = format_note(Note(body="hello\n", signatures=(log.sign("hello\n"),)))
    with pytest.raises(MalformedDocumentError):
        verify_checkpoint(note, origin=ORIGIN, log_key=log.verifier_key, cosigner_key=None)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("", 2, bytes(32)), ("a\nb", 2, bytes(32)), ("a", -1, bytes(32)), ("a", 2, bytes(31)), ("a", 0, bytes(32))],
)
def test_an_impossible_checkpoint_is_not_made(origin, size, root):
    """Our own mistakes show before anything is signed."""
    with pytest.raises(ValueError, match="checkpoint"):
        Checkpoint(origin=origin, size=size, root=root)


@given(
    origin=st.text("abc/.é1", min_size=1, max_size=20),
    size=st.integers(1, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
)
@settings(max_examples=50)
def test_a_body_survives_the_round_trip(origin, size, root):
    """parse_checkpoint_body reads what body wrote."""
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    assert parse_checkpoint_body(checkpoint.body()) == checkpoint


def test_the_empty_tree_has_a_checkpoint():
    """A register says that it holds nothing, too."""
    empty = Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    assert parse_checkpoint_body(empty.body()) == empty


def test_the_public_checkpoint_cases_are_judged_strictly(vectors):
    """What others refuse is refused; of what they accept, roots that are not 32 bytes and extension lines are not."""
    for case in vectors("transparency-dev-formats/checkpoint_and_proof_vectors.json")["checkpoints"]:
        lines = case["body"].split("\n")
        ours = case["valid"] and len(lines) == 4 and len(b64decode(lines[2])) == 32
        try:
            parse_checkpoint_body(case["body"])
            accepted = True
        except MalformedDocumentError:
            accepted = False
        assert accepted == ours, case["desc"]


def test_the_example_of_the_specification_is_read(vectors):
    """The checkpoint printed in C2SP tlog-checkpoint; its key is not published, so it is not believed."""
    data = vectors("c2sp-spec-examples/examples.json")["checkpoint_with_cosignature_parse_only"].encode()
    checkpoint = parse_checkpoint_body(parse_note(data).body)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    key = VerifierKey.parse(f"{ORIGIN}+ccc1cf28+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
    with pytest.raises(TrustError):
        verify_checkpoint(data, origin=checkpoint.origin, log_key=key, cosigner_key=None)
