"""Where the keys of roles are: one directory, or a medium for each custodian."""

from __future__ import annotations

import pytest

from epix_node.errors import KeyMaterialError
from epix_node.trust.role_keys import RoleKeys


@pytest.fixture
def keys(tmp_path, no_sync) -> RoleKeys:
    """Root keys on two media, all others in one directory."""
    made = RoleKeys(
        directory=tmp_path / "online",
        homes={"root": (tmp_path / "a", tmp_path / "b")},
        also=(tmp_path / "elsewhere",),
    )
    made.make_directory()
    return made


def test_new_keys_go_onto_the_media_of_their_role_in_turn(keys, tmp_path):
    root, timestamp = keys.generate("root", 3), keys.generate("timestamp", 1)
    assert [len(list((tmp_path / name).iterdir())) for name in ("a", "b", "online")] == [2, 1, 1]
    assert [keys.files(key)[0].parent.name for key in root] == ["a", "b", "a"]
    assert len(keys.signers((*root, *timestamp))) == 4


def test_directories_that_may_not_be_there_are_not_made(keys, tmp_path):
    """A medium that is looked into besides may be in its safe."""
    assert not (tmp_path / "elsewhere").exists()
    assert keys.directories == (tmp_path / "online", tmp_path / "a", tmp_path / "b", tmp_path / "elsewhere")


def test_keys_that_are_not_at_hand_are_told_by_their_names(keys, tmp_path):
    """No key is opened for that."""
    root = keys.generate("root", 2)
    for path in (tmp_path / "b").iterdir():
        path.unlink()
    for path in (tmp_path / "a").iterdir():
        path.write_bytes(b"nonsense")
    assert [bool(keys.files(key)) for key in root] == [True, False]
    with pytest.raises(KeyMaterialError):
        keys.signers(root)
