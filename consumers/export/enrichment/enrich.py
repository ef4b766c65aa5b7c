"""Step 2, the part that calls Sage: look up or create what a document needs before it can be sent.

Lists are read in bulk and cached, never once for each line or document. Nothing is booked here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from consumers.export.config import ExportConfig
from consumers.export.enrichment.dimension_cache import DimensionCache
from consumers.export.enrichment.party_cache import PartyCache, PartyQuery
from consumers.export.enrichment.party_creation import CreationResult, NewParty, PartyCreator
from consumers.export.enrichment.party_sync import PartySync, PartyToSync
from consumers.export.enrichment.term_cache import TermCache
from consumers.export.protocol.decide import books_the_same, is_booked_already, same_party
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.results import rejected
from consumers.export.work_item import WorkItem
from domain.categories import fold
from domain.codes import Code
from domain.documents import SageObject
from domain.outcomes import Rejected
from domain.parties.matching import derived_ids, new_id, own_id
from domain.parties.party_fields import not_sent
from domain.terms import TermList, choose_term, due, term_name
from kafka_client.clock import Clock
from sage_client import ExchangeLevel, Login, SageClient, SageError
from sage_client.errors import UnavailableError

_WITH_TERMS = {SageObject.AR_INVOICE, SageObject.AP_BILL}
"""Sage objects that have payment terms. Adjustments have none."""


@dataclass(slots=True)
class Enriched:
    """The outcome of preparing a batch. Documents that are in neither list have their `party_id` and their term."""

    refused: list[tuple[WorkItem, ExportResult]] = field(default_factory=list)
    """Documents that end before they are sent, each with its result."""
    retry_later: list[tuple[WorkItem, SageError]] = field(default_factory=list)
    """Documents whose party is not proven to exist yet, each with the reason. They are prepared again soon."""

    @property
    def held_back(self) -> set[WorkItem]:
        """The documents of both lists."""
        return {work for work, _ in (*self.refused, *self.retry_later)}


class Enrichment:
    """Prepares the documents of one company. One per lane.

    Args:
        client: The Sage client.
        config: How long lists are trusted.
        time: The clock.
    """

    def __init__(self, client: SageClient, config: ExportConfig, time: Clock) -> None:
        self._directory = PartyCache(client, config, time)
        self._maker = PartyCreator(client, self._directory)
        self._updates = PartySync(client, self._directory)
        self._terms = TermCache(client, config, time)
        self.dimensions = DimensionCache(client, config, time)

    async def prepare(self, login: Login, batch: Sequence[WorkItem]) -> Enriched:
        """Find or create the party of each document, settle its payment term, and check its dimensions.

        Args:
            login: The user to sign in with.
            batch: Mapped documents, all of one place and one kind.

        Raises:
            SageError: Something could not be read. Nothing was decided for any document of the batch.
        """
        without_term = await self._settle_terms(login, batch)
        # This comes first: a document whose content is in Sage already needs no check, and above all no correction.
        prepared = Enriched(refused=await self._stands_already(login, batch))
        prepared.refused += await self.dimensions.refuse_unusable(login, _others(batch, prepared.held_back))
        prepared.refused += [(work, result) for work, result in without_term if work not in prepared.held_back]
        answers = await self._find(login, _others(batch, prepared.held_back), prepared)
        followed = []
        for work, party in answers:
            if isinstance(party, Rejected):
                prepared.refused.append((work, rejected(work.plan.document, party)))
                continue
            work.plan = replace(work.plan, party_id=party)
            if (one := self._follows(login, work, party)) is not None:
                followed.append(one)
        if followed:
            await self._updates.follow(login, followed)
        return prepared

    def refused(self, work: WorkItem) -> None:
        """Read the document's party and terms again at their next use: Sage refused it, so they may have changed."""
        document, party_id = work.plan.document, work.plan.party_id
        if document is None:
            return
        if party_id is not None:
            self._directory.invalidate(document.party.kind, [party_id])
        if document.term is not None:
            self._terms.doubt(document.source.side)

    # Terms.

    async def _settle_terms(self, login: Login, batch: Sequence[WorkItem]) -> list[tuple[WorkItem, ExportResult]]:
        """Give each document its payment term. Returns the documents without one, each with its result."""
        asked = {
            work: name
            for work in batch
            if work.mapped.sage_object in _WITH_TERMS
            and (name := term_name(work.mapped.source.terms, work.mapped.term_rules)) is not None
        }
        if not asked:
            return []
        lacking = {fold(name) for work, name in asked.items() if work.mapped.source.terms.days != 0}
        terms = await self._terms.of(login, batch[0].mapped.source.side, lacking=lacking)
        refused = [(work, _with_term(work, terms)) for work in asked]
        return [(work, rejected(work.plan.document, one)) for work, one in refused if one is not None]

    # Parties.

    async def _stands_already(self, login: Login, batch: Sequence[WorkItem]) -> list[tuple[WorkItem, ExportResult]]:
        """The documents that Sage holds already, if the party is found to be the same. Each with its result."""
        same = [
            (work, one)
            for work in batch
            if (one := work.plan.existing) and books_the_same(one, work.received, work.mapped)
        ]
        if not same:
            return []
        answers = await self._directory.find(login, [_party_query(work) for work, _ in same])
        settled = []
        for (work, standing), found in zip(same, answers, strict=True):
            if same_party(standing, work.mapped, found):
                work.plan = replace(work.plan, party_id=standing.party_id)
                settled.append((work, is_booked_already(standing, work.received, work.mapped)))
        return settled

    async def _find(
        self, login: Login, batch: Sequence[WorkItem], prepared: Enriched
    ) -> list[tuple[WorkItem, str | Rejected]]:
        if not batch:
            return []
        sought = [_party_query(work) for work in batch]
        by_hand = [one.party_id for work, one in zip(batch, sought, strict=True) if work.command and one.party_id]
        self._directory.invalidate(sought[0].ref.kind, by_hand)  # a person may have corrected the party a moment ago
        answers = await self._directory.find(login, sought)
        new: dict[str, NewParty] = {}
        ids: dict[WorkItem, str] = {}
        for number, (work, one, answer) in enumerate(zip(batch, sought, answers, strict=True)):
            if not (one.rules.create and isinstance(answer, Rejected) and answer.code is Code.PARTY_NOT_FOUND):
                continue
            party_id = new_id(one.ref, one.profile, one.own_id)
            if isinstance(party_id, Rejected):
                answers[number] = Rejected(answer.code, f"{answer.detail}; {party_id.detail}")
            elif one.profile is not None:
                ids[work] = party_id
                new.setdefault(party_id, NewParty(party_id, one.ref.kind, one.profile, one.rules, _own_term(work)))
        if not new:
            return list(zip(batch, answers, strict=True))
        made = await self._maker.make(login, batch[0].connection, list(new.values()))
        self._directory.invalidate(sought[0].ref.kind, made)
        for work, party_id in ids.items():
            if made[party_id] is None:
                made_without = not_sent(new[party_id].kind, new[party_id].profile)
                work.plan = replace(work.plan, party_made=made_without)
        anew = await self._directory.find(login, [_party_query(work) for work in ids])
        settled = {work: _made(made[ids[work]], answer) for work, answer in zip(ids, anew, strict=True)}
        prepared.retry_later += [(work, one) for work, one in settled.items() if isinstance(one, SageError)]
        first = zip(batch, answers, strict=True)
        both = [(work, settled.get(work, answer)) for work, answer in first]
        return [(work, answer) for work, answer in both if not isinstance(answer, SageError)]

    def _follows(self, login: Login, work: WorkItem, party_id: str) -> PartyToSync | None:
        one = _party_query(work)
        record = self._directory.record(login, one, party_id) if one.rules.update else None
        if record is None or not record.active or record.details is None or one.profile is None:
            return None
        return PartyToSync(one.ref.kind, record, one.profile, _own_term(work))


