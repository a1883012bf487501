"""Who looks after a country's signing keys: runs ``epix-node keys`` beside the node, which goes on running.

These are the commands of ``keys/README.md``, each a process of its own; the demonstration changes no key by itself.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from epix_node.clock import format_time
from epix_node.config import load_config
from epix_node.demo.country import Country
from epix_node.demo.processes import command_line, environment
from epix_node.errors import PeerProtocolError, PeerRefusedError, PeerUnreachableError
from epix_node.identity.key_box import KeyBox

COMMAND_WITHIN = timedelta(seconds=60)
"""Longest wait for one command; it loads the whole program."""


class Custodian:
    """The keeper of one country's keys, at the machine of its node, which is a sandbox: new keys sign at once.

    Every change raises:
        PeerRefusedError: the command fails; the message has what it says.
        PeerUnreachableError: it takes too long.
        PeerProtocolError: what it prints is not what it should be.
    """

    def __init__(self, country: Country) -> None:
        self._country = country

    def newest_key(self) -> str:
        """The id of the signing key whose certificate came last. Raises ``KeyMaterialError``, ``ConfigError``."""
        return KeyBox.of(load_config(self._country.config, {})).certificates()[0].kid

    async def rotate(self) -> str:
        """A new signing key is announced, and signs from now on; returns its id."""
        answer = await self._run("keys", "rotate", "signing")
        try:
            return str(answer["fingerprint"])
        except (KeyError, TypeError) as error:
            raise PeerProtocolError("keys rotate names no key", party=self._country.party) from error

    async def revoke(self, kid: str, *, since: datetime, reason: str) -> None:
        """The key counts no more from ``since`` on, for ever."""
        await self._run("keys", "revoke", kid, "--since", format_time(since), "--reason", reason, "--yes")

    async def _run(self, *arguments: str) -> Any:
        party, what = self._country.party, " ".join(arguments[:2])
        process = await create_subprocess_exec(
            *command_line(self._country, *arguments, "--json"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=environment(),
        )
        try:
            async with asyncio.timeout(COMMAND_WITHIN.total_seconds()):
                said, complaint = await process.communicate()
        except TimeoutError as error:
            raise PeerUnreachableError(f"{what} of {party} took more than {COMMAND_WITHIN}", party=party) from error
        finally:
            if process.returncode is None:  # too slow, or the demonstration is stopped
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            words = complaint.decode(errors="replace").strip()
            raise PeerRefusedError(f"{what} of {party} ended with {process.returncode}: {words}", party=party)
        try:
            return json.loads(said)
        except ValueError as error:
            raise PeerProtocolError(f"{what} of {party} printed no JSON", party=party) from error
