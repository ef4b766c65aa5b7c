"""The payment terms of one company, read in bulk and cached: one list per side, never a look-up per document."""

from collections.abc import Iterable
from dataclasses import dataclass

from consumers.export.config import ExportConfig
from domain.categories import Side
from domain.terms import SageTerm, TermList, by_name
from kafka_client.clock import Clock
from sage_client import Login, SageClient


@dataclass(frozen=True, slots=True)
class _CachedTerms:
    terms: TermList
    read_at: float


class TermCache:
    """The payment terms that Sage has. One per company.

    Args:
        client: The Sage client.
        config: How long a list is trusted.
        time: The clock.
    """

    def __init__(self, client: SageClient, config: ExportConfig, time: Clock) -> None:
        self._client = client
        self._refresh = config.cache_ttl.total_seconds()
        self._recheck = config.negative_cache_ttl.total_seconds()
        self._time = time
        self._kept: dict[tuple[str | None, Side], _CachedTerms] = {}
        self._doubted: set[Side] = set()

    async def of(self, login: Login, side: Side, *, lacking: Iterable[str] = ()) -> TermList:
        """The active terms of a side. The list is read again if it is old, or if it lacks a name and is not very new.

        Args:
            login: The user to sign in with; its entity selects the list.
            side: AR or AP.
            lacking: Folded names of terms that the list should have.

        Raises:
            SageError: The list could not be read.
        """
        place = (login.entity_id, side)
        kept = self._kept.get(place)
        missing = kept is None or side in self._doubted or any(name not in kept.terms for name in lacking)
        oldest = self._recheck if missing else self._refresh
        if kept is None or self._time.monotonic() - kept.read_at > oldest:
            found = [SageTerm(each.name, each.days) for each in await self._client.terms(login, side) if each.active]
            kept = self._kept[place] = _CachedTerms(by_name(found), self._time.monotonic())
            self._doubted.discard(side)
        return kept.terms

    def doubt(self, side: Side) -> None:
        """Read the side's list again at its next use, unless it is very new: Sage refused a document with a term."""
        self._doubted.add(side)
