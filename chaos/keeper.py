"""The person who looks after the service: runs its commands, as docs/operation.md says, and reads what they answer."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.processes import SERVICE, DemoError

TRIES = 3
"""How often a restore is done, if something hinders it; what was restored before stays."""
WITHIN = 120.0
"""Seconds that a command may take."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A ledger partition that `ledger verify` found damaged."""

    ledger: str
    partition: int
    source: str
    code: str


class LedgerKeeper:
    """Runs commands of the service with the settings of the workers.

    Args:
        env: The settings, as they are at each command.
        folder: Holds the copies of the ledgers.
        say: Shows what did not go as planned.
    """

    def __init__(self, env: Mapping[str, str], folder: Path, say: Callable[[str], None]) -> None:
        self._env, self._say = env, say
        self._copies = folder / "copies"
        self._others = folder / "wrong"

    async def copy_ledgers(self) -> None:
        """A copy of all ledgers, as it is made now and then."""
        await self._run("ledger", "export", str(self._copies), allowed=(0, 1))  # 1: a ledger is damaged, and left out

    async def damaged(self) -> list[Faulty]:
        """What `ledger verify` says."""
        found = await self._json("ledger", "verify", "--json", allowed=(0, 1))
        return [
            Faulty(each["ledger"], each["partition"], each["source"]["topic"], each["damage"]["code"])
            for each in found
            if each["damage"] is not None
        ]

    async def keep_wrong_records(self, source: str) -> None:
        """Export a ledger that holds wrong records, to a directory of its own, before its topic is deleted."""
        await self._run("ledger", "export", str(self._others), "--topic", source, allowed=(0, 1))

    async def create_topics(self) -> None:
        """Create what is missing."""
        await self._run("topics", "--create")

    async def restore(self, sources: Sequence[str]) -> dict[tuple[str, int], int]:
        """Restore empty ledgers from the copies and the results.

        Returns:
            The source partitions of which events have to be read again, and the offset of the first of them.
        """
        topics = [word for source in sources for word in ("--topic", source)]
        restore = ("ledger", "restore", str(self._copies), "--from-results", *topics, "--json")
        planned = await self._json(*restore, allowed=(0, 1))
        for attempt in range(TRIES):
            try:
                if planned["ledgers"]:
                    await self._run(*restore, "--execute", allowed=(0,) if attempt == 0 else (0, 1))
                break
            except DemoError as error:  # a worker that opened the partition meanwhile; the rest is done again
                self._say(f"restored in part: {str(error).splitlines()[-1]}")
        return {
            (each["ledger"].removesuffix(".ledger"), each["partition"]): each["readAgainFrom"]
            for each in planned["ledgers"]
            if each["readAgainFrom"] is not None
        }

    async def move_ledger(self, former: str, now: str) -> None:
        """Take the ledger of a source topic along to its new name."""
        restore = ("ledger", "restore", str(self._copies), "--copied-from", former, "--topic", now)
        await self._run(*restore, "--execute")

    async def accept(self, source: str) -> None:
        """Go on behind records that expired unread."""
        await self._run("ledger", "accept", "--topic", source, "--execute")

    async def replay(self, where: Mapping[tuple[str, int], int]) -> None:
        """Have events read again; no worker runs."""
        for (source, partition), offset in where.items():
            await self._run("replay", "--topic", f"{source}:{partition}", "--to-offset", str(offset), "--execute")

    async def _json(self, *words: str, allowed: Sequence[int] = (0,)) -> Any:
        return json.loads(await self._run(*words, allowed=allowed))

    async def _run(self, *words: str, allowed: Sequence[int] = (0,)) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", SERVICE, *words),
            env=dict(self._env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WITHIN):
                out, said = await process.communicate()
        except TimeoutError:
            raise DemoError(f"alvys-sage {' '.join(words)}: no end in {WITHIN:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode not in allowed:
            told = f"{out.decode()}{said.decode()}".strip()
            raise DemoError(f"alvys-sage {' '.join(words)}: exit code {process.returncode}\n{told}")
        return out.decode()
