"""The GL account that each line should land in, worked out apart from the service: item, category, Default."""

import json
from pathlib import Path

from demo.events import Booking


class Accounts:
    """The accounts of a settings file, and what is changed after it."""

    def __init__(self, settings: Path) -> None:
        self._accounts: dict[str, str] = {}
        for line in settings.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if "account" in entry["value"]:
                self.set(entry["key"], entry["value"]["account"])

    def set(self, key: str, account: str) -> None:
        """Change one, by its key in mapping-state."""
        self._accounts[key.casefold()] = account

    def of(self, booking: Booking) -> tuple[str, ...]:
        """The account of each line, by the settings as they are now."""
        return tuple(self._of(booking, line.category, line.item) for line in booking.lines)

    def _of(self, booking: Booking, category: str, item: str) -> str:
        start = f"{booking.subsidiary}/account/{booking.side}"
        asked = [f"{start}/{category}/default", f"{start}/default/default"]
        if item:
            asked.insert(0, f"{start}/{category}/{item}")
        return next(self._accounts[key] for key in map(str.casefold, asked) if key in self._accounts)
