"""Where the passphrase of the key files comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from epix_node.errors import KeyMaterialError
from epix_node.trust.passphrase import PASSPHRASE_VARIABLE, find_secret


def secret_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def find(file: Path | None = None, ask=None, **environ: str) -> bytes | None:
    return find_secret(file=file, environ=environ, variable=PASSPHRASE_VARIABLE, ask=ask)


def test_the_file_comes_before_the_environment_and_that_before_the_terminal(tmp_path: Path):
    """Only what comes first is asked."""
    path = secret_file(tmp_path, b"from the file\nand a second line\n")
    assert find(path, ask=lambda: "typed", EPIX_KEY_PASSPHRASE="set") == b"from the file"
    assert find(ask=lambda: "typed", EPIX_KEY_PASSPHRASE="set") == b"set"
    assert find(ask=lambda: "typed") == b"typed"


def test_where_nobody_has_one_there_is_none():
    """An empty answer is none either."""
    assert find() is None
    assert find(ask=lambda: "", EPIX_KEY_PASSPHRASE="") is None


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (b"", 0o600, "holds no secret"),
        (b"\nsecond line", 0o600, "holds no secret"),
        (b"x" * 1025, 0o600, "holds no secret"),
        (b"secret", 0o640, "mode 0640"),
        (b"secret", 0o604, "mode 0604"),
    ],
)
def test_a_file_that_others_can_read_or_that_holds_nothing_is_refused(tmp_path: Path, content, mode, problem):
    """The message names the file and never what is in it."""
    with pytest.raises(KeyMaterialError, match=problem) as refused:
        find(secret_file(tmp_path, content, mode))
    assert "secret\n" not in str(refused.value)


def test_a_missing_file_is_refused_even_where_the_environment_has_a_passphrase(tmp_path: Path):
    """The operator said where it is; another one would only fail later."""
    with pytest.raises(KeyMaterialError, match="cannot be read"):
        find(tmp_path / "absent", EPIX_KEY_PASSPHRASE="set")
