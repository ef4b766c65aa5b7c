"""The customers and vendors of one company, read in bulk and cached: no look-up per line or document.

1. Ids, those in events and those that this service gives, are looked up in one request per batch, unless cached. A
   record is trusted for `cache_ttl`; that there is no record, or no active one, for `negative_cache_ttl`.
2. Names and carriers' numbers are looked up in the whole list, which is read once in `cache_ttl`. If a name is not
   found, a list at most `negative_cache_ttl` old decides: the party may have been created in Sage a moment ago.
3. Parties of a document that Sage refused are looked up again with the next batch.
4. If a list or an answer cannot be read, nothing is decided: the error goes to the caller.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from consumers.export.config import ExportConfig
from domain.codes import Code
from domain.documents import PartyKind, PartyRef
from domain.outcomes import Rejected
from domain.parties.matching import PartyIndex, PartyRecord, link_number
from domain.parties.profiles import DEFAULT_PARTY_RULES, PartyRules, Profile
from kafka_client.clock import Clock
from sage_client import Login, PartyFields, SageClient

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class PartyQuery:
    """A party to look up, as its document gives it."""

    ref: PartyRef
    rules: PartyRules = DEFAULT_PARTY_RULES
    profile: Profile | None = None
    own_id: str | None = None
    """The id that this service would give the party, if it creates parties; else None."""
    own_ids: frozenset[str] = frozenset()
    """All ids under which this service may have created the party before."""

    @property
    def party_id(self) -> str | None:
        """The one id under which the party may be in Sage. None if it can be found by name or number only."""
        return self.ref.external_id or self.own_id

    @property
    def link(self) -> tuple[str | None, str | None]:
        """How carriers are linked: link and field name. The cache is kept apart by it."""
        return (self.rules.link, self.rules.link_field) if self.rules.link_field else (None, None)


@dataclass(slots=True)
class _CachedParties:
    """The cached parties of one kind in one place."""

    index: PartyIndex
    asked_at: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which each id was looked up."""
    listed_at: float = _NEVER
    """Monotonic time at which the whole list was read."""
    doubted: set[str] = field(default_factory=set)
    """Ids to look up again with the next batch."""


class PartyCache:
    """Finds the Sage records of parties. One per company. Safe for concurrent use.

    Args:
        client: The Sage client.
        config: How long records are trusted.
        time: The clock.
    """

    def __init__(self, client: SageClient, config: ExportConfig, time: Clock) -> None:
        self._client = client
        self._refresh = config.cache_ttl.total_seconds()
        self._recheck = config.negative_cache_ttl.total_seconds()
        self._time = time
        self._places: dict[tuple[object, ...], _CachedParties] = {}
        self._reading = asyncio.Lock()

    async def find(self, login: Login, wanted: Sequence[PartyQuery]) -> list[str | Rejected]:
        """Look up parties. Returns each one's id in Sage, or why there is none, in the order of `wanted`.

        Args:
            login: The user to sign in with.
            wanted: The parties.

        Raises:
            SageError: Something could not be read. Nothing was decided.
        """
        groups: dict[tuple[object, ...], list[int]] = {}
        for number, one in enumerate(wanted):
            groups.setdefault((one.ref.kind, one.link), []).append(number)
        answers: dict[int, str | Rejected] = {}
        async with self._reading:
            for numbers in groups.values():
                found = await self._find(login, [wanted[number] for number in numbers])
                answers |= dict(zip(numbers, found, strict=True))
        return [answers[number] for number in range(len(wanted))]

    def record(self, login: Login, one: PartyQuery, party_id: str) -> PartyRecord | None:
        """The cached record of a party that was found. None if there is none."""
        return self._known(login, one).index.get(party_id)

    def invalidate(self, kind: PartyKind, party_ids: Iterable[str]) -> None:
        """Look these ids up again with the next batch: Sage refused their documents, or their records were changed."""
        ids = set(party_ids)
        for place, known in self._places.items():
            if place[1] is kind:
                known.doubted |= ids

    async def fetch(self, login: Login, kind: PartyKind, party_ids: Iterable[str]) -> dict[str, PartyRecord]:
        """The records that Sage has now under these ids, active or not. The cache is bypassed."""
        records = await self._client.parties(login, kind, ids=party_ids)
        return {record.id: record for record in records}

    async def _find(self, login: Login, wanted: Sequence[PartyQuery]) -> list[str | Rejected]:
        known, kind = self._known(login, wanted[0]), wanted[0].ref.kind
        details = any(one.rules.update for one in wanted)
        fields = PartyFields(wanted[0].link[1], details)
        now = self._time.monotonic()
        unknown = {one.party_id for one in wanted if one.party_id and not self._fresh(known, one, now)} | known.doubted
        there: dict[str, PartyRecord] = {}
        if unknown:
            there = {record.id: record for record in await self._client.parties(login, kind, fields, unknown)}
            for party_id in unknown:
                known.asked_at[party_id] = now
                if (record := there.get(party_id)) is not None:
                    known.index.put(record)
                else:
                    known.index.drop(party_id)
            known.doubted -= unknown
        if any(self._by_list(known, one) for one in wanted):
            await self._list(login, kind, known, fields, self._refresh, there.values())
        answers = [self._match(known, one) for one in wanted]
        if any(
            isinstance(answer, Rejected) and answer.code is not Code.PARTY_UNNAMED and self._by_list(known, one)
            for one, answer in zip(wanted, answers, strict=True)
        ):
            await self._list(login, kind, known, fields, self._recheck, there.values())
            answers = [self._match(known, one) for one in wanted]
        return answers

    @staticmethod
    def _match(known: _CachedParties, one: PartyQuery) -> str | Rejected:
        return known.index.match(one.ref, one.rules, one.profile, one.own_id, one.own_ids)

    def _known(self, login: Login, one: PartyQuery) -> _CachedParties:
        place = (login.entity_id, one.ref.kind, one.link)
        if (known := self._places.get(place)) is None:
            known = self._places[place] = _CachedParties(PartyIndex(link=one.link[0]))
        return known

    def _fresh(self, known: _CachedParties, one: PartyQuery, now: float) -> bool:
        """Whether the cached answer for the party's id is still trusted."""
        party_id = one.party_id or ""
        record = known.index.get(party_id)
        if one.rules.update and record is not None and record.details is None:
            return False
        age = now - max(known.asked_at.get(party_id, _NEVER), known.listed_at)
        return age <= (self._refresh if record is not None and record.active else self._recheck)

    @staticmethod
    def _by_list(known: _CachedParties, one: PartyQuery) -> bool:
        """Whether the whole list is needed to find the party, by number or by name."""
        if one.ref.external_id or (one.own_id and known.index.get(one.own_id) is not None):
            return False
        by_name = one.rules.by_name and any(name.strip() for name in one.ref.names)
        return by_name or bool(link_number(one.rules, one.profile))

    async def _list(
        self,
        login: Login,
        kind: PartyKind,
        known: _CachedParties,
        fields: PartyFields,
        oldest: float,
        asked: Iterable[PartyRecord],
    ) -> None:
        """Read the whole list if it is older than `oldest` seconds. Records that were just looked up stay cached."""
        if self._time.monotonic() - known.listed_at <= oldest:
            return
        records = await self._client.parties(login, kind, fields)
        known.index.replace({record.id: record for record in (*asked, *records)}.values())
        known.listed_at = self._time.monotonic()
        known.asked_at.clear()
        known.doubted.clear()
