"""Does what the player draws, past the proxy, and keeps book of what polling could not see."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

import httpx

from chaos.payments.facts import Place
from chaos.payments.player import AdminCall, Play, Player

TIMEOUT = 60.0


class Accountant:
    """One person with the simulator's admin endpoints. `async with`."""

    def __init__(self, admin_url: str, player: Player) -> None:
        self._url, self._player = admin_url, player
        self.hidden: set[Place] = set()
        """Documents of which something happened that polling cannot see."""
        self.played: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """Plays of which the gateway refused a part, by its reason: a person tries such things too."""

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def books(self) -> Mapping[str, Any]:
        """Every payment fact, from the database."""
        return await self._get("payments")

    async def functions(self) -> Counter[str]:
        """Calls by function so far."""
        return Counter((await self._get("requests"))["functions"])

    async def once(self) -> Play:
        """Draw a play from what stands in the books, and do it."""
        play = self._player.next(await self.books())
        self.played[play.kind] += 1
        # Known as hidden before it is done: an audit in between must not take it for something that could be seen.
        self.hidden |= play.hidden
        numbers = [await self._do(call, play.kind) for call in play.calls]
        self._player.learn(play, [number for number in numbers if number is not None])
        return play

    async def call(self, call: AdminCall) -> Mapping[str, Any]:
        """One call that must work."""
        answer = await self._http.request(call.method, f"{self._url}/{call.path}", json=call.body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def _do(self, call: AdminCall, kind: str) -> int | None:
        answer = await self._http.request(call.method, f"{self._url}/{call.path}", json=call.body)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            self.refused[kind] += 1
            return None
        answer.raise_for_status()
        number = answer.json().get("recordno")
        return int(number) if number is not None else None

    async def _get(self, path: str) -> Mapping[str, Any]:
        answer = await self._http.get(f"{self._url}/{path}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
