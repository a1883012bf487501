"""One clock for all nodes of a demonstration, steered from outside (contract 7).

The time stands in a small file as RFC 3339 text. Every reading opens the file anew, so that all processes see a step
at once. It only goes forward: what was signed at a time must not lie in the future of what comes after.

Not for transport: HTTP signatures and TLS use the machine's clock.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from epix_node.clock import format_time, parse_time
from epix_node.errors import ConfigError, ConflictError


class SharedClock:
    """A ``Clock`` that reads its time from a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> datetime:
        """The shared time, aware, in UTC. Raises ``ConfigError`` where the file holds none."""
        try:
            return parse_time(self.path.read_text(encoding="ascii").strip())
        except OSError as error:
            raise ConfigError(f"[sandbox] clock: {self.path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"[sandbox] clock: {self.path} holds no time such as 2026-03-01T10:00:00Z") from error

    def set(self, moment: datetime) -> None:
        """The clock shows this time from now on, in every process; the first call makes the file.

        Raises:
            ConflictError: it shows a later time already; code CLOCK_BACKWARDS.
        """
        with self._alone():
            if self.path.exists() and moment < (shown := self()):
                raise ConflictError(
                    f"the shared clock shows {format_time(shown)}; it does not go back to {format_time(moment)}",
                    code="CLOCK_BACKWARDS",
                )
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{format_time(moment)}\n")
            # A reader sees the old time or the new one, never half of a text.
            Path(temporary).replace(self.path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else sets the clock meanwhile: reading and replacing are one step."""
        with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
