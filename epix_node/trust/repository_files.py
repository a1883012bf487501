"""The files of a TUF repository on disk, which any static web server can serve.

Each file is written whole or not at all. Files with a version or a digest in their name are written first and the
timestamp last: nothing points at a new file before the timestamp does, so a crash at any point leaves the state before
or the state after, and what was written for nothing is overwritten by the next try. The root alone is found without
the timestamp; it is written before it, and until then nodes keep what they have.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import Root, Timestamp

from epix_node.errors import ConfigError
from epix_node.trust.chain import Wanted
from epix_node.trust.role_metadata import metadata_file

_OPEN_FILE, _OPEN_DIRECTORY = 0o644, 0o755
_TIMESTAMP = metadata_file(Timestamp.type)


@dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """A directory with ``metadata/`` and ``targets/``."""

    directory: Path

    @property
    def exists(self) -> bool:
        """Whether there is a repository, whole."""
        return (self.directory / _TIMESTAMP).is_file()

    def read(self, path: str) -> bytes | None:
        """The file at this path from the repository's root, or None."""
        try:
            return (self.directory / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self.directory / path} cannot be read: {error.strerror}") from error

    def require(self, path: str) -> bytes:
        """The file at this path. Raises ``ConfigError`` where there is none."""
        data = self.read(path)
        if data is None:
            raise ConfigError(f"{self.directory} is no repository of a trust list: there is no {path}")
        return data

    def newest_root(self) -> bytes:
        """The root with the highest version. Raises ``ConfigError`` where there is none."""
        version = 1
        data = self.require(metadata_file(Root.type, version))
        while (newer := self.read(metadata_file(Root.type, version + 1))) is not None:
            data, version = newer, version + 1
        return data

    def fetch(self, wanted: Sequence[Wanted]) -> Iterable[bytes | None]:
        """The files as ``refresh`` asks for them; what is too long is refused there."""
        return (self.read(one.path) for one in wanted)

    def write(self, files: Mapping[str, bytes]) -> None:
        """All these files are there, on disk, the timestamp last.

        Raises ``ConfigError`` where one cannot be written; those before it are there.
        """
        try:
            first = [path for path in files if path != _TIMESTAMP]
            for path in first:
                _write(self.directory / path, files[path])
            for directory in sorted({(self.directory / path).parent for path in first}):
                _sync(directory)
            # A crash up to here leaves the state before: nothing points at what is new.
            if _TIMESTAMP in files:
                _write(self.directory / _TIMESTAMP, files[_TIMESTAMP])
                _sync((self.directory / _TIMESTAMP).parent)
        except OSError as error:
            raise ConfigError(f"{error.filename or self.directory} cannot be written: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes the repository inside of the block, whatever process."""
        try:
            self.directory.mkdir(mode=_OPEN_DIRECTORY, parents=True, exist_ok=True)
            file = (self.directory / ".lock").open("w")
        except OSError as error:
            raise ConfigError(f"{self.directory} cannot be written: {error.strerror}") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=_OPEN_DIRECTORY, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _OPEN_FILE)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync(directory: Path) -> None:
    """The names in this directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
