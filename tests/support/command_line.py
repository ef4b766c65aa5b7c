"""Runs of ``alvys-sage``: their outcome, the options that connect Blue Mesa, and the settings that they show."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ran:
    """A run that has ended: its exit code and its output."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]
Cli = Callable[..., Awaitable[Ran]]
EAST = ("--company", "BLUEMESA", "--credentials", "blue-mesa", "--entity", "100")
MASTERS = ("--expense", "50000", "--revenue", "40000")
"""Options of `connect` for the company of the simulator."""


async def exported(cli: Cli) -> dict[str, Any]:
    """Every setting, by key, as ``mappings export`` writes it."""
    read = [json.loads(line) for line in (await cli("mappings", "export")).out.splitlines()]
    return {each["key"]: each["value"] for each in read}


async def shown(cli: Cli, subsidiary: str) -> dict[str, Any]:
    """A subsidiary's connection, as ``connections show`` writes it."""
    found: dict[str, Any] = json.loads((await cli("connections", "show", subsidiary, "--json")).out)
    return found