def _others(batch: Sequence[WorkItem], held: set[WorkItem]) -> list[WorkItem]:
    return [work for work in batch if work not in held]


def _party_query(work: WorkItem) -> PartyQuery:
    document = work.mapped
    own = own_id(document.source, document.connection.entity_id) if document.party_rules.create else None
    profile = None if document.party.provider else document.source.profile
    ids = derived_ids(document.party.kind, document.connection.entity_id, profile)
    return PartyQuery(document.party, document.party_rules, profile, own, ids)


def _made(made: CreationResult, found: str | Rejected) -> str | Rejected | SageError:
    """The outcome of creating a party. If a look-up finds the party, it exists; without that, nothing is proven."""
    if isinstance(found, str) or found.code is not Code.PARTY_NOT_FOUND:
        return found
    return made or UnavailableError(f"a party was made and is not seen yet: {found.detail}", level=ExchangeLevel.RESULT)


def _with_term(work: WorkItem, terms: TermList) -> Rejected | None:
    document = work.mapped
    asked = document.source.terms
    use = choose_term(asked, document.term_rules, terms)
    if isinstance(use, Rejected):
        return use
    dated = replace(document, term=use, due=due(asked, use, document.date, document.source.due))
    work.plan = replace(work.plan, document=dated)
    return None


def _own_term(work: WorkItem) -> str | None:
    """The term of the party's profile itself, if Sage has it; else None."""
    document = work.mapped
    if document.term is None or document.term.fallback or document.source.terms.days is None:
        return None
    return document.term.used
