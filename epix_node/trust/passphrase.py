"""The passphrase that opens this node's key files, and the PIN that opens its token.

It comes from a file (the usual way under a service manager or in a container), from the environment, or from the
terminal, in that order; it is never an argument of a command, since other users of a machine can see those.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from epix_node.errors import KeyMaterialError

PASSPHRASE_VARIABLE = "EPIX_KEY_PASSPHRASE"  # noqa: S105  # the name of it
PIN_VARIABLE = "EPIX_KEY_PIN"

_MAX_BYTES = 1024
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def find_secret(
    *, file: Path | None, environ: Mapping[str, str], variable: str, ask: Callable[[], str] | None
) -> bytes | None:
    """The secret from the file, else from the environment, else what ``ask`` returns; ``None`` where nobody has it.

    Raises:
        KeyMaterialError: the file is missing, empty, too long, or others can read it.
    """
    if file is not None:
        return read_secret(file)
    if text := environ.get(variable):
        return text.encode()
    if ask is not None and (text := ask()):
        return text.encode()
    return None


def read_secret(path: Path) -> bytes:
    """The first line of the file, without its line end.

    Raises:
        KeyMaterialError: the file is missing, empty, too long, or others can read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _FOR_OTHERS:
                raise KeyMaterialError(
                    f"secret file {path} has mode {stat.S_IMODE(mode):04o}, expected 0600 or 0400: run "
                    f"`chmod 600 {path}`, and see who may have read it"
                )
            secret = file.readline(_MAX_BYTES + 2).rstrip(b"\r\n")
    except OSError as error:
        raise KeyMaterialError(
            f"secret file {path} cannot be read: {error.strerror}; put it back, or name another in the configuration"
        ) from error
    if not 0 < len(secret) <= _MAX_BYTES:
        raise KeyMaterialError(f"secret file {path}: the first line holds no secret of 1 to {_MAX_BYTES} bytes")
    return secret
