"""Where the Secretariat's keys are, and who is asked for their passphrases.

Online keys (snapshot, timestamp) lie beside the repository and are opened by a timer; offline keys (root, targets) lie
on media out of safes, one for each custodian, each with a passphrase of its own. A passphrase is asked for once per
directory, when the first key in it is needed. Outside of the sandbox no key is written or read without one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation
from epix_node.errors import KeyMaterialError
from epix_node.trust.passphrase import PASSPHRASE_VARIABLE, find_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from epix_node.trust.repository import Repository
    from epix_node.trust.role_keys import RoleKeys

OFFLINE_VARIABLE = "EPIX_OFFLINE_KEY_PASSPHRASE"

_TRIES = 3
"""How often somebody may mistype: a ceremony is not begun again for that."""

DirectoryOption = Annotated[
    Path,
    typer.Option(
        "--dir",
        metavar="DIR",
        envvar="EPIX_SECRETARIAT_DIR",
        help="The Secretariat's directory: repository/ for everybody, keys/ for nobody.",
    ),
]
OfflineOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--offline",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A directory of offline keys, such as a medium out of a safe; may be given several times. "
        "DIR/keys/offline if absent.",
    ),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help=f"Passphrase of the online keys, in its first line. Otherwise {PASSPHRASE_VARIABLE}, or you are asked.",
    ),
]
OfflinePassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--offline-passphrase-file",
        metavar="FILE",
        help=f"Passphrase of all offline keys. Otherwise {OFFLINE_VARIABLE}, or you are asked for each directory.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; everything was compared before.")]


def require_yes(invocation: Invocation, question: str, *, yes: bool) -> None:
    """Return where nobody is there to be asked, or somebody says yes; else the command ends, exit 1."""
    if yes or invocation.json or not is_attended():
        return
    if not typer.confirm(question, err=True):
        invocation.terminal.remark("nothing was changed")
        raise typer.Exit(ExitCode.NEGATIVE)


def is_attended() -> bool:
    """Whether somebody sits at a terminal who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(slots=True, kw_only=True)
class Custody:
    """The key directories of a Secretariat, opened as they are needed."""

    directory: Path
    """The Secretariat's."""
    media: tuple[Path, ...]
    """Of the offline keys; new ones go onto them in turn."""
    online_file: Path | None
    offline_file: Path | None
    environment: str = "sandbox"
    remark: Callable[[str], None]
    _known: dict[Path, bytes | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        directory: Path,
        online_file: Path | None = None,
        offline: list[Path] | None = None,
        offline_file: Path | None = None,
        *,
        remark: Callable[[str], None],
    ) -> Custody:
        """That of the Secretariat in this directory."""
        return cls(
            directory=directory,
            media=tuple(offline or ()) or (directory / "keys" / "offline",),
            online_file=online_file,
            offline_file=offline_file,
            remark=remark,
        )

    @property
    def online(self) -> Path:
        """The directory of the online keys."""
        return self.directory / "keys" / "online"

    def repository(self, environment: str | None = None) -> Repository:
        """The repository with these keys; ``environment`` where it is still to be created.

        Raises ``ConfigError`` where there is none.
        """
        from epix_node.trust.repository import Repository
        from epix_node.trust.repository_overview import environment_of

        repository = Repository.at(self.directory, keys=self.role_keys())
        self.environment = environment or environment_of(repository)
        return repository

    def role_keys(self) -> RoleKeys:
        """The keys by role. A sandbox that was not made by hand has them all in ``keys/`` itself."""
        from epix_node.trust.role_keys import RoleKeys

        return RoleKeys(
            directory=self.online,
            also=(self.directory / "keys",),
            homes={"root": self.media, "targets": self.media},
            load=self._load,
            write=self._write,
        )

    def _load(self, path: Path) -> Ed25519PrivateKey:
        from epix_node.trust.keys import is_encrypted, load_ed25519_key

        if not is_encrypted(path):
            key = load_ed25519_key(path)
            if self.environment != "sandbox":
                raise KeyMaterialError(f"key file {path} is not encrypted, as it must be in {self.environment}")
            return key
        tries = _TRIES
        while True:
            passphrase, was_asked = self._passphrase(path.parent, is_new=False)
            try:
                return load_ed25519_key(path, passphrase=passphrase)
            except KeyMaterialError as error:
                tries -= 1
                if not was_asked or not tries:
                    raise
                self.remark(f"{error}; try again")
                del self._known[path.parent]

    def _write(self, path: Path, key: Ed25519PrivateKey) -> None:
        from epix_node.trust.keys import is_encrypted, write_private_key

        held = next((one for one in sorted(path.parent.glob("*.pem")) if is_encrypted(one)), None)
        if held is not None:
            self._load(held)  # one directory, one passphrase: the one that it has, proven by opening a key
        passphrase, _ = self._passphrase(path.parent, is_new=held is None)
        write_private_key(path, key, passphrase=passphrase)

    def _passphrase(self, directory: Path, *, is_new: bool) -> tuple[bytes | None, bool]:
        """The passphrase of the keys in this directory, and whether somebody typed it just now.

        None for new keys of a sandbox where none is given.

        Raises:
            KeyMaterialError: there must be one, and nobody says it.
        """
        if directory in self._known:
            return self._known[directory], False
        is_offline = directory in self.media
        file = self.offline_file if is_offline else self.online_file
        variable = OFFLINE_VARIABLE if is_offline else PASSPHRASE_VARIABLE
        found = find_secret(file=file, environ=os.environ, variable=variable, ask=None)
        asks = found is None and is_attended() and not (is_new and self.environment == "sandbox")
        if asks:
            found = _ask(directory, is_new=is_new)
        if found is None and not (is_new and self.environment == "sandbox"):
            option = "--offline-passphrase-file" if is_offline else "--passphrase-file"
            raise KeyMaterialError(
                f"the keys in {directory} need a passphrase: give {option} FILE or {variable}, or use a terminal"
            )
        self._known[directory] = found
        return found, asks


def _ask(directory: Path, *, is_new: bool) -> bytes:
    what = "a passphrase for the new keys in" if is_new else "passphrase of the keys in"
    typed: str = typer.prompt(f"{what} {directory}", hide_input=True, confirmation_prompt=is_new, err=True)
    return typed.encode()
