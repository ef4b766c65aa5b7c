"""What mapping-state said at each moment, read from the topic itself, and which accounts that gives for a document."""

import json
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path
from typing import Any

from demo.events import Booking
from demo.rig import SETTINGS

CHANGED_ACCOUNTS = {"ar": ("40000", "40010", "40020"), "ap": ("50000", "50020", "50500")}
"""Accounts that all companies of the run have, by side."""


class MappingHistory:
    """Account mappings by the offset of mapping-state; `None` is a mapping that was cleared."""

    def __init__(self) -> None:
        self._offsets: defaultdict[str, list[int]] = defaultdict(list)
        self._accounts: defaultdict[str, list[str | None]] = defaultdict(list)
        self.last = -1
        """The highest offset seen; `changes` holds all of them in order."""
        self.changes: list[int] = []

    def apply(self, key: str, value: bytes | None, offset: int) -> None:
        """Take one record of the topic."""
        self.last = offset
        self.changes.append(offset)
        if "/account/" in key:
            self._offsets[key.casefold()].append(offset)
            self._accounts[key.casefold()].append(None if value is None else json.loads(value)["account"])

    def accounts(self, booking: Booking, offset: int) -> tuple[str | None, ...]:
        """Each line's account with the settings up to and including `offset`: item, category, master Default."""
        start = f"{booking.subsidiary}/account/{booking.side}"
        answers = []
        for line in booking.lines:
            asked = [f"{start}/{line.category}/default", f"{start}/default/default"]
            if line.item:
                asked.insert(0, f"{start}/{line.category}/{line.item}")
            answers.append(next(filter(None, (self._at(key.casefold(), offset) for key in asked)), None))
        return tuple(answers)

    def _at(self, key: str, offset: int) -> str | None:
        place = bisect_right(self._offsets[key], offset) if key in self._offsets else 0
        return self._accounts[key][place - 1] if place else None

    def possible(self, floor: int) -> list[int]:
        """The offsets that may have been in force for what was sent when `floor` had been acknowledged."""
        return [floor, *self.changes[bisect_right(self.changes, floor) :]]


def original_settings(path: Path = SETTINGS) -> dict[str, dict[str, Any]]:
    """The settings that the run begins and ends with, by key."""
    entries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {entry["key"]: entry["value"] for entry in entries}
